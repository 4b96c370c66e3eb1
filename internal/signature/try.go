package signature

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// Tries are some, in order.
type Tries []Try

// Shape implements yamlfile.Shaper.
func (all *Tries) Shape(n yamlfile.Node) {
	items, list := n.Items()
	if !list {
		items = []yamlfile.Node{n}
	}
	for _, item := range items {
		var t Try
		item.Decode(&t)
		*all = append(*all, t)
	}
}

// A Try is what can be done about an error without a person; most often one of these. Its
// texts may hold what the cause may hold.
type Try struct {
	// A name: the header that declares it is included in {file}.
	Include string `json:"include,omitempty"`
	// A header, which is included in {file}.
	Header string `json:"header,omitempty"`
	// A header that is not to be had here: {file} gets what is in its place.
	Instead string `json:"instead,omitempty"`
	// A header that {file} does without.
	Omit string `json:"omit,omitempty"`
	// A function that {file} declares as C was written first: that goes, and the header that
	// declares it is included.
	Undeclare string `json:"undeclare,omitempty"`
	// A macro that is defined in {file}, above what it includes: NAME or NAME=VALUE.
	Define string `json:"define,omitempty"`
	// A header that may be in the tree: its folder becomes one where headers are looked for.
	Search string `json:"search,omitempty"`
	// A name, or a shared library: the library is linked that defines it, or is it.
	Library string `json:"library,omitempty"`
	// Words that are added to CFLAGS, CXXFLAGS, CPPFLAGS, FFLAGS, FCFLAGS, LDFLAGS or LIBS.
	Flags map[string]string `json:"flags,omitempty"`
	// Further arguments of configure, cmake or meson.
	Configure []string `json:"configure,omitempty"`
	// Further arguments of make.
	Make []string `json:"make,omitempty"`
	// Another make: gmake or bmake.
	Program string `json:"program,omitempty"`
	// A macro that configure.ac is to call.
	Macro string `json:"macro,omitempty"`
	// A file of the build whose folder is made.
	Folder string `json:"folder,omitempty"`
	// Further environment of all commands.
	Env map[string]string `json:"env,omitempty"`
	// A word that is taken out of the makefiles.
	Drop string `json:"drop,omitempty"`
	// A name of the program's own that gets another one in all sources.
	Rename string `json:"rename,omitempty"`
	// A text: the lines of {file} that have it are taken out.
	Delete string `json:"delete,omitempty"`
	// Lines of sources, with single blanks between words, and what stands for them.
	Replace map[string]string `json:"replace,omitempty"`
	// Names in {file}, with single blanks between their words, and what stands for them.
	Words map[string]string `json:"words,omitempty"`
	// Regular expressions over {file}, and what stands for what they match, $1 being a group; with
	// a header, that is included besides.
	Rewrite map[string]string `json:"rewrite,omitempty"`
	// A file or folder of the tree that is removed, for it can be made anew.
	Remove string `json:"remove,omitempty"`
	// Files that are made, empty.
	Create string `json:"create,omitempty"`
	// Something that is done to the tree itself.
	Repair Repair `json:"repair,omitempty"`
}

// A Repair is something that is done to a tree.
type Repair string

// The repairs.
const (
	Autoreconf  Repair = "autoreconf"  // configure and Makefile.in are made anew
	Auxiliaries Repair = "auxiliaries" // config.guess, install-sh and the like come from the system
	Times       Repair = "times"       // what the release brings ready-made is newer than what it was made from
	Executable  Repair = "executable"  // the script {symbol} may be run
	LineEnds    Repair = "line-ends"   // the script {symbol} has no carriage returns
	Interpreter Repair = "interpreter" // the script {file} is run by what this system has
	Serial      Repair = "serial"      // one job at a time
	Clean       Repair = "clean"       // what was made before is made anew
	LinkOrder   Repair = "link-order"  // libraries stand behind what needs them
	Standard    Repair = "standard"    // what asks for an old standard of the language asks for a later one
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Repair) UnmarshalText(text []byte) error {
	all := []Repair{Autoreconf, Auxiliaries, Times, Executable, LineEnds, Interpreter, Serial, Clean, LinkOrder, Standard}
	if *r = Repair(text); !slices.Contains(all, *r) {
		return fmt.Errorf("unknown repair %q: it is one of %v", text, all)
	}
	return nil
}

