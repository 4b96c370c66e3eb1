package gitrepo_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/gitrepo"
	"srcmend/internal/tree"
)

// git runs the git program, which the tests are held against.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git here to compare with")
	}
	cmd := exec.Command(program, append([]string{"-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.org",
		"GIT_AUTHOR_DATE=2018-11-24T12:00:00Z", "GIT_COMMITTER_DATE=2018-11-24T12:00:00Z")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, text string, mode fs.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), mode))
}

// history makes a repository with two releases.
func history(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	write(t, dir, "src/main.c", "int main(void) { return 0; }\n", 0o644)
	write(t, dir, "configure", "#!/bin/sh\n", 0o755)
	write(t, dir, "empty", "", 0o644)
	write(t, dir, "src-old/a b", "x", 0o644)
	check(t, os.Symlink("src/main.c", filepath.Join(dir, "link")))
	check(t, os.Symlink("src", filepath.Join(dir, "folder")))
	git(t, dir, "add", ".")
	git(t, dir, "commit", "-q", "-m", "one\n\nwith more")
	git(t, dir, "tag", "v1")
	git(t, dir, "tag", "-a", "-m", "annotated", "v1.0", "v1")
	git(t, dir, "tag", "-a", "-m", "a tag of a tag", "first", "v1.0")
	write(t, dir, "src/main.c", "int main(void) { return 1; }\n", 0o644)
	git(t, dir, "commit", "-q", "-am", "two")
	git(t, dir, "tag", "v2")
	git(t, dir, "tag", "tree", "v2^{tree}")
	return dir
}

func open(t *testing.T, dir string) *gitrepo.Repo {
	t.Helper()
	r, err := gitrepo.Open(dir)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

// TestCommitIsTree: a commit has the files that git checks out, with the errors that a
// tree has, however its repository is kept.
func TestCommitIsTree(t *testing.T) {
	work := history(t)
	bare, packed, borrowing, linked := t.TempDir(), t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "linked")
	git(t, work, "clone", "-q", "--bare", "--no-local", work, bare)
	git(t, work, "clone", "-q", "--bare", "--no-local", work, packed)
	git(t, packed, "gc", "-q", "--aggressive")
	git(t, work, "clone", "-q", "--bare", "--shared", work, borrowing)
	git(t, work, "worktree", "add", "-q", linked, "v1")
	out := t.TempDir()
	git(t, work, "--work-tree="+out, "checkout", "-q", "-f", "v1", "--", ".")
	want, err := tree.Open(out)
	check(t, err)
	defer want.Close()
	for what, dir := range map[string]string{"work tree": work, "bare": bare, "packed": packed, "borrowing": borrowing, "linked": linked} {
		for _, tag := range []string{"v1", "v1.0", "first"} {
			c, err := open(t, dir).Tag(tag)
			check(t, err)
			names := []string{"src", "none", "src/none", "src/main.c/none", "folder/main.c", "link/none", "../x", ".git/config", "", "src/"}
			check(t, c.Walk(func(name string) bool {
				names = append(names, name)
				return true
			}))
			if len(names) != 16 || c.Subject != "one" || c.Time.Year() != 2018 {
				t.Errorf("%s, %s: %q, %+v", what, tag, names, c)
			}
			for _, name := range names {
				sameFile(t, what+", "+tag+": "+name, name, c, want)
			}
		}
	}
}

// source is what a commit and a tree have in common.
type source interface {
	Read(name string) (tree.File, error)
	Lstat(name string) (fs.FileInfo, error)
}

func sameFile(t *testing.T, what, name string, got, want source) {
	t.Helper()
	f, err := got.Read(name)
	g, wantErr := want.Read(name)
	same := func(a, b error, kind error) bool { return errors.Is(a, kind) == errors.Is(b, kind) }
	if (err == nil) != (wantErr == nil) || !same(err, wantErr, fs.ErrNotExist) || !same(err, wantErr, tree.ErrRefused) {
		t.Errorf("%s: %v, and a tree says %v", what, err, wantErr)
	}
	if string(f.Data) != string(g.Data) || f.Mode != g.Mode {
		t.Errorf("%s: %+v, want %+v", what, f, g)
	}
	i, err := got.Lstat(name)
	j, wantErr := want.Lstat(name)
	if (err == nil) != (wantErr == nil) || !same(err, wantErr, fs.ErrNotExist) || !same(err, wantErr, tree.ErrRefused) {
		t.Errorf("%s: lstat: %v, and a tree says %v", what, err, wantErr)
	}
	if err == nil && (i.Mode() != j.Mode() || i.Name() != j.Name() || !i.IsDir() && i.Size() != j.Size()) {
		t.Errorf("%s: %s %s %d, want %s %s %d", what, i.Name(), i.Mode(), i.Size(), j.Name(), j.Mode(), j.Size())
	}
}

func TestTags(t *testing.T) {
	r := open(t, history(t))
	tags, err := r.Tags()
	check(t, err)
	if want := []string{"first", "tree", "v1", "v1.0", "v2"}; !slices.Equal(tags, want) {
		t.Errorf("%q, want %q", tags, want)
	}
	if _, err := r.Tag("v3"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a tag that is not there: %v", err)
	}
	if _, err := r.Tag("tree"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a tag of a tree: %v", err)
	}
	v1, err := r.Tag("first")
	check(t, err)
	v2, err := r.Tag("v2")
	check(t, err)
	if !slices.Equal(v2.Parents, []string{v1.ID}) {
		t.Errorf("the parents are %q, want %s", v2.Parents, v1.ID)
	}
	for name, want := range map[string]bool{"src/main.c": false, "configure": true, "none": true, "src": false} {
		a, err := v1.ContentID(name)
		check(t, err)
		b, err := v2.ContentID(name)
		check(t, err)
		if (a == b) != want || (a == "") != (name == "none") {
			t.Errorf("%s: %q and %q", name, a, b)
		}
	}
}

// TestPartialClone: what the repository lacks is told from what was never there.
func TestPartialClone(t *testing.T) {
	work, partial, shallow := history(t), t.TempDir(), t.TempDir()
	git(t, work, "config", "uploadpack.allowFilter", "true")
	git(t, work, "clone", "-q", "--bare", "--filter=blob:none", "file://"+work, partial)
	git(t, work, "clone", "-q", "--bare", "--depth=1", "--branch=v2", "file://"+work, shallow)
	c, err := open(t, partial).Tag("v1")
	check(t, err)
	if _, err := c.Read("src/main.c"); !errors.Is(err, gitrepo.ErrNotHere) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a partial clone: %v", err)
	}
	r := open(t, shallow)
	c, err = r.Tag("v2")
	check(t, err)
	if _, err := c.Read("src/main.c"); err != nil {
		t.Errorf("of a shallow clone: %v", err)
	}
	if _, err := r.Commit(c.Parents[0]); !errors.Is(err, gitrepo.ErrNotHere) {
		t.Errorf("behind the end of a shallow clone: %v", err)
	}
}

func TestNoRepository(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := gitrepo.Open(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is opened: %v", name, err)
		}
	}
}
