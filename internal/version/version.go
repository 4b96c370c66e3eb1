// Package version puts the versions of one upstream package in order and says
// which of them lie in a range.
//
// Upstream projects do not number alike. 9.3p1 comes after 9.3, 1.1.1w after
// 1.1.1, 3.0.0-alpha17 after 3.0.0-alpha9 and before 3.0.0, and no single rule
// gets all three right. A recipe therefore names a [Scheme], and [Parse] turns
// the text into a row of numbers which mean the same at the same place in every
// version of that scheme:
//
//	text             scheme    components  marks
//	3.0.0-alpha17    dotted    3 0 0       (alpha, 17)
//	9.3p1            dotted    9 3         (post, 1)
//	12.0-RC1-p2      dotted    12 0        (rc, 1) (post, 2)
//	1.1.1w           letter    1 1 1       (letters, 23)
//
// A version ends with a mark of its own, which stands after rc and before
// post. That is the whole of the order: dev, alpha, beta, pre and rc sort
// below the bare version, patch levels and letters above it, and a candidate of
// a patch level (4.2.8p3-RC1) lies between the two patch levels.
//
// # Ranges
//
// A [Range] is comparisons joined by "," for and and by "||" for or:
//
//	>= 2.3.4, < 2.3.5
//	~> 2.3.4 || = 2.2.36
//
// A prerelease gets no special treatment: it is in a range when it stands
// there in the order. So "< 2.4" holds for 2.4-rc1; whoever wants none of
// the candidates writes "< 2.4-dev".
//
// # What this package does not do
//
// It does not guess: a suffix that a scheme has no rule for is an error, which
// names the suffix and, when there is one, the scheme that reads it. It does
// not rewrite: [Version.String] and [Version.Segment] give the text as it was
// written, because 8.1.0001 and 8.1.1 are equal in order and different in a
// URL. It does not order versions of different schemes.
package version

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	goversion "github.com/hashicorp/go-version"
	debversion "github.com/knqyf263/go-deb-version"
)

// A Scheme is a way of numbering releases. The empty Scheme means [Dotted].
type Scheme string

// The schemes.
const (
	// Dotted is numbers between dots, then words: 2.3.4.1, 2.4.0-beta, 9.3p1,
	// 9.18.1-P1, 7.0.8-22, 6.4-20240414, 12.0-RELEASE-p3.
	Dotted Scheme = "dotted"
	// Letter is Dotted with one or two letters as a patch level: 1.1.1w,
	// 0.9.8zh, 3.3a, 2018i.
	Letter Scheme = "letter"
	// BSDPkg is the order of FreeBSD's pkg, with _revision and ,epoch:
	// 2.98_1, 1.0.r2_3,1.
	BSDPkg Scheme = "bsdpkg"
	// Deb is the order of Debian packages: 1:2.3.19.1+dfsg1-2.1+deb12u6.
	Deb Scheme = "deb"
	// Date is a day, perhaps with a time and a counter: 20190105, 2019-01-05,
	// 2019.01.05.2, 20190105T1200.
	Date Scheme = "date"
	// Decimal is the order of Perl modules, where what follows the point is a
	// decimal fraction: 1.02 is before 1.1, and 1.1 equals 1.100.
	Decimal Scheme = "decimal"
)

// Schemes lists all schemes, the default first.
func Schemes() []Scheme {
	return []Scheme{Dotted, Letter, BSDPkg, Deb, Date, Decimal}
}

// Bounds on what is read. They are far above any real version and keep every
// number within 63 bits.
const (
	MaxLength     = 128 // bytes of a version's text
	maxDigits     = 18  // digits of one number
	maxComponents = 8   // numbers between dots
)

// A Version is one version of one scheme. The zero Version is before all others
// and has no text. Versions are compared with [Version.Compare], not with ==,
// since 2.3 and 2.3.0 are equal.
type Version struct {
	scheme   Scheme
	text     string
	segments []string
	pre      bool
	key      *goversion.Version  // the order in every scheme but Deb
	deb      *debversion.Version // the order in Deb
}

// parts is what a scheme finds in a text: the spelling of the numeric
// components, and either the key or the Debian version for the order.
type parts struct {
	segments []string
	key      []int64 // as many numbers in all versions of a scheme, none negative
	deb      *debversion.Version
	pre      bool
}

// Parse reads s as a version of the scheme. Blanks around it are not removed:
// they are an error like any other byte that has no meaning in a version.
//
// The error names the text, what in it has no meaning, and what to try.
func Parse(scheme Scheme, s string) (Version, error) {
	if scheme == "" {
		scheme = Dotted
	}
	p, err := read(scheme, s)
	if err != nil {
		return Version{}, fmt.Errorf("version %q: %w%s", clip(s), err, hint(scheme, s, err))
	}
	v := Version{scheme: scheme, text: s, segments: p.segments, pre: p.pre, deb: p.deb}
	if p.deb == nil {
		if v.key, err = goversion.NewVersion(joinKey(p.key)); err != nil {
			return Version{}, fmt.Errorf("version %q: %w", clip(s), err)
		}
	}
	return v, nil
}

// ParseLoosely is Parse, but words at the end that are no version's, such as the STABLE of
// 13.2-STABLE, are left out.
func ParseLoosely(scheme Scheme, s string) (Version, error) {
	v, err := Parse(scheme, s)
	for rest := s; err != nil; {
		i := strings.LastIndexByte(rest, '-')
		if i < 0 {
			return v, err
		}
		rest = rest[:i]
		if shorter, loose := Parse(scheme, rest); loose == nil {
			return shorter, nil
		}
	}
	return v, nil
}

