package tree

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// planOps makes an edit of changes written as "name: content", "name*: content",
// "name -> target", "-name", "name => new name" or "name +> name to keep it as".
func planOps(tree *Tree, lines ...string) *Edit {
	e := tree.Begin()
	for _, line := range lines {
		if name, ok := strings.CutPrefix(line, "-"); ok {
			e.Remove(name)
		} else if from, to, ok := strings.Cut(line, " => "); ok {
			e.Move(from, to)
		} else if from, as, ok := strings.Cut(line, " +> "); ok {
			e.Keep(from, as)
		} else if name, target, ok := strings.Cut(line, " -> "); ok {
			e.Write(File{Name: name, Mode: fs.ModeSymlink | 0o777, Data: []byte(target)})
		} else {
			name, content, _ := strings.Cut(line, ": ")
			name, exec := strings.CutSuffix(name, "*")
			mode := fs.FileMode(0o644)
			if exec {
				mode = 0o755
			}
			e.Write(File{Name: name, Mode: mode, Data: []byte(content)})
		}
	}
	return e
}

func TestCommit(t *testing.T) {
	for _, c := range []struct {
		what          string
		before, after []string
		ops           []string
	}{
		{"change", []string{"a: 1"}, []string{"a: 2"}, []string{"a: 2"}},
		{"create", []string{"a: 1"}, []string{"a: 1", "d/e/f: 2"}, []string{"d/e/f: 2"}},
		{"two in a new folder", nil, []string{"d/a: 1", "d/b: 2", "d/e/c: 3"}, []string{"d/e/c: 3", "d/b: 2", "d/a: 1"}},
		{"remove", []string{"a: 1", "b: 2"}, []string{"b: 2"}, []string{"-a"}},
		{"remove the last of a folder", []string{"d/e/a: 1", "b: 2"}, []string{"b: 2"}, []string{"-d/e/a"}},
		{"remove, folder stays", []string{"d/a: 1", "d/b: 2"}, []string{"d/b: 2"}, []string{"-d/a"}},
		{"move inside a folder", []string{"d/a: 1"}, []string{"d/b: 1"}, []string{"-d/a", "d/b: 1"}},
		{"file becomes a folder", []string{"a: 1"}, []string{"a/b: 2"}, []string{"-a", "a/b: 2"}},
		{"link becomes a folder", []string{"l -> /etc"}, []string{"l/b: 2"}, []string{"-l", "l/b: 2"}},
		{"link becomes a file", []string{"a: 1", "l -> a"}, []string{"a: 1", "l: 2"}, []string{"l: 2"}},
		{"file becomes a link", []string{"a: 1", "l: 2"}, []string{"a: 1", "l -> a"}, []string{"l -> a"}},
		{"link is made", []string{"a: 1"}, []string{"a: 1", "d/l -> ../a"}, []string{"d/l -> ../a"}},
		{"link is removed", []string{"a: 1", "l -> a"}, []string{"a: 1"}, []string{"-l"}},
		{"becomes executable", []string{"a: 1"}, []string{"a*: 1"}, []string{"a*: 1"}},
		{"is executable no more", []string{"a*: 1"}, []string{"a: 1"}, []string{"a: 1"}},
		{"the last word counts", []string{"a: 1", "b: 1"}, []string{"a: 3", "c: 4"}, []string{"a: 2", "-a", "a: 3", "b: 2", "-b", "c: 4"}},
		{"nothing", []string{"a: 1"}, []string{"a: 1"}, nil},
		{"long names", nil, []string{strings.Repeat("n", 255) + ": 1"}, []string{strings.Repeat("n", 255) + ": 1"}},
		{"empty folders stay", []string{"e/", "a: 1"}, []string{"e/"}, []string{"-a"}},
	} {
		tree, want := makeTree(t, c.before...), makeTree(t, c.after...)
		if err := planOps(tree, c.ops...).Commit(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		same(t, c.what, state(t, want.Dir(), false), state(t, tree.Dir(), false))
	}
}

func TestCommitEmptiesTheEdit(t *testing.T) {
	tree := makeTree(t, "a: 1")
	e := planOps(tree, "-a")
	check(t, e.Commit())
	if err := e.Commit(); err != nil {
		t.Errorf("a second Commit does something: %v", err)
	}
}

func TestModes(t *testing.T) {
	for _, c := range []struct{ old, asked, want fs.FileMode }{
		{0, 0o644, 0o644},
		{0, 0o755, 0o755},
		{0, 0, 0o644},
		{0, 0o600, 0o644},
		{0, 0o777, 0o755},
		{0, 0o4755&^0o7000 | fs.ModeSetuid, 0o755},
		{0o600, 0o644, 0o600},
		{0o600, 0, 0o600},
		{0o755, 0, 0o755},
		{0o750, 0o755, 0o750},
		{0o640, 0o755, 0o755},
		{0o750, 0o644, 0o644},
		{0o755 | fs.ModeSetuid, 0o755, 0o755},
		{0o444, 0o644, 0o444},
	} {
		tree := makeTree(t, "d/")
		path := filepath.Join(tree.Dir(), "a")
		if c.old != 0 {
			check(t, os.WriteFile(path, []byte("1"), 0o600))
			check(t, os.Chmod(path, c.old))
		}
		e := tree.Begin()
		e.Write(File{Name: "a", Mode: c.asked, Data: []byte("2")})
		check(t, e.Commit())
		info, err := os.Lstat(path)
		check(t, err)
		if info.Mode() != c.want {
			t.Errorf("%v, asked for %v, became %v; want %v", c.old, c.asked, info.Mode(), c.want)
		}
	}
}

func TestUmaskDoesNotCount(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	tree := makeTree(t)
	check(t, planOps(tree, "d/a: 1", "d/b*: 1").Commit())
	for name, want := range map[string]fs.FileMode{"d": fs.ModeDir | 0o755, "d/a": 0o644, "d/b": 0o755} {
		info, err := os.Lstat(filepath.Join(tree.Dir(), name))
		check(t, err)
		if info.Mode() != want {
			t.Errorf("%s has %v, want %v", name, info.Mode(), want)
		}
	}
}

func TestCommitCutsHardLinks(t *testing.T) {
	tree := makeTree(t, "a: 1", "b: 2")
	outside := filepath.Join(filepath.Dir(tree.Dir()), "outside")
	check(t, os.Link(filepath.Join(tree.Dir(), "a"), outside))
	check(t, os.Link(filepath.Join(tree.Dir(), "b"), outside+"-b"))
	check(t, planOps(tree, "a: changed", "-b").Commit())
	for path, want := range map[string]string{outside: "1", outside + "-b": "2"} {
		if data, err := os.ReadFile(path); err != nil || string(data) != want {
			t.Errorf("%s is %q, %v; want %q", path, data, err, want)
		}
	}
}

// TestRefused: the edit is refused as a whole, and before anything happens.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		ops  []string
		want error
	}{
		{[]string{"../x: 1"}, ErrRefused},
		{[]string{"/x: 1"}, ErrRefused},
		{[]string{".git/hooks/x*: 1"}, ErrRefused},
		{[]string{"d: 1"}, ErrRefused},
		{[]string{"-d"}, ErrRefused},
		{[]string{"-none"}, fs.ErrNotExist},
		{[]string{"-d/none"}, fs.ErrNotExist},
		{[]string{"-none/none"}, fs.ErrNotExist},
		{[]string{"out/x: 1"}, ErrRefused},
		{[]string{"in/x: 1"}, ErrRefused},
		{[]string{"-in/f"}, ErrRefused},
		{[]string{"in/new/x: 1"}, ErrRefused},
		{[]string{"a/b: 1"}, ErrRefused},
		{[]string{"-a/b"}, ErrRefused},
		{[]string{"n: 1", "n/m: 1"}, ErrRefused},
		{[]string{"n -> d", "n/m: 1"}, ErrRefused},
		{[]string{"pipe: 1"}, ErrRefused},
		{[]string{"-pipe"}, ErrRefused},
		{[]string{"l -> /etc"}, ErrRefused},
		{[]string{"l -> ../x"}, ErrRefused},
		{[]string{"d/l -> ../../x"}, ErrRefused},
	} {
		tree := makeTree(t, "a: 1", "d/f: 2", "out -> ..", "in -> d")
		check(t, syscall.Mkfifo(filepath.Join(tree.Dir(), "pipe"), 0o644))
		before := state(t, filepath.Dir(tree.Dir()), true)
		e := planOps(tree, append([]string{"A: good", "-a", "z: good"}, c.ops...)...)
		if strings.HasPrefix(c.ops[0], "a/") || strings.HasPrefix(c.ops[0], "-a/") {
			delete(e.ops, "a")
		}
		if err := e.Check(); !errors.Is(err, c.want) {
			t.Errorf("%q: Check says %v, want %v", c.ops, err, c.want)
		}
		if err := e.Commit(); !errors.Is(err, c.want) {
			t.Errorf("%q: Commit says %v, want %v", c.ops, err, c.want)
		}
		same(t, strings.Join(c.ops, ", "), before, state(t, filepath.Dir(tree.Dir()), true))
	}
}

