package upstream_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/upstream"
)

// start is a history with one file, src/a.c, in which nothing is fixed.
func start(t testing.TB) *maker {
	t.Helper()
	m := newMaker(t)
	m.write("src/a.c", numbered("line", 60))
	m.write("src/b.c", numbered("other", 20))
	m.commit("begin")
	return m
}

// fix makes the change that is looked for.
func (m *maker) fix() string {
	m.t.Helper()
	m.edit("src/a.c", "line 30", "line 30, right\nand one more")
	return m.commit("fix a.c")
}

// more makes a change that has nothing to do with it.
func (m *maker) more(line string) string {
	m.t.Helper()
	m.edit("src/a.c", line, line+", changed")
	return m.commit("change " + line)
}

// A want is the twin that there should be; the zero one is none.
type want struct {
	commit   string
	reverted bool
}

// histories are by what they show. Each gives the mail that is looked for in the history of
// what is checked out.
var histories = []struct {
	name string
	make func(m *maker) (mail string, w want)
}{
	{"the commit itself", func(m *maker) (string, want) {
		id := m.fix()
		return m.mail(id), want{commit: id}
	}},
	{"the commit itself, and changes after it", func(m *maker) (string, want) {
		id := m.fix()
		m.more("line 29")
		m.edit("src/a.c", "line 30, right", "line 30, reworded")
		m.commit("reword")
		return m.mail(id), want{commit: id}
	}},
	{"before it was fixed", func(m *maker) (string, want) {
		id := m.fix()
		m.git("checkout", "-q", "HEAD^")
		return m.mail(id), want{}
	}},
	{"cherry-picked to a release branch, with an offset", func(m *maker) (string, want) {
		m.git("branch", "release")
		m.more("line 50")
		id := m.fix()
		m.git("checkout", "-q", "release")
		m.edit("src/a.c", "line 1", "line 0\nline 0 and a half\nline 1")
		m.commit("more at the top")
		m.git("cherry-pick", id)
		twin := m.head()
		m.more("line 29")
		return m.mail(id), want{commit: twin}
	}},
	{"rebased", func(m *maker) (string, want) {
		m.git("checkout", "-q", "-b", "topic")
		id := m.fix()
		mail := m.mail(id)
		m.git("checkout", "-q", "main")
		m.edit("src/a.c", "line 20", "line 20\n\n\n", "line 40", "line forty")
		m.commit("blank lines")
		m.git("checkout", "-q", "topic")
		m.git("rebase", "-q", "main")
		return mail, want{commit: m.head()}
	}},
	{"cherry-picked to where a line of its context differs", func(m *maker) (string, want) {
		m.git("branch", "release")
		id := m.fix()
		m.git("checkout", "-q", "release")
		m.more("line 28")
		m.git("cherry-pick", id)
		return m.mail(id), want{}
	}},
	{"in the side branch of a merge", func(m *maker) (string, want) {
		m.git("checkout", "-q", "-b", "side")
		id := m.fix()
		m.git("checkout", "-q", "main")
		m.more("line 10")
		m.git("merge", "-q", "--no-ff", "-m", "merge side", "side")
		m.more("line 31")
		return m.mail(id), want{commit: id}
	}},
	{"made by a merge and by nothing else", func(m *maker) (string, want) {
		m.git("checkout", "-q", "-b", "side")
		m.edit("src/b.c", "other 3", "another 3")
		m.commit("change b.c")
		m.git("checkout", "-q", "main")
		m.more("line 10")
		base := m.head()
		id := m.fix()
		mail := m.mail(id)
		m.git("reset", "-q", "--hard", base)
		m.git("merge", "-q", "--no-ff", "--no-commit", "side")
		m.edit("src/a.c", "line 30", "line 30, right\nand one more")
		m.commit("a merge that does more")
		return mail, want{}
	}},
	{"taken back", func(m *maker) (string, want) {
		id := m.fix()
		m.more("line 10")
		m.git("revert", "--no-edit", id)
		back := m.head()
		m.more("line 50")
		return m.mail(id), want{commit: back, reverted: true}
	}},
	{"taken back, and put in again", func(m *maker) (string, want) {
		id := m.fix()
		m.git("revert", "--no-edit", id)
		m.git("revert", "--no-edit", "HEAD")
		again := m.head()
		m.more("line 50")
		return m.mail(id), want{commit: again}
	}},
	{"taken back on another branch", func(m *maker) (string, want) {
		id := m.fix()
		m.git("branch", "release")
		m.git("revert", "--no-edit", id)
		m.git("checkout", "-q", "release")
		return m.mail(id), want{commit: id}
	}},
	{"made twice, by branches that were merged", func(m *maker) (string, want) {
		m.git("checkout", "-q", "-b", "side")
		m.edit("src/b.c", "other 3", "another 3")
		m.commit("change b.c")
		m.git("checkout", "-q", "main")
		id := m.fix()
		m.git("checkout", "-q", "side")
		m.git("cherry-pick", id)
		newest := m.head()
		m.git("checkout", "-q", "main")
		m.git("merge", "-q", "--no-ff", "-m", "merge side", "side")
		return m.mail(id), want{commit: newest}
	}},
	{"together with another file", func(m *maker) (string, want) {
		base := m.head()
		id := m.fix()
		mail := m.mail(id)
		m.git("reset", "-q", "--hard", base)
		m.edit("src/a.c", "line 30", "line 30, right\nand one more")
		m.edit("src/b.c", "other 3", "another 3")
		twin := m.commit("two things at once")
		m.more("line 10")
		return mail, want{commit: twin}
	}},
	{"together with another change of the same file", func(m *maker) (string, want) {
		base := m.head()
		id := m.fix()
		mail := m.mail(id)
		m.git("reset", "-q", "--hard", base)
		m.edit("src/a.c", "line 30", "line 30, right\nand one more", "line 50", "line fifty")
		m.commit("two things at once")
		return mail, want{}
	}},
	{"a part of it", func(m *maker) (string, want) {
		base := m.head()
		m.edit("src/b.c", "other 3", "another 3")
		id := m.fix()
		mail := m.mail(id)
		m.git("reset", "-q", "--hard", base)
		m.fix()
		return mail, want{}
	}},
	{"nothing of the kind", func(m *maker) (string, want) {
		base := m.head()
		id := m.fix()
		mail := m.mail(id)
		m.git("reset", "-q", "--hard", base)
		m.more("line 30")
		m.more("line 10")
		return mail, want{}
	}},
	{"of a mail without a date", func(m *maker) (string, want) {
		id := m.fix()
		m.more("line 31")
		_, diff, _ := strings.Cut(m.mail(id), "\n---\n")
		return diff, want{commit: id}
	}},
	{"days before its mail", func(m *maker) (string, want) {
		id := m.fix()
		return dated(m.mail(id), m.day.AddDate(0, 0, 4).Format("Mon, 2 Jan 2006 15:04:05 -0700")), want{commit: id}
	}},
	{"months before its mail", func(m *maker) (string, want) {
		id := m.fix()
		return dated(m.mail(id), m.day.AddDate(0, 2, 0).Format("Mon, 2 Jan 2006 15:04:05 -0700")), want{commit: id} // clocks may be wrong
	}},
	{"of a mail whose date can't be read", func(m *maker) (string, want) {
		id := m.fix()
		return dated(m.mail(id), "the day after tomorrow"), want{commit: id}
	}},
	{"behind commits with old dates", func(m *maker) (string, want) {
		id := m.fix()
		text := m.mail(id)
		m.day = m.day.AddDate(-9, 0, 0) // the clock goes wrong
		m.more("line 10")
		m.more("line 50")
		return text, want{commit: id}
	}},
	{"years after its mail", func(m *maker) (string, want) {
		id := m.fix()
		return dated(m.mail(id), "Mon, 1 Jan 2001 00:00:00 +0000"), want{commit: id}
	}},
	{"a file that is made", func(m *maker) (string, want) {
		m.write("src/c.c", numbered("new", 5))
		id := m.commit("add c.c")
		m.edit("src/c.c", "new 3", "newer 3")
		m.commit("change c.c")
		return m.mail(id), want{commit: id}
	}},
	{"a file that is removed", func(m *maker) (string, want) {
		check(m.t, os.Remove(filepath.Join(m.dir, "src/b.c")))
		id := m.commit("remove b.c")
		m.more("line 10")
		return m.mail(id), want{commit: id}
	}},
	{"a file that is renamed", func(m *maker) (string, want) {
		m.git("mv", "src/b.c", "src/c.c")
		id := m.commit("rename b.c")
		m.more("line 10")
		return m.mail(id), want{commit: id}
	}},
	{"a file that is renamed back", func(m *maker) (string, want) {
		m.git("mv", "src/b.c", "src/c.c")
		id := m.commit("rename b.c")
		m.git("revert", "--no-edit", id)
		return m.mail(id), want{commit: m.head(), reverted: true}
	}},
	{"a file that can be executed", func(m *maker) (string, want) {
		check(m.t, os.Chmod(filepath.Join(m.dir, "src/b.c"), 0o755))
		id := m.commit("run b.c")
		m.more("line 10")
		return m.mail(id), want{commit: id}
	}},
	{"a binary file", func(m *maker) (string, want) {
		m.write("logo", "\x00\x01\x02")
		m.commit("add logo")
		m.write("logo", "\x00\x01\x03")
		id := m.commit("change logo")
		return m.git("format-patch", "-1", "--binary", "--full-index", "--stdout", id), want{commit: id}
	}},
	{"behind very many merges", func(m *maker) (string, want) {
		id := m.fix()
		tree := m.git("rev-parse", "HEAD^{tree}")
		left, right := id, id
		for range 30 { // as many ways to the beginning as 2 to the power of 30
			left, right = m.git("commit-tree", tree, "-p", left, "-p", right, "-m", "left"),
				m.git("commit-tree", tree, "-p", right, "-p", left, "-m", "right")
		}
		m.git("reset", "-q", "--hard", left)
		return m.mail(id), want{commit: id}
	}},
}

