package patch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxProbes bounds the lines that are compared for one draft. Real patches stay far
// below; a text made to waste time does not.
const maxProbes = 1 << 28

// maxFuzz is the largest fuzz that may be asked for.
const maxFuzz = 3

// maxOthers bounds how many other places of a hunk are named.
const maxOthers = 8

// errTooLong says that placing was given up.
var errTooLong = errors.New("its hunks fit in too many places to try them all")

// Rules say how near to its header and its context a hunk must stand.
type rules struct {
	Options
	// first ends the work at the first conflict, and does not explain it: only
	// whether the patch fits is asked.
	first bool
	// probed counts the lines that are compared, for a whole draft; nil for nobody.
	probed *int
}

// A placer puts hunks into the lines of one file, from the first to the last.
type placer struct {
	*text
	frozen int // so many lines are done: no hunk may touch them any more
	drift  int // how far the last hunk was from where its header says
	grown  int // how many lines the hunks so far have added
	index  index
	probes int
	scans  int // how often the whole file was looked through without an index

	out text // the lines up to frozen, with the hunks put in
}

// newPlacer begins with a text.
func newPlacer(t *text) *placer { return &placer{text: t} }

// A spot is where a hunk stands.
type spot struct {
	at          int // index of the line where it begins
	fuzz        int
	top, bottom int   // lines of context that are not looked at, at both ends
	others      []int // indexes of other lines where it could stand
}

// A misfit says why a hunk has no place.
type misfit struct {
	near int // index of the line in the file where it stands best
	why  string
}

// A pattern is the lines a hunk wants to find, and how many of them are context
// at the beginning and at the end.
type pattern struct {
	lines          []string
	prefix, suffix int
}

// pattern gives the hunk's old lines.
func (h Hunk) pattern() pattern {
	p := pattern{lines: make([]string, 0, h.OldLines)}
	changed := false
	for _, line := range h.Body {
		switch {
		case line.Op != Context:
			changed, p.suffix = true, 0
		case changed:
			p.suffix++
		default:
			p.prefix++
		}
		if line.Op != Add {
			p.lines = append(p.lines, line.Text)
		}
	}
	return p
}

// nominal is the index of the line where the header says the hunk begins. A hunk
// without old lines stands behind the line its header names.
func (h Hunk) nominal() int {
	if h.OldLines == 0 {
		return h.OldStart
	}
	return h.OldStart - 1
}

// Why a hunk has no place.
const (
	whyNoContext = "a hunk without context stands where its header says, or nowhere"
	whyEnd       = "with less context at its end than at its beginning it must stand at the end of the file"
	whyBeginning = "with less context at its beginning than at its end it must stand at the beginning of the file"
	whyExact     = "it may not be moved"
	whyBefore    = "its lines stand there, but before the end of the hunk before it"
	whyNewline   = "it would add lines behind one that has no newline"
	whyGoesOn    = "the last line of the last hunk has no newline, and the file goes on"
)

// place finds the index of the line where a hunk begins.
func (p *placer) place(h Hunk, r rules) (spot, *misfit, error) {
	pat := h.pattern()
	s, bad := p.placeExactly(h, pat, r)
	if h.cut {
		r.Fuzz = 0 // what may differ then is what was guessed, and more may be missing
	}
	for fuzz := 1; bad != nil && fuzz <= min(r.Fuzz, max(pat.prefix, pat.suffix)); fuzz++ {
		var found int
		if s, found = p.placeLoosely(h, pat, fuzz); found == 1 {
			bad = p.doubled(h)
			break
		} else if found > 1 {
			bad.near, bad.why = s.at, fmt.Sprintf("with fuzz %d it fits at line %d and at line %d, so where it belongs is a guess", fuzz, s.at+1, s.others[0]+1)
			break
		}
	}
	if p.probes > maxProbes {
		return spot{}, nil, errTooLong
	}
	return s, bad, nil
}

