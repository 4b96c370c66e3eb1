// Package diagnosis says why a build failed, by its log.
//
// A failed build says hundreds of things, and one of them is why. The catalogue of
// package signature names what it knows in a log; this package finds the first of the
// chain: the error in the unit that make gave up on, rather than what followed from it,
// and rather than what was found and passed over before.
//
//	scan, err := catalogue.Scan(log)
//	…
//	d := diagnosis.Of(scan)
//	if d.Outcome == diagnosis.Failed && len(d.Findings) > 0 {
//		root := d.Findings[0]
//		fmt.Println(root.File, root.Line, root.Cause)
//	}
//
// A log in which nothing failed has no findings, whatever it warns of. Where nothing is
// known that could be why, that is said, with the lines that are most likely to tell.
//
// Nothing is run and nothing is changed.
package diagnosis

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/signature"
)

// An Outcome is how a build ended, as far as its log tells.
type Outcome string

// The outcomes.
const (
	Failed  Outcome = "failed"
	Green   Outcome = "green"
	Unknown Outcome = "unknown" // it failed, and why is not known
)

// A Diagnosis is what a log says of a build.
type Diagnosis struct {
	Outcome  Outcome   `json:"outcome"`
	Findings []Finding `json:"findings"` // the root cause first
	// Strange are errors that no signature names, and Last the last lines of the log, where
	// why is not known.
	Strange []Finding `json:"strange,omitempty"`
	Last    []string  `json:"last,omitempty"`
}

// A Finding is a signature that was found.
type Finding struct {
	Signature string             `json:"signature"`
	Case      string             `json:"case,omitempty"` // the special case of that signature
	Rank      signature.Rank     `json:"rank"`
	File      string             `json:"file"` // below the folder that make was in
	Line      int                `json:"line"`
	Column    int                `json:"column"`
	Symbol    string             `json:"symbol"`
	LogLine   int                `json:"log_line"` // from 1
	Command   string             `json:"command"`
	Cause     string             `json:"cause"`
	Remedies  []signature.Remedy `json:"remedies"`
	Links     []string           `json:"links,omitempty"`
	Excerpt   []string           `json:"excerpt"`
	At        int                `json:"at"` // index of the line in Excerpt

	// The package's own tests have failed: what was to be built is there.
	Tests bool `json:"tests,omitempty"`

	probe bool // see [signature.Signature]
}

// Dos are the remedies in words.
func (f Finding) Dos() []string {
	var all []string
	for _, r := range f.Remedies {
		all = append(all, r.Do)
	}
	return all
}

// Probed reports whether it only says that configure, cmake or meson could not do what must go
// in any case: a log beside the build knows why.
func (f Finding) Probed() bool { return f.probe }

// Telling is the line that is most likely to tell why, where that is not known: the first
// error without a name, or one of the last lines; "" if all of these only say that something
// failed.
func (d Diagnosis) Telling() string {
	if len(d.Strange) > 0 {
		return d.Strange[0].Excerpt[d.Strange[0].At]
	}
	last := ""
	for _, line := range d.Last {
		if secondary.MatchString(line) {
			continue
		}
		if last = line; telling.MatchString(line) {
			return line
		}
	}
	return last
}

var (
	telling   = regexp.MustCompile(`(?i)\berror\b|\bfail|\bcan(?:no|')t\b|\bfatal\b|\bno such\b|\bnot found\b|\bdenied\b|\binvalid\b|\bunknown\b`)
	secondary = regexp.MustCompile(`^\S*make(?:\[\d+\])?: |^\*\*\* |^ninja: |^FAILED: `)
)

// Of diagnoses what was found in a log, of which nobody knows how the build ended.
func Of(scan signature.Scan) Diagnosis {
	return newReading(scan).diagnosis()
}

