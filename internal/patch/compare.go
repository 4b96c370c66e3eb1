package patch

import (
	"fmt"
	"slices"
	"strings"
)

// A Difference is one line of a hunk held against a file: Context where both have
// it, Remove where only the hunk expects it, Add where only the file has it.
type Difference struct {
	Op   Op     `json:"op"`
	Line int    `json:"line,omitempty"` // in the file, from 1; 0 when the file lacks it
	Text string `json:"text"`           // without newline, shortened
}

// MarshalText implements [encoding.TextMarshaler].
func (o Op) MarshalText() ([]byte, error) { return []byte{byte(o)}, nil }

// Bounds of a comparison: so many lines of a hunk, and so many more of the file,
// are held against each other.
const (
	maxCompared = 200
	slack       = 20
	lead        = 10 // of these before the place where most of the hunk is
)

// conflict words a misfit, and shows the hunk against the place in the file where
// most of its lines are.
func (p *placer) conflict(file string, number int, h Hunk, m *misfit) *ConflictError {
	e := &ConflictError{File: file, Hunk: number, PatchLine: h.Line, Line: h.asked(), Why: m.why}
	old := h.pattern().lines
	switch {
	case m.why == whyNewline:
		e.Near = m.near + 1
		return e
	case m.why == whyGoesOn:
		e.Near, e.Found = m.near+1, excerpt(p.line(m.near))
		return e
	case len(old) == 0:
		e.Near = min(m.near, p.len()) + 1
		if m.near > p.len() {
			e.Why = fmt.Sprintf("the file has %d lines, and it should stand behind line %d", p.len(), h.OldStart)
		}
		return e
	}
	at := p.likest(old, m.near)
	e.Compared = p.compare(old, at)
	same := slices.IndexFunc(e.Compared, func(d Difference) bool { return d.Op != Context })
	if same < 0 {
		at = e.Compared[0].Line - 1
	}
	e.Near = nearest(e.Compared, same, at)
	switch {
	case same >= 0:
		e.differs(e.Compared[same:])
	case m.why == whyExact:
		e.Why = fmt.Sprintf("all of it stands at line %d, and %s", at+1, whyExact)
	case e.Why == "" && at < p.frozen:
		e.Why = whyBefore
	}
	return e
}

// nearest is the line of the file where a comparison first differs, or where it
// begins, at an index, if it is all the same.
func nearest(d []Difference, first, at int) int {
	if first > 0 {
		return d[first-1].Line + 1
	}
	for _, line := range d {
		if line.Line > 0 {
			return line.Line
		}
	}
	return at + 1
}

// differs notes the first lines that are not the same.
func (e *ConflictError) differs(d []Difference) {
	for _, line := range d {
		switch {
		case line.Op == Context:
			return
		case line.Op == Remove && e.Expected == "":
			e.Expected = line.Text
		case line.Op == Add && e.Found == "":
			e.Found = line.Text
		}
	}
	also := ""
	switch {
	case e.Found == "":
	case e.Expected == e.Found:
		also = "one of the two has no newline at its end"
	case strings.TrimSuffix(e.Expected, "\r") == strings.TrimSuffix(e.Found, "\r"):
		also = "one of the two has a carriage return at its end"
	}
	if e.Why != "" && also != "" {
		e.Why += "; "
	}
	e.Why += also
}

// likest is the index at which most lines of the pattern stand where they should,
// and of several the nearest to the guess. Lines that are all over the file do
// not count.
func (p *placer) likest(old []string, guess int) int {
	const common = 50
	guess = max(0, min(guess, p.len()))
	p.probes += p.len()
	where := make(map[string][]int, len(old))
	for _, line := range old {
		where[line] = nil
	}
	for i, line := range p.each() {
		if found, ok := where[line]; ok && len(found) <= common {
			where[line] = append(found, i)
		}
	}
	votes := map[int]int{guess: 0}
	for i, line := range old {
		for _, at := range where[line] {
			if len(where[line]) <= common && at >= i {
				votes[at-i]++
			}
		}
	}
	best := guess
	for at, n := range votes {
		d, bestD := distance(at, guess), distance(best, guess)
		if n > votes[best] || n == votes[best] && (d < bestD || d == bestD && at < best) {
			best = at
		}
	}
	return best
}

// distance is how far two indexes are apart.
func distance(a, b int) int { return max(a-b, b-a) }

// compare holds lines against those of the file around an index, by their longest
// common subsequence.
func (p *placer) compare(old []string, at int) []Difference {
	old = old[:min(len(old), maxCompared)]
	from := max(0, at-lead)
	have := p.lines(from, min(p.len(), at+len(old)+slack))
	common := make([][]int16, len(old)+1) // length of what the rests have in common
	for i := range common {
		common[i] = make([]int16, len(have)+1)
	}
	for i := len(old) - 1; i >= 0; i-- {
		for j := len(have) - 1; j >= 0; j-- {
			if old[i] == have[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var all []Difference
	i, j := 0, 0
	for i < len(old) || j < len(have) {
		switch {
		case i < len(old) && j < len(have) && old[i] == have[j]:
			all = append(all, Difference{Context, from + j + 1, excerpt(old[i])})
			i++
			j++
		case i < len(old) && (j == len(have) || common[i+1][j] >= common[i][j+1]):
			all = append(all, Difference{Remove, 0, excerpt(old[i])})
			i++
		default:
			all = append(all, Difference{Add, from + j + 1, excerpt(have[j])})
			j++
		}
	}
	return trimmed(all, at)
}

// byChance is the op of a line that both have, and which does not count since it was
// found by chance.
const byChance Op = 0

// trimmed cuts off what only the file has before the first and behind the last line
// that is the same, but for as much as stands in the place of lines it lacks. A line
// without letters and digits that others, which only the file has, part from the rest
// was found by chance. Where nothing is the same, it begins at an index of the file.
func trimmed(all []Difference, at int) []Difference {
	for i, d := range slices.Backward(all) {
		if d.Op == Context && (proves(d.Text) || i == 0 || all[i-1].Op == Context) {
			break
		}
		if d.Op == Context && all[i-1].Op == Add {
			all[i].Op = byChance
		}
	}
	for i, d := range all {
		if d.Op == Context && (proves(d.Text) || i == len(all)-1 || all[i+1].Op == Context) {
			break
		}
		if d.Op == Context && all[i+1].Op == Add {
			all[i].Op = byChance
		}
	}
	isSame := func(d Difference) bool { return d.Op == Context }
	first := slices.IndexFunc(all, isSame)
	if first < 0 {
		lacks, has := apart(all)
		has = slices.DeleteFunc(has, func(d Difference) bool { return d.Line <= at })
		return slices.Concat(lacks, has[:min(len(has), len(lacks))])
	}
	last := len(all) - 1
	for !isSame(all[last]) {
		last--
	}
	lacks, has := apart(all[:first])
	head := slices.Concat(lacks, has[max(0, len(has)-len(lacks)):])
	lacks, has = apart(all[last+1:])
	return slices.Concat(head, all[first:last+1], lacks, has[:min(len(has), len(lacks))])
}

// apart tells what only the hunk and what only the file has.
func apart(all []Difference) (lacks, has []Difference) {
	for _, d := range all {
		if d.Op != Add {
			lacks = append(lacks, Difference{Remove, 0, d.Text})
		}
		if d.Op != Remove {
			has = append(has, Difference{Add, d.Line, d.Text})
		}
	}
	return lacks, has
}
