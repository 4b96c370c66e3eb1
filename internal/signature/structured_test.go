package signature

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// what gives what was found in a log, in short.
func what(t *testing.T, c *Catalogue, log string) (all []string) {
	t.Helper()
	scan, err := c.Scan(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range scan.Matches {
		all = append(all, fmt.Sprintf("%d: %s:%d:%d: %s (%s)", m.LogLine, m.File, m.Line, m.Column, m.Signature.ID, m.Symbol))
	}
	for _, m := range scan.Strange {
		all = append(all, fmt.Sprintf("%d: %s:%d: strange", m.LogLine, m.File, m.Line))
	}
	return all
}

const (
	jsonError = `{"kind": "error", "message": "'frob' undeclared (first use in this function)", "children": [], "locations": [{"caret": {"file": "a.c", "line": 5, "column": 9}}]}`
	jsonWarn  = `{"kind": "warning", "message": "an \"error: \" in words", "locations": []}`
	jsonFatal = `{"kind": "fatal error", "message": "frob.h: No such file or directory", "locations": [{"caret": {"file": "b.c", "line": 1, "column": 10}}]}`
	jsonFlag  = `{"kind": "error", "option": "-Werror=unused-variable", "message": "unused variable 'x'", "locations": [{"caret": {"file": "c.c", "line": 2, "column": 7}}]}`
	sarifText = `{"$schema": "x", "version": "2.1.0", "runs": [{"results": [
  {"ruleId": "error", "level": "error", "message": {"text": "'frob' undeclared (first use in this function)"},
   "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a%20b.c"}, "region": {"startLine": 5, "startColumn": 9}}}]},
  {"ruleId": "-Wunused", "level": "warning", "message": {"text": "unused"}}]}]}`
)

// TestStructured: what compilers write for programs is read as what they write for people.
func TestStructured(t *testing.T) {
	c := shipped(t)
	for name, test := range map[string]struct {
		log  string
		want []string
	}{
		"gcc's JSON":          {"cc -c a.c\n[" + jsonWarn + ", " + jsonError + "]\n", []string{"2: a.c:5:9: undeclared-identifier (frob)"}},
		"two errors":          {"[" + jsonError + ", " + jsonFatal + "]\n", []string{"1: a.c:5:9: undeclared-identifier (frob)", "1: b.c:1:10: missing-header (frob.h)"}},
		"with its option":     {"[" + jsonFlag + "]\n", []string{"1: c.c:2:7: werror-warning (unused-variable)"}},
		"broken off":          {"[" + jsonError + `, {"kind": "error", "mess` + "\n", []string{"1: a.c:5:9: undeclared-identifier (frob)"}},
		"no place":            {`[{"kind": "error", "message": "the moon is not full", "locations": []}]` + "\n", []string{"1: cc1:0: strange"}},
		"something else":      {`{"kind": "error", "why": [1, 2]}` + "\n", nil},
		"too deep":            {`[{"kind": "error", "locations": ` + strings.Repeat("[", 200_000) + "\n", nil},
		"SARIF on one line":   {"cc -c a.c\n" + strings.ReplaceAll(sarifText, "\n", "") + "\nmake: done\n", []string{"2: a b.c:5:9: undeclared-identifier (frob)"}},
		"SARIF as a document": {sarifText, []string{"1: a b.c:5:9: undeclared-identifier (frob)"}},
		"another document":    {"{\n\"$schema\": \"x\",\n\"level\": \"error\"\n}\na.c:5:9: error: 'frob' undeclared (first use in this function)\n", []string{"5: a.c:5:9: undeclared-identifier (frob)"}},
	} {
		if got := what(t, c, test.log); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q; want %q", name, got, test.want)
		}
	}
}

// TestStructuredByCompilers: what the compilers here write for programs yields what they
// write for people.
func TestStructuredByCompilers(t *testing.T) {
	c, dir := shipped(t), t.TempDir()
	src := filepath.Join(dir, "a.c")
	writeFile(t, src, "#include <stdio.h>\nint main(void)\n{\n\tfrob x;\n\treturn printf(\"%d\", undeclared_here);\n}\n")
	tried := 0
	for _, cc := range []string{"cc", "gcc", "gcc-9", "gcc-10", "gcc-11", "gcc-12", "gcc-13", "gcc-14", "gcc-15", "clang"} {
		plain, _ := exec.Command("env", "LC_ALL=C", cc, "-c", "-o", "/dev/null", src).CombinedOutput()
		for _, form := range []string{"json-stderr", "json", "sarif-stderr", "sarif"} {
			out, _ := exec.Command("env", "LC_ALL=C", cc, "-fdiagnostics-format="+form, "-c", "-o", "/dev/null", src).CombinedOutput()
			if !strings.HasPrefix(strings.TrimSpace(string(out)), "[") && !strings.Contains(string(out), `"runs"`) {
				continue // it does not know that form, or writes it elsewhere
			}
			place := func(text []byte) (all []string) {
				for _, w := range what(t, c, string(text)) {
					_, w, _ = strings.Cut(w, ": ")
					all = append(all, w)
				}
				return all
			}
			got, want := place(out), place(plain)
			if !slices.Equal(got, want) || len(want) < 2 {
				t.Errorf("%s, %s: %q; want %q", cc, form, got, want)
			}
			tried++
		}
	}
	if tried == 0 {
		t.Skip("no compiler here writes JSON or SARIF")
	}
}

// FuzzStructured: whatever looks like JSON, each of its errors is one line.
func FuzzStructured(f *testing.F) {
	for _, text := range []string{"[" + jsonError + "]", sarifText, "[" + jsonFlag + ",", "{\"runs\": [{\"results\": [null]}]}"} {
		f.Add([]byte(text))
	}
	c := shipped(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, line := range unstructured(text) {
			if strings.ContainsAny(line, "\n") {
				t.Fatalf("%q", line)
			}
		}
		if _, err := c.Scan(strings.NewReader(string(text))); err != nil {
			t.Fatal(err)
		}
	})
}
