package patch

import (
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
// stood exactly. One of which nothing is left to do, since a merge found all of it
// done, goes.
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
			keep := f.span.hunks
			if len(hunks) == 0 {
				keep = f.Line - 1
			}
			copyLines(&b, p.lines[at:keep])
			for _, h := range hunks {
				b.WriteString(h.String())
			}
			at = f.span.end
		}
	}
	copyLines(&b, p.lines[at:])
	return b.String()
}

// copyLines writes lines.
func copyLines(b *strings.Builder, lines []string) {
	for _, line := range lines {
		b.WriteString(line)
	}
}