var dateField = regexp.MustCompile(`(?m)^Date: .*$`)

// dated is a mail with another date.
func dated(mail, date string) string { return dateField.ReplaceAllLiteralString(mail, "Date: "+date) }

// TestTwin looks for mails in histories. What is found has the patch-id of the mail, by
// git's own reckoning, unless it does more than the mail.
func TestTwin(t *testing.T) {
	t.Parallel()
	for _, h := range histories {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			m := start(t)
			mail, w := h.make(m)
			p := parse(t, mail)
			repo := open(t, m.dir)
			c, err := repo.Commit(m.head())
			check(t, err)
			history := upstream.New(repo)
			for range 2 { // the second time with what is remembered
				twin, err := history.Twin(t.Context(), c, p, 0, patch.Options{Strip: 1})
				check(t, err)
				got := want{}
				if twin != nil {
					got = want{twin.Commit.ID, twin.Reverted}
				}
				if got != w {
					t.Fatalf("the twin is %+v, want %+v\n%s", got, w, m.git("log", "--oneline", "--graph"))
				}
			}
			m.samePatchID(p, 0, w)
		})
	}
}

// samePatchID holds the patch-id of a twin against that of the mail, unless the commit
// changes more files.
func (m *maker) samePatchID(p *patch.Patch, mail int, w want) {
	m.t.Helper()
	if w.commit == "" {
		return
	}
	var names []string
	for _, name := range p.Part(mail).Names() {
		stripped, _ := patch.Strip(name, 1)
		names = append(names, stripped)
	}
	slices.Sort(names)
	if !slices.Equal(slices.Compact(names), strings.Fields(m.git("diff-tree", "-r", "--no-commit-id", "--name-only", w.commit))) {
		return
	}
	diff := []string{"diff-tree", "-p", "-M", "--binary", "--full-index", w.commit}
	if w.reverted {
		diff = append(diff, "-R", "--src-prefix=b/", "--dst-prefix=a/")
	}
	id, _, _ := strings.Cut(m.gitWith(m.git(diff...)+"\n", "patch-id", "--stable"), " ")
	if id != "" && id != p.Mails[mail].ID() { // git gives none to changes of modes
		m.t.Errorf("the patch-id of the twin is %s, that of the mail %s", id, p.Mails[mail].ID())
	}
}

