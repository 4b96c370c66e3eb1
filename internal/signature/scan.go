package signature

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"srcmend/internal/buildlog"
)

// keep is how many findings of one signature are kept.
const keep = 20

// around is how many lines of the log before and after a finding are kept.
const around = 3

// A Finding is a signature that was found in a log.
type Finding struct {
	Signature string
	Rank      Rank
	LogLine   int      // where in the log, counted from 1
	Excerpt   []string // the lines around it; the matched one is at At
	At        int      // index into Excerpt
	File      string   // what the pattern captured, as the tool printed it
	Line      int
	Symbol    string
	Cause     string
	Remedy    []string
}

// Scan reads a log once and returns what was found in it, in the order of the
// lines; of two signatures that match the same line, the one that the other
// beats is left out.
func (c *Catalogue) Scan(log io.Reader) []Finding {
	var found []Finding
	var before []string
	open := 0 // findings from here on still want lines that follow them
	count := map[string]int{}
	for number, line := range buildlog.Lines(log) {
		for i := open; i < len(found); i++ {
			found[i].Excerpt = append(found[i].Excerpt, line)
		}
		for open < len(found) && len(found[open].Excerpt) > found[open].At+around {
			open++
		}
		for _, f := range c.line(quotes.Replace(line)) {
			if count[f.Signature]++; count[f.Signature] > keep {
				continue
			}
			f.LogLine, f.At = number, len(before)
			f.Excerpt = append(append([]string(nil), before...), line)
			found = append(found, f)
		}
		if len(before) == around {
			before = append(before[:0], before[1:]...)
		}
		before = append(before, line)
	}
	return found
}

// ScanText is [Catalogue.Scan] of a log in memory.
func (c *Catalogue) ScanText(log []byte) []Finding { return c.Scan(bytes.NewReader(log)) }

// quotes turns every kind of quotation mark that compilers print into one.
var quotes = strings.NewReplacer("‘", "'", "’", "'", "“", "'", "”", "'", "`", "'", "´", "'", "«", "'", "»", "'", "„", "'")

// line returns what matches one line.
func (c *Catalogue) line(text string) []Finding {
	var found []Finding
	for _, s := range c.signatures {
		if f, ok := s.find(text); ok {
			found = append(found, f)
		}
	}
	if len(found) < 2 {
		return found
	}
	var best []Finding
	for _, f := range found {
		beaten := false
		for _, other := range found {
			beaten = beaten || c.beaten[other.Signature][f.Signature]
		}
		if !beaten {
			best = append(best, f)
		}
	}
	return best
}

// find tries one signature on a line.
func (s Signature) find(text string) (Finding, bool) {
	for _, p := range s.Match {
		if !strings.Contains(text, p.literal) {
			continue
		}
		m := p.re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		f := Finding{Signature: s.ID, Rank: s.Rank}
		for i, name := range p.re.SubexpNames() {
			switch {
			case m[i] == "":
			case name == "file":
				f.File = m[i]
			case name == "line":
				f.Line, _ = strconv.Atoi(m[i])
			case name == "symbol":
				f.Symbol = m[i]
			}
		}
		f.Cause = f.fill(s.Cause)
		for _, r := range s.Remedy {
			f.Remedy = append(f.Remedy, f.fill(r))
		}
		return f, true
	}
	return Finding{}, false
}

// fill puts what was captured into a sentence.
func (f Finding) fill(text string) string {
	return strings.NewReplacer("{symbol}", f.Symbol, "{file}", f.File, "{line}", strconv.Itoa(f.Line)).Replace(text)
}

// Root returns the finding that most probably names the cause: of the most
// telling rank the one that came first, since later errors are often its
// consequences.
func Root(found []Finding) (Finding, bool) {
	var root Finding
	for i, f := range found {
		if i == 0 || f.Rank.order() < root.Rank.order() {
			root = f
		}
	}
	return root, len(found) > 0
}
