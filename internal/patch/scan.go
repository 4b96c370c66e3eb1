package patch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A rawMail is a mail as lines.
type rawMail struct {
	preamble []string // what stands before the first change
	sections []*section

	bounds   []string // lines of the preamble that name a boundary
	searched int      // how many of its lines were looked at for them
}

// A section is the change of one file as lines, cleared of damages.
type section struct {
	line   int      // number of its first line, from 1
	head   []string // the lines before the first hunk
	header header
	hunks  []rawHunk
	data   []string // of a git binary patch, with its first line
	span   lineSpan // of the hunks
	crlf   bool     // carriage returns were taken off the hunks
}

// A lineSpan is where the hunks of a section begin and end, as indexes of lines of
// the patch.
type lineSpan struct{ hunks, end int }

// A rawHunk is a hunk as lines.
type rawHunk struct {
	line               int
	oldStart, oldLines int
	newStart, newLines int
	section            string
	cut                bool     // its last lines are a guess
	body               []string // with the op as first byte; a "\" line follows the line it is about
}

// A scanner finds the changes in a text. It knows how many lines each hunk has,
// so that nothing inside a hunk is taken for a header.
type scanner struct {
	lines   []string // with their newlines
	at      int
	mails   []*rawMail
	repairs []Repair
	lastDot int    // index of the last line that is a dot; 0 for not looked for, -1 for none
	bare    string // the name for hunks that stand without one; "" if that is refused
}

// byteOrderMark is what some editors write before a text.
const byteOrderMark = "\ufeff"

// maxLines is the most lines a patch may have. Each takes some memory.
const maxLines = 4 << 20

// newScanner cuts a text into lines.
func newScanner(text string) *scanner {
	s := &scanner{lines: slices.AppendSeq(make([]string, 0, countLines(text)), strings.Lines(text))}
	if n := len(s.lines); n > 0 && strings.HasPrefix(s.lines[0], byteOrderMark) {
		s.lines[0] = strings.TrimPrefix(s.lines[0], byteOrderMark)
		s.repair(0, "it began with a byte order mark")
	}
	if n := len(s.lines); n > 0 && !strings.HasSuffix(s.lines[n-1], "\n") {
		s.lines[n-1] += "\n"
		if c := s.lines[n-1][0]; c == ' ' || c == '+' || c == '-' {
			s.repair(n-1, "the last line had no newline")
		}
	}
	return s
}

// repair notes what was mended at the line with index i.
func (s *scanner) repair(i int, what string) {
	s.repairs = append(s.repairs, Repair{Line: i + 1, What: what})
}

// line gives the line i places on, or "" behind the end.
func (s *scanner) line(i int) string {
	if s.at+i >= len(s.lines) {
		return ""
	}
	return s.lines[s.at+i]
}

// run reads all lines.
func (s *scanner) run() error {
	m := &rawMail{}
	s.mails = append(s.mails, m)
	for s.at < len(s.lines) {
		if m.endsBefore(s.line(0)) {
			m = &rawMail{}
			s.mails = append(s.mails, m)
		}
		start := s.at
		sec, err := s.next()
		switch {
		case err != nil:
			return err
		case sec != nil:
			m.sections = append(m.sections, sec)
		case s.at > start: // a header that says nothing
		case len(m.sections) == 0:
			m.preamble = append(m.preamble, s.line(0))
			s.at++
		default:
			s.at++ // text behind a change, such as a mail's signature
		}
	}
	return nil
}