// TestMails: of a patch of two mails each is looked for by itself, also where the second
// changes what the first made.
func TestMails(t *testing.T) {
	t.Parallel()
	m := start(t)
	m.git("branch", "release")
	one := m.fix()
	m.edit("src/a.c", "and one more", "and two more")
	two := m.commit("fix the fix")
	p := parse(t, m.mail(one)+"\n"+m.mail(two))
	if len(p.Mails) != 2 {
		t.Fatalf("there are %d mails", len(p.Mails))
	}
	m.git("checkout", "-q", "release")
	m.edit("src/a.c", "line 1", "line 0\nline 1")
	m.commit("more at the top")
	m.git("cherry-pick", one)
	onlyOne := m.head()
	m.git("cherry-pick", two)
	both := m.head()
	m.git("revert", "--no-edit", both)
	reverted := m.head()
	m.git("checkout", "-q", "-b", "squashed", onlyOne+"^")
	m.edit("src/a.c", "line 30", "line 30, right\nand two more")
	squashed := m.commit("both at once")
	history := upstream.New(open(t, m.dir))
	for _, test := range []struct {
		name, at string
		want     [2]want
	}{
		{"neither", onlyOne + "^", [2]want{}},
		{"the first", onlyOne, [2]want{{commit: onlyOne}}},
		{"both", both, [2]want{{commit: onlyOne}, {commit: both}}},
		{"the second taken back", reverted, [2]want{{commit: onlyOne}, {commit: reverted, reverted: true}}},
		{"both in one commit", squashed, [2]want{}},
		{"where they come from", "main", [2]want{{commit: one}, {commit: two}}},
	} {
		repo := open(t, m.dir)
		c, err := repo.Commit(m.git("rev-parse", test.at))
		check(t, err)
		for i, w := range test.want {
			twin, err := history.Twin(t.Context(), c, p, i, patch.Options{Strip: 1})
			check(t, err)
			got := want{}
			if twin != nil {
				got = want{twin.Commit.ID, twin.Reverted}
			}
			if got != w {
				t.Errorf("%s: the twin of mail %d is %+v, want %+v", test.name, i+1, got, w)
			}
			m.samePatchID(p, i, w)
		}
	}
}

