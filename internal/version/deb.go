package version

import (
	"fmt"
	"strings"

	debversion "github.com/knqyf263/go-deb-version"
)

// readDeb reads [epoch:]upstream[-revision]. Segments are the numbers between
// dots at the start of the upstream part.
func readDeb(s string) (parts, error) {
	for i := range len(s) {
		if !isDigit(s[i]) && !isLetter(s[i]) && !strings.ContainsRune(".+-~:", rune(s[i])) {
			return parts{}, &suffixError{suffix: s[i:], scheme: Deb}
		}
	}
	// The library turns a number that is too large into the largest one.
	for run := range strings.FieldsFuncSeq(s, func(r rune) bool { return r < '0' || '9' < r }) {
		if _, err := number(run); err != nil {
			return parts{}, err
		}
	}
	if epoch, _, found := strings.Cut(s, ":"); found && count(epoch, isDigit) < max(len(epoch), 1) {
		return parts{}, fmt.Errorf("the epoch %q is no number", epoch)
	}
	v, err := debversion.NewVersion(s)
	if err != nil {
		return parts{}, err
	}
	upstream := v.Version()
	var segments []string
	for rest := upstream; ; rest = rest[1:] {
		n := count(rest, isDigit)
		if n == 0 {
			break
		}
		segments, rest = append(segments, rest[:n]), rest[n:]
		if rest == "" || rest[0] != '.' {
			break
		}
	}
	return parts{segments: segments, deb: &v, pre: debPrerelease(upstream)}, nil
}

// debPrerelease reports whether a word of a prerelease follows a tilde: 2.0~rc1,
// but not 2.0~dfsg, which is a repacked archive.
func debPrerelease(upstream string) bool {
	for i, piece := range strings.Split(upstream, "~") {
		rank, known := rankOf(piece[:count(piece, isLetter)])
		if i > 0 && known && rank < rankEnd {
			return true
		}
	}
	return false
}
