package series

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

func need(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write makes files below dir; a name that ends with "*" is executable, a content
// that begins with "-> " makes a link.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name, executable := strings.CutSuffix(name, "*")
		path := filepath.Join(dir, name)
		need(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			need(t, os.Symlink(target, path))
			continue
		}
		mode := fs.FileMode(0o644)
		if executable {
			mode = 0o755
		}
		need(t, os.WriteFile(path, []byte(text), mode))
		old := time.Date(2018, 11, 23, 12, 0, 0, 123456789, time.UTC)
		need(t, os.Chtimes(path, old, old))
	}
}

// state maps the names below dir, but for the record, to what is there: with times
// all of it, without them no folders, which quilt leaves behind.
func state(t testing.TB, dir string, times bool) map[string]string {
	t.Helper()
	all := map[string]string{}
	need(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == "." {
			return err
		}
		if name == folder {
			return filepath.SkipDir
		}
		if d.IsDir() && !times {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		if d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if what += " " + string(text); times {
				what += timeMark + info.ModTime().String()
			}
		}
		all[name] = what
		return nil
	}))
	return all
}

// bare takes the times off a state.
func bare(state map[string]string) map[string]string {
	bare := map[string]string{}
	for name, what := range state {
		what, _, _ = strings.Cut(what, timeMark)
		bare[name] = what
	}
	return bare
}

// timeMark stands before the time of a file in a state.
const timeMark = "\x00time "

// same holds two states against each other.
func same(t testing.TB, what string, want, got map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s is %.200q, want %.200q", what, name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: %s is there, and should not be", what, name)
		}
	}
}

// open opens a tree and its record.
func open(t testing.TB, dir string) (*tree.Tree, *Stack) {
	t.Helper()
	tr, err := tree.Open(dir)
	need(t, err)
	t.Cleanup(func() { _ = tr.Close() })
	s, err := Open(tr)
	need(t, err)
	return tr, s
}

// A forge makes series.
type forge struct{ *rand.Rand }

// text is some lines, or nothing.
func (f forge) text() string {
	var b strings.Builder
	for range f.IntN(40) {
		fmt.Fprintf(&b, "line %d\n", f.IntN(1000))
	}
	return b.String()
}

// change changes some lines.
func (f forge) change(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for range 1 + f.IntN(3) {
		i := f.IntN(len(lines))
		lines[i] = fmt.Sprintf("new %d\n", f.IntN(1000)) + lines[i]
		if f.IntN(2) == 0 {
			lines = slices.Delete(lines, i, i+f.IntN(len(lines)-i)/4)
		}
	}
	return strings.Join(lines, "")
}

// series writes patches into dir/patches, and gives the files before all of them.
func (f forge) series(t testing.TB, dir string) map[string]string {
	t.Helper()
	now := map[string]string{"a": f.text(), "d/b": f.text(), "d/e/c": f.text(), "empty": "", "run*": "#!/bin/sh\n" + f.text()}
	before := maps.Clone(now)
	var names strings.Builder
	for i := range 2 + f.IntN(6) {
		after := maps.Clone(now)
		for range 1 + f.IntN(3) {
			names := slices.Sorted(maps.Keys(after))
			name := names[f.IntN(len(names))]
			switch {
			case f.IntN(6) == 0 && !strings.HasSuffix(name, "*"):
				delete(after, name)
			case f.IntN(5) == 0:
				after[fmt.Sprintf("new/%d", i)] = f.text() + "new\n"
			default:
				after[name] = f.change(after[name])
			}
		}
		name := fmt.Sprintf("p%d.patch", i)
		if f.IntN(2) == 0 {
			name = "sub/" + name
		}
		text := diff(t, now, after)
		if text == "" {
			continue
		}
		write(t, filepath.Join(dir, "patches"), map[string]string{name: text})
		fmt.Fprintln(&names, name)
		now = after
	}
	write(t, filepath.Join(dir, "patches"), map[string]string{"series": names.String()})
	return before
}

// diff compares two sets of files with the system's program.
func diff(t testing.TB, before, after map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	need(t, os.MkdirAll(filepath.Join(dir, "a"), 0o755))
	need(t, os.MkdirAll(filepath.Join(dir, "b"), 0o755))
	write(t, filepath.Join(dir, "a"), before)
	write(t, filepath.Join(dir, "b"), after)
	cmd := exec.Command("diff", "-ruN", "a", "b")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatal(err)
	}
	return string(out)
}

