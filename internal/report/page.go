package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"srcmend/internal/event"
)

// The page, its looks, and what makes it go. It is good without the script.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageCSS string
	//go:embed page/page.js
	pageJS string
)

// How much is on a page, so that a browser does not become slow.
const (
	maxPageRows = 400     // claims in rows of their own; of more, the green ones of a package share one
	maxBars     = 300     // of what took longest
	maxLogs     = 2 << 20 // bytes of excerpts
	maxCells    = 20      // names of the cells that show a problem
	maxOpen     = 12      // problems of which the excerpts are open at first
	maxWhole    = 200     // problems with all that is known of them
)

// VerificationHTML writes it as one page that needs nothing else and asks for nothing.
func VerificationHTML(w io.Writer, v *Verification) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, makePage(v)); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// page is what is on it.
type page struct {
	Policy   string
	Style    template.CSS
	Script   template.JS
	State    state
	Outcome  string
	Text     string
	Hints    []string
	About    string
	When     string
	Counts   []pageCount
	Sums     []string
	Warnings []string
	Problems []pageProblem
	InShort  string // how many of them
	Open     bool   // their excerpts
	Levels   []string
	Columns  int
	Groups   []pageGroup
	Total    []pageLevel
	Reasons  []pageReason
	Bars     []pageBar
	Unshown  string // of the bars
	End      string // when the last of the bars ends
	States   []state
}

type (
	pageCount struct {
		State state
		N     int
		What  string
	}
	pageProblem struct {
		ID, Level, At, Text, Rule, Known, Log string
		Error, Short                          bool
		States                                string
		Hints                                 []string
		Cells                                 []pageLink
		More                                  string // cells that are not named
		Excerpt                               []pageLine
		Unshown                               bool // of the excerpt
	}
	pageLink struct{ To, Text string }
	pageLine struct {
		Text string
		At   bool
	}
	// pageGroup is a package.
	pageGroup struct {
		Name, What string
		Rows       []pageRow
		Alone      bool // the one row stands for all of it
	}
	pageRow struct {
		ID, Name, Fix string
		Names         []string // of the claims that share the row
		Count         string   // how many these are
		States        string
		Whys          []pageWhy
		Levels        []pageLevel
	}
	pageWhy struct {
		State      state
		What, Text string
		Linked     bool // there is a problem that says it too
	}
	// pageLevel is what one level of a row says.
	pageLevel struct {
		Parts []pagePart
	}
	pagePart struct {
		State  state
		Text   string
		Number bool // the text is how many are so
		Stored bool
		To     string // the problem
	}
	pageReason struct {
		Text  string
		N     string
		Names string
	}
	pageBar struct {
		Name, Took, Start string
		State             state
		X, Width          int // of a thousand
	}
)