// next reads the change that begins at this line, if one does. It moves on
// only then.
func (s *scanner) next() (*section, error) {
	line := s.line(0)
	switch {
	case strings.HasPrefix(line, "diff --git "):
		return s.gitSection()
	case s.startsContextDiff():
		return nil, syntaxError(s.at+1, "this is a context diff; make it again with diff -u")
	case strings.HasPrefix(line, "--- ") && strings.HasPrefix(s.line(1), "+++ ") && (isEdCommand(s.line(2)) || strings.HasPrefix(s.line(2), "!")):
		return nil, syntaxError(s.at+3, "this is an ed script, which could run commands; make it again with diff -u")
	case strings.HasPrefix(line, "--- ") && strings.HasPrefix(s.line(1), "+++ ") && strings.HasPrefix(s.line(2), "@"),
		strings.HasPrefix(line, "+++ ") && strings.HasPrefix(s.line(1), "@@ -"):
		return s.plainSection()
	case strings.HasPrefix(line, "@@ -") && s.bare != "":
		sec := &section{line: s.at + 1, header: header{oldName: s.bare, newName: s.bare}, head: []string{"--- " + s.bare + "\n"}}
		return sec, s.hunks(sec)
	case strings.HasPrefix(line, "@@ -"):
		return nil, syntaxError(s.at+1, "a hunk without the name of a file before it")
	case isBinaryMarker(line):
		return nil, syntaxError(s.at+1, "it says that a binary file differs, but not how; make it again with git diff --binary")
	case strings.HasPrefix(line, "diff ") && isNormalCommand(s.line(1)) && isNormalBody(s.line(2)):
		return nil, syntaxError(s.at+2, "this is a normal diff; make it again with diff -u")
	}
	return nil, nil
}

// endsBefore reports whether another mail begins at line. A message may quote
// "commit 0123…", so that only counts behind a change, or behind another commit
// that has none.
func (m *rawMail) endsBefore(line string) bool {
	switch {
	case startsMail(line):
		return len(m.sections) > 0 || !blank(m.preamble)
	case startsCommit(line):
		return len(m.sections) > 0 || len(m.preamble) > 0 && startsCommit(m.preamble[0])
	}
	return false
}

// startsCommit knows the line that git log has before each commit.
func startsCommit(line string) bool {
	rest, ok := strings.CutPrefix(line, "commit ")
	id, more, _ := strings.Cut(strings.TrimSpace(rest), " ")
	return ok && isObjectID(id) && (more == "" || strings.HasPrefix(more, "("))
}

// startsMail knows the line that mbox files have before each mail:
// "From 0123… Mon Sep 17 00:00:00 2001", "From name@host  Fri Nov 23 …".
func startsMail(line string) bool {
	rest, ok := strings.CutPrefix(line, "From ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 5 {
		return false
	}
	year, err := strconv.Atoi(fields[len(fields)-1])
	hour, minute, hasTime := strings.Cut(fields[len(fields)-2], ":")
	return err == nil && year > 1900 && hasTime && isNumber(hour) && len(minute) >= 2
}

// startsContextDiff knows the three lines at the beginning of a context diff.
func (s *scanner) startsContextDiff() bool {
	return strings.HasPrefix(s.line(0), "*** ") && strings.HasPrefix(s.line(1), "--- ") &&
		strings.HasPrefix(s.line(2), "***************")
}

// isBinaryMarker knows what diff and git write in place of a binary change.
func isBinaryMarker(line string) bool {
	return strings.HasPrefix(line, "Binary files ") && strings.HasSuffix(strings.TrimRight(line, "\r\n"), " differ")
}

// plainSection reads a change with the names in "---" and "+++" lines only.
func (s *scanner) plainSection() (*section, error) {
	sec := &section{line: s.at + 1}
	if s.at > 0 && strings.HasPrefix(s.lines[s.at-1], "diff ") {
		sec.head = append(sec.head, s.lines[s.at-1])
	}
	var err error
	if strings.HasPrefix(s.line(0), "+++ ") {
		s.repair(s.at, "the --- line was missing")
		if sec.header.newName, sec.header.newStamp, err = s.name(s.line(0)[4:], true); err != nil {
			return nil, err
		}
		sec.header.oldName = sec.header.newName
		sec.head = append(sec.head, "---"+s.line(0)[3:], s.line(0))
		s.at++
	} else {
		if sec.header.oldName, sec.header.oldStamp, err = s.name(s.line(0)[4:], true); err != nil {
			return nil, err
		}
		sec.head = append(sec.head, s.line(0), s.line(1))
		s.at++
		if sec.header.newName, sec.header.newStamp, err = s.name(s.line(0)[4:], true); err != nil {
			return nil, err
		}
		s.at++
	}
	if err := s.hunks(sec); err != nil {
		return nil, err
	}
	if len(sec.hunks) == 0 {
		return nil, syntaxError(s.at+1, "a damaged hunk header: %s", quote(s.line(0)))
	}
	return sec, nil
}

