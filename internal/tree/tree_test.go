package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// longAgo is the time of all files that make writes, so that a test can see
// whether one was replaced.
func longAgo() time.Time { return time.Date(2018, 11, 23, 12, 0, 0, 123456789, time.UTC) }

// makeTree writes a tree into a new folder: "name: content", "name/" for a folder,
// "name -> target" for a link and "name*: content" for an executable.
func makeTree(t testing.TB, lines ...string) *Tree {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	check(t, os.Mkdir(dir, 0o755))
	plant(t, dir, lines...)
	tree, err := Open(dir)
	check(t, err)
	t.Cleanup(func() { check(t, tree.Close()) })
	return tree
}

// plant does for makeTree what is done before the tree is opened.
func plant(t testing.TB, dir string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if name, target, ok := strings.Cut(line, " -> "); ok {
			check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
			check(t, os.Symlink(target, filepath.Join(dir, name)))
			continue
		}
		name, content, isFile := strings.Cut(line, ": ")
		mode := fs.FileMode(0o644)
		if bare, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = bare, 0o755
		}
		path := filepath.Join(dir, name)
		if !isFile {
			check(t, os.MkdirAll(path, 0o755))
			continue
		}
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, []byte(content), mode))
		check(t, os.Chmod(path, mode))
	}
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() != fs.ModeSymlink {
			err = os.Chtimes(path, longAgo(), longAgo())
		}
		return err
	}))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// state describes everything in a folder: kind, permissions, time, inode, number
// of names and content. With exact false only kind, permissions and content.
func state(t testing.TB, dir string, exact bool) map[string]string {
	t.Helper()
	all := map[string]string{}
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular() && info.Size() == 0:
			text += " " // there may be no permission to read it
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " " + target
		}
		if exact {
			sys := info.Sys().(*syscall.Stat_t)
			names := uint64(sys.Nlink)
			if info.IsDir() {
				names = 0
			}
			text += fmt.Sprintf(" %d %d %d", info.ModTime().UnixNano(), sys.Ino, names)
		}
		all[name] = text
		return nil
	}))
	return all
}

// same compares two states.
func same(t testing.TB, what string, before, after map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if before[name] != after[name] {
			t.Errorf("%s: %s was %q and is %q", what, name, before[name], after[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, ok := before[name]; !ok {
			t.Errorf("%s: %s is new: %q", what, name, after[name])
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{
		"a", "a/b", "src/lib-master/x.c", "a b", "-x", "..a", "a..", ".gitignore", "x.git", "git", ".github/x",
		`a\b`, "ä", "\xff", ".srcmend/x", strings.Repeat("a", 300),
	} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", "/", "/a", "a/", "a//b", ".", "./a", "a/.", "..", "../a", "a/../b", "a/..", "a\x00", "a\nb", "a\x1b[m", "a\x7f",
		".git", ".git/hooks/post-checkout", ".GIT/x", "sub/.Git/config", ".srcmend-edit-x", "a/.srcmend-edit-x/b",
	} {
		if err := CheckName(name); !errors.Is(err, ErrRefused) {
			t.Errorf("%q is not refused: %v", name, err)
		}
	}
}

func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"a/b", "../a", "a//b", ".git/x", "a/.GIT", "/a", "a\x00b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if CheckName(name) != nil {
			return
		}
		if !filepath.IsLocal(name) || filepath.Clean(name) != name || !fs.ValidPath(strings.ToValidUTF8(name, "?")) {
			t.Fatalf("%q is taken", name)
		}
		for component := range strings.SplitSeq(name, "/") {
			if strings.ToLower(component) == ".git" {
				t.Fatalf("%q is taken", name)
			}
		}
	})
}

func TestCheckLink(t *testing.T) {
	for _, c := range []struct {
		name, target string
		ok           bool
	}{
		{"a", "b", true},
		{"a", "./b//c/", true},
		{"d/a", "../b", true},
		{"d/e/a", "../../b", true},
		{"d/a", "..", true},
		{"a", "", false},
		{"a", "/etc/passwd", false},
		{"a", "..", false},
		{"a", "../a", false},
		{"d/a", "../../d/b", false},
		{"d/a", "x/../../../d", false},
		{"a", "b/../c", false},
		{"a", ".git/hooks/x", false},
		{"d/a", "../.GIT", false},
		{"a", ".gitignore", true},
		{"a", "b\x00", false},
		{"a", strings.Repeat("b", MaxLink+1), false},
	} {
		err := CheckLink(c.name, c.target)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("link %q to %q: %v", c.name, c.target, err)
		}
	}
}

// FuzzCheckLink: a link that is taken resolves inside the tree at every step.
func FuzzCheckLink(f *testing.F) {
	f.Add("d/a", "../b")
	f.Add("a", "b/../../c")
	f.Fuzz(func(t *testing.T, name, target string) {
		if CheckName(name) != nil || CheckLink(name, target) != nil {
			return
		}
		for i := range len(target) + 1 {
			if i < len(target) && target[i] != '/' {
				continue
			}
			if at := filepath.Join(filepath.Dir(name), target[:i]); !filepath.IsLocal(at) {
				t.Fatalf("link %q to %q leads to %q", name, target, at)
			}
		}
	})
}

// TestRead reads in the quick way and in the slow one.
func TestRead(t *testing.T) {
	for _, slow := range []bool{false, true} {
		testRead(t, slow)
	}
}

