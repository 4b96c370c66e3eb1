package gitrepo_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/gitrepo"
)

// said is what git says has changed since a revision, below some folders. A file that git has
// been told to forget, and that is there all the same as it was, has not.
func said(t *testing.T, dir, rev string, folders ...string) []string {
	t.Helper()
	all := git(t, dir, append([]string{"diff", "--name-only", "--no-renames", rev, "--"}, folders...)...) +
		git(t, dir, append([]string{"ls-files", "--others", "--"}, folders...)...)
	names := strings.Fields(all)
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		was := strings.Fields(git(t, dir, "ls-tree", rev, "--", name))
		_, err := os.Lstat(filepath.Join(dir, name))
		return err == nil && len(was) > 2 && strings.TrimSpace(git(t, dir, "hash-object", "--", name)) == was[2]
	})
}

// TestChanged makes random changes, and compares with git.
func TestChanged(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 7))
		dir := t.TempDir()
		git(t, dir, "init", "-q")
		name := func() string {
			return fmt.Sprintf("%s/%s%d", []string{"a", "a/b", "a/c", "d", "d/e/f"}[r.IntN(5)], string(rune('m'+r.IntN(3))), r.IntN(5))
		}
		edit := func() {
			switch at := name(); r.IntN(5) {
			case 0:
				_ = os.Remove(filepath.Join(dir, at))
			case 1:
				_ = os.RemoveAll(filepath.Join(dir, filepath.Dir(at)))
			default:
				write(t, dir, at, fmt.Sprint(r.IntN(3)), 0o644)
			}
		}
		write(t, dir, "a/keep", "", 0o644)
		write(t, dir, "d/keep", "", 0o644)
		for range 2 + r.IntN(3) {
			for range r.IntN(20) {
				edit()
			}
			git(t, dir, "add", "-A")
			git(t, dir, "commit", "-qm", "more", "--allow-empty")
		}
		for range r.IntN(6) {
			edit()
		}
		if r.IntN(2) == 0 {
			git(t, dir, "add", "-A")
			for range r.IntN(4) {
				edit()
			}
		}
		repo := open(t, dir)
		for _, rev := range []string{"HEAD", "HEAD~1"} {
			base, err := repo.Fork(rev)
			check(t, err)
			for _, folders := range [][]string{{"."}, {"a"}, {"a/b", "d/e"}, {"a", "a/b"}, {"nowhere"}} {
				got, err := base.Changed(t.Context(), folders...)
				check(t, err)
				if want := said(t, dir, rev, folders...); !slices.Equal(got, want) {
					t.Errorf("seed %d, since %s, in %v: %v, and git says %v", seed, rev, folders, got, want)
				}
			}
		}
	}
}

func TestFork(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	write(t, dir, "a", "1", 0o644)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "one")
	one := strings.TrimSpace(git(t, dir, "rev-parse", "HEAD"))
	git(t, dir, "checkout", "-qb", "mine")
	write(t, dir, "b", "1", 0o644)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "two")
	git(t, dir, "checkout", "-q", "main")
	write(t, dir, "c", "1", 0o644)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "three")
	git(t, dir, "checkout", "-q", "mine")
	repo := open(t, dir)
	base, err := repo.Fork("main")
	check(t, err)
	if base.ID != one {
		t.Errorf("the branches part at %s, and git says %s", base.ID, one)
	}
	if _, err := repo.Fork("nobody"); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a revision that is not there gives %v", err)
	}
	top, err := gitrepo.Around(filepath.Join(dir, "nowhere"))
	if err == nil {
		t.Errorf("a folder that is not there is around %s", top)
	}
	check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	if top, err = gitrepo.Around(filepath.Join(dir, "sub")); err != nil || filepath.Base(top) != filepath.Base(dir) {
		t.Errorf("the top is %s, %v", top, err)
	}
}

func TestFS(t *testing.T) {
	repo := open(t, history(t))
	c, err := repo.Tag("v1.0")
	check(t, err)
	var names []string
	check(t, c.Walk(func(name string) bool { names = append(names, name); return true }))
	for _, name := range names {
		want, err := c.Read(name)
		check(t, err)
		got, err := fs.ReadFile(c.FS("."), name)
		check(t, err)
		if want.Mode&fs.ModeSymlink == 0 && string(got) != string(want.Data) {
			t.Errorf("%s is %q, want %q", name, got, want.Data)
		}
		entries, err := fs.ReadDir(c.FS(filepath.Dir(name)), ".")
		check(t, err)
		if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == filepath.Base(name) }) {
			t.Errorf("%s is not listed", name)
		}
	}
	if _, err := fs.ReadFile(c.FS("."), "../x"); err == nil {
		t.Error("a name that leads out is read")
	}
}
