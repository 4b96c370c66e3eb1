package report

import (
	"cmp"
	"slices"
	"strings"

	"srcmend/internal/event"
)

// A grid is the cells of a verification by package, by claim and by level.
type grid struct {
	levels   []event.Level
	packages []*gridPackage // what wants attention first, then by name
	total    []tally        // by level
}

// gridPackage is the claims of one package.
type gridPackage struct {
	name  string
	rows  []*gridRow
	total []tally // by level
}

// gridRow is one claim.
type gridRow struct {
	release, fix string
	cells        []*event.CellEnded // by level; nil where there is none
}

// tally counts cells by their state.
type tally [nStates]int

// sum is how many there are.
func (t tally) sum() int {
	n := 0
	for _, k := range t {
		n += k
	}
	return n
}

// makeGrid puts cells into a grid.
func makeGrid(cells []event.CellEnded) grid {
	g := grid{levels: levelsOf(cells)}
	g.total = make([]tally, len(g.levels))
	packages, rows := map[string]*gridPackage{}, map[[3]string]*gridRow{}
	for i := range cells {
		c := &cells[i]
		p := packages[c.Package]
		if p == nil {
			p = &gridPackage{name: c.Package, total: make([]tally, len(g.levels))}
			packages[c.Package] = p
			g.packages = append(g.packages, p)
		}
		key := [3]string{c.Package, c.Release, c.Fix}
		r := rows[key]
		if r == nil {
			r = &gridRow{release: c.Release, fix: c.Fix, cells: make([]*event.CellEnded, len(g.levels))}
			rows[key] = r
			p.rows = append(p.rows, r)
		}
		level := slices.Index(g.levels, c.Level)
		r.cells[level] = c
		p.total[level][stateOf(*c)]++
		g.total[level][stateOf(*c)]++
	}
	slices.SortStableFunc(g.packages, func(a, b *gridPackage) int {
		return cmp.Or(cmp.Compare(a.worst(), b.worst()), strings.Compare(a.name, b.name))
	})
	return g
}

// worst is what wants attention most.
func (p *gridPackage) worst() state {
	for s := range nStates {
		if slices.ContainsFunc(p.total, func(t tally) bool { return t[s] > 0 }) {
			return s
		}
	}
	return isGreen
}

// green reports whether all cells of a claim are.
func (r *gridRow) green() bool {
	return !slices.ContainsFunc(r.cells, func(c *event.CellEnded) bool { return c != nil && stateOf(*c) != isGreen })
}

// name is the claim without its package.
func (r *gridRow) name() string {
	switch {
	case r.release == "" && r.fix == "":
		return "the recipe"
	case r.release == "":
		return r.fix
	case r.fix == "":
		return r.release
	}
	return r.release + " " + r.fix
}

// slowest are the cells that took longest, of those that were run.
func slowest(cells []event.CellEnded, n int) []event.CellEnded {
	ran := slices.DeleteFunc(slices.Clone(cells), func(c event.CellEnded) bool { return c.Stored || took(c.Seconds) == "" })
	slices.SortStableFunc(ran, func(a, b event.CellEnded) int { return cmp.Compare(b.Seconds, a.Seconds) })
	return ran[:min(n, len(ran))]
}
