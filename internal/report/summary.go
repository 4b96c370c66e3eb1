package report

import (
	"fmt"
	"html"
	"io"
	"strings"

	"srcmend/internal/event"
)

// What GitHub takes of a summary, and what of that is for one table or one problem.
const (
	maxSummary = 1 << 20
	maxRows    = 500
	maxTold    = 40 // lines of an excerpt
)

// VerificationSummary writes it in GitHub's Markdown, as the summary of a job: at most 1 MiB.
func VerificationSummary(w io.Writer, v *Verification) error {
	var b strings.Builder
	e, cells := v.Verified(), v.Cells()
	fmt.Fprintf(&b, "## %s %s: %s\n\n%s\n\n", markOf(e.Outcome), md(string(e.Outcome)), md(e.Text), md(says(e)))
	fmt.Fprintf(&b, "%s\n\n", md(matrixSays(v.Matrix())))
	for _, hint := range hints(e.Hint) {
		fmt.Fprintf(&b, "**Try:** %s\n\n", md(hint))
	}
	levelTable(&b, makeGrid(cells))
	var notes []string
	for _, n := range allOf[event.Note](v) {
		if n.Level == "warning" {
			notes = append(notes, strings.TrimSuffix(n.Text+"; "+n.Hint, "; "))
		}
	}
	var end strings.Builder
	listed(&end, "Not verified", failures(cells))
	listed(&end, "Warnings", notes)
	slowTable(&end, slowest(cells, 10))
	problemList(&b, byWeight(v.Problems()), maxSummary-end.Len())
	b.WriteString(end.String())
	text := b.String()
	if len(text) > maxSummary { // the tables alone are too long
		end := strings.LastIndexByte(text[:maxSummary-200], '\n') + 1
		text = text[:end] + "\n**The rest is not shown: a summary has 1 MiB at most. The other forms have all.**\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// problemList writes the problems, as many as there is room for.
func problemList(b *strings.Builder, problems []event.Problem, room int) {
	if len(problems) > 0 {
		b.WriteString("### Problems\n\n")
	}
	for i, p := range problems {
		text := problemMarkdown(p)
		if b.Len()+len(text) > room-1000 {
			fmt.Fprintf(b, "**%s not shown: a summary has 1 MiB at most. The other forms have all.**\n\n", countOf(len(problems)-i, "more problem is", "more problems are"))
			return
		}
		b.WriteString(text)
	}
}

// markOf is the sign of an outcome.
func markOf(o event.Outcome) string {
	return marks[stateOf(event.CellEnded{Outcome: o})]
}

// marks are the signs of states in Markdown.
var marks = [nStates]string{isFailed: "❗", isRed: "❌", isKnown: "🔶", isSkipped: "➖", isGreen: "✅"}

// levelTable writes how many cells of each package are what, by level.
func levelTable(b *strings.Builder, g grid) {
	if len(g.packages) == 0 {
		return
	}
	b.WriteString("| package |")
	for _, l := range g.levels {
		fmt.Fprintf(b, " %s |", md(string(l)))
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(g.levels)) + "\n")
	row := func(name string, by []tally) {
		fmt.Fprintf(b, "| %s |", name)
		for _, t := range by {
			fmt.Fprintf(b, " %s |", t.marks())
		}
		b.WriteString("\n")
	}
	for i, p := range g.packages {
		if i == maxRows {
			fmt.Fprintf(b, "| and %s |%s\n", countOf(len(g.packages)-i, "more package", "more packages"), strings.Repeat(" |", len(g.levels)))
			break
		}
		row(md(p.name), p.total)
	}
	if len(g.packages) > 1 {
		row("**all**", g.total)
	}
	b.WriteString("\n" + legend() + "\n\n")
}

// legend says what the signs mean.
func legend() string {
	var words []string
	for s := isGreen; s >= 0; s-- {
		words = append(words, marks[s]+" "+map[state]string{isKnown: "red, as it is known to be", isFailed: "could not be verified"}[s])
		if s != isKnown && s != isFailed {
			words[len(words)-1] += s.String()
		}
	}
	return strings.Join(words, ", ")
}

// marks are the numbers with their signs.
func (t tally) marks() string {
	var words []string
	for s, n := range t {
		if n > 0 {
			words = append(words, fmt.Sprintf("%s %d", marks[s], n))
		}
	}
	return strings.Join(words, " ")
}

// slowTable writes what took longest.
func slowTable(b *strings.Builder, cells []event.CellEnded) {
	if len(cells) == 0 {
		return
	}
	b.WriteString("### What took longest\n\n| cell | | time | builds |\n| --- | --- | ---: | ---: |\n")
	for _, c := range cells {
		fmt.Fprintf(b, "| %s | %s | %s | %d |\n", md(c.ID), marks[stateOf(c)], took(c.Seconds), c.Builds)
	}
	b.WriteString("\n")
}

// listed writes a list, if there is anything in it.
func listed(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "### %s\n\n", title)
	for i, line := range lines {
		if i == maxRows/10 {
			fmt.Fprintf(b, "- and %d more\n", len(lines)-i)
			break
		}
		fmt.Fprintf(b, "- %s\n", md(line))
	}
	b.WriteString("\n")
}

// problemMarkdown is a problem: where, what, what to do, and below what the log says.
func problemMarkdown(p event.Problem) string {
	var b strings.Builder
	mark := marks[isRed]
	switch {
	case p.Known != "":
		mark = marks[isKnown]
	case p.Level != "error":
		mark = "⚠️"
	}
	fmt.Fprintf(&b, "%s **%s:** %s", mark, md(p.Level), md(p.Text))
	if at := spot(p); at != "" {
		fmt.Fprintf(&b, "<br>%s", md(at))
	}
	fmt.Fprintf(&b, " (%s)\n\n", md(p.Rule))
	for _, hint := range hints(p.Hint) {
		fmt.Fprintf(&b, "**Try:** %s\n\n", md(hint))
	}
	if p.Known != "" {
		fmt.Fprintf(&b, "Known: %s\n\n", md(p.Known))
	}
	if len(p.Cells) > 0 {
		fmt.Fprintf(&b, "Shown by %s\n\n", md(some(p.Cells, 5)))
	}
	if len(p.Excerpt) > 0 {
		b.WriteString("<details><summary>the log</summary>\n\n<pre>\n")
		lines, at := window(p)
		for i, line := range lines {
			mark := "|"
			if i == at {
				mark = "&gt;"
			}
			fmt.Fprintf(&b, "%s %s\n", mark, html.EscapeString(shorten(clean(line))))
		}
		b.WriteString("</pre>\n\n</details>\n\n")
	}
	return b.String()
}

// window is as much of a problem's excerpt as is shown, and which of its lines is meant.
func window(p event.Problem) (lines []string, at int) {
	begin := max(0, min(p.At-maxTold/2, len(p.Excerpt)-maxTold))
	return p.Excerpt[begin:min(len(p.Excerpt), begin+maxTold)], p.At - begin
}

// md is a text in Markdown that means nothing but itself.
func md(text string) string {
	text = clean(text)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '<' || r == '>' || r == '&' || r == '@':
			fmt.Fprintf(&b, "&#%d;", r)
		case r < 0x80 && strings.ContainsRune("\\`*_{}[]()#+-.!|~$:", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// maxText is how much of one text is shown, in bytes.
const maxText = 2000
