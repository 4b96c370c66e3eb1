package target

import (
	"path/filepath"
	"slices"
	"strings"
)

// A Way is how to make a target again.
type Way struct {
	Argv []string
	Dir  string
	// Exact says that this is the very command that failed, which knows nothing of what
	// makefiles have become since.
	Exact bool
}

// Ways are how a target may be made again by itself, the narrowest first. argv is how the
// build was begun, with make or ninja.
func (t Target) Ways(argv []string) []Way {
	var all []Way
	if t.Command != "" {
		all = append(all, Way{Argv: []string{"/bin/sh", "-c", t.Command}, Dir: t.Dir, Exact: true})
	}
	if t.Name == "" || strings.ContainsAny(t.Name, " \t$%") {
		return all
	}
	if t.Ninja {
		return append(all, Way{Argv: []string{program(argv, "ninja"), t.Name}, Dir: t.Dir})
	}
	begin := append([]string{program(argv, "make")}, overrides(argv)...)
	if len(t.Recursion) > 0 {
		all = append(all, Way{Argv: slices.Concat(begin, t.Recursion, []string{t.Name}), Dir: t.Dir})
	}
	all = append(all, Way{Argv: append(slices.Clone(begin), t.Name), Dir: t.Dir})
	if name := filepath.Base(t.Rule.File); t.Rule.File != "" && !slices.Contains([]string{"Makefile", "makefile", "GNUmakefile"}, t.Rule.File) && name != "" {
		all = append(all, Way{Argv: slices.Concat(begin[:1], []string{"-f", t.Rule.File}, begin[1:], []string{t.Name}), Dir: t.Dir})
	}
	return all
}

// program is the make or ninja of a command.
func program(argv []string, usual string) string {
	if len(argv) > 0 && strings.HasSuffix(filepath.Base(argv[0]), usual) && filepath.Base(argv[0]) != "cmake" {
		return argv[0]
	}
	return usual
}

// words takes a simple command of the shell apart; what stands behind it is left out.
func words(command string) (all []string) {
	var word strings.Builder
	var quote rune
	some := false
	for _, c := range command {
		switch {
		case quote == 0 && strings.ContainsRune(";&|<>()`$", c), quote == '"' && strings.ContainsRune("`$", c), c == '\\':
			return all // it says more than words
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, some = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if some {
				all = append(all, word.String())
			}
			word.Reset()
			some = false
		default:
			word.WriteRune(c)
			some = true
		}
	}
	if some && quote == 0 {
		all = append(all, word.String())
	}
	return all
}

// overrides are the words of a command with make that set a variable.
func overrides(argv []string) []string {
	var all []string
	for _, word := range argv {
		name, _, found := strings.Cut(word, "=")
		if found && name != "" && !strings.HasPrefix(word, "-") && !strings.ContainsAny(name, `/'" `) {
			all = append(all, word)
		}
	}
	return all
}
