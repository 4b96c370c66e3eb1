package patch

import (
	"cmp"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// A header is what the lines before the hunks say.
type header struct {
	git                bool
	oldName, newName   string // as written, unquoted
	oldStamp, newStamp string // what stands behind a name, usually a date
	kind               Kind   // "" where the lines do not say
	oldMode, newMode   fs.FileMode
	oldID, newID       string // of git's "index" line
	from, to           string // of a rename or copy, without prefix
	oddMode            string // one that was taken for 100644 or 100755
}

// maxName bounds a line with the name of a file, in bytes.
const maxName = 8192

// name reads what follows "--- " or "+++ ": a name, in quotes or not, and behind
// a tab whatever diff knows about the file. With dates, a date behind blanks is
// cut off too.
func (s *scanner) name(text string, dates bool) (name, stamp string, err error) {
	text = strings.TrimRight(text, "\r\n")
	if len(text) > maxName {
		return "", "", syntaxError(s.at+1, "the name of a file has more than %d bytes", maxName)
	}
	if strings.HasPrefix(text, `"`) {
		name, rest, err := unquote(text)
		if err != nil {
			return "", "", syntaxError(s.at+1, "%v", err)
		}
		return name, strings.TrimSpace(rest), nil
	}
	name, stamp, hasTab := strings.Cut(text, "\t")
	if last := strings.LastIndexByte(text, '\t'); last > len(name) && !isStamp(stamp) && isStamp(text[last+1:]) {
		name, stamp = text[:last], text[last+1:] // the name has tabs
	}
	if !hasTab && dates {
		if i := stampStart(name); i >= 0 {
			name, stamp = strings.TrimRight(name[:i], " "), name[i:]
			s.repair(s.at, "the date of a file stood behind blanks")
		}
		name = strings.TrimRight(name, " ")
	}
	if name == "" {
		return "", "", syntaxError(s.at+1, "the name of a file is missing")
	}
	return name, strings.TrimSpace(stamp), nil
}

// stampWords is the most words a date has.
const stampWords = 8

// stampStart finds a date, or Subversion's word for a revision, behind blanks at
// the end of a line. It is -1 when there is none.
func stampStart(s string) int {
	found, words := -1, 0
	for i := len(s) - 1; i > 0 && words < stampWords; i-- {
		if s[i-1] != ' ' || s[i] == ' ' {
			continue
		}
		words++
		rest := s[i:]
		if isStamp(rest) || strings.HasPrefix(rest, "(revision ") || rest == "(working copy)" || rest == "(nonexistent)" {
			found = i
		}
	}
	return found
}

// isStamp reports whether a text is a date.
func isStamp(s string) bool {
	_, ok := parseStamp(strings.TrimSpace(s))
	return ok
}

// parseStamp reads the date behind a name, in the forms diff programs write. One
// without a zone is taken for UTC.
func parseStamp(s string) (time.Time, bool) {
	for _, layout := range []string{
		"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00", "2006-01-02 15:04:05", "2006-01-02 15:04",
		"Mon Jan _2 15:04:05 2006 -0700", "Mon Jan _2 15:04:05 2006", "Mon, 02 Jan 2006 15:04:05 -0700", "_2 Jan 2006 15:04:05 -0000",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isEpoch reports whether a date is the one that diff writes for a file that is
// not there, or Subversion's word for that.
func isEpoch(stamp string) bool {
	if stamp == "(nonexistent)" {
		return true
	}
	t, ok := parseStamp(stamp)
	return ok && t.Unix() == 0
}

// unquote reads a name in the quotes of the C language, as git and GNU diff write
// names with unusual bytes, and gives what follows it.
func unquote(s string) (name, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if b.Len() == 0 || strings.ContainsRune(b.String(), 0) {
				return "", "", fmt.Errorf("the quoted name is empty or has a NUL byte: %s", quote(s))
			}
			return b.String(), s[i+1:], nil
		case '\\':
			c, n := escape(s[i+1:])
			if n == 0 {
				return "", "", fmt.Errorf("the quoted name has an escape that means nothing: %s", quote(s))
			}
			b.WriteByte(c)
			i += n
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", fmt.Errorf("the quoted name has no end: %s", quote(s))
}

// escape reads what follows a backslash, and how many bytes it has; 0 when it
// means nothing.
func escape(s string) (c byte, n int) {
	if s == "" {
		return 0, 0
	}
	if i := strings.IndexByte(`abtnvfr"\`, s[0]); i >= 0 {
		return "\a\b\t\n\v\f\r\"\\"[i], 1
	}
	if len(s) < 3 || s[0] > '3' || strings.Trim(s[:3], "01234567") != "" {
		return 0, 0
	}
	return (s[0]-'0')<<6 | (s[1]-'0')<<3 | (s[2] - '0'), 3
}

// gitSection reads a change with a header of git's. It gives no section for a
// header that says nothing.
func (s *scanner) gitSection() (*section, error) {
	start := s.at
	sec := &section{line: s.at + 1, header: header{git: true}}
	if len(s.line(0)) > 2*maxName {
		return nil, syntaxError(s.at+1, "the names of the files have more than %d bytes", 2*maxName)
	}
	names := strings.TrimRight(strings.TrimPrefix(s.line(0), "diff --git "), "\r\n")
	sec.head = append(sec.head, s.line(0))
	s.at++
	for {
		known, err := sec.header.extended(strings.TrimRight(s.line(0), "\r\n"))
		if err != nil {
			return nil, syntaxError(s.at+1, "%v", err)
		}
		if !known {
			break
		}
		if sec.header.oddMode != "" {
			s.repair(s.at, "the mode "+sec.header.oddMode+" was taken for 100644 or 100755, by its execute bit")
			sec.header.oddMode = ""
		}
		sec.head = append(sec.head, s.line(0))
		s.at++
	}
	s.skipIndexJunk()
	if err := s.gitNames(sec, names); err != nil {
		return nil, err
	}
	switch line := s.line(0); {
	case strings.HasPrefix(line, "GIT binary patch"):
		s.binary(sec)
	case isBinaryMarker(line):
		return nil, syntaxError(s.at+1, "it says that a binary file differs, but not how; make it again with git diff --binary")
	default:
		if err := s.hunks(sec); err != nil {
			return nil, err
		}
	}
	if err := s.complete(sec); err != nil {
		return nil, err
	}
	if sec.header.kind == "" && sec.header.newMode == 0 && len(sec.hunks) == 0 && sec.data == nil {
		s.repair(start, "a git header without a change")
		return nil, nil
	}
	return sec, nil
}

// skipIndexJunk leaves out lines that other programs put between git's header
// and the names.
func (s *scanner) skipIndexJunk() {
	n := 0
	for strings.HasPrefix(s.line(n), "Index: ") || strings.HasPrefix(s.line(n), "=====") {
		n++
	}
	if n > 0 && strings.HasPrefix(s.line(n), "--- ") && strings.HasPrefix(s.line(n+1), "+++ ") {
		s.repair(s.at, "lines of another program stood in a git header")
		s.at += n
	}
}

// gitNames finds the two names: in the "---" and "+++" lines if they are there,
// otherwise in the first line.
func (s *scanner) gitNames(sec *section, first string) error {
	h := &sec.header
	var err error
	if strings.HasPrefix(s.line(0), "--- ") && strings.HasPrefix(s.line(1), "+++ ") {
		sec.head = append(sec.head, s.line(0), s.line(1))
		if h.oldName, h.oldStamp, err = s.name(s.line(0)[4:], false); err != nil {
			return err
		}
		s.at++
		if h.newName, h.newStamp, err = s.name(s.line(0)[4:], false); err != nil {
			return err
		}
		s.at++
		return h.contradiction(sec.line, first)
	}
	h.oldName, h.newName, err = splitGitNames(first, h.from, h.to)
	if err != nil {
		return syntaxError(sec.line, "%v", err)
	}
	switch h.kind {
	case Create:
		h.oldName = DevNull
	case Delete:
		h.newName = DevNull
	}
	return nil
}

// contradiction refuses a file to make or remove that has one name in git's first
// line and another one below.
func (h *header) contradiction(line int, first string) error {
	oldName, newName, err := splitGitNames(first, h.from, h.to)
	if err == nil && (h.kind == Create && newName != h.newName || h.kind == Delete && oldName != h.oldName) {
		return syntaxError(line, "git's header has two names for one file: %s", quote(first))
	}
	return nil
}

// splitGitNames takes "a/name b/name" apart. Names may have blanks: without a
// rename the two are alike behind their prefixes, with one their ends are known.
func splitGitNames(s, from, to string) (oldName, newName string, err error) {
	fits := func(x, y string) bool {
		if from != "" || to != "" {
			return strings.HasSuffix(x, from) && strings.HasSuffix(y, to)
		}
		x1, okX := Strip(x, 1)
		y1, okY := Strip(y, 1)
		return x == y || okX && okY && x1 == y1
	}
	if strings.HasPrefix(s, `"`) {
		x, rest, err := unquote(s)
		if err != nil {
			return "", "", err
		}
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, `"`) {
			rest, _, err = unquote(rest)
		}
		if err == nil && !fits(x, rest) {
			err = fmt.Errorf("the two names do not belong together: %s", quote(s))
		}
		return x, rest, err
	}
	if i := strings.Index(s, ` "`); i > 0 {
		y, _, err := unquote(s[i+1:])
		if err == nil && !fits(s[:i], y) {
			err = fmt.Errorf("the two names do not belong together: %s", quote(s))
		}
		return s[:i], y, err
	}
	for i := range len(s) {
		if s[i] == ' ' && fits(s[:i], s[i+1:]) {
			return s[:i], s[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("the two names cannot be told apart: %s", quote(s))
}

// extended reads one line of a git header, and reports whether it is one.
func (h *header) extended(line string) (known bool, err error) {
	if line == "" || strings.IndexByte("ondrcsi", line[0]) < 0 {
		return false, nil
	}
	for _, c := range []struct {
		prefix string
		read   func(text string) error
	}{
		{"old mode ", func(t string) error { return h.mode(t, &h.oldMode) }},
		{"new mode ", func(t string) error { return h.mode(t, &h.newMode) }},
		{"deleted file mode ", func(t string) error { return cmp.Or(h.is(Delete), h.mode(t, &h.oldMode)) }},
		{"new file mode ", func(t string) error { return cmp.Or(h.is(Create), h.mode(t, &h.newMode)) }},
		{"rename from ", h.name(Rename, &h.from)},
		{"rename to ", h.name(Rename, &h.to)},
		{"rename old ", h.name(Rename, &h.from)},
		{"rename new ", h.name(Rename, &h.to)},
		{"copy from ", h.name(Copy, &h.from)},
		{"copy to ", h.name(Copy, &h.to)},
		{"similarity index ", func(string) error { return nil }},
		{"dissimilarity index ", func(string) error { return nil }},
		{"index ", h.readIndex},
	} {
		if text, ok := strings.CutPrefix(line, c.prefix); ok {
			return true, c.read(text)
		}
	}
	return false, nil
}

// is notes what happens to the file. A header that says two things is refused:
// which one is meant can't be told.
func (h *header) is(k Kind) error {
	if h.kind != "" && h.kind != k {
		return fmt.Errorf("git's header says %s, and now %s", h.kind, k)
	}
	h.kind = k
	return nil
}

// name gives what reads a line with a name of a rename or copy.
func (h *header) name(k Kind, to *string) func(string) error {
	return func(text string) (err error) {
		if err = h.is(k); err == nil {
			*to, err = plainName(text)
		}
		return err
	}
}

// mode reads a mode, and notes one that git would not write today.
func (h *header) mode(text string, to *fs.FileMode) (err error) {
	var odd bool
	if *to, odd, err = readMode(text); odd {
		h.oddMode = strings.TrimSpace(text)
	}
	return err
}

// readIndex reads "0123abc..4567def 100644".
func (h *header) readIndex(text string) error {
	ids, mode, hasMode := strings.Cut(text, " ")
	oldID, newID, both := strings.Cut(ids, "..")
	if !both {
		return nil // a name that begins with the word
	}
	h.oldID, h.newID = oldID, newID
	if !hasMode {
		return nil
	}
	return h.mode(mode, &h.oldMode)
}

// readMode reads a mode of git's. Old repositories have others than 100644 and
// 100755 for files; git takes their execute bit alone, and so do we, odd.
func readMode(s string) (mode fs.FileMode, odd bool, err error) {
	s = strings.TrimSpace(s)
	bits, e := strconv.ParseUint(s, 8, 32)
	switch {
	case s == "100644", s == "100755":
		return fs.FileMode(bits) & fs.ModePerm, false, nil
	case s == "120000":
		return fs.ModeSymlink | 0o777, false, nil
	case s == "160000":
		return 0, false, fmt.Errorf("it changes a submodule, which is another repository")
	case e == nil && len(s) == 6 && bits&^0o777 == 0o100000 && bits&0o100 != 0:
		return 0o755, true, nil
	case e == nil && len(s) == 6 && bits&^0o777 == 0o100000:
		return 0o644, true, nil
	}
	return 0, false, fmt.Errorf("the file mode %s is none of 100644, 100755 and 120000", quote(s))
}

// plainName reads the name of a rename or copy line.
func plainName(s string) (string, error) {
	if strings.HasPrefix(s, `"`) {
		name, _, err := unquote(s)
		return name, err
	}
	if s == "" {
		return "", fmt.Errorf("the name of a file is missing")
	}
	return s, nil
}
