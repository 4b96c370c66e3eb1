package signature

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// A Pattern says what a signature looks like in a log: one regular expression over a
// line, or over the message of a diagnostic. In its texts every kind of quotation mark
// of the log is a plain one, and {symbol}, {file} and {line} stand for what is captured
// between quotes or blanks.
type Pattern struct {
	// Over what a compiler or linker says behind "FILE:LINE:COLUMN: error:".
	Error string `json:"error,omitempty"`
	// Over a whole line.
	Line string `json:"line,omitempty"`
	// Over one of the lines that follow, or the line itself must not be taken.
	Then string `json:"then,omitempty"`
	// How many lines may follow until that; 3 if not given.
	Within int `json:"within,omitempty"`
	// Over a line that is not meant.
	Not string `json:"not,omitempty"`
	// Over the lines above and below, the nearest first: what they capture and the line
	// itself does not. They need not be there.
	Above string `json:"above,omitempty"`
	Below string `json:"below,omitempty"`

	over, then, not, above, below *expression
	needs                         []string // pieces of plain text, one of which every match has
}

// An expression is compiled when it is needed: of a whole catalogue few are.
type expression struct {
	text     string
	literals []string // plain texts that every match has, in that order
	once     sync.Once
	compiled *regexp.Regexp
}

// possible reports whether a text has all that a match of it would have in any case. That
// is known much sooner than whether it matches.
func (e *expression) possible(text string) bool {
	for _, literal := range e.literals {
		at := strings.Index(text, literal)
		if at < 0 {
			return false
		}
		text = text[at+len(literal):]
	}
	return true
}

// re is the regular expression.
func (e *expression) re() *regexp.Regexp {
	e.once.Do(func() { e.compiled = regexp.MustCompile(e.text) })
	return e.compiled
}

// maxWithin bounds how many lines a pattern looks ahead.
const maxWithin = 10

// captures are what may be written for a group.
var captures = strings.NewReplacer(
	"'{symbol}'", `'(?P<symbol>[^']+)'`, "{symbol}", `(?P<symbol>[^\s':,;]+)`,
	"{file}", `(?P<file>[^\s':(]+)`, "{line}", `(?P<line>\d+)`,
)

// compile makes the pattern usable, or says what is wrong with it, and with which key.
func (p *Pattern) compile() (key string, err error) {
	if (p.Error == "") == (p.Line == "") {
		return "", errors.New("a pattern has exactly one of error and line")
	}
	key, text := "error", p.Error
	if p.Line != "" {
		key, text = "line", p.Line
	}
	over, parsed, err := parseExpression(text)
	if err != nil {
		return key, err
	}
	p.over, p.needs = over, required(parsed)
	if p.needs == nil && p.Error == "" {
		return key, fmt.Errorf("every line it matches needs some plain text of %d characters or more without quotes, one of a few, or each line of a log would have to be tried", shortest)
	}
	for _, more := range []struct {
		key, text string
		to        **expression
	}{{"then", p.Then, &p.then}, {"not", p.Not, &p.not}, {"above", p.Above, &p.above}, {"below", p.Below, &p.below}} {
		if more.text == "" {
			continue
		}
		if *more.to, _, err = parseExpression(more.text); err != nil {
			return more.key, err
		}
	}
	switch {
	case p.Within != 0 && p.Then == "":
		return "within", errors.New("within is for then, and there is none")
	case p.Within < 0 || p.Within > maxWithin:
		return "within", fmt.Errorf("within is from 1 to %d lines", maxWithin)
	case p.Within == 0:
		p.Within = 3
	}
	return "", nil
}

// parseExpression reads a regular expression.
func parseExpression(text string) (*expression, *syntax.Regexp, error) {
	text = captures.Replace(text)
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, nil, fmt.Errorf("not a regular expression: %w", err)
	}
	names := map[string]bool{}
	for _, name := range parsed.CapNames() {
		switch {
		case name == "":
		case names[name]:
			return nil, nil, fmt.Errorf("%s is captured twice, and only one counts: a second symbol may be called symbol2", name)
		case name != "file" && name != "line" && !strings.HasPrefix(name, "symbol"):
			return nil, nil, fmt.Errorf("nobody takes what is captured as %s: file, line and symbol are known", name)
		}
		names[name] = true
	}
	parsed = parsed.Simplify()
	return &expression{text: text, literals: literals(parsed)}, parsed, nil
}

// literals gives plain texts that every match has, in that order.
func literals(re *syntax.Regexp) []string {
	switch {
	case re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase == 0:
		return []string{string(re.Rune)}
	case re.Op == syntax.OpCapture:
		return literals(re.Sub[0])
	case re.Op == syntax.OpConcat:
		var all []string
		for _, sub := range re.Sub {
			all = append(all, literals(sub)...)
		}
		return all
	}
	return nil
}

