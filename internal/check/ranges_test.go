package check_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"srcmend/internal/check"
	"srcmend/internal/patch"
	"srcmend/internal/version"
)

// claimed stands for the verdict of a release whose content could not be asked.
const (
	claimed   = patch.Verdict("claimed")
	unclaimed = patch.Verdict("unclaimed")
)

// said makes the releases that say something of the fix "f": "1.0 needed", and "!" behind
// it if the recipe claims otherwise, or, of a conflict, "+" if the recipe claims it.
func said(releases ...string) []check.Release {
	var all []check.Release
	for _, text := range releases {
		v, word, _ := strings.Cut(text, " ")
		word, wrong := strings.CutSuffix(word, "!")
		word, plus := strings.CutSuffix(word, "+")
		a := check.Answer{Fix: "f", Verdict: patch.Verdict(word), Disagrees: wrong}
		switch a.Verdict {
		case claimed:
			a.Verdict, a.Claimed = "", true
		case unclaimed:
			a.Verdict = ""
		case patch.Conflict, patch.Ambiguous:
			a.Claimed = plus
		default:
			a.Claimed = (a.Verdict == patch.Needed) != wrong
		}
		all = append(all, check.Release{Version: v, Fixes: []check.Answer{{Fix: "another", Verdict: patch.Needed}, a}})
	}
	return all
}