func TestRefusedFiles(t *testing.T) {
	tree := makeTree(t, "a: 1")
	for what, f := range map[string]File{
		"device":    {Name: "x", Mode: fs.ModeDevice | 0o644},
		"folder":    {Name: "x", Mode: fs.ModeDir | 0o755},
		"too large": {Name: "x", Mode: 0o644, Data: make([]byte, MaxFile+1)},
	} {
		e := tree.Begin()
		e.Write(f)
		if err := e.Commit(); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestRollback lets the swap fail after all new files were staged, in every way
// another process could bring about. The tree must be as it was, to the inode and
// the nanosecond.
func TestRollback(t *testing.T) {
	for _, c := range []struct {
		what    string
		disturb func(t *testing.T, dir string)
		repair  func(t *testing.T, dir string)
	}{
		{
			"a folder at the target",
			func(t *testing.T, dir string) { check(t, os.Mkdir(filepath.Join(dir, "zz"), 0o755)) },
			func(t *testing.T, dir string) { check(t, os.Remove(filepath.Join(dir, "zz"))) },
		},
		{
			"a file where a folder shall be made",
			func(t *testing.T, dir string) { check(t, os.WriteFile(filepath.Join(dir, "y"), nil, 0o644)) },
			func(t *testing.T, dir string) { check(t, os.Remove(filepath.Join(dir, "y"))) },
		},
		{
			"a link out of the tree where a folder shall be made",
			func(t *testing.T, dir string) { check(t, os.Symlink("..", filepath.Join(dir, "y"))) },
			func(t *testing.T, dir string) { check(t, os.Remove(filepath.Join(dir, "y"))) },
		},
		{
			"a link out of the tree in place of a folder",
			func(t *testing.T, dir string) {
				check(t, os.Rename(filepath.Join(dir, "x"), filepath.Join(dir, "x-moved")))
				check(t, os.Symlink("..", filepath.Join(dir, "x")))
			},
			func(t *testing.T, dir string) {
				check(t, os.Remove(filepath.Join(dir, "x")))
				check(t, os.Rename(filepath.Join(dir, "x-moved"), filepath.Join(dir, "x")))
			},
		},
		{
			"a file to remove is gone",
			func(t *testing.T, dir string) {
				check(t, os.Rename(filepath.Join(dir, "x", "gone"), filepath.Join(dir, "x", "moved")))
			},
			func(t *testing.T, dir string) {
				check(t, os.Rename(filepath.Join(dir, "x", "moved"), filepath.Join(dir, "x", "gone")))
			},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			tree := makeTree(t, "a: 1", "b*: 2", "d/e/only: 3", "l -> a", "x/f: 4", "x/gone: 5", "hard: 6")
			check(t, os.Chmod(filepath.Join(tree.Dir(), "a"), 0o440))
			check(t, os.Link(filepath.Join(tree.Dir(), "hard"), filepath.Join(filepath.Dir(tree.Dir()), "outside")))
			check(t, os.Chtimes(filepath.Dir(tree.Dir()), longAgo(), longAgo()))
			before := state(t, filepath.Dir(tree.Dir()), true)
			e := planOps(tree, "a: new", "b: new", "-d/e/only", "l: new", "hard: new", "made/by/edit: new",
				"x/f: new", "-x/gone", "y/new: new", "zz: new", "zl -> a")
			e.Keep("a", "kept/a")
			tree.hook = func(op, path string) error {
				if op == "rename" && strings.HasSuffix(path, journalTemp) {
					c.disturb(t, tree.Dir())
				}
				return nil
			}
			err := e.Commit()
			if err == nil || !strings.HasSuffix(err.Error(), " is as it was before") {
				t.Fatalf("Commit says %v", err)
			}
			c.repair(t, tree.Dir())
			for _, folder := range []string{"", "x"} {
				check(t, os.Chtimes(filepath.Join(tree.Dir(), folder), longAgo(), longAgo()))
			}
			same(t, c.what, before, state(t, filepath.Dir(tree.Dir()), true))
		})
	}
}

// TestNameTooLong: the name passes CheckName, and the system has no room for it.
func TestNameTooLong(t *testing.T) {
	tree := makeTree(t, "a: 1")
	before := state(t, tree.Dir(), true)
	if err := planOps(tree, "a: new", "d/"+strings.Repeat("n", 256)+": 1").Commit(); err == nil {
		t.Error("a name of 256 bytes was written")
	}
	same(t, "after a name that is too long", before, state(t, tree.Dir(), true))
}

// FuzzEdit holds random edits against a map: after a Commit the tree is what the
// map says, after an error it is what it was, and nothing beside it changes.
func FuzzEdit(f *testing.F) {
	for seed := range uint64(12) {
		f.Add(seed)
	}
	f.Add(uint64(323)) // a file makes room for a folder
	names := []string{"a", "b", "d", "d/a", "d/b", "d/e/a", "l", "l/x", "../x", ".git/x"}
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 7))
		tree := makeTree(t)
		outside := filepath.Join(filepath.Dir(tree.Dir()), "outside")
		check(t, os.WriteFile(outside, []byte("untouched"), 0o644))
		for range 6 {
			var ops []string
			for range 1 + random.IntN(4) {
				name := names[random.IntN(len(names))]
				other := names[random.IntN(len(names))]
				ops = append(ops, []string{
					"-" + name, name + ": 1", name + "*: 2", name + " -> a", name + " -> ../outside",
					name + " => " + other, name + " +> " + other,
				}[random.IntN(7)])
			}
			old := map[string]File{}
			for _, name := range names {
				old[name], _ = tree.Read(name)
			}
			before := state(t, tree.Dir(), true)
			e := planOps(tree, ops...)
			want := map[string]*op{}
			maps.Copy(want, e.ops)
			if err := e.Commit(); err != nil {
				same(t, strings.Join(ops, ", "), before, state(t, tree.Dir(), true))
				continue
			}
			for name, o := range want {
				got, err := tree.Read(name)
				gone := errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrRefused) && len(state(t, filepath.Join(tree.Dir(), name), false)) > 1
				data := o.file.Data
				if o.from != "" {
					data = old[o.from].Data
				}
				if o.remove != gone || !o.remove && string(got.Data) != string(data) {
					t.Fatalf("%q: %s is %q, %v", ops, name, got.Data, err)
				}
			}
		}
		for name := range state(t, tree.Dir(), false) {
			if strings.Contains(name, TempPrefix) {
				t.Errorf("%s was left", name)
			}
		}
		if data, err := os.ReadFile(outside); err != nil || string(data) != "untouched" {
			t.Fatalf("a file outside the tree is %q, %v", data, err)
		}
	})
}
