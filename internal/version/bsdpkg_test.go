package version

import (
	"strconv"
	"strings"
	"testing"
)

// reference compares two versions the way the manual of FreeBSD's pkg puts it, one
// component after the other and without a key. Both are known to be readable.
func reference(a, b string) int {
	cut := func(s, sep string) (string, int) {
		body, digits, _ := strings.Cut(s, sep)
		n, _ := strconv.Atoi(digits)
		return body, n
	}
	a, epochA := cut(a, ",")
	b, epochB := cut(b, ",")
	a, revisionA := cut(a, "_")
	b, revisionB := cut(b, "_")
	if epochA != epochB {
		return epochA - epochB
	}
	for a != "" || b != "" {
		blockA, restA, _ := strings.Cut(a, "+")
		blockB, restB, _ := strings.Cut(b, "+")
		for blockA != "" || blockB != "" {
			var ca, cb [3]int
			ca, blockA = referenceComponent(blockA)
			cb, blockB = referenceComponent(blockB)
			for i := range ca {
				if ca[i] != cb[i] {
					return ca[i] - cb[i]
				}
			}
		}
		a, b = restA, restB
	}
	return revisionA - revisionB
}

// referenceComponent reads a number, a letter and the letter's number. Nothing at
// all is three zeros; a missing number before a letter is -1, and so is a missing
// one behind it.
func referenceComponent(s string) (c [3]int, rest string) {
	if s == "" {
		return c, ""
	}
	digits := func() int {
		n := 0
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		value, err := strconv.Atoi(s[:n])
		s = s[n:]
		if err != nil {
			return -1
		}
		return value
	}
	c[0] = digits()
	word := strings.ToLower(s)
	for i := range len(word) {
		if !isLetter(word[i]) {
			word = word[:i]
			break
		}
	}
	staged := word == "pl" || word == "alpha" || word == "beta" || word == "pre" || word == "rc"
	switch {
	case staged && c[0] >= 0: // a component of its own
		return c, s
	case word != "":
		s = s[len(word):]
		if word != "pl" {
			c[1] = int(word[0]-'a') + 1
		}
		c[2] = digits()
	}
	return c, strings.TrimPrefix(s, ".")
}

// FuzzBSDPkg holds the order of scheme BSDPkg against the reference.
func FuzzBSDPkg(f *testing.F) {
	for _, group := range ascending {
		if group.scheme != BSDPkg {
			continue
		}
		list := strings.Fields(group.list)
		for i := range len(list) - 1 {
			f.Add(list[i], list[i+1])
		}
	}
	f.Add("1.0rc1", "1.0.r1")
	f.Add("1.0a", "1.0a0")
	f.Add("1.0+2.a", "1.0+2")
	f.Fuzz(func(t *testing.T, a, b string) {
		v, errV := Parse(BSDPkg, a)
		w, errW := Parse(BSDPkg, b)
		if errV != nil || errW != nil {
			return
		}
		want := reference(a, b)
		if got := v.Compare(w); got < 0 != (want < 0) || got > 0 != (want > 0) {
			t.Fatalf("%q and %q compare as %d, by the manual as %d", a, b, got, want)
		}
	})
}
