package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"srcmend/internal/event"
)

// The parts of JUnit's XML that are written, as Ant and Jenkins have them.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Package    string          `xml:"package,attr"`
		ID         int             `xml:"id,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Hostname   string          `xml:"hostname,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Properties junitProperties `xml:"properties"`
		Cases      []junitCase     `xml:"testcase"`
		Out        junitText       `xml:"system-out"`
		Err        junitText       `xml:"system-err"`

		seconds float64
	}
	junitProperties struct {
		All []junitProperty `xml:"property"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		Time    string     `xml:"time,attr"`
		Skipped *junitText `xml:"skipped"`
		Error   *junitText `xml:"error"`
		Failure *junitText `xml:"failure"`
	}
	junitText struct {
		Message string `xml:"message,attr,omitempty"`
		Type    string `xml:"type,attr,omitempty"`
		Lines   string `xml:",innerxml"`
	}
)

// VerificationJUnit writes it as JUnit's XML: a suite for each package, and a case for each
// cell. A problem is in the first case that shows it; one that no case can show is a case of
// its own, or if it is but a warning, in what its suite has written.
func VerificationJUnit(w io.Writer, v *Verification) error {
	j := junit{at: v.began().UTC().Format("2006-01-02T15:04:05"), suites: map[string]*junitSuite{}, cells: map[string]event.CellEnded{}, first: map[string][]event.Problem{}, other: map[string][]string{}}
	m := v.Matrix()
	for _, p := range []junitProperty{{"plan", m.Plan}, {"platform", m.Platform}, {"since", m.Since}} {
		if p.Value != "" {
			j.properties.All = append(j.properties.All, junitProperty{p.Name, clean(p.Value)})
		}
	}
	cells := v.Cells()
	for _, c := range cells {
		j.cells[c.ID] = c
	}
	rest := j.assign(v.Problems())
	for _, c := range cells {
		j.cell(c)
	}
	for _, p := range rest {
		j.rest(p)
	}
	return j.write(w)
}

// junit is what a file is made of.
type junit struct {
	at         string
	properties junitProperties
	suites     map[string]*junitSuite
	cells      map[string]event.CellEnded
	first      map[string][]event.Problem // by the cell that tells of them
	other      map[string][]string        // what other cells say of them
}

// assign gives each problem to the first cell that shows it and is not green, and what no such
// cell shows back.
func (j *junit) assign(problems []event.Problem) []event.Problem {
	var rest []event.Problem
	for _, p := range problems {
		owner := ""
		for _, id := range p.Cells {
			c, there := j.cells[id]
			switch {
			case !there || stateOf(c) == isGreen:
			case owner == "":
				owner = id
				j.first[id] = append(j.first[id], p)
			default:
				j.other[id] = append(j.other[id], fmt.Sprintf("%s %s: see %s", clean(p.Rule), spot(p), clean(owner)))
			}
		}
		if owner == "" {
			rest = append(rest, p)
		}
	}
	return rest
}

// suite is the suite of a package.
func (j *junit) suite(name string) *junitSuite {
	name = cmp.Or(strings.TrimSpace(clean(name)), "-")
	s, ok := j.suites[name]
	if !ok {
		s = &junitSuite{Name: name, Package: name, Timestamp: j.at, Hostname: "localhost", Properties: j.properties}
		j.suites[name] = s
	}
	return s
}

// cell writes a cell as a case.
func (j *junit) cell(c event.CellEnded) {
	class, name := c.Package, string(c.Level)
	if c.Release != "" {
		class += "@" + c.Release
	}
	if c.Fix != "" {
		name = c.Fix + ":" + name
	}
	test := junitCase{Class: clean(class), Name: clean(name), Time: fmt.Sprintf("%.3f", bounded(c.Seconds))}
	var lines []string
	for _, p := range j.first[c.ID] {
		lines = append(lines, tells(p, plain)...)
	}
	lines = append(lines, j.other[c.ID]...)
	text := &junitText{Message: clean(c.Why), Lines: xmlText(strings.Join(lines, "\n"))}
	s := j.suite(c.Package)
	switch stateOf(c) {
	case isGreen:
	case isSkipped:
		test.Skipped = text
		s.Skipped++
	case isKnown:
		text.Message = "known: " + clean(c.Known)
		test.Skipped = text
		s.Skipped++
	case isRed:
		text.Type = "red"
		if first := j.first[c.ID]; len(first) > 0 {
			text.Type = cmp.Or(clean(first[0].Rule), text.Type)
		}
		test.Failure = text
		s.Failures++
	default:
		text.Type = "failed"
		test.Error = text
		s.Errors++
	}
	s.add(test, c.Seconds)
}

// rest writes a problem that no case shows.
func (j *junit) rest(p event.Problem) {
	name := p.File
	for _, id := range p.Cells {
		if c, there := j.cells[id]; there {
			name = c.Package
			break
		}
	}
	s := j.suite(name)
	text := junitText{Lines: xmlText(strings.Join(tells(p, plain), "\n"))}
	test := junitCase{Class: s.Name, Name: clean(strings.TrimSpace(p.Rule + " " + spot(p))), Time: "0.000"}
	switch {
	case p.Known != "":
		test.Skipped = &text
		text.Message = "known: " + clean(p.Known)
		s.Skipped++
	case p.Level == "error":
		text.Message, text.Type = spot(p), cmp.Or(clean(p.Rule), "red")
		test.Failure = &text
		s.Failures++
	default:
		s.Out.Lines += text.Lines + "\n"
		return
	}
	s.add(test, 0)
}

// add adds a case.
func (s *junitSuite) add(c junitCase, seconds float64) {
	s.seconds += bounded(seconds)
	s.Tests++
	s.Cases = append(s.Cases, c)
}

// write writes the file, the suites by their names.
func (j *junit) write(w io.Writer) error {
	var out junitSuites
	for _, s := range j.suites {
		s.Time = fmt.Sprintf("%.3f", s.seconds)
		out.Suites = append(out.Suites, *s)
	}
	slices.SortFunc(out.Suites, func(a, b junitSuite) int { return cmp.Compare(a.Name, b.Name) })
	for i := range out.Suites {
		out.Suites[i].ID = i
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(slices.Concat([]byte(xml.Header), text, []byte("\n")))
	return err
}

// xmlText is a text as XML has it: what XML can't have is replaced. Lines stay lines.
func xmlText(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes all
	return strings.ReplaceAll(strings.ReplaceAll(b.String(), "&#xA;", "\n"), "&#x9;", "\t")
}
