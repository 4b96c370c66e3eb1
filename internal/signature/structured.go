package signature

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// structures are pieces of what compilers write with -fdiagnostics-format=json and =sarif.
// A line with one is read as that.
var structures = []string{`"kind": "error"`, `"kind": "fatal error"`, `"kind":"error"`, `"kind":"fatal error"`, `"level": "error"`, `"level":"error"`}

// A structured error is one of gcc's JSON.
type structuredError struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Option    string `json:"option"`
	Locations []struct {
		Caret structuredPlace `json:"caret"`
	} `json:"locations"`
}

// A structuredPlace is where in a file an error is; lines and columns count from 1.
type structuredPlace struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// A sarif is what is read of a SARIF log.
type sarif struct {
	Runs []struct {
		Results []struct {
			RuleID  string `json:"ruleId"`
			Level   string `json:"level"`
			Message struct {
				Text string `json:"text"`
			} `json:"message"`
			Locations []struct {
				Physical struct {
					Artifact struct {
						URI string `json:"uri"`
					} `json:"artifactLocation"`
					Region struct {
						StartLine   int `json:"startLine"`
						StartColumn int `json:"startColumn"`
					} `json:"region"`
				} `json:"physicalLocation"`
			} `json:"locations"`
		} `json:"results"`
	} `json:"runs"`
}

// unstructured gives the errors in a text of JSON as a compiler says them otherwise. Of a
// text that breaks off, it gives those that are whole.
func unstructured(text []byte) []string {
	start := bytes.IndexAny(text, "[{")
	if start < 0 {
		return nil
	}
	text = text[start:]
	dec := json.NewDecoder(bytes.NewReader(text))
	if text[0] == '{' {
		var log sarif
		if dec.Decode(&log) != nil {
			return nil
		}
		return log.errors()
	}
	var all []string
	if _, err := dec.Token(); err != nil {
		return nil
	}
	for dec.More() {
		var e structuredError
		if dec.Decode(&e) != nil {
			break
		}
		if strings.HasSuffix(e.Kind, "error") {
			var at structuredPlace
			if len(e.Locations) > 0 {
				at = e.Locations[0].Caret
			}
			all = append(all, at.says(e.Message, e.Option))
		}
	}
	return all
}

func (s sarif) errors() (all []string) {
	for _, run := range s.Runs {
		for _, r := range run.Results {
			if r.Level != "error" {
				continue
			}
			var at structuredPlace
			if len(r.Locations) > 0 {
				p := r.Locations[0].Physical
				at = structuredPlace{p.Artifact.URI, p.Region.StartLine, p.Region.StartColumn}
				if u, err := url.Parse(p.Artifact.URI); err == nil {
					at.File = u.Path
				}
			}
			option := ""
			if strings.HasPrefix(r.RuleID, "-W") {
				option = r.RuleID
			}
			all = append(all, at.says(r.Message.Text, option))
		}
	}
	return all
}

// says is an error as compilers write it on one line.
func (p structuredPlace) says(message, option string) string {
	message = strings.ReplaceAll(message, "\n", " ")
	if option != "" {
		message += " [" + option + "]"
	}
	if p.Line == 0 {
		return "cc1: error: " + message
	}
	return fmt.Sprintf("%s:%d:%d: error: %s", p.File, p.Line, p.Column, message)
}

// structured looks at the errors in a line of JSON, if it is one.
func (s *scanning) structured(l line, pieces []int) bool {
	if !slices.ContainsFunc(pieces, func(p int) bool { return s.structuring[p] }) {
		return false
	}
	all := unstructured(l.whole())
	for _, text := range all {
		v := line{&reader{text: []byte(text)}, l.number, 0, len(text)}
		var has []int
		s.gate.scan(v.r.text, func(piece, _ int) { has = append(has, piece) })
		s.look(v, l, has)
	}
	return len(all) > 0
}

// The largest document that is read as a whole, in bytes, and how much of it tells that it
// is one.
const (
	maxDocument = 8 << 20
	head        = 4 << 10
)

// document gives the errors of a log that is one SARIF document, written over many lines,
// as lines of a log; another log it gives as it is.
func document(log io.Reader) io.Reader {
	r := bufio.NewReaderSize(log, head)
	begin, _ := r.Peek(head)
	if begin = bytes.TrimSpace(begin); !bytes.HasPrefix(begin, []byte("{")) || !bytes.Contains(begin, []byte(`"$schema"`)) && !bytes.Contains(begin, []byte(`"runs"`)) {
		return r
	}
	text, err := io.ReadAll(io.LimitReader(r, maxDocument))
	if err == nil {
		var log sarif
		if json.Unmarshal(text, &log) == nil && len(log.Runs) > 0 {
			return strings.NewReader(strings.Join(log.errors(), "\n"))
		}
	}
	return io.MultiReader(bytes.NewReader(text), &failing{err}, r)
}

// failing gives an error of reading once more; nil is none.
type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}
