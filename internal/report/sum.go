package report

import (
	"fmt"

	"srcmend/internal/event"
)

// How a verification can have ended.
const (
	allTrue = "what the recipes claim is true"
	notTrue = "not all that the recipes claim is true"
	notAll  = "not all could be verified"
)

// Sum is how a verification has ended, by what became of its cells and by its problems. What
// took how long is for the caller to say.
func Sum(cells []event.CellEnded, problems []event.Problem) event.Verified {
	sum := event.Verified{Outcome: event.Green, Text: allTrue}
	interrupted := 0
	for _, c := range cells {
		if c.Stored {
			sum.Stored++
		} else {
			sum.Builds += c.Builds
			sum.CPU += c.CPU
		}
		switch s := stateOf(c); {
		case c.Outcome == event.Interrupted:
			interrupted++
			sum.Failed++
		case s == isGreen:
			sum.Green++
		case s == isRed:
			sum.Red++
		case s == isKnown:
			sum.Known++
		case s == isSkipped:
			sum.Skipped++
		default:
			sum.Failed++
		}
	}
	wrong := 0
	for _, p := range problems {
		if p.Level == "error" && p.Known == "" && p.Rule != event.Unverified {
			wrong++
		}
	}
	switch {
	case interrupted > 0:
		sum.Outcome, sum.Text = event.Interrupted, fmt.Sprintf("%s not reached", countOf(interrupted, "cell was", "cells were"))
		sum.Hint = "run the same command again: what was found out is kept"
	case sum.Red > 0 || wrong > 0:
		sum.Outcome, sum.Text = event.Red, notTrue
	case sum.Failed > 0:
		sum.Outcome, sum.Text = event.Failed, notAll
	case len(cells) == 0:
		sum.Text = "there is nothing to verify"
	}
	if wrong > 0 {
		sum.Text += ", " + countOf(wrong, "problem", "problems")
	}
	return sum
}
