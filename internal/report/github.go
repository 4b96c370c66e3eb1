package report

import (
	"fmt"
	"io"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/signature"
)

// DiagnosesGitHub writes them as commands of a workflow, which GitHub shows as annotations
// beside the source: the root cause of each log as an error, the other causes as warnings.
func DiagnosesGitHub(w io.Writer, all []Diagnosis) error {
	var b strings.Builder
	for _, d := range all {
		if d.Outcome == diagnosis.Unknown {
			text := strings.Join(d.Last, "\n")
			if len(d.Strange) > 0 {
				text = strings.Join(d.Strange[0].Excerpt, "\n")
			}
			fmt.Fprintf(&b, "::error title=%s::%s\n", property("the build failed, and the catalogue does not know why"), value(text))
			continue
		}
		for i, f := range d.Findings {
			switch {
			case i == 0:
				b.WriteString("::error ")
			case f.Rank == signature.Cause && i <= maxAlso:
				b.WriteString("::warning ")
			default:
				continue
			}
			if f.File != "" {
				fmt.Fprintf(&b, "file=%s,", property(relative(f.File)))
			}
			if f.Line > 0 {
				fmt.Fprintf(&b, "line=%d,", f.Line)
			}
			if f.Column > 0 {
				fmt.Fprintf(&b, "col=%d,", f.Column)
			}
			fmt.Fprintf(&b, "title=%s::%s\n", property(f.Signature), value(message(f)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// message is a finding in a few lines: what the log says, why, and what to do.
func message(f diagnosis.Finding) string {
	lines := []string{f.Excerpt[f.At], f.Cause}
	for _, r := range f.Remedies {
		lines = append(lines, "remedy: "+r.Do)
	}
	return strings.Join(lines, "\n")
}

// Of a workflow's command, the characters that would end a value, or a property of it.
var (
	values     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	properties = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func value(text string) string    { return values.Replace(cleanLines(text)) }
func property(text string) string { return properties.Replace(clean(text)) }

// cleanLines makes a text of several lines fit to be shown.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}