func TestSum(t *testing.T) {
	for _, test := range []struct {
		name     string
		releases []string
		want     check.Summary
	}{
		{"no release", nil, check.Summary{}},
		{"none needs it", []string{"1.0 absent", "1.1 present", "1.2 superseded"}, check.Summary{}},
		{
			"one run",
			[]string{"1.0 absent", "1.1 needed", "1.1.1 needed", "1.2 present"},
			check.Summary{
				Ranges: []check.Range{{Introduced: "1.1", Fixed: "1.2"}}, Affects: ">= 1.1, < 1.2", Needed: []string{"1.1", "1.1.1"},
			},
		},
		{
			"several runs",
			[]string{"1.0 absent", "1.1 needed", "1.2 present", "1.3 needed", "1.4 needed", "1.5 superseded"},
			check.Summary{
				Ranges:  []check.Range{{Introduced: "1.1", Fixed: "1.2"}, {Introduced: "1.3", Fixed: "1.5"}},
				Affects: ">= 1.1, < 1.2 || >= 1.3, < 1.5", Needed: []string{"1.1", "1.3", "1.4"},
			},
		},
		{
			"the newest still needs it",
			[]string{"1.0 absent", "1.1 needed", "1.2 needed"},
			check.Summary{Ranges: []check.Range{{Introduced: "1.1"}}, Affects: ">= 1.1", Needed: []string{"1.1", "1.2"}},
		},
		{
			"from the beginning",
			[]string{"1.0 needed", "1.1 needed", "1.2 present"},
			check.Summary{Ranges: []check.Range{{Introduced: "0", Fixed: "1.2"}}, Affects: "< 1.2", Needed: []string{"1.0", "1.1"}},
		},
		{
			"always",
			[]string{"1.0 needed", "1.1 needed"},
			check.Summary{Ranges: []check.Range{{Introduced: "0"}}, Affects: ">= 1.0", Needed: []string{"1.0", "1.1"}},
		},
		{
			"from the beginning, and again",
			[]string{"1.0 needed", "1.1 present", "1.2 needed"},
			check.Summary{
				Ranges:  []check.Range{{Introduced: "0", Fixed: "1.1"}, {Introduced: "1.2"}},
				Affects: "< 1.1 || >= 1.2", Needed: []string{"1.0", "1.2"},
			},
		},
		{
			"what can't tell is as claimed",
			[]string{"1.0 unclaimed", "1.1 conflict+", "1.2 claimed", "1.3 needed", "1.4 ambiguous", "1.5 conflict"},
			check.Summary{
				Ranges: []check.Range{{Introduced: "1.1", Fixed: "1.4"}}, Affects: ">= 1.1, < 1.4", Needed: []string{"1.1", "1.2", "1.3"},
				Unknown: []string{"1.0", "1.1", "1.2", "1.4", "1.5"},
			},
		},
		{
			"the recipe is wrong",
			[]string{"1.0 needed!", "1.1 needed", "1.2 present!", "1.3 present"},
			check.Summary{
				Ranges: []check.Range{{Introduced: "0", Fixed: "1.2"}}, Affects: "< 1.2", Needed: []string{"1.0", "1.1"},
				Wrong: []string{"1.0", "1.2"},
			},
		},
		{
			"a tree without a version says nothing of versions",
			[]string{"1.0 absent", " needed", "1.1 present"},
			check.Summary{},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			want.Fix = "f"
			if want.Ranges == nil {
				want.Ranges = []check.Range{}
			}
			if want.Needed == nil {
				want.Needed = []string{}
			}
			if diff := cmp.Diff(want, check.Sum(said(test.releases...), "f")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if s := check.Sum(said("1.0 needed"), "none"); len(s.Ranges)+len(s.Needed) != 0 || s.Affects != "" {
		t.Errorf("of a fix that no release knows: %+v", s)
	}
}

// TestSumIsRange: the range that a summary gives holds exactly the versions that need the
// fix, whatever the releases said, and its ranges do so, too.
func TestSumIsRange(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	verdicts := []string{
		"needed", "needed", "needed", "needed!", "present", "present!", "superseded", "absent", "conflict", "conflict+",
		"ambiguous", "ambiguous+", "claimed", "unclaimed",
	}
	empty := 0
	for range 1000 {
		var releases []string
		versions := someVersions(t, random)
		for _, v := range versions {
			releases = append(releases, v.String()+" "+verdicts[random.IntN(len(verdicts))])
		}
		s := check.Sum(said(releases...), "f")
		if s.Affects == "" {
			if empty++; len(s.Needed) > 0 || len(s.Ranges) > 0 {
				t.Fatalf("%q: no range for %+v", releases, s)
			}
			continue
		}
		affected, err := version.ParseRange(version.Dotted, s.Affects)
		if err != nil {
			t.Fatalf("%q: %v", releases, err)
		}
		var inRange, inRuns []string
		for _, v := range versions {
			if affected.Contains(v) {
				inRange = append(inRange, v.String())
			}
			if within(t, s.Ranges, v) {
				inRuns = append(inRuns, v.String())
			}
		}
		if !slices.Equal(inRange, s.Needed) || !slices.Equal(inRuns, s.Needed) {
			t.Fatalf("%q: needed are %q, the range %q has %q, and the runs %+v have %q", releases, s.Needed, s.Affects, inRange, s.Ranges, inRuns)
		}
		for i, v := range versions { // what is needed, counted by other means
			word := strings.Fields(releases[i])[1]
			needs := strings.HasPrefix(word, "needed") || word == "claimed" || strings.HasSuffix(word, "+")
			if needs != slices.Contains(s.Needed, v.String()) {
				t.Fatalf("%q: needed are %q", releases, s.Needed)
			}
		}
	}
	if empty == 0 || empty > 600 {
		t.Errorf("%d summaries were empty; the sequences show little", empty)
	}
}

// within reports whether a version is in one of the ranges, as the OSV format has it.
func within(t *testing.T, ranges []check.Range, v version.Version) bool {
	t.Helper()
	parse := func(text string) version.Version {
		w, err := version.Parse(version.Dotted, text)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	return slices.ContainsFunc(ranges, func(r check.Range) bool {
		return v.Compare(parse(r.Introduced)) >= 0 && (r.Fixed == "" || v.Compare(parse(r.Fixed)) < 0)
	})
}

// someVersions are of one upstream, no two of them equal, in their order.
func someVersions(t *testing.T, random *rand.Rand) []version.Version {
	t.Helper()
	var all []version.Version
	for range 1 + random.IntN(9) {
		text := fmt.Sprintf("%d.%d", 1+random.IntN(3), random.IntN(12))
		if random.IntN(2) == 0 {
			text += fmt.Sprintf(".%d", random.IntN(4))
		}
		text += []string{"", "", "-rc1", ".rc2", "p1"}[random.IntN(5)]
		v, err := version.Parse(version.Dotted, text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	slices.SortFunc(all, version.Version.Compare)
	return slices.CompactFunc(all, func(a, b version.Version) bool { return a.Compare(b) == 0 })
}

// ExampleSum says which versions a recipe should name.
func ExampleSum() {
	var releases []check.Release
	for _, r := range []struct {
		version string
		verdict patch.Verdict
	}{{"2.3.3", patch.Absent}, {"2.3.4", patch.Needed}, {"2.3.4.1", patch.Needed}, {"2.3.5", patch.Present}} {
		releases = append(releases, check.Release{
			Version: r.version,
			Fixes:   []check.Answer{{Fix: "signal-h", Verdict: r.verdict}},
		})
	}
	fmt.Println(check.Sum(releases, "signal-h").Affects)
	// Output: >= 2.3.4, < 2.3.5
}
