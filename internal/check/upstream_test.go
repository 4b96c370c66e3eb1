package check_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"srcmend/internal/check"
	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/upstream"
	"srcmend/internal/version"
)

// statsTest is a file that needs <signal.h>, and prints numbers in a way of its own. It is
// like the one of the founding case.
var statsTest = `/* tests the statistics */
#include "lib.h"
#include "test-common.h"
#include <fcntl.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static pid_t stats_pid;
` + filler("before", 20) + `
static void kill_stats_child(void)
{
	(void)kill(stats_pid, SIGKILL);
	(void)waitpid(stats_pid, NULL, 0);
}
` + filler("between", 20) + `
static void compare(uint64_t id, uint64_t parent)
{
	begin_test();
	expect("BEGIN\t%lu\n", id);
	expect("PARENT\t%lu\n", parent);
	end_test();
}
` + filler("after", 20)

// filler is so many lines, no two alike.
func filler(what string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "static int %s_%d;\n", what, i+1)
	}
	return b.String()
}

const statsFile = "src/lib/test-stats.c"

// Changes of that file, for maker.edit.
var (
	addSignal  = []string{"#include <unistd.h>\n", "#include <unistd.h>\n#include <signal.h>\n"}
	portSignal = []string{"#include <unistd.h>\n", "#include <signal.h>\n#include <unistd.h>\n"}
	addFormats = []string{`("BEGIN\t%lu\n",`, `("BEGIN\t%"PRIu64"\n",`, `("PARENT\t%lu\n",`, `("PARENT\t%"PRIu64"\n",`}
	// later changes of the same lines
	sortIncludes = []string{"#include <fcntl.h>\n#include <unistd.h>\n#include <signal.h>\n", "#include <fcntl.h>\n#include <signal.h>\n#include <unistd.h>\n"}
	printFrame   = []string{"\tbegin_test();\n", "\tbegin_test();\n\tframe();\n"}
	rewrite      = []string{`	expect("BEGIN\t%"PRIu64"\n", id);` + "\n", "\texpect_begin(id);\n"}
)

// An expectation is what a release says.
type expectation struct {
	tag     string
	verdict patch.Verdict
	// mails are their verdicts; a star says that it comes from a twin.
	mails string
	why   string // a part of it; "" for whatever
}

// A world is an upstream with its releases, and a patch.
type world struct {
	name    string
	affects string // what the recipe claims
	make    func(m *maker) (mails string)
	want    []expectation // in the order of their versions
	// right is the range that follows.
	right string
}

