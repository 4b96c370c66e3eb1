package report

import (
	"cmp"
	"io"
	"strings"

	"srcmend/internal/event"
)

// VerificationSARIF writes one SARIF 2.1.0 log with its problems. Those that are known are
// suppressed, and cells that could not be verified are told as what the run has met with.
func VerificationSARIF(w io.Writer, v *Verification) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "srcmend", Rules: []sarifRule{}}}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	rules := map[string]int{}
	for _, p := range v.Problems() {
		id := cmp.Or(strings.TrimSpace(clean(p.Rule)), unknown)
		index, told := rules[id]
		if !told {
			index = len(run.Tool.Driver.Rules)
			rules[id] = index
			help := cmp.Or(strings.Join(hints(p.Hint), "\n"), "look at the line, and at what the log says")
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: id, Short: sarifText{id}, Help: sarifText{help}})
		}
		run.Results = append(run.Results, problemResult(p, id, index))
	}
	run.Invocations = []sarifInvocation{{Successful: true}}
	if o := v.Verified().Outcome; o != event.Green && o != event.Red {
		run.Invocations[0].Successful = false
	}
	for _, c := range v.Cells() {
		if stateOf(c) == isFailed {
			text := sarifText{literally.Replace(clean(c.ID + " could not be verified: " + c.Why))}
			run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{"error", text})
		}
	}
	return run.write(w)
}

// problemResult is a problem as SARIF has results.
func problemResult(p event.Problem, rule string, index int) sarifResult {
	r := sarifResult{RuleID: rule, RuleIndex: index, Level: "note", Locations: []sarifLocation{}, Suppressions: []sarifSuppression{}}
	if p.Level == "error" || p.Level == "warning" {
		r.Level = p.Level
	}
	lines := append([]string{clean(p.Text)}, hints(p.Hint)...)
	for _, line := range p.Excerpt {
		lines = append(lines, "> "+shorten(clean(line)))
	}
	r.Message.Text = literally.Replace(strings.Join(lines, "\n"))
	if p.File != "" {
		l := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{uri(clean(Relative(p.File)))}}}
		if p.Line > 0 {
			l.Physical.Region = &sarifRegion{StartLine: p.Line, StartColumn: max(p.Column, 0)}
		}
		r.Locations = append(r.Locations, l)
	}
	if p.Known != "" {
		r.Suppressions = append(r.Suppressions, sarifSuppression{"external", clean(p.Known)})
	}
	return r
}
