package upstream_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A maker makes a history with the git program, in a work tree. Each commit is a day
// after the one before it.
type maker struct {
	t   testing.TB
	dir string
	day time.Time
}

// newMaker begins a history without commits.
func newMaker(t testing.TB) *maker {
	t.Helper()
	m := &maker{t: t, dir: t.TempDir(), day: time.Date(2018, 11, 24, 12, 0, 0, 0, time.UTC)}
	m.git("init", "-q")
	return m
}

// git runs the git program, without anybody's settings.
func (m *maker) git(args ...string) string { return m.gitWith("", args...) }

// gitWith is git with something on its standard input.
func (m *maker) gitWith(input string, args ...string) string {
	m.t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		m.t.Skip("no git here to make histories with")
	}
	m.day = m.day.Add(24 * time.Hour)
	cmd := exec.Command(program, append([]string{"-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", "-c", "core.abbrev=40"}, args...)...)
	cmd.Dir = m.dir
	cmd.Stdin = strings.NewReader(input)
	date := m.day.Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_EDITOR=true",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.org",
		"GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			m.t.Fatal(err)
		}
		m.t.Fatalf("git %s: %v\n%s%s", strings.Join(args, " "), err, out, exit.Stderr)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// write puts a file into the work tree.
func (m *maker) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	check(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(m.t, os.WriteFile(path, []byte(text), 0o644))
}

// edit replaces lines of a file, given as "old" and "new" by turns. Each old one must be
// there, once.
func (m *maker) edit(name string, lines ...string) {
	m.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.dir, name))
	check(m.t, err)
	text := string(data)
	for pair := range slices.Chunk(lines, 2) {
		if strings.Count(text, pair[0]+"\n") != 1 {
			m.t.Fatalf("%s does not have the line %q once", name, pair[0])
		}
		text = strings.Replace(text, pair[0]+"\n", pair[1]+"\n", 1)
	}
	m.write(name, text)
}

// commit commits all that is in the work tree, and gives the id.
func (m *maker) commit(subject string) string {
	m.t.Helper()
	m.git("add", "-A")
	m.git("commit", "-q", "--allow-empty", "-m", subject)
	return m.head()
}

// head is the id of what is checked out.
func (m *maker) head() string { return m.git("rev-parse", "HEAD") }

// mail is a commit as git sends it.
func (m *maker) mail(commit string) string {
	m.t.Helper()
	return m.git("format-patch", "-1", "--stdout", commit)
}

// open reads a repository as srcmend does.
func open(t testing.TB, dir string) *gitrepo.Repo {
	t.Helper()
	r, err := gitrepo.Open(dir)
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

func parse(t testing.TB, text string) *patch.Patch {
	t.Helper()
	p, err := patch.Parse(strings.NewReader(text))
	check(t, err)
	return p
}

// numbered is a text of so many lines, no two alike.
func numbered(what string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s %d\n", what, i+1)
	}
	return b.String()
}
