package header

import (
	"bytes"
	"slices"
	"strings"
)

// A unit is what ends a line where nothing goes on: one line of code, a directive with the
// lines that it is continued on, a comment over many lines. What begins a unit is in no
// comment, no literal and no continued line; that is where lines can be put in.
type unit struct {
	start, end  int // in the source; end is behind the line ending
	first, last int // its lines, from 1
	kind        kind
	name, arg   string // of a directive: include, <stdio.h>
	before      string // of an #include: all that stands before its < or "
	// Where it begins: how many braces are open, and the innermost conditional; -1 for none.
	depth, in int
}

// A kind of unit.
type kind int

const (
	blank kind = iota
	comment
	directive
	code
)

// A conditional is what stands from #if to #endif.
type conditional struct {
	open, end int // units; end is len(units) if there is no #endif
	parent    int // -1 for none
	branches  bool
	// It does not decide whether what is in it counts: an include guard, or one around all
	// the code there is.
	clear bool
	// Neither it nor one around it decides.
	free  bool
	depth []int // of braces, at its #if and where its first branch ends
}

// A source is a text as the preprocessor sees it.
type source struct {
	text  []byte
	units []unit
	conds []conditional
	// The include guard around all of it; -1 if there is none.
	guarded int
	// The state behind the last unit.
	depth, in int
	// The text ends in a comment or literal or before the line that it goes on with: nothing
	// can stand behind it.
	open bool
}

