package patch

import (
	endian "encoding/binary"
	"iter"
	"math/bits"
	"sort"
	"strings"
)

// A text is the content of a file, and knows its lines. It is made of pieces, which
// a text that a patch makes shares with the one before, but for where the hunks
// stand: what they cost does not grow with the file. A text does not change once it
// is made; nil is the empty one. It remembers what it had to find out, so it is not
// for several goroutines.
type text struct {
	pieces []piece
	size   int    // in bytes
	count  int    // of lines
	last   int    // index of the piece where a line was last asked for
	whole  string // all of it, if that is in one place
}

// A piece is some lines of a block.
type piece struct {
	*block
	from, to int // indexes of its lines in the block
	first    int // index of its first line in the text
}

// A block is content that was read, or that a hunk brings. Where its lines end is
// looked for when one of them is asked for.
type block struct {
	all   string
	count int     // of lines
	ends  []int32 // of each line, behind its newline; nil before it is needed
}

// blockSize is how many bytes of a file are looked through for one line, and a few
// more up to the end of a line.
const blockSize = 4 << 10

// cut makes a text of a content.
func cut(all string) *text { return cutInto(blockSize, all) }

// cutInto makes blocks of a size, or a little more.
func cutInto(size int, all string) *text {
	if all == "" {
		return nil
	}
	n := len(all)/size + 1
	t := &text{pieces: make([]piece, 0, n), whole: all}
	blocks := make([]block, 0, n)
	for all != "" {
		end := len(all)
		if end > size {
			if more := strings.IndexByte(all[size-1:], '\n'); more >= 0 {
				end = size + more
			}
		}
		blocks = append(blocks, block{all: all[:end], count: countLines(all[:end])})
		t.add(blocks[len(blocks)-1].piece())
		all = all[end:]
	}
	return t
}

// countLines counts the lines of a content, one without a newline included.
func countLines(all string) int {
	n := strings.Count(all, "\n")
	if !strings.HasSuffix(all, "\n") {
		n++
	}
	return n
}

// add puts a piece at the end of a text in the making.
func (t *text) add(p piece) {
	p.first = t.count
	t.count += p.to - p.from
	t.size += len(p.String())
	if n := len(t.pieces); n > 0 && t.pieces[n-1].block == p.block && t.pieces[n-1].to == p.from {
		t.pieces[n-1].to = p.to
	} else {
		t.pieces = append(t.pieces, p)
	}
}

// len is how many lines there are.
func (t *text) len() int {
	if t == nil {
		return 0
	}
	return t.count
}

// bytes is how many bytes there are.
func (t *text) bytes() int {
	if t == nil {
		return 0
	}
	return t.size
}

// find gives the index of the piece that has a line. Most often it is the one that
// was last asked for, or one beside it.
func (t *text) find(line int) int {
	for _, i := range [...]int{t.last, t.last + 1, t.last - 1} {
		if 0 <= i && i < len(t.pieces) && t.pieces[i].has(line) {
			t.last = i
			return i
		}
	}
	t.last = sort.Search(len(t.pieces), func(i int) bool { return t.pieces[i].end() > line })
	return t.last
}

// line gives a line with its newline.
func (t *text) line(i int) string {
	p := &t.pieces[t.find(i)]
	return p.line(i - p.first + p.from)
}

// lines gives some lines one by one.
func (t *text) lines(from, to int) []string {
	lines := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		lines = append(lines, t.line(i))
	}
	return lines
}

// each gives all lines with their indexes.
func (t *text) each() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		if t == nil {
			return
		}
		for _, p := range t.pieces {
			for i := range p.to - p.from {
				if !yield(p.first+i, p.line(p.from+i)) {
					return
				}
			}
		}
	}
}

// span gives the pieces of the lines from one index up to another.
func (t *text) span(from, to int) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		for from < to {
			p := t.pieces[t.find(from)]
			end := min(to, p.end())
			p.from, p.to = p.from+from-p.first, p.from+end-p.first
			if !yield(p) {
				return
			}
			from = end
		}
	}
}

// String is the content.
func (t *text) String() string {
	if t == nil {
		return ""
	}
	if t.whole == "" {
		var b strings.Builder
		b.Grow(t.size)
		for _, p := range t.pieces {
			b.WriteString(p.String())
		}
		t.whole = b.String()
	}
	return t.whole
}

// parts is the content as data that nobody may change, without a copy.
func (t *text) parts() [][]byte {
	if t == nil {
		return nil
	}
	if t.whole != "" {
		return [][]byte{bytesOf(t.whole)}
	}
	parts := make([][]byte, len(t.pieces))
	for i, p := range t.pieces {
		parts[i] = bytesOf(p.String())
	}
	return parts
}

// ends reports whether the last line has a newline, or there is none.
func (t *text) ends() bool {
	return t.len() == 0 || strings.HasSuffix(t.pieces[len(t.pieces)-1].String(), "\n")
}

// equal reports whether two texts have the same content. Where they share it, that
// is soon found out.
func (t *text) equal(other *text) bool {
	if t == other || t.bytes() == 0 || t.bytes() != other.bytes() {
		return t.bytes() == other.bytes()
	}
	var a, b string
	for i, j := 0, 0; ; {
		if a == "" {
			if i == len(t.pieces) {
				return true
			}
			a = t.pieces[i].String()
			i++
		}
		if b == "" {
			b = other.pieces[j].String()
			j++
		}
		n := min(len(a), len(b))
		if a[:n] != b[:n] {
			return false
		}
		a, b = a[n:], b[n:]
	}
}

// end is the index behind the last line of the piece in the text.
func (p piece) end() int { return p.first + p.to - p.from }

// has reports whether the piece has a line of the text.
func (p *piece) has(line int) bool { return p.first <= line && line < p.end() }

// String is the content.
func (p piece) String() string {
	if p.to-p.from == p.count {
		return p.all
	}
	return p.all[p.start(p.from):p.start(p.to)]
}

// piece is all of the block.
func (b *block) piece() piece { return piece{block: b, to: b.count} }

// start is the byte where a line begins; the line behind the last begins at the end.
func (b *block) start(line int) int {
	if line == 0 {
		return 0
	}
	b.cut()
	return int(b.ends[line-1])
}

// line gives a line of the block.
func (b *block) line(i int) string {
	b.cut()
	if i == 0 {
		return b.all[:b.ends[0]]
	}
	return b.all[b.ends[i-1]:b.ends[i]]
}

// cut finds the lines. It looks at eight bytes at a time: lines are short, and a
// search for each newline takes longer.
func (b *block) cut() {
	if b.ends != nil {
		return
	}
	data := bytesOf(b.all)
	b.ends = make([]int32, 0, b.count)
	i := 0
	for ; i+8 <= len(data); i += 8 {
		const tops, newlines = 0x8080808080808080, 0x0a0a0a0a0a0a0a0a
		word := endian.LittleEndian.Uint64(data[i:]) ^ newlines
		for found := ^((word&^tops + ^uint64(tops)) | word) & tops; found != 0; found &= found - 1 {
			b.ends = append(b.ends, int32(i+bits.TrailingZeros64(found)/8+1))
		}
	}
	for ; i < len(data); i++ {
		if data[i] == '\n' {
			b.ends = append(b.ends, int32(i+1))
		}
	}
	if len(b.ends) < b.count {
		b.ends = append(b.ends, int32(len(data)))
	}
}
