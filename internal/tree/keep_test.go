package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestKeepRefused(t *testing.T) {
	for what, c := range map[string]struct {
		plan func(e *Edit)
		want error
	}{
		"a file that does not change":   {func(e *Edit) { e.Keep("b", "k") }, ErrRefused},
		"a file that is made":           {func(e *Edit) { e.Write(File{Name: "n"}); e.Keep("n", "k") }, fs.ErrNotExist},
		"a file that is not there":      {func(e *Edit) { e.Move("none", "k") }, fs.ErrNotExist},
		"a file under its own name":     {func(e *Edit) { e.Keep("a", "a") }, ErrRefused},
		"a file in two places":          {func(e *Edit) { e.Remove("a"); e.Keep("a", "k"); e.Keep("a", "l") }, ErrRefused},
		"in place of a folder":          {func(e *Edit) { e.Move("a", "d") }, ErrRefused},
		"outside":                       {func(e *Edit) { e.Move("a", "../k") }, ErrRefused},
		"behind a link":                 {func(e *Edit) { e.Move("a", "in/k") }, ErrRefused},
		"from behind a link":            {func(e *Edit) { e.Move("in/f", "k") }, ErrRefused},
		"below a file":                  {func(e *Edit) { e.Move("a", "b/k") }, ErrRefused},
		"below a file that is kept":     {func(e *Edit) { e.Move("a", "k"); e.Write(File{Name: "k/n"}) }, ErrRefused},
		"a folder":                      {func(e *Edit) { e.Move("d", "k") }, ErrRefused},
		"where git would find it":       {func(e *Edit) { e.Move("a", ".git/hooks/pre-commit") }, ErrRefused},
		"where an edit has its journal": {func(e *Edit) { e.Move("a", stageName+"/journal") }, ErrRefused},
	} {
		tree := makeTree(t, "a: 1", "b: 2", "d/f: 3", "in -> d")
		before := state(t, tree.Dir(), true)
		e := tree.Begin()
		c.plan(e)
		if err := e.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: Check says %v", what, err)
		}
		if err := e.Commit(); !errors.Is(err, c.want) {
			t.Errorf("%s: Commit says %v", what, err)
		}
		same(t, what, before, state(t, tree.Dir(), true))
	}
}

func TestMove(t *testing.T) {
	for what, c := range map[string]struct {
		before, after []string
		plan          func(e *Edit)
	}{
		"below itself": {[]string{"a: 1"}, []string{"a/b: 1"}, func(e *Edit) { e.Move("a", "a/b") }},
		"one after the other": {
			[]string{"a: 1", "b: 2", "c: 3"},
			[]string{"b: 1", "c: 2"},
			func(e *Edit) { e.Move("b", "c"); e.Move("a", "b"); e.Keep("a", "b") },
		},
		"in a circle": {[]string{"a: 1", "b: 2"}, []string{"a: 2", "b: 1"}, func(e *Edit) { e.Keep("a", "b"); e.Keep("b", "a") }},
		"there and replaced": {
			[]string{"a: 1", "k: 2"},
			[]string{"a: new", "k: 1"},
			func(e *Edit) { e.Write(File{Name: "a", Data: []byte("new")}); e.Keep("a", "k") },
		},
		"the last word counts": {[]string{"a: 1", "b: 2"}, []string{"a: 1"}, func(e *Edit) {
			e.Move("a", "b")
			e.Remove("b")
			e.Write(File{Name: "a", Data: []byte("1")})
		}},
		"a link":        {[]string{"a: 1", "d/l -> ../a"}, []string{"a: 1", "l -> ../a"}, func(e *Edit) { e.Move("d/l", "l") }},
		"a second name": {[]string{"a: 1"}, []string{"b: 1"}, func(e *Edit) { e.Move("a", "b") }},
	} {
		for system, less := range systems {
			tree, want := makeTree(t, c.before...), makeTree(t, c.after...)
			if what == "a second name" {
				check(t, os.Link(filepath.Join(tree.Dir(), "a"), filepath.Join(tree.Dir(), "b")))
			}
			tree.hook = less
			e := tree.Begin()
			c.plan(e)
			check(t, e.Commit())
			same(t, what+", "+system, state(t, want.Dir(), false), state(t, tree.Dir(), false))
		}
	}
}

func TestExact(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for _, mode := range []fs.FileMode{0, 0o200, 0o444, 0o600, 0o664, 0o777, fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | 0o755} {
		tree := makeTree(t, "a: 1")
		e := tree.Begin()
		for _, name := range []string{"a", "new"} {
			e.Write(File{Name: name, Mode: mode, Exact: true, ModTime: longAgo()})
		}
		check(t, e.Commit())
		for _, name := range []string{"a", "new"} {
			info, err := os.Lstat(filepath.Join(tree.Dir(), name))
			check(t, err)
			if info.Mode() != mode.Perm() || !info.ModTime().Equal(longAgo()) {
				t.Errorf("%s with %v has %v of %v", name, mode, info.Mode(), info.ModTime())
			}
			if f, err := tree.Read(name); err != nil || f.Mode != mode.Perm() || len(f.Data) > 0 || f.Exact || !f.ModTime.IsZero() {
				t.Errorf("%s with %v is read as %+v, %v", name, mode, f, err)
			}
		}
	}
}