var worlds = []world{
	{
		name: "two mails and a release branch", affects: ">= 1.0, < 1.1",
		make: func(m *maker) string {
			m.write("README", "nothing yet\n")
			m.write("src/lib/lib.c", filler("lib", 10))
			m.release("0.9")
			m.write(statsFile, statsTest)
			m.release("1.0")
			m.edit(statsFile, "/* tests the statistics */\n", "/*\n * tests the statistics\n */\n")
			m.release("1.0.1")
			m.git("branch", "release-1")
			m.edit(statsFile, "static int after_9;\n", "static int after_nine;\n")
			m.commit("a change elsewhere")
			m.edit(statsFile, addSignal...)
			one := m.commit("include signal.h")
			m.edit(statsFile, addFormats...)
			two := m.commit("use PRIu64")
			mails := m.mail(one) + m.mail(two)
			m.edit(statsFile, printFrame...)
			m.release("2.0")
			m.edit(statsFile, append(sortIncludes, rewrite...)...)
			m.release("2.1")
			m.git("checkout", "-q", "release-1")
			m.git("cherry-pick", one)
			m.release("1.1")
			m.git("cherry-pick", two)
			m.release("1.1.1")
			m.edit(statsFile, rewrite...)
			m.release("1.2")
			m.edit(statsFile, "#include <signal.h>\n", "#include <sys/signal.h>\n")
			m.release("1.3")
			return mails
		},
		want: []expectation{
			{"0.9", patch.Absent, "absent absent", statsFile + " is not there"},
			{"1.0", patch.Needed, "needed needed", "it fits " + statsFile + ":3, offset -2"},
			{"1.0.1", patch.Needed, "needed needed", "it fits"},
			{"1.1", patch.Needed, "present needed", "it fits"},
			{"1.1.1", patch.Present, "present present", "taking it out fits " + statsFile},
			{"1.2", patch.Superseded, "present superseded*", "makes the same change, and its lines were changed since"},
			{"1.3", patch.Superseded, "superseded* superseded*", "makes the same change, and its lines were changed since"},
			{"2.0", patch.Superseded, "present superseded", "its lines are there: " + statsFile},
			{"2.1", patch.Superseded, "superseded superseded*", "its lines are there: " + statsFile},
		},
		right: ">= 1.0, < 1.1.1",
	},
	{
		name: "the file is moved", affects: "< 2.0",
		make: func(m *maker) string {
			m.write(statsFile, statsTest)
			m.release("1.0")
			m.edit(statsFile, addSignal...)
			mails := m.mail(m.commit("include signal.h"))
			m.edit(statsFile, addFormats...)
			mails += m.mail(m.commit("use PRIu64"))
			m.git("reset", "-q", "--hard", "1.0")
			m.git("mv", statsFile, "src/lib/test-stats-x.c")
			m.write("tests/empty", "")
			m.git("mv", "src/lib/test-stats-x.c", "tests/test-stats.c")
			m.release("2.0")
			m.edit("tests/test-stats.c", addSignal...)
			m.release("2.1")
			m.edit("tests/test-stats.c", addFormats...)
			m.release("2.1.1")
			m.edit("tests/test-stats.c", sortIncludes...)
			m.release("2.2")
			m.write("old/test-stats.c", statsTest)
			m.release("2.3")
			m.git("rm", "-q", "old/test-stats.c", "tests/test-stats.c")
			m.write("tests/test-stats.c", filler("new", 30))
			m.release("2.4")
			m.git("rm", "-q", "tests/test-stats.c")
			m.release("2.5")
			return mails
		},
		want: []expectation{
			{"1.0", patch.Needed, "needed needed", ""},
			{"2.0", patch.Conflict, "conflict conflict", statsFile + " stands at tests/test-stats.c in this release, where it would fit"},
			{"2.1", patch.Conflict, "present conflict", statsFile + " stands at tests/test-stats.c in this release, where it would fit"},
			{"2.1.1", patch.Present, "present present", statsFile + " stands at tests/test-stats.c in this release, where taking it out fits"},
			{"2.2", patch.Superseded, "superseded present", statsFile + " stands at tests/test-stats.c in this release, and has its lines"},
			{"2.3", patch.Absent, "absent absent", statsFile + " is not there"},
			{"2.4", patch.Absent, "absent absent", statsFile + " is not there"},
			{"2.5", patch.Absent, "absent absent", statsFile + " is not there"},
		},
		right: "< 2.0",
	},
	{
		name: "the fix comes by a merge", affects: "< 1.1",
		make: func(m *maker) string {
			m.write(statsFile, statsTest)
			m.release("1.0")
			m.git("checkout", "-q", "-b", "side")
			m.edit(statsFile, addFormats...)
			fix := m.commit("use PRIu64")
			m.git("checkout", "-q", "main")
			m.edit(statsFile, "static int before_3;\n", "static int before_three;\n")
			m.commit("a change elsewhere")
			m.git("merge", "-q", "--no-ff", "-m", "merge side", "side")
			m.release("1.1")
			m.edit(statsFile, rewrite...)
			m.release("1.2")
			return m.mail(fix)
		},
		want: []expectation{
			{"1.0", patch.Needed, "needed", ""},
			{"1.1", patch.Present, "present", ""},
			{"1.2", patch.Superseded, "superseded*", ""},
		},
		right: "< 1.1",
	},
	{
		name: "a merge makes the fix itself", affects: "< 1.1",
		make: func(m *maker) string {
			m.write(statsFile, statsTest)
			m.release("1.0")
			m.edit(statsFile, addFormats...)
			mail := m.mail(m.commit("use PRIu64"))
			m.git("reset", "-q", "--hard", "1.0")
			m.git("checkout", "-q", "-b", "side")
			m.write("side", "x\n")
			m.commit("another file")
			m.git("checkout", "-q", "main")
			m.write("here", "x\n")
			m.commit("one more file")
			m.git("merge", "-q", "--no-ff", "--no-commit", "side")
			m.edit(statsFile, addFormats...)
			m.release("1.1")
			m.edit(statsFile, rewrite...)
			m.release("1.2")
			return mail
		},
		want: []expectation{
			{"1.0", patch.Needed, "needed", ""},
			{"1.1", patch.Present, "present", ""},
			{"1.2", patch.Conflict, "conflict", "does not fit"},
		},
		right: "< 1.1",
	},
	{
		name: "upstream has it at another place than the patch", affects: "< 1.1",
		make: func(m *maker) string {
			m.write(statsFile, statsTest)
			m.release("1.0")
			m.edit(statsFile, portSignal...)
			variant := m.mail(m.commit("include signal.h first"))
			m.git("reset", "-q", "--hard", "1.0")
			m.edit(statsFile, addSignal...)
			m.release("1.1")
			m.edit(statsFile, "/* tests", "\n\n/* tests")
			m.release("1.2")
			return variant
		},
		want: []expectation{
			{"1.0", patch.Needed, "needed", ""},
			{"1.1", patch.Superseded, "superseded", "its lines are there: " + statsFile + ":6"},
			{"1.2", patch.Superseded, "superseded", "its lines are there: " + statsFile + ":8"},
		},
		right: "< 1.1",
	},
	{
		name: "the fix is taken back", affects: "< 1.1",
		make: func(m *maker) string {
			m.write(statsFile, statsTest)
			m.release("1.0")
			m.edit(statsFile, addFormats...)
			fix := m.commit("use PRIu64")
			m.release("1.1")
			m.git("revert", "--no-edit", fix)
			m.release("1.2")
			m.edit(statsFile, `	expect("BEGIN\t%lu\n", id);`+"\n", "\texpect_begin(id);\n")
			m.release("1.3")
			m.edit(statsFile, "\texpect_begin(id);\n", `	expect("BEGIN\t%lu\n", id);`+"\n")
			m.commit("as before")
			m.edit(statsFile, addFormats...)
			m.commit("use PRIu64 again")
			m.release("1.4")
			m.edit(statsFile, rewrite...)
			m.release("1.5")
			return m.mail(fix)
		},
		want: []expectation{
			{"1.0", patch.Needed, "needed", ""},
			{"1.1", patch.Present, "present", ""},
			{"1.2", patch.Needed, "needed", ""},
			{"1.3", patch.Conflict, "conflict*", "took it back"},
			{"1.4", patch.Present, "present", ""},
			{"1.5", patch.Superseded, "superseded*", ""},
		},
		right: "< 1.1 || >= 1.2, < 1.3",
	},
	{
		name: "a file that the fix makes", affects: "< 1.1",
		make: func(m *maker) string {
			m.write("configure.ac", "AC_INIT([hello],[1.0])\n")
			m.release("1.0")
			m.write("compat/kill.h", "#include <signal.h>\n"+filler("kill", 5))
			fix := m.commit("add kill.h")
			m.release("1.1")
			m.edit("compat/kill.h", "static int kill_3;\n", "static int kill_three;\n")
			m.release("1.2")
			return m.mail(fix)
		},
		want: []expectation{
			{"1.0", patch.Needed, "needed", ""},
			{"1.1", patch.Present, "present", ""},
			{"1.2", patch.Superseded, "superseded*", ""},
		},
		right: "< 1.1",
	},
}

