package verify

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"time"

	"srcmend/internal/event"
	"srcmend/internal/yamlfile"
)

// A Baseline is the list of cells that are known to be red, as a file beside the recipes has it:
//
//	known:
//	  - cell: dovecot@2.3.4/event-stats-signal-h:build
//	    platform: linux/*
//	    reason: the error is one of FreeBSD's
//	    until: 2027-01-01
type Baseline struct {
	Known []Known `json:"known"`

	doc *yamlfile.Doc
}

// A Known is a cell that is expected to be red, until some day.
type Known struct {
	// The cell's name; * stands for any part of it without : @ and /.
	Cell string `json:"cell"`
	// Where it is red, as in linux/12/amd64; * stands for any part. Everywhere if it is left out.
	Platform string `json:"platform,omitempty"`
	// Why, and what would have to happen.
	Reason string `json:"reason"`
	// The day from which on it counts again: 2027-01-31.
	Until string `json:"until"`
}

// day is the form of dates.
const day = "2006-01-02"

// ParseBaseline reads the file called name. The error is [yamlfile.Mistakes].
func ParseBaseline(name string, text []byte) (*Baseline, error) {
	b := new(Baseline)
	doc, err := yamlfile.Decode(name, text, b)
	b.doc = doc
	wrong, _ := err.(yamlfile.Mistakes)
	for i, k := range b.Known {
		if _, err := time.Parse(day, k.Until); err != nil && k.Until != "" {
			wrong = append(wrong, doc.Mistake("as in 2027-01-31", fmt.Sprintf("%q is no day", k.Until), "known", i, "until"))
		}
		for key, text := range map[string]string{"cell": k.Cell, "platform": k.Platform} {
			if _, err := path.Match(text, ""); err != nil {
				wrong = append(wrong, doc.Mistake("", fmt.Sprintf("%q is no pattern", text), "known", i, key))
			}
		}
		if k.Reason == "" {
			wrong = append(wrong, doc.Mistake("say why it is red, and what would have to happen", "there is no reason", "known", i))
		}
	}
	return b, wrong.Err()
}

var parts = regexp.MustCompile(`[:@]`)

// matches reports whether an entry is about a cell.
func (k Known) matches(c event.Cell) bool {
	slashed := func(s string) string { return parts.ReplaceAllString(s, "/-/") }
	named, _ := path.Match(slashed(k.Cell), slashed(c.ID))
	there := k.Platform == "" || c.Platform == ""
	if !there {
		there, _ = path.Match(k.Platform, c.Platform)
	}
	return named && there
}

// due reports whether the day of an entry has come.
func (k Known) due(now time.Time) bool {
	until, err := time.Parse(day, k.Until)
	return err == nil && !now.Before(until)
}

// Expects is the reason why a cell is expected to be red, "" if it is not.
func (b *Baseline) Expects(c event.Cell, now time.Time) string {
	if b == nil {
		return ""
	}
	for _, k := range b.Known {
		if k.matches(c) && !k.due(now) {
			return k.Reason
		}
	}
	return ""
}

// Problems says what is wrong with the list: a cell that is green now, an entry whose day has
// come; and where all cells of the collection are given, an entry about no cell.
func (b *Baseline) Problems(results []Result, all []Cell, now time.Time) (wrong []event.Problem) {
	if b == nil {
		return nil
	}
	for i, k := range b.Known {
		due := k.due(now)
		red, greens, found := 0, []string{}, false
		for _, r := range results {
			if !k.matches(r.Cell.Cell) {
				continue
			}
			found = true
			switch r.Outcome {
			case event.Red:
				red++
			case event.Green:
				greens = append(greens, r.ID)
			}
		}
		problem := event.Problem{Level: levelError, Cells: greens}
		switch {
		case found && red == 0 && len(greens) > 0:
			problem.Rule, problem.Text, problem.Hint = "unexpected-pass", fmt.Sprintf("%s is green, and was expected to be red: %s", k.Cell, k.Reason), "take the entry out: what it waited for has happened"
		case due && red > 0:
			problem.Rule, problem.Text, problem.Hint = "expired", fmt.Sprintf("%s was expected to be red until %s, and is so still: %s", k.Cell, k.Until, k.Reason), "cure it, or say anew why not and until when"
		case !found && len(all) > 0 && !slices.ContainsFunc(all, func(c Cell) bool { return k.matches(c.Cell) }):
			problem.Rule, problem.Text, problem.Hint = "unknown-cell", fmt.Sprintf("%s is no cell of this collection", k.Cell), "srcmend verify --plan lists them"
		default:
			continue
		}
		pos := b.doc.Lookup("known", i)
		problem.File, problem.Line, problem.Column = pos.File, pos.Line, pos.Column
		wrong = append(wrong, problem)
	}
	return wrong
}
