package signature

import (
	"fmt"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// Prove tries every proof. What does not hold is a mistake in the catalogue, and so is a
// pattern that would be slow.
func (c *Catalogue) Prove() yamlfile.Mistakes {
	var wrong yamlfile.Mistakes
	shadows := map[*Signature]*shadow{}
	for _, s := range c.signatures {
		for i := range s.Match {
			if text, hint := s.Match[i].slow(); text != "" {
				wrong = append(wrong, c.mistake(s, text, hint, "match", i))
			}
		}
		for i, e := range s.Proof.Matches {
			if m, bad := c.disproved(s, e, i, shadows); bad {
				wrong = append(wrong, m)
			}
		}
		for i, miss := range s.Proof.Misses {
			if slices.ContainsFunc(c.found(miss), func(m Match) bool { return m.Signature == s }) {
				wrong = append(wrong, c.mistake(s, fmt.Sprintf("signature %s matches what it must not", s.ID), "make its pattern sharper, or say with not: what is not meant", "proof", "misses", i))
			}
		}
	}
	for _, s := range c.signatures {
		if over := shadows[s]; over != nil {
			wrong = append(wrong, c.mistake(s, fmt.Sprintf("%s matches proofs of %s as well, such as %q", s.ID, some(over.of), over.text), "list those under over:, or make the pattern sharper", "match"))
		}
	}
	return wrong
}

// A shadow is what a signature of a higher layer falls upon.
type shadow struct {
	of   []string // ids of signatures of lower layers
	text string   // a proof of the first
}

// some lists the first few.
func some(ids []string) string {
	const few = 3
	if len(ids) <= few {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more signatures", strings.Join(ids[:few], ", "), len(ids)-few)
}

// found gives what is found in some lines.
func (c *Catalogue) found(text Lines) []Match {
	scan, _ := c.Scan(strings.NewReader(text.String())) // there is nothing to fail
	return scan.Matches
}

// disproved says what is wrong with an example. If it is a higher layer that is to blame,
// that is noted as its shadow.
func (c *Catalogue) disproved(s *Signature, e Example, i int, shadows map[*Signature]*shadow) (m yamlfile.Mistake, bad bool) {
	all := c.found(e.Text)
	own := slices.IndexFunc(all, func(m Match) bool { return m.Signature == s })
	if own < 0 {
		var others []string
		for _, m := range all {
			others = append(others, m.Signature.ID)
		}
		if len(others) == 0 {
			return c.mistake(s, fmt.Sprintf("%s does not match this", s.ID), "error: is held against what stands behind \"error: \", line: against the whole line; both see every quotation mark as ', and no colours, times or other things that a logger puts in front", "proof", "matches", i), true
		}
		return c.mistake(s, fmt.Sprintf("this is taken for %s, not for %s", strings.Join(others, ", "), s.ID), "if it says more than that one, list that one under over:", "proof", "matches", i), true
	}
	if got := all[own]; got.File != e.File || got.Line != e.Line || got.Symbol != e.Symbol {
		return c.mistake(s, fmt.Sprintf("%s captures file: %q, line: %d, symbol: %q here", s.ID, got.File, got.Line, got.Symbol), "write down what is right, or capture it", "proof", "matches", i), true
	}
	for _, other := range all {
		o := other.Signature
		if o == s || other.LogLine != all[own].LogLine || o.Rank.Order() > s.Rank.Order() {
			continue
		}
		if c.origins[o.ID].layer > c.origins[s.ID].layer {
			if shadows[o] == nil {
				shadows[o] = &shadow{text: e.Text.String()}
			}
			if of := &shadows[o].of; !slices.Contains(*of, s.ID) {
				*of = append(*of, s.ID)
			}
			continue
		}
		return c.mistake(s, fmt.Sprintf("%s is here as well, and says as much", o.ID), "list it under over: if this one says more", "proof", "matches", i), true
	}
	return m, false
}

// longest is how many steps a pattern may have, as the regexp package counts them. Each
// character of a line that is tried can cost that many.
const longest = 2000

// slow says what makes a pattern slow, "" if nothing does.
func (p *Pattern) slow() (text, hint string) {
	for _, piece := range p.needs {
		if isEveryday(piece) {
			return fmt.Sprintf("lines with %q would all be tried, and builds that go well are full of them", piece), "write more of the line out: the longest piece of plain text is what it is looked up by"
		}
	}
	if n := p.steps(); n > longest {
		return fmt.Sprintf("this expression is too long: %d steps, and %d may be", n, longest), "repeat less: \\d+ rather than \\d{1,200}"
	}
	return "", ""
}
