package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// make a folder with one of each kind of name.
func folder(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "server-1.0")
	for name, text := range map[string]string{"configure": "#!/bin/sh\n", "src/main.c": "int main;\n", "src/a.h": "", "doc/read-only/x": "x", ".git/HEAD": "ref", "lib/.git": "gitdir"} {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
		at := time.Date(2018, 11, 23, 12, 0, 0, 123456789, time.UTC)
		must(t, os.Chtimes(path, at, at))
	}
	must(t, os.Chmod(filepath.Join(dir, "configure"), 0o755))
	must(t, os.Symlink("src/main.c", filepath.Join(dir, "link")))
	must(t, os.Symlink("../outside", filepath.Join(dir, "src/away")))
	must(t, os.Link(filepath.Join(dir, "src/main.c"), filepath.Join(dir, "src/second.c")))
	must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o750))
	must(t, os.Chmod(filepath.Join(dir, "doc/read-only"), 0o555))
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "doc/read-only"), 0o755) })
	return dir
}

// state describes all that is in a folder; of git's there is only that it is there.
func state(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		var text []byte
		target, _ := os.Readlink(path)
		if info.Mode().IsRegular() {
			text, err = os.ReadFile(path)
			must(t, err)
		}
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %v %d %q %s\n", rel, info.Mode(), info.ModTime().UnixNano(), text, target)
		return nil
	}))
	return b.String()
}

func TestRestore(t *testing.T) {
	for what, change := range map[string]func(dir string) error{
		"nothing":    func(string) error { return nil },
		"a new file": func(dir string) error { return os.WriteFile(filepath.Join(dir, "src/main.o"), []byte("o"), 0o644) },
		"a new tree": func(dir string) error { return os.MkdirAll(filepath.Join(dir, "src/.libs/a/b"), 0o700) },
		"removed":    func(dir string) error { return os.RemoveAll(filepath.Join(dir, "src")) },
		"in place": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "src/main.c"), []byte("int niam;\n"), 0o644)
		},
		"link's time": func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "link")), os.Symlink("src/main.c", filepath.Join(dir, "link")))
		},
		"a mode":    func(dir string) error { return os.Chmod(filepath.Join(dir, "configure"), 0o600) },
		"no rights": func(dir string) error { return os.Chmod(filepath.Join(dir, "src/a.h"), 0) },
		"a folder for a link": func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "link")), os.MkdirAll(filepath.Join(dir, "link/x"), 0o755))
		},
		"a link for a folder": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "src")), os.Symlink("lib", filepath.Join(dir, "src")))
		},
		"a file for a folder": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "src")), os.WriteFile(filepath.Join(dir, "src"), nil, 0o644))
		},
		"in a folder without rights": func(dir string) error {
			ro := filepath.Join(dir, "doc/read-only")
			return errors.Join(os.Chmod(ro, 0o755), os.Remove(filepath.Join(ro, "x")), os.WriteFile(filepath.Join(ro, "y"), nil, 0o400), os.Chmod(ro, 0o555))
		},
		"contents and time": func(dir string) error {
			path := filepath.Join(dir, "src/main.c")
			info, err := os.Stat(path)
			return errors.Join(err, os.WriteFile(path, []byte("int xxxx;\n"), 0o644), os.Chtimes(path, info.ModTime(), info.ModTime()))
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := folder(t)
			want := state(t, dir)
			s, err := Take(t.Context(), dir, filepath.Join(t.TempDir(), "keep"))
			must(t, err)
			must(t, change(dir))
			changed, err := s.Changed(t.Context())
			must(t, err)
			if (len(changed) > 0) != (what != "nothing") || !slices.IsSorted(changed) {
				t.Errorf("changed: %q", changed)
			}
			s, err = Open(s.into)
			must(t, err)
			for range 2 { // the second time there is nothing to do
				must(t, s.Restore(t.Context()))
				if got := state(t, dir); got != want {
					t.Errorf("it is\n%s\nand was\n%s", got, want)
				}
			}
			if changed, err := s.Changed(t.Context()); len(changed) > 0 || err != nil {
				t.Errorf("after all was put back: %q, %v", changed, err)
			}
			must(t, s.Drop())
			if _, err := Open(s.into); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("after it was dropped: %v", err)
			}
		})
	}
}

