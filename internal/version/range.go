package version

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Range is a set of versions of one scheme. The zero Range is empty.
type Range struct {
	text string
	any  [][]term // one of these, and of it all terms
}

// A term is one comparison.
type term struct {
	op      string
	version Version
}

// MaxRange is the largest number of bytes in the text of a range.
const MaxRange = 4096

// ParseRange reads comparisons joined by "," for and and by "||" for or; "and"
// binds closer. Blanks may stand around each comparison and behind its
// operator. The operators:
//
//	=, ==, or none   equal in order: = 2.3 holds for 2.3.0
//	!=               not equal
//	> >= < <=        after, before
//	~>               from this version on, with all numbers but the last fixed:
//	                 ~> 2.3.4 means >= 2.3.4, < 2.4
//	                 ~> 2.3   means >= 2.3,   < 3
//	                 ~> 2     means >= 2,     < 3
//
// "~>" has no meaning in the schemes Date and Decimal. In scheme BSDPkg a comma
// directly before a digit belongs to the version, as its epoch.
//
// The error says which comparison is wrong and why. An empty text is an error:
// whoever means every version leaves the range out.
func ParseRange(scheme Scheme, s string) (Range, error) {
	if scheme == "" {
		scheme = Dotted
	}
	if len(s) > MaxRange {
		return Range{}, fmt.Errorf("version range: it is longer than %d bytes", MaxRange)
	}
	r := Range{text: s}
	for alternative := range strings.SplitSeq(s, "||") {
		var all []term
		for _, text := range splitTerms(scheme, alternative) {
			terms, err := parseTerm(scheme, strings.Trim(text, " \t"))
			if err != nil {
				return Range{}, fmt.Errorf("version range %q: %w", s, err)
			}
			all = append(all, terms...)
		}
		r.any = append(r.any, all)
	}
	return r, nil
}

// Contains reports whether v lies in the range. A version of another scheme
// than the range's does not.
func (r Range) Contains(v Version) bool {
	for _, all := range r.any {
		holds := true
		for _, t := range all {
			holds = holds && t.holds(v)
		}
		if holds {
			return true
		}
	}
	return false
}

// String is the text the range was read from.
func (r Range) String() string { return r.text }

// holds reports whether v passes the comparison.
func (t term) holds(v Version) bool {
	if v.scheme != t.version.scheme {
		return false
	}
	c := v.Compare(t.version)
	switch t.op {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	}
	return c <= 0 // "<="
}

// splitTerms cuts a text at its commas.
func splitTerms(scheme Scheme, s string) []string {
	var terms []string
	start := 0
	for i := range len(s) {
		isEpoch := scheme == BSDPkg && i+1 < len(s) && isDigit(s[i+1])
		if s[i] == ',' && !isEpoch {
			terms = append(terms, s[start:i])
			start = i + 1
		}
	}
	return append(terms, s[start:])
}

// parseTerm reads one comparison. "~>" makes two.
func parseTerm(scheme Scheme, s string) ([]term, error) {
	if s == "" {
		return nil, errors.New(`a comparison is empty; write one such as ">= 2.3.4"`)
	}
	op := s[:count(s, func(c byte) bool { return strings.IndexByte("=!<>~^", c) >= 0 })]
	text := strings.TrimLeft(s[len(op):], " \t")
	if i := strings.IndexAny(text, " \t=!<>"); i >= 0 {
		return nil, fmt.Errorf("%q is more than one comparison; put \",\" (and) or \"||\" (or) between them", s)
	}
	switch op {
	case "", "==":
		op = "="
	case "=", "!=", ">", ">=", "<", "<=", "~>":
	default:
		return nil, fmt.Errorf("%q is no operator; there are = != > >= < <= ~>", op)
	}
	v, err := Parse(scheme, text)
	if err != nil {
		return nil, err
	}
	if op != "~>" {
		return []term{{op, v}}, nil
	}
	upper, err := v.pessimistic()
	if err != nil {
		return nil, err
	}
	return []term{{">=", v}, {"<", upper}}, nil
}

// pessimistic is the first version that "~> v" leaves out.
func (v Version) pessimistic() (Version, error) {
	if v.scheme == Date || v.scheme == Decimal {
		return Version{}, fmt.Errorf("\"~>\" has no meaning in scheme %s; write both ends, \">= %s, < …\"", v.scheme, v.text)
	}
	if !isDigit(v.text[0]) {
		return Version{}, fmt.Errorf("\"~>\" needs a version that begins with a number, not %q", v.text)
	}
	keep := v.segments[:max(1, len(v.segments)-1)]
	last, err := number(keep[len(keep)-1])
	if err != nil {
		return Version{}, err
	}
	text := strings.Join(keep[:len(keep)-1], ".")
	if text != "" {
		text += "."
	}
	text += strconv.FormatInt(last+1, 10)
	switch epoch := ""; v.scheme {
	case Deb:
		if v.deb.Epoch() > 0 {
			epoch = strconv.Itoa(v.deb.Epoch()) + ":"
		}
		text = epoch + text
	case BSDPkg:
		if i := strings.LastIndexByte(v.text, ','); i >= 0 {
			epoch = v.text[i:]
		}
		text += epoch
	}
	return Parse(v.scheme, text)
}