// parse reads a source.
func parse(text []byte) *source {
	s := &source{text: text, in: -1}
	r := reader{text: text, line: 1}
	for r.at < len(text) {
		u := r.unit()
		u.depth, u.in = s.depth, s.in
		s.units = append(s.units, u)
		s.enter(len(s.units)-1, r.braces)
	}
	s.open = r.open || bytes.HasSuffix(bytes.TrimRight(text, " \t\v\f\r"), []byte(`\`))
	s.judge()
	return s
}

// enter takes over what a unit does to the state.
func (s *source) enter(i, braces int) {
	u := &s.units[i]
	if u.kind != directive {
		s.depth = max(0, s.depth+braces)
		return
	}
	switch u.name {
	case "if", "ifdef", "ifndef":
		s.conds = append(s.conds, conditional{open: i, end: -1, parent: s.in, depth: []int{s.depth}})
		s.in = len(s.conds) - 1
	case "else", "elif", "elifdef", "elifndef":
		if s.in < 0 {
			return
		}
		// Branches may each open the same brace: all begin with what there was at #if, and
		// what follows #endif goes on from the first.
		c := &s.conds[s.in]
		if c.branches = true; len(c.depth) == 1 {
			c.depth = append(c.depth, s.depth)
		}
		s.depth = c.depth[0]
	case "endif":
		if s.in < 0 {
			return
		}
		c := &s.conds[s.in]
		if c.end = i; len(c.depth) > 1 {
			s.depth = c.depth[1]
		}
		s.in = c.parent
	}
}

// judge finds the conditionals that decide nothing.
func (s *source) judge() {
	firstCode, lastCode := -1, -1
	for i, u := range s.units {
		if u.kind == code {
			if lastCode = i; firstCode < 0 {
				firstCode = i
			}
		}
	}
	for i := range s.conds {
		if c := &s.conds[i]; c.end < 0 {
			c.end = len(s.units)
		}
	}
	s.guarded = s.guard()
	for i := range s.conds {
		c := &s.conds[i]
		closed := c.end < len(s.units)
		around := firstCode > c.open && lastCode < c.end && strings.Trim(s.units[c.open].arg, "() \t") != "0"
		c.clear = closed && !c.branches && (around || i == s.guarded)
		c.free = c.clear && (c.parent < 0 || s.conds[c.parent].free)
	}
}

// guard is the conditional that is an include guard around the whole source, -1 if none is.
func (s *source) guard() int {
	open := slices.IndexFunc(s.units, func(u unit) bool { return u.kind == code || u.kind == directive && u.name != "pragma" })
	i := s.opened(open)
	if i < 0 || s.conds[i].branches {
		return -1
	}
	c := &s.conds[i]
	behind := s.units[min(c.end+1, len(s.units)):]
	if slices.ContainsFunc(behind, func(u unit) bool { return u.kind == code || u.kind == directive }) {
		return -1
	}
	var name string
	switch u := s.units[open]; u.name {
	case "ifndef":
		name = u.arg
	case "if":
		if rest, ok := strings.CutPrefix(strings.ReplaceAll(u.arg, " ", ""), "!defined"); ok {
			name = strings.Trim(rest, "()")
		}
	}
	if at := s.guardDefine(c); at < 0 || macroName(s.units[at].arg) != name {
		return -1
	}
	return i
}

// opened is the conditional that begins with a unit, -1 if none does.
func (s *source) opened(unit int) int {
	i, found := slices.BinarySearchFunc(s.conds, unit, func(c conditional, unit int) int { return c.open - unit })
	if !found {
		return -1
	}
	return i
}

// guardDefine is the unit with the first directive in a conditional if that is a #define and
// no code stands before it, or -1.
func (s *source) guardDefine(c *conditional) int {
	for i := c.open + 1; i < c.end; i++ {
		switch u := s.units[i]; {
		case u.kind == directive && u.name == "define":
			return i
		case u.kind == code || u.kind == directive:
			return -1
		}
	}
	return -1
}

// macroName is the name that a #define is of.
func macroName(arg string) string {
	end := strings.IndexFunc(arg, func(r rune) bool { return !isWord(byte(min(r, 0x7f))) })
	if end < 0 {
		return arg
	}
	return arg[:end]
}

// free reports whether what stands before unit i is in force always, and in no braces. Behind
// the last unit i is the number of units.
func (s *source) free(i int) bool {
	depth, in := s.depth, s.in
	if i < len(s.units) {
		depth, in = s.units[i].depth, s.units[i].in
	}
	return depth == 0 && (in < 0 || s.conds[in].free)
}

// A reader splits a source in units.
type reader struct {
	text   []byte
	at     int
	line   int
	braces int // that the last unit opened, less those that it closed
	open   bool
}

// unit reads the next one.
func (r *reader) unit() unit {
	u := unit{start: r.at, first: r.line}
	r.braces = 0
	var text []byte // of a directive, without comments and continuations
	last := byte('\n')
	for r.at < len(r.text) {
		c := r.text[r.at]
		if c == '\n' {
			r.at++
			u.last = r.line
			r.line++
			break
		}
		if n := r.continued(); n > 0 {
			r.at += n
			r.line++
			r.open = r.at == len(r.text)
			continue
		}
		if n := r.comment(); n > 0 {
			r.skip(n)
			if u.kind == blank {
				u.kind = comment
			}
			if u.kind == directive {
				text = append(text, ' ')
			}
			last = ' '
			continue
		}
		if isBlank(c) {
			r.at++
			if u.kind == directive {
				text = append(text, c)
			}
			last = c
			continue
		}
		from := r.at
		switch {
		case u.kind == directive:
			r.token(last, include(text))
			text = append(text, r.text[from:r.at]...)
		case (u.kind == blank || u.kind == comment) && r.hash() > 0:
			u.kind = directive
			r.at += r.hash()
		default:
			u.kind = code
			r.token(last, false)
			if n := r.at - from; n == 1 && c == '{' {
				r.braces++
			} else if n == 1 && c == '}' {
				r.braces--
			}
		}
		last = r.text[r.at-1]
	}
	if u.end = r.at; u.last == 0 {
		u.last = r.line
	}
	if u.kind == directive {
		u.directive(text, r.text)
	}
	return u
}

// directive takes name and argument from the text of a directive.
func (u *unit) directive(text, src []byte) {
	text = bytes.TrimSpace(text)
	end := bytes.IndexFunc(text, func(r rune) bool { return !isWord(byte(min(r, 0x7f))) })
	if end < 0 {
		end = len(text)
	}
	u.name, u.arg = string(text[:end]), string(bytes.TrimSpace(text[end:]))
	if i := bytes.IndexAny(src[u.start:u.end], "<\""); i >= 0 && include(text[:end]) {
		u.before = string(src[u.start : u.start+i])
	}
}

// include reports whether the name of a directive, with or without blanks around it, is one
// of those that include a file.
func include(name []byte) bool {
	switch string(bytes.TrimSpace(name)) {
	case "include", "import", "include_next":
		return true
	}
	return false
}

// hash is the length of what begins a directive, 0 if that is not here.
func (r *reader) hash() int {
	rest := r.text[r.at:]
	switch {
	case rest[0] == '#':
		return 1
	case bytes.HasPrefix(rest, []byte("%:")):
		return 2
	}
	return 0
}

// continued is the length of a backslash with the line ending behind it, 0 if that is not
// here. Compilers let blanks stand between.
func (r *reader) continued() int {
	if r.text[r.at] != '\\' {
		return 0
	}
	for i := r.at + 1; i < len(r.text); i++ {
		if r.text[i] == '\n' {
			return i + 1 - r.at
		}
		if !isBlank(r.text[i]) {
			break
		}
	}
	return 0
}

// comment is the length of a comment, without the line ending behind that of one line; 0 if
// none begins here.
func (r *reader) comment() int {
	rest := r.text[r.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("/*")):
		if end := bytes.Index(rest[2:], []byte("*/")); end >= 0 {
			return end + 4
		}
		r.open = true
		return len(rest)
	case bytes.HasPrefix(rest, []byte("//")):
		sub := reader{text: r.text, at: r.at}
		for sub.at < len(sub.text) && sub.text[sub.at] != '\n' {
			n := sub.continued()
			sub.at += max(1, n)
			r.open = n > 0 && sub.at == len(sub.text)
		}
		return sub.at - r.at
	}
	return 0
}

// skip moves on over what may hold line endings.
func (r *reader) skip(n int) {
	r.line += bytes.Count(r.text[r.at:r.at+n], []byte("\n"))
	r.at += n
}

// token moves on over a word, a number, a literal or one other byte. In the directives that
// include files < begins a literal too.
func (r *reader) token(last byte, include bool) {
	c := r.text[r.at]
	switch {
	case c == '"' || c == '\'':
		r.literal(c)
	case c == '<' && include:
		r.literal('>')
	case isWord(c):
		from := r.at
		number := c >= '0' && c <= '9' && !isWord(last)
		for r.at < len(r.text) && (isWord(r.text[r.at]) || number && r.separator()) {
			r.at++
		}
		if r.at < len(r.text) && r.text[r.at] == '"' && isRaw(r.text[from:r.at]) {
			r.raw()
		}
	default:
		r.at++
	}
}

// separator reports whether a quotation mark within a number is here, as in 1'000.
func (r *reader) separator() bool {
	return r.text[r.at] == '\'' && r.at+1 < len(r.text) && isWord(r.text[r.at+1])
}

// literal moves on to behind the mark that ends it. It ends with its line in any case.
func (r *reader) literal(mark byte) {
	for r.at++; r.at < len(r.text) && r.text[r.at] != '\n'; {
		if n := r.continued(); n > 0 {
			r.skip(n)
			r.open = r.at == len(r.text)
			continue
		}
		c := r.text[r.at]
		r.at++
		switch {
		case c == mark:
			return
		case c == '\\' && mark != '>' && r.at < len(r.text) && r.text[r.at] != '\n':
			if r.continued() == 0 {
				r.at++
			}
		}
	}
}

// isRaw reports whether a word before a quotation mark makes it the beginning of a raw string.
func isRaw(word []byte) bool {
	switch string(word) {
	case "R", "LR", "uR", "UR", "u8R":
		return true
	}
	return false
}

// raw moves on to behind a raw string, or a plain one if it has no such form.
func (r *reader) raw() {
	const longest = 16
	rest := r.text[r.at+1:]
	open := bytes.IndexByte(rest[:min(len(rest), longest+1)], '(')
	if open < 0 || bytes.ContainsAny(rest[:open], " )\\\t\v\f\r\n\"") {
		r.literal('"')
		return
	}
	close := ")" + string(rest[:open]) + "\""
	end := bytes.Index(rest[open:], []byte(close))
	if end < 0 {
		r.open = true
		r.skip(len(r.text) - r.at)
		return
	}
	r.skip(1 + open + end + len(close))
}

// isWord reports whether a byte is of a word or number. Bytes of other letters are.
func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// isBlank reports whether a byte is white space within a line.
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' }
