package fetch

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxLine bounds a line of a Debian control file, in bytes. The longest ones,
// of packages with thousands of binaries, have some 100,000.
const maxLine = 1 << 20

// A paragraph is a block of fields of a Debian control file, deb822(5), as the
// package index and the newer form of APT's lists of archives have it. The
// keys are the fields' names in lower case. A value has its lines as they
// stand, without the first blank of those after the first, and without
// comments.
type paragraph map[string][]string

// parseParagraphs reads a control file. The error names the line.
func parseParagraphs(r io.Reader) ([]paragraph, error) {
	var list []paragraph
	var current paragraph
	name := ""
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimRight(lines.Text(), " \t\r")
		switch {
		case line == "":
			current, name = nil, ""
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if name == "" {
				return nil, fmt.Errorf("line %d continues no field", n)
			}
			current[name] = append(current[name], line[1:])
		default:
			field, value, ok := strings.Cut(line, ":")
			if name = strings.ToLower(field); !ok || strings.ContainsAny(field, " \t") || name == "" {
				return nil, fmt.Errorf("line %d is not of the form %q: %q", n, "Name: value", oneLine(line, 72))
			}
			if current == nil {
				current = paragraph{}
				list = append(list, current)
			}
			if _, twice := current[name]; twice {
				return nil, fmt.Errorf("line %d: a second field %q in the same paragraph", n, oneLine(field, 72))
			}
			current[name] = []string{strings.TrimLeft(value, " \t")}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	return list, nil
}

// first returns the first line of a field, which is all of most.
func (p paragraph) first(name string) string {
	if lines := p[name]; len(lines) > 0 {
		return lines[0]
	}
	return ""
}

// words returns the blank-separated words of a field.
func (p paragraph) words(name string) []string {
	return strings.Fields(strings.Join(p[name], "\n"))
}
