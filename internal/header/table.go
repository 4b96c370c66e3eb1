package header

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// A Table says which header declares a name. It does not change, and may be used by several
// goroutines.
type Table struct {
	// By the name; that of a tag has struct or union before it, and that of a namespace
	// namespace.
	claims map[string][]claim
	// By the name of a function.
	linked map[string][]linked
	// By the header.
	instead map[string][]substitution
}

// A claim is that a header declares a name.
type claim struct {
	Declaration
	language Language
	on       []System
	also     bool
	layer    int
}

// linked is that a library has a function.
type linked struct {
	lib   string
	on    []System
	layer int
}

// A substitution is what to include in place of a header.
type substitution struct {
	use   []string
	on    []System
	layer int
}

// A Declaration is where a name is declared.
type Declaration struct {
	Header string
	// What must be defined above all includes: NAME or NAME=VALUE; "" if nothing.
	With string
	// What must be defined so if the compiler was told to keep to a standard, as by -std=c99;
	// "" if nothing.
	Strict string
	// Headers that must be included above this one.
	After []string
	// The standard or C library that brought it, like c++17 or glibc2.38; "" if it is old.
	Since string
	// A library whose headers must be there, as they are not the system's; "" if none.
	Needs string
}

// A Layer is a part of the table: what it says of a name on a system goes before all that
// the layers below it say of that.
type Layer = yamlfile.Layer

