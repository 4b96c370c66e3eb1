package mend

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"srcmend/internal/build"
	"srcmend/internal/diagnosis"
	"srcmend/internal/event"
	"srcmend/internal/header"
	"srcmend/internal/signature"
	"srcmend/internal/snapshot"
	"srcmend/internal/yamlfile"
	"srcmend/recipes"
)

func TestMain(m *testing.M) {
	if build.Supervising() {
		os.Exit(build.Supervise())
	}
	os.Exit(m.Run())
}

// stop is a source that lacks an include.
const stop = "#include <unistd.h>\n\nint stop(void)\n{\n\treturn SIGKILL;\n}\n"

// red makes a tree that does not build, and a mender of it.
func red(t *testing.T, source string) (*Mender, Failure, *[]event.Attempted) {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("there is no compiler")
	}
	top := t.TempDir()
	for name, text := range map[string]string{"stop.c": source, "Makefile": "stop.o: stop.c\n\tcc -c stop.c\n"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	layer := func(name string) yamlfile.Layer {
		files, err := fs.Sub(recipes.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		return yamlfile.Layer{Name: name, Files: files}
	}
	catalogue, err := signature.Load(layer("signatures"))
	if err != nil {
		t.Fatal(err)
	}
	headers, err := header.Load(layer("headers"))
	if err != nil {
		t.Fatal(err)
	}
	var tried []event.Attempted
	supervisor := new(build.Supervisor)
	t.Cleanup(supervisor.Close)
	m := &Mender{
		Supervisor: supervisor,
		Top:        top, Keep: filepath.Join(t.TempDir(), "keep"), OS: "linux", Catalogue: catalogue, Headers: headers,
		Events: func(e event.Event) {
			if a, ok := e.(event.Attempted); ok {
				tried = append(tried, a)
			}
		},
	}
	f := Failure{Argv: []string{"make"}, Dir: top, Env: append(os.Environ(), "LC_ALL=C"), Log: filepath.Join(t.TempDir(), "log"), Started: time.Now()}
	cmd := exec.Command("make")
	cmd.Dir, cmd.Env = top, f.Env
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("it is green: %s", out)
	}
	if err := os.WriteFile(f.Log, out, 0o644); err != nil {
		t.Fatal(err)
	}
	return m, f, &tried
}

func source(t *testing.T, m *Mender) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.Top, "stop.c"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// whole says that nothing of an attempt is left.
func whole(t *testing.T, m *Mender) {
	t.Helper()
	if got := source(t, m); got != stop {
		t.Errorf("the source is not as it was: %q", got)
	}
	if _, err := os.Stat(filepath.Join(m.Top, "stop.o")); err == nil {
		t.Error("an attempt has left its object")
	}
	if m.Left() {
		t.Error("the tree is still kept")
	}
}

