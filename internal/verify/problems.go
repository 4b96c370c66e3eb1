package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"srcmend/internal/check"
	"srcmend/internal/event"
	"srcmend/internal/recipe"
	"srcmend/internal/yamlfile"
)

// The levels of problems.
const (
	levelError   = "error"
	levelWarning = "warning"
)

// Problems says what is wrong, each thing once, at the line where it stands, in the order of the
// files.
func (v *Verifier) Problems(results []Result) ([]event.Problem, error) {
	var all []event.Problem
	ranges := map[string]*rangeOf{}
	for i := range results {
		r := &results[i]
		for _, m := range r.mistakes {
			all = append(all, at(m.Pos, event.Problem{Rule: "mistake", Level: levelError, Text: m.Text, Hint: m.Hint}, r))
		}
		if r.Err != nil && r.Outcome == event.Failed {
			pos, err := v.where(r, Fault{Rule: event.Unverified})
			if err != nil {
				return nil, err
			}
			all = append(all, at(pos, event.Problem{Rule: event.Unverified, Level: levelError, Text: "could not be verified: " + r.Why}, r))
		}
		for _, f := range r.Faults {
			if f.Rule == "wrong-range" {
				key := r.Package + "/" + r.Fix
				if ranges[key] == nil {
					ranges[key] = &rangeOf{first: r}
				}
				ranges[key].cells = append(ranges[key].cells, r)
				continue
			}
			pos, err := v.where(r, f)
			if err != nil {
				return nil, err
			}
			p := event.Problem{Rule: f.Rule, Level: levelError, Text: f.Text, Hint: f.Hint, Excerpt: f.Excerpt, At: f.At, Log: f.Log}
			if f.Warning {
				p.Level = levelWarning
			}
			all = append(all, at(pos, p, r))
		}
	}
	for _, ro := range ranges {
		p, err := v.wrongRange(ro, results)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b event.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
	})
	return once(all), nil
}

// at is a problem at a place, of a cell.
func at(pos yamlfile.Pos, p event.Problem, r *Result) event.Problem {
	p.File, p.Line, p.Column, p.Cells, p.Known = pos.File, pos.Line, pos.Column, []string{r.ID}, r.Known
	return p
}

// once tells of what several cells show at the same line only once. It is known only if all of
// them are expected.
func once(all []event.Problem) []event.Problem {
	var out []event.Problem
	for _, p := range all {
		i := len(out) - 1
		if i < 0 || out[i].Rule != p.Rule || out[i].File != p.File || out[i].Line != p.Line || out[i].Column != p.Column ||
			p.Rule == "mistake" && out[i].Text != p.Text {
			out = append(out, p)
			continue
		}
		if out[i].Known != "" && p.Known == "" { // what is not expected is what has to be read
			p.Cells, out[i] = append(out[i].Cells, p.Cells...), p
			continue
		}
		out[i].Cells = append(out[i].Cells, p.Cells...)
	}
	return out
}

// where is the place in the recipe, or in the catalogue, that a fault is about.
func (v *Verifier) where(r *Result, f Fault) (yamlfile.Pos, error) {
	if f.Signature != "" {
		cat, err := v.Catalogue()
		if err != nil {
			return yamlfile.Pos{}, err
		}
		pos, ok := cat.Pos(f.Signature)
		if ok {
			return pos, nil
		}
	}
	loaded, err := v.Recipes.Load(r.Package)
	var mistakes yamlfile.Mistakes
	if errors.As(err, new(*recipe.UnknownPackage)) || errors.As(err, &mistakes) {
		return yamlfile.Pos{File: r.Package}, nil
	}
	if err != nil {
		return yamlfile.Pos{}, err
	}
	return loaded.Mistake("", "", trail(loaded, r, f)...).Pos, nil
}

// trail leads to the value of a recipe that a fault is about.
func trail(loaded *recipe.Recipe, r *Result, f Fault) []any {
	fix := cmp.Or(f.Fix, r.Fix)
	i := slices.IndexFunc(loaded.Fixes, func(f recipe.Fix) bool { return f.ID == fix })
	if fix != "" && i < 0 {
		return nil
	}
	switch f.Rule {
	case "poor-source":
		return []any{"sources", f.Index}
	case "drifted-patch", "lost-patch":
		return []any{"fixes", i, "patch", f.Index}
	case "stale-patch":
		return []any{"fixes", i, "patch"}
	case "wrong-range":
		return []any{"fixes", i, "affects"}
	case "wrong-verdict":
		return []any{"fixes", i, "proof", "verdicts", r.Release}
	case "other-error", "does-not-cure":
		return []any{"fixes", i, "cures"}
	}
	if fix != "" {
		return []any{"fixes", i, "id"}
	}
	if r.Release != "" {
		return []any{"releases", r.Release}
	}
	return nil
}

// rangeOf is a fix whose range some releases contradict.
type rangeOf struct {
	first *Result
	cells []*Result
}

// wrongRange says which range would be right, by all the releases that were asked.
func (v *Verifier) wrongRange(ro *rangeOf, results []Result) (event.Problem, error) {
	first := ro.first
	loaded, err := v.Recipes.Load(first.Package)
	if err != nil {
		return event.Problem{}, err
	}
	asked := map[string]*check.Answer{}
	for i := range results {
		r := &results[i]
		if r.Package == first.Package && r.Fix == first.Fix && r.Level == event.LevelVerdict && r.Answer != nil {
			asked[r.Release] = r.Answer
		}
	}
	var releases []check.Release
	for _, known := range loaded.Known() {
		if a := asked[known.String()]; a != nil {
			releases = append(releases, check.Release{Version: known.String(), Fixes: []check.Answer{*a}})
		}
	}
	sum := check.Sum(releases, first.Fix)
	var parts []string
	const few = 4
	for _, version := range sum.Wrong[:min(len(sum.Wrong), few)] {
		parts = append(parts, fmt.Sprintf("%s is %s", version, asked[version].Verdict))
	}
	if more := len(sum.Wrong) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	p := event.Problem{
		Rule: "wrong-range", Level: levelError,
		Text: fmt.Sprintf("%s: the releases say otherwise: %s", first.Fix, strings.Join(parts, ", ")),
		Hint: fmt.Sprintf("affects: %q would be right", sum.Affects),
	}
	if sum.Affects == "" {
		p.Hint = "no release that could be asked needs it: take it out, if that is so of all"
	}
	pos, err := v.where(first, Fault{Rule: p.Rule})
	if err != nil {
		return p, err
	}
	p = at(pos, p, first)
	p.Cells = nil
	for _, r := range ro.cells {
		p.Cells = append(p.Cells, r.ID)
		if r.Known == "" {
			p.Known = ""
		}
	}
	return p, nil
}