// Load reads the table, the lowest layer first. When anything is wrong, the error is
// [yamlfile.Mistakes], and the table has what is right.
func Load(layers ...Layer) (*Table, error) {
	t := &Table{claims: map[string][]claim{}, linked: map[string][]linked{}, instead: map[string][]substitution{}}
	var wrong yamlfile.Mistakes
	err := yamlfile.ReadLayers(layers, func(layer int, name string, text []byte) {
		wrong = append(wrong, t.add(layer, name, text)...)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the table of headers: %w", err)
	}

	for _, all := range t.claims {
		slices.SortStableFunc(all, better)
	}
	for _, all := range t.linked {
		slices.SortStableFunc(all, func(a, b linked) int {
			return cmp.Or(-cmp.Compare(a.layer, b.layer), cmp.Compare(a.lib, b.lib))
		})
	}
	for _, all := range t.instead {
		slices.SortStableFunc(all, func(a, b substitution) int {
			return cmp.Or(-cmp.Compare(a.layer, b.layer), -cmp.Compare(len(a.on), len(b.on)))
		})
	}
	return t, wrong.Err()
}

// better orders claims to one name, the best first.
func better(a, b claim) int {
	return cmp.Or(
		-cmp.Compare(a.layer, b.layer),
		first(!a.also, !b.also),
		first(a.Needs == "", b.Needs == ""),
		first(len(a.on) > 0, len(b.on) > 0), // who names the system knows better
		first(a.With == "", b.With == ""),
		first(a.Since == "", b.Since == ""),
		cmp.Compare(a.Header, b.Header),
	)
}

// first orders what is so before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// add takes one file of a layer up.
func (t *Table) add(layer int, file string, text []byte) yamlfile.Mistakes {
	var f Family
	doc, err := yamlfile.Decode(file, text, &f)
	var wrong yamlfile.Mistakes
	if errors.As(err, &wrong) {
		wrong = slices.Clone(wrong)
	}
	family := &family{Family: f, doc: doc, layer: layer, owners: map[string][]owner{}, malformed: len(wrong) > 0}
	for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
		if name != "" { // its form is wrong, and said so
			family.header(t, string(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Libraries)) {
		for _, g := range f.Libraries[name] {
			family.addLibrary(t, string(name), g)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Instead)) {
		for _, s := range f.Instead[name] {
			on := s.On
			if on == nil {
				on = f.On
			}
			t.instead[string(name)] = append(t.instead[string(name)], substitution{s.Use, on, layer})
		}
	}
	return append(wrong, family.wrong...)
}

// A family is one that is taken up.
type family struct {
	Family
	doc    *yamlfile.Doc
	layer  int
	owners map[string][]owner // by the name, as in the table
	wrong  yamlfile.Mistakes
	// Something in its form is wrong: what is missing may be missing because of that.
	malformed bool
}

// An owner is the header that a name was given to.
type owner struct {
	header string
	on     []System
}

// place is the path to a value of a group.
func (g Group) place(top, name, key string) []any {
	if g.index < 0 {
		return []any{top, name, key}
	}
	return []any{top, name, g.index, key}
}

// header takes the names of one header up.
func (f *family) header(t *Table, name string) {
	for _, g := range f.Headers[Name(name)] {
		c := claim{
			Declaration: Declaration{Header: name, With: string(g.With), Strict: string(f.Strict), After: g.After, Since: string(g.Since), Needs: string(g.Needs)},
			language:    cmp.Or(f.Language, C), on: g.On, layer: f.layer,
		}
		if c.on == nil {
			c.on = f.On
		}
		empty := true
		for _, part := range []struct {
			key, tag string
			words    Words
		}{{"names", "", g.Names}, {"types", "", g.Types}, {"structs", "struct ", g.Structs}, {"unions", "union ", g.Unions}, {"namespaces", "namespace ", g.Namespaces}, {"also", "", g.Also}} {
			c.also = part.key == "also"
			for _, word := range part.words {
				empty = false
				if c.also || f.own(name, part.tag+word, c.on, g.place("headers", name, part.key)) {
					t.claims[part.tag+word] = append(t.claims[part.tag+word], c)
				}
			}
		}
		if empty && !f.malformed {
			f.fail(fmt.Sprintf("nothing is said of what %s declares", name), "names, types, structs, unions and namespaces are lists of identifiers", g.place("headers", name, "names"))
		}
	}
}

// own gives a name to a header, unless it has one already on some system.
func (f *family) own(header, name string, on []System, at []any) bool {
	for _, o := range f.owners[name] {
		if len(o.on) > 0 && len(on) > 0 && !slices.ContainsFunc(on, func(s System) bool { return slices.Contains(o.on, s) }) {
			continue
		}
		hint := "each name has one best header on each system; where it is declared too it stands under also"
		f.fail(fmt.Sprintf("%s stands twice in this family: %s has it too", name, o.header), hint, at)
		return false
	}
	f.owners[name] = append(f.owners[name], owner{header, on})
	return true
}

// addLibrary takes the functions of a library up.
func (f *family) addLibrary(t *Table, name string, g Group) {
	on := g.On
	if on == nil {
		on = f.On
	}
	if len(g.Types)+len(g.Structs)+len(g.Unions)+len(g.Namespaces)+len(g.Also) > 0 || len(g.After) > 0 || g.With != "" || g.Since != "" {
		f.fail(fmt.Sprintf("of the library %s only names and on are known", name), "", g.place("libraries", name, "names"))
	}
	for _, word := range g.Names {
		t.linked[word] = append(t.linked[word], linked{name, on, f.layer})
	}
}

func (f *family) fail(text, hint string, at []any) {
	if len(f.wrong) < yamlfile.MaxMistakes {
		f.wrong = append(f.wrong, f.doc.Mistake(hint, text, at...))
	}
}

// Headers lists the headers of which something is known, sorted.
func (t *Table) Headers() []string {
	all := map[string]bool{}
	for _, claims := range t.claims {
		for _, c := range claims {
			all[c.Header] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// isOn reports whether a list of systems, which stands for all if it is empty, has one.
func isOn(on []System, os string) bool {
	return len(on) == 0 || slices.Contains(on, System(os))
}

// Declaring gives the headers that declare a name, the best first. The name may have a tag
// before it (struct timeval), and std:: in C++. Without a tag, a tag or namespace of that
// name is meant only if nothing else is called so.
func (t *Table) Declaring(name string, lang Language, os string) []Declaration {
	name = strings.Join(strings.Fields(name), " ")
	if lang == CXX {
		name = strings.TrimPrefix(strings.TrimPrefix(name, "::"), "std::")
	}
	if all := t.declaring(name, lang, os); all != nil {
		return all
	}
	if tag, plain, tagged := strings.Cut(name, " "); tagged {
		if lang == CXX && (tag == "struct" || tag == "class" || tag == "union") {
			return t.declaring(plain, lang, os)
		}
		return nil
	}
	for _, tag := range []string{"struct ", "union ", "namespace "} {
		if all := t.declaring(tag+name, lang, os); all != nil {
			return all
		}
	}
	return nil
}

// declaring is the same for a name as it stands in the table.
func (t *Table) declaring(name string, lang Language, os string) (all []Declaration) {
	for _, of := range []Language{CXX, C} { // C++ has its own names for the headers of C
		if of == CXX && lang != CXX {
			continue
		}
		layer := -1
		for _, c := range t.claims[name] {
			if c.language != of || !isOn(c.on, os) || layer >= 0 && c.layer < layer {
				continue
			}
			layer = c.layer
			d := c.Declaration
			d.After = slices.Clone(d.After)
			// The C libraries of Linux hide names until they are asked for. Those of other
			// systems hide some when they are asked for anything, and C++ sees all.
			if os != "linux" || lang == CXX {
				d.With, d.Strict = "", ""
			}
			d.Strict = cmp.Or(d.With, d.Strict)
			if !slices.ContainsFunc(all, func(o Declaration) bool { return o.Header == d.Header }) {
				all = append(all, d)
			}
		}
	}
	return all
}

// Libraries gives the libraries, without -l, that a function is linked with.
func (t *Table) Libraries(name, os string) (all []string) {
	layer := -1
	for _, l := range t.linked[name] {
		if isOn(l.on, os) && l.layer >= layer {
			layer = l.layer
			if !slices.Contains(all, l.lib) {
				all = append(all, l.lib)
			}
		}
	}
	return all
}

// Instead gives what to include in place of a header that a system does not have. That it is
// known and nothing is given means that the header can go.
func (t *Table) Instead(header, os string) (instead []string, known bool) {
	for _, i := range t.instead[header] {
		if isOn(i.on, os) {
			return slices.Clone(i.use), true
		}
	}
	return nil, false
}
