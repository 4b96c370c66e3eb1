package patch

import (
	"bytes"
	endian "encoding/binary"
	"math/bits"
)

// A text is the content of a file, cut into lines. It keeps where they end rather
// than the lines, which takes a fifth of the memory.
type text struct {
	all  string
	ends []int32 // of each line, behind its newline; a file has at most tree.MaxFile bytes
}

// cut finds the lines of a content. It looks at eight bytes at a time: lines are
// short, and a search for each newline takes longer than all else here.
func cut(all string) text {
	t := text{all: all}
	if all == "" {
		return t
	}
	data := bytesOf(all)
	t.ends = make([]int32, 0, bytes.Count(data, []byte{'\n'})+1)
	i := 0
	for ; i+8 <= len(data); i += 8 {
		const tops, newlines = 0x8080808080808080, 0x0a0a0a0a0a0a0a0a
		word := endian.LittleEndian.Uint64(data[i:]) ^ newlines
		for found := ^((word&^tops + ^uint64(tops)) | word) & tops; found != 0; found &= found - 1 {
			t.ends = append(t.ends, int32(i+bits.TrailingZeros64(found)/8+1))
		}
	}
	for ; i < len(data); i++ {
		if data[i] == '\n' {
			t.ends = append(t.ends, int32(i+1))
		}
	}
	if n := len(t.ends); n == 0 || int(t.ends[n-1]) < len(all) {
		t.ends = append(t.ends, int32(len(all)))
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
