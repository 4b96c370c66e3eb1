package report

import (
	"fmt"
	"io"
	"strings"

	"srcmend/internal/event"
)

// VerificationGitHub writes its problems as commands of a workflow, which GitHub shows beside
// the recipes: those that are known as notices. What could not be verified is one error more.
func VerificationGitHub(w io.Writer, v *Verification) error {
	var b strings.Builder
	for _, p := range v.Problems() {
		command := "warning"
		switch {
		case p.Known != "":
			command = "notice"
		case p.Level == "error":
			command = "error"
		}
		fmt.Fprintf(&b, "::%s ", command)
		if p.File != "" {
			fmt.Fprintf(&b, "file=%s,", property(Relative(p.File)))
			if p.Line > 0 {
				fmt.Fprintf(&b, "line=%d,", p.Line)
			}
			if p.Line > 0 && p.Column > 0 {
				fmt.Fprintf(&b, "col=%d,", p.Column)
			}
		}
		lines := append([]string{p.Text}, hints(p.Hint)...)
		if p.Known != "" {
			lines = append(lines, "known: "+p.Known)
		}
		for _, line := range p.Excerpt {
			lines = append(lines, "> "+shorten(clean(line)))
		}
		for i, line := range lines {
			lines[i] = clean(line)
		}
		fmt.Fprintf(&b, "title=%s::%s\n", property(p.Rule), value(strings.Join(lines, "\n")))
	}
	if failed := failures(v.Cells()); len(failed) > 0 {
		fmt.Fprintf(&b, "::error title=%s::%s\n", property(countOf(len(failed), "cell could not be verified", "cells could not be verified")), value(some(failed, 10)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// failures names what could not be verified, and why.
func failures(cells []event.CellEnded) []string {
	var failed []string
	for _, c := range cells {
		if stateOf(c) == isFailed {
			failed = append(failed, clean(c.ID+": "+c.Why))
		}
	}
	return failed
}
