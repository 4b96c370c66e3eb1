package signature

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"srcmend/internal/yamlfile"
	"srcmend/recipes"
)

func shipped(t testing.TB) *Catalogue {
	t.Helper()
	files, err := fs.Sub(recipes.FS, "signatures")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(Layer{Name: "signatures", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestShippedCatalogue: every signature matches its examples, captures what they say, is
// not beaten on them, and leaves its near misses alone.
func TestShippedCatalogue(t *testing.T) {
	c := shipped(t)
	for _, m := range c.Prove() {
		t.Error(m.Show())
	}
	const atLeast = 200
	if n := len(c.Names()); n < atLeast {
		t.Errorf("there are %d signatures, want at least %d", n, atLeast)
	}
}

// TestShippedWithoutProofs: without its proofs the shipped catalogue is the same, each
// signature where it was.
func TestShippedWithoutProofs(t *testing.T) {
	files, err := fs.Sub(recipes.FS, "signatures")
	if err != nil {
		t.Fatal(err)
	}
	without, err := Load(Layer{Name: "signatures", Files: files, Skip: ProofKey})
	if err != nil {
		t.Fatal(err)
	}
	full := shipped(t)
	for _, s := range full.named() {
		o := without.origins[s.ID]
		if o.signature == nil {
			t.Errorf("%s is missing", s.ID)
			continue
		}
		if len(o.signature.Proof.Matches)+len(o.signature.Proof.Misses) > 0 {
			t.Errorf("%s has its proof", s.ID)
		}
		s.Proof = Proof{}
		if !reflect.DeepEqual(s, o.signature) {
			t.Errorf("%s is another one:\n%+v\n%+v", s.ID, s, o.signature)
		}
		if got, want := without.mistake(o.signature, "", "").Pos, full.mistake(s, "", "").Pos; got != want {
			t.Errorf("%s stands at %v, want %v", s.ID, got, want)
		}
	}
}

// load reads one family.
func load(family string) (*Catalogue, error) {
	return Load(Layer{Name: "signatures", Files: fstest.MapFS{"x.yaml": {Data: []byte(family)}}})
}

const proof = "\n    proof: {matches: [{text: x}]}\n"

// TestMistakes: what is wrong with a catalogue is said where it stands.
func TestMistakes(t *testing.T) {
	head := "summary: s\nsignatures:\n  - id: a\n    rank: cause\n    cause: c\n"
	for _, test := range []struct{ family, says string }{
		{head + "    match: [{line: '^[a-z]+$'}]" + proof, "every line it matches needs some plain text of 5 characters"},
		{head + "    match: [{line: '(abcdef|.*)x'}]" + proof, "every line it matches needs some plain text"},
		{head + "    match: [{line: 'abc(def'}]" + proof, "not a regular expression"},
		{head + "    match: [{line: abcdef, error: abcdef}]" + proof, "exactly one of error and line"},
		{head + "    match: [{then: abcdef}]" + proof, "exactly one of error and line"},
		{head + "    match: [{line: abcdef, within: 2}]" + proof, "within is for then"},
		{head + "    match: [{line: abcdef, then: x, within: 99}]" + proof, "within is from 1 to 10 lines"},
		{head + "    match: [{line: abcdef, below: '('}]" + proof, "not a regular expression"},
		{head + "    match: []" + proof, "matches nothing"},
		{head + "    match: [{line: abcdef}]\n    proof: {matches: []}\n", "no line that proves it"},
		{head + "    match: [{line: abcdef}]\n    over: [b]" + proof, `nobody knows the signature "b"`},
		{head + "    match: [{line: abcdef}]\n    remedies: [{kind: magic, do: x}]" + proof, "unknown kind of remedy"},
		{strings.Replace(head, "cause\n", "best\n", 1) + "    match: [{line: abcdef}]" + proof, "unknown rank"},
		{strings.Replace(head, "id: a", "id: A b", 1) + "    match: [{line: abcdef}]" + proof, "can't be the id of a signature"},
	} {
		_, err := load(test.family)
		var wrong yamlfile.Mistakes
		if !errors.As(err, &wrong) || len(wrong) != 1 || !strings.Contains(wrong[0].Error(), test.says) || wrong[0].Pos.Line < 3 {
			t.Errorf("%s\nis %v; want %q", test.family, err, test.says)
		}
	}
}

// TestDisproved: a proof that does not hold is a mistake.
func TestDisproved(t *testing.T) {
	head := "summary: s\nsignatures:\n  - {id: b, rank: cause, cause: c, match: [{line: other thing}], proof: {matches: [{text: other thing}]}}\n  - id: a\n    rank: cause\n    cause: c\n    match: [{error: \"^no '{symbol}'\"}]\n    proof:\n"
	for _, test := range []struct{ proof, says string }{
		{"      matches: [{text: nothing}]\n", "a does not match this"},
		{"      matches: [{text: an other thing}]\n", "taken for b, not for a"},
		{"      matches: [{text: \"x.c:1:2: error: no 'y'\", file: x.c, line: 1, symbol: z}]\n", `captures file: "x.c", line: 1, symbol: "y"`},
		{"      matches: [{text: \"x.c:1:2: error: no 'y' other thing\", file: x.c, line: 1, symbol: y}]\n", "list it under over: if this one says more"},
		{"      matches: [{text: \"x.c:1:2: error: no 'y'\", file: x.c, line: 1, symbol: y}]\n      misses: [\"x.c:1:2: error: no 'z'\"]\n", "matches what it must not"},
		{"      matches: [{text: [before, \"x.c:1:2: error: no 'y'\", after], file: x.c, line: 1, symbol: y}]\n      misses: [\"x.c:1:2: warning: no 'z'\"]\n", ""},
	} {
		c, err := load(head + test.proof)
		if err != nil {
			t.Fatal(err)
		}
		wrong := c.Prove()
		if test.says == "" && len(wrong) > 0 || test.says != "" && (len(wrong) != 1 || !strings.Contains(wrong[0].Error(), test.says)) {
			t.Errorf("%s: %v; want %q", test.proof, wrong, test.says)
		}
	}
}

// TestLintTells: what would never work, or says nothing, is a mistake.
func TestLintTells(t *testing.T) {
	const form = "summary: s\nsignatures:\n  - id: a\n    rank: cause\n    cause: %q\n    match: %s\n    proof: {matches: [{text: 'gizmo exploded'}]}\n"
	for _, test := range []struct{ what, cause, match string }{
		{"a name that is none in the cause", "the {sybmol} exploded", "[{line: gizmo exploded}]"},
		{"a capture that nobody takes", "c", "[{line: 'gizmo (?P<sym>exploded)'}]"},
		{"two captures of one name", "c", "[{line: '{symbol} gizmo {symbol}'}]"},
	} {
		c, err := load(fmt.Sprintf(form, test.cause, test.match))
		if err == nil && len(c.Prove()) == 0 {
			t.Errorf("%s: no mistake", test.what)
		}
	}
}

func TestRequired(t *testing.T) {
	for text, want := range map[string][]string{
		"undefined reference to":             {"undefined reference to"},
		"(?:abcde|fghij)":                    {"abcde", "fghij"},
		"[Mm]emory":                          {"emory"},
		"^(?:FAIL|ERROR): ":                  {"ERROR: ", "FAIL: "},
		"'x' undeclared here":                {" undeclared here"},
		"(?i)abcdefgh":                       nil,
		"abcd":                               nil,
		"a?bcdefg":                           {"abcdefg", "bcdefg"},
		`\S+: error: no such instruction: x`: {"no such instruction: x"},
		"(?:abcdefg)+":                       {"abcdefg"},
		"(?:abcdefg)*x":                      nil,
	} {
		_, parsed, err := parseExpression(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := required(parsed); !reflect.DeepEqual(got, want) {
			t.Errorf("%s needs %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestDiagnostic(t *testing.T) {
	for text, want := range map[string]diagnostic{
		"a.c:1:2: error: x":                  {"a.c", 1, 2, "error", "x"},
		"a.c:1: fatal error: x":              {"a.c", 1, 0, "error", "x"},
		"../a b.c:1:2: warning: error: x":    {"../a b.c", 1, 2, "warning", "error: x"},
		"a.c:3:16: Fehler: 'x' fehlt":        {"a.c", 3, 16, "error", "'x' fehlt"},
		"ld.lld: error: undefined symbol: f": {"ld.lld", 0, 0, "error", "undefined symbol: f"},
		"error: x":                           {"", 0, 0, "error", "x"},
		"C:a.c:7:1: note: x":                 {"C:a.c", 7, 1, "note", "x"},
	} {
		if got, ok := parse(text); !ok || got != want {
			t.Errorf("%s: %+v, %t; want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "a.c:1:2: x", "an error: x of many"} {
		if d, ok := parse(text); ok && text != "an error: x of many" {
			t.Errorf("%q: %+v", text, d)
		}
	}
}

// TestReader: however a log comes, and wherever its lines lie in the buffer, the same is
// found, with the same lines around it.
func TestReader(t *testing.T) {
	c := shipped(t)
	for _, filler := range []int{0, 1, 100, bufferSize - ahead - 200, bufferSize - 100, bufferSize, 3*bufferSize + 17} {
		log := strings.Repeat("cc -c -o x.o x.c\n", filler/17) + "before\nmain.c:8:3: error: use of undeclared identifier 'frob_it'\nafter\n" + strings.Repeat("y\n", filler/2)
		want := Match{LogLine: filler/17 + 2, Text: "main.c:8:3: error: use of undeclared identifier 'frob_it'", File: "main.c", Line: 8, Column: 3, Symbol: "frob_it"}
		for what, r := range map[string]io.Reader{"at once": strings.NewReader(log), "by halves": iotest.HalfReader(strings.NewReader(log)), "with data and end": iotest.DataErrReader(strings.NewReader(log))} {
			s, err := c.Scan(r)
			if err != nil || len(s.Matches) != 1 {
				t.Fatalf("%d, %s: %+v, %v", filler, what, s.Matches, err)
			}
			m := s.Matches[0]
			if m.LogLine != want.LogLine || m.Text != want.Text || m.File != want.File || m.Line != want.Line || m.Column != want.Column || m.Symbol != want.Symbol {
				t.Errorf("%d, %s: %+v, want %+v", filler, what, m, want)
			}
			if m.Before[len(m.Before)-1] != "before" || m.After[0] != "after" || s.Lines != strings.Count(log, "\n")+1 {
				t.Errorf("%d, %s: between %q and %q, %d lines", filler, what, m.Before, m.After, s.Lines)
			}
		}
	}
	if _, err := c.Scan(iotest.ErrReader(errors.New("gone"))); err == nil || err.Error() != "gone" {
		t.Errorf("a log that can't be read: %v", err)
	}
}

// TestHostileLogs: bounded memory whatever comes.
func TestHostileLogs(t *testing.T) {
	c := shipped(t)
	for what, log := range map[string]io.Reader{
		"one line":               io.LimitReader(endless("x"), 16<<20),
		"one line of errors":     io.LimitReader(endless("error: "), 4<<20),
		"one strange error":      io.LimitReader(endless("f.c:1:1: error: something else\n"+strings.Repeat("x\n", 30)), 1<<20),
		"many errors":            io.LimitReader(&counting{form: "f%d.c:%[1]d:1: error: something %[1]d else\n"}, 4<<20),
		"many known errors":      io.LimitReader(&counting{form: "f%d.c:%[1]d:1: error: 'x%[1]d' undeclared (first use in this function)\n"}, 4<<20),
		"NUL bytes":              io.LimitReader(endless("\x00\n"), 2<<20),
		"no UTF-8, escapes":      io.LimitReader(endless("\xff\xfe\x1b[31merror: \x1b]0;x\x07\n"), 2<<20),
		"carriage returns alone": io.LimitReader(endless("error: x\r"), 2<<20),
	} {
		s, err := c.Scan(log)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if len(s.Matches) > 20*(keepFirst+keepNewest) || len(s.Strange) > keepStrange {
			t.Errorf("%s: %d matches and %d strange errors are kept", what, len(s.Matches), len(s.Strange))
		}
		for _, m := range append(s.Matches, s.Strange...) {
			if strings.ContainsAny(m.Text, "\x1b\x00") {
				t.Errorf("%s: %q is shown", what, m.Text)
			}
		}
	}
}

// endless is a text that repeats for ever.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// A counting text is made of lines with a number each.
type counting struct {
	form string
	n    int
	rest bytes.Buffer
}

func (c *counting) Read(p []byte) (int, error) {
	for c.rest.Len() < len(p) {
		c.n++
		fmt.Fprintf(&c.rest, c.form, c.n)
	}
	return c.rest.Read(p)
}

// FuzzScan: whatever the log, the scan ends, and shows nothing that a terminal obeys.
func FuzzScan(f *testing.F) {
	c := shipped(f)
	f.Add("main.c:8:3: error: use of undeclared identifier 'frob_it'\nmake: *** [Makefile:2: x] Error 1\n")
	f.Add("make[1]: Entering directory '/x'\n\x1b[31mld: cannot find -lx\r\n")
	f.Fuzz(func(t *testing.T, log string) {
		s, err := c.Scan(strings.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.Scan(iotest.OneByteReader(strings.NewReader(log)))
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("read at once: %+v\nby bytes: %+v, %v", s, again, err)
		}
		for _, m := range s.Matches {
			if strings.ContainsRune(m.Text, 0x1b) || m.LogLine < 1 || m.LogLine > s.Lines {
				t.Fatalf("%+v", m)
			}
		}
	})
}

// FuzzLoad: whatever the catalogue, reading it ends, and what it takes can be used.
func FuzzLoad(f *testing.F) {
	text, err := os.ReadFile("../../recipes/signatures/meson.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("summary: s\nsignatures:\n  - {id: a, rank: cause, cause: c, match: [{line: abcdef}], proof: {matches: [{text: abcdef}]}}\n")
	f.Fuzz(func(t *testing.T, family string) {
		c, err := load(family)
		if err != nil {
			return
		}
		c.Prove()
	})
}

// TestPrepared: what loggers, CI and tools that run others put before a line is not of it.
func TestPrepared(t *testing.T) {
	const said = "a.c:3:5: error: 'x' undeclared"
	for _, before := range []string{
		"", "Mar 14 09:27:08 ", "Mar 14 09:27:08 host cron[12]: ", "2026-03-14T09:27:08.628Z ", "2026-03-14T09:27:08.628000Z 01O ", "2026-03-14T09:27:08.628000Z 00E+",
		"10:00:01  ", "00:00:12.345 ", "[09:26:57] ", "[2024-01-01T10:00:00.000Z] ", "[   45s] ", "[   12.345678] ", "#12 1.644 ", "| ", "    [javac] ", "      ", "#12 1.644       ",
	} {
		if got := prepared(before + said); got != said {
			t.Errorf("%q stays before %q", before, got)
		}
	}
	for _, text := range []string{"    3 | int x;", "      | ^", "[ 12%] Building C object x.c.o", "[3/4] cc x.c", "    in x.c", "                 from a.c:3:"} {
		if got := prepared(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