// TestCutOff: a history that is cut off gives what is in it, and otherwise says that it is.
func TestCutOff(t *testing.T) {
	t.Parallel()
	m := start(t)
	other := m.more("line 5")
	id := m.fix()
	m.more("line 10")
	m.more("line 50")
	old, mail := parse(t, m.mail(other)), parse(t, m.mail(id))
	for depth, found := range map[string]bool{"1": false, "2": false, "3": false, "4": true} {
		dir := t.TempDir()
		m.git("clone", "-q", "--bare", "--depth="+depth, "file://"+m.dir, dir)
		repo := open(t, dir)
		c, err := repo.Commit(m.head())
		check(t, err)
		history := upstream.New(repo)
		twin, err := history.Twin(t.Context(), c, mail, 0, patch.Options{Strip: 1})
		switch {
		case found && (err != nil || twin == nil || twin.Commit.ID != id):
			t.Errorf("depth %s: %v, %v; want commit %s", depth, twin, err, id)
		case !found && (twin != nil || !errors.Is(err, gitrepo.ErrNotHere)):
			t.Errorf("depth %s: %v, %v; want that it is cut off", depth, twin, err)
		}
		if twin, err := history.Twin(t.Context(), c, old, 0, patch.Options{Strip: 1}); twin != nil || !errors.Is(err, gitrepo.ErrNotHere) {
			t.Errorf("depth %s: %v, %v of what is behind the end", depth, twin, err)
		}
	}
}

