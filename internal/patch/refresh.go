package patch

import (
	"slices"
	"strconv"
	"strings"
)

// span writes one side of a hunk's header. A count of 1 is left out.
func span(start, lines int) string {
	if lines == 1 {
		return strconv.Itoa(start)
	}
	return strconv.Itoa(start) + "," + strconv.Itoa(lines)
}

// Refresh gives the text of the patch, changed so that it stands exactly where
// Draft.Apply or Patch.Apply, whose report r is, has put it: line numbers, and the
// context and hunks where fuzz or a merge was needed. Messages, names and whatever
// else stands between the hunks stay as they are; so does a file whose hunks all
// stood exactly. One whose lines a merge found changed already goes, or loses its
// hunks if it says something else of its file. The report of taking a patch out says
// nothing of where it stands, and gives a wrong text.
func (p *Patch) Refresh(r Report) string {
	var b strings.Builder
	at := 0 // line of the text
	for i, m := range p.Mails {
		if i < len(r.Mails) && r.Mails[i].Verdict != "" && r.Mails[i].Verdict != Needed {
			continue // it was not put in
		}
		for j, f := range m.Files {
			if i >= len(r.Mails) || j >= len(r.Mails[i].Files) || len(f.Hunks) == 0 || r.Mails[i].Files[j].exact() {
				continue
			}
			hunks := r.Mails[i].Files[j].stood
			if len(hunks) == 0 {
				copyLines(&b, p.lines[at:f.Line-1])
				head := p.headOnly(f)
				copyLines(&b, head)
				if next := f.span.end; len(head) > 0 && next < len(p.lines) && !strings.HasPrefix(p.lines[next], "diff ") {
					b.WriteByte('\n') // or the header would take the next names for its own
				}
			} else {
				copyLines(&b, p.lines[at:f.span.hunks])
			}
			for _, h := range hunks {
				b.WriteString(h.String())
			}
			at = f.span.end
		}
	}
	copyLines(&b, p.lines[at:])
	return b.String()
}

// headOnly gives what a change says of a file besides its content: that it goes, has
// another name, or another mode.
func (p *Patch) headOnly(f File) []string {
	switch {
	case f.Kind == Modify && f.OldMode == f.NewMode, f.Kind == Modify && f.NewMode == 0:
		return nil
	case !f.Git: // what is left of the file is to go
		return []string{"diff --git " + f.OldName + " " + f.OldName + "\n", "deleted file mode 100644\n"}
	}
	return slices.DeleteFunc(slices.Clone(p.lines[f.Line-1:f.span.hunks]), func(line string) bool {
		for _, prefix := range []string{"index ", "--- ", "+++ ", "Index: ", "====="} {
			if strings.HasPrefix(line, prefix) {
				return true
			}
		}
		return false
	})
}

// spaced takes context off hunks that would not stand where they are with all of it:
// context at the end that did not count, and into which the next hunk was put; and
// so much at the beginning that the hunk would have to stand at the end of the file,
// which has so many lines.
func spaced(hunks []Hunk, lines int) []Hunk {
	for i, h := range hunks {
		next := lines
		if i+1 < len(hunks) {
			next = hunks[i+1].nominal()
		}
		h = h.less(0, max(0, h.nominal()+h.OldLines-next))
		if pat := h.pattern(); pat.suffix < pat.prefix && h.nominal()+h.OldLines < lines {
			h = h.less(pat.prefix-pat.suffix, 0)
		}
		hunks[i] = h
	}
	return hunks
}

// less gives the hunk without some of its context.
func (h Hunk) less(top, bottom int) Hunk {
	at := h.nominal() + top
	grown := h.NewStart - h.nominal()
	if h.NewLines > 0 {
		grown-- // it counts from 1
	}
	h.Body = h.Body[top : len(h.Body)-bottom]
	h.OldLines, h.NewLines = h.OldLines-top-bottom, h.NewLines-top-bottom
	h.moveTo(at, grown)
	return h
}

// copyLines writes lines.
func copyLines(b *strings.Builder, lines []string) {
	for _, line := range lines {
		b.WriteString(line)
	}
}