// hunks reads all hunks of a section.
func (s *scanner) hunks(sec *section) error {
	stripCR := false
	sec.span.hunks = s.at
	for strings.HasPrefix(s.line(0), "@@") {
		h, err := readHunkHeader(s.line(0))
		if err != nil {
			return syntaxError(s.at+1, "%v", err)
		}
		if strings.HasSuffix(s.line(0), "\r\n") && !stripCR {
			stripCR, sec.crlf = true, true
			s.repair(s.at, "the hunk headers had carriage returns")
		}
		h.line = s.at + 1
		s.at++
		if err := s.body(&h, stripCR); err != nil {
			return err
		}
		if !slices.ContainsFunc(h.body, func(line string) bool { return line[0] == '+' || line[0] == '-' }) {
			return syntaxError(h.line, "the hunk changes nothing; its header is damaged, or lines are missing")
		}
		sec.hunks = append(sec.hunks, h)
		sec.span.end = s.at
	}
	if len(sec.hunks) > 0 {
		return s.afterHunks()
	}
	return nil
}

// afterHunks refuses what looks like more of the hunk than its header counts:
// leaving it out would change the patch.
func (s *scanner) afterHunks() error {
	for i := 0; ; i++ {
		line := s.line(i)
		bare := strings.TrimRight(line, " \r\n")
		switch {
		case i == 0 && (strings.HasPrefix(line, "@@") || strings.HasPrefix(line, "@ -")):
			return syntaxError(s.at+1, "a damaged hunk header: %s", quote(line))
		case bare == "--" || bare == "---" || s.isBoundary(bare): // a signature, or a message's end
			return nil
		case strings.HasPrefix(line, "--- ") && strings.HasPrefix(s.line(i+1), "+++ "):
			return nil
		case strings.HasPrefix(line, "+++ ") && strings.HasPrefix(s.line(i+1), "@@ -"):
			return nil
		case strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-"):
			return syntaxError(s.at+i+1, "the hunk before has more lines than its header says: %s", quote(line))
		case !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t"):
			return nil
		}
	}
}

// isBoundary reports whether a line ends a part of the mail at hand.
func (s *scanner) isBoundary(line string) bool {
	boundary := strings.TrimSuffix(strings.TrimPrefix(line, "--"), "--")
	if !strings.HasPrefix(line, "--") || boundary == "" || len(boundary) > 70 {
		return false
	}
	return slices.ContainsFunc(s.mails[len(s.mails)-1].boundaries(), func(line string) bool {
		return strings.Contains(line, boundary)
	})
}

// maxBoundaries is how many lines of a mail are believed to name a boundary.
const maxBoundaries = 8

// boundaries are the lines of the header that name one.
func (m *rawMail) boundaries() []string {
	for ; m.searched < len(m.preamble); m.searched++ {
		if line := m.preamble[m.searched]; len(m.bounds) < maxBoundaries && strings.Contains(line, "boundary=") {
			m.bounds = append(m.bounds, line)
		}
	}
	return m.bounds
}

// body reads the lines of a hunk, as many as its header says.
func (s *scanner) body(h *rawHunk, stripCR bool) error {
	oldLeft, newLeft := h.oldLines, h.newLines
	oldEnded, newEnded := false, false // by a "\ No newline" line
	for oldLeft > 0 || newLeft > 0 || isNoNewline(s.line(0)) {
		if s.at >= len(s.lines) && (oldEnded || newEnded) {
			return syntaxError(s.at, "a line is missing behind the last line of the file")
		}
		if s.at >= len(s.lines) {
			return s.cutOff(h, oldLeft, newLeft)
		}
		line := s.bodyLine(stripCR)
		isOld, isNew := line[0] != '+', line[0] != '-'
		if isNoNewline(line) {
			if len(h.body) == 0 {
				return syntaxError(s.at+1, "it speaks of a newline before any line of the hunk")
			}
			before := h.body[len(h.body)-1]
			if before[1:] == "\n" {
				return syntaxError(s.at+1, "an empty line without a newline is none")
			}
			oldEnded, newEnded = oldEnded || before[0] != '+', newEnded || before[0] != '-'
			h.body = append(h.body, line)
			s.at++
			continue
		}
		switch {
		case strings.IndexByte(" +-", line[0]) < 0:
			return syntaxError(s.at+1, "the hunk at line %d lacks lines: %d old and %d new ones should follow, not %s", h.line, oldLeft, newLeft, quote(line))
		case isOld && oldLeft == 0 || isNew && newLeft == 0:
			return syntaxError(s.at+1, "the hunk at line %d has other lines than its header counts", h.line)
		case isOld && oldEnded || isNew && newEnded:
			return syntaxError(s.at+1, "a line follows the last line of the file")
		}
		if isOld {
			oldLeft--
		}
		if isNew {
			newLeft--
		}
		h.body = append(h.body, line)
		s.at++
	}
	return nil
}