// makePage makes all that is on the page.
func makePage(v *Verification) page {
	e, cells := v.Verified(), v.Cells()
	p := page{
		Style: template.CSS(pageCSS), Script: template.JS(pageJS), States: []state{isFailed, isRed, isKnown, isSkipped, isGreen},
		Policy: fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; img-src data:; base-uri 'none'; form-action 'none'", digest(pageCSS), digest(pageJS)),
		State:  stateOf(event.CellEnded{Outcome: e.Outcome}), Outcome: clean(string(e.Outcome)), Text: clean(e.Text), Hints: hints(e.Hint), About: clean(matrixSays(v.Matrix())),
	}
	if at := v.began(); !at.IsZero() {
		p.When = at.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	for s, n := range [nStates]int{isFailed: e.Failed, isRed: e.Red, isKnown: e.Known, isSkipped: e.Skipped, isGreen: e.Green} {
		p.Counts = append(p.Counts, pageCount{state(s), n, state(s).long()})
	}
	slices.Reverse(p.Counts)
	p.Sums = append(p.Sums, fmt.Sprintf("%d known from earlier runs", e.Stored), countOf(e.Builds, "build", "builds")+" now")
	for what, seconds := range map[string]float64{"wall clock": e.Seconds, "processors": e.CPU} {
		if took := took(seconds); took != "" {
			p.Sums = append(p.Sums, took+" by the "+what)
		}
	}
	slices.Sort(p.Sums[2:])
	for _, n := range allOf[event.Note](v) {
		if n.Level == "warning" {
			p.Warnings = append(p.Warnings, clean(strings.TrimSuffix(n.Text+"; "+n.Hint, "; ")))
		}
	}
	m := pageMaker{rows: map[string]string{}, problems: map[string]string{}, states: map[string]state{}}
	problems := byWeight(v.Problems())
	p.Open = len(problems) <= maxOpen
	for i, q := range problems {
		for _, id := range q.Cells {
			if _, has := m.problems[id]; !has {
				m.problems[id] = fmt.Sprintf("#p%d", i+1)
			}
		}
	}
	g := makeGrid(cells)
	for _, l := range g.levels {
		p.Levels = append(p.Levels, clean(string(l)))
	}
	p.Columns = len(g.levels) + 1
	p.Groups = m.groups(g)
	for _, t := range g.total {
		p.Total = append(p.Total, t.level())
	}
	for i, q := range problems {
		p.Problems = append(p.Problems, m.problem(i, q))
	}
	if n := len(problems) - maxWhole; n > 0 {
		p.InShort = fmt.Sprintf("The first %d are told with all that is known of them, %d more in short; the other forms have all.", maxWhole, n)
	}
	p.Reasons = reasons(cells)
	p.bars(cells)
	return p
}

// digest lets a page have a style or a script of its own, and no other.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// long is a state in words that explain it.
func (s state) long() string {
	return [...]string{"could not be verified", "red", "red, as is known", "skipped", "green"}[s]
}

// Word is a state in one word or two.
func (s state) Word() string {
	if s == isKnown {
		return "known red"
	}
	return s.String()
}

// pageMaker knows which parts of a page to link.
type pageMaker struct {
	rows     map[string]string // the place of each cell's row
	problems map[string]string // the place of the first problem that each cell shows
	states   map[string]state
	logs     int // bytes of excerpts so far
}

// groups are the packages, with their claims. If there are many of these, the green ones of
// a package share a row.
func (m *pageMaker) groups(g grid) []pageGroup {
	n := 0
	for _, p := range g.packages {
		n += len(p.rows)
	}
	var groups []pageGroup
	for i, p := range g.packages {
		group := pageGroup{Name: clean(p.name)}
		var all tally
		for _, t := range p.total {
			for s, n := range t {
				all[s] += n
			}
		}
		group.What = all.String()
		shared := pageRow{ID: fmt.Sprintf("g%d", i+1), States: isGreen.String()}
		counts := make([]tally, len(g.levels))
		stored := make([]int, len(g.levels))
		for k, r := range p.rows {
			if n > maxPageRows && r.green() {
				shared.Names = append(shared.Names, clean(r.name()))
				for l, c := range r.cells {
					if c != nil {
						counts[l][isGreen]++
						m.know(*c, shared.ID)
						if c.Stored {
							stored[l]++
						}
					}
				}
				continue
			}
			row := m.row(r, fmt.Sprintf("g%dr%d", i+1, k+1))
			if n > maxPageRows { // the problems that are linked say why
				row.Whys = slices.DeleteFunc(row.Whys, func(why pageWhy) bool { return why.Linked })
			}
			group.Rows = append(group.Rows, row)
		}
		if len(shared.Names) > 0 {
			for l, t := range counts {
				level := t.level()
				for i := range level.Parts {
					level.Parts[i].Stored = stored[l] == t.sum()
				}
				shared.Levels = append(shared.Levels, level)
			}
			shared.Count = countOf(len(shared.Names), "claim", "claims")
			group.Rows = append(group.Rows, shared)
			group.Alone = len(group.Rows) == 1
		}
		groups = append(groups, group)
	}
	return groups
}

// know remembers where a cell is on the page.
func (m *pageMaker) know(c event.CellEnded, row string) {
	m.rows[c.ID], m.states[c.ID] = "#"+row, stateOf(c)
}

// row is one claim.
func (m *pageMaker) row(r *gridRow, id string) pageRow {
	row := pageRow{ID: id, Name: clean(cmp.Or(r.release, r.name())), Levels: make([]pageLevel, len(r.cells))}
	if r.release != "" {
		row.Fix = clean(r.fix)
	}
	var states []string
	for l, c := range r.cells {
		if c == nil {
			continue
		}
		m.know(*c, id)
		s := stateOf(*c)
		if !slices.Contains(states, s.String()) {
			states = append(states, s.String())
		}
		row.Levels[l].Parts = []pagePart{{State: s, Text: s.Word(), Stored: c.Stored, To: m.problems[c.ID]}}
		why := c.Why
		if s == isKnown {
			why = c.Known
		}
		if why != "" && s != isGreen && s != isSkipped {
			row.Whys = append(row.Whys, pageWhy{s, clean(string(c.Level)) + " " + s.Word(), shorten(clean(why)), m.problems[c.ID] != ""})
		}
	}
	row.States = strings.Join(states, " ")
	return row
}

// level is a tally as a level of a row.
func (t tally) level() pageLevel {
	var l pageLevel
	for s, n := range t {
		if n > 0 {
			l.Parts = append(l.Parts, pagePart{State: state(s), Text: fmt.Sprint(n), Number: true})
		}
	}
	return l
}

// String is a tally in words.
func (t tally) String() string {
	var words []string
	for s, n := range t {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, state(s).Word()))
		}
	}
	return strings.Join(words, ", ")
}

