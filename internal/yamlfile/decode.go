package yamlfile

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 1 << 20

// MaxMistakes is how many mistakes are collected before the rest is passed
// over: nobody reads so many, and a hostile file could hold millions.
const MaxMistakes = 1000

// A Doc is a file that was decoded: it knows where every value stood.
type Doc struct {
	Name     string
	lines    []string
	root     *yaml.Node
	mistakes Mistakes
}

// A Shaper decodes a YAML value that may be written in several ways. It
// reports what it does not like with [Node.Fail] and returns nothing.
type Shaper interface{ Shape(Node) }

// A Node is a YAML value within its document.
type Node struct {
	doc  *Doc
	yaml *yaml.Node
}

// Decode reads the YAML text of the file called name into the struct that
// into points to. When anything is wrong the error is [Mistakes], which holds
// all of it; the Doc is usable even then, to look up places.
func Decode(name string, text []byte, into any) (*Doc, error) {
	doc := &Doc{Name: name}
	if len(text) > MaxSize {
		doc.mistakes = Mistakes{{Pos: Pos{File: name}, Text: fmt.Sprintf("%d bytes are too many for a file of this kind", len(text)), Hint: fmt.Sprintf("the limit is %d", MaxSize)}}
		return doc, doc.mistakes
	}
	doc.lines = strings.Split(string(text), "\n")
	var root yaml.Node
	if err := yaml.Load(text, &root); err != nil {
		doc.syntax(err)
		return doc, doc.mistakes.Err()
	}
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		doc.root = root.Content[0]
	}
	if doc.root == nil || doc.root.Tag == "!!null" {
		doc.mistakes = Mistakes{{Pos: Pos{File: name}, Text: "the file is empty"}}
		return doc, doc.mistakes
	}
	Node{doc, doc.root}.Decode(into)
	return doc, doc.mistakes.Err()
}

// Lookup returns the place of the value that path leads to: keys and list
// indices from the top. Where the path ends early, it is the last place on it.
func (d *Doc) Lookup(path ...any) Pos {
	n := d.root
	if n == nil {
		return Pos{File: d.Name}
	}
	for _, p := range path {
		next := child(n, p)
		if next == nil {
			break
		}
		n = next
	}
	return d.pos(n)
}

// Mistake makes a mistake at the value that path leads to.
func (d *Doc) Mistake(hint, text string, path ...any) Mistake {
	pos := d.Lookup(path...)
	return Mistake{Pos: pos, Text: text, Hint: hint, Line: d.line(pos.Line)}
}

