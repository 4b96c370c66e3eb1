package patch

import "slices"

// A stretch says that lines from index a of one text on and from index b of another
// are the same, so many of them.
type stretch struct{ a, b, n int }

// common finds the lines that two texts have in common, as stretches in their order. It
// looks for lines that each text has once and that come in the same order in both,
// and between two of these for the shortest way from one text to the other; where
// that would take more than maxEdits steps, the lines between count as changed.
func common(a, b []string) []stretch {
	c := commoner{a: a, b: b}
	c.between(0, len(a), 0, len(b), true)
	return c.stretches
}

// maxEdits bounds the search between two anchors; its memory grows with the
// square.
const maxEdits = 1000

// A commoner collects stretches.
type commoner struct {
	a, b      []string
	stretches []stretch
}

// add notes that a line is the same.
func (c *commoner) add(a, b, n int) {
	if n == 0 {
		return
	}
	if last := len(c.stretches) - 1; last >= 0 && c.stretches[last].a+c.stretches[last].n == a && c.stretches[last].b+c.stretches[last].n == b {
		c.stretches[last].n += n
		return
	}
	c.stretches = append(c.stretches, stretch{a, b, n})
}

// between compares a part of each text.
func (c *commoner) between(a, aEnd, b, bEnd int, anchored bool) {
	n := 0
	for a+n < aEnd && b+n < bEnd && c.a[a+n] == c.b[b+n] {
		n++
	}
	c.add(a, b, n)
	a, b = a+n, b+n
	n = 0
	for a < aEnd-n && b < bEnd-n && c.a[aEnd-n-1] == c.b[bEnd-n-1] {
		n++
	}
	aEnd, bEnd = aEnd-n, bEnd-n
	var anchors []stretch
	if anchored && a < aEnd && b < bEnd {
		anchors = c.anchors(a, aEnd, b, bEnd)
	}
	if len(anchors) == 0 {
		c.shortest(a, aEnd, b, bEnd)
	}
	for i, at := range anchors {
		c.between(a, at.a, b, at.b, false)
		c.add(at.a, at.b, 1)
		if a, b = at.a+1, at.b+1; i == len(anchors)-1 {
			c.between(a, aEnd, b, bEnd, false)
		}
	}
	c.add(aEnd, bEnd, n)
}

// anchors are the lines that stand once in each part, as many as possible of them
// in the same order.
func (c *commoner) anchors(a, aEnd, b, bEnd int) []stretch {
	type once struct{ nA, nB, b int }
	lines := make(map[string]*once, aEnd-a)
	at := func(line string) *once {
		if lines[line] == nil {
			lines[line] = &once{}
		}
		return lines[line]
	}
	for _, line := range c.a[a:aEnd] {
		at(line).nA++
	}
	for i, line := range c.b[b:bEnd] {
		o := at(line)
		o.nB++
		o.b = b + i
	}
	var unique []stretch
	for i, line := range c.a[a:aEnd] {
		if o := lines[line]; o.nA == 1 && o.nB == 1 {
			unique = append(unique, stretch{a + i, o.b, 1})
		}
	}
	return rising(unique)
}

// rising picks the most stretches whose b rises; their a does already.
func rising(all []stretch) []stretch {
	var ends []int // of chains of each length, the index of the one with the lowest end
	before := make([]int, len(all))
	for i, r := range all {
		n, _ := slices.BinarySearchFunc(ends, r.b, func(e, b int) int { return all[e].b - b })
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	chain := make([]stretch, len(ends))
	if len(ends) == 0 {
		return nil
	}
	for i, at := len(ends)-1, ends[len(ends)-1]; i >= 0; i, at = i-1, before[at] {
		chain[i] = all[at]
	}
	return chain
}

// nowhere is how far a way gets that leads out of a text.
const nowhere = -1 << 30

// shortest finds a shortest way from one part to the other, by Myers' algorithm:
// for each number of edits, how far it gets on each diagonal.
func (c *commoner) shortest(a, aEnd, b, bEnd int) {
	n, m := aEnd-a, bEnd-b
	if n == 0 || m == 0 {
		return
	}
	limit := min(n+m, maxEdits)
	far := make([]int, 2*limit+3) // of diagonal k at limit+1+k
	var trace [][]int             // far before each number of edits
	for d := range limit + 1 {
		trace = append(trace, slices.Clone(far[limit+1-d:limit+2+d]))
		for k := -d; k <= d; k += 2 {
			x := far[limit+1+previous(far[limit+1-d:], d, k)]
			if previous(far[limit+1-d:], d, k) < k {
				x++
			}
			if x < 0 || x > n || x-k < 0 || x-k > m {
				far[limit+1+k] = nowhere
				continue
			}
			for x < n && x-k < m && c.a[a+x] == c.b[b+x-k] {
				x++
			}
			far[limit+1+k] = x
			if x == n && x-k == m {
				c.back(a, b, n, m, trace)
				return
			}
		}
	}
}

// previous is the diagonal from which diagonal k is reached with d edits. far
// begins with diagonal -d.
func previous(far []int, d, k int) int {
	if k == -d || k != d && far[k-1+d] < far[k+1+d] {
		return k + 1
	}
	return k - 1
}

// back follows the way from its end, and notes what is the same.
func (c *commoner) back(a, b, x, y int, trace [][]int) {
	var same []stretch
	for d := len(trace) - 1; d >= 0; d-- {
		fromX, fromY := 0, 0
		if d > 0 {
			from := previous(trace[d], d, x-y)
			fromX = trace[d][from+d]
			fromY = fromX - from
		}
		n := min(x-fromX, y-fromY)
		same = append(same, stretch{a + x - n, b + y - n, n})
		x, y = fromX, fromY
	}
	for _, r := range slices.Backward(same) {
		c.add(r.a, r.b, r.n)
	}
}