// TestPushAndPop: patches go in and come out, in steps or at once, and what comes
// back is what was there, to the byte and the mode. Its time is new, for make.
func TestPushAndPop(t *testing.T) {
	for seed := range uint64(40) {
		f := forge{rand.New(rand.NewPCG(seed, 7))}
		dir := t.TempDir()
		write(t, filepath.Join(dir, "tree"), f.series(t, dir))
		list, err := Read(filepath.Join(dir, "patches", "series"))
		need(t, err)
		before := state(t, filepath.Join(dir, "tree"), true)
		_, stack := open(t, filepath.Join(dir, "tree"))
		states := []map[string]string{before}
		for _, e := range list.Entries {
			c, err := stack.Push(list, e.Name, Options{})
			need(t, err)
			need(t, c.Check())
			same(t, "only planned", states[len(states)-1], state(t, filepath.Join(dir, "tree"), true))
			need(t, c.Commit())
			states = append(states, state(t, filepath.Join(dir, "tree"), true))
		}
		for i := len(list.Entries) - 1; i >= 0 && f.IntN(4) > 0; i-- {
			stay := ""
			if i > 0 {
				stay = list.Entries[i-1].Name
			}
			_, stack = open(t, filepath.Join(dir, "tree"))
			c, err := stack.Pop(list, stay, Options{})
			need(t, err)
			need(t, c.Commit())
			if i > 0 {
				same(t, fmt.Sprintf("seed %d, without %s", seed, list.Entries[i].Name), bare(states[i]), bare(state(t, filepath.Join(dir, "tree"), true)))
			}
		}
		c, err := stack.Pop(list, "", Options{})
		need(t, err)
		need(t, c.Commit())
		same(t, fmt.Sprintf("seed %d, all out", seed), bare(before), bare(state(t, filepath.Join(dir, "tree"), true)))
		if _, err := os.Lstat(filepath.Join(dir, "tree", folder)); err == nil {
			t.Errorf("seed %d: the record is still there", seed)
		}
		if t.Failed() {
			return
		}
	}
}

// TestWithQuilt: quilt takes out what was put in here, and the other way round.
func TestWithQuilt(t *testing.T) {
	if _, err := exec.LookPath("quilt"); err != nil {
		t.Skip("there is no quilt here")
	}
	quilt := func(dir string, args ...string) {
		t.Helper()
		cmd := exec.Command("quilt", append([]string{"--quiltrc", "-"}, args...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "QUILT_PATCHES=../patches", "LC_ALL=C")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("quilt %v: %v: %s", args, err, out)
		}
	}
	for seed := range uint64(6) {
		f := forge{rand.New(rand.NewPCG(seed, 8))}
		dir := t.TempDir()
		before := f.series(t, dir)
		delete(before, "empty") // quilt takes an empty file for none
		ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
		write(t, ours, before)
		write(t, theirs, before)
		list, err := Read(filepath.Join(dir, "patches", "series"))
		need(t, err)
		start := state(t, ours, false)

		_, stack := open(t, ours)
		c, err := stack.Push(list, "", Options{RemoveEmpty: true})
		if errors.As(err, new(*StopError)) {
			continue // it needs the empty file
		}
		need(t, err)
		need(t, c.Commit())
		quilt(theirs, "push", "-a", "-q")
		same(t, "put in", state(t, theirs, false), state(t, ours, false))

		quilt(ours, "pop", "-a", "-q")
		same(t, "taken out by quilt", start, state(t, ours, false))
		_, stack = open(t, theirs)
		if got := stack.Applied(); len(got) != len(list.Entries) {
			t.Errorf("quilt's record names %v", got)
		}
		c, err = stack.Pop(list, "", Options{})
		need(t, err)
		need(t, c.Commit())
		same(t, "put in by quilt, and taken out", start, state(t, theirs, false))
	}
}

