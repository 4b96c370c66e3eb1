package check_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"srcmend/internal/check"
	"srcmend/internal/patch"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/tree"
	"srcmend/internal/version"
)

const addInclude = `--- a/main.c
+++ b/main.c
@@ -1,3 +1,4 @@
 #include <stdio.h>
 #include <unistd.h>
+#include <signal.h>
 #include <sys/wait.h>
`

// What a release can have of it.
const (
	without   = "#include <stdio.h>\n#include <unistd.h>\n#include <sys/wait.h>\n"
	with      = "#include <stdio.h>\n#include <unistd.h>\n#include <signal.h>\n#include <sys/wait.h>\n"
	elsewhere = "#include <stdio.h>\n#include <signal.h>\n#include <unistd.h>\n#include <sys/wait.h>\n"
	different = "#include <everything.h>\n"
)

var freebsd = platform.Platform{OS: "freebsd", Version: "12.0"}

// claims is a recipe whose only fix has the patch addInclude.
func claims(t testing.TB, more string) *recipe.Recipe {
	t.Helper()
	return hello(t, fmt.Sprintf(`
fixes:
  - id: signal-h
    summary: includes <signal.h>
    affects: ">= 1.0, < 2.0"
    patch: [{file: hello/a.patch, patch-ids: [%s]}]
    proof: {verdicts: {1.0: needed}}
%s`, strings.Repeat("d", 40), more))
}

// asker asks about a recipe; its patches are all addInclude.
func asker(t testing.TB, r *recipe.Recipe) *check.Checker {
	return &check.Checker{
		Recipe: r, Platform: freebsd,
		Patch: func(context.Context, recipe.Fix, version.Version) (*patch.Patch, error) {
			return parse(t, addInclude), nil
		},
	}
}

// dotted parses a version, "" as the one that is not known.
func dotted(t testing.TB, text string) (v version.Version) {
	t.Helper()
	if text != "" {
		var err error
		v, err = version.Parse(version.Dotted, text)
		must(t, err)
	}
	return v
}

// content is a release whose main.c is this; "" for none.
func content(mainC string) *check.Content {
	src := files{}
	if mainC != "" {
		src["main.c"] = mainC
	}
	return &check.Content{Source: src, From: check.From{Kind: check.Tree, Name: "hello-1.0"}}
}

