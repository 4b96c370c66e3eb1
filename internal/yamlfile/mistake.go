package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Pos is a place in a file. Line and Column count from 1; a Pos without a
// Line stands for the file as a whole.
type Pos struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// A Mistake is one thing wrong in a file.
type Mistake struct {
	Pos  Pos    `json:"pos"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"` // what to try
	Line string `json:"source,omitempty"`
}

// Error gives the mistake on one line, without the source line.
func (m Mistake) Error() string {
	s := m.Pos.String() + ": " + m.Text
	if m.Hint != "" {
		s += " (" + m.Hint + ")"
	}
	return s
}

// Show gives the mistake with the offending line and a caret under the place.
func (m Mistake) Show() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", m.Pos, m.Text)
	if m.Line != "" {
		number := fmt.Sprintf("%6d", m.Pos.Line)
		fmt.Fprintf(&b, "%s | %s\n", number, m.Line)
		if c := m.Pos.Column; c > 0 && c <= len(m.Line)+1 {
			fmt.Fprintf(&b, "%s | %s^\n", strings.Repeat(" ", len(number)), blank(m.Line[:c-1]))
		}
	}
	if m.Hint != "" {
		fmt.Fprintf(&b, "       %s\n", m.Hint)
	}
	return b.String()
}

// blank keeps tabs, so that a caret stands under its column.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}

// Mistakes is all that is wrong with one or several files, as an error.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	switch len(ms) {
	case 0:
		return "no mistakes"
	case 1:
		return ms[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d mistakes", len(ms))
	for _, m := range ms {
		b.WriteString("\n" + m.Error())
	}
	return b.String()
}

// Err is ms as an error, in the order of the places; nil when there are none.
func (ms Mistakes) Err() error {
	if len(ms) == 0 {
		return nil
	}
	slices.SortStableFunc(ms, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return ms
}

// Nearest returns the word among known that want was probably meant to be, or
// "" when none is near.
func Nearest(want string, known []string) string {
	best, at := "", max(2, len(want)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(want), strings.ToLower(k), at); d < at {
			best, at = k, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours between a and b; it gives up above limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > 64 {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