// bodyLine gives the line at hand, mended.
func (s *scanner) bodyLine(stripCR bool) string {
	line := s.line(0)
	if stripCR && strings.HasSuffix(line, "\r\n") {
		line = line[:len(line)-2] + "\n"
	}
	switch {
	case line == "\n" || line == "\r\n": // newer programs leave the blank out
		return " " + line
	case line[0] == '\t':
		s.repair(s.at, "a context line began with a tab in place of a blank")
		return " " + line
	}
	return line
}

// cutOff ends a hunk that the end of the text cuts off: up to three blank context
// lines are all that may be missing, since editors and mailers drop them.
func (s *scanner) cutOff(h *rawHunk, oldLeft, newLeft int) error {
	const most = 3
	if oldLeft != newLeft || oldLeft > most {
		return syntaxError(s.at, "the patch ends inside the hunk at line %d; %d old and %d new lines are missing", h.line, oldLeft, newLeft)
	}
	h.cut = true
	s.repair(s.at-1, fmt.Sprintf("blank context was missing at the end, lines: %d", oldLeft))
	for range oldLeft {
		h.body = append(h.body, " \n")
	}
	return nil
}

// isNoNewline knows the line "\ No newline at end of file" in any language.
func isNoNewline(line string) bool { return strings.HasPrefix(line, `\ `) && len(line) >= 12 }

// readHunkHeader reads "@@ -12,5 +13,6 @@ section". A count that is left out is 1.
func readHunkHeader(line string) (rawHunk, error) {
	damaged := fmt.Errorf("a damaged hunk header: %s", quote(line))
	rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "@@ -")
	ranges, section, ended := strings.Cut(rest, " @@")
	oldRange, newRange, both := strings.Cut(ranges, " +")
	if !ok || !ended || !both {
		return rawHunk{}, damaged
	}
	var h rawHunk
	for _, r := range []struct {
		text         string
		start, lines *int
	}{{oldRange, &h.oldStart, &h.oldLines}, {newRange, &h.newStart, &h.newLines}} {
		start, lines, hasLines := strings.Cut(r.text, ",")
		if !hasLines {
			lines = "1"
		}
		if !isNumber(start) || !isNumber(lines) {
			return rawHunk{}, damaged
		}
		var errStart, errLines error
		*r.start, errStart = strconv.Atoi(start)
		*r.lines, errLines = strconv.Atoi(lines)
		if errStart != nil || errLines != nil || *r.start > maxLine || *r.lines > maxLine {
			return rawHunk{}, fmt.Errorf("a number in the hunk header is over %d: %s", maxLine, quote(line))
		}
		if *r.start == 0 && *r.lines > 0 {
			return rawHunk{}, fmt.Errorf("the hunk header counts lines from 0: %s", quote(line))
		}
	}
	h.section = strings.TrimSpace(section)
	return h, nil
}

// quote makes a line fit for a message.
func quote(line string) string {
	line = strings.TrimRight(line, "\r\n")
	if len(line) > 80 {
		line = line[:80] + "…"
	}
	return strconv.Quote(line)
}

// blank reports whether lines have nothing but white space.
func blank(lines []string) bool {
	return !slices.ContainsFunc(lines, func(line string) bool { return strings.TrimSpace(line) != "" })
}

// isNumber reports whether s is decimal digits.
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// isObjectID reports whether s is the full name of a git object.
func isObjectID(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
