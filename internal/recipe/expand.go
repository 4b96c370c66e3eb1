package recipe

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"srcmend/internal/version"
	"srcmend/internal/yamlfile"
)

// Placeholders of a recipe's texts. Those of a source are known as soon as
// the release is; those of a command only when the work begins.
var (
	sourceNames  = []string{"name", "version", "major", "minor", "micro"}
	commandNames = append(slices.Clone(sourceNames), "prefix", "destdir", "jobs", "source")
)

// Vars returns the values of a source's placeholders for one release.
func (r *Recipe) Vars(v version.Version) map[string]string {
	return map[string]string{
		"name": r.Name, "version": v.String(),
		"major": v.Segment(0), "minor": v.Segment(1), "micro": v.Segment(2),
	}
}

// Expand replaces each {name} in text by its value in vars; {{ and }} stand
// for the braces themselves.
func Expand(text string, vars map[string]string) (string, error) {
	known := slices.Sorted(maps.Keys(vars))
	return expand(text, known, func(name string) string { return vars[name] })
}

func expand(text string, known []string, value func(string) string) (string, error) {
	var b strings.Builder
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		rest = rest[i:]
		if strings.HasPrefix(rest, "{{") || strings.HasPrefix(rest, "}}") {
			b.WriteByte(rest[0])
			rest = rest[2:]
			continue
		}
		name, after, ok := strings.Cut(rest[1:], "}")
		if rest[0] == '}' || !ok {
			return "", fmt.Errorf("a brace stands alone in %q; write {{ or }} for a brace itself", text)
		}
		if !slices.Contains(known, name) {
			return "", unknownPlaceholder(name, known)
		}
		b.WriteString(value(name))
		rest = after
	}
	return b.String(), nil
}

// checkText reports what is wrong with the placeholders in text.
func checkText(text string, known []string) error {
	_, err := expand(text, known, func(string) string { return "" })
	return err
}

func unknownPlaceholder(name string, known []string) error {
	if near := yamlfile.Nearest(name, known); near != "" {
		return fmt.Errorf("unknown placeholder {%s}; did you mean {%s}?", name, near)
	}
	return fmt.Errorf("unknown placeholder {%s}; known here: {%s}", name, strings.Join(known, "} {"))
}
