package patch

import "slices"

// An index knows where each line of a file stands: the first place, how many there
// are, and for each place the next one with the same line.
type index struct {
	lines map[string]places
	next  []int32
}

// places are where one line stands.
type places struct{ first, count int32 }

// count is how often a line is in the file.
func (p *placer) count(line string) int {
	if p.index.lines == nil {
		p.index.lines = make(map[string]places, len(p.lines)/2)
		p.index.next = make([]int32, len(p.lines))
		for i, l := range slices.Backward(p.lines) {
			known := p.index.lines[l]
			p.index.next[i] = known.first
			p.index.lines[l] = places{first: int32(i), count: known.count + 1}
		}
	}
	return int(p.index.lines[line].count)
}

// where lists the indexes of the lines that are equal to line, in their order.
func (p *placer) where(line string) []int {
	all := make([]int, p.count(line))
	at := p.index.lines[line].first
	for i := range all {
		all[i] = int(at)
		at = p.index.next[at]
	}
	return all
}

// rarest is the index of the line that the file has least often.
func (p *placer) rarest(old []string) int {
	rarest, fewest := 0, len(p.lines)+1
	for i, line := range old {
		if n := p.count(line); n < fewest {
			rarest, fewest = i, n
		}
	}
	return rarest
}
