package recipe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	fixesKey  = regexp.MustCompile(`(?m)^fixes:[ \t]*(?:#.*)?\n`)
	firstItem = regexp.MustCompile(`^(?:[ \t]*(?:#.*)?\n)*([ ]*)- `)
)

// Learn gives the text of a recipe with one fix more, which stands before those that it has;
// all else is as it was written.
func Learn(text []byte, f Fix) []byte {
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(bytes.Clone(text), '\n')
	}
	at, indent, head := len(text), "  ", "fixes:\n"
	if loc := fixesKey.FindIndex(text); loc != nil {
		at, head = loc[1], ""
		if m := firstItem.FindSubmatch(text[at:]); m != nil {
			indent = string(m[1])
		}
	}
	var b strings.Builder
	for line := range strings.Lines(f.yaml()) {
		b.WriteString(indent + line)
	}
	return slices.Concat(text[:at], []byte(head), []byte(b.String()), text[at:])
}

// yaml writes a fix as an item of a list.
func (f Fix) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "- id: %s\n  summary: %s\n  affects: %s\n", f.ID, scalar(f.Summary), scalar(f.Affects))
	if f.Where.OS != "" {
		fmt.Fprintf(&b, "  where: {os: %s}\n", f.Where.OS)
	}
	if f.Cures != nil {
		fmt.Fprintf(&b, "  cures: {signature: %s", f.Cures.Signature)
		if f.Cures.Symbol != "" {
			fmt.Fprintf(&b, ", symbol: %s", scalar(f.Cures.Symbol))
		}
		b.WriteString("}\n")
	}
	for i, p := range f.Patch {
		if i == 0 {
			b.WriteString("  patch:\n")
		}
		fmt.Fprintf(&b, "    - file: %s\n", scalar(p.File))
	}
	if len(f.Configure) > 0 {
		fmt.Fprintf(&b, "  configure: [%s]\n", strings.Join(scalars(f.Configure), ", "))
	}
	if len(f.Env) > 0 {
		b.WriteString("  env:\n")
		for _, key := range slices.Sorted(maps.Keys(f.Env)) {
			fmt.Fprintf(&b, "    %s: %s\n", key, scalar(f.Env[key]))
		}
	}
	if f.Origin != nil {
		fmt.Fprintf(&b, "  origin: {type: %s}\n", f.Origin.Type)
	}
	if f.Proof != nil {
		fmt.Fprintf(&b, "  proof:\n    log: %s\n", scalar(f.Proof.Log))
	}
	return b.String()
}

// scalar is a text between quotes: what JSON has for a text, YAML takes as well.
func scalar(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

func scalars(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = scalar(text)
	}
	return out
}
