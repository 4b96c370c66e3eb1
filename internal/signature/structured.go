package signature

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
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

// A sarifResult is what is read of a result of a SARIF log.
type sarifResult struct {
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
}

// maxErrors is how many errors of one JSON text are read.
const maxErrors = 1000

// unstructured gives the errors in a text of JSON as a compiler says them otherwise. Of a
// text that breaks off, it gives those that are whole.
func unstructured(text []byte) (all []string) {
	start := bytes.IndexAny(text, "[{")
	if start < 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(text[start:]))
	if text[start] == '{' {
		all, _ = sarifErrors(dec)
		return all
	}
	_ = list(dec, func() error {
		var e structuredError
		err := dec.Decode(&e)
		if err == nil && strings.HasSuffix(e.Kind, "error") {
			all = append(all, e.says())
		}
		return more(all, err)
	})
	return all
}

// sarifErrors gives the errors of a SARIF log. err is why it is none, or not whole.
func sarifErrors(dec *json.Decoder) (all []string, err error) {
	runs := false
	err = object(dec, func(key string) error {
		if key != "runs" {
			return skip(dec)
		}
		runs = true
		return list(dec, func() error {
			return object(dec, func(key string) error {
				if key != "results" {
					return skip(dec)
				}
				return list(dec, func() error {
					var r sarifResult
					err := dec.Decode(&r)
					if err == nil && r.Level == "error" {
						all = append(all, r.says())
					}
					return more(all, err)
				})
			})
		})
	})
	if err == nil && !runs {
		err = errors.New("no SARIF")
	}
	return all, err
}

// more ends the reading where that fails, or where all there is to take was taken.
func more(all []string, err error) error {
	if err == nil && len(all) >= maxErrors {
		return io.EOF
	}
	return err
}

// object reads an object, of which value reads each value.
func object(dec *json.Decoder, value func(key string) error) error {
	return group(dec, '{', func() error {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := key.(string)
		return value(name)
	})
}

// list reads a list, of which value reads each value.
func list(dec *json.Decoder, value func() error) error { return group(dec, '[', value) }

// group reads what stands between two brackets.
func group(dec *json.Decoder, begin json.Delim, value func() error) error {
	switch token, err := dec.Token(); {
	case err != nil:
		return err
	case token != begin:
		return fmt.Errorf("%v instead of %v", token, begin)
	}
	for dec.More() {
		if err := value(); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// skip passes over a value.
func skip(dec *json.Decoder) error {
	var value json.RawMessage
	return dec.Decode(&value)
}

// says is the error as compilers write it on one line.
func (e structuredError) says() string {
	var at structuredPlace
	if len(e.Locations) > 0 {
		at = e.Locations[0].Caret
	}
	return at.says(e.Message, e.Option)
}

// says is the error as compilers write it on one line.
func (r sarifResult) says() string {
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
	return at.says(r.Message.Text, option)
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
		s.look(v, l, s.candidates(has))
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
		if all, err := sarifErrors(json.NewDecoder(bytes.NewReader(text))); err == nil || len(all) == maxErrors {
			return strings.NewReader(strings.Join(all, "\n"))
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
