package patch

import (
	"slices"
	"strings"
)

// An edit puts lines in the place of others, from an index of a text on.
type edit struct {
	at, n int // lines that go
	lines []string
	// up and down are by how many lines the edit can slide: what is put in between
	// lines that are alike may as well stand before or behind them.
	up, down int
}

// from and to are the lines that the edit may be about.
func (e edit) from() int { return e.at - e.up }
func (e edit) to() int   { return e.at + e.n + e.down }

// edits gives the stretches of changed lines of hunks that stand where their headers
// say.
func edits(hunks []Hunk) []edit {
	var all []edit
	for _, h := range hunks {
		at := h.nominal()
		open := false
		for _, line := range h.Body {
			if line.Op == Context {
				at, open = at+1, false
				continue
			}
			if !open {
				all = append(all, edit{at: at})
				open = true
			}
			e := &all[len(all)-1]
			if line.Op == Remove {
				e.n++
				at++
			} else {
				e.lines = append(e.lines, line.Text)
			}
		}
	}
	return all
}

// merge does to a text what the change does to the file it was made for: with
// that file as the common ancestor, it is a merge of two sets of changes. It
// succeeds only if no line of one is changed, or stands directly beside one that
// is changed, by the other; but what both do alike is done once.
func (c change) merge(is *text, r *FileReport) (*text, bool) {
	if !c.base.kept || c.base.stood == nil && len(c.Hunks) > 0 {
		return nil, false
	}
	before, now := c.base.before.lines(0, c.base.before.len()), is.lines(0, is.len())
	theirs := settled(edits(c.base.stood), before)
	ours := settled(changed(common(before, now), before, now), before)
	var all []edit
	grown, next := 0, 0 // by and behind our edits so far
	for _, e := range theirs {
		for ; next < len(ours) && ours[next].to() < e.from(); next++ {
			grown += len(ours[next].lines) - ours[next].n
		}
		if next == len(ours) || e.to() < ours[next].from() {
			all = append(all, edit{at: e.at + grown, n: e.n, lines: e.lines})
		} else if !e.equal(ours[next]) {
			return nil, false
		}
	}
	out, ok := replaced(is, all)
	if !ok {
		return nil, false
	}
	r.Merged, r.Hunks, r.stood = true, nil, hunksOf(now, all)
	return out, true
}

// settled cuts edits down to what they change, and finds out how far they can slide
// without reaching the next.
func settled(edits []edit, lines []string) []edit {
	var all []edit
	for _, e := range edits {
		n := len(e.lines)
		same := 0
		for same < min(n, e.n) && lines[e.at+same] == e.lines[same] {
			same++
		}
		e.at, e.n, e.lines, n = e.at+same, e.n-same, e.lines[same:], n-same
		for same = 0; same < min(n, e.n) && lines[e.at+e.n-1-same] == e.lines[n-1-same]; same++ {
		}
		if e.n, e.lines = e.n-same, e.lines[:n-same]; e.n+len(e.lines) > 0 {
			all = append(all, e)
		}
	}
	for i := range all {
		first, last := 0, len(lines)
		if i > 0 {
			first = all[i-1].at + all[i-1].n
		}
		if i < len(all)-1 {
			last = all[i+1].at
		}
		all[i].slide(lines, first, last)
	}
	return all
}

// slide finds out how far an edit can slide between two lines. Only one that puts
// lines in or takes lines out can; one that does both stays.
func (e *edit) slide(lines []string, first, last int) {
	end := e.at + e.n
	switch n := len(e.lines); {
	case n == 0:
		for e.at-e.up > first && lines[e.at-e.up-1] == lines[end-e.up-1] {
			e.up++
		}
		for end+e.down < last && lines[e.at+e.down] == lines[end+e.down] {
			e.down++
		}
	case e.n == 0:
		for e.at-e.up > first && lines[e.at-e.up-1] == e.lines[n-1-e.up%n] {
			e.up++
		}
		for end+e.down < last && lines[end+e.down] == e.lines[e.down%n] {
			e.down++
		}
	}
}

