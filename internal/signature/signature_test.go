package signature_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"srcmend/internal/signature"
	"srcmend/internal/yamlfile"
	"srcmend/patches"
	"srcmend/recipes"
)

func shipped(t testing.TB) *signature.Catalogue {
	t.Helper()
	c, err := signature.Load(recipes.FS, "signatures")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestShippedCatalogue(t *testing.T) {
	if err := shipped(t).Prove(); err != nil {
		t.Error(err)
	}
}

// TestFoundingLog reads the log that all began with, as its author posted it.
func TestFoundingLog(t *testing.T) {
	log, err := patches.FS.Open("dovecot/event-stats-signal-h.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	root, ok := signature.Root(shipped(t).Scan(log))
	if !ok || root.Signature != "missing-include-signal-h" || root.File != "test-event-stats.c" ||
		root.Line != 101 || root.Symbol != "SIGKILL" || root.LogLine != 6 {
		t.Errorf("root is %+v", root)
	}
	if got := root.Excerpt[root.At]; !strings.Contains(got, "'SIGKILL' undeclared") {
		t.Errorf("the excerpt points at %q", got)
	}
}

// TestRealTools makes real compilers and makes fail and reads what they say.
func TestRealTools(t *testing.T) {
	c := shipped(t)
	for _, test := range []struct {
		name, tool string
		files      map[string]string
		argv       []string
		want       string // signature, file, line and symbol of the root
	}{
		{"signal", "cc", map[string]string{"a.c": "int f(void) {\n\treturn SIGTERM;\n}\n"}, []string{"cc", "-c", "a.c"}, "missing-include-signal-h a.c 2 SIGTERM"},
		{"undeclared", "cc", map[string]string{"a.c": "int f(void) { return FROB; }\n"}, []string{"cc", "-c", "a.c"}, "undeclared-identifier a.c 1 FROB"},
		{"implicit", "cc", map[string]string{"a.c": "int f(void) { return frob(); }\n"}, []string{"cc", "-Werror=implicit-function-declaration", "-c", "a.c"}, "implicit-function-declaration a.c 1 frob"},
		{"header", "cc", map[string]string{"a.c": "#include <no/such.h>\n"}, []string{"cc", "-c", "a.c"}, "missing-header a.c 1 no/such.h"},
		{"werror", "cc", map[string]string{"a.c": "int f(void) { int x; return 0; }\n"}, []string{"cc", "-Wall", "-Werror", "-c", "a.c"}, "warning-as-error a.c 1 unused-variable"},
		{"link", "cc", map[string]string{"a.c": "int g(void);\nint main(void) { return g(); }\n"}, []string{"cc", "a.c"}, "undefined-reference  0 g"},
		{"library", "cc", map[string]string{"a.c": "int main(void) { return 0; }\n"}, []string{"cc", "a.c", "-lnosuchlibrary"}, "library-not-found  0 nosuchlibrary"},
		{"twice", "cc", map[string]string{"a.c": "int v = 1;\nint main(void) { return v; }\n", "b.c": "int v = 2;\n"}, []string{"cc", "a.c", "b.c"}, "multiple-definition  0 v"},
		{"rule", "make", map[string]string{"Makefile": "all: missing.c\n"}, []string{"make"}, "make-no-rule  0 missing.c"},
		{"separator", "make", map[string]string{"Makefile": "all:\n        echo blanks\n"}, []string{"make"}, "not-gnu-make Makefile 2 "},
		{"command", "make", map[string]string{"Makefile": "all:\n\tno-such-tool; exit $$?\n"}, []string{"make"}, "command-not-found  0 no-such-tool"},
		{"failed", "make", map[string]string{"Makefile": "all:\n\tfalse\n"}, []string{"make"}, "make-failed Makefile 2 all"},
		{"full", "make", map[string]string{"Makefile": "all:\n\tcat Makefile >/dev/full\n"}, []string{"make"}, "disk-full  0 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range test.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(test.argv[0], test.argv[1:]...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MAKEFLAGS=")
			log, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("%v did not fail", test.argv)
			}
			root, _ := signature.Root(c.ScanText(log))
			if got := fmt.Sprintf("%s %s %d %s", root.Signature, filepath.Base("/"+root.File), root.Line, root.Symbol); strings.Replace(got, " / ", "  ", 1) != test.want {
				t.Errorf("root is %q, want %q, in\n%s", got, test.want, log)
			}
		})
	}
}

func TestGreenLog(t *testing.T) {
	const log = `checking for SIGKILL... yes
cc -Werror=unused -c error.c
make[1]: [Makefile:12: clean] Error 1 (ignored)
a.c:1:2: warning: implicit declaration of function 'frob'
checking whether no such file or directory is an error... no
`
	if found := shipped(t).Scan(strings.NewReader(log)); len(found) > 0 {
		t.Errorf("found %+v in a green log", found)
	}
}

