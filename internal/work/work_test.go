package work

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"srcmend/internal/build"
	"srcmend/internal/distfile"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/history"
	"srcmend/internal/jobserver"
	"srcmend/internal/plan"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
)

func TestMain(m *testing.M) {
	if build.Supervising() {
		syscall.Exit(build.Supervise())
	}
	os.Exit(m.Run())
}

// newWork is work in a new folder, with nothing done yet.
func newWork(t *testing.T) *Work {
	t.Helper()
	dir := t.TempDir()
	return &Work{
		Plan: plan.Plan{
			Package: "hello", Release: "2.12", Prefix: "/opt/hello",
			Steps: []plan.Step{{Name: plan.Configure}, {Name: plan.Build}, {Name: plan.Install}},
		},
		Dir: filepath.Join(dir, "work", "hello-2.12"), Root: filepath.Join(dir, "root"), Logs: dir,
		Locks: filepath.Join(dir, "locks"),
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(text))
}

// TestLoad holds what earlier runs can leave behind against what the next run
// does with it: go on in the tree, or start anew.
func TestLoad(t *testing.T) {
	base := newWork(t).Plan.Hash()
	unpacked := []string{plan.Fetch, plan.Unpack}
	green, red := build.Result{}, build.Result{Exit: 2}
	asked, killed := build.Result{Exit: -1, Ended: build.Interrupted}, build.Result{Exit: -1, Ended: build.Killed}
	for _, test := range []struct {
		name   string
		state  *state
		status *build.Result // of the running step's first command
		kept   bool
		note   string
	}{
		{"nothing", nil, nil, false, ""},
		{"red make", &state{Plan: base, Done: unpacked, Running: plan.Build}, &red, true, "going on with make"},
		{"make asked to end", &state{Plan: base, Done: unpacked, Running: plan.Build}, &asked, true, "going on with make"},
		{"the second command killed", &state{Plan: base, Done: unpacked, Running: plan.Build, Command: 1}, &green, false, "half written"},
		{"make killed", &state{Plan: base, Done: unpacked, Running: plan.Build}, &killed, false, "half written"},
		{"make without a status", &state{Plan: base, Done: unpacked, Running: plan.Build}, nil, false, "half written"},
		{"make ended after its supervisor was left alone", &state{Plan: base, Done: unpacked, Running: plan.Build}, &green, true, "going on with make"},
		{"make killed by a signal from elsewhere", &state{Plan: base, Done: unpacked, Running: plan.Build}, &build.Result{Exit: -1, Signal: "killed"}, false, "half written"},
		{"configure asked to end", &state{Plan: base, Done: unpacked, Running: plan.Configure}, &asked, false, "starting anew"},
		{"red configure", &state{Plan: base, Done: unpacked, Running: plan.Configure}, &red, true, "going on with configure"},
		{"between two steps", &state{Plan: base, Done: append(unpacked, plan.Configure)}, nil, true, "going on where"},
		{"during unpack", &state{Plan: base, Done: []string{plan.Fetch}, Running: plan.Unpack}, nil, false, ""},
		{"during patch", &state{Plan: base, Done: unpacked, Running: plan.Apply}, nil, false, ""},
		{"another plan", &state{Plan: "other", Done: unpacked}, nil, false, "the plan has changed"},
		{"another boot", &state{Plan: base, Done: unpacked, Boot: "long ago"}, nil, false, "started anew since"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWork(t)
			tree := w.path("source", "file.c")
			if test.state != nil {
				write(t, tree, "int x;\n")
				if test.state.Boot == "" {
					test.state.Boot = platform.BootID()
				}
				writeJSON(t, w.path("state.json"), test.state)
			}
			if test.status != nil {
				writeJSON(t, w.path("status", test.state.Running+"-0.json"), test.status)
			}
			note, err := w.load()
			if err != nil {
				t.Fatal(err)
			}
			if test.note == "" && note != "" || !strings.Contains(note, test.note) {
				t.Errorf("the note is %q, want %q", note, test.note)
			}
			if _, err := os.Stat(tree); (err == nil) != test.kept {
				t.Errorf("the tree is kept: %v, want %v", err == nil, test.kept)
			}
			if test.kept != w.state.done(plan.Unpack) {
				t.Errorf("the state says done: %v", w.state.Done)
			}
			for _, dir := range []string{"tmp", "status"} {
				if _, err := os.Stat(w.path(dir)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestLoadOfGarbage(t *testing.T) {
	w := newWork(t)
	write(t, w.path("state.json"), "{")
	if note, err := w.load(); err != nil || !strings.Contains(note, "can't be read") || len(w.state.Done) > 0 {
		t.Errorf("note is %q, %v", note, err)
	}
}

// staged puts files into the stage, by their path below the prefix.
func staged(t *testing.T, w *Work, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(w.path("stage")); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		write(t, w.path("stage", w.Plan.Prefix, name), text)
	}
}

func TestPlace(t *testing.T) {
	w := newWork(t)
	w.state = &state{}
	target := filepath.Join(w.Root, "opt/hello")
	res := &Result{Receipt: history.ReceiptPath(w.Root, w.Plan.Prefix, "hello")}

	if e, err := w.place(t.Context(), res); err == nil || e.red != nil {
		t.Errorf("without a stage: %+v, %v", e, err)
	}
	if err := os.MkdirAll(w.path("stage"), 0o755); err != nil {
		t.Fatal(err)
	}
	if e, err := w.place(t.Context(), res); err != nil || e.red == nil || e.red.Text != "install wrote no file" {
		t.Errorf("with an empty stage: %+v, %v", e.red, err)
	}

	staged(t, w, map[string]string{"bin/hello": "v1", "share/doc": "doc"})
	if err := os.Chmod(w.path("stage/opt/hello/bin/hello"), 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("hello", w.path("stage/opt/hello/bin/hi")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(w.path("stage/opt/hello/var/empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	left := sha256.Sum256([]byte("hello"))
	write(t, filepath.Join(target, "bin", fmt.Sprintf(".srcmend-%x", left[:6])), "left by a run that was killed")
	if e, err := w.place(t.Context(), res); err != nil || e.red != nil || res.Files != 4 {
		t.Fatalf("placed %d files: %+v, %v", res.Files, e.red, err)
	}
	if link, err := os.Readlink(filepath.Join(target, "bin/hi")); err != nil || link != "hello" {
		t.Errorf("the link leads to %q, %v", link, err)
	}
	info, err := os.Stat(filepath.Join(target, "bin/hello"))
	if err != nil || history.ModeText(info.Mode()) != "4755" {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	if names, err := filepath.Glob(filepath.Join(target, "bin/.srcmend*")); err != nil || len(names) > 0 {
		t.Errorf("left over: %v, %v", names, err)
	}
	r, err := history.ReadReceipt(res.Receipt)
	if err != nil || len(r.Files) != 4 || !slices.IsSortedFunc(r.Files, func(a, b history.File) int { return strings.Compare(a.Path, b.Path) }) {
		t.Errorf("the receipt has %+v, %v", r.Files, err)
	}
	if missing, changed, err := r.Check(w.Root); len(missing)+len(changed) > 0 || err != nil {
		t.Errorf("right after installing %v %v, %v", missing, changed, err)
	}
	if names, _ := filepath.Glob(filepath.Join(target, "share/srcmend/.*")); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
}

// is asserts what the files below the prefix hold; "" is no file.
func (w *Work) is(t *testing.T, files map[string]string) {
	t.Helper()
	for name, want := range files {
		text, err := os.ReadFile(w.target(name))
		if err != nil && !errors.Is(err, os.ErrNotExist) || string(text) != want {
			t.Errorf("%s holds %q, %v; want %q", name, text, err, want)
		}
	}
}

// mustPlace stages the files and puts them in place.
func (w *Work) mustPlace(t *testing.T, files map[string]string) {
	t.Helper()
	staged(t, w, files)
	if e, err := w.place(t.Context(), &Result{Receipt: history.ReceiptPath(w.Root, w.Plan.Prefix, w.Plan.Package)}); err != nil || e.red != nil {
		t.Fatalf("%+v, %v", e.red, err)
	}
}

// TestUpgrade goes through versions of a package: its own files are replaced,
// what it no longer has goes, and what the user changed stays.
func TestUpgrade(t *testing.T) {
	w := newWork(t)
	w.state = &state{}
	w.mustPlace(t, map[string]string{"bin/hello": "1", "etc/conf": "default 1", "lib/old": "x", "lib/touched": "x"})
	write(t, w.target("etc/conf"), "the user's")
	write(t, w.target("lib/touched"), "changed")
	w.mustPlace(t, map[string]string{"bin/hello": "2", "etc/conf": "default 2"})
	w.is(t, map[string]string{
		"bin/hello": "2", "etc/conf": "the user's", "etc/conf.srcmend-new": "default 2",
		"lib/old": "", "lib/touched": "changed",
	})
	r, err := history.ReadReceipt(history.ReceiptPath(w.Root, w.Plan.Prefix, w.Plan.Package))
	if err != nil {
		t.Fatal(err)
	}
	if missing, changed, err := r.Check(w.Root); len(missing)+len(changed) > 0 || err != nil {
		t.Errorf("a kept file counts as %v %v, %v", missing, changed, err)
	}
	w.Replace = true
	w.mustPlace(t, map[string]string{"bin/hello": "2", "etc/conf": "default 2"})
	w.is(t, map[string]string{"etc/conf": "default 2"})
}

// TestKilledWhilePlacing leaves what a run leaves that was killed between two
// files. What it had put there already is ours, even for another plan.
func TestKilledWhilePlacing(t *testing.T) {
	w := newWork(t)
	w.state = &state{}
	w.mustPlace(t, map[string]string{"bin/hello": "1", "bin/other": "1"})
	path := history.ReceiptPath(w.Root, w.Plan.Prefix, w.Plan.Package)
	write(t, w.target("bin/hello"), "2")
	f, err := history.Describe(w.target(""), "bin/hello")
	if err != nil {
		t.Fatal(err)
	}
	if err := (history.Receipt{Package: w.Plan.Package, Files: []history.File{f}}).Write(pendingPath(path)); err != nil {
		t.Fatal(err)
	}
	w.mustPlace(t, map[string]string{"bin/hello": "3", "bin/other": "3"})
	w.is(t, map[string]string{"bin/hello": "3", "bin/other": "3", "bin/hello.srcmend-new": ""})
	if _, err := os.Stat(pendingPath(path)); err == nil {
		t.Error("the receipt of what was coming is still there")
	}
}

// TestInTheWay tries what must not be overwritten, each with the prefix left
// as it was.
func TestInTheWay(t *testing.T) {
	for _, test := range []struct {
		name, text      string
		before          func(t *testing.T, w *Work)
		red, redReplace bool
	}{
		{"an unknown file", "files of another origin", func(t *testing.T, w *Work) { write(t, w.target("bin/hello"), "unknown") }, true, false},
		{"another package's", "files of another package", func(t *testing.T, w *Work) {
			other := *w
			other.Plan.Package = "other"
			other.mustPlace(t, map[string]string{"bin/hello": "other"})
		}, true, true},
		{"a folder", "there are folders", func(t *testing.T, w *Work) { write(t, w.target("bin/hello/file"), "x") }, true, true},
		{"the same file", "", func(t *testing.T, w *Work) { write(t, w.target("bin/hello"), "hello") }, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWork(t)
			w.state = &state{}
			test.before(t, w)
			for _, w.Replace = range []bool{false, true} {
				staged(t, w, map[string]string{"aaa": "first", "bin/hello": "hello"})
				e, err := w.place(t.Context(), &Result{Receipt: history.ReceiptPath(w.Root, w.Plan.Prefix, w.Plan.Package)})
				want := test.red && !w.Replace || test.redReplace && w.Replace
				if err != nil || (e.red != nil) != want || want && !strings.Contains(e.red.Text, test.text) {
					t.Fatalf("with Replace %v: %+v, %v", w.Replace, e.red, err)
				}
				if want {
					w.is(t, map[string]string{"aaa": ""})
				}
			}
		})
	}
}

// TestOdd stages what can't be installed.
func TestOdd(t *testing.T) {
	for name, stage := range map[string]func(w *Work, dir string) error{
		"neither a file": func(_ *Work, dir string) error { return syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644) },
		"not UTF-8":      func(_ *Work, dir string) error { return os.WriteFile(filepath.Join(dir, "caf\xe9"), nil, 0o644) },
		"staging folder": func(w *Work, dir string) error { return os.Symlink(w.path("stage", "x"), filepath.Join(dir, "link")) },
		"keeps receipts": func(_ *Work, dir string) error {
			return os.MkdirAll(filepath.Join(dir, history.ReceiptDir, "x"), 0o755)
		},
		"wrote no file":    func(_ *Work, dir string) error { return os.RemoveAll(filepath.Join(dir, "bin")) },
		"outside the pref": func(w *Work, _ string) error { return os.Mkdir(w.path("stage", "etc"), 0o755) },
	} {
		w := newWork(t)
		w.state = &state{}
		staged(t, w, map[string]string{"bin/hello": "x"})
		if err := stage(w, w.path("stage", w.Plan.Prefix)); err != nil {
			t.Fatal(err)
		}
		e, err := w.place(t.Context(), &Result{})
		if err != nil || e.red == nil || !strings.Contains(e.red.Text+strings.Join(e.red.Detail, ""), name) {
			t.Errorf("%s: %+v, %v", name, e.red, err)
		}
		if _, err := os.Stat(w.Root); err == nil {
			t.Errorf("%s: something was installed", name)
		}
	}
}

// TestFolderModes stages a private folder, under a umask that would make all
// folders private.
func TestFolderModes(t *testing.T) {
	w := newWork(t)
	w.state = &state{}
	staged(t, w, map[string]string{"bin/hello": "x", "var/private/file": "x"})
	if err := os.Chmod(w.path("stage", w.Plan.Prefix, "var/private"), 0o700|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	defer syscall.Umask(syscall.Umask(0o077))
	if e, err := w.place(t.Context(), &Result{Receipt: history.ReceiptPath(w.Root, w.Plan.Prefix, w.Plan.Package)}); err != nil || e.red != nil {
		t.Fatalf("%+v, %v", e.red, err)
	}
	for path, want := range map[string]string{"": "0755", "bin": "0755", "var/private": "1700", "share/srcmend": "0755", "share/srcmend/hello.json": "0644"} {
		info, err := os.Stat(w.target(path))
		if err != nil || history.ModeText(info.Mode()) != want {
			t.Errorf("%s is %s, %v; want %s", path, history.ModeText(info.Mode()), err, want)
		}
	}
}

func TestPlaceOutside(t *testing.T) {
	w := newWork(t)
	w.state = &state{}
	staged(t, w, map[string]string{"bin/hello": "x", "../hello-2/other": "a sibling that begins alike"})
	write(t, w.path("stage/etc/rc.d/hello"), "x")
	e, err := w.place(t.Context(), &Result{})
	if err != nil || e.red == nil || !slices.Equal(e.red.Detail, []string{"/etc/rc.d/hello", "/opt/hello-2/other"}) {
		t.Errorf("red is %+v, %v", e.red, err)
	}
	if _, err := os.Stat(w.Root); err == nil {
		t.Error("something was installed all the same")
	}
}

func TestRequests(t *testing.T) {
	sum, commit := strings.Repeat("a", 64), strings.Repeat("c", 40)
	got, err := requests(plan.Archive{Name: "hello-2.12.tar.gz", SHA256: sum, Commit: commit, Sources: []recipe.Source{
		{URL: "https://example.org/h.tar.gz"}, {Git: "https://example.org/h.git", Tag: "v2.12"}, {Debian: "hello"},
	}})
	if err != nil || len(got) != 2 {
		t.Fatalf("requests are %+v, %v", got, err)
	}
	if got[0].Identity.Key() != "sha256/"+sum || len(got[0].Sources) != 2 || got[0].Sources[1].Debian.Package != "hello" {
		t.Errorf("the archive is asked for by %+v", got[0])
	}
	if got[1].Identity.Key() != "git/"+commit || got[1].Sources[0].Git.Tag != "v2.12" || got[1].Name != "hello-2.12.tar" {
		t.Errorf("the tag is asked for by %+v", got[1])
	}
	if _, err := requests(plan.Archive{SHA256: "short", Sources: []recipe.Source{{URL: "https://x/"}}}); err == nil {
		t.Error("a short sum is taken")
	}
}

func TestNewest(t *testing.T) {
	dir := t.TempDir()
	for name, at := range map[string]int64{"a": 1000, "b/c": 3000, "d": 2000} {
		write(t, filepath.Join(dir, name), "x")
		if err := os.Chtimes(filepath.Join(dir, name), time.Unix(at, 0), time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := newest(dir); err != nil || got != 3000 {
		t.Errorf("newest is %d, %v", got, err)
	}
	if got, err := newest(t.TempDir()); err != nil || got != 0 {
		t.Errorf("of nothing newest is %d, %v", got, err)
	}
}

func TestArgv(t *testing.T) {
	w := &Work{Make: "/usr/local/bin/gmake", Plan: plan.Plan{Steps: []plan.Step{{Name: plan.Build, Commands: []plan.Command{{Argv: []string{"gmake"}}}}}}}
	if got := w.argv([]string{"gmake", "install"}); got[0] != "/usr/local/bin/gmake" || got[1] != "install" {
		t.Errorf("argv is %v", got)
	}
	if got := w.argv([]string{"ninja"}); got[0] != "ninja" {
		t.Errorf("argv is %v", got)
	}
	if red := w.cannotRun(plan.Build); red != nil {
		t.Errorf("with GNU make: %+v", red)
	}
	w.Make = ""
	if red := w.cannotRun(plan.Build); red == nil || red.Hint == "" {
		t.Error("nobody says that there is no GNU make")
	}
}

// TestForeignWorkFolder has files of the user's where the work folder is to
// be. They must be left alone.
func TestForeignWorkFolder(t *testing.T) {
	w := newWork(t)
	write(t, w.path("mine.c"), "months of work")
	var foreign *ForeignError
	if _, err := w.load(); !errors.As(err, &foreign) || foreign.Dir != w.Dir {
		t.Errorf("loading gives %v", err)
	}
	if text, err := os.ReadFile(w.path("mine.c")); err != nil || string(text) != "months of work" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

// TestAside changes the plan: the old tree must still be found.
func TestAside(t *testing.T) {
	w := newWork(t)
	write(t, w.path("source", "file.c"), "mended by hand")
	writeJSON(t, w.path("state.json"), &state{Plan: "another", Done: []string{plan.Fetch, plan.Unpack}, Boot: platform.BootID()})
	note, err := w.load()
	if err != nil || !strings.Contains(note, w.Dir+".old") {
		t.Errorf("note is %q, %v", note, err)
	}
	if text, err := os.ReadFile(filepath.Join(w.Dir+".old", "source", "file.c")); err != nil || string(text) != "mended by hand" {
		t.Errorf("the old tree has %q, %v", text, err)
	}
}

func TestRemoveAllOfReadOnlyFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	write(t, filepath.Join(dir, "ro", "file"), "x")
	if err := os.Chmod(filepath.Join(dir, "ro"), 0o555); err != nil {
		t.Fatal(err)
	}
	if err := RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

// TestLockIsWaitedFor makes sure that waiting is said, and ends with the
// context.
func TestLockIsWaitedFor(t *testing.T) {
	w := newWork(t)
	unlock, err := w.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan event.Event, 1)
	other := &Work{Dir: w.Dir, Events: func(e event.Event) { said <- e }}
	done := make(chan error, 1)
	go func() {
		unlock, err := other.lock(t.Context())
		if err == nil {
			unlock()
		}
		done <- err
	}()
	if note, ok := (<-said).(event.Note); !ok || !strings.Contains(note.Text, "waiting") {
		t.Errorf("the note is %+v", note)
	}
	select {
	case err := <-done:
		t.Errorf("the lock was free: %v", err)
	default:
	}
	unlock()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWritable(t *testing.T) {
	w := newWork(t)
	if err := w.writable(); err != nil {
		t.Errorf("a prefix that is yet to be made: %v", err)
	}
	write(t, w.Root, "a file")
	var pathErr *os.PathError
	if err := w.writable(); !errors.As(err, &pathErr) {
		t.Errorf("below a file: %v", err)
	}
}

// TestTime has commands wait for a core longer than they may run, which does not count, and one run
// longer than that.
func TestTime(t *testing.T) {
	t.Parallel()
	w := newWork(t)
	w.Time, w.Trial, w.Path, w.Events = 4*time.Second, true, os.Getenv("PATH"), func(event.Event) {}
	w.Supervisor = new(build.Supervisor)
	defer w.Supervisor.Close()
	cores, err := jobserver.New(t.TempDir(), 1)
	need(t, err)
	defer cores.Close()
	w.Jobserver = cores
	need(t, cores.Acquire(t.Context()))
	time.AfterFunc(w.Time+time.Second, func() { cores.Release(1) })
	w.Plan.Vars = map[string]string{}
	w.Plan.Steps = []plan.Step{{Name: plan.Build, Commands: []plan.Command{{Argv: []string{"true"}}}}}
	_, err = w.load()
	need(t, err)
	need(t, os.MkdirAll(w.path("source"), 0o755))
	var res Result
	if e, err := w.commands(t.Context(), plan.Build, false, &res); err != nil || e.red != nil {
		t.Errorf("a command that has waited for a core: %v, %v", e.red, err)
	}
	w.Plan.Steps[0].Commands[0].Argv = []string{"sleep", "60"}
	_, err = w.commands(t.Context(), plan.Build, false, &res)
	if !errors.Is(err, ErrTime) {
		t.Errorf("a command that runs too long: %v", err)
	}
	if got := cores.Grab(9); got != 1 {
		t.Errorf("%d tokens are left of 1", got)
	}
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTrial tries plans out whose only step is green, red, or ended by somebody. Afterwards nothing
// is there but the log; nor is what a killed one has left.
func TestTrial(t *testing.T) {
	var supervisor build.Supervisor
	defer supervisor.Close()
	dist := t.TempDir()
	store, err := distfile.Open(filepath.Join(dist, "store"))
	need(t, err)
	var packed bytes.Buffer
	tw := tar.NewWriter(&packed)
	need(t, tw.WriteHeader(&tar.Header{Name: "hello-2.12/README", Mode: 0o644}))
	need(t, tw.Close())
	write(t, filepath.Join(dist, "hello-2.12.tar"), packed.String())
	release := plan.Archive{
		Name: "hello-2.12.tar", SHA256: fmt.Sprintf("%x", sha256.Sum256(packed.Bytes())),
		Sources: []recipe.Source{{URL: "file://" + dist + "/hello-2.12.tar"}},
	}
	for _, test := range []struct {
		argv    []string
		outcome event.Outcome
		err     error
	}{
		{[]string{"true"}, event.Green, nil},
		{[]string{"false"}, event.Red, nil},
		{[]string{"sleep", "60"}, event.Green, context.Canceled},
	} {
		w := newWork(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.Trial, w.Supervisor, w.Path = true, &supervisor, os.Getenv("PATH")
		w.Events = func(e event.Event) {
			if _, running := e.(event.Output); running && test.err != nil {
				cancel()
			}
		}
		w.Fetcher = &fetch.Fetcher{Store: store}
		w.Plan.Archive, w.Plan.Vars = release, map[string]string{}
		w.Plan.Steps = []plan.Step{
			{Name: plan.Build, Commands: []plan.Command{{Argv: test.argv}}},
			{Name: plan.Install, Commands: []plan.Command{{Argv: []string{"mkdir", "-p", "{destdir}/opt/hello/bin"}}}},
		}
		write(t, w.path("source", "of-before"), "")
		write(t, w.path("state.json"), "{")
		res, err := w.Run(ctx)
		if res.Outcome != test.outcome || !errors.Is(err, test.err) {
			t.Errorf("%v: %s, %v", test.argv, res.Outcome, err)
		}
		left, err := filepath.Glob(w.Dir + "*")
		if err != nil || len(left) > 0 {
			t.Errorf("%v: left over: %v, %v", test.argv, left, err)
		}
		if _, err := os.Stat(filepath.Join(w.Logs, "make.log")); err != nil {
			t.Errorf("%v: %v", test.argv, err)
		}
	}
}
