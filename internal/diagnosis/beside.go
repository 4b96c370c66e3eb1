package diagnosis

import (
	"regexp"

	"srcmend/internal/signature"
)

// Beside reads the log that configure, cmake or meson has left beside the build, and tells
// the last thing that went wrong before it gave up. Most of what fails in such a log was
// only tried out; that is not.
func Beside(scan signature.Scan) (f Finding, found bool) {
	r := &reading{Scan: scan}
	end := scan.Lines + 1
	for _, m := range scan.Matches {
		if gaveUp.MatchString(m.Text) {
			end = m.LogLine
			break
		}
	}
	last := end - besides
	for _, m := range scan.Matches {
		if m.Last < end && m.Last > last && m.Signature.Rank != signature.Secondary && !gaveUp.MatchString(m.Text) {
			last, found = m.Last, true
			f = r.finding(m)
			f.LogLine, f.Excerpt, f.At = m.Last, []string{m.Text}, 0
		}
	}
	return f, found
}

// besides is how many lines before the end the last test takes.
const besides = 300

// gaveUp is how configure and meson end.
var gaveUp = regexp.MustCompile(`^configure:\d+: error: |^\S*meson(?:\.build|\.options|_options\.txt):\d+:\d+: ERROR: `)
