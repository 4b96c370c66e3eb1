package report

import (
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/signature"
)

// The parts of a SARIF 2.1.0 log that are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations,omitempty"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Short   sarifText `json:"shortDescription"`
		Help    sarifText `json:"help"`
		HelpURI string    `json:"helpUri,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
		// Related is the line of the log.
		Related []sarifLocation `json:"relatedLocations,omitempty"`
		// Suppressions are for results of which some are suppressed: then all have them.
		Suppressions []sarifSuppression `json:"suppressions,omitzero"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Justification string `json:"justification"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int        `json:"startLine"`
		StartColumn int        `json:"startColumn,omitempty"`
		Snippet     *sarifText `json:"snippet,omitempty"`
	}
)

// DiagnosesSARIF writes one SARIF 2.1.0 log with the findings of all: the root causes as
// errors, or what may be one where it is not known, other causes as warnings, the rest as
// notes.
func DiagnosesSARIF(w io.Writer, all []Diagnosis) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "srcmend", Rules: []sarifRule{}}}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	rules := map[string]int{}
	for _, d := range all {
		findings := d.Findings
		if d.Outcome == diagnosis.Unknown {
			findings = append([]diagnosis.Finding{d.guess()}, findings...)
		}
		for i, f := range findings {
			index, known := rules[f.Signature]
			if !known {
				index = len(run.Tool.Driver.Rules)
				rules[f.Signature] = index
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule(f))
			}
			r := sarifResult{RuleID: f.Signature, RuleIndex: index, Level: "note", Message: sarifText{literally.Replace(cleanLines(message(f)))}}
			switch {
			case i == 0 && (d.Outcome == diagnosis.Failed || f.Signature == unknown):
				r.Level = "error"
			case f.Rank == signature.Cause:
				r.Level = "warning"
			}
			log := sarifLocation{sarifPhysical{sarifArtifact{uri(d.logName())}, &sarifRegion{StartLine: f.LogLine, Snippet: &sarifText{clean(f.Excerpt[f.At])}}}, &sarifText{"the line of the log"}}
			if f.File == "" {
				r.Locations = []sarifLocation{log}
			} else {
				r.Locations, r.Related = []sarifLocation{place(f)}, []sarifLocation{log}
			}
			run.Results = append(run.Results, r)
		}
	}
	return run.write(w)
}

// write writes a log of one run.
func (run sarifRun) write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// literally writes a text so that SARIF finds no links and no placeholders in it.
var literally = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "{", "{{", "}", "}}")

// logName is the name of the log as a file that could be there.
func (d Diagnosis) logName() string {
	if d.Log == "" || d.Log == "-" {
		return "build.log"
	}
	return Relative(d.Log)
}

// rule is a signature as SARIF has rules.
func rule(f diagnosis.Finding) sarifRule {
	var dos []string
	for _, r := range f.Remedies {
		dos = append(dos, r.Do)
	}
	r := sarifRule{ID: f.Signature, Short: sarifText{f.Signature}, Help: sarifText{strings.Join(append([]string{f.Cause}, dos...), "\n")}}
	for _, link := range f.Links {
		r.HelpURI = link
		break
	}
	return r
}

// place is where in the source a finding is.
func place(f diagnosis.Finding) sarifLocation {
	l := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{uri(Relative(f.File))}}}
	if f.Line > 0 {
		l.Physical.Region = &sarifRegion{StartLine: f.Line, StartColumn: f.Column}
	}
	return l
}

// Relative is a path from the folder that srcmend is in, if it lies below.
func Relative(file string) string {
	if !filepath.IsAbs(file) {
		return filepath.ToSlash(filepath.Clean(file))
	}
	here, err := os.Getwd()
	if err != nil {
		return file
	}
	if rel, err := filepath.Rel(here, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return file
}

// uri is a path as one.
func uri(file string) string {
	u := url.URL{Path: file}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}
