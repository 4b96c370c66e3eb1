package signature

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
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
	// What it looks like, one of these.
	Match []Pattern `json:"match"`
	// Signatures that this one beats where both match a line.
	Over []string `json:"over,omitempty"`
	// What went wrong, in a sentence. May hold {symbol}, {file} and {line}.
	Cause string `json:"cause"`
	// What to do, the best first.
	Remedies []Remedy `json:"remedies,omitempty"`
	// Where more is said about it.
	Links []string `json:"links,omitempty"`
	Proof Proof    `json:"proof"`
}

// A Remedy is something to do about an error.
type Remedy struct {
	Kind Kind `json:"kind"`
	// In words; may hold what the cause may hold.
	Do string `json:"do"`
}

// A Kind of remedy says what it changes.
type Kind string

// The kinds of remedies.
const (
	Source      Kind = "source"      // the source, by a patch
	Flag        Kind = "flag"        // flags of the compiler, linker or configure
	Environment Kind = "environment" // the machine: disk, memory, network, rights, clock
	Package     Kind = "package"     // a package that has to be there
	Toolchain   Kind = "toolchain"   // another compiler, linker or build tool
	Advice      Kind = "advice"      // nothing that could be done for somebody
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *Kind) UnmarshalText(text []byte) error {
	all := []Kind{Source, Flag, Environment, Package, Toolchain, Advice}
	if *k = Kind(text); !slices.Contains(all, *k) {
		return fmt.Errorf("unknown kind of remedy %q: it is one of %v", text, all)
	}
	return nil
}

// Proof is what shows a signature to be right.
type Proof struct {
	Matches []Example `json:"matches"`
	// Lines of other errors, or of no error.
	Misses []Lines `json:"misses,omitempty"`
}

// Lines are a line of a log, or a list of some that follow each other.
type Lines []string

// Shape implements [yamlfile.Shaper].
func (l *Lines) Shape(n yamlfile.Node) {
	if _, list := n.Items(); list {
		n.Decode((*[]string)(l))
		return
	}
	var one string
	n.Decode(&one)
	*l = Lines{one}
}

// String is the lines as a log has them.
func (l Lines) String() string { return strings.Join(l, "\n") }

