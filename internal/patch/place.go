package patch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxProbes bounds the lines that are compared for one file. Real patches stay
// far below; a text made to waste time does not.
const maxProbes = 1 << 28

// errTooLong says that placing was given up.
var errTooLong = errors.New("its hunks fit in too many places to try them all")

// A placer puts hunks into the lines of one file, from the first to the last.
type placer struct {
	lines  []string // with their newlines
	frozen int      // so many lines are done: no hunk may touch them any more
	drift  int      // how far the last hunk was from where its header says
	index  index
	probes int

	out        strings.Builder
	incomplete bool // what is written ends without a newline
}

// newPlacer cuts a text into lines.
func newPlacer(text string) *placer {
	p := &placer{}
	if text != "" {
		p.lines = make([]string, 0, strings.Count(text, "\n")+1)
		p.lines = slices.AppendSeq(p.lines, strings.Lines(text))
	}
	p.out.Grow(len(text))
	return p
}

// A misfit says why a hunk has no place.
type misfit struct {
	near            int    // index of the line that differs, in the file
	expected, found string // "" for no line
	why             string
}

// pattern is the lines a hunk wants to find, and how many of them are context at
// the beginning and at the end.
func (h Hunk) pattern() (old []string, prefix, suffix int) {
	old = make([]string, 0, h.OldLines)
	changed := false
	for _, line := range h.Body {
		switch {
		case line.Op != Context:
			changed, suffix = true, 0
		case changed:
			suffix++
		default:
			prefix++
		}
		if line.Op != Add {
			old = append(old, line.Text)
		}
	}
	return old, prefix, suffix
}

// nominal is the index of the line where the header says the hunk begins. A hunk
// without old lines stands behind the line its header names.
func (h Hunk) nominal() int {
	if h.OldLines == 0 {
		return h.OldStart
	}
	return h.OldStart - 1
}

// place finds the index of the line where a hunk begins.
func (p *placer) place(h Hunk) (at int, bad *misfit, err error) {
	old, prefix, suffix := h.pattern()
	guess := h.nominal() + p.drift
	last := len(p.lines) - len(old) // the last index where the pattern has room
	switch {
	case prefix == 0 && suffix == 0:
		at = guess
		if at < p.frozen || at > last || !p.matches(old, at) {
			return 0, p.explain(h, old, guess, "a hunk without context stands where its header says, or nowhere"), nil
		}
		return at, nil, nil
	case suffix < prefix:
		if last < p.frozen || !p.matches(old, last) {
			return 0, p.explain(h, old, last, "with less context at its end than at its beginning it must stand at the end of the file"), nil
		}
		return last, nil, nil
	case prefix < suffix && h.OldStart <= 1:
		if p.frozen > 0 || last < 0 || !p.matches(old, 0) {
			return 0, p.explain(h, old, 0, "with less context at its beginning than at its end it must stand at the beginning of the file"), nil
		}
		return 0, nil, nil
	}
	at = p.search(old, guess, last)
	if p.probes > maxProbes {
		return 0, nil, errTooLong
	}
	if at < 0 {
		return 0, p.explain(h, old, guess, ""), nil
	}
	return at, nil, nil
}

// matches reports whether the pattern stands at an index; it must have room.
func (p *placer) matches(old []string, at int) bool {
	for i, line := range old {
		p.probes++
		if p.lines[at+i] != line {
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

// searchFar tries only the places where the pattern's rarest line stands.
func (p *placer) searchFar(old []string, guess int, fits func(at int) bool) int {
	rarest, fewest := 0, len(p.lines)+1
	for i, line := range old {
		if n := p.count(line); n < fewest {
			rarest, fewest = i, n
		}
	}
	where := p.where(old[rarest])
	hi, _ := slices.BinarySearch(where, guess+rarest)
	lo := hi - 1
	for (hi < len(where) || lo >= 0) && p.probes <= maxProbes {
		p.probes++
		var at int
		if lo < 0 || hi < len(where) && where[hi]-rarest-guess <= guess-(where[lo]-rarest) {
			at = where[hi] - rarest
			hi++
		} else {
			at = where[lo] - rarest
			lo--
		}
		if fits(at) {
			return at
		}
	}
	return -1
}

// An index knows where each line stands: the first place, how many there are, and
// for each place the next one with the same line.
type index struct {
	lines map[string]places
	next  []int32
}

// places are where one line stands.
type places struct{ first, count int32 }

// count is how often a line is in the file.
func (p *placer) count(line string) int {
	if p.index.lines == nil {
		p.index.lines = make(map[string]places, len(p.lines)/2)
		p.index.next = make([]int32, len(p.lines))
		for i, l := range slices.Backward(p.lines) {
			known := p.index.lines[l]
			p.index.next[i] = known.first
			p.index.lines[l] = places{first: int32(i), count: known.count + 1}
		}
	}
	return int(p.index.lines[line].count)
}

// where lists the indexes of the lines that are equal to line, in their order.
func (p *placer) where(line string) []int {
	all := make([]int, p.count(line))
	at := p.index.lines[line].first
	for i := range all {
		all[i] = int(at)
		at = p.index.next[at]
	}
	return all
}

// explain finds the place that is most like the pattern, and the first line there
// that differs.
func (p *placer) explain(h Hunk, old []string, guess int, why string) *misfit {
	at := p.likest(old, guess)
	for i, line := range old {
		if at+i >= len(p.lines) {
			return &misfit{near: len(p.lines), expected: line, why: why}
		}
		if p.lines[at+i] != line {
			return &misfit{near: at + i, expected: line, found: p.lines[at+i], why: why}
		}
	}
	if why == "" || at < p.frozen {
		why = "its lines stand there, but before the end of the hunk before it"
	}
	if len(old) == 0 {
		why = fmt.Sprintf("the file has %d lines, and it should stand behind line %d", len(p.lines), h.OldStart)
	}
	return &misfit{near: at, why: why}
}

// likest is the index at which most lines of the pattern stand where they should,
// and of several the nearest to the guess. Lines that are all over the file do
// not count.
func (p *placer) likest(old []string, guess int) int {
	const common = 50
	guess = max(0, min(guess, len(p.lines)))
	votes := map[int]int{guess: 0}
	for i, line := range old {
		if p.count(line) > common {
			continue
		}
		for _, w := range p.where(line) {
			if w-i >= 0 {
				votes[w-i]++
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

// put writes the lines before the hunk, and its new lines.
func (p *placer) put(h Hunk, at int) *misfit {
	ok := p.write(p.lines[p.frozen:at]...)
	for _, line := range h.Body {
		if line.Op != Remove {
			ok = ok && p.write(line.Text)
		}
	}
	p.frozen = at + h.OldLines
	p.drift = at - h.nominal()
	if !ok {
		return &misfit{near: at, why: "it would add lines behind one that has no newline"}
	}
	return nil
}

// write adds lines, and reports false when a line would follow one without a
// newline.
func (p *placer) write(lines ...string) bool {
	for _, line := range lines {
		if p.incomplete {
			return false
		}
		p.out.WriteString(line)
		p.incomplete = !strings.HasSuffix(line, "\n")
	}
	return true
}

// finish writes the lines behind the last hunk, and gives the whole.
func (p *placer) finish() (string, *misfit) {
	at := p.frozen
	if !p.write(p.lines[p.frozen:]...) {
		return "", &misfit{near: at, found: p.lines[at], why: "the last line of the last hunk has no newline, and the file goes on"}
	}
	return p.out.String(), nil
}
