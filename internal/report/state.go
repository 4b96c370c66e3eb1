package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"srcmend/internal/event"
)

// A state is what became of a cell, as it is shown: red by itself, and red as it is known to be.
type state int

// The states, what wants attention first.
const (
	isFailed state = iota
	isRed
	isKnown
	isSkipped
	isGreen
	nStates
)

// stateOf is the state of a cell. What nobody knows of has failed.
func stateOf(c event.CellEnded) state {
	switch {
	case c.Outcome == event.Green:
		return isGreen
	case c.Outcome == event.Skipped:
		return isSkipped
	case c.Outcome == event.Red && c.Known != "":
		return isKnown
	case c.Outcome == event.Red:
		return isRed
	}
	return isFailed
}

// String is the state in a word.
func (s state) String() string {
	return [...]string{"failed", "red", "known", "skipped", "green"}[s]
}

// Sign is the state in a sign, for who sees no colours.
func (s state) Sign() string { return [...]string{"!", "✗", "≈", "–", "✓"}[s] }

// says is what an event.Verified has in numbers.
func says(v event.Verified) string {
	words := []string{fmt.Sprintf("%d green", v.Green)}
	for _, n := range []struct {
		n    int
		what string
	}{{v.Red, "red"}, {v.Known, "red as known"}, {v.Failed, "failed"}, {v.Skipped, "skipped"}} {
		if n.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n.n, n.what))
		}
	}
	text := strings.Join(words, ", ")
	if v.Stored > 0 {
		text += fmt.Sprintf("; %d from the store", v.Stored)
	}
	switch took := took(v.Seconds); {
	case v.Builds > 0 && took != "":
		text += "; " + countOf(v.Builds, "build", "builds") + " in " + took
	case took != "":
		text += "; " + took
	}
	return text
}

// took is a length of time, "" if it is none.
func took(seconds float64) string {
	switch seconds = bounded(seconds); {
	case seconds < 0.05:
		return ""
	case seconds < 60:
		return fmt.Sprintf("%.1fs", seconds)
	}
	return clock(time.Duration(seconds * float64(time.Second)))
}

// bounded is a length of time that one can reckon with, whatever a file says.
func bounded(seconds float64) float64 { return max(0, min(seconds, 1e8)) }

// matrixSays is what a matrix is about, in a line.
func matrixSays(m event.Matrix) string {
	words := []string{countOf(len(m.Cells), "cell", "cells")}
	if m.Platform != "" {
		words[0] += " on " + m.Platform
	}
	if m.Since != "" {
		words = append(words, "what has changed since "+m.Since)
	}
	if m.Shard != "" {
		words = append(words, fmt.Sprintf("%d of them here, shard %s", m.Mine, m.Shard))
	}
	return strings.Join(words, ", ")
}

// claim is a cell's name without its level.
func claim(c event.Cell) string { return strings.TrimSuffix(c.ID, ":"+string(c.Level)) }

// spot is where a problem is: file:line:column. It is nothing that GitHub takes for a command.
func spot(p event.Problem) string {
	if p.File == "" {
		return ""
	}
	at := clean(Relative(p.File))
	if strings.HasPrefix(strings.TrimSpace(at), "::") {
		at = "./" + at
	}
	if p.Line > 0 {
		at += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			at += fmt.Sprintf(":%d", p.Column)
		}
	}
	return at
}

// tells is a problem in lines: where, what, what a log says, and what to do. No line is a
// command for GitHub, whatever the log says.
func tells(p event.Problem, paint func(color, text string) string) []string {
	color := red
	if p.Level != "error" {
		color = yellow
	}
	head := paint(color, clean(p.Level)+":") + " " + clean(p.Text)
	if at := spot(p); at != "" {
		head = paint(bold, at+":") + " " + head
	}
	lines := []string{head + " (" + clean(p.Rule) + ")"}
	for i, line := range p.Excerpt {
		mark := "|"
		if i == p.At {
			mark = paint(red, ">")
		}
		lines = append(lines, "  "+mark+" "+cut(clean(line), 160))
	}
	for _, hint := range hints(p.Hint) {
		lines = append(lines, "try: "+hint)
	}
	if p.Known != "" {
		lines = append(lines, "known: "+clean(p.Known))
	}
	if len(p.Cells) > 0 {
		lines = append(lines, "shown by "+clean(some(p.Cells, 3)))
	}
	if p.Log != "" {
		lines = append(lines, "log: "+clean(p.Log))
	}
	return lines
}

// byWeight puts errors before warnings, and what is known last.
func byWeight(problems []event.Problem) []event.Problem {
	weight := func(p event.Problem) int {
		switch {
		case p.Known != "":
			return 2
		case p.Level != "error":
			return 1
		}
		return 0
	}
	slices.SortStableFunc(problems, func(a, b event.Problem) int { return weight(a) - weight(b) })
	return problems
}

// hints are the lines of a hint.
func hints(hint string) []string {
	var lines []string
	for line := range strings.Lines(hint) {
		if line = strings.TrimSpace(clean(strings.TrimSuffix(line, "\n"))); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// plain paints nothing.
func plain(_, text string) string { return text }

// levelsOf are the levels that some cell has, in their order.
func levelsOf(cells []event.CellEnded) []event.Level {
	order := []event.Level{event.LevelLint, event.LevelFetch, event.LevelVerdict, event.LevelBuild}
	var used, others []event.Level
	for _, c := range cells {
		if !slices.Contains(order, c.Level) {
			order = append(order, c.Level)
			others = append(others, c.Level)
		}
	}
	slices.Sort(others)
	order = append(order[:4], others...)
	for _, l := range order {
		if slices.ContainsFunc(cells, func(c event.CellEnded) bool { return c.Level == l }) {
			used = append(used, l)
		}
	}
	return used
}