// TestClaim holds content against what the recipe claims, which is from 1.0 to below 2.0.
func TestClaim(t *testing.T) {
	for _, test := range []struct {
		name    string
		version string
		content *check.Content
		where   string
		want    check.Answer
	}{
		{"claimed and needed", "1.0", content(without), "", check.Answer{Verdict: patch.Needed, Claimed: true, Here: true, Needed: true}},
		{"neither", "2.0", content(with), "", check.Answer{Verdict: patch.Present, Here: true}},
		{"needed and not claimed", "2.0", content(without), "", check.Answer{Verdict: patch.Needed, Here: true, Needed: true, Disagrees: true}},
		{"claimed and in", "1.5", content(with), "", check.Answer{Verdict: patch.Present, Claimed: true, Here: true, Disagrees: true}},
		{"claimed and in at another place", "1.5", content(elsewhere), "", check.Answer{Verdict: patch.Superseded, Claimed: true, Here: true, Disagrees: true}},
		{"claimed and without the file", "1.0", content(""), "", check.Answer{Verdict: patch.Absent, Claimed: true, Here: true, Disagrees: true}},
		{"claimed and in conflict", "1.5", content(different), "", check.Answer{Verdict: patch.Conflict, Claimed: true, Here: true, Needed: true}},
		{"not claimed and in conflict", "2.0", content(different), "", check.Answer{Verdict: patch.Conflict, Here: true}},
		{"claimed, without content", "1.0", nil, "", check.Answer{Claimed: true, Here: true, Needed: true}},
		{"not claimed, without content", "0.9", nil, "", check.Answer{Here: true}},
		{"unknown version, needed", "", content(without), "", check.Answer{Verdict: patch.Needed, Here: true, Needed: true}},
		{"unknown version, in", "", content(with), "", check.Answer{Verdict: patch.Present, Here: true}},
		{"unknown version, in conflict", "", content(different), "", check.Answer{Verdict: patch.Conflict, Here: true}},
		{"unknown version, without content", "", nil, "", check.Answer{Here: true}},
		{"needed, but not here", "1.0", content(without), "{os: linux}", check.Answer{Verdict: patch.Needed, Claimed: true}},
		{"needed and not claimed, and not here", "2.0", content(without), "{os: linux}", check.Answer{Verdict: patch.Needed, Disagrees: true}},
		{"in conflict, and not here", "1.0", content(different), "{os: linux}", check.Answer{Verdict: patch.Conflict, Claimed: true}},
		{"claimed, but not here", "1.0", nil, "{version: '< 12'}", check.Answer{Claimed: true}},
		{"claimed for here", "1.0", nil, "{os: freebsd, version: '>= 12'}", check.Answer{Claimed: true, Here: true, Needed: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			more := ""
			if test.where != "" {
				more = "    where: " + test.where
			}
			r, err := asker(t, claims(t, more)).Ask(t.Context(), dotted(t, test.version), test.content)
			must(t, err)
			want := check.Release{Version: test.version, From: check.From{Kind: check.Claim, Name: "hello.yaml"}, Fixes: []check.Answer{test.want}}
			want.Fixes[0].Fix, want.Fixes[0].Summary = "signal-h", "includes <signal.h>"
			if test.content != nil {
				want.From = test.content.From
			}
			if diff := cmp.Diff(want, r, cmpopts.IgnoreFields(check.Answer{}, "Why", "Elsewhere", "Mails")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			a := r.Fixes[0]
			if a.Why == "" || test.content == nil && a.Why != "only the recipe says so" {
				t.Errorf("the reason is %q", a.Why)
			}
			if (a.Elsewhere == "") != a.Here {
				t.Errorf("here is %v, and why not %q", a.Here, a.Elsewhere)
			}
			if (len(a.Mails) == 1) != (test.content != nil) {
				t.Errorf("there are %d mails", len(a.Mails))
			}
			if needed := r.Needed(); needed != map[bool]int{true: 1}[a.Needed] {
				t.Errorf("%d are needed", needed)
			}
		})
	}
}

// TestUnavailable: where a patch can't be had, or may not be asked about, the claim counts,
// and it is said why.
func TestUnavailable(t *testing.T) {
	for _, v := range []string{"1.0", "2.0", ""} {
		claimed := v == "1.0"
		c := asker(t, claims(t, ""))
		c.Patch = func(context.Context, recipe.Fix, version.Version) (*patch.Patch, error) {
			return nil, errors.New("the mirror is closed")
		}
		r, err := c.Ask(t.Context(), dotted(t, v), content(without))
		must(t, err)
		a := r.Fixes[0]
		if a.Why != "the patch can't be had: the mirror is closed" || a.Needed != claimed || a.Verdict != "" || a.Disagrees || a.Mails != nil {
			t.Errorf("%q, without the patch: %+v", v, a)
		}
		r, err = asker(t, claims(t, "")).Ask(t.Context(), dotted(t, v), &check.Content{Source: failing{tree.ErrRefused}})
		must(t, err)
		if a := r.Fixes[0]; !strings.Contains(a.Why, "refused") || a.Needed != claimed || a.Verdict != "" || a.Disagrees {
			t.Errorf("%q, of what no patch may touch: %+v", v, a)
		}
	}
}

// A failing source has nothing but errors.
type failing struct{ err error }

// Read fails.
func (f failing) Read(name string) (tree.File, error) {
	return tree.File{}, fmt.Errorf("reading %s: %w", name, f.err)
}

// Lstat fails.
func (f failing) Lstat(name string) (fs.FileInfo, error) {
	return nil, fmt.Errorf("looking at %s: %w", name, f.err)
}

// TestNotFoundOut: what fails is no answer.
func TestNotFoundOut(t *testing.T) {
	c := asker(t, claims(t, ""))
	if _, err := c.Ask(t.Context(), dotted(t, "1.0"), &check.Content{Source: failing{fs.ErrPermission}}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "signal-h") {
		t.Errorf("of a disk that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.Patch = func(ctx context.Context, _ recipe.Fix, _ version.Version) (*patch.Patch, error) {
		cancel()
		return nil, ctx.Err()
	}
	if _, err := c.Ask(ctx, dotted(t, "1.0"), content(without)); !errors.Is(err, context.Canceled) {
		t.Errorf("of one that was called off: %v", err)
	}
}

// TestOrder: all fixes are answered, in the recipe's order, each with the patch that it has
// for that version.
func TestOrder(t *testing.T) {
	r := claims(t, `
  - id: flags
    summary: sets flags
    affects: "< 3"
    env: {WITHOUT_IT: "1"}
  - id: more
    summary: the same again
    affects: "< 1"
    patch: [{file: hello/b.patch, patch-ids: [`+strings.Repeat("e", 40)+`]}]
    proof: {verdicts: {1.0: needed}}
`)
	var asked []string
	c := asker(t, r)
	c.Patch = func(_ context.Context, f recipe.Fix, v version.Version) (*patch.Patch, error) {
		asked = append(asked, f.ID+" "+v.String())
		return parse(t, addInclude), nil
	}
	release, err := c.Ask(t.Context(), dotted(t, "1.0"), content(without))
	must(t, err)
	var got []string
	for _, a := range release.Fixes {
		got = append(got, fmt.Sprintf("%s %q set:%v needed:%v", a.Fix, a.Verdict, a.Set, a.Needed))
	}
	want := []string{`signal-h "needed" set:false needed:true`, `flags "" set:true needed:false`, `more "needed" set:false needed:true`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"signal-h 1.0", "more 1.0"}, asked); diff != "" {
		t.Errorf("patches that were asked for (-want +got)\n%s", diff)
	}
	if release.Needed() != 2 {
		t.Errorf("%d are needed", release.Needed())
	}
}

// TestAdvice: an advisory has no content to be asked. It matters where the recipe says so,
// unless it matters only at times.
func TestAdvice(t *testing.T) {
	r := hello(t, `
fixes:
  - id: trap
    summary: the kernel traps
    affects: ">= 12.0, < 12.0-p3"
    where: {os: freebsd}
    advisory: install the patch level p3
    fixed: 12.0-p3
    links: ["https://example.org/trap"]
    proof: {log: hello/trap.log}
  - id: after-upgrade
    summary: programs of before the upgrade hide faults
    affects: ">= 12"
    advisory: build all packages anew
    when: after a major upgrade
    proof: {log: hello/upgrade.log}
`)
	for _, test := range []struct {
		version string
		os      string
		needed  int
		claimed [2]bool
	}{
		{"12.0", "freebsd", 1, [2]bool{true, true}},
		{"12.0-p2", "freebsd", 1, [2]bool{true, true}},
		{"12.0-p3", "freebsd", 0, [2]bool{false, true}},
		{"12.0", "linux", 0, [2]bool{true, true}},
		{"11.2", "freebsd", 0, [2]bool{false, false}},
		{"", "freebsd", 0, [2]bool{false, false}},
	} {
		c := check.Checker{Recipe: r, Platform: platform.Platform{OS: test.os}}
		for _, with := range []*check.Content{nil, content(without)} {
			release, err := c.Ask(t.Context(), dotted(t, test.version), with)
			must(t, err)
			if release.Needed() != test.needed {
				t.Errorf("%s on %s: %d are needed, want %d", test.version, test.os, release.Needed(), test.needed)
			}
			for i, a := range release.Fixes {
				if a.Claimed != test.claimed[i] || a.Set || a.Disagrees || a.Verdict != "" || a.Advisory == "" {
					t.Errorf("%s on %s: %+v", test.version, test.os, a)
				}
			}
			a, b := release.Fixes[0], release.Fixes[1]
			if a.Fixed != "12.0-p3" || len(a.Links) != 1 || a.When != "" || b.When != "after a major upgrade" || b.Needed {
				t.Errorf("%s on %s: %+v, %+v", test.version, test.os, a, b)
			}
		}
	}
}

// TestAmbiguous: a patch that fits both ways says nothing, so the claim counts.
func TestAmbiguous(t *testing.T) {
	const both = "a\nb\na\nb\n0\na\nb\nnew\na\nb\n"
	c := asker(t, claims(t, ""))
	c.Patch = func(context.Context, recipe.Fix, version.Version) (*patch.Patch, error) {
		return parse(t, "--- a/main.c\n+++ b/main.c\n@@ -2,4 +2,5 @@\n a\n b\n+new\n a\n b\n"), nil
	}
	for v, claimed := range map[string]bool{"1.0": true, "2.0": false, "": false} {
		r, err := c.Ask(t.Context(), dotted(t, v), content(both))
		must(t, err)
		if a := r.Fixes[0]; a.Verdict != patch.Ambiguous || a.Needed != claimed || a.Disagrees || !strings.Contains(a.Why, "so does taking it out") {
			t.Errorf("%q: %+v", v, a)
		}
	}
}

// TestNotMoved: a mail that makes, removes or renames files is about those names, and not
// about files in other folders that are called alike.
func TestNotMoved(t *testing.T) {
	const head = "diff --git a/src/main.c b/src/main.c\n"
	for name, text := range map[string]string{
		"removes": head + "deleted file mode 100644\n--- a/src/main.c\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-#include <stdio.h>\n-#include <unistd.h>\n-#include <sys/wait.h>\n",
		"renames": "diff --git a/src/main.c b/src/new.c\nsimilarity index 100%\nrename from src/main.c\nrename to src/new.c\n",
	} {
		c := asker(t, claims(t, ""))
		c.Patch = func(context.Context, recipe.Fix, version.Version) (*patch.Patch, error) { return parse(t, text), nil }
		for _, named := range []bool{false, true} {
			src := files{"lib/main.c": without}
			at := &check.Content{Source: src}
			if named {
				at.Names = maps.Keys(src)
			}
			r, err := c.Ask(t.Context(), dotted(t, "1.0"), at)
			must(t, err)
			if a := r.Fixes[0]; a.Verdict != patch.Absent || a.Why != "src/main.c is not there" {
				t.Errorf("one that %s: %s, %q", name, a.Verdict, a.Why)
			}
		}
	}
}
