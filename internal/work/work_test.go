package work

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"srcmend/internal/build"
	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/plan"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
)

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
			write(t, tree, "int x;\n")
			if test.state != nil {
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

	if e, err := w.place(res); err == nil || e.red != nil {
		t.Errorf("without a stage: %+v, %v", e, err)
	}
	if err := os.MkdirAll(w.path("stage"), 0o755); err != nil {
		t.Fatal(err)
	}
	if e, err := w.place(res); err != nil || e.red == nil || e.red.Text != "install wrote no file" {
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
	write(t, filepath.Join(target, "bin/.srcmend-new.hello"), "left by a run that was killed")
	if e, err := w.place(res); err != nil || e.red != nil || res.Files != 4 {
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
	if differs, err := r.Check(w.Root); differs != "" || err != nil {
		t.Errorf("right after installing %s, %v", differs, err)
	}

	// Its own older files are replaced; a changed one is in the way.
	staged(t, w, map[string]string{"bin/hello": "v2", "share/doc": "doc"})
	if e, err := w.place(res); err != nil || e.red != nil {
		t.Fatalf("the next version: %+v, %v", e.red, err)
	}
	write(t, filepath.Join(target, "share/doc"), "the user's notes")
	staged(t, w, map[string]string{"bin/hello": "v3", "share/doc": "doc 3"})
	e, err := w.place(res)
	if err != nil || e.red == nil || len(e.red.Detail) != 1 || !strings.HasSuffix(e.red.Detail[0], "share/doc") {
		t.Fatalf("a changed file: %+v, %v", e.red, err)
	}
	if text, _ := os.ReadFile(filepath.Join(target, "bin/hello")); string(text) != "v2" {
		t.Errorf("although something is in the way, bin/hello is %q", text)
	}
	w.Replace = true
	if e, err := w.place(res); err != nil || e.red != nil {
		t.Fatalf("with Replace: %+v, %v", e.red, err)
	}
}

func TestPlaceOutside(t *testing.T) {
	w := newWork(t)
	w.state = &state{}
	staged(t, w, map[string]string{"bin/hello": "x", "../hello-2/other": "a sibling that begins alike"})
	write(t, w.path("stage/etc/rc.d/hello"), "x")
	e, err := w.place(&Result{})
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

func TestQuote(t *testing.T) {
	got := quote([]string{"./configure", "CFLAGS=-O2 -g", "it's", "", "$HOME", "--a=b,c"})
	if want := `./configure 'CFLAGS=-O2 -g' 'it'\''s' '' '$HOME' --a=b,c`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestArgv(t *testing.T) {
	w := &Work{Make: "/usr/local/bin/gmake"}
	if got, red := w.argv([]string{"gmake", "install"}); red != nil || got[0] != "/usr/local/bin/gmake" || got[1] != "install" {
		t.Errorf("argv is %v, %v", got, red)
	}
	if got, red := w.argv([]string{"ninja"}); red != nil || got[0] != "ninja" {
		t.Errorf("argv is %v, %v", got, red)
	}
	if _, red := (&Work{}).argv([]string{"gmake"}); red == nil || red.Hint == "" {
		t.Error("nobody says that there is no GNU make")
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
