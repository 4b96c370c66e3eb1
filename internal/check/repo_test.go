package check_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"srcmend/internal/archive"
	"srcmend/internal/check"
	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A maker makes an upstream's repository with the git program, in a work tree. Each commit
// is an hour after the one before it.
type maker struct {
	t    testing.TB
	dir  string
	hour time.Time
}

// newMaker begins a repository without commits.
func newMaker(t testing.TB) *maker {
	t.Helper()
	m := &maker{t: t, dir: t.TempDir(), hour: time.Date(2018, 11, 24, 12, 0, 0, 0, time.UTC)}
	m.git("init", "-q")
	return m
}

// git runs the git program in the work tree.
func (m *maker) git(args ...string) string {
	m.t.Helper()
	m.hour = m.hour.Add(time.Hour)
	return gitAt(m.t, m.dir, m.hour.Format(time.RFC3339), args...)
}

// gitAt runs the git program in a folder, without anybody's settings, as if it were the
// date.
func gitAt(t testing.TB, dir, date string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git here to make repositories with")
	}
	cmd := exec.Command(program, append([]string{"-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_EDITOR=true",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.org",
		"GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
		t.Fatalf("git %s: %v\n%s%s", strings.Join(args, " "), err, out, exit.Stderr)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// write puts a file into the work tree.
func (m *maker) write(name, text string) {
	m.t.Helper()
	file := filepath.Join(m.dir, name)
	must(m.t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(m.t, os.WriteFile(file, []byte(text), 0o644))
}

// edit replaces parts of a file, given as old and new by turns. Each old one must be there,
// once.
func (m *maker) edit(name string, parts ...string) {
	m.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.dir, name))
	must(m.t, err)
	text := string(data)
	for pair := range slices.Chunk(parts, 2) {
		if strings.Count(text, pair[0]) != 1 {
			m.t.Fatalf("%s does not have %q once:\n%s", name, pair[0], text)
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	m.write(name, text)
}

// commit commits all that is in the work tree, and gives the id.
func (m *maker) commit(subject string) string {
	m.t.Helper()
	m.git("add", "-A")
	m.git("commit", "-q", "-m", subject)
	return m.git("rev-parse", "HEAD")
}

// release commits what is in the work tree, if it is something new, and gives it a tag.
func (m *maker) release(tag string) {
	m.t.Helper()
	if m.git("status", "--porcelain") != "" {
		m.commit("release " + tag)
	}
	m.git("tag", "-a", "-m", "release", tag)
}

// mail is a commit as git sends it.
func (m *maker) mail(commit string) string {
	m.t.Helper()
	return m.git("format-patch", "-1", "--stdout", commit) + "\n"
}

// openRepo reads a repository as srcmend does.
func openRepo(t testing.TB, dir string) *gitrepo.Repo {
	t.Helper()
	r, err := gitrepo.Open(dir)
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func parse(t testing.TB, text string) *patch.Patch {
	t.Helper()
	p, err := patch.Parse(strings.NewReader(text))
	must(t, err)
	return p
}

// fromGit is a release by its tag.
func fromGit(t testing.TB, r *gitrepo.Repo, tag string) *check.Content {
	t.Helper()
	c, err := r.Tag(tag)
	must(t, err)
	return &check.Content{
		Source: c, Commit: c, From: check.From{Kind: check.Git, Name: tag},
		Names: func(yield func(string) bool) { must(t, c.Walk(yield)) },
	}
}

// archiveOf makes the archive of a release, with a top folder as they have one.
func (m *maker) archiveOf(tag string) *os.File {
	m.t.Helper()
	name := filepath.Join(m.t.TempDir(), fmt.Sprintf("hello-%s.tar.gz", tag))
	m.git("archive", "--format=tar.gz", "--prefix=hello-"+tag+"/", "-o", name, tag)
	f, err := os.Open(name)
	must(m.t, err)
	m.t.Cleanup(func() { f.Close() })
	return f
}

// fromArchive is a release by its archive, of which only files are read that have the names
// of those that the patch is about.
func fromArchive(t testing.TB, f *os.File, p *patch.Patch) *check.Content {
	t.Helper()
	wanted := map[string]bool{}
	for _, name := range p.Names() {
		wanted[path.Base(name)] = true
	}
	view, err := archive.Look(t.Context(), f, func(name string) bool { return wanted[path.Base(name)] })
	must(t, err)
	return &check.Content{Source: view, From: check.From{Kind: check.Archive, Name: f.Name()}, Names: view.Names()}
}

// fromTree is a release by its unpacked archive.
func fromTree(t testing.TB, f *os.File) *check.Content {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "unpacked")
	must(t, os.Mkdir(dir, 0o755))
	_, err := archive.Unpack(t.Context(), f, dir, archive.Options{})
	must(t, err)
	open, err := tree.Open(dir)
	must(t, err)
	t.Cleanup(func() { must(t, open.Close()) })
	return &check.Content{
		Source: open, From: check.From{Kind: check.Tree, Name: dir},
		Names: func(yield func(string) bool) {
			must(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					name, err = filepath.Rel(dir, name)
					if err == nil && !yield(filepath.ToSlash(name)) {
						return filepath.SkipAll
					}
				}
				return err
			}))
		},
	}
}
