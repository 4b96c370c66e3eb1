package version

import (
	"fmt"
	"strings"
)

// readDecimal reads a Perl version: a decimal number, or, with a leading v or
// with two dots and more, numbers between dots. An underscore between digits
// of the fraction, or -TRIAL, marks a trial release and does not change the
// order, as CPAN's index has it.
func readDecimal(s string) (parts, error) {
	body, trial := strings.CutSuffix(s, "-TRIAL")
	plain, underscore := dropUnderscore(body)
	bare, isTuple := strings.CutPrefix(plain, "v")
	segments, key, rest, err := components(bare)
	if err != nil {
		return parts{}, err
	}
	isTuple = isTuple || len(segments) > 2
	if rest != "" {
		return parts{}, &suffixError{suffix: rest, scheme: Decimal}
	}
	if underscore && (isTuple || len(segments) < 2) {
		return parts{}, &suffixError{suffix: s[strings.IndexByte(s, '_'):], scheme: Decimal}
	}
	p := parts{pre: trial || underscore, segments: segments, key: key}
	if !isTuple {
		p.segments = strings.Split(body, ".")
		p.key = append(key[:1:1], fraction(segments[1:])...)
	}
	return p, nil
}

// dropUnderscore takes out one underscore that stands between two digits.
func dropUnderscore(s string) (plain string, found bool) {
	i := strings.IndexByte(s, '_')
	if i <= 0 || i+1 == len(s) || !isDigit(s[i-1]) || !isDigit(s[i+1]) {
		return s, false
	}
	return s[:i] + s[i+1:], true
}

// fraction cuts the digits behind the point into groups of three, so that the
// decimal 1.02 becomes the numbers 1 20 and compares with v1.20.
func fraction(segments []string) []int64 {
	groups := make([]int64, maxComponents-1)
	if len(segments) == 0 {
		return groups
	}
	digits := segments[0] + "00" // a last group that is not full is
	for i := range len(digits) / 3 {
		for _, c := range digits[3*i : 3*i+3] {
			groups[i] = groups[i]*10 + int64(c-'0')
		}
	}
	return groups
}

// readDate reads
//
//	YYYY [sep] MM [[sep] DD [["T" | sep] HHMM[SS]] [sep counter] [letter]]
//
// where sep is a dot, a hyphen or an underscore. What is missing counts as
// before the first: 2019-01 is before 2019-01-01. A number of four or six
// digits behind the day is a time.
func readDate(s string) (parts, error) {
	var p parts
	rest := s
	for _, f := range []struct {
		name   string
		width  int
		lo, hi int64
	}{{"year", 4, 1000, 9999}, {"month", 2, 1, 12}, {"day", 2, 1, 31}} {
		digits, after := markNumber(rest)
		if f.name == "day" && rest == "" {
			p.key = append(p.key, 0)
			break
		}
		if len(digits) < f.width || len(p.segments) == 0 && len(after)+len(digits) < len(rest) {
			return parts{}, fmt.Errorf("it has no %s of %d digits where one should be", f.name, f.width)
		}
		after = digits[f.width:] + after
		value, _ := number(digits[:f.width])
		if value < f.lo || value > f.hi {
			return parts{}, fmt.Errorf("%s is no %s", digits[:f.width], f.name)
		}
		p.segments, p.key, rest = append(p.segments, digits[:f.width]), append(p.key, value), after
	}
	return p.readClock(rest)
}

// readClock reads what may follow the day, and fills up the key.
func (p parts) readClock(s string) (parts, error) {
	rest := s
	var clock, counter, letter int64
	if digits, after := markNumber(strings.TrimPrefix(rest, "T")); len(digits) == 4 || len(digits) == 6 {
		clock, _ = number((digits + "00")[:6])
		clock, rest = clock+1, after // midnight is after a day without a time
	}
	if digits, after := markNumber(rest); digits != "" && !isDigit(rest[0]) {
		n, err := number(digits)
		if err != nil {
			return parts{}, err
		}
		counter, rest = n+1, after
	}
	if len(rest) == 1 && isLetter(rest[0]) {
		letter, rest = base26(rest), ""
	}
	if rest != "" {
		return parts{}, &suffixError{suffix: rest, scheme: Date}
	}
	p.key = append(p.key, clock, counter, letter)
	return p, nil
}
