package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"srcmend/internal/diagnosis"
	"srcmend/internal/signature"
)

// A Diagnosis is what was found in one log.
type Diagnosis struct {
	// Log is its name, "-" for standard input, "" if nobody keeps it.
	Log string `json:"log"`
	diagnosis.Diagnosis
	// Fixes are those that recipes know for the root cause.
	Fixes []Offer `json:"fixes,omitempty"`
	// Beside is what the logs tell that configure, cmake or meson left beside the build.
	Beside []Beside `json:"beside,omitempty"`
	// Draft is an entry for the catalogue of signatures, made from what is not known.
	Draft string `json:"draft,omitempty"`
}

// A Beside is what another log tells.
type Beside struct {
	Log string `json:"log"`
	diagnosis.Finding
}

// An Offer is a fix of a recipe that cures what was found.
type Offer struct {
	Package string `json:"package"`
	Version string `json:"version,omitempty"`
	Fix     string `json:"fix"`
	Summary string `json:"summary"`
	// Verdict is what the source tree says of it, if that was asked.
	Verdict  string   `json:"verdict,omitempty"`
	Advisory string   `json:"advisory,omitempty"`
	Links    []string `json:"links,omitempty"`
	Try      string   `json:"try,omitempty"` // a command
}

// A Diagnoses is a form in which diagnoses are written.
type Diagnoses func(w io.Writer, all []Diagnosis) error

// Forms are the forms of diagnoses, by name.
var Forms = map[string]Diagnoses{"text": DiagnosesText, "json": DiagnosesJSON, "sarif": DiagnosesSARIF, "github": DiagnosesGitHub}

// DiagnosesJSON writes an object for each log.
func DiagnosesJSON(w io.Writer, all []Diagnosis) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	for _, d := range all {
		if err := enc.Encode(d); err != nil {
			return err
		}
	}
	return nil
}