// TestChangedMeanwhile: what Commit finds is not what Read has seen.
func TestChangedMeanwhile(t *testing.T) {
	for what, change := range map[string]func(path string) error{
		"content": func(path string) error { return os.WriteFile(path, []byte("2"), 0o644) },
		"size": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("22"), 0o644), os.Chtimes(path, longAgo(), longAgo()))
		},
		"another": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("1"), 0o644), os.Chtimes(path, longAgo(), longAgo()))
		},
		"none":        os.Remove,
		"link":        func(path string) error { return errors.Join(os.Remove(path), os.Symlink("b", path)) },
		"link before": func(path string) error { return os.Rename(path+"-link", path) },
	} {
		for how, plan := range map[string]func(e *Edit, f File){
			"write":  func(e *Edit, f File) { f.Data = []byte("3"); e.Write(f) },
			"expect": func(e *Edit, f File) { e.Expect(f); e.Write(File{Name: "b"}) },
			"keep":   func(e *Edit, f File) { e.Expect(f); e.Keep("a", "k"); e.Write(File{Name: "a"}) },
		} {
			tree := makeTree(t, "a: 1", "a-link -> b", "keeps-the-inode: x")
			f, err := tree.Read("a")
			check(t, err)
			check(t, os.Link(filepath.Join(tree.Dir(), "a"), filepath.Join(filepath.Dir(tree.Dir()), "holds-the-inode")))
			check(t, change(filepath.Join(tree.Dir(), "a")))
			before := state(t, tree.Dir(), true)
			e := tree.Begin()
			plan(e, f)
			if err := e.Commit(); !errors.Is(err, ErrChanged) || !strings.HasPrefix(err.Error(), "a ") {
				t.Errorf("%s, %s: %v", what, how, err)
			}
			same(t, what, before, state(t, tree.Dir(), true))
		}
	}
}

// TestExpectNothing: Read has found nothing, and now there is something.
func TestExpectNothing(t *testing.T) {
	for _, name := range []string{"new", "d/new", "d/e/new"} {
		tree := makeTree(t, "a: 1")
		f, err := tree.Read(name)
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		e := tree.Begin()
		f.Data = []byte("2")
		e.Write(f)
		check(t, e.Commit())
		e.Write(f)
		if err := e.Commit(); !errors.Is(err, ErrChanged) {
			t.Errorf("%s, which was not there, is replaced: %v", name, err)
		}
		e.Expect(f)
		if err := e.Commit(); !errors.Is(err, ErrChanged) {
			t.Errorf("%s, which was not there, is expected: %v", name, err)
		}
	}
}

// TestNothingExpected: an edit of what was not read, or was written since by the
// same program, has nothing to compare with.
func TestNothingExpected(t *testing.T) {
	tree := makeTree(t, "a: 1", "b: 2")
	f, err := tree.Read("a")
	check(t, err)
	e := tree.Begin()
	e.Expect(f)
	check(t, e.Check())
	f.Name = "b"
	e.Write(f)
	e.Expect(f)
	e.Expect(File{Name: "c"})
	e.Expect(File{})
	check(t, e.Commit())
	if f, err := tree.Read("b"); err != nil || string(f.Data) != "1" {
		t.Errorf("b is %q, %v", f.Data, err)
	}
}

// TestOtherFileSystem: a mount point in the tree cannot be had in a test, so its
// error is put in place of the system's.
func TestOtherFileSystem(t *testing.T) {
	for _, ops := range [][]string{{"d/a: 2"}, {"-d/a"}, {"d/new: 2"}} {
		tree := makeTree(t, "a: 1", "d/a: 1")
		before := state(t, tree.Dir(), true)
		tree.hook = func(op, path string) error {
			if op != "create" && op != "mkdir" && strings.HasSuffix(path, "/1.new") || path == "d/a" {
				return syscall.EXDEV
			}
			return nil
		}
		err := planOps(tree, append(ops, "a: 2")...).Commit()
		if !errors.Is(err, syscall.EXDEV) || !strings.Contains(err.Error(), "change of d/") || !strings.Contains(err.Error(), "another file system") {
			t.Errorf("%q: %v", ops, err)
		}
		tree.hook = nil
		check(t, tree.mend())
		before["."], before["d"] = "", ""
		now := state(t, tree.Dir(), true)
		now["."], now["d"] = "", ""
		same(t, ops[0], before, now)
	}
}

// TestTimesOfFolders: a time before 1970 comes back as well.
func TestTimesOfFolders(t *testing.T) {
	tree := makeTree(t, "d/a: 1")
	before1970 := time.Date(1965, 5, 4, 3, 2, 1, 0, time.UTC)
	check(t, os.Chtimes(filepath.Join(tree.Dir(), "d"), before1970, before1970))
	before := state(t, tree.Dir(), true)
	tree.hook = func(op, path string) error {
		if strings.HasSuffix(path, "/"+journalName) {
			return syscall.EIO
		}
		return nil
	}
	if err := planOps(tree, "d/a: 2", "d/b: 2").Commit(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Commit says %v", err)
	}
	tree.hook = nil
	check(t, tree.mend())
	same(t, "after a reversal", before, state(t, tree.Dir(), true))
}