// A built world has its repository, and what is needed to ask.
type built struct {
	*maker
	patch  *patch.Patch
	recipe *recipe.Recipe
	repo   *gitrepo.Repo
}

func (w world) build(t *testing.T) built {
	t.Helper()
	m := newMaker(t)
	p := parse(t, w.make(m))
	r := hello(t, fmt.Sprintf(`
upstream: {git: "https://example.org/hello.git"}
fixes:
  - id: stats
    summary: makes the test of statistics compile
    affects: %q
    patch: [{file: hello/stats.patch, patch-ids: [%s]}]
    proof: {verdicts: {1.0: needed}}
`, w.affects, strings.Join(p.IDs(), ", ")))
	return built{m, p, r, openRepo(t, m.dir)}
}

// asker asks about the world's recipe, with its history or without.
func (b built) asker(history bool) *check.Checker {
	c := &check.Checker{
		Recipe: b.recipe, Platform: platform.Platform{OS: "freebsd", Version: "12.0"},
		Patch: func(context.Context, recipe.Fix, version.Version) (*patch.Patch, error) { return b.patch, nil },
	}
	if history {
		c.History = upstream.New(b.repo)
	}
	return c
}

// TestWorlds asks about every release of every upstream, from three sources of the same
// release, which must all say the same; with the history, and without it.
func TestWorlds(t *testing.T) {
	t.Parallel()
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			b := w.build(t)
			with, without := b.asker(true), b.asker(false)
			var releases []check.Release
			for _, e := range w.want {
				v, err := version.Parse(version.Dotted, e.tag)
				must(t, err)
				tag, err := b.recipe.Tag(v)
				must(t, err)
				git := fromGit(t, b.repo, tag)
				r := b.ask(t, with, e, v, git)
				releases = append(releases, r)
				b.ask(t, without, e.blind(), v, git)

				f := b.archiveOf(tag)
				for _, content := range []*check.Content{fromArchive(t, f, b.patch), fromTree(t, again(t, f))} {
					content.Commit = git.Commit // as the history has it
					other := b.ask(t, with, e, v, content)
					if other.From != content.From || r.From != git.From {
						t.Errorf("%s: from %+v and %+v", e.tag, r.From, other.From)
					}
					other.From = r.From
					if diff := cmp.Diff(r, other); diff != "" {
						t.Errorf("%s: the %s says otherwise than the repository (-repository +%[2]s)\n%s", e.tag, content.From.Kind, diff)
					}
					content.Commit = nil
					b.ask(t, with, e.blind(), v, content)
				}
			}
			if s := check.Sum(releases, "stats"); s.Affects != w.right {
				t.Errorf("%q follows, want %q", s.Affects, w.right)
			}
		})
	}
}