// TestHostileRecords: a record that came with a strange tree leads nowhere.
func TestHostileRecords(t *testing.T) {
	for what, files := range map[string]map[string]string{
		"leads upwards":       {".pc/.version": "2\n", ".pc/applied-patches": "../../up\n"},
		"leads into git":      {".pc/.version": "2\n", ".pc/applied-patches": ".git\n"},
		"other version":       {".pc/.version": "3\n", ".pc/applied-patches": "p\n"},
		"is a link":           {".pc": "-> ../outside"},
		"names are links":     {".pc/.version": "2\n", ".pc/applied-patches": "-> ../../outside/secret"},
		"backup behind links": {".pc/.version": "2\n", ".pc/applied-patches": "p\n", ".pc/p": "-> ../../outside"},
		"backup of a folder":  {".pc/.version": "2\n", ".pc/applied-patches": "p\n", ".pc/p/d": "x", "d/x": "1\n"},
		"backup through link": {".pc/.version": "2\n", ".pc/applied-patches": "p\n", ".pc/p/l/secret": "x", "l": "-> ../outside"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "outside"), map[string]string{"secret": "secret\n"})
		write(t, filepath.Join(dir, "tree"), files)
		write(t, dir, map[string]string{"patches/series": "p\n", "patches/p": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"})
		list, err := Read(filepath.Join(dir, "patches", "series"))
		need(t, err)
		before := state(t, dir, true)
		tr, err := tree.Open(filepath.Join(dir, "tree"))
		need(t, err)
		stack, err := Open(tr)
		if err == nil {
			var c *Change
			if c, err = stack.Pop(list, "", Options{Force: true}); err == nil {
				err = c.Commit()
			}
		}
		if err == nil {
			t.Errorf("%s: it was followed", what)
		}
		same(t, what, before, state(t, dir, true))
		need(t, tr.Close())
	}
}

// TestPoppedFilesAreNew: make has to see that they were changed back.
func TestPoppedFilesAreNew(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"tree/x": "1\n", "patches/series": "p\n", "patches/p": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"})
	before, err := os.Stat(filepath.Join(dir, "tree", "x"))
	need(t, err)
	list, err := Read(filepath.Join(dir, "patches", "series"))
	need(t, err)
	_, stack := open(t, filepath.Join(dir, "tree"))
	for _, step := range []func(*Series, string, Options) (*Change, error){stack.Push, stack.Pop} {
		c, err := step(list, "", Options{})
		need(t, err)
		need(t, c.Commit())
	}
	after, err := os.Stat(filepath.Join(dir, "tree", "x"))
	need(t, err)
	if !after.ModTime().After(before.ModTime()) {
		t.Errorf("it has its old time, %v", after.ModTime())
	}
}

// TestStops: what does not fit stops everything, and says where.
func TestStops(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"tree/x": "1\n", "patches/series": "good\nbad -p0\n",
		"patches/good": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n",
		"patches/bad":  "--- y\n+++ y\n@@ -1 +1 @@\n-1\n+2\n",
	})
	list, err := Read(filepath.Join(dir, "patches", "series"))
	need(t, err)
	before := state(t, filepath.Join(dir, "tree"), true)
	_, stack := open(t, filepath.Join(dir, "tree"))
	c, err := stack.Push(list, "", Options{})
	stop, ok := errors.AsType[*StopError](err)
	if !ok || stop.Name != "bad" || stop.Verdict != patch.Absent || !errors.As(err, new(patch.Conflicts)) || len(c.Steps) != 2 {
		t.Errorf("%v, %+v", err, c)
	}
	same(t, "stopped", before, state(t, filepath.Join(dir, "tree"), true))
	if _, err := stack.Push(list, "none", Options{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("up to a patch that is not there: %v", err)
	}
	if _, err := stack.Pop(list, "good", Options{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("down to a patch that is not in: %v", err)
	}
	c, err = stack.Push(list, "good", Options{})
	need(t, err)
	need(t, c.Commit())
	other := &Series{Name: "other", Dir: list.Dir, Entries: list.Entries[1:]}
	if _, err := stack.Push(other, "", Options{}); !errors.Is(err, ErrStack) {
		t.Errorf("a series without what is in the tree: %v", err)
	}
	if _, err := stack.Pop(other, "", Options{}); !errors.As(err, new(*StopError)) {
		t.Errorf("taken out by a series that does not know it: %v", err)
	}
}

// TestBase: what does not fit is merged, and written so that it fits.
func TestBase(t *testing.T) {
	numbered := func(change map[int]string) string {
		var b strings.Builder
		for i := range 30 {
			if text, ok := change[i]; ok {
				b.WriteString(text)
			} else {
				fmt.Fprintf(&b, "%d\n", i)
			}
		}
		return b.String()
	}
	dir := t.TempDir()
	old := map[string]string{"x": numbered(nil)}
	first := map[string]string{"x": numbered(map[int]string{10: "ten\n"})}
	second := map[string]string{"x": numbered(map[int]string{10: "ten\n", 12: "twelve\n"})}
	write(t, dir, map[string]string{
		"patches/series": "first\nsecond\n", "patches/first": "Subject: first\n\n" + diff(t, old, first), "patches/second": diff(t, first, second),
		"old/x": old["x"], "new/x": "0.5\n" + numbered(map[int]string{8: "eight\n", 14: ""}),
	})
	list, err := Read(filepath.Join(dir, "patches", "series"))
	need(t, err)
	base, _ := open(t, filepath.Join(dir, "old"))
	tr, stack := open(t, filepath.Join(dir, "new"))
	if _, err := stack.Push(list, "", Options{}); !errors.As(err, new(*StopError)) {
		t.Fatalf("it fits without a merge: %v", err)
	}
	c, err := stack.Push(list, "", Options{Base: base})
	need(t, err)
	need(t, c.Commit())
	f, err := tr.Read("x")
	need(t, err)
	want := "0.5\n" + numbered(map[int]string{8: "eight\n", 10: "ten\n", 12: "twelve\n", 14: ""})
	if string(f.Data) != want {
		t.Errorf("merged to %q, want %q", f.Data, want)
	}
	write(t, filepath.Join(dir, "patches"), c.Rewritten)
	if !strings.HasPrefix(c.Rewritten["first"], "Subject: first\n\n") {
		t.Errorf("written anew: %q", c.Rewritten["first"])
	}
	c, err = stack.Pop(list, "", Options{})
	need(t, err)
	need(t, c.Commit())
	c, err = stack.Push(list, "", Options{Strict: true})
	need(t, err)
	need(t, c.Commit())
	if f, err = tr.Read("x"); err != nil || string(f.Data) != want {
		t.Errorf("what was written anew gives %q, %v", f.Data, err)
	}
}