// flagNames are what may stand under flags.
var flagNames = []string{"CFLAGS", "CXXFLAGS", "CPPFLAGS", "FFLAGS", "FCFLAGS", "LDFLAGS", "LIBS"}

// Shape implements yamlfile.Shaper.
func (t *Try) Shape(n yamlfile.Node) {
	type plain Try
	n.Decode((*plain)(t))
	if len(t.texts()) == 0 && t.Repair == "" {
		n.Fail("nothing to try", "include, header, instead, omit, undeclare, define, search, library, flags, configure, make, program, macro, folder, env, drop, rename, delete, replace, words, rewrite, remove, create or repair")
	}
	rewrite, _ := n.Child("rewrite")
	for _, pattern := range slices.Sorted(maps.Keys(t.Rewrite)) {
		if _, err := regexp.Compile("(?m)" + pattern); err != nil {
			at, _ := rewrite.Child(pattern)
			at.Fail(err.Error(), "")
		}
	}
	flags, _ := n.Child("flags")
	for _, name := range slices.Sorted(maps.Keys(t.Flags)) {
		if !slices.Contains(flagNames, name) {
			at, _ := flags.Child(name)
			at.Fail(name+" is none of the variables with flags", strings.Join(flagNames, ", "))
		}
	}
}

// texts are all that may hold what was captured.
func (t *Try) texts() []string {
	var all []string
	for _, text := range []string{t.Include, t.Header, t.Instead, t.Define, t.Search, t.Library, t.Drop, t.Rename, t.Delete, t.Remove, t.Create, t.Program, t.Macro, t.Folder, t.Omit, t.Undeclare} {
		if text != "" {
			all = append(all, text)
		}
	}
	all = slices.Concat(all, t.Configure, t.Make)
	for _, m := range []map[string]string{t.Flags, t.Env, t.Replace, t.Words, t.Rewrite} {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			all = append(all, m[key])
		}
	}
	return all
}

// filled is what is to be tried about a match.
func (t *Try) filled(m Match) Try {
	list := func(texts []string) (out []string) {
		for _, text := range texts {
			out = append(out, m.Fill(text))
		}
		return out
	}
	table := func(texts map[string]string) map[string]string {
		out := maps.Clone(texts)
		for key, text := range out {
			out[key] = m.Fill(text)
		}
		return out
	}
	return Try{
		Include: m.Fill(t.Include), Header: m.Fill(t.Header), Instead: m.Fill(t.Instead), Define: m.Fill(t.Define),
		Search: m.Fill(t.Search), Library: m.Fill(t.Library), Flags: table(t.Flags), Configure: list(t.Configure),
		Make: list(t.Make), Env: table(t.Env), Repair: t.Repair,
		Replace: table(t.Replace), Words: table(t.Words), Rewrite: table(t.Rewrite), Drop: m.Fill(t.Drop), Rename: m.Fill(t.Rename), Delete: m.Fill(t.Delete), Remove: m.Fill(t.Remove), Create: m.Fill(t.Create),
		Program: m.Fill(t.Program), Macro: m.Fill(t.Macro), Folder: m.Fill(t.Folder), Omit: m.Fill(t.Omit), Undeclare: m.Fill(t.Undeclare),
	}
}

// Filled is the remedy as it is for a match.
func (r Remedy) Filled(m Match) Remedy {
	filled := Remedy{Kind: r.Kind, Do: m.Fill(r.Do)}
	for _, t := range r.Try {
		filled.Try = append(filled.Try, t.filled(m))
	}
	return filled
}
