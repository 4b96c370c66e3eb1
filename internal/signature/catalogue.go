package signature

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

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
	ID string `json:"id"`
	// Of is the signature that this is a special case of, and beats.
	Of   string `json:"of,omitempty"`
	Rank Rank   `json:"rank"`
	// Alone it is no failure: many builds go on after it.
	Weak bool `json:"weak,omitempty"`
	// It says that configure, cmake or meson could not do what must go in any case: the log
	// that they leave has the compiler's own words.
	Probe bool `json:"probe,omitempty"`
	// It says that the package's own tests have failed: what was to be built is there.
	Tests bool `json:"tests,omitempty"`
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
	Proof Proof    `json:"proof,omitzero"`
}

// Class is the id under which the signature is reported: that of what it is a special case
// of, or its own.
func (s *Signature) Class() string {
	if s.Of != "" {
		return s.Of
	}
	return s.ID
}

// A Remedy is something to do about an error.
type Remedy struct {
	Kind Kind `json:"kind"`
	// In words; may hold what the cause may hold.
	Do string `json:"do"`
	// What of it can be done without a person: one, or a list in the order in which they are
	// tried.
	Try Tries `json:"try,omitempty"`
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
	origins    map[string]origin          // by the id of a signature

	gate    *gate
	wanting map[int][]owned // the patterns that a piece of the gate is for
	walking map[int][]walk  // the walks that a piece of the gate is for
	// The pieces of the gate that structured lines have, and names of other logs.
	structuring, logging map[int]bool
}

// An origin is where a signature stands.
type origin struct {
	signature    *Signature
	file         *yamlfile.Doc
	index, layer int
	unproven     bool // its proof was not read
}

// An owned pattern is one of a signature.
type owned struct {
	*Pattern
	Signature *Signature
}

// A Layer is a part of the catalogue: signatures that go before those of the layers below
// it, where they have the same id.
type Layer = yamlfile.Layer

func newCatalogue() *Catalogue {
	return &Catalogue{beaten: map[string]map[string]bool{}, origins: map[string]origin{}}
}

// ProofKey is the key of a signature that only [Catalogue.Prove] wants. A layer that is known to
// be right may skip it: it is more than half of the text.
const ProofKey = "proof"

// Load reads the catalogue, the lowest layer first. When anything is wrong, the error is
// [yamlfile.Mistakes], and the catalogue has only what is right; proof is not tried, see
// [Catalogue.Prove].
func Load(layers ...Layer) (*Catalogue, error) {
	c := newCatalogue()
	var files []*file
	var readers errgroup.Group
	readers.SetLimit(runtime.GOMAXPROCS(0))
	err := yamlfile.ReadLayers(layers, func(layer int, name string, text []byte) {
		f := &file{layer: layer, unproven: layers[layer].Skip == ProofKey}
		files = append(files, f)
		readers.Go(func() error { f.read(name, text); return nil })
	})
	_ = readers.Wait() // nothing of it fails
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue of signatures: %w", err)
	}
	var wrong yamlfile.Mistakes
	for _, f := range files {
		wrong = append(wrong, c.add(f)...)
	}

	for _, s := range c.named() {
		general := c.origins[s.Of].signature
		switch {
		case s.Of == "":
		case general == nil:
			wrong = append(wrong, c.mistake(s, fmt.Sprintf("nobody knows the signature %q that %s is a case of", s.Of, s.ID), didYouMean(s.Of, c.Names()), "of"))
		case general.Of != "":
			wrong = append(wrong, c.mistake(s, fmt.Sprintf("%s is itself a case of %s", s.Of, general.Of), "of: "+general.Of, "of"))
		}
		for i, id := range s.Over {
			if !c.Known(id) {
				wrong = append(wrong, c.mistake(s, fmt.Sprintf("nobody knows the signature %q that %s beats", id, s.ID), didYouMean(id, c.Names()), "over", i))
			}
		}
	}
	c.open()
	return c, wrong.Err()
}

