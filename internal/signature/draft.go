package signature

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Draft makes a file of the catalogue of a line that no signature matches: what is sure to
// differ the next time, names and numbers, is left open. A person has to say what it means.
// It is "" if too much of the line differs from one time to the next.
func Draft(text string) string {
	draft := draft(prepared(text))
	whole := strings.ReplaceAll(draft, `: "" #`, `: "something" #`)
	c, f := newCatalogue(), new(file)
	f.read("draft", []byte(whole))
	wrong := c.add(f)
	c.open()
	if len(wrong) > 0 || len(c.Prove()) > 0 {
		return ""
	}
	return draft
}

// draft makes the file, whether it is of use or not.
func draft(text string) string {
	key, message := "line", text
	var d diagnostic
	if parsed, ok := parse(text); ok && parsed.severity == "error" {
		key, message, d = "error", parsed.message, parsed
	}
	pattern, symbol := generalised(message)
	var b strings.Builder
	fmt.Fprintf(&b, `summary: Signatures of our own.
signatures:
  - id: %s # a better name: what it is, in a few words
    rank: cause # it says what is wrong; or kind, if only of what kind it is
    match:
      - %s: %s
    cause: "" # what went wrong, in a sentence; it may hold {symbol}, {file} and {line}
    remedies:
      - kind: advice # or source, flag, environment, package, toolchain
        do: "" # what to do
    proof:
      matches:
        - text: %s
`, name(message), key, quoted(pattern), quoted(text))
	if d.line > 0 {
		fmt.Fprintf(&b, "          file: %s\n          line: %d\n", quoted(d.file), d.line)
	}
	if symbol != "" {
		fmt.Fprintf(&b, "          symbol: %s\n", quoted(symbol))
	}
	b.WriteString("      misses: [] # lines that look like it and mean something else\n")
	return b.String()
}

// quoted is a text as YAML has it: a string of JSON is one.
func quoted(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == '\'' || unicode.IsControl(r) }) {
		return "'" + text + "'"
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string can be
	return strings.TrimSpace(b.String())
}

// loose is what differs from one log to the next: what stands in quotes, paths, numbers, and
// what is not text.
var loose = regexp.MustCompile(`[\t\x{fffd}\x{feff}]+|'[^']+'|(?:\.{0,2}/)?[\w.+-]+(?:/[\w.+-]+)+|/[\w.+/-]+|\b0x[0-9a-f]+\b|\d+`)

// generalised is a pattern for a text, and the symbol that it captures there.
func generalised(text string) (pattern, symbol string) {
	var b strings.Builder
	b.WriteString("^")
	at := 0
	for _, span := range loose.FindAllStringIndex(text, -1) {
		b.WriteString(regexp.QuoteMeta(text[at:span[0]]))
		part := text[span[0]:span[1]]
		switch {
		case strings.Trim(part, "\t\ufffd\ufeff") == "":
			b.WriteString(`.+`)
		case part[0] == '\'' && symbol == "":
			symbol = part[1 : len(part)-1]
			b.WriteString("'{symbol}'")
		case part[0] == '\'':
			b.WriteString("'[^']+'")
		case strings.Contains(part, "/"):
			b.WriteString(`\S+`)
		case strings.HasPrefix(part, "0x"):
			b.WriteString(`0x[0-9a-f]+`)
		default:
			b.WriteString(`\d+`)
		}
		at = span[1]
	}
	b.WriteString(regexp.QuoteMeta(text[at:]))
	return b.String(), symbol
}

// name makes an id of the first words of a text.
func name(text string) string {
	words := regexp.MustCompile(`[a-z]+`).FindAllString(strings.ToLower(loose.ReplaceAllString(text, " ")), -1)
	if len(words) == 0 {
		return "draft"
	}
	return "draft-" + strings.Join(words[:min(len(words), 5)], "-")
}
