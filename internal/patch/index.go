package patch

// An index knows where each line of a file stands: the first place, how many there
// are, and for each place the next one with the same line.
type index struct {
	lines map[string]places
	next  []int32
}

// places are where one line stands.
type places struct{ first, count int32 }

// fewScans is how often the whole file is looked through for a line before an index
// is made, which takes as long as many of these.
const fewScans = 8

// trace picks a line of the pattern, and says at which indexes of the file it
// stands: the longest line or, once there is an index, the one that the file has
// least often.
func (p *placer) trace(old []string) (line int, where []int) {
	if p.index.lines != nil || p.scans == fewScans {
		line = p.rarest(old)
		return line, p.where(old[line])
	}
	p.scans++
	p.probes += p.len()
	for i, text := range old {
		if len(text) > len(old[line]) {
			line = i
		}
	}
	for i, text := range p.each() {
		if text == old[line] {
			where = append(where, i)
		}
	}
	return line, where
}

// count is how often a line is in the file.
func (p *placer) count(line string) int {
	if p.index.lines == nil {
		p.probes += p.len()
		p.index.lines = make(map[string]places, p.len()/2)
		p.index.next = make([]int32, p.len())
		for i := p.len() - 1; i >= 0; i-- {
			known := p.index.lines[p.line(i)]
			p.index.next[i] = known.first
			p.index.lines[p.line(i)] = places{first: int32(i), count: known.count + 1}
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
	rarest, fewest := 0, p.len()+1
	for i, line := range old {
		if n := p.count(line); n < fewest {
			rarest, fewest = i, n
		}
	}
	return rarest
}
