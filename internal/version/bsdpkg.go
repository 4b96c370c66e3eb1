package version

import (
	"errors"
	"fmt"
	"strings"
)

// maxBlocks is how many parts joined by "+" a version of scheme BSDPkg may have.
const maxBlocks = 2

// A component of scheme BSDPkg: a number, a letter and the letter's own
// number. Each may be missing, and what is missing has a place in the order:
// no number (-1) is before 0, no letter (0) is before a, and a letter without
// a number of its own (-1) is before the letter with 0.
type component struct{ number, letter, patch int64 }

// readBSDPkg reads a version as FreeBSD's pkg does:
//
//	block *("+" block) ["_" revision] ["," epoch]
//
// The epoch decides first, then the blocks from left to right, the revision
// last. Inside a block 1.0.rc2 and 1.0rc2 are alike and before 1.0, while 1.0a
// is after it.
func readBSDPkg(s string) (parts, error) {
	body, epoch, err := cutNumber(s, ",")
	if err != nil {
		return parts{}, err
	}
	body, revision, err := cutNumber(body, "_")
	if err != nil {
		return parts{}, err
	}
	blocks := strings.Split(body, "+")
	if len(blocks) > maxBlocks {
		return parts{}, fmt.Errorf("it has more than %d parts joined by \"+\"", maxBlocks)
	}
	p := parts{key: []int64{epoch}}
	for i := range maxBlocks {
		var cs []component
		if i < len(blocks) {
			var segments []string
			if cs, segments, err = p.readBlock(blocks[i]); err != nil {
				return parts{}, err
			}
			if i == 0 {
				p.segments = segments
			}
		}
		p.key = append(p.key, componentKey(cs)...)
	}
	p.key = append(p.key, revision)
	return p, nil
}

// cutNumber takes the number behind the last sep off s; 0 when there is no sep.
func cutNumber(s, sep string) (body string, n int64, err error) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, 0, nil
	}
	digits := s[i+1:]
	if digits == "" || count(digits, isDigit) < len(digits) {
		return "", 0, &suffixError{suffix: s[i:], scheme: BSDPkg}
	}
	n, err = number(digits)
	return s[:i], n, err
}

// componentKey lays components out as numbers, none of them negative.
func componentKey(cs []component) []int64 {
	key := make([]int64, 0, 3*maxComponents)
	for i := range maxComponents {
		var c component
		if i < len(cs) {
			c = cs[i]
		}
		key = append(key, c.number+1, c.letter, c.patch+1)
	}
	return key
}

// readBlock reads the components of one block, and how their numbers are
// spelt. It notes in p whether one of them announces a later version.
func (p *parts) readBlock(s string) (cs []component, segments []string, err error) {
	for rest := s; rest != ""; {
		c, after, err := readComponent(rest)
		if err != nil {
			return nil, nil, err
		}
		if after == rest {
			return nil, nil, &suffixError{suffix: rest, scheme: BSDPkg}
		}
		if digits := rest[:count(rest, isDigit)]; digits != "" {
			segments = append(segments, digits)
		} else if isBSDPrerelease(rest[:count(rest, isLetter)]) {
			p.pre = true
		}
		if cs = append(cs, c); len(cs) > maxComponents {
			return nil, nil, fmt.Errorf("it has more than %d components", maxComponents)
		}
		rest = after
	}
	if len(cs) == 0 {
		return nil, nil, errors.New("a part of it is empty")
	}
	return cs, segments, nil
}

// readComponent reads one component and the dot behind it. It gives s back
// where none begins.
func readComponent(s string) (c component, rest string, err error) {
	digits := s[:count(s, isDigit)]
	rest = s[len(digits):]
	word := rest[:count(rest, isLetter)]
	if digits == "" && word == "" {
		return component{}, s, nil
	}
	if c.number, err = optional(digits); err != nil {
		return component{}, "", err
	}
	letter, isStage := bsdStage(word)
	if isStage && digits != "" {
		return c, rest, nil // as if a dot stood before the word
	}
	if word != "" {
		rest = rest[len(word):]
		own := rest[:count(rest, isDigit)]
		if c.patch, err = optional(own); err != nil {
			return component{}, "", err
		}
		c.letter, rest = letter, rest[len(own):]
	}
	if len(rest) > 1 && rest[0] == '.' {
		rest = rest[1:]
	}
	return c, rest, nil
}

// optional is the number that digits spell, and -1 when there are none.
func optional(digits string) (int64, error) {
	if digits == "" {
		return -1, nil
	}
	return number(digits)
}

// bsdStage gives the letter a word counts as, and whether the word begins a
// component of its own. A word without a meaning counts as its first letter.
func bsdStage(word string) (letter int64, isStage bool) {
	switch strings.ToLower(word) {
	case "":
		return 0, false
	case "pl":
		return 0, true
	case "alpha", "beta", "pre", "rc":
		isStage = true
	}
	return base26(word[:1]), isStage
}

// isBSDPrerelease knows the words that ports write for a prerelease.
func isBSDPrerelease(word string) bool {
	switch strings.ToLower(word) {
	case "alpha", "beta", "pre", "rc", "dev", "a", "b", "r":
		return true
	}
	return false
}