// named gives all signatures, in the order of their places.
func (c *Catalogue) named() (all []*Signature) {
	origins := slices.SortedFunc(maps.Values(c.origins), func(a, b origin) int {
		return cmp.Or(cmp.Compare(a.file.Name, b.file.Name), cmp.Compare(a.index, b.index))
	})
	for _, o := range origins {
		all = append(all, o.signature)
	}
	return all
}

// didYouMean is a hint at the nearest of some names, "" if none is near.
func didYouMean(name string, known []string) string {
	if near := yamlfile.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// idForm is the form of a signature's id.
var idForm = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

// A file has some of the signatures.
type file struct {
	doc        *yamlfile.Doc
	layer      int
	unproven   bool // proofs are not read
	signatures []Signature
	spoilt     []bool // that a signature has a mistake in its form or patterns
	wrong      yamlfile.Mistakes
}

// read reads the signatures of a file.
func (f *file) read(name string, text []byte) {
	var all Family
	var err error
	f.doc, err = yamlfile.Decode(name, text, &all)
	var wrong yamlfile.Mistakes
	if errors.As(err, &wrong) {
		f.wrong = slices.Clone(wrong)
	}
	f.signatures = all.Signatures
	f.spoilt = malformed(f.doc, f.wrong, len(f.signatures))
	for i := range f.signatures {
		found := f.mistakes(i)
		f.wrong = append(f.wrong, found...)
		f.spoilt[i] = f.spoilt[i] || len(found) > 0
	}
}

// add takes the signatures of one file up, those with a mistake in their form or patterns only by
// name.
func (c *Catalogue) add(f *file) yamlfile.Mistakes {
	wrong := f.wrong
	for i := range f.signatures {
		s := &f.signatures[i]
		if s.ID == "" {
			continue
		}
		o := origin{signature: s, file: f.doc, index: i, layer: f.layer, unproven: f.unproven}
		if before, known := c.origins[s.ID]; known {
			if before.layer == f.layer {
				wrong = append(wrong, f.doc.Mistake("", fmt.Sprintf("signature %q stands twice in the catalogue", s.ID), "signatures", i, "id"))
				continue
			}
			c.signatures = slices.DeleteFunc(c.signatures, func(old *Signature) bool { return old.ID == s.ID })
		}
		c.origins[s.ID] = o
		if f.spoilt[i] {
			continue
		}
		c.signatures = append(c.signatures, s)
		c.beaten[s.ID] = map[string]bool{s.Of: true}
		for _, id := range s.Over {
			c.beaten[s.ID][id] = true
		}
	}
	return wrong
}

// malformed tells of each signature of a file whether one of the mistakes is in it.
func malformed(doc *yamlfile.Doc, wrong yamlfile.Mistakes, signatures int) []bool {
	all := make([]bool, signatures)
	for _, m := range wrong {
		for i := signatures - 1; i >= 0; i-- {
			if doc.Lookup("signatures", i).Line <= m.Pos.Line {
				all[i] = true
				break
			}
		}
	}
	return all
}

// mistakes says what is wrong with one signature beside its form; what may be missing
// because of a mistake in that is not missed.
func (f *file) mistakes(i int) (wrong yamlfile.Mistakes) {
	s := &f.signatures[i]
	fail := func(text, hint string, at ...any) {
		wrong = append(wrong, f.doc.Mistake(hint, text, append([]any{"signatures", i}, at...)...))
	}
	if !idForm.MatchString(s.ID) && s.ID != "" {
		fail(fmt.Sprintf("%q can't be the id of a signature", s.ID), "lower-case letters, digits and dashes", "id")
	}
	if !f.spoilt[i] {
		if len(s.Match) == 0 {
			fail(fmt.Sprintf("signature %s matches nothing", s.ID), "", "match")
		}
		if len(s.Proof.Matches) == 0 && !f.unproven {
			fail(fmt.Sprintf("signature %s has no line that proves it", s.ID), "proof.matches: the text of a real log, and what is captured there", "proof")
		}
		if s.Cause == "" && s.Rank != Secondary {
			fail(fmt.Sprintf("signature %s does not say what went wrong", s.ID), "a sentence; it may hold {symbol}, {file} and {line}", "cause")
		}
		for j, r := range s.Remedies {
			if r.Do == "" {
				fail(fmt.Sprintf("remedy %d of signature %s does not say what to do", j+1, s.ID), "a sentence; it may hold {symbol}, {file} and {line}", "remedies", j)
			}
		}
	}
	for j := range s.Match {
		if key, err := s.Match[j].compile(); err != nil && key == "" {
			fail(err.Error(), "", "match", j)
		} else if err != nil {
			fail(err.Error(), "", "match", j, key)
		}
	}
	const known = "it may hold {symbol}, {file} and {line}"
	if hole := unknownHole(s.Cause); hole != "" {
		fail(fmt.Sprintf("nothing is known as %s", hole), known, "cause")
	}
	for j, r := range s.Remedies {
		if hole := unknownHole(r.Do); hole != "" {
			fail(fmt.Sprintf("nothing is known as %s", hole), known, "remedies", j, "do")
		}
		for _, t := range r.Try {
			for _, text := range t.texts() {
				if hole := unknownHole(text); hole != "" {
					fail(fmt.Sprintf("nothing is known as %s", hole), known, "remedies", j, "try")
				}
			}
		}
	}
	return wrong
}

// holes are what a sentence leaves open for what was captured.
var holes = regexp.MustCompile(`\{[a-z]+\}`)

// unknownHole is one in a text that nothing fills, "" if there is none.
func unknownHole(text string) string {
	for _, hole := range holes.FindAllString(text, -1) {
		if !slices.Contains([]string{"{symbol}", "{file}", "{line}"}, hole) {
			return hole
		}
	}
	return ""
}

// mistake is one in a signature.
func (c *Catalogue) mistake(s *Signature, text, hint string, at ...any) yamlfile.Mistake {
	o := c.origins[s.ID]
	return o.file.Mistake(hint, text, append([]any{"signatures", o.index}, at...)...)
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
	c.wanting, c.walking = map[int][]owned{}, map[int][]walk{}
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
	for _, w := range walks {
		at := piece(w.piece())
		c.walking[at] = append(c.walking[at], w)
	}
	c.structuring, c.logging = map[int]bool{}, map[int]bool{}
	for _, text := range structures {
		c.structuring[piece(text)] = true
	}
	for _, text := range otherLogs {
		c.logging[piece(text)] = true
	}
	c.gate = newGate(pieces)
}

// Known reports whether the catalogue has a signature of that name.
func (c *Catalogue) Known(id string) bool {
	_, known := c.origins[id]
	return known
}

// Differing lists the ids of the signatures that are not the same in two texts of a file.
func Differing(before, after []byte) []string {
	all := map[string]string{}
	read := func(text []byte, visit func(id, form string)) {
		var f Family
		_, _ = yamlfile.Decode("", text, &f) // what is wrong with it is told elsewhere
		for _, s := range f.Signatures {
			form, err := json.Marshal(s)
			if err == nil {
				visit(s.ID, string(form))
			}
		}
	}
	read(before, func(id, form string) { all[id] += form })
	read(after, func(id, form string) {
		if all[id] == form {
			delete(all, id)
		} else {
			all[id] = "another"
		}
	})
	return slices.Sorted(maps.Keys(all))
}

// Pos is where a signature stands.
func (c *Catalogue) Pos(id string) (pos yamlfile.Pos, ok bool) {
	o, ok := c.origins[id]
	if !ok {
		return pos, false
	}
	return o.file.Lookup("signatures", o.index, "id"), true
}

// Names lists the ids of all signatures, sorted.
func (c *Catalogue) Names() []string { return slices.Sorted(maps.Keys(c.origins)) }