// TestSecondName: a file that has two names keeps them.
func TestSecondName(t *testing.T) {
	dir := folder(t)
	s, err := Take(t.Context(), dir, filepath.Join(t.TempDir(), "keep"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "src/second.c"), []byte("x"), 0o644))
	must(t, s.Restore(t.Context()))
	a, err := os.Stat(filepath.Join(dir, "src/main.c"))
	must(t, err)
	b, err := os.Stat(filepath.Join(dir, "src/second.c"))
	must(t, err)
	if !os.SameFile(a, b) {
		t.Error("they are two files now")
	}
}

// TestSecondNameElsewhere: where a file with two names has come to stand for another one, that
// is put back without the names sharing what is written.
func TestSecondNameElsewhere(t *testing.T) {
	dir := folder(t)
	want := state(t, dir)
	s, err := Take(t.Context(), dir, filepath.Join(t.TempDir(), "keep"))
	must(t, err)
	must(t, os.Rename(filepath.Join(dir, "src/main.c"), filepath.Join(dir, "configure")))
	must(t, s.Restore(t.Context()))
	if got := state(t, dir); got != want {
		t.Errorf("it is\n%s\nand was\n%s", got, want)
	}
}

func TestGitIsLeftAlone(t *testing.T) {
	dir := folder(t)
	s, err := Take(t.Context(), dir, filepath.Join(t.TempDir(), "keep"))
	must(t, err)
	for _, name := range []string{".git/HEAD", "lib/.git", ".git/new"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("new"), 0o644))
	}
	must(t, s.Restore(t.Context()))
	for _, name := range []string{".git/HEAD", "lib/.git", ".git/new"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); string(text) != "new" || err != nil {
			t.Errorf("%s has %q, %v", name, text, err)
		}
	}
}

// TestUnfinished: a snapshot is one only when all of it is there.
func TestUnfinished(t *testing.T) {
	dir, keep := folder(t), filepath.Join(t.TempDir(), "keep")
	_, err := Take(t.Context(), dir, keep)
	must(t, err)
	must(t, os.Remove(filepath.Join(keep, listName)))
	if _, err := Open(keep); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its list: %v", err)
	}
	s, err := Take(t.Context(), dir, keep) // what is left over is no hindrance
	must(t, err)
	must(t, os.WriteFile(filepath.Join(keep, copyName, "configure"), []byte("rotten"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "configure"), []byte("new"), 0o600))
	if err := s.Restore(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged one: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(keep, listName), []byte("{"), 0o600))
	if _, err := Open(keep); !errors.Is(err, ErrDamaged) {
		t.Errorf("with a damaged list: %v", err)
	}
	if _, err := Take(t.Context(), filepath.Join(dir, "none"), keep); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := os.Stat(keep); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that failed leaves %v", err)
	}
}

// TestAnyChanges does what comes, and puts all of it back.
func TestAnyChanges(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	dir := folder(t)
	want := state(t, dir)
	s, err := Take(t.Context(), dir, filepath.Join(t.TempDir(), "keep"))
	must(t, err)
	names := []string{"configure", "src", "src/main.c", "src/new", "src/new/er", "empty", "empty/x", "link", "doc/read-only/x", "doc"}
	for round := range 100 {
		for range 1 + r.IntN(6) { // some fail, as they may
			path := filepath.Join(dir, names[r.IntN(len(names))])
			switch r.IntN(6) {
			case 0:
				_ = os.RemoveAll(path)
			case 1:
				_ = os.WriteFile(path, []byte{byte(r.IntN(256))}, 0o644)
			case 2:
				_ = os.MkdirAll(path, 0o755)
			case 3:
				_ = os.Rename(path, filepath.Join(dir, names[r.IntN(len(names))]))
			case 4:
				_ = os.Symlink("src", path)
			case 5:
				_ = os.Chmod(path, fs.FileMode(0o500+r.IntN(0o200)))
			}
		}
		must(t, s.Restore(t.Context()))
		if got := state(t, dir); got != want {
			t.Fatalf("seed %d, round %d: it is\n%s\nand was\n%s", seed, round, got, want)
		}
	}
}

// TestInside: a snapshot that lies in the folder itself is no part of it.
func TestInside(t *testing.T) {
	dir := folder(t)
	s, err := Take(t.Context(), dir, filepath.Join(dir, "keep", "before"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "keep", "a.log"), nil, 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "new"), nil, 0o644))
	if changed, err := s.Changed(t.Context()); err != nil || !slices.Equal(changed, []string{"new"}) {
		t.Errorf("changed: %q, %v", changed, err)
	}
	must(t, s.Restore(t.Context()))
	if _, err := os.Stat(filepath.Join(dir, "keep", "a.log")); err != nil {
		t.Error(err)
	}
}