// OfFailed diagnoses what was found in the log of a command that has failed.
func OfFailed(scan signature.Scan) Diagnosis {
	r := newReading(scan)
	r.failed = true
	if r.end == 0 {
		r.end = scan.Lines
	}
	return r.diagnosis()
}

// A reading is a diagnosis on its way.
type reading struct {
	signature.Scan        // without what was only tried out
	failed         bool   // it is known that it did
	end            int    // the line in which the build was given up; 0 if there is none
	unit           string // the stem of the target that could not be made, "" if it is not known
}

func newReading(scan signature.Scan) *reading {
	scan.Matches = slices.DeleteFunc(slices.Clone(scan.Matches), isProbe)
	scan.Strange = slices.DeleteFunc(slices.Clone(scan.Strange), isProbe)
	r := &reading{Scan: scan}
	r.findEnd()
	return r
}

// findEnd looks for the line in which the build was given up: the first of those that
// only say that something failed, or in which configure says so, and what it was about;
// else the first error among the last lines, if the build did not go on after it.
func (r *reading) findEnd() {
	for _, m := range r.Matches {
		if m.Signature.Rank != signature.Secondary && !ownError.of(m.Text) {
			continue
		}
		if r.end == 0 {
			r.end = m.LogLine
		}
		if target := stem(m.Symbol); target != "" && m.LogLine <= r.end+near {
			r.unit = target
			break
		}
	}
	for _, m := range r.Matches {
		if r.end == 0 && (m.LogLine > r.Lines-tail || r.unfinished(m)) && !m.Signature.Weak && !r.survived(m) {
			r.end = m.LogLine
		}
	}
}

// An error that ends a python program is told last, below the calls that led to it.
var (
	called = regexp.MustCompile(`^\s*File \".+\", line \d+, in `)
	raised = regexp.MustCompile(`^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?::|$)`)
)

// raises reports whether a log ends with an error of python that nobody caught.
func (r *reading) raises() bool {
	return len(r.Last) > 0 && raised.MatchString(r.Last[len(r.Last)-1]) && slices.ContainsFunc(r.Last, called.MatchString)
}

// survived reports whether the build went on after what was found: something was compiled
// or linked later. What compilers say may be followed by other files.
func (r *reading) survived(m signature.Match) bool { return m.Column == 0 && r.Command > m.LogLine }

// unfinished reports whether a log ends in the midst of what the compiler says, of which
// this is an error, or of what python says that ran it.
func (r *reading) unfinished(m signature.Match) bool {
	return m.Column > 0 && len(r.Last) > 0 && (spoken.MatchString(r.Last[len(r.Last)-1]) || r.raises())
}

// spoken are the lines that compilers write with and after an error.
var spoken = regexp.MustCompile(`: (?:note|warning|error): |^ +\d* \| |^(?:\d+ (?:errors?|warnings?).* generated|compilation terminated)\.$`)

// tail is how many lines at the end of a log tell how it ended, if nothing else does.
const tail = 60

// final is how many lines at the end of a log hold what no build goes on after, even if no
// place is named in it.
const final = 15

// near is how many lines may lie between what went wrong and what says so.
const near = 40

// stem is the name of a file without its folder and ending, as far as it can be that of
// a source: "all" and "install-recursive" say nothing.
func stem(target string) string {
	target = strings.TrimSpace(target)
	if !slices.Contains([]string{".o", ".lo", ".obj", ".so", ".la", ".a", ".c", ".cc", ".cpp"}, path.Ext(target)) {
		return ""
	}
	return stemOf(target)
}

