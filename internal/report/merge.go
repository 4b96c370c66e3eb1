package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"srcmend/internal/event"
)

// Merge puts the shards of one plan together to the verification that they are parts of. Every
// cell of the plan must be in one of them, and what several have must be the same.
func Merge(all []*Verification) (*Verification, error) {
	if len(all) == 0 {
		return nil, errors.New("there is nothing to merge")
	}
	if err := onePlan(all); err != nil {
		return nil, err
	}
	cells, err := mergeCells(all)
	if err != nil {
		return nil, err
	}
	m := all[0].Matrix()
	m.Shard, m.Mine = "", len(m.Cells)
	merged := new(Verification)
	begin, end := all[0].began(), time.Time{}
	for _, v := range all {
		for _, t := range v.told {
			if t.at.Before(begin) {
				begin = t.at
			}
			if t.at.After(end) {
				end = t.at
			}
		}
	}
	keep := func(e event.Event, at time.Time) {
		err = errors.Join(err, merged.keep(e, at))
	}
	keep(m, begin)
	notes := map[event.Event]bool{}
	for _, v := range all {
		for _, t := range v.told {
			if n, ok := t.event.(event.Note); ok && !notes[n] {
				notes[n] = true
				merged.told = append(merged.told, t)
			}
		}
	}
	merged.told = append(merged.told, cells...)
	for _, p := range mergeProblems(all) {
		keep(p.event, p.at)
	}
	keep(summed(all, merged), end)
	return merged, err
}

// called is what a shard is called in errors.
func called(all []*Verification, i int) string {
	if all[i].Name != "" {
		return all[i].Name
	}
	return fmt.Sprintf("number %d", i+1)
}

// onePlan reports which shard is of another plan than the first.
func onePlan(all []*Verification) error {
	first := all[0].Matrix()
	for i, v := range all[1:] {
		m := v.Matrix()
		switch {
		case m.Plan != first.Plan:
			return fmt.Errorf("%s is of another plan (%.12s) than %s (%.12s): make all shards from the same recipes, with the same arguments but for --shard", called(all, i+1), m.Plan, called(all, 0), first.Plan)
		case m.Platform != first.Platform || !slices.Equal(m.Cells, first.Cells):
			return fmt.Errorf("%s has the plan of %s, but other cells: one of them was changed after it was written", called(all, i+1), called(all, 0))
		}
	}
	return nil
}

// mergeCells are the cells of all shards, in the order of the matrix.
func mergeCells(all []*Verification) ([]told, error) {
	type found struct {
		told
		shard int
	}
	have := map[string]found{}
	want := all[0].Matrix().Cells
	at := places(want)
	for i, v := range all {
		for _, t := range v.told {
			c, ok := t.event.(event.CellEnded)
			if !ok {
				continue
			}
			if _, known := at[c.ID]; !known {
				return nil, fmt.Errorf("%s has the cell %q, which its matrix does not have", called(all, i), c.ID)
			}
			other, twice := have[c.ID]
			if !twice {
				have[c.ID] = found{t, i}
				continue
			}
			was := other.event.(event.CellEnded)
			if was.Outcome != c.Outcome {
				return nil, fmt.Errorf("the cell %q is %s in %s and %s in %s: run it again", c.ID, was.Outcome, called(all, other.shard), c.Outcome, called(all, i))
			}
			if was.Stored && !c.Stored {
				have[c.ID] = found{t, i}
			}
		}
	}
	var cells []told
	var missing []string
	for _, id := range want {
		if f, ok := have[id]; ok {
			cells = append(cells, f.told)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%d of %s are in no part: %s; add the parts that have them", len(missing), countOf(len(want), "cell", "cells"), some(missing, 10))
	}
	return cells, nil
}

// some names the first of many.
func some(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// countOf is "1 cell" or "2 cells".
func countOf(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// mergeProblems tells each problem once, with the cells of all shards, by its place.
func mergeProblems(all []*Verification) []told {
	type key struct {
		file         string
		line, column int
		rule, text   string
	}
	var problems []told
	at := map[key]int{}
	for _, v := range all {
		for _, t := range v.told {
			p, ok := t.event.(event.Problem)
			if !ok {
				continue
			}
			k := key{p.File, p.Line, p.Column, p.Rule, p.Text}
			i, twice := at[k]
			if !twice {
				at[k] = len(problems)
				problems = append(problems, t)
				continue
			}
			problems[i].event = united(problems[i].event.(event.Problem), p)
		}
	}
	slices.SortStableFunc(problems, func(a, b told) int {
		p, q := a.event.(event.Problem), b.event.(event.Problem)
		return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column), cmp.Compare(p.Rule, q.Rule), cmp.Compare(p.Text, q.Text))
	})
	return problems
}

// united is a problem that two shards have. It is as bad as the worse of them.
func united(p, q event.Problem) event.Problem {
	p.Cells = slices.Clone(p.Cells)
	has := places(p.Cells)
	for _, cell := range q.Cells {
		if _, ok := has[cell]; !ok {
			p.Cells = append(p.Cells, cell)
		}
	}
	if q.Level == "error" {
		p.Level = q.Level
	}
	if q.Known == "" {
		p.Known = ""
	}
	if p.Hint == "" {
		p.Hint = q.Hint
	}
	if len(p.Excerpt) == 0 {
		p.Excerpt, p.At, p.Log = q.Excerpt, q.At, q.Log
	}
	return p
}

// summed is how all shards together ended: never better than one of them, as long as the
// longest, since they run side by side.
func summed(all []*Verification, merged *Verification) event.Verified {
	sum := event.Verified{Outcome: event.Green}
	cells := merged.Cells()
	for _, c := range cells {
		if c.Stored {
			sum.Stored++
		}
		switch stateOf(c) {
		case isGreen:
			sum.Green++
		case isRed:
			sum.Red++
		case isKnown:
			sum.Known++
		case isSkipped:
			sum.Skipped++
		default:
			sum.Failed++
		}
	}
	wrong := 0
	for _, p := range merged.Problems() {
		if p.Level == "error" && p.Known == "" && p.Rule != event.Unverified {
			wrong++
		}
	}
	hints := map[event.Outcome]string{}
	failed, red := sum.Failed > 0, sum.Red > 0 || wrong > 0
	for _, v := range all {
		e := v.Verified()
		sum.Builds += e.Builds
		sum.CPU += e.CPU
		sum.Seconds = max(sum.Seconds, e.Seconds)
		failed = failed || e.Outcome == event.Failed || e.Outcome == event.Interrupted
		red = red || e.Outcome == event.Red
		if hints[e.Outcome] == "" {
			hints[e.Outcome] = e.Hint
		}
	}
	sum.Text = "what the recipes claim is true"
	switch {
	case red:
		sum.Outcome, sum.Text = event.Red, "not all that the recipes claim is true"
	case failed:
		sum.Outcome, sum.Text = event.Failed, "not all could be verified"
	}
	if wrong > 0 {
		sum.Text += ", " + countOf(wrong, "problem", "problems")
	}
	sum.Hint = hints[sum.Outcome]
	return sum
}