// problem is a problem, with its excerpt if there is room for it.
func (m *pageMaker) problem(i int, q event.Problem) pageProblem {
	p := pageProblem{
		ID: fmt.Sprintf("p%d", i+1), Level: clean(q.Level), At: spot(q), Text: clean(q.Text), Rule: clean(q.Rule), Known: clean(q.Known), Log: clean(q.Log),
		Error: q.Level == "error", Hints: hints(q.Hint),
	}
	states := []string{"warning"}
	switch {
	case q.Known != "":
		states = []string{isKnown.String()}
	case p.Error:
		states = []string{isRed.String()}
	}
	p.Short = i >= maxWhole
	for k, id := range q.Cells {
		if s, there := m.states[id]; there && !slices.Contains(states, s.String()) {
			states = append(states, s.String())
		}
		if k < maxCells && !p.Short {
			p.Cells = append(p.Cells, pageLink{m.rows[id], clean(id)})
		}
	}
	p.States = strings.Join(states, " ")
	if p.Short {
		return p
	}
	if n := len(q.Cells) - maxCells; n > 0 {
		p.More = fmt.Sprintf("and %d more", n)
	}
	lines, at := window(q)
	for k, line := range lines {
		line = shorten(clean(line))
		p.Excerpt = append(p.Excerpt, pageLine{line, k == at})
		m.logs += len(line)
	}
	if m.logs > maxLogs {
		p.Excerpt, p.Unshown = nil, len(lines) > 0
	}
	return p
}

// reasons are why cells were skipped, those of most cells first.
func reasons(cells []event.CellEnded) []pageReason {
	names := map[string][]string{}
	var order []string
	for _, c := range cells {
		if stateOf(c) == isSkipped {
			if names[c.Why] == nil {
				order = append(order, c.Why)
			}
			names[c.Why] = append(names[c.Why], c.ID)
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return len(names[b]) - len(names[a]) })
	var all []pageReason
	for _, why := range order {
		text := cmp.Or(clean(why), "nobody says why")
		all = append(all, pageReason{shorten(text), countOf(len(names[why]), "cell", "cells"), clean(some(names[why], maxPageRows))})
	}
	return all
}

// bars are when the cells began that were run, and how long they took.
func (p *page) bars(cells []event.CellEnded) {
	ran := slowest(cells, len(cells))
	var end float64
	for _, c := range ran {
		end = max(end, bounded(c.Start)+bounded(c.Seconds))
	}
	p.End = took(end)
	if n := len(ran) - maxBars; n > 0 {
		p.Unshown = countOf(n, "cell that took less is", "cells that took less are")
		ran = ran[:maxBars]
	}
	slices.SortStableFunc(ran, func(a, b event.CellEnded) int { return cmp.Compare(a.Start, b.Start) })
	for _, c := range ran {
		bar := pageBar{Name: clean(c.ID), Took: took(c.Seconds), Start: cmp.Or(took(c.Start), "0s"), State: stateOf(c)}
		bar.Width = max(4, int(1000*bounded(c.Seconds)/end))
		bar.X = min(int(1000*bounded(c.Start)/end), 1000-bar.Width)
		p.Bars = append(p.Bars, bar)
	}
}