// diagnosis puts together what was found.
func (r *reading) diagnosis() Diagnosis {
	d := Diagnosis{Outcome: Green, Findings: []Finding{}}
	type key struct{ signature, file, symbol string }
	seen := map[key]bool{}
	if r.end > 0 { // otherwise nothing was given up
		for _, m := range r.ordered() {
			k := key{m.Signature.Class(), resolve(m.Match), m.Symbol}
			if !seen[k] {
				d.Findings = append(d.Findings, finding(m.Match))
			}
			seen[k] = true
		}
	}
	if len(d.Findings) > 0 && d.Findings[0].Rank != signature.Secondary {
		d.Outcome = Failed
		return d
	}
	for _, m := range r.Strange {
		d.Strange = append(d.Strange, finding(m))
	}
	placed := slices.ContainsFunc(d.Strange, func(f Finding) bool { return f.Line > 0 || f.LogLine > r.Lines-final })
	if r.failed || len(d.Findings) > 0 || placed {
		d.Outcome, d.Last = Unknown, r.Last
	}
	return d
}

// An order is how likely a match is the root: the less, the likelier.
type order struct {
	rank, off, apart int
	signature.Match
}

// ordered gives the matches, the likeliest root first.
func (r *reading) ordered() []order {
	all := make([]order, len(r.Matches))
	for i, m := range r.Matches {
		all[i] = order{r.rank(m), r.off(m), r.apart(m), m}
	}
	slices.SortStableFunc(all, func(a, b order) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.off, b.off), cmp.Compare(a.apart, b.apart), cmp.Compare(a.LogLine, b.LogLine))
	})
	return all
}

// reach is how many lines before the end of a build most often hold why it ended.
const reach = 400

// rank is how much a match tells. One that is no failure alone tells less than any error
// that came long after it.
func (r *reading) rank(m signature.Match) int {
	rank := 2 * m.Signature.Rank.Order()
	if last := 2*signature.Secondary.Order() - 1; m.Signature.Weak && m.LogLine < r.end-near && rank < last {
		return last
	}
	return rank
}

// off is 1 for what was said after the build was given up, or long before, and for what
// configure went on after.
func (r *reading) off(m signature.Match) int {
	if r.end > 0 && (m.LogLine > r.end+near || m.LogLine < r.end-reach) || m.Column == 0 && m.LogLine < r.end && slices.ContainsFunc(m.After, isQuestion) {
		return 1
	}
	return 0
}

// apart is 1 for what is not about the target that could not be made. It may be said of a
// file that the target's source includes.
func (r *reading) apart(m signature.Match) int {
	if r.unit == "" || stemOf(m.File) == r.unit {
		return 0
	}
	for _, line := range m.Before {
		if from := included.FindStringSubmatch(line); from != nil && stemOf(from[1]) == r.unit {
			return 0
		}
	}
	return 1
}

// included is how compilers say where an included file comes from, in any language: some
// words, the place, and nothing behind it.
var included = regexp.MustCompile(`^(?:\S[^:]*|\s+[^\s:]+):? ([^\s:]+):\d+(?::\d+)?[:,]$`)

// stemOf is the name of a source without folder and ending.
func stemOf(file string) string {
	base := path.Base(file)
	return strings.TrimSuffix(base, path.Ext(base))
}

// finding makes a match one for people.
func finding(m signature.Match) Finding {
	f := Finding{
		File: resolve(m), Line: m.Line, Column: m.Column, Symbol: m.Symbol, LogLine: m.LogLine, Command: m.Command,
		Excerpt: slices.Concat(m.Before, []string{m.Text}, m.After), At: len(m.Before), Remedies: []signature.Remedy{},
	}
	if s := m.Signature; s != nil {
		f.Signature, f.Rank, f.Cause, f.Links, f.Tests, f.probe = s.Class(), s.Rank, m.Fill(s.Cause), s.Links, s.Tests, s.Probe
		if s.Of != "" {
			f.Case = s.ID
		}
		for _, remedy := range s.Remedies {
			f.Remedies = append(f.Remedies, remedy.Filled(m))
		}
	}
	return f
}

// resolve puts a file into the folder that make was in.
func resolve(m signature.Match) string {
	if m.Folder == "" || m.File == "" || path.IsAbs(m.File) || m.Line == 0 {
		return m.File
	}
	return path.Join(m.Folder, m.File)
}
