package version

import (
	"fmt"
	"strings"
)

// The ranks of marks. A version ends with rankEnd, so what is smaller comes
// before the bare version and what is larger after it.
const (
	rankDev int64 = iota + 1
	rankAlpha
	rankBeta
	rankPre
	rankRC
	rankEnd
	rankLetters
	rankPost
)

// maxMarks is how many marks a version may have: 12.0-RC1-p2 has two.
const maxMarks = 4

// A mark is what follows the components: a rank and its number.
type mark struct{ rank, number int64 }

// rankOf knows the words of a version. The word release says nothing: its rank
// is rankEnd, and it leaves no mark.
func rankOf(word string) (rank int64, known bool) {
	switch strings.ToLower(word) {
	case "dev":
		return rankDev, true
	case "alpha":
		return rankAlpha, true
	case "beta":
		return rankBeta, true
	case "pre":
		return rankPre, true
	case "rc":
		return rankRC, true
	case "release":
		return rankEnd, true
	case "p", "pl", "patch":
		return rankPost, true
	}
	return 0, false
}

// readDotted reads scheme Dotted, and scheme Letter if letters is true.
func readDotted(s string, letters bool) (parts, error) {
	segments, key, rest, err := components(s)
	if err != nil {
		return parts{}, err
	}
	p := parts{segments: segments}
	var marks []mark
	for first := true; rest != ""; first = false {
		m, after, err := readMark(rest, letters && first)
		if err != nil {
			return parts{}, err
		}
		if after == rest {
			scheme := Dotted
			if letters {
				scheme = Letter
			}
			return parts{}, &suffixError{suffix: rest, scheme: scheme}
		}
		rest = after
		if m.rank == rankEnd {
			continue
		}
		if len(marks) == maxMarks {
			return parts{}, fmt.Errorf("it has more than %d words after the numbers", maxMarks)
		}
		marks = append(marks, m)
		p.pre = p.pre || m.rank < rankEnd
	}
	p.key = append(key, markKey(marks)...)
	return p, nil
}

// markKey lays marks out as numbers, filled up with the mark of the end.
func markKey(marks []mark) []int64 {
	key := make([]int64, 0, 2*maxMarks)
	for i := range maxMarks {
		m := mark{rank: rankEnd}
		if i < len(marks) {
			m = marks[i]
		}
		key = append(key, m.rank, m.number)
	}
	return key
}

// readMark reads one mark at the start of s, which is not empty, and gives what
// follows it. It gives s back where there is no mark.
//
//	mark   = [sep] word [[sep] digits] | "-" digits | letters
//	sep    = "." | "-" | "_"
func readMark(s string, letters bool) (m mark, rest string, err error) {
	body := strings.TrimPrefix(s, s[:count(s[:1], isSeparator)])
	word := body[:count(body, isLetter)]
	after := body[len(word):]
	rank, known := rankOf(word)
	digits, afterDigits := markNumber(after)
	switch {
	case word == "" && s[0] == '-' && digits != "" && isDigit(after[0]):
		rank = rankPost
	case known && rank == rankEnd:
		return mark{rank: rankEnd}, after, nil
	case known && (rank < rankEnd || digits != ""):
	case letters && len(body) == len(s) && (len(word) == 1 || len(word) == 2) && digits == "":
		return mark{rankLetters, base26(word)}, after, nil
	default:
		return mark{}, s, nil
	}
	if digits == "" {
		return mark{rank: rank}, after, nil
	}
	n, err := number(digits)
	return mark{rank, n}, afterDigits, err
}

// markNumber finds the digits at the start of s, behind at most one separator.
func markNumber(s string) (digits, rest string) {
	if s == "" {
		return "", ""
	}
	body := s[count(s[:1], isSeparator):]
	n := count(body, isDigit)
	return body[:n], body[n:]
}

// base26 is the place of a word among a…z, aa…zz.
func base26(word string) int64 {
	var n int64
	for i := range len(word) {
		n = n*26 + int64(word[i]|0x20-'a') + 1
	}
	return n
}

func isSeparator(c byte) bool { return c == '.' || c == '-' || c == '_' }