func testRead(t *testing.T, slow bool) {
	tree := makeTree(t, "a.c: int a;\n", "bin/run*: #!/bin/sh\n", "empty: ", "d/", "l -> a.c", "out -> /etc", "ld -> bin", "loop -> loop")
	tree.slow = slow
	check(t, syscall.Mkfifo(filepath.Join(tree.Dir(), "pipe"), 0o644))
	check(t, os.Chmod(filepath.Join(tree.Dir(), "a.c"), 0o4640))
	for _, c := range []struct {
		name string
		mode fs.FileMode
		data string
	}{
		{"a.c", 0o640, "int a;\n"},
		{"bin/run", 0o755, "#!/bin/sh\n"},
		{"empty", 0o644, ""},
		{"l", fs.ModeSymlink | 0o777, "a.c"},
		{"out", fs.ModeSymlink | 0o777, "/etc"},
		{"loop", fs.ModeSymlink | 0o777, "loop"},
	} {
		f, err := tree.Read(c.name)
		if err != nil || f.Name != c.name || f.Mode != c.mode || string(f.Data) != c.data {
			t.Errorf("Read(%s) = %v %q, %v; want %v %q", c.name, f.Mode, f.Data, err, c.mode, c.data)
		}
		if f.IsLink() != (c.mode&fs.ModeSymlink != 0) {
			t.Errorf("%s: IsLink is %v", c.name, f.IsLink())
		}
	}
	if info, err := tree.Lstat("ld"); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("Lstat follows a link: %v", err)
	}
	for _, c := range []struct {
		name string
		want error
	}{
		{"none", fs.ErrNotExist},
		{"none/a", fs.ErrNotExist},
		{"a.c/b", fs.ErrNotExist},
		{"d", ErrRefused},
		{"pipe", ErrRefused},
		{"ld/run", ErrRefused},
		{"out/passwd", ErrRefused},
		{"loop/x", ErrRefused},
		{"../tree/a.c", ErrRefused},
		{".git/config", ErrRefused},
	} {
		if f, err := tree.Read(c.name); !errors.Is(err, c.want) {
			t.Errorf("Read(%s) = %q, %v; want %v", c.name, f.Data, err, c.want)
		}
		if _, err := tree.Lstat(c.name); c.name != "d" && c.name != "pipe" && !errors.Is(err, c.want) {
			t.Errorf("Lstat(%s) gives %v; want %v", c.name, err, c.want)
		}
	}
}

func TestReadTooLarge(t *testing.T) {
	tree := makeTree(t, "big: x")
	check(t, os.Truncate(filepath.Join(tree.Dir(), "big"), MaxFile+1))
	for _, tree.slow = range []bool{false, true} {
		if _, err := tree.Read("big"); !errors.Is(err, ErrRefused) {
			t.Errorf("a file of %d bytes is read: %v", MaxFile+1, err)
		}
	}
}

func TestOpen(t *testing.T) {
	tree := makeTree(t, "a: 1")
	if !filepath.IsAbs(tree.Dir()) || tree.Root() == nil {
		t.Errorf("Dir is %q", tree.Dir())
	}
	if _, err := tree.Root().Stat("a"); err != nil {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(tree.Dir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if _, err := Open(filepath.Join(tree.Dir(), "a")); err == nil {
		t.Error("a file is opened as a tree")
	}
}

func TestDigest(t *testing.T) {
	digest := func(lines ...string) string {
		t.Helper()
		d, err := makeTree(t, lines...).Digest()
		check(t, err)
		if len(d) != 64 {
			t.Errorf("fingerprint %q", d)
		}
		return d
	}
	base := digest("a: 1", "a.b: 2", "d/x: 3", "l -> a")
	for what, lines := range map[string][]string{
		"another order of making": {"l -> a", "d/x: 3", "a.b: 2", "a: 1"},
		"an empty folder":         {"a: 1", "a.b: 2", "d/x: 3", "l -> a", "e/"},
		"a git folder":            {"a: 1", "a.b: 2", "d/x: 3", "l -> a", ".git/config: x", "d/.Git: y"},
	} {
		if digest(lines...) != base {
			t.Errorf("%s changes the fingerprint", what)
		}
	}
	for what, lines := range map[string][]string{
		"content":         {"a: 2", "a.b: 2", "d/x: 3", "l -> a"},
		"name":            {"b: 1", "a.b: 2", "d/x: 3", "l -> a"},
		"place":           {"a: 1", "a.b: 2", "x: 3", "l -> a"},
		"execute bit":     {"a*: 1", "a.b: 2", "d/x: 3", "l -> a"},
		"link's target":   {"a: 1", "a.b: 2", "d/x: 3", "l -> a.b"},
		"file for a link": {"a: 1", "a.b: 2", "d/x: 3", "l: a"},
		"missing file":    {"a: 1", "a.b: 2", "l -> a"},
		"one more file":   {"a: 1", "a.b: 2", "d/x: 3", "l -> a", "z: "},
	} {
		if digest(lines...) == base {
			t.Errorf("another %s does not change the fingerprint", what)
		}
	}
	if digest("ab: c") == digest("a: bc") {
		t.Error("names and contents run into each other")
	}
}

func TestDigestIgnoresTimesAndKinds(t *testing.T) {
	tree := makeTree(t, "a: 1")
	before, err := tree.Digest()
	check(t, err)
	check(t, os.Chtimes(filepath.Join(tree.Dir(), "a"), time.Now(), time.Now()))
	check(t, os.Chmod(filepath.Join(tree.Dir(), "a"), 0o600))
	if after, err := tree.Digest(); err != nil || after != before {
		t.Errorf("times or group permissions change the fingerprint: %v", err)
	}
	check(t, syscall.Mkfifo(filepath.Join(tree.Dir(), "pipe"), 0o644))
	if after, err := tree.Digest(); err != nil || after == before {
		t.Errorf("a pipe does not count: %v", err)
	}
}
