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
	sum := Sum(merged.Cells(), merged.Problems())
	sum.Builds, sum.CPU = 0, 0 // of all, also where two had the same cell
	order := []event.Outcome{event.Green, event.Failed, event.Red}
	worst := func(o event.Outcome) int {
		if o == event.Interrupted {
			o = event.Failed
		}
		return slices.Index(order, o)
	}
	if sum.Outcome == event.Interrupted {
		sum.Outcome, sum.Text = event.Failed, notAll
	}
	sum.Hint = ""
	for _, v := range all {
		e := v.Verified()
		sum.Builds += e.Builds
		sum.CPU += e.CPU
		sum.Seconds = max(sum.Seconds, e.Seconds)
		if worst(e.Outcome) > worst(sum.Outcome) {
			sum.Outcome, sum.Text = order[worst(e.Outcome)], map[event.Outcome]string{event.Failed: notAll, event.Red: notTrue}[order[worst(e.Outcome)]]
		}
	}
	for _, v := range all {
		if e := v.Verified(); e.Outcome == sum.Outcome && sum.Hint == "" {
			sum.Hint = e.Hint
		}
	}
	return sum
}
