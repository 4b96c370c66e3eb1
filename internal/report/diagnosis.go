package report

import (
	"fmt"
	"io"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/signature"
)

// A Diagnosis is what was found in one log.
type Diagnosis struct {
	Log string `json:"log"` // its name, "-" for standard input
	diagnosis.Diagnosis
}

// maxAlso is how many findings beside the root cause are named.
const maxAlso = 5

// Text writes it for people: why, where, what the log says there, and what to do.
func (d Diagnosis) Text(w io.Writer) error {
	var b strings.Builder
	name := clean(d.Log)
	switch {
	case d.Outcome == diagnosis.Green:
		fmt.Fprintf(&b, "%s: nothing failed in it\n", name)
	case len(d.Findings) == 0:
		fmt.Fprintf(&b, "%s: it failed, and nothing in it is known; most likely to tell is\n", name)
		for _, f := range d.Strange[:min(len(d.Strange), 2)] {
			excerpt(&b, f)
		}
	default:
		root := d.Findings[0]
		fmt.Fprintf(&b, "%s:%d: %s\n", name, root.LogLine, clean(heading(root)))
		fmt.Fprintf(&b, "  cause: %s\n", clean(root.Cause))
		excerpt(&b, root)
		for i, r := range root.Remedies {
			word := "remedy:"
			if i > 0 {
				word = "    or:"
			}
			fmt.Fprintf(&b, "  %s %s\n", word, clean(r.Do))
		}
		if root.Command != "" {
			fmt.Fprintf(&b, "  failed: %s\n", clean(root.Command))
		}
		also(&b, d.Findings[1:])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// heading is what a finding is called: the place in the source, if there is one, and the
// signature.
func heading(f diagnosis.Finding) string {
	text := f.Signature
	if f.File != "" {
		text = f.File
		if f.Line > 0 {
			text += fmt.Sprintf(":%d", f.Line)
		}
		text += ": " + f.Signature
	}
	if f.Symbol != "" {
		text += " (" + f.Symbol + ")"
	}
	return text
}

// excerpt writes the lines of the log.
func excerpt(b *strings.Builder, f diagnosis.Finding) {
	for i, line := range f.Excerpt {
		mark := " "
		if i == f.At {
			mark = ">"
		}
		fmt.Fprintf(b, "    %s %s\n", mark, clean(line))
	}
}

// also names what else was found, but for what only says that something failed.
func also(b *strings.Builder, rest []diagnosis.Finding) {
	n := 0
	for _, f := range rest {
		if f.Rank == signature.Secondary {
			continue
		}
		if n++; n <= maxAlso {
			fmt.Fprintf(b, "  also:   line %d: %s\n", f.LogLine, clean(heading(f)))
		}
	}
	if n > maxAlso {
		fmt.Fprintf(b, "          and %d more; --json has all\n", n-maxAlso)
	}
}