// Compare is negative when v is before w, positive when it is after, and 0
// when the two are equal in order, whatever their spelling. It is a total
// order within a scheme. Versions of different schemes are ordered by the name
// of the scheme, which says nothing about the releases.
func (v Version) Compare(w Version) int {
	switch {
	case v.scheme != w.scheme:
		return cmp.Compare(v.scheme, w.scheme)
	case v.deb != nil && w.deb != nil:
		return cmp.Compare(v.deb.Compare(*w.deb), 0)
	case v.key != nil && w.key != nil:
		return v.key.Compare(w.key)
	}
	return 0
}

// String is the text the version was read from.
func (v Version) String() string { return v.text }

// Scheme is the scheme the version was read in; "" for the zero Version.
func (v Version) Scheme() Scheme { return v.scheme }

// Prerelease reports whether the version announces a later one: 2.4.0-rc1,
// 12.0-BETA2-p1, 1.02_03 in scheme decimal, 2.0~rc1 in scheme deb.
func (v Version) Prerelease() bool { return v.pre }

// Segment is the text of the i-th numeric component, counted from 0, for the
// {major}, {minor} and {micro} of a URL. It keeps leading zeros, and is "" when
// there is no such component.
func (v Version) Segment(i int) string {
	if i < 0 || i >= len(v.segments) {
		return ""
	}
	return v.segments[i]
}

// read hands s to the reader of its scheme.
func read(scheme Scheme, s string) (parts, error) {
	switch {
	case s == "":
		return parts{}, errors.New("it is empty")
	case len(s) > MaxLength:
		return parts{}, fmt.Errorf("it is longer than %d bytes", MaxLength)
	}
	switch scheme {
	case Dotted:
		return readDotted(s, false)
	case Letter:
		return readDotted(s, true)
	case BSDPkg:
		return readBSDPkg(s)
	case Deb:
		return readDeb(s)
	case Date:
		return readDate(s)
	case Decimal:
		return readDecimal(s)
	}
	return parts{}, fmt.Errorf("there is no scheme %q; the schemes are %s", clip(string(scheme)), schemeList())
}

// A suffixError says from where on a text has no meaning in a scheme.
type suffixError struct {
	suffix string
	scheme Scheme
}

func (e *suffixError) Error() string {
	return fmt.Sprintf("suffix %q means nothing in scheme %s", e.suffix, e.scheme)
}

// hint says which scheme would have read s, if err is about a suffix and its
// form points at one.
func hint(scheme Scheme, s string, err error) string {
	var se *suffixError
	if !errors.As(err, &se) {
		return ""
	}
	for _, c := range []struct {
		scheme Scheme
		marks  string // bytes of which the suffix has one; "" for letters only
		orders string
	}{
		{Letter, "", "letter suffixes"},
		{BSDPkg, "_,", "a _revision and an ,epoch"},
		{Deb, "+~:", "Debian versions"},
	} {
		fits := strings.ContainsAny(se.suffix, c.marks) || c.marks == "" && count(se.suffix, isLetter) == len(se.suffix)
		if c.scheme == scheme || !fits {
			continue
		}
		if _, err := read(c.scheme, s); err == nil {
			return fmt.Sprintf("; scheme %s orders %s", c.scheme, c.orders)
		}
	}
	return fmt.Sprintf("; the schemes are %s", schemeList())
}

// schemeList is the names of the schemes for a message.
func schemeList() string {
	var names []string
	for _, s := range Schemes() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// joinKey writes a key as go-version reads it: numbers between dots. Keys of
// one scheme all have the same length, so that neither the library's padding
// nor its rules for prereleases ever come into play.
func joinKey(key []int64) string {
	var b strings.Builder
	for i, n := range key {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatInt(n, 10))
	}
	return b.String()
}

// number reads a run of digits.
func number(digits string) (int64, error) {
	if len(digits) > maxDigits {
		return 0, fmt.Errorf("the number %s has more than %d digits", clip(digits), maxDigits)
	}
	return strconv.ParseInt(digits, 10, 64)
}

// components reads the numbers between dots at the start of s. It gives their
// spelling, the numbers padded with zeros to maxComponents, and what follows.
func components(s string) (segments []string, key []int64, rest string, err error) {
	key = make([]int64, 0, maxComponents)
	rest = s
	for {
		n := count(rest, isDigit)
		if n == 0 {
			return nil, nil, "", fmt.Errorf("it should begin with a digit, as in %q", "2.3.4")
		}
		if len(key) == maxComponents {
			return nil, nil, "", fmt.Errorf("it has more than %d numbers between dots", maxComponents)
		}
		value, err := number(rest[:n])
		if err != nil {
			return nil, nil, "", err
		}
		segments, key, rest = append(segments, rest[:n]), append(key, value), rest[n:]
		if len(rest) < 2 || rest[0] != '.' || !isDigit(rest[1]) {
			break
		}
		rest = rest[1:]
	}
	return segments, key[:maxComponents], rest, nil
}

// count is the number of bytes at the start of s for which is holds.
func count(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// clip shortens a text for a message.
func clip(s string) string {
	if len(s) > MaxLength {
		return s[:MaxLength] + "…"
	}
	return s
}