// again reads a file once more.
func again(t testing.TB, f *os.File) *os.File {
	t.Helper()
	f, err := os.Open(f.Name())
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// blind is what is expected when nobody knows the history.
func (e expectation) blind() expectation {
	if strings.Contains(e.mails, "*") {
		e.mails, e.verdict = strings.NewReplacer("superseded*", "conflict", "*", "").Replace(e.mails), patch.Conflict
		e.why = ""
	}
	return e
}

// ask asks about one release, and holds the answer against what is expected.
func (b built) ask(t *testing.T, c *check.Checker, e expectation, v version.Version, content *check.Content) check.Release {
	t.Helper()
	r, err := c.Ask(t.Context(), v, content)
	must(t, err)
	if len(r.Fixes) != 1 || r.Version != e.tag {
		t.Fatalf("%s: %+v", e.tag, r)
	}
	a := r.Fixes[0]
	var mails []string
	for i, mail := range a.Mails {
		word := string(mail.Verdict)
		if mail.Twin != "" {
			word += "*"
			twin, err := b.repo.Commit(mail.Twin)
			must(t, err)
			if !strings.Contains(mail.Why, upstream.Short(mail.Twin)) || !strings.Contains(twin.Subject, strings.TrimPrefix(mail.Subject, "[PATCH] ")) {
				t.Errorf("%s: the reason %q does not name commit %s, or that is not about %q", e.tag, mail.Why, mail.Twin, mail.Subject)
			}
		}
		mails = append(mails, word)
		if mail.Why == "" || mail.ID != b.patch.Mails[i].ID() || mail.Subject != strings.TrimPrefix(b.patch.Mails[i].Header.Subject, "[PATCH] ") {
			t.Errorf("%s: mail %d is %+v", e.tag, i+1, mail)
		}
	}
	where := fmt.Sprintf("%s, by %s", e.tag, content.From.Kind)
	if got := strings.Join(mails, " "); a.Verdict != e.verdict || got != e.mails || !strings.Contains(a.Why, e.why) {
		t.Errorf("%s: %s, by mail %s, %q; want %s, %s, %q", where, a.Verdict, got, a.Why, e.verdict, e.mails, e.why)
	}
	claim, err := version.ParseRange(version.Dotted, b.recipe.Fixes[0].Affects)
	must(t, err)
	tells := e.verdict != patch.Conflict
	want := check.Answer{
		Claimed: claim.Contains(v), Here: true,
		Needed:    e.verdict == patch.Needed || !tells && claim.Contains(v),
		Disagrees: tells && claim.Contains(v) != (e.verdict == patch.Needed),
	}
	got := check.Answer{Claimed: a.Claimed, Here: a.Here, Needed: a.Needed, Disagrees: a.Disagrees}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", where, diff)
	}
	if !slices.ContainsFunc(a.Mails, func(m check.Mail) bool { return m.Why == a.Why }) {
		t.Errorf("%s: the reason %q is that of no mail", where, a.Why)
	}
	return r
}

// TestShallow: a history that is cut off does not know, which is no error.
func TestShallow(t *testing.T) {
	t.Parallel()
	b := worlds[0].build(t)
	dir := t.TempDir()
	b.git("clone", "-q", "--bare", "--depth=1", "--branch=1.2", "file://"+b.dir, dir)
	b.repo = openRepo(t, dir)
	e := expectation{"1.2", patch.Superseded, "present superseded*", ""}
	b.ask(t, b.asker(true), e.blind(), dotted(t, "1.2"), fromGit(t, b.repo, "1.2"))
}
