package signature

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// A Family is one file of the catalogue.
type Family struct {
	// What these signatures have in common, in a sentence.
	Summary    string      `json:"summary"`
	Signatures []Signature `json:"signatures"`
}

// A Signature is an error that builds are known to fail with.
type Signature struct {
	// Unique in the catalogue: lower-case letters, digits and dashes.
	ID   string `json:"id"`
	Rank Rank   `json:"rank"`
	// Regular expressions, each over one line of a log. The names file, line
	// and symbol capture what a finding tells.
	Match []Pattern `json:"match"`
	// Signatures that this one beats where both match a line.
	Over []string `json:"over,omitempty"`
	// What went wrong, in a sentence. May hold {symbol}, {file} and {line}.
	Cause string `json:"cause"`
	// What to do, the best first. May hold what the cause may hold.
	Remedy []string `json:"remedy,omitempty"`
	Proof  Proof    `json:"proof"`
}

// Proof is lines that show a signature to be right.
type Proof struct {
	Matches []Example `json:"matches"`
	// Lines of other errors, or of no error.
	Misses []string `json:"misses,omitempty"`
}

// An Example is a line that a signature matches and what it captures there.
type Example struct {
	Text   string `json:"text"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Symbol string `json:"symbol,omitempty"`
}

// Rank says how much a signature tells.
type Rank string

// The ranks, the most telling first.
const (
	Primary   Rank = "primary"   // names the cause
	Generic   Rank = "generic"   // names the kind of error
	Secondary Rank = "secondary" // only says that something failed
)

// order is 0 for the most telling rank.
func (r Rank) order() int { return slices.Index([]Rank{Primary, Generic, Secondary}, r) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *Rank) UnmarshalText(text []byte) error {
	*r = Rank(text)
	if r.order() < 0 {
		return fmt.Errorf("unknown rank %q: it is primary, generic or secondary", text)
	}
	return nil
}

// A Pattern is a regular expression over one line, with a piece of text that
// every line it matches must hold.
type Pattern struct {
	re      *regexp.Regexp
	literal string
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Pattern) UnmarshalText(text []byte) error {
	parsed, err := syntax.Parse(string(text), syntax.Perl)
	if err != nil {
		return fmt.Errorf("not a regular expression: %w", err)
	}
	const shortest = 4
	p.literal = literal(parsed.Simplify())
	if len(p.literal) < shortest {
		return fmt.Errorf("every match needs some plain text of %d characters or more in common, or each line of a log would have to be tried; the longest here is %q", shortest, p.literal)
	}
	p.re, err = regexp.Compile(string(text))
	return err
}

// literal returns the longest text that every match of re holds.
func literal(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literal(re.Sub[0])
	case syntax.OpConcat:
		var best, run string
		for _, sub := range re.Sub {
			longest := literal(sub)
			if sub.Op == syntax.OpLiteral && sub.Flags&syntax.FoldCase == 0 {
				run += longest
				longest = run
			} else {
				run = ""
			}
			if len(longest) > len(best) {
				best = longest
			}
		}
		return best
	}
	return ""
}

// A Catalogue is all signatures that are known.
type Catalogue struct {
	signatures []Signature
	beaten     map[string]map[string]bool // by the id of the one that beats
}

// Load reads every .yaml file in the folder dir of files. When anything is
// wrong, the error is [yamlfile.Mistakes]; proof is not tried, see [Catalogue.Prove].
func Load(files fs.FS, dir string) (*Catalogue, error) {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue of signatures: %w", err)
	}
	c := &Catalogue{beaten: map[string]map[string]bool{}}
	var wrong yamlfile.Mistakes
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".yaml" {
			continue
		}
		text, err := fs.ReadFile(files, path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue of signatures: %w", err)
		}
		wrong = append(wrong, c.add(path.Join(dir, e.Name()), text)...)
	}
	return c, wrong.Err()
}

// add takes the signatures of one file up.
func (c *Catalogue) add(name string, text []byte) yamlfile.Mistakes {
	var f Family
	doc, err := yamlfile.Decode(name, text, &f)
	var wrong yamlfile.Mistakes
	if errors.As(err, &wrong) {
		return wrong
	}
	for i, s := range f.Signatures {
		if c.Known(s.ID) {
			wrong = append(wrong, doc.Mistake("", fmt.Sprintf("signature %q stands twice in the catalogue", s.ID), "signatures", i, "id"))
			continue
		}
		if len(s.Match) == 0 || len(s.Proof.Matches) == 0 {
			wrong = append(wrong, doc.Mistake("", fmt.Sprintf("signature %q needs a pattern and a line that proves it", s.ID), "signatures", i))
		}
		c.signatures = append(c.signatures, s)
		c.beaten[s.ID] = map[string]bool{}
		for _, id := range s.Over {
			c.beaten[s.ID][id] = true
		}
	}
	return wrong
}

// Known reports whether the catalogue has a signature of that name.
func (c *Catalogue) Known(id string) bool {
	return slices.ContainsFunc(c.signatures, func(s Signature) bool { return s.ID == id })
}

// Prove tries every proof and returns what does not hold.
func (c *Catalogue) Prove() error {
	var wrong []error
	for _, s := range c.signatures {
		for _, e := range s.Proof.Matches {
			root, ok := Root(c.Scan(strings.NewReader(e.Text)))
			switch {
			case !ok || root.Signature != s.ID:
				wrong = append(wrong, fmt.Errorf("signature %s: its example is taken for %q: %s", s.ID, root.Signature, e.Text))
			case root.File != e.File || root.Line != e.Line || root.Symbol != e.Symbol:
				wrong = append(wrong, fmt.Errorf("signature %s: captured file %q, line %d, symbol %q in: %s", s.ID, root.File, root.Line, root.Symbol, e.Text))
			}
		}
		for _, miss := range s.Proof.Misses {
			for _, f := range c.Scan(strings.NewReader(miss)) {
				if f.Signature == s.ID {
					wrong = append(wrong, fmt.Errorf("signature %s matches what it must not: %s", s.ID, miss))
				}
			}
		}
		for id := range c.beaten[s.ID] {
			if !c.Known(id) {
				wrong = append(wrong, fmt.Errorf("signature %s beats %q, which nobody knows", s.ID, id))
			}
		}
	}
	return errors.Join(wrong...)
}
