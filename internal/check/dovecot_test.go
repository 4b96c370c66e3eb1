package check_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/check"
	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/upstream"
	"srcmend/internal/version"
)

// dovecotVariable is the environment variable that names a bare clone of dovecot's
// repository, with its tags.
const dovecotVariable = "SRCMEND_GIT_DOVECOT"

// The two commits of the founding case, and the commits by which the release branch took
// them.
var (
	dovecotFixes = []string{"10048229ed3030fe47b35a2200e33c45e3e97a84", "de42b54aaf165d4f62b45be864dde36bdbbc4276"}
	dovecotTwins = []string{"81f60ae2ff", "322022a767"}
	dovecotIDs   = []string{"6f177b2cca023d4aedf567b8a012af4ef9f30043", "b73dfc4c381a285588b38c5bc31827eddc030d51"}
)

// dovecot gives the repository's folder, and the patch of two mails as git sends it.
func dovecot(t testing.TB) (dir, mails string) {
	t.Helper()
	dir = os.Getenv(dovecotVariable)
	if dir == "" {
		t.Skipf("needs a bare clone of dovecot's repository, named by $%s", dovecotVariable)
	}
	for _, commit := range dovecotFixes {
		mails += gitAt(t, dir, "", "format-patch", "-1", "--stdout", commit) + "\n"
	}
	return dir, mails
}

// dovecotAsker asks about the founding case's fix.
func dovecotAsker(t testing.TB, repo *gitrepo.Repo, p *patch.Patch) *check.Checker {
	t.Helper()
	r := hello(t, `
upstream: {git: "https://example.org/core.git", tag: "{version}"}
fixes:
  - id: event-stats-signal-h
    summary: test-event-stats.c uses kill() and SIGKILL without <signal.h>
    affects: ">= 2.3.4, < 2.3.5"
    where: {os: freebsd}
    patch: [{file: hello/a.patch, patch-ids: [`+strings.Join(p.IDs(), ", ")+`]}]
    proof: {verdicts: {1.0: needed}}
`)
	return &check.Checker{
		Recipe: r, Platform: platform.Platform{OS: "freebsd", Version: "12.0"}, History: upstream.New(repo),
		Patch: func(context.Context, recipe.Fix, version.Version) (*patch.Patch, error) { return p, nil },
	}
}

// releasesOf are the versions that have a tag, in their order.
func releasesOf(t testing.TB, repo *gitrepo.Repo, r *recipe.Recipe) []version.Version {
	t.Helper()
	tags, err := repo.Tags()
	must(t, err)
	var all []version.Version
	for _, tag := range tags {
		if v, ok := r.Tagged(tag); ok {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, version.Version.Compare)
	return all
}

// TestDovecot asks about all releases of a real upstream. What they say was measured by
// other means.
func TestDovecot(t *testing.T) {
	dir, mails := dovecot(t)
	p := parse(t, mails)
	if !slices.Equal(p.IDs(), dovecotIDs) {
		t.Fatalf("the patch-ids are %q, want %q", p.IDs(), dovecotIDs)
	}
	repo := openRepo(t, dir)
	c := dovecotAsker(t, repo, p)
	count := map[string]int{}
	var releases []check.Release
	for _, v := range releasesOf(t, repo, c.Recipe) {
		if v.Compare(dotted(t, "2.3.0.rc1")) < 0 {
			continue
		}
		r, err := c.Ask(t.Context(), v, fromGit(t, repo, v.String()))
		must(t, err)
		releases = append(releases, r)
		a := r.Fixes[0]
		era, whole, one, two := expectDovecot(t, v)
		count[era]++
		says := func(words string, v patch.Verdict) bool { return slices.Contains(strings.Fields(words), string(v)) }
		if !says(whole, a.Verdict) || !says(one, a.Mails[0].Verdict) || !says(two, a.Mails[1].Verdict) {
			t.Errorf("%s: %s, %+v; want %s: %s and %s", v, a.Verdict, a.Mails, whole, one, two)
		}
		if a.Needed != (era == "needed") || a.Disagrees {
			t.Errorf("%s: needed %v, disagrees %v", v, a.Needed, a.Disagrees)
		}
	}
	if count["needed"] != 2 || count["present"] != 8 || count["later"] < 21 || count["absent"] < 6 {
		t.Errorf("releases by what they should say: %v", count)
	}
	if s := check.Sum(releases, "event-stats-signal-h"); s.Affects != ">= 2.3.4, < 2.3.5" || len(s.Wrong)+len(s.Unknown) > 0 {
		t.Errorf("%+v", s)
	}
	for tag, want := range map[string][]string{"2.3.4": {"", ""}, "2.3.8": dovecotTwins, "2.3.21.1": dovecotFixes} {
		content := fromGit(t, repo, tag)
		for i := range p.Mails {
			twin, err := c.History.Twin(t.Context(), content.Commit, p, i, patch.Options{Strip: 1})
			must(t, err)
			got := ""
			if twin != nil && !twin.Reverted {
				got = twin.Commit.ID
			}
			if !strings.HasPrefix(got, want[i]) || (got == "") != (want[i] == "") {
				t.Errorf("%s: the twin of mail %d is %q, want %q", tag, i+1, got, want[i])
			}
		}
	}
}

// expectDovecot says what a release should say: of the patch, and of its two mails.
func expectDovecot(t *testing.T, v version.Version) (era, whole, one, two string) {
	before := func(text string) bool { return v.Compare(dotted(t, text)) < 0 }
	switch {
	case !before("2.4.0"):
		return "newest", "present superseded", "present superseded", "present superseded"
	case !before("2.3.9"):
		return "later", "superseded", "present", "superseded"
	case !before("2.3.5"):
		return "present", "present", "present", "present"
	case !before("2.3.4"):
		return "needed", "needed", "needed", "needed"
	}
	return "absent", "absent", "absent", "absent"
}

// TestDovecotVariant: a distribution's own variant of the patch, which has the same line
// before another, is needed by the same releases, and by none that has upstream's.
func TestDovecotVariant(t *testing.T) {
	dir, mails := dovecot(t)
	const upstreams, variants = " #include <unistd.h>\n+#include <signal.h>\n", "+#include <signal.h>\n #include <unistd.h>\n"
	if strings.Count(mails, upstreams) != 1 {
		t.Fatalf("the patch does not have %q once", upstreams)
	}
	p := parse(t, strings.Replace(mails, upstreams, variants, 1)).Part(0)
	repo := openRepo(t, dir)
	c := dovecotAsker(t, repo, p)
	for _, v := range releasesOf(t, repo, c.Recipe) {
		if v.Compare(dotted(t, "2.3.3")) < 0 {
			continue
		}
		r, err := c.Ask(t.Context(), v, fromGit(t, repo, v.String()))
		must(t, err)
		a := r.Fixes[0]
		want := map[string]patch.Verdict{"2.3.3": patch.Absent, "2.3.4": patch.Needed, "2.3.4.1": patch.Needed, "2.3.5": patch.Superseded}[v.String()]
		if want != "" && a.Verdict != want || v.Compare(dotted(t, "2.3.5")) >= 0 && a.Needed {
			t.Errorf("%s: %s, %s", v, a.Verdict, a.Why)
		}
		if v.String() == "2.3.8" && a.Verdict != patch.Superseded {
			t.Errorf("%s: %s, %s", v, a.Verdict, a.Why)
		}
	}
}