// doubled refuses what fits with fuzz, if all that it would make stands in the file
// already: to put it in once more is the way fuzz goes wrong.
func (p *placer) doubled(h Hunk) *misfit {
	if !slices.ContainsFunc(h.Body, func(line Line) bool { return line.Op == Add }) {
		return nil // what it takes out is there
	}
	made := h.reversed().pattern().lines
	at := p.search(made, h.nominal()+p.drift, p.len()-len(made))
	if at < 0 {
		return nil
	}
	return &misfit{near: at, why: fmt.Sprintf("what it makes stands at line %d already", at+1)}
}

// placeExactly looks for all lines of the pattern.
func (p *placer) placeExactly(h Hunk, pat pattern, r rules) (spot, *misfit) {
	guess := h.nominal() + p.drift
	last := p.len() - len(pat.lines) // the last index where the pattern has room
	fits := func(at int) bool { return p.frozen <= at && at <= last && p.matches(pat.lines, at) }
	at, why := guess, ""
	switch {
	case pat.prefix == 0 && pat.suffix == 0:
		why = whyNoContext
	case pat.suffix < pat.prefix:
		at, why = last, whyEnd
	case pat.prefix < pat.suffix && h.OldStart <= 1:
		at, why = 0, whyBeginning
	case r.Strict:
		why = whyExact
	default:
		return p.searched(pat, guess, last)
	}
	if r.Strict && at != guess {
		why = whyExact
	} else if fits(at) {
		return spot{at: at}, nil
	}
	return spot{}, &misfit{near: at, why: why}
}

// searched looks for the pattern from the guess outwards. Where it was not at once
// found where it should be, other places are of interest.
func (p *placer) searched(pat pattern, guess, last int) (spot, *misfit) {
	at := p.search(pat.lines, guess, last)
	if at < 0 {
		return spot{}, &misfit{near: guess}
	}
	s := spot{at: at}
	if at != guess {
		for _, other := range p.all(pat.lines, maxOthers+1) {
			if other != at {
				s.others = append(s.others, other)
			}
		}
	}
	return s, nil
}

// placeLoosely looks for the pattern without some of its outer context, as GNU
// patch does: with fuzz 1 the outermost line of the longer context does not count,
// and so on. found is how many places there are, 2 for more than one. What is
// found is no good unless it is the only place, since then nothing but the order of
// the search would speak for it.
func (p *placer) placeLoosely(h Hunk, pat pattern, fuzz int) (s spot, found int) {
	context := max(pat.prefix, pat.suffix)
	top, bottom := fuzz+pat.prefix-context, fuzz+pat.suffix-context
	s = spot{fuzz: fuzz, top: max(top, 0), bottom: max(bottom, 0)}
	core := pat.lines[s.top : len(pat.lines)-s.bottom]
	switch {
	case top < 0 && h.OldStart <= 1:
		s.at = 0
	case bottom < 0:
		s.at = p.len() - len(pat.lines)
	default:
		var where []int
		if len(core) > 0 {
			where = p.all(core, 2+s.top)
		}
		where = slices.DeleteFunc(where, func(at int) bool { return at-s.top < p.frozen })
		if len(where) > 0 {
			s.at = where[0] - s.top
		}
		for _, at := range where[min(1, len(where)):] {
			s.others = append(s.others, at-s.top)
		}
		return s, min(len(where), 2)
	}
	if at := s.at + s.top; s.at >= p.frozen && at+len(core) <= p.len() && p.matches(core, at) {
		return s, 1
	}
	return s, 0
}

// matches reports whether lines stand at an index; they must have room.
func (p *placer) matches(old []string, at int) bool {
	for i, line := range old {
		p.probes++
		if p.line(at+i) != line {
			return false
		}
	}
	return true
}

// near is how far around the guess all places are tried, before an index of the
// whole file is made. Offsets in the wild are nearly always smaller.
const near = 1000

// search looks for the pattern from the guess outwards. Of two places at the same
// distance it takes the later. It is -1 when there is none.
func (p *placer) search(old []string, guess, last int) int {
	fits := func(at int) bool { return p.frozen <= at && at <= last && p.matches(old, at) }
	for d := range near {
		if fits(guess + d) {
			return guess + d
		}
		if fits(guess - d) {
			return guess - d
		}
	}
	if last < p.frozen {
		return -1
	}
	return p.searchFar(old, guess, fits)
}

