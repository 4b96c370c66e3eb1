package diagnosis

import (
	"regexp"
	"strings"

	"srcmend/internal/signature"
)

// Beside reads the log that configure, cmake or meson has left beside the build, and tells
// the last thing that went wrong before it gave up. Most of what fails in such a log was
// only tried out; that is not.
func Beside(scan signature.Scan) (f Finding, found bool) {
	end := scan.Lines + 1
	for _, m := range scan.Matches {
		if gaveUp.MatchString(m.Text) {
			end = m.LogLine
			break
		}
	}
	last := end - besides
	for _, m := range scan.Matches {
		if m.LogLine < end && m.LogLine > last && m.Signature.Rank != signature.Secondary && !gaveUp.MatchString(m.Text) {
			last, found = m.LogLine, true
			f = finding(m)
			f.Excerpt, f.At = []string{m.Text}, 0
		}
	}
	return f, found
}

// Explains reports whether what a log beside the build tells is about the root cause, rather
// than one of the many things that were tried out: if that says that a compiler did not do
// what it must, or if it names the same thing.
func (d Diagnosis) Explains(f Finding) bool {
	root := Finding{}
	switch {
	case len(d.Findings) > 0 && d.Findings[0].Rank != signature.Secondary:
		root = d.Findings[0]
	case len(d.Strange) > 0:
		root = d.Strange[0]
	default:
		return false
	}
	const telling = 3
	return root.probe || len(f.Symbol) >= telling && strings.Contains(root.Excerpt[root.At], f.Symbol)
}

// besides is how many lines before the end the last test takes.
const besides = 300

// gaveUp is how configure and meson end.
var gaveUp = regexp.MustCompile(`^configure:\d+: error: |^\S*meson(?:\.build|\.options|_options\.txt):\d+:\d+: ERROR: `)
