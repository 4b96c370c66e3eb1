package patch

import "strings"

// A text is the content of a file, cut into lines. It keeps where they end rather
// than the lines, which takes a fifth of the memory.
type text struct {
	all  string
	ends []int32 // of each line, behind its newline; a file has at most tree.MaxFile bytes
}

// cut finds the lines of a content.
func cut(all string) text {
	if all == "" {
		return text{}
	}
	t := text{all: all, ends: make([]int32, 0, strings.Count(all, "\n")+1)}
	for end := 0; end < len(all); {
		n := strings.IndexByte(all[end:], '\n') + 1
		if n == 0 {
			n = len(all) - end
		}
		end += n
		t.ends = append(t.ends, int32(end))
	}
	return t
}

// len is how many lines there are.
func (t text) len() int { return len(t.ends) }

// start is the byte where a line begins; the line behind the last begins at the end.
func (t text) start(line int) int {
	if line == 0 {
		return 0
	}
	return int(t.ends[line-1])
}

// line gives a line with its newline.
func (t text) line(i int) string { return t.all[t.start(i):t.ends[i]] }

// span gives the lines from one index up to another.
func (t text) span(from, to int) string { return t.all[t.start(from):t.start(to)] }

// lines gives some lines one by one.
func (t text) lines(from, to int) []string {
	lines := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		lines = append(lines, t.line(i))
	}
	return lines
}