// searchFar tries only the places where one line of the pattern stands.
func (p *placer) searchFar(old []string, guess int, fits func(at int) bool) int {
	line, where := p.trace(old)
	hi, _ := slices.BinarySearch(where, guess+line)
	lo := hi - 1
	for (hi < len(where) || lo >= 0) && p.probes <= maxProbes {
		p.probes++
		var at int
		if lo < 0 || hi < len(where) && where[hi]-line-guess <= guess-(where[lo]-line) {
			at = where[hi] - line
			hi++
		} else {
			at = where[lo] - line
			lo--
		}
		if fits(at) {
			return at
		}
	}
	return -1
}

// all lists the first places behind the frozen lines where the pattern stands, at
// most so many.
func (p *placer) all(old []string, most int) []int {
	var found []int
	line, where := p.trace(old)
	for _, at := range where {
		at -= line
		p.probes++
		if p.frozen <= at && at+len(old) <= p.len() && p.matches(old, at) {
			found = append(found, at)
		}
		if len(found) == most || p.probes > maxProbes {
			break
		}
	}
	return found
}

// put writes the lines before the hunk, and its new lines. Context that was not
// looked at stays as the file has it.
func (p *placer) put(h Hunk, s spot) *misfit {
	body := h.Body[s.top : len(h.Body)-s.bottom]
	at, end := s.at+s.top, s.at+h.OldLines-s.bottom
	var lines []string
	for _, line := range body {
		if line.Op != Remove {
			lines = append(lines, line.Text)
		}
	}
	ok := p.copy(at) && p.write(lines)
	p.frozen = end
	p.drift = s.at - h.nominal()
	p.grown += h.NewLines - h.OldLines
	if !ok {
		return &misfit{near: s.at, why: whyNewline}
	}
	return nil
}

// stood gives the hunk as it would have to be written to stand at the spot at
// once. It must not be put yet.
func (p *placer) stood(h Hunk, s spot) Hunk {
	if s.fuzz > 0 {
		h.Body = slices.Clone(h.Body)
		for i := range s.top {
			h.Body[i].Text = p.line(s.at + i)
		}
		missing := max(0, s.at+h.OldLines-p.len()) // context that would stand behind the end
		h.Body = h.Body[:len(h.Body)-missing]
		h.OldLines, h.NewLines = h.OldLines-missing, h.NewLines-missing
		for i := range s.bottom - missing {
			h.Body[len(h.Body)-1-i].Text = p.line(s.at + h.OldLines - 1 - i)
		}
	}
	h.moveTo(s.at, p.grown)
	return h
}

// moveTo writes into the hunk's header that it begins at an index of the old
// lines, behind hunks that have added so many.
func (h *Hunk) moveTo(at, grown int) {
	h.OldStart, h.NewStart = at+1, at+1+grown
	if h.OldLines == 0 {
		h.OldStart--
	}
	if h.NewLines == 0 {
		h.NewStart--
	}
}

// write adds lines, and reports false when they would follow one without a newline.
func (p *placer) write(lines []string) bool {
	if len(lines) == 0 {
		return true
	}
	if slices.ContainsFunc(lines[:len(lines)-1], func(line string) bool { return !strings.HasSuffix(line, "\n") }) {
		return false
	}
	b := &block{all: strings.Join(lines, ""), count: len(lines)}
	return p.add(b.piece())
}

// copy adds the lines of the file up to an index, as write does.
func (p *placer) copy(end int) bool {
	from := p.frozen
	p.frozen = end
	for piece := range p.span(from, end) {
		if !p.add(piece) {
			return false
		}
	}
	return true
}

// add adds a piece, as write does with its lines.
func (p *placer) add(piece piece) bool {
	if !p.out.ends() {
		return false
	}
	p.out.add(piece)
	return true
}

// finish adds the lines behind the last hunk, and gives the whole.
func (p *placer) finish() (*text, *misfit) {
	at := p.frozen
	if !p.copy(p.len()) {
		return nil, &misfit{near: at, why: whyGoesOn}
	}
	return &p.out, nil
}
