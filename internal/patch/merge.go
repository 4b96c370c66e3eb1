package patch

import (
	"slices"
	"strings"
)

// An edit puts lines in the place of others, from an index of a text on.
type edit struct {
	at, n int // lines that go
	lines []string
}

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
func (c change) merge(content string, r *FileReport) (string, bool) {
	if c.base.stood == nil && len(c.Hunks) > 0 {
		return "", false
	}
	was, is := cut(c.base.before), cut(content)
	before, now := was.lines(0, was.len()), is.lines(0, is.len())
	theirs := edits(c.base.stood)
	stretches := common(before, now)
	var ours []edit
	for _, e := range theirs {
		at, ok := moved(e, stretches, len(before), len(now))
		switch {
		case ok:
			ours = append(ours, edit{at, e.n, e.lines})
		case !slices.ContainsFunc(changed(stretches, before, now), func(other edit) bool { return e.equal(other) }):
			return "", false
		}
	}
	out, ok := replaced(is, ours)
	if !ok {
		return "", false
	}
	r.Merged, r.Hunks, r.stood = true, nil, hunksOf(now, ours)
	return out, true
}

// equal reports whether two edits do the same.
func (e edit) equal(other edit) bool {
	return e.at == other.at && e.n == other.n && slices.Equal(e.lines, other.lines)
}

// moved finds where the lines of an edit stand now. They and one line on each side
// must be unchanged.
func moved(e edit, stretches []stretch, before, now int) (at int, ok bool) {
	from, to := max(e.at-1, 0), min(e.at+e.n+1, before)
	for _, r := range stretches {
		if r.a > from || r.a+r.n < to {
			continue
		}
		at = e.at - r.a + r.b
		atStart, atEnd := from == e.at, to == e.at+e.n
		return at, (!atStart || at == 0) && (!atEnd || at+e.n == now)
	}
	return 0, before == 0 && now == 0
}

// changed gives what was done to one text to make the other.
func changed(stretches []stretch, before, now []string) []edit {
	var all []edit
	a, b := 0, 0
	for _, r := range append(slices.Clone(stretches), stretch{len(before), len(now), 0}) {
		if r.a > a || r.b > b {
			all = append(all, edit{a, r.a - a, now[b:r.b]})
		}
		a, b = r.a+r.n, r.b+r.n
	}
	return all
}

// replaced makes edits to a text, which come in their order.
func replaced(t text, edits []edit) (string, bool) {
	p := &placer{text: t}
	ok := true
	for _, e := range edits {
		if e.at < p.frozen {
			return "", false
		}
		ok = ok && p.copy(e.at)
		for _, line := range e.lines {
			ok = ok && p.write(line)
		}
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
