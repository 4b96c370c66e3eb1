package header

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// A Family is one file of the table.
type Family struct {
	// What these names have in common, in a sentence.
	Summary string `json:"summary"`
	// In which language the headers are; C if not given. C++ has those of C too.
	Language Language `json:"language,omitempty"`
	// The systems that have them; all if not given.
	On []System `json:"on,omitempty"`
	// What a compiler that was told to keep to the standard (-std=c99 and the like) needs
	// defined to see them.
	Strict Macro `json:"strict,omitempty"`
	// By the header, as it stands between < and >.
	Headers map[Name]Groups `json:"headers,omitempty"`
	// By the library, without -l: the functions that are linked with it.
	Libraries map[Library]Groups `json:"libraries,omitempty"`
	// By a header that is not everywhere: what to include in its place.
	Instead map[Name]Substitutes `json:"instead,omitempty"`
}

// Groups are the names of one header or library: one group, or a list of some. Of a library
// the names alone will do.
type Groups []Group

// A Group of names that a header declares under the same conditions.
type Group struct {
	// The systems where it does; those of the family if not given.
	On []System `json:"on,omitempty"`
	// What must be defined above all includes to see them, even without -std.
	With Macro `json:"with,omitempty"`
	// Headers that must stand above this one, as it does not include them itself.
	After Headers `json:"after,omitempty"`
	// The standard, or the C library, that brought them.
	Since Standard `json:"since,omitempty"`
	// A package that must be there, where the header is not the system's own.
	Needs Library `json:"needs,omitempty"`
	// Functions, macros, constants and variables.
	Names Words `json:"names,omitempty"`
	Types Words `json:"types,omitempty"`
	// Tags: what stands behind struct and union.
	Structs Words `json:"structs,omitempty"`
	Unions  Words `json:"unions,omitempty"`
	// Of C++, below std.
	Namespaces Words `json:"namespaces,omitempty"`
	// What it declares too, but is better had from another header.
	Also Words `json:"also,omitempty"`

	index int // in its list, -1 if there is none
}

// Shape implements [yamlfile.Shaper].
func (g *Groups) Shape(n yamlfile.Node) {
	items, list := n.Items()
	switch {
	case n.Scalar():
		one := Group{index: -1}
		n.Decode(&one.Names)
		*g = Groups{one}
		return
	case !list:
		items = []yamlfile.Node{n}
	}
	for i, item := range items {
		one := Group{}
		item.Decode(&one)
		if one.index = i; !list {
			one.index = -1
		}
		*g = append(*g, one)
	}
}

// Substitutes are what to include in place of a header: one text of header names, or a list
// that says what on which system.
type Substitutes []Substitute

// A Substitute is what to include in place of a header on some systems.
type Substitute struct {
	On []System `json:"on,omitempty"`
	// None if the header is to be left out.
	Use Headers `json:"use"`
}

// Shape implements [yamlfile.Shaper].
func (s *Substitutes) Shape(n yamlfile.Node) {
	items, list := n.Items()
	if !list {
		items = []yamlfile.Node{n}
	}
	for _, item := range items {
		one := Substitute{}
		if item.Scalar() {
			item.Decode(&one.Use)
		} else {
			item.Decode(&one)
		}
		*s = append(*s, one)
	}
}

// Headers are names of some, with blanks between them.
type Headers []string

// Shape implements [yamlfile.Shaper].
func (h *Headers) Shape(n yamlfile.Node) {
	var text string
	n.Decode(&text)
	for word := range strings.FieldsSeq(text) {
		var name Name
		if err := name.UnmarshalText([]byte(word)); err != nil {
			n.Fail(err.Error(), "")
			continue
		}
		*h = append(*h, word)
	}
}

// Words are identifiers with blanks and line breaks between them. Names of C++ stand
// without std::.
type Words []string

// identifierForm is the form of a name; only C++ has those with a namespace.
var identifierForm = regexp.MustCompile(`^[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*$`)

// Shape implements [yamlfile.Shaper].
func (w *Words) Shape(n yamlfile.Node) {
	var text string
	n.Decode(&text)
	seen := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		switch {
		case !identifierForm.MatchString(word) || len(word) > maxName:
			n.Fail(fmt.Sprintf("%s is no identifier", quote(word)), "names are separated by blanks")
		case strings.HasPrefix(word, "std::"):
			n.Fail(fmt.Sprintf("%s stands in the table without std::", word), "write "+strings.TrimPrefix(word, "std::"))
		case seen[word]:
			n.Fail(fmt.Sprintf("%s stands twice in this list", word), "")
		default:
			seen[word] = true
			*w = append(*w, word)
		}
	}
}

// maxName bounds the names of headers and identifiers, in bytes.
const maxName = 200

// quote is a text for a message, which may hold anything.
func quote(text string) string {
	if len(text) > maxName {
		text = text[:maxName] + "…"
	}
	return fmt.Sprintf("%q", text)
}

// A Name of a header, as it stands between < and >. It ends in source code, so its form is
// narrow: no blanks, quotes or controls, and no way out of the folders that are searched.
type Name string

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_+][A-Za-z0-9_+.-]*(?:/[A-Za-z0-9_+][A-Za-z0-9_+.-]*)*$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *Name) UnmarshalText(text []byte) error {
	if *h = Name(text); !nameForm.Match(text) || len(text) > maxName {
		*h = ""
		return fmt.Errorf("%s can't be the name of a header: it is written like sys/types.h", quote(string(text)))
	}
	return nil
}

// A Macro is what is defined to see more of a header: NAME, or NAME=VALUE.
type Macro string

var macroForm = regexp.MustCompile(`^[A-Za-z_]\w*(?:=\w+)?$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *Macro) UnmarshalText(text []byte) error {
	if *m = Macro(text); !macroForm.Match(text) || len(text) > maxName {
		*m = ""
		return fmt.Errorf("%s is no macro: it is written _GNU_SOURCE or _XOPEN_SOURCE=700", quote(string(text)))
	}
	return nil
}

// A Standard is what brought a name: c23, c++17, posix2024, glibc2.38.
type Standard string

var standardForm = regexp.MustCompile(`^(?:c|c\+\+|posix|glibc)\d[\d.]*$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Standard) UnmarshalText(text []byte) error {
	if *s = Standard(text); !standardForm.Match(text) || len(text) > maxName {
		*s = ""
		return fmt.Errorf("%s is no standard: it is written c23, c++17, posix2024 or glibc2.38", quote(string(text)))
	}
	return nil
}

// A Library is the name of one, without lib and -l.
type Library string

var libraryForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_+.-]*$`)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *Library) UnmarshalText(text []byte) error {
	if *l = Library(text); !libraryForm.Match(text) || len(text) > maxName {
		*l = ""
		return fmt.Errorf("%s can't be the name of a library: it is written without lib and -l", quote(string(text)))
	}
	return nil
}

// A System is an operating system, as Go calls it.
type System string

// systems are those that a family may name.
func systems() []string {
	return []string{"darwin", "dragonfly", "freebsd", "illumos", "linux", "netbsd", "openbsd", "solaris"}
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *System) UnmarshalText(text []byte) error {
	if *s = System(text); !slices.Contains(systems(), string(text)) {
		*s = ""
		return fmt.Errorf("unknown system %s: it is one of %s", quote(string(text)), strings.Join(systems(), ", "))
	}
	return nil
}
