package signature

import (
	"cmp"
	"slices"
	"strings"
)

// What is kept of a log: of each signature so many matches at the beginning and at the end,
// so many errors without a name, so many lines around each, and so many bytes: of a text, of
// a line around it, of a command, and of all together.
const (
	keepFirst   = 50
	keepNewest  = 50
	maxHeld     = 5000 // of all; then one at the beginning and one at the end of each
	keepStrange = 20
	around      = 3
	maxText     = 1000
	maxExcerpt  = 400
	maxCommand  = 2000
	maxKept     = 12 << 20
)

// A store keeps what was found in a log, within bounds.
type store struct {
	of    map[*Signature]*kept // nil for errors without a name
	count int                  // of those that were found
	held  int                  // of those that are kept
	size  int                  // bytes of texts
}

// kept is what is kept of one signature.
type kept struct {
	first, newest []keptMatch // the newest go round
	next          int         // of newest, to be replaced
	at            int         // line of the last one
}

// A keptMatch knows when it was found.
type keptMatch struct {
	Match
	number int // of all
	turn   int // of the stack, at which make had not said where it is; 0 if it had
}

func newStore() store { return store{of: map[*Signature]*kept{}} }

// wants reports whether one more match of a signature would be kept. Of those that a log is
// full of, one that stands apart from the last is.
func (s *store) wants(of *Signature, line int) bool {
	k := s.of[of]
	switch {
	case k == nil:
		return true
	case of == nil:
		return len(k.first) < keepStrange
	}
	return len(k.first) < keepFirst || line >= apart(k.at)
}

// keep takes a match up. When all together is too large, it does so without the lines
// around it.
func (s *store) keep(m Match, turn int) {
	k := s.of[m.Signature]
	if k == nil {
		k = &kept{}
		s.of[m.Signature] = k
	}
	size := len(m.Text) + len(m.Command)
	for _, line := range slices.Concat(m.Before, m.After) {
		size += len(line)
	}
	if s.size += size; s.size > maxKept {
		s.size -= size
		m.Before, m.After, m.Command, m.Text = nil, nil, "", cut(m.Text, maxExcerpt)
	}
	m.File, m.Symbol = cut(strings.Clone(m.File), maxExcerpt), cut(strings.Clone(m.Symbol), maxExcerpt) // not as parts of a long line
	s.count++
	one := keptMatch{m, s.count, turn}
	if m.Folder != "" {
		one.turn = 0
	}
	k.at = m.LogLine
	room := s.held < maxHeld
	switch {
	case len(k.first) == 0, room && len(k.first) < keepFirst:
		k.first = append(k.first, one)
		s.held++
	case len(k.newest) == 0, room && len(k.newest) < keepNewest:
		k.newest = append(k.newest, one)
		s.held++
	default:
		k.newest[k.next%len(k.newest)] = one
		k.next++
	}
}

// all gives the matches, and the errors without a name, in the order in which they were
// found. Those of which the folder was not known yet get it.
func (s *store) all(folders *stack) (matches, strange []Match) {
	var all []keptMatch
	for _, k := range s.of {
		all = append(all, slices.Concat(k.first, k.newest)...)
	}
	slices.SortFunc(all, func(a, b keptMatch) int { return cmp.Compare(a.number, b.number) })
	for _, m := range all {
		if m.turn > 0 {
			m.Folder = folders.left[m.turn]
		}
		if m.Signature == nil {
			strange = append(strange, m.Match)
		} else {
			matches = append(matches, m.Match)
		}
	}
	return matches, strange
}

// cut gives the beginning of a text, at most n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:n], ""))
}

// An effort is how many bytes regular expressions were tried on. Most lines that are tried
// match; a log that is full of lines that nearly do gets a share of work for its size, and
// each pattern a small one of its own, so that those which the log is not full of go on.
type effort struct {
	read  int // bytes of the log
	spent int
	of    map[*Pattern]int
}

// The shares: so many bytes at once, and one for so many bytes that were read.
const (
	atOnce, oneIn           = 8 << 20, 10
	atOnceOfOne, oneInOfOne = 64 << 10, 10_000
)

func newEffort() effort { return effort{of: map[*Pattern]int{}} }

// may reports whether a pattern may be tried on a text of n bytes, and counts it.
func (e *effort) may(p *Pattern, n int) bool {
	if e.spent > atOnce+e.read/oneIn && e.of[p] > atOnceOfOne+e.read/oneInOfOne {
		return false
	}
	e.spent += n
	e.of[p] += n
	return true
}