func child(n *yaml.Node, key any) *yaml.Node {
	switch k := key.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && k < len(n.Content) {
			return n.Content[k]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == k {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

func (d *Doc) pos(n *yaml.Node) Pos { return Pos{d.Name, n.Line, n.Column} }

func (d *Doc) line(number int) string {
	if number < 1 || number > len(d.lines) {
		return ""
	}
	const longest = 200
	line := strings.TrimRight(d.lines[number-1], "\r")
	if len(line) > longest {
		line = line[:longest]
	}
	return strings.Map(func(r rune) rune {
		if r != '\t' && unseen(r) {
			return '?'
		}
		return r
	}, line)
}

// syntax takes the parser's errors over, each with its place.
func (d *Doc) syntax(err error) {
	var one *yaml.LoadError
	var many *yaml.LoadErrors
	switch {
	case errors.As(err, &many):
		for _, e := range many.Errors {
			d.syntaxAt(e)
		}
	case errors.As(err, &one):
		d.syntaxAt(one)
	default:
		d.mistakes = append(d.mistakes, Mistake{Pos: Pos{File: d.Name}, Text: "not YAML: " + err.Error()})
	}
}

func (d *Doc) syntaxAt(e *yaml.LoadError) {
	text := strings.TrimPrefix(e.Message, "yaml: ")
	m := Mistake{Pos: Pos{d.Name, e.Mark.Line, e.Mark.Column}, Text: text}
	switch {
	case strings.Contains(text, "found multiple"):
		m.Text, m.Hint = "there is a second document", "keep one document in each file; remove the line ---"
	case strings.Contains(text, "no documents"):
		m.Text = "the file is empty"
	case strings.Contains(text, "cannot start any token"):
		m.Hint = "YAML indents with blanks, not with tabs; quote text that starts with @ ` % or a tab"
	case strings.Contains(text, "mapping values are not allowed"):
		m.Hint = "quote text that holds a colon and a blank"
	}
	if e.ContextMsg != "" {
		m.Text += ", " + e.ContextMsg + " from line " + strconv.Itoa(e.ContextMark.Line)
	}
	if m.Pos.Line > len(d.lines) {
		m.Pos.Line, m.Pos.Column = len(d.lines), 1
	}
	m.Line = d.line(m.Pos.Line)
	d.mistakes = append(d.mistakes, m)
}

// Fail records a mistake at n and what may be tried.
func (n Node) Fail(text, hint string) {
	if len(n.doc.mistakes) >= MaxMistakes {
		return
	}
	pos := n.doc.pos(n.yaml)
	n.doc.mistakes = append(n.doc.mistakes, Mistake{Pos: pos, Text: text, Hint: hint, Line: n.doc.line(pos.Line)})
}

// Scalar reports whether n is plain text.
func (n Node) Scalar() bool { return n.yaml.Kind == yaml.ScalarNode }

// Items returns the elements of a list, and whether n is one.
func (n Node) Items() ([]Node, bool) {
	if n.yaml.Kind != yaml.SequenceNode {
		return nil, false
	}
	items := make([]Node, len(n.yaml.Content))
	for i, c := range n.yaml.Content {
		items[i] = Node{n.doc, c}
	}
	return items, true
}

// Child returns the value of a key of the mapping n, and whether it is there.
func (n Node) Child(key string) (Node, bool) {
	if c := child(n.yaml, key); c != nil {
		return Node{n.doc, c}, true
	}
	return n, false
}

// Decode reads n into the value that into points to, recording mistakes.
func (n Node) Decode(into any) { n.value(reflect.ValueOf(into).Elem()) }

// kindName is what people call a kind of YAML value.
func kindName(k yaml.Kind) string {
	switch k {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "text"
	}
}

// plain reports whether n is free of what these files do not use.
func (n Node) plain() bool {
	switch {
	case n.yaml.Kind == yaml.AliasNode:
		n.Fail("an alias is not allowed here", "write the value out")
	case n.yaml.Anchor != "":
		n.Fail("an anchor is not allowed here", "write the value out where it is needed")
	default:
		return true
	}
	return false
}

func (n Node) value(v reflect.Value) {
	if !n.plain() {
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		n.value(v.Elem())
		return
	}
	switch into := v.Addr().Interface().(type) {
	case Shaper:
		into.Shape(n)
		return
	case encoding.TextUnmarshaler:
		if n.text() {
			if err := into.UnmarshalText([]byte(n.yaml.Value)); err != nil {
				n.Fail(err.Error(), "")
			}
		}
		return
	}
	n.builtin(v)
}

func (n Node) builtin(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		n.structure(v)
	case reflect.Map:
		n.mapping(v)
	case reflect.Slice:
		n.list(v)
	case reflect.String:
		if n.text() {
			v.SetString(n.yaml.Value)
		}
	case reflect.Int:
		if i, err := strconv.Atoi(n.yaml.Value); err == nil && n.Scalar() {
			v.SetInt(int64(i))
		} else {
			n.Fail("want a whole number", "")
		}
	case reflect.Bool:
		switch {
		case n.Scalar() && n.yaml.Value == "true":
			v.SetBool(true)
		case n.Scalar() && n.yaml.Value == "false":
		default:
			n.Fail("want true or false", "")
		}
	default:
		panic("yamlfile: no way to decode into " + v.Type().String())
	}
}

// text reports whether n is text, and says so when it is not.
func (n Node) text() bool {
	switch {
	case !n.Scalar():
		n.Fail("want text here, found "+kindName(n.yaml.Kind), "")
	case n.yaml.Tag == "!!null" && n.yaml.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0:
		n.Fail("the value is missing", "")
	case strings.ContainsFunc(n.yaml.Value, unseen):
		n.Fail("a control character is not allowed here", "write the text on one line")
	default:
		return true
	}
	return false
}

// unseen reports whether a terminal obeys a character rather than shows it:
// control characters, and marks that reverse the writing direction.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// pairs returns the keys and values of a mapping; a key that is not text or
// stands twice is reported and left out.
func (n Node) pairs() [][2]Node {
	if n.yaml.Kind != yaml.MappingNode {
		n.Fail("want a mapping (key: value) here, found "+kindName(n.yaml.Kind), "")
		return nil
	}
	var out [][2]Node
	first := map[string]int{}
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		key, val := Node{n.doc, n.yaml.Content[i]}, Node{n.doc, n.yaml.Content[i+1]}
		if !key.plain() {
			continue
		}
		if !key.Scalar() {
			key.Fail("a key must be text", "")
			continue
		}
		if line, twice := first[key.yaml.Value]; twice {
			key.Fail(fmt.Sprintf("key %q stands twice", key.yaml.Value), fmt.Sprintf("the first is on line %d", line))
			continue
		}
		first[key.yaml.Value] = key.yaml.Line
		out = append(out, [2]Node{key, val})
	}
	return out
}

func (n Node) structure(v reflect.Value) {
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	pairs := n.pairs()
	for _, p := range pairs {
		key, val := p[0], p[1]
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.yaml.Value })
		if i < 0 {
			key.unknownKey(fields)
			continue
		}
		seen[key.yaml.Value] = true
		val.value(v.Field(fields[i].index))
	}
	if pairs == nil && len(n.yaml.Content) > 0 {
		return // the shape is wrong, and said so
	}
	for _, f := range fields {
		if f.required && !seen[f.name] {
			n.Fail(fmt.Sprintf("key %q is missing", f.name), "")
		}
	}
}

func (n Node) unknownKey(fields []field) {
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.name
	}
	hint := "known here: " + strings.Join(known, ", ")
	if near := Nearest(n.yaml.Value, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	n.Fail(fmt.Sprintf("unknown key %q", n.yaml.Value), hint)
}

func (n Node) mapping(v reflect.Value) {
	pairs := n.pairs()
	m := reflect.MakeMapWithSize(v.Type(), len(pairs))
	for _, p := range pairs {
		key := reflect.New(v.Type().Key()).Elem()
		val := reflect.New(v.Type().Elem()).Elem()
		p[0].value(key)
		p[1].value(val)
		m.SetMapIndex(key, val)
	}
	v.Set(m)
}

func (n Node) list(v reflect.Value) {
	items, ok := n.Items()
	if !ok {
		n.Fail("want a list here, found "+kindName(n.yaml.Kind), "a list is written [a, b] or one item a line, each after a dash")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		item.value(out.Index(i))
	}
	v.Set(out)
}

// A field is one key that a struct takes.
type field struct {
	name     string
	index    int
	required bool
}

// known are the fields of struct types that were read.
var known sync.Map

// fieldsOf reads the json tags of a struct type.
func fieldsOf(t reflect.Type) []field {
	if all, ok := known.Load(t); ok {
		return all.([]field)
	}
	var out []field
	for i := range t.NumField() {
		name, rest, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		out = append(out, field{name, i, !strings.Contains(rest, "omit")})
	}
	known.Store(t, out)
	return out
}
