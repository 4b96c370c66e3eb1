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
			f := d.guess()
			b.WriteString("::error ")
			properties(&b, f)
			fmt.Fprintf(&b, "title=%s::%s\n", property(f.Cause), value(strings.Join(f.Excerpt, "\n")))
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
			properties(&b, f)
			fmt.Fprintf(&b, "title=%s::%s\n", property(f.Signature), value(message(f)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// properties writes where a finding is.
func properties(b *strings.Builder, f diagnosis.Finding) {
	if f.File != "" {
		fmt.Fprintf(b, "file=%s,", property(Relative(f.File)))
	}
	if f.Line > 0 {
		fmt.Fprintf(b, "line=%d,", f.Line)
	}
	if f.Column > 0 {
		fmt.Fprintf(b, "col=%d,", f.Column)
	}
}

// guess is what may be why a build failed of which that is not known: the first error without
// a name, else the last lines.
func (d Diagnosis) guess() diagnosis.Finding {
	f := diagnosis.Finding{Excerpt: d.Last, LogLine: 1}
	if len(d.Strange) > 0 {
		f = d.Strange[0]
	}
	if len(f.Excerpt) == 0 {
		f.Excerpt = []string{"it has written nothing"}
	}
	f.Signature, f.Cause = unknown, "the build failed, and the catalogue does not know why"
	return f
}

// unknown is the signature of errors that the catalogue has no name for.
const unknown = "unknown"

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
	values = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	inner  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func value(text string) string    { return values.Replace(cleanLines(text)) }
func property(text string) string { return inner.Replace(clean(text)) }

// cleanLines makes a text of several lines fit to be shown.
func cleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}