// DiagnosesText writes them for people.
func DiagnosesText(w io.Writer, all []Diagnosis) error {
	var b strings.Builder
	for i, d := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		d.text(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// maxAlso is how many findings beside the root cause are named.
const maxAlso = 5

// text writes why, where, what the log says there, and what to do.
func (d Diagnosis) text(b *strings.Builder) {
	switch name := d.name(); d.Outcome {
	case diagnosis.Green:
		fmt.Fprintf(b, "%s: nothing failed in it\n", name)
	case diagnosis.Unknown:
		d.unknown(b)
	default:
		root := d.Findings[0]
		fmt.Fprintf(b, "%s:%d: %s\n", name, root.LogLine, clean(heading(root)))
		fmt.Fprintf(b, "  cause: %s\n", clean(root.Cause))
		excerpt(b, root)
		remedies(b, root)
		if root.Command != "" {
			fmt.Fprintf(b, "  failed: %s\n", clean(root.Command))
		}
		d.offers(b)
		d.beside(b)
		also(b, d.Findings[1:])
	}
}

// beside writes what other logs tell.
func (d Diagnosis) beside(b *strings.Builder) {
	for _, o := range d.Beside {
		fmt.Fprintf(b, "  %s:%d: %s\n", clean(o.Log), o.LogLine, clean(heading(o.Finding)))
		fmt.Fprintf(b, "  cause: %s\n", clean(o.Cause))
		excerpt(b, o.Finding)
		remedies(b, o.Finding)
	}
}

// remedies writes what to do.
func remedies(b *strings.Builder, f diagnosis.Finding) {
	for i, r := range f.Remedies {
		word := "remedy:"
		if i > 0 {
			word = "    or:"
		}
		fmt.Fprintf(b, "  %s %s\n", word, clean(r.Do))
	}
}

// name is what the log is called.
func (d Diagnosis) name() string {
	switch d.Log {
	case "":
		return "output"
	case "-":
		return "standard input"
	}
	return clean(d.Log)
}

// unknown writes what is most likely to tell.
func (d Diagnosis) unknown(b *strings.Builder) {
	fmt.Fprintf(b, "%s: it failed, and the catalogue does not know why\n", d.name())
	for i, f := range d.Strange[:min(len(d.Strange), 2)] {
		fmt.Fprintf(b, "  %s line %d:\n", []string{"most likely", "or"}[i], f.LogLine)
		excerpt(b, f)
	}
	d.beside(b)
	if len(d.Strange) == 0 && len(d.Beside) == 0 && len(d.Last) > 0 {
		b.WriteString("  its last lines:\n")
		for _, line := range d.Last {
			fmt.Fprintf(b, "    | %s\n", shorten(clean(line)))
		}
	}
	log := d.Log
	if log == "" || log == "-" {
		log = "LOG"
	}
	if d.Log == "" {
		b.WriteString("try: srcmend run --log LOG -- COMMAND, and then ")
	} else {
		b.WriteString("try: ")
	}
	fmt.Fprintf(b, "srcmend diagnose --draft %s, which makes an entry for the catalogue of it\n", clean(log))
}

// heading is what a finding is called: the place in the source, if there is one, and the
// signature.
func heading(f diagnosis.Finding) string {
	text := f.Signature
	if f.Case != "" {
		text = f.Case
	}
	if f.File != "" && f.Line > 0 {
		text = fmt.Sprintf("%s:%d: %s", Relative(f.File), f.Line, text)
	} else if f.File != "" {
		text = Relative(f.File) + ": " + text
	}
	if f.Symbol != "" {
		text += " (" + f.Symbol + ")"
	}
	return text
}

// excerpt writes the lines of the log, with a mark at the one that is meant, and below
// what it is about.
func excerpt(b *strings.Builder, f diagnosis.Finding) {
	for i, line := range f.Excerpt {
		line = shorten(clean(line))
		if i != f.At {
			fmt.Fprintf(b, "    | %s\n", line)
			continue
		}
		fmt.Fprintf(b, "    > %s\n", line)
		if at := about(line, f); at >= 0 {
			fmt.Fprintf(b, "    | %s%s\n", blanks(line[:at]), strings.Repeat("^", utf8.RuneCountInString(f.Symbol)))
		}
	}
}

// about is where in its line stands what a finding is about: behind the place that the line
// begins with. It is -1 if it is not there.
func about(line string, f diagnosis.Finding) int {
	if f.Symbol == "" {
		return -1
	}
	if place := strings.Index(line, fmt.Sprintf(":%d:", f.Line)); f.Line > 0 && place >= 0 {
		if at := strings.Index(line[place:], f.Symbol); at >= 0 {
			return place + at
		}
	}
	return strings.Index(line, f.Symbol)
}

// blanks is as wide as a text.
func blanks(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, text)
}

// widest is how much of a line of a log is shown, in bytes.
const widest = 400

// shorten takes the end off a line that is very long.
func shorten(line string) string {
	if len(line) <= widest {
		return line
	}
	return strings.ToValidUTF8(line[:widest], "") + "…"
}

// offers writes what the recipes know.
func (d Diagnosis) offers(b *strings.Builder) {
	for _, o := range d.Fixes {
		name := o.Package
		if o.Version != "" {
			name += " " + o.Version
		}
		fmt.Fprintf(b, "  known:  %s: %s: %s\n", clean(name), clean(o.Fix), clean(o.Summary))
		if o.Verdict != "" {
			fmt.Fprintf(b, "          this tree says: %s\n", clean(o.Verdict))
		}
		if o.Advisory != "" {
			fmt.Fprintf(b, "          %s\n", clean(o.Advisory))
		}
		for _, link := range o.Links {
			fmt.Fprintf(b, "          see %s\n", clean(link))
		}
		if o.Try != "" {
			fmt.Fprintf(b, "          try: %s\n", clean(o.Try))
		}
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