// equal reports whether two edits do the same, if they slide to the same place.
func (e edit) equal(other edit) bool {
	n := len(e.lines)
	at := max(e.at-e.up, other.at-other.up)
	if e.n != other.n || len(other.lines) != n || at > min(e.at+e.down, other.at+other.down) {
		return false
	}
	for i := range n {
		if e.slid(at, i) != other.slid(at, i) {
			return false
		}
	}
	return true
}

// slid gives a line of the edit where it has slid to an index.
func (e edit) slid(at, line int) string {
	n := len(e.lines)
	return e.lines[((line+at-e.at)%n+n)%n]
}

// changed gives what was done to one text to make the other.
func changed(stretches []stretch, before, now []string) []edit {
	var all []edit
	a, b := 0, 0
	for _, r := range append(slices.Clone(stretches), stretch{len(before), len(now), 0}) {
		if r.a > a || r.b > b {
			all = append(all, edit{at: a, n: r.a - a, lines: now[b:r.b]})
		}
		a, b = r.a+r.n, r.b+r.n
	}
	return all
}

// replaced makes edits to a text, which come in their order.
func replaced(t *text, edits []edit) (*text, bool) {
	p := newPlacer(t)
	ok := true
	for _, e := range edits {
		if e.at < p.frozen {
			return nil, false
		}
		ok = ok && p.copy(e.at) && p.write(e.lines)
		p.frozen = e.at + e.n
	}
	out, bad := p.finish()
	return out, ok && bad == nil
}

// context is how many unchanged lines a hunk has on each side.
const context = 3

// hunksOf writes edits as hunks, as diff does: what has less than two contexts
// between is one hunk.
func hunksOf(lines []string, edits []edit) []Hunk {
	var hunks []Hunk
	grown := 0
	for len(edits) > 0 {
		n := 1
		for n < len(edits) && edits[n].at-(edits[n-1].at+edits[n-1].n) <= 2*context {
			n++
		}
		h, more := hunkOf(lines, edits[:n], grown)
		hunks = append(hunks, h)
		grown += more
		edits = edits[n:]
	}
	return hunks
}

// hunkOf writes edits as one hunk, and says how many lines they add.
func hunkOf(lines []string, edits []edit, grown int) (h Hunk, more int) {
	last := edits[len(edits)-1]
	from, to := max(edits[0].at-context, 0), min(last.at+last.n+context, len(lines))
	at := from
	keep := func(end int) {
		for ; at < end; at++ {
			h.Body = append(h.Body, Line{Context, lines[at]})
		}
	}
	for _, e := range edits {
		keep(e.at)
		for ; at < e.at+e.n; at++ {
			h.Body = append(h.Body, Line{Remove, lines[at]})
		}
		for _, line := range e.lines {
			h.Body = append(h.Body, Line{Add, line})
		}
		more += len(e.lines) - e.n
	}
	keep(to)
	h.OldLines = to - from
	h.NewLines = h.OldLines + more
	h.moveTo(from, grown)
	return h, more
}

// Diff gives the hunks that make one text into another.
func Diff(before, after string) []Hunk {
	old, now := cut(before), cut(after)
	a, b := old.lines(0, old.len()), now.lines(0, now.len())
	return hunksOf(a, changed(common(a, b), a, b))
}

// String writes the hunk as it stands in a patch.
func (h Hunk) String() string {
	var b strings.Builder
	b.WriteString("@@ -" + span(h.OldStart, h.OldLines) + " +" + span(h.NewStart, h.NewLines) + " @@")
	if h.Section != "" {
		b.WriteString(" " + h.Section)
	}
	b.WriteByte('\n')
	for _, line := range h.Body {
		b.WriteByte(byte(line.Op))
		b.WriteString(line.Text)
		if !strings.HasSuffix(line.Text, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
	return b.String()
}
