package report_test

import (
	"bytes"
	"strings"
	"testing"

	"srcmend/internal/diagnosis"
	"srcmend/internal/report"
)

// TestDiagnosesOdd: marks of direction are hidden, the mark below a line is at what was
// captured, and who failed without a finding is not shown as green.
func TestDiagnosesOdd(t *testing.T) {
	finding := diagnosis.Finding{Signature: "s", Rank: "cause", File: "foo.c", Line: 1, Symbol: "foo", LogLine: 1, Cause: "c\u200e\u200f\u061c", Excerpt: []string{"foo.c:1:3: error: unknown type name 'foo'"}}
	failed := report.Diagnosis{Diagnosis: diagnosis.Diagnosis{Outcome: diagnosis.Failed, Findings: []diagnosis.Finding{finding}}}
	unknown := report.Diagnosis{Diagnosis: diagnosis.Diagnosis{Outcome: diagnosis.Unknown, Findings: []diagnosis.Finding{}, Last: []string{"boom"}}}
	strange := unknown
	strange.Strange = []diagnosis.Finding{{File: "x.c", Line: 3, Column: 4, LogLine: 1, Excerpt: []string{"x.c:3:4: error: odd"}}}
	for _, test := range []struct {
		what, form string
		d          report.Diagnosis
		right      func(out string) bool
	}{
		{"marks of direction", "text", failed, func(out string) bool { return !strings.ContainsAny(out, "\u200e\u200f\u061c") }},
		{"the mark", "text", failed, func(out string) bool { return strings.Contains(out, "\n    | "+strings.Repeat(" ", 37)+"^^^\n") }},
		{"SARIF of what is not known", "sarif", unknown, func(out string) bool { return strings.Contains(out, `"level": "error"`) }},
		{"the place of what is not known", "github", strange, func(out string) bool { return strings.Contains(out, "file=x.c,line=3,col=4") }},
	} {
		var b bytes.Buffer
		if err := report.Forms[test.form](&b, []report.Diagnosis{test.d}); err != nil || !test.right(b.String()) {
			t.Errorf("%s: %v\n%s", test.what, err, b.String())
		}
	}
}