// TestPartial: in a clone without contents nothing can be said.
func TestPartial(t *testing.T) {
	t.Parallel()
	m := start(t)
	id := m.fix()
	m.git("config", "uploadpack.allowFilter", "true")
	for _, filter := range []string{"blob:none", "tree:0"} {
		dir := t.TempDir()
		m.git("clone", "-q", "--bare", "--filter="+filter, "file://"+m.dir, dir)
		repo := open(t, dir)
		c, err := repo.Commit(id)
		check(t, err)
		twin, err := upstream.New(repo).Twin(t.Context(), c, parse(t, m.mail(id)), 0, patch.Options{Strip: 1})
		if twin != nil || !errors.Is(err, gitrepo.ErrNotHere) {
			t.Errorf("%s: %v, %v; want that it is not here", filter, twin, err)
		}
	}
}

// TestCancelled: who does not want to know any more is not kept waiting.
func TestCancelled(t *testing.T) {
	t.Parallel()
	m := start(t)
	id := m.fix()
	repo := open(t, m.dir)
	c, err := repo.Commit(id)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	twin, err := upstream.New(repo).Twin(ctx, c, parse(t, m.mail(id)), 0, patch.Options{Strip: 1})
	if twin != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", twin, err)
	}
}

// TestStrip: names are taken as the options say.
func TestStrip(t *testing.T) {
	t.Parallel()
	m := start(t)
	id := m.fix()
	m.more("line 31")
	repo := open(t, m.dir)
	c, err := repo.Commit(m.head())
	check(t, err)
	mail := m.mail(id)
	history := upstream.New(repo)
	for _, test := range []struct {
		prefix string
		strip  int
		found  bool
	}{{"", 0, true}, {"a/", 0, false}, {"old-1.0/core/", 2, true}, {"old-1.0/core/", 9, false}} {
		text := strings.NewReplacer("a/src/", test.prefix+"src/", "b/src/", test.prefix+"src/").Replace(mail)
		twin, err := history.Twin(t.Context(), c, parse(t, text), 0, patch.Options{Strip: test.strip})
		check(t, err)
		if (twin != nil) != test.found {
			t.Errorf("%q with strip %d: %v", test.prefix, test.strip, twin)
		}
	}
}

// TestRemembered: what was found out for one mail does not mislead about another that
// changes other files.
func TestRemembered(t *testing.T) {
	t.Parallel()
	m := start(t)
	a := m.fix()
	m.edit("src/b.c", "other 3", "another 3")
	b := m.commit("change b.c")
	m.edit("src/a.c", "line 10", "line ten")
	m.edit("src/b.c", "other 10", "other ten")
	both := m.commit("change both")
	m.more("line 31")
	repo := open(t, m.dir)
	c, err := repo.Commit(m.head())
	check(t, err)
	history := upstream.New(repo)
	nowhere := dated(strings.ReplaceAll(m.mail(b), "another 3", "nothing"), "Mon, 1 Jan 2001 00:00:00 +0000")
	twin, err := history.Twin(t.Context(), c, parse(t, nowhere), 0, patch.Options{Strip: 1}) // asks all of it
	if twin != nil || err != nil {
		t.Errorf("%v, %v of a mail that is nowhere", twin, err)
	}
	for _, id := range []string{b, a, both, b} {
		p := parse(t, m.mail(id))
		twin, err := history.Twin(t.Context(), c, p, 0, patch.Options{Strip: 1})
		check(t, err)
		if twin == nil || twin.Commit.ID != id || twin.Reverted {
			t.Errorf("the twin is %+v, want %s", twin, id)
		}
		m.samePatchID(p, 0, want{commit: id})
	}
}