// An Example is a line, or a few, that a signature matches, and what it captures there.
type Example struct {
	Text   Lines  `json:"text"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Symbol string `json:"symbol,omitempty"`
	By     string `json:"by,omitempty"` // the program that says so
}

// Rank says how much a signature tells.
type Rank string

// The ranks, the most telling first.
const (
	Cause     Rank = "cause"     // names the cause
	General   Rank = "kind"      // names the kind of error
	Secondary Rank = "secondary" // only says that something failed
)

// Order is 0 for the most telling rank.
func (r Rank) Order() int { return slices.Index([]Rank{Cause, General, Secondary}, r) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (r *Rank) UnmarshalText(text []byte) error {
	*r = Rank(text)
	if r.Order() < 0 {
		return fmt.Errorf("unknown rank %q: it is cause, kind or secondary", text)
	}
	return nil
}

// A Catalogue is all signatures that are known. It does not change, and may be used by
// several goroutines.
type Catalogue struct {
	signatures []*Signature
	beaten     map[string]map[string]bool // by the id of the one that beats
	files      map[string]*yamlfile.Doc   // by the id of a signature
	places     map[string]int             // index in its file, by id

	gate    *gate
	wanting map[int][]owned // the patterns that a piece of the gate is for
	walking map[int][]int   // the walks that a piece of the gate is for
}

// An owned pattern is one of a signature.
type owned struct {
	*Pattern
	Signature *Signature
}

// Load reads every .yaml file in the folder dir of files. When anything is
// wrong, the error is [yamlfile.Mistakes]; proof is not tried, see [Catalogue.Prove].
func Load(files fs.FS, dir string) (*Catalogue, error) {
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue of signatures: %w", err)
	}
	c := &Catalogue{beaten: map[string]map[string]bool{}, files: map[string]*yamlfile.Doc{}, places: map[string]int{}}
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
	for _, s := range c.signatures {
		for i, id := range s.Over {
			if !c.Known(id) {
				wrong = append(wrong, c.mistake(s, fmt.Sprintf("nobody knows the signature %q that %s beats", id, s.ID), "", "over", i))
			}
		}
	}
	if len(wrong) > 0 {
		return c, wrong.Err()
	}
	c.open()
	return c, nil
}

// idForm is the form of a signature's id.
var idForm = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

// add takes the signatures of one file up.
func (c *Catalogue) add(name string, text []byte) yamlfile.Mistakes {
	var f Family
	doc, err := yamlfile.Decode(name, text, &f)
	var wrong yamlfile.Mistakes
	if errors.As(err, &wrong) {
		return wrong
	}
	for i := range f.Signatures {
		s := &f.Signatures[i]
		fail := func(text, hint string, at ...any) {
			wrong = append(wrong, doc.Mistake(hint, text, append([]any{"signatures", i}, at...)...))
		}
		switch {
		case !idForm.MatchString(s.ID):
			fail(fmt.Sprintf("%q can't be the id of a signature", s.ID), "lower-case letters, digits and dashes", "id")
			continue
		case c.Known(s.ID):
			fail(fmt.Sprintf("signature %q stands twice in the catalogue", s.ID), "", "id")
			continue
		case len(s.Match) == 0:
			fail(fmt.Sprintf("signature %s matches nothing", s.ID), "", "match")
		case len(s.Proof.Matches) == 0:
			fail(fmt.Sprintf("signature %s has no line that proves it", s.ID), "", "proof")
		}
		for j := range s.Match {
			if key, err := s.Match[j].compile(); err != nil && key == "" {
				fail(err.Error(), "", "match", j)
			} else if err != nil {
				fail(err.Error(), "", "match", j, key)
			}
		}
		c.signatures = append(c.signatures, s)
		c.files[s.ID], c.places[s.ID] = doc, i
		c.beaten[s.ID] = map[string]bool{}
		for _, id := range s.Over {
			c.beaten[s.ID][id] = true
		}
	}
	return wrong
}

// mistake is one in a signature.
func (c *Catalogue) mistake(s *Signature, text, hint string, at ...any) yamlfile.Mistake {
	return c.files[s.ID].Mistake(hint, text, append([]any{"signatures", c.places[s.ID]}, at...)...)
}

// open makes the gate.
func (c *Catalogue) open() {
	number := map[string]int{}
	var pieces []string
	piece := func(text string) int {
		i, known := number[text]
		if !known {
			i = len(pieces)
			number[text] = i
			pieces = append(pieces, text)
		}
		return i
	}
	c.wanting, c.walking = map[int][]owned{}, map[int][]int{}
	var errorWords []int
	for _, s := range severities {
		if s.means == "error" {
			errorWords = append(errorWords, piece(s.word))
		}
	}
	for _, s := range c.signatures {
		for i := range s.Match {
			p := owned{&s.Match[i], s}
			for _, text := range p.needs {
				c.wanting[piece(text)] = append(c.wanting[piece(text)], p)
			}
			for _, word := range errorWords {
				if p.needs == nil {
					c.wanting[word] = append(c.wanting[word], p)
				}
			}
		}
	}
	for i, w := range walks {
		c.walking[piece(w.piece)] = append(c.walking[piece(w.piece)], i)
	}
	c.gate = newGate(pieces)
}

// Known reports whether the catalogue has a signature of that name.
func (c *Catalogue) Known(id string) bool { return c.files[id] != nil }

// Names lists the ids of all signatures, sorted.
func (c *Catalogue) Names() []string { return slices.Sorted(maps.Keys(c.files)) }

// Prove tries every proof. What does not hold is a mistake in the catalogue.
func (c *Catalogue) Prove() yamlfile.Mistakes {
	var wrong yamlfile.Mistakes
	for _, s := range c.signatures {
		for i, e := range s.Proof.Matches {
			if text := c.disproves(s, e); text != "" {
				wrong = append(wrong, c.mistake(s, text, "", "proof", "matches", i))
			}
		}
		for i, miss := range s.Proof.Misses {
			scan, _ := c.Scan(strings.NewReader(miss.String()))
			if slices.ContainsFunc(scan.Matches, func(m Match) bool { return m.Signature == s }) {
				wrong = append(wrong, c.mistake(s, fmt.Sprintf("signature %s matches what it must not", s.ID), "", "proof", "misses", i))
			}
		}
	}
	return wrong
}

// disproves says what is wrong with an example, "" if nothing is.
func (c *Catalogue) disproves(s *Signature, e Example) string {
	scan, err := c.Scan(strings.NewReader(e.Text.String()))
	if err != nil {
		return err.Error()
	}
	var others []string
	var own *Match
	for i, m := range scan.Matches {
		if m.Signature != s {
			others = append(others, m.Signature.ID)
		} else if own == nil {
			own = &scan.Matches[i]
		}
	}
	if own != nil {
		i := slices.IndexFunc(scan.Matches, func(o Match) bool {
			return o.LogLine == own.LogLine && o.Signature != s && o.Signature.Rank.Order() <= s.Rank.Order()
		})
		switch {
		case own.File != e.File || own.Line != e.Line || own.Symbol != e.Symbol:
			return fmt.Sprintf("%s captures file: %q, line: %d, symbol: %q here", s.ID, own.File, own.Line, own.Symbol)
		case i >= 0:
			return fmt.Sprintf("%s is here as well, and says as much: one should be over the other", scan.Matches[i].Signature.ID)
		}
		return ""
	}
	if len(others) > 0 {
		return fmt.Sprintf("this is taken for %s, not for %s", strings.Join(others, ", "), s.ID)
	}
	return fmt.Sprintf("%s does not match this", s.ID)
}
