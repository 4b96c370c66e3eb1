package yamlfile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"srcmend/internal/yamlfile"
)

// pet has every shape that the decoder knows.
type pet struct {
	Name   string            `json:"name"`
	Tag    tag               `json:"tag,omitempty"`
	Age    int               `json:"age,omitempty"`
	Tame   bool              `json:"tame,omitempty"`
	Food   []string          `json:"food,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Owner  *owner            `json:"owner,omitempty"`
	Names  names             `json:"names,omitempty"`
}

type owner struct {
	First string `json:"first"`
	Last  string `json:"last"`
}

// tag takes only lower-case text.
type tag string

func (t *tag) UnmarshalText(text []byte) error {
	if s := string(text); s != strings.ToLower(s) {
		return errors.New("want lower case")
	}
	*t = tag(text)
	return nil
}

// names is one text or a list of them.
type names []string

func (ns *names) Shape(n yamlfile.Node) {
	if n.Scalar() {
		var one string
		n.Decode(&one)
		*ns = names{one}
		return
	}
	n.Decode((*[]string)(ns))
}

func TestDecode(t *testing.T) {
	const text = `
name: 2.30
tag: cat
age: 3
tame: true
food: [no, 2018-12-01, 0x10]
labels: {on: "yes", 007: null text}
owner: {first: A, last: ""}
names: solo
`
	want := pet{
		Name: "2.30", Tag: "cat", Age: 3, Tame: true,
		Food:   []string{"no", "2018-12-01", "0x10"},
		Labels: map[string]string{"on": "yes", "007": "null text"},
		Owner:  &owner{"A", ""}, Names: names{"solo"},
	}
	var got pet
	doc, err := yamlfile.Decode("pet.yaml", []byte(text), &got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(pet{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, test := range []struct {
		path []any
		want string
	}{
		{[]any{"food", 1}, "pet.yaml:6:12"},
		{[]any{"owner", "last"}, "pet.yaml:8:25"},
		{[]any{"owner", "middle"}, "pet.yaml:8:8"},
		{[]any{"food", 9}, "pet.yaml:6:7"},
		{nil, "pet.yaml:2:1"},
	} {
		if at := doc.Lookup(test.path...).String(); at != test.want {
			t.Errorf("Lookup(%v) = %s, want %s", test.path, at, test.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string // each mistake on one line
	}{
		{"all at once", "nmae: x\ntag: CAT\nage: old\ntame: maybe\nfood: bread\nlabels: [a]\nowner: {first: [x]}\n", []string{
			`p:1:1: unknown key "nmae" (did you mean "name"?)`,
			`p:1:1: key "name" is missing`,
			`p:2:6: want lower case`,
			`p:3:6: want a whole number`,
			`p:4:7: want true or false`,
			`p:5:7: want a list here, found text (a list is written [a, b] or one item a line, each after a dash)`,
			`p:6:9: want a mapping (key: value) here, found a list`,
			`p:7:8: key "last" is missing`,
			`p:7:16: want text here, found a list`,
		}},
		{"no near key", "name: x\nzzzzzz: 1\n", []string{`p:2:1: unknown key "zzzzzz" (known here: name, tag, age, tame, food, labels, owner, names)`}},
		{"twice", "name: x\nname: y\n", []string{`p:2:1: key "name" stands twice (the first is on line 1)`}},
		{"alias", "name: &n x\ntag: *n\n", []string{
			`p:1:7: an anchor is not allowed here (write the value out where it is needed)`,
			`p:2:6: an alias is not allowed here (write the value out)`,
		}},
		{"merge", "name: x\nowner: {<<: {first: a, last: b}}\n", []string{
			`p:2:8: key "first" is missing`,
			`p:2:8: key "last" is missing`,
			`p:2:9: unknown key "<<" (known here: first, last)`,
		}},
		{"no value", "name:\n", []string{`p:1:6: the value is missing`}},
		{"control character", "name: \"a\\eb\"\n", []string{`p:1:7: a control character is not allowed here (write the text on one line)`}},
		{"odd key", "name: x\n? [a]\n: 1\n", []string{`p:2:3: a key must be text`}},
		{"empty", "", []string{`p: the file is empty`}},
		{"only a comment", "# nothing\n", []string{`p: the file is empty`}},
		{"two documents", "name: x\n---\nname: y\n", []string{`p: there is a second document (keep one document in each file; remove the line ---)`}},
		{"a list on top", "- name\n", []string{`p:1:1: want a mapping (key: value) here, found a list`}},
		{"tab", "name: x\nowner:\n\tfirst: a\n", []string{`p:3:1: found character that cannot start any token, while scanning for the next token from line 3 (YAML indents with blanks, not with tabs; quote text that starts with @ ` + "`" + ` % or a tab)`}},
		{"colon", "name: a: b\n", []string{`p:1:8: mapping values are not allowed in this context (quote text that holds a colon and a blank)`}},
		{"large", "name: " + strings.Repeat("x", yamlfile.MaxSize), []string{`p: 1048582 bytes are too many for a file of this kind (the limit is 1048576)`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p pet
			_, err := yamlfile.Decode("p", []byte(test.text), &p)
			var ms yamlfile.Mistakes
			if !errors.As(err, &ms) {
				t.Fatalf("error is %v, want mistakes", err)
			}
			var got []string
			for _, m := range ms {
				got = append(got, m.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestShow(t *testing.T) {
	var p pet
	_, err := yamlfile.Decode("pet.yaml", []byte("name: x\nowner:\n  frist: a\n  last: b\n"), &p)
	var ms yamlfile.Mistakes
	if !errors.As(err, &ms) {
		t.Fatal(err)
	}
	const want = `pet.yaml:3:3: unknown key "frist"
     3 |   frist: a
       |   ^
       did you mean "first"?
`
	if got := ms[0].Show(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if !strings.HasPrefix(err.Error(), "2 mistakes\n") {
		t.Errorf("the error does not count: %v", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"summary", "sources", "releases", "build"}
	for want, near := range map[string]string{
		"sumary": "summary", "SUMMARY": "summary", "soruces": "sources", "relases": "releases",
		"x": "", "completely-else": "", "": "", strings.Repeat("s", 500): "",
	} {
		if got := yamlfile.Nearest(want, known); got != near {
			t.Errorf("Nearest(%q) = %q, want %q", want, got, near)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"name: x\nfood: [a, b]\n", "name: {a: b}", "a: &a [*a]", "[[[[", "\xff\xfe", "name: \"\\u202e\"", "? \n: \n", "--- |\n x", "name: 'x'\r\nage: 9999999999999999999\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var p pet
		doc, err := yamlfile.Decode("f", text, &p)
		var ms yamlfile.Mistakes
		if err != nil && !errors.As(err, &ms) {
			t.Fatalf("%T is not mistakes", err)
		}
		for i, m := range ms {
			if m.Show() == "" || m.Text == "" {
				t.Error("a mistake says nothing")
			}
			if i > 0 && m.Pos.Line < ms[i-1].Pos.Line {
				t.Error("mistakes are not in order")
			}
		}
		if err == nil && p.Name == "" && !strings.Contains(string(text), "name") {
			t.Error("a required key was missing and nobody said so")
		}
		_ = doc.Lookup("food", 0)
	})
}

func Example() {
	var settings struct {
		Colour string   `json:"colour"`
		Sizes  []string `json:"sizes,omitempty"`
	}
	_, err := yamlfile.Decode("shop.yaml", []byte("color: red\nsizes: [1.10, 42]\n"), &settings)
	fmt.Println(settings.Sizes)
	fmt.Println(err)
	// Output:
	// [1.10 42]
	// 2 mistakes
	// shop.yaml:1:1: unknown key "color" (did you mean "colour"?)
	// shop.yaml:1:1: key "colour" is missing
}

// TestSkip: of a layer that skips a key, nothing below it is read, and lines keep their numbers.
func TestSkip(t *testing.T) {
	const text = "proof:\n  a: [\n\n  b\nname: x\nlist:\n  - proof:\n      more:\n        - 1\n    id: y # line 10\n  - proof: short\n  -\n    proof: \n    - 2\n    id: z\n"
	const want = "\n\n\n\nname: x\nlist:\n  - proof:\n      more:\n        - 1\n    id: y # line 10\n  - proof: short\n  -\n\n\n    id: z\n"
	layer := yamlfile.Layer{Name: "l", Files: fstest.MapFS{"x.yaml": {Data: []byte(text)}}, Skip: "proof"}
	err := yamlfile.ReadLayers([]yamlfile.Layer{layer}, func(_ int, _ string, got []byte) {
		if string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