// steps is how many steps the expressions have, as the regexp package counts them.
func (p *Pattern) steps() (n int) {
	for _, e := range []*expression{p.over, p.then, p.not, p.above, p.below} {
		if e == nil {
			continue
		}
		if _, parsed, err := parseExpression(e.text); err == nil {
			if prog, err := syntax.Compile(parsed); err == nil {
				n += len(prog.Inst)
			}
		}
	}
	return n
}

// maxNeeds is how many pieces a pattern may choose from.
const maxNeeds = 80

// required gives pieces of plain text of which every match of re has at least one; nil
// if there are none that are long enough.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpAlternate:
		if all := piecesOf(finite(re)); all != nil {
			return all
		}
		var all []string
		for _, sub := range re.Sub {
			some := required(sub)
			if some == nil {
				return nil
			}
			all = append(all, some...)
		}
		slices.Sort(all)
		if all = slices.Compact(all); len(all) <= maxNeeds {
			return all
		}
	case syntax.OpConcat:
		return bestOf(re.Sub)
	case syntax.OpLiteral:
		return piecesOf(finite(re))
	}
	return nil
}

// bestOf chooses among the parts of a sequence. Parts that stand for a few texts are
// taken together with those beside them.
func bestOf(parts []*syntax.Regexp) []string {
	var best []string
	take := func(some []string) {
		if some != nil && (best == nil || worth(some) > worth(best)) {
			best = some
		}
	}
	run := []string{""}
	for _, part := range parts {
		few := finite(part)
		if few == nil || len(run)*len(few) > maxFew {
			take(piecesOf(run))
			run = []string{""}
		}
		switch {
		case few != nil && len(few) <= maxFew:
			run = product(run, few)
		default:
			take(required(part))
		}
	}
	take(piecesOf(run))
	return best
}

// maxFew is how many texts an expression may stand for that is still taken for a few.
const maxFew = 40

// finite gives all texts that an expression stands for, nil if they are many.
func finite(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpBeginText, syntax.OpEndLine, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return []string{string(re.Rune)}
		}
	case syntax.OpCharClass:
		var all []string
		for i := 0; i < len(re.Rune); i += 2 {
			for c := re.Rune[i]; c <= re.Rune[i+1] && len(all) <= 4; c++ {
				all = append(all, string(c))
			}
		}
		if len(all) <= 4 {
			return all
		}
	case syntax.OpCapture:
		return finite(re.Sub[0])
	case syntax.OpQuest:
		if few := finite(re.Sub[0]); few != nil {
			return append([]string{""}, few...)
		}
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			few := finite(sub)
			if few == nil || len(all)+len(few) > maxFew {
				return nil
			}
			all = append(all, few...)
		}
		return all
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range re.Sub {
			few := finite(sub)
			if few == nil || len(all)*len(few) > maxFew {
				return nil
			}
			all = product(all, few)
		}
		return all
	}
	return nil
}

// product puts each text before each of the others.
func product(before, after []string) []string {
	all := make([]string, 0, len(before)*len(after))
	for _, a := range before {
		for _, b := range after {
			all = append(all, a+b)
		}
	}
	return all
}

// piecesOf gives a piece of each text; nil if one has none.
func piecesOf(texts []string) []string {
	var all []string
	for _, text := range texts {
		piece := pieceOf(text)
		if piece == "" {
			return nil
		}
		all = append(all, piece)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// marks stand in logs in many forms: quotes, and what is beside them.
const marks = "\u00a0\u202f‘’“”´«»„‚‹›「」"

func isMark(r rune) bool {
	return r < utf8.RuneSelf && (r == '\'' || r == '"' || r == '\n' || r == '`') || r >= utf8.RuneSelf && strings.ContainsRune(marks, r)
}

// pieceOf gives the part of a text that is worth most, "" if all are too short. Quotes are
// left out, since logs have many kinds of them, and so is what compilers colour on its own.
func pieceOf(text string) string {
	best, most := "", math.MinInt
	for part := range strings.FieldsFuncSeq(text, isMark) {
		for piece := range strings.SplitAfterSeq(part, "error: ") {
			if piece == "error: " && part != "error: " || len(piece) < shortest {
				continue
			}
			if n := rare(piece); n > most {
				best, most = piece, n
			}
		}
	}
	return best
}

// common are words that say little: many lines have them.
var common = []string{"error", "Error", "ERROR", " not found", "No such file or directory", " failed", "cannot ", "warning", "required", "version", "undefined"}

// worth guesses how rare the most frequent of some pieces is.
func worth(pieces []string) int {
	least := math.MaxInt
	for _, p := range pieces {
		least = min(least, rare(p))
	}
	return least - len(pieces)/4
}

// rare guesses how rare a piece of text is in logs.
func rare(piece string) int {
	n := 2 * min(len(piece), 20)
	for _, word := range common {
		if strings.Contains(piece, word) {
			n -= len(word)
		}
	}
	if isEveryday(piece) {
		n -= 40
	}
	return n
}