// family makes a catalogue of one file.
func family(t *testing.T, text string) (*signature.Catalogue, error) {
	t.Helper()
	return signature.Load(fstest.MapFS{"s/f.yaml": {Data: []byte(text)}}, "s")
}

func TestLoadMistakes(t *testing.T) {
	_, err := family(t, `summary: all wrong
signatures:
  - {id: a, rank: loud, match: ['err.r: x'], cause: c, proof: {matches: [{text: "error: x"}]}}
  - {id: b, rank: primary, match: ['(unclosed'], cause: c, proof: {matches: [{text: x}]}}
  - {id: c, rank: primary, match: ['a|b'], cause: c, proof: {matches: [{text: x}]}}
  - {id: d, rank: primary, match: ['plain text'], cuase: c, proof: {matches: [{text: plain text}]}}
`)
	var ms yamlfile.Mistakes
	if !errors.As(err, &ms) {
		t.Fatalf("error is %v", err)
	}
	for _, want := range []string{
		`s/f.yaml:3:19: unknown rank "loud"`, `s/f.yaml:4:36: not a regular expression`,
		`s/f.yaml:5:36: every match needs some plain text`, `s/f.yaml:6:51: unknown key "cuase" (did you mean "cause"?)`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

func TestProveFindsWhatDoesNotHold(t *testing.T) {
	c, err := family(t, `summary: proofs that do not hold
signatures:
  - {id: a, rank: primary, match: ['broken (?P<symbol>\w+)'], over: [nobody], cause: c, proof: {matches: [{text: "broken x", symbol: y}], misses: ["all broken up"]}}
  - {id: b, rank: secondary, match: ['broken thing'], cause: c, proof: {matches: [{text: "broken thing"}]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Prove()
	if err == nil {
		t.Fatal("everything is proven")
	}
	for _, want := range []string{`captured file "", line 0, symbol "x"`, "matches what it must not: all broken up", `beats "nobody"`, `its example is taken for "a"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}

// TestLiteralOfAGroup has a group between two pieces of plain text: they are
// not one piece.
func TestLiteralOfAGroup(t *testing.T) {
	c, err := family(t, `summary: x
signatures:
  - {id: a, rank: primary, match: ['(?P<symbol>abcd.*x)efgh'], cause: c, proof: {matches: [{text: "abcd--xefgh", symbol: abcd--x}]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Prove(); err != nil {
		t.Error(err)
	}
}

func TestTwiceInTheCatalogue(t *testing.T) {
	const one = `  - {id: a, rank: primary, match: ['plain text'], cause: c, proof: {matches: [{text: plain text}]}}` + "\n"
	if _, err := family(t, "summary: x\nsignatures:\n"+one+one); err == nil || !strings.Contains(err.Error(), "stands twice in the catalogue") {
		t.Errorf("error is %v", err)
	}
}

func TestScanIsBounded(t *testing.T) {
	line := "x.c:1:2: error: 'FROB' undeclared\n"
	found := shipped(t).Scan(strings.NewReader(strings.Repeat(line, 10_000)))
	if len(found) == 0 || len(found) > 100 {
		t.Errorf("%d findings are kept of ten thousand", len(found))
	}
	for _, f := range found {
		if len(f.Excerpt) > 7 {
			t.Errorf("an excerpt has %d lines", len(f.Excerpt))
		}
	}
}

func FuzzScan(f *testing.F) {
	c := shipped(f)
	f.Add([]byte("a.c:1:2: error: ‘SIGKILL’ undeclared\nmake: *** [a.o] Error 1\n"))
	f.Add([]byte("\x1b[31m" + strings.Repeat("undefined reference to `", 9)))
	f.Fuzz(func(t *testing.T, log []byte) {
		last := 0
		for _, found := range c.ScanText(log) {
			if found.LogLine < last || found.At >= len(found.Excerpt) || found.Cause == "" {
				t.Errorf("finding %+v", found)
			}
			last = found.LogLine
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add("summary: x\nsignatures:\n  - {id: a, rank: primary, match: ['(a+)+plain'], cause: c, proof: {matches: [{text: plain}]}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := signature.Load(fstest.MapFS{"s/f.yaml": {Data: []byte(text)}}, "s"); err == nil {
			_ = c.Prove()
		}
	})
}

func Example() {
	c, err := signature.Load(recipes.FS, "signatures")
	if err != nil {
		fmt.Println(err)
		return
	}
	root, _ := signature.Root(c.Scan(strings.NewReader(`cc -c proc.c
proc.c: In function 'stop':
proc.c:8:31: error: 'SIGTERM' undeclared (first use in this function)
make: *** [Makefile:7: proc.o] Error 1
`)))
	fmt.Println(root.Signature, root.File, root.Line, root.Symbol)
	// Output: missing-include-signal-h proc.c 8 SIGTERM
}