func TestMend(t *testing.T) {
	m, f, tried := red(t, stop)
	res, err := m.Mend(t.Context(), f)
	if err != nil || !res.Mended || len(res.Changes) != 1 || res.Changes[0].What != "include <signal.h> in stop.c" {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := source(t, m); !strings.Contains(got, "#include <unistd.h>\n#include <signal.h>\n") {
		t.Errorf("the source is %q", got)
	}
	if len(*tried) != 1 || (*tried)[0].Outcome != event.Helped {
		t.Errorf("tried: %+v", *tried)
	}
	if past := m.Past(); len(past) != 1 || past[0].What != res.Changes[0].What {
		t.Errorf("the past is %+v", past)
	}
	// Whoever comes later knows it, as long as it is so.
	if _, err := m.Remember(); err != nil {
		t.Fatal(err)
	}
	later := &Mender{Top: m.Top, Keep: m.Keep}
	if past := later.Past(); len(past) != 1 {
		t.Errorf("later the past is %+v", past)
	}
	if err := os.WriteFile(filepath.Join(m.Top, "stop.c"), []byte(stop), 0o644); err != nil {
		t.Fatal(err)
	}
	if past := later.Past(); len(past) != 0 {
		t.Errorf("what was taken back is still past: %+v", past)
	}
}

// TestMendNothing: what may not be tried, is not known, or is over the budget leaves the tree as it was.
func TestMendNothing(t *testing.T) {
	for name, test := range map[string]struct {
		set func(*Mender)
		log string // in place of the true one
		why string
	}{
		"not allowed": {set: func(m *Mender) { m.Allow = func(context.Context, Change) (bool, error) { return false, nil } }, why: "no remedy"},
		"only recipe": {set: func(m *Mender) { m.Only = true }, why: "no recipe has a fix"},
		"no time":     {set: func(m *Mender) { m.Budget.Time = 1 }, why: "enough was tried"},
		"not known":   {log: "it is broken\n", why: "nothing is known"},
	} {
		t.Run(name, func(t *testing.T) {
			m, f, _ := red(t, stop)
			if test.set != nil {
				test.set(m)
			}
			if test.log != "" {
				if err := os.WriteFile(f.Log, []byte(test.log), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			res, err := m.Mend(t.Context(), f)
			if err != nil || res.Mended || !strings.Contains(res.Why, test.why) {
				t.Errorf("%+v, %v; want %q", res, err, test.why)
			}
			whole(t, m)
		})
	}
}

// TestMendCancelled: whoever is asked may as well end it all.
func TestMendCancelled(t *testing.T) {
	m, f, _ := red(t, stop)
	ctx, cancel := context.WithCancel(t.Context())
	m.Allow = func(context.Context, Change) (bool, error) { cancel(); return true, nil }
	if res, err := m.Mend(ctx, f); err == nil || res.Mended {
		t.Errorf("%+v, %v", res, err)
	}
	whole(t, m)
}

// TestRecover: what a killed attempt has left is undone, in this tree and no other.
func TestRecover(t *testing.T) {
	m, _, _ := red(t, stop)
	if err := m.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"stop.c": "half", "stop.o": "half", "new": ""} {
		if err := os.WriteFile(filepath.Join(m.Top, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	other := &Mender{Top: t.TempDir(), Keep: m.Keep}
	if undone, err := other.Recover(t.Context()); undone || err == nil || !strings.Contains(err.Error(), "which is not this tree") {
		t.Errorf("in another tree: %t, %v", undone, err)
	}
	if undone, err := m.Recover(t.Context()); !undone || err != nil {
		t.Errorf("%t, %v", undone, err)
	}
	whole(t, m)
	if undone, err := m.Recover(t.Context()); undone || err != nil {
		t.Errorf("once more: %t, %v", undone, err)
	}
	// Half a snapshot is none: nothing had begun when it was taken.
	if err := os.MkdirAll(m.snapshotDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if undone, err := m.Recover(t.Context()); undone || err != nil {
		t.Errorf("half a snapshot: %t, %v", undone, err)
	}
	if err := snapshot.Remove(m.snapshotDir()); err != nil {
		t.Error(err)
	}
}

// TestFixRefused: a fix whose patch is not to be had, or does not fit, is passed over.
func TestFixRefused(t *testing.T) {
	m, f, tried := red(t, stop)
	m.Fixes = func(context.Context, diagnosis.Finding) ([]Fix, error) {
		return []Fix{{ID: "gone", Err: os.ErrNotExist}, {ID: "other", Patch: []byte("--- a/other.c\n+++ b/other.c\n@@ -1 +1 @@\n-a\n+b\n")}}, nil
	}
	res, err := m.Mend(t.Context(), f)
	if err != nil || !res.Mended || res.Changes[0].From != Made {
		t.Errorf("%+v, %v", res, err)
	}
	if !slices.ContainsFunc(*tried, func(a event.Attempted) bool {
		return a.Outcome == event.Refused && a.What == "apply the fix gone"
	}) {
		t.Errorf("tried: %+v", *tried)
	}
}

// TestWith: what mends a command is added where it belongs.
func TestWith(t *testing.T) {
	changes := []Change{{Make: []string{"-j1"}, Configure: []string{"--x"}, Env: []string{"A=1", "CFLAGS=-w"}}}
	env := []string{"CFLAGS=-O2"}
	for command, want := range map[string]string{
		"gmake -j4": "gmake -j4 -j1", "./configure": "./configure --x", "sh ./configure": "sh ./configure --x",
		"cmake ..": "cmake .. --x", "cmake --build .": "cmake --build .", "ninja": "ninja", "bmake": "bmake -j1",
	} {
		argv, now := With(changes, strings.Fields(command), env)
		if got := strings.Join(argv, " "); got != want || !slices.Contains(now, "CFLAGS=-O2 -w") || !slices.Contains(now, "A=1") {
			t.Errorf("%s becomes %s with %v", command, got, now)
		}
	}
}

// TestHunt: upstream is asked last, after what is known here.
func TestHunt(t *testing.T) {
	const odd = "int stop(void)\n{\n\treturn NOBODY_DECLARES_THIS;\n}\n"
	m, f, tried := red(t, odd)
	m.Hunt = func(context.Context, diagnosis.Finding) ([]Fix, error) {
		return []Fix{{ID: "10048229", Summary: "stop for good", Patch: []byte("--- a/stop.c\n+++ b/stop.c\n@@ -1,4 +1,4 @@\n int stop(void)\n {\n-\treturn NOBODY_DECLARES_THIS;\n+\treturn 9;\n }\n")}}, nil
	}
	res, err := m.Mend(t.Context(), f)
	if err != nil || !res.Mended || res.Changes[0].From != Hunted || res.Changes[0].What != "take upstream's 10048229: stop for good" {
		t.Fatalf("%+v, %v", res, err)
	}
	if last := (*tried)[len(*tried)-1]; len(*tried) < 2 || last.Outcome != event.Helped {
		t.Errorf("tried: %+v", *tried)
	}
}
