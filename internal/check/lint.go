package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"srcmend/internal/patch"
	"srcmend/internal/recipe"
	"srcmend/internal/yamlfile"
)

// Lint holds what a recipe claims against what its releases say, which come in the order
// of their versions. unjudged names the fixes of which no release could tell anything.
func Lint(r *recipe.Recipe, releases []Release) (wrong yamlfile.Mistakes, unjudged []string) {
	for i, f := range r.Fixes {
		if len(f.Patch) == 0 {
			continue
		}
		says := map[string]Answer{}
		absent := 0
		for _, release := range releases {
			a := release.Fixes[i]
			if a.Verdict == "" {
				continue
			}
			says[release.Version] = a
			if a.Verdict == patch.Absent {
				absent++
			}
		}
		sum := Sum(releases, f.ID)
		switch {
		case len(says) == 0:
			unjudged = append(unjudged, f.ID)
		case absent == len(says):
			wrong = append(wrong, r.Mistake("is it for another package?", fmt.Sprintf("none of the %d releases that could be asked has the files that this patch changes", len(says)), "fixes", i, "patch"))
		case len(sum.Wrong) > 0:
			wrong = append(wrong, rangeMistake(r, i, sum, says))
		}
		wrong = append(wrong, verdictMistakes(r, i, says)...)
	}
	return wrong, unjudged
}

// rangeMistake says what range would be right.
func rangeMistake(r *recipe.Recipe, i int, sum Summary, says map[string]Answer) yamlfile.Mistake {
	var parts []string
	for _, v := range sum.Wrong[:min(len(sum.Wrong), 4)] {
		parts = append(parts, fmt.Sprintf("%s is %s", v, says[v].Verdict))
	}
	if more := len(sum.Wrong) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	hint := fmt.Sprintf("affects: %q would be right", sum.Affects)
	if sum.Affects == "" {
		hint = "no release needs it"
	}
	return r.Mistake(hint, "the releases say otherwise: "+strings.Join(parts, ", "), "fixes", i, "affects")
}

// verdictMistakes holds the table of verdicts against the releases.
func verdictMistakes(r *recipe.Recipe, i int, says map[string]Answer) yamlfile.Mistakes {
	proof := r.Fixes[i].Proof
	if proof == nil {
		return nil
	}
	var wrong yamlfile.Mistakes
	for _, v := range slices.Sorted(maps.Keys(proof.Verdicts)) {
		if a, asked := says[v]; asked && string(a.Verdict) != proof.Verdicts[v] {
			wrong = append(wrong, r.Mistake(a.Why, fmt.Sprintf("%s says %s", v, a.Verdict), "fixes", i, "proof", "verdicts", v))
		}
	}
	return wrong
}
