package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"srcmend/internal/event"
)

// VerificationText writes it as [Text] shows it while it goes on.
func VerificationText(w io.Writer, v *Verification) error {
	t := &Text{Out: w, Err: w, Now: func() time.Time { return time.Time{} }}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, told := range v.told {
		t.Send(told.event)
	}
	return t.Close()
}

// verifying is how far a verification has come.
type verifying struct {
	mine, done, bad int
	skipped         map[string]int // how many cells, by the reason
}

func (t *Text) matrix(m event.Matrix) {
	t.step, t.started = "verify", t.now()
	t.cells = verifying{mine: m.Mine, skipped: map[string]int{}}
	t.info("%s", clean(matrixSays(m)))
}

// cellEnded tells of a cell for which something was done, and counts them all.
func (t *Text) cellEnded(c event.CellEnded) {
	t.cells.done++
	s := stateOf(c)
	switch {
	case s == isSkipped && t.cells.skipped != nil:
		t.cells.skipped[c.Why]++
	case c.Stored:
	case s != isGreen || c.Builds > 0:
		words := []string{fmt.Sprintf("  %-10s %s", clean(string(c.Level)), clean(claim(c.Cell))), t.outcome(c.Outcome)}
		for _, word := range []string{took(c.Seconds), clean(c.Why)} {
			if word != "" {
				words = append(words, word)
			}
		}
		if s == isKnown {
			words = append(words, "known: "+clean(c.Known))
		}
		t.info("%s", strings.Join(words, "  "))
	}
	if s == isFailed || s == isRed {
		t.cells.bad++
	}
	text := fmt.Sprintf("%d of %s", t.cells.done, countOf(t.cells.mine, "cell", "cells"))
	if t.cells.bad > 0 {
		text += fmt.Sprintf(", %d not green", t.cells.bad)
	}
	t.live("verify", text)
}

func (t *Text) problem(p event.Problem) {
	t.line("")
	for _, line := range tells(p, t.paint) {
		t.line("%s", line)
	}
}

func (t *Text) verified(v event.Verified) {
	reasons := slices.SortedFunc(maps.Keys(t.cells.skipped), func(a, b string) int {
		return cmp.Or(t.cells.skipped[b]-t.cells.skipped[a], strings.Compare(a, b))
	})
	for i, why := range reasons {
		if i == maxAlso {
			t.info("  %-10s others, for %s", "skipped", countOf(len(reasons)-i, "more reason", "more reasons"))
			break
		}
		t.info("  %-10s %s: %s", "skipped", countOf(t.cells.skipped[why], "cell", "cells"), clean(why))
	}
	t.ended(event.Ended{Outcome: v.Outcome, Text: fmt.Sprintf("%s (%s)", v.Text, says(v)), Hint: v.Hint})
}
