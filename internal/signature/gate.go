package signature

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// shortest is the least length of a piece that a gate can look for, in bytes. It looks
// at every second place of the text for two pieces of four bytes of each.
const shortest = 5

// enough is the length of a piece from which on it is looked for by six bytes, too.
const enough = 7

// A gate finds pieces of plain text in a text, many at once. It is made so that a text
// without any is soon gone through: one look at four bytes, at every second place, and
// into a table of bits that fits into the cache. Where that says yes, one more look, at six
// bytes, for all but the shortest pieces.
type gate struct {
	pieces []string
	seen   bitset // of four bytes
	brief  bitset // of four bytes, of pieces that are too short for more
	longer bitset // of six bytes
	slots  []slot // a table of grams, by hash; the next slots are for the same one
	grams  []gram
}

// A slot of the table has the grams of some bytes: from is where they begin, and to, if it
// is not 0, where they end.
type slot struct {
	key      uint64 // six bytes, or four and the mark of the brief
	from, to uint32
}

// A gram is a place in a piece.
type gram struct{ piece, at uint32 }

// ofBrief marks the four bytes of a brief piece.
const ofBrief = 1 << 63

// hashBits is how large a table of bits is: 32 KiB.
const hashBits = 18

// A bitset has a bit for each hash.
type bitset [1 << (hashBits - 6)]uint64

func (b *bitset) set(h uint32)        { b[h>>6] |= 1 << (h & 63) }
func (b *bitset) bit(h uint32) uint64 { return b[h>>6] >> (h & 63) & 1 }

// newGate makes a gate for pieces, each of which has at least the shortest length.
func newGate(pieces []string) *gate {
	g := &gate{pieces: pieces}
	grams := map[uint64][]gram{}
	for i, p := range pieces {
		at := rarest(p)
		for _, at := range []int{at, at + 1} {
			first := four(p[at:])
			g.seen.set(hash(first))
			key := uint64(first) | ofBrief
			if len(p) < enough {
				g.brief.set(hash(first))
			} else {
				key = six([]byte(p[at:]))
				g.longer.set(hash6(key))
			}
			grams[key] = append(grams[key], gram{uint32(i), uint32(at)})
		}
	}
	g.slots = make([]slot, 1<<bits.Len(uint(2*len(grams))))
	for key, all := range grams {
		from := uint32(len(g.grams))
		g.grams = append(g.grams, all...)
		*g.slot(key) = slot{key, from, uint32(len(g.grams))}
	}
	return g
}

// slot is that of a key, or a free one.
func (g *gate) slot(key uint64) *slot {
	mask := uint64(len(g.slots) - 1)
	for i := key * spread >> 32 & mask; ; i = (i + 1) & mask {
		if s := &g.slots[i]; s.to == 0 || s.key == key {
			return s
		}
	}
}

// spread makes a hash of bytes, in the upper part of the product.
const spread = 0x9e3779b97f4a7c15

func hash(v uint32) uint32 { return v * 0x9e3779b1 >> (32 - hashBits) }

// hash6 is for the lower six bytes.
func hash6(v uint64) uint32 { return uint32(v << 16 * spread >> (64 - hashBits)) }

// six gives the six bytes that a text begins with.
func six(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.LittleEndian.Uint64(text) << 16 >> 16
	}
	return uint64(binary.LittleEndian.Uint32(text)) | uint64(binary.LittleEndian.Uint16(text[4:]))<<32
}

// rarest is where in a piece the four bytes, and the four behind the first, are that
// build logs have least of: those that are not usual, else what is rare as it seems.
func rarest(piece string) int {
	const heavy = 100
	best, most, need := 0, math.MinInt, shortest
	if len(piece) >= enough {
		need = enough
	}
	usual := usual()
	for at := 0; at+need <= len(piece); at++ {
		score := -heavy * int(usual[hash(four(piece[at:]))]+usual[hash(four(piece[at+1:]))])
		for _, c := range []byte(piece[at : at+shortest]) {
			score += rarity(c)
		}
		if score > most {
			best, most = at, score
		}
	}
	return best
}

// rarity guesses how rare a byte is: capitals, digits and signs are.
func rarity(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return 5
	case c == '\'' || c == '#' || c == '<' || c == '>' || c == '*' || c == '%' || c == '!' || c >= 0x80:
		return 7
	case c >= '0' && c <= '9' || c == ',' || c == '(' || c == ')' || c == ':':
		return 4
	}
	switch c {
	case 'j', 'q', 'x', 'z', 'k', 'w', 'v', 'y':
		return 4
	case 'b', 'f', 'g', 'h', 'm', 'p', 'u', 'd':
		return 2
	case 'e', 't', 's', 'i', 'o', 'n', 'r', 'a', 'l', 'c':
		return 1
	}
	return 0 // blanks, slashes, dots, hyphens
}

// scan calls hit for each place where a piece stands, in the order in which it comes upon
// them, which may be off by a few bytes.
func (g *gate) scan(text []byte, hit func(piece, at int)) {
	const step = 8
	i := 0
	for ; i+step+4 <= len(text); i += step {
		v := binary.LittleEndian.Uint64(text[i:])
		w := uint64(binary.LittleEndian.Uint32(text[i+8:]))
		a, b, c, d := hash(uint32(v)), hash(uint32(v>>16)), hash(uint32(v>>32)), hash(uint32(v>>48|w<<16))
		found := g.seen.bit(a) | g.seen.bit(b)<<1 | g.seen.bit(c)<<2 | g.seen.bit(d)<<3
		for ; found != 0; found &= found - 1 {
			g.check(text, i+2*bits.TrailingZeros64(found), hit)
		}
	}
	for ; i+4 <= len(text); i += 2 {
		g.check(text, i, hit)
	}
}

// check takes the second look at a place, and tells which pieces stand around it.
func (g *gate) check(text []byte, i int, hit func(piece, at int)) {
	rest := text[i:]
	if four := binary.LittleEndian.Uint32(rest); g.brief.bit(hash(four)) != 0 {
		g.compare(text, i, uint64(four)|ofBrief, hit)
	}
	if len(rest) < 6 {
		return
	}
	if key := six(rest); g.longer.bit(hash6(key)) != 0 {
		g.compare(text, i, key, hit)
	}
}

// compare tells which pieces with a key at a place stand there.
func (g *gate) compare(text []byte, i int, key uint64, hit func(piece, at int)) {
	s := g.slot(key)
	for _, c := range g.grams[s.from:s.to] {
		piece := g.pieces[c.piece]
		if at := i - int(c.at); at >= 0 && at+len(piece) <= len(text) && string(text[at:at+len(piece)]) == piece {
			hit(int(c.piece), at)
		}
	}
}
