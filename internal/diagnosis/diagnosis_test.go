package diagnosis_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"srcmend/internal/diagnosis"
	"srcmend/internal/signature"
	"srcmend/patches"
	"srcmend/recipes"
)

func shipped(t testing.TB) *signature.Catalogue {
	t.Helper()
	files, err := fs.Sub(recipes.FS, "signatures")
	if err != nil {
		t.Fatal(err)
	}
	c, err := signature.Load(signature.Layer{Name: "signatures", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// diagnose reads a log, of which nobody knows how the build ended.
func diagnose(c *signature.Catalogue, log io.Reader) (diagnosis.Diagnosis, error) {
	scan, err := c.Scan(log)
	return diagnosis.Of(scan), err
}

// An expected is what a log must yield.
type expected struct {
	Signature string
	Or        []string
	File      *string
	Line      *int
	Symbol    *string
}

// wrong says what is wrong with a diagnosis.
func (e expected) wrong(d diagnosis.Diagnosis) string {
	if e.Signature == "" {
		for _, f := range d.Findings {
			if f.Rank == signature.Cause {
				return "it yields " + f.Signature
			}
		}
		return ""
	}
	if len(d.Findings) == 0 {
		return "it yields nothing: " + string(d.Outcome)
	}
	f := d.Findings[0]
	switch {
	case f.Signature != e.Signature && !slices.Contains(e.Or, f.Signature):
		return "it yields " + f.Signature + ", not " + e.Signature
	case e.File != nil && f.File != *e.File && !strings.HasSuffix(f.File, "/"+*e.File):
		return "file " + f.File + ", not " + *e.File
	case e.Line != nil && f.Line != *e.Line:
		return "another line"
	case e.Symbol != nil && f.Symbol != *e.Symbol:
		return "symbol " + f.Symbol + ", not " + *e.Symbol
	}
	return ""
}

// logs are where the logs lie: those of the repository, or others of the same form.
func logs() string {
	if dir := os.Getenv("SRCMEND_LOGS"); dir != "" {
		return dir
	}
	return "../../testdata/logs"
}

// TestLogs reads real logs of failed builds, and of some that did not fail. Nearly all
// must yield just what they should; those that do not are named.
func TestLogs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(logs(), "expect.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]expected
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	c, right := shipped(t), 0
	for name, e := range all {
		log, err := os.Open(filepath.Join(logs(), name+".log"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := diagnose(c, log)
		log.Close()
		if err != nil {
			t.Fatal(err)
		}
		if wrong := e.wrong(d); wrong != "" {
			t.Logf("%s: %s", name, wrong)
		} else {
			right++
		}
	}
	const atLeast = 96 // of a hundred
	t.Logf("%d of %d logs are diagnosed right", right, len(all))
	if len(all) == 0 || right*100 < atLeast*len(all) {
		t.Errorf("want %d of a hundred", atLeast)
	}
}

// TestFoundingLog reads the log that all began with, as its author posted it: with lines
// that his screen has broken, and only the folders that make leaves.
func TestFoundingLog(t *testing.T) {
	log, err := patches.FS.Open("dovecot/event-stats-signal-h.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d, err := diagnose(shipped(t), log)
	if err != nil || d.Outcome != diagnosis.Failed || len(d.Findings) == 0 {
		t.Fatalf("%+v, %v", d, err)
	}
	root := d.Findings[0]
	if root.Signature != "missing-include-signal-h" || root.Symbol != "SIGKILL" || root.Line != 101 || root.LogLine != 6 ||
		root.File != "/usr/local/src/dovecot-2.3.4/src/lib-master/test-event-stats.c" {
		t.Errorf("the root cause is %+v", root)
	}
	if got := root.Excerpt[root.At]; !strings.Contains(got, "'SIGKILL' undeclared") {
		t.Errorf("the excerpt points at %q", got)
	}
}

// TestOutcomes: what is a failure, what is not, and what nobody knows.
func TestOutcomes(t *testing.T) {
	c := shipped(t)
	for _, test := range []struct {
		what, log string
		outcome   diagnosis.Outcome
		signature string
		file      string
	}{
		{"nothing", "", diagnosis.Green, "", ""},
		{"a build", "cc -c a.c\ncc -o a a.o\n", diagnosis.Green, "", ""},
		{"warnings", "a.c:1:1: warning: implicit declaration of function 'f' [-Wimplicit-function-declaration]\n", diagnosis.Green, "", ""},
		{"a probe", "configure:12: gcc -c conftest.c >&5\nconftest.c:3:1: error: unknown type name 'foo_t'\nconfigure:12: $? = 1\nconfigure:13: result: no\n", diagnosis.Green, "", ""},
		{"an error without a name", "a.c:3:1: error: the moon is not full\nmake: *** [Makefile:2: a.o] Error 1\n", diagnosis.Unknown, "make-recipe-failed", "Makefile"},
		{"an error without a name, and without make", "a.c:3:1: error: the moon is not full\n", diagnosis.Unknown, "", ""},
		{"two jobs", "b.c:1:2: error: 'x' undeclared (first use in this function)\na.c:9:1: error: 'y' undeclared (first use in this function)\nmake: *** [Makefile:2: a.o] Error 1\n", diagnosis.Failed, "undeclared-identifier", "a.c"},
		{"a folder", "make[1]: Entering directory '/src/lib'\na.c:9:1: error: 'y' undeclared (first use in this function)\nmake[1]: *** [Makefile:2: a.o] Error 1\nmake[1]: Leaving directory '/src/lib'\n", diagnosis.Failed, "undeclared-identifier", "/src/lib/a.c"},
		{"ignored by gmake", "frobgen --check a.o\nmake: frobgen: No such file or directory\nmake: [Makefile:3: all] Error 127 (ignored)\ndone\n", diagnosis.Green, "", ""},
		{"ignored by gmake, in German", "cc -c a.c\na.c:9:1: Fehler: »y« nicht deklariert\nmake: [Makefile:3: a.o] Fehler 1 (ignoriert)\n", diagnosis.Green, "", ""},
		{"ignored by bmake", "false\n*** Error code 1 (ignored)\n", diagnosis.Green, "", ""},
		{"configure tries out aloud", "checking for -lfrob... /usr/bin/ld: cannot find -lfrob: No such file or directory\ncollect2: error: ld returned 1 exit status\nno\nconfigured\n", diagnosis.Green, "", ""},
		{"configure breaks off", "checking for frob... ./configure: line 12: syntax error near unexpected token `frob,'\n", diagnosis.Failed, "configure-unexpanded-macro", "./configure"},
		{"source that speaks of errors", "a.c:9:13: warning: 'f' defined but not used [-Wunused-function]\n    9 | static void f(int error) { printf(\"a: error: %d\", error); }\n      |             ^\n", diagnosis.Green, "", ""},
		{"the same, as clang shows it", "a.c:9:13: warning: unused function 'f' [-Wunused-function]\nstatic void f(int error) { printf(\"a: error: %d\", error); }\n            ^\n", diagnosis.Green, "", ""},
		{"a test that speaks of errors", "error: the expected error was seen\n" + strings.Repeat("PASS\n", 20), diagnosis.Green, "", ""},
		{"a test of ctest", "1: Test command: /bin/sh t\n1: p.c:3:1: error: expected declaration\n1/1 Test #1: t ......   Passed    0.00 sec\n", diagnosis.Green, "", ""},
		{"a test that is to fail", "bug.c:2: error: segmentation fault\nXFAIL bug.sh (exit status: 1)\n", diagnosis.Green, "", ""},
		{"what a test should have said", "--- want\n+++ got\n@@ -1,2 +1,2 @@\n ls\n-cat: foo: Permission denied\n+foo\nPASS t\n", diagnosis.Green, "", ""},
		{"configure and its log", "configure: error: curses library not found\n" + strings.Repeat("#define HAVE_X 1\n", 99), diagnosis.Failed, "configure-error", ""},
		{"something was missing and not needed", "git describe --tags || echo 1.0\nfatal: not a git repository (or any of the parent directories): .git\ncc -c a.c\ncc -o a a.o\n", diagnosis.Green, "", ""},
		{"a compiler, and then another file", "cc -c a.c\na.c:3:1: error: 'x' undeclared (first use in this function)\ncc -c b.c\n", diagnosis.Failed, "undeclared-identifier", "a.c"},
		{"what python ran", "a.c:9:1: error: 'y' undeclared (first use in this function)\nTraceback (most recent call last):\n" + strings.Repeat("  File \"ccompiler.py\", line 7, in spawn\n    spawn(cmd)\n", 40) + "BuildFailed\n", diagnosis.Failed, "undeclared-identifier", "a.c"},
		{"a header of the target, in Spanish", "En el fichero incluido desde w.h:1,\n                 desde a.c:3:\np.h:1:8: error: redefinición de ‘struct p’\n    1 | struct p { int x; };\nx\nx\na.c:4:5: error: conflicting types for ‘f’\nmake: *** [Makefile:2: a.o] Error 1\n", diagnosis.Failed, "redefinition", "p.h"},
		{"a tool that was not needed", "WARNING: 'aclocal-1.11' is missing on your system.\n" + strings.Repeat("checking for x... no\n", 50) + "a.c:9:1: error: 'y' undeclared (first use in this function)\nmake: *** [Makefile:2: a.o] Error 1\n", diagnosis.Failed, "undeclared-identifier", "a.c"},
		{"configure went on", "./configure: line 12: frob: command not found\nchecking for x... no\nconfigure: error: x is not there\n", diagnosis.Failed, "configure-error", ""},
		{"long before the end", "a.c:9:1: error: 'y' undeclared (first use in this function)\n" + strings.Repeat("all is well\n", 99), diagnosis.Green, "", ""},
	} {
		d, err := diagnose(c, strings.NewReader(test.log))
		if err != nil || d.Outcome != test.outcome {
			t.Errorf("%s: %s, %v; want %s", test.what, d.Outcome, err, test.outcome)
			continue
		}
		if test.signature == "" && len(d.Findings) > 0 || test.signature != "" && (len(d.Findings) == 0 || d.Findings[0].Signature != test.signature || d.Findings[0].File != test.file) {
			t.Errorf("%s: %+v", test.what, d.Findings)
		}
	}
}
