package header

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxSource is the largest source that lines are put into, in bytes, and MaxLines in lines.
const (
	MaxSource = 16 << 20
	MaxLines  = 1 << 20
)

// ErrIncluded says that a source includes a header already.
var ErrIncluded = errors.New("the header is included already")

// ErrDefined says that a source defines a macro already, above all that it includes.
var ErrDefined = errors.New("the macro is defined already")

// Include puts the #include of a header into a source, above line before, and says on which
// line it stands. A before of 0 is above nothing in particular. A header that is included in
// force above that line is [ErrIncluded].
//
// It goes into the block of includes of <…> that fits best: to its place if that is sorted,
// else to the end; without such a block behind the first includes of "…", or behind what a
// source begins with: licence, include guard, macros for the headers. It is never put under
// a conditional, into braces, or above a first include of a configuration. In sources for
// yacc and lex it goes into the first %{ %}; if there is none, one is made.
func Include(src []byte, header string, before int) (out []byte, at int, err error) {
	return put(src, header, before, false)
}

// IncludeOwn puts the #include of a header of the project itself, "…", into a source: behind
// all the others.
func IncludeOwn(src []byte, header string, before int) (out []byte, at int, err error) {
	return put(src, header, before, true)
}

func put(src []byte, header string, before int, own bool) (out []byte, at int, err error) {
	var name Name
	if err := name.UnmarshalText([]byte(header)); err != nil {
		return nil, 0, err
	}
	if err := isText(src); err != nil {
		return nil, 0, err
	}
	s, offset := prologue(parse(src[bom(src):]))
	if s == nil {
		return insert(src, bom(src), 1, "%{", plain+marked(header, own), "%}")
	}
	limit := s.limit(before - offset.lines)
	if s.included(header, limit) {
		return nil, 0, fmt.Errorf("<%s>: %w", header, ErrIncluded)
	}
	p := s.place(header, limit)
	if own {
		p = s.placeOwn(header, limit)
	}
	start, line := s.position(p.at)
	return insert(src, bom(src)+offset.bytes+start, offset.lines+line, p.before+marked(header, own))
}

// marked is a header as it stands in an #include.
func marked(header string, own bool) string {
	if own {
		return `"` + header + `"`
	}
	return "<" + header + ">"
}

// Included reports whether a source includes a header itself, under no condition.
func Included(src []byte, header string) bool {
	if isText(src) != nil {
		return false
	}
	s, _ := prologue(parse(src[bom(src):]))
	return s != nil && s.included(header, len(s.units))
}

// Define puts the definition of a macro, NAME or NAME=VALUE, above all that a source
// includes, unless it is defined by then, and says on which line that begins.
func Define(src []byte, macro string) (out []byte, at int, err error) {
	var checked Macro
	if err := checked.UnmarshalText([]byte(macro)); err != nil {
		return nil, 0, err
	}
	if err := isText(src); err != nil {
		return nil, 0, err
	}
	name, value, _ := strings.Cut(macro, "=")
	lines := []string{"#ifndef " + name, strings.TrimSpace("#define " + name + " " + value), "#endif"}
	s, offset := prologue(parse(src[bom(src):]))
	if s == nil {
		return insert(src, bom(src), 1, slices.Concat([]string{"%{"}, lines, []string{"%}"})...)
	}
	to := s.firstInclude()
	if to < 0 {
		to = s.lead(s.limit(0))
	}
	if slices.ContainsFunc(s.units[:to], func(u unit) bool {
		return u.kind == directive && u.name == "define" && macroName(u.arg) == name
	}) {
		return nil, 0, fmt.Errorf("%s: %w", name, ErrDefined)
	}
	for to > 0 && !s.free(to) {
		to--
	}
	start, line := s.position(to)
	return insert(src, bom(src)+offset.bytes+start, offset.lines+line, lines...)
}

// isText reports what is wrong with a source that can't be read as text.
func isText(src []byte) error {
	if len(src) > MaxSource {
		return fmt.Errorf("a source of %d bytes is too large: the limit is %d", len(src), MaxSource)
	}
	if lines := bytes.Count(src, []byte("\n")); lines > MaxLines {
		return fmt.Errorf("a source of %d lines is too large: the limit is %d", lines, MaxLines)
	}
	if bytes.IndexByte(src, 0) >= 0 {
		return errors.New("the source is not text: it has a byte that is zero")
	}
	return nil
}

// bom is the length of the mark that some editors begin a text with.
func bom(src []byte) int {
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		return 3
	}
	return 0
}

// lines is how many lines a source has.
func (s *source) lines() int {
	if len(s.units) == 0 {
		return 0
	}
	return s.units[len(s.units)-1].last
}

// position is the byte and the line where unit i begins.
func (s *source) position(i int) (start, line int) {
	if i < len(s.units) {
		return s.units[i].start, s.units[i].first
	}
	return len(s.text), s.lines() + 1
}

// included reports whether a header is included in force above a unit.
func (s *source) included(header string, limit int) bool {
	for _, u := range s.units[:limit] {
		if u.isInclude() && u.file() == header && (u.in < 0 || s.conds[u.in].free) {
			return true
		}
	}
	return false
}

// An offset is what stands before a part of a source.
type offset struct{ bytes, lines int }

// prologue is the part of a source where includes stand: all of it in C, the first %{ %} in
// sources for yacc and lex, and nil if they have none.
func prologue(s *source) (*source, offset) {
	rules := slices.IndexFunc(s.units, func(u unit) bool {
		return u.in < 0 && bytes.HasPrefix(s.text[u.start:], []byte("%%")) && len(bytes.TrimSpace(s.text[u.start+2:u.end])) == 0
	})
	if rules < 0 {
		return s, offset{}
	}
	starts := func(mark string) func(unit) bool {
		return func(u unit) bool { return bytes.HasPrefix(s.text[u.start:u.end], []byte(mark)) }
	}
	open := slices.IndexFunc(s.units[:rules], starts("%{"))
	if open < 0 {
		return nil, offset{}
	}
	close := slices.IndexFunc(s.units[open+1:rules], starts("%}"))
	if close < 0 {
		return nil, offset{}
	}
	from := s.units[open]
	return parse(s.text[from.end:s.units[open+1+close].start]), offset{from.end, from.last}
}

// insert puts lines into a source at a byte where line at begins. They end as the lines near
// them do; behind a last line that has no end they have none either.
func insert(src []byte, start, at int, lines ...string) ([]byte, int, error) {
	ending := lineEnding(src, start)
	text := strings.Join(lines, ending)
	if start > bom(src) && src[start-1] != '\n' {
		text = ending + text
	} else {
		text += ending
	}
	return slices.Concat(src[:start], []byte(text), src[start:]), at, nil
}

// lineEnding is that of the line before a byte, or of the first.
func lineEnding(src []byte, start int) string {
	end := bytes.LastIndexByte(src[:start], '\n')
	if end < 0 {
		end = bytes.IndexByte(src, '\n')
	}
	if end > 0 && src[end-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}
