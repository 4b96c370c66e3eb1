package diagnosis_test

import (
	"strings"
	"testing"

	"srcmend/internal/diagnosis"
)

// TestBeside: of the log that configure leaves, the last thing that went wrong before it
// gave up counts, not what it tried before or wrote behind.
func TestBeside(t *testing.T) {
	const (
		probe = "configure:10: checking for frob.h\nconftest.c:3:10: fatal error: frob.h: No such file or directory\nconfigure:11: result: no\n"
		last  = "configure:20: checking whether the C compiler works\nconfigure:21: gcc -mfrob conftest.c >&5\ngcc: error: unrecognized command-line option '-mfrob'\nconfigure:22: $? = 1\n"
		end   = "configure:23: error: C compiler cannot create executables\n"
	)
	c := shipped(t)
	for name, test := range map[string]struct {
		log, signature, symbol string
		line                   int
	}{
		"configure":        {probe + last + end, "unsupported-compiler-flag", "-mfrob", 6},
		"and what follows": {probe + last + end + "| conftest.c:9:1: error: unknown type name 'x'\n", "unsupported-compiler-flag", "-mfrob", 6},
		"asked twice":      {last + probe + last + end, "unsupported-compiler-flag", "-mfrob", 10},
		"cmake": {
			"Performing C SOURCE FILE Test HAVE_X failed with the following output:\nmain.c:1:2: error: use of undeclared identifier 'x'\n\nChecking the linker failed:\n/usr/bin/ld: cannot find -lfrob\n",
			"ld-cannot-find-library", "frob", 5,
		},
		"long before": {last + strings.Repeat("configure:12: result: yes\n", 400) + end, "", "", 0},
		"nothing":     {"", "", "", 0},
	} {
		scan, err := c.Scan(strings.NewReader(test.log))
		if err != nil {
			t.Fatal(err)
		}
		f, found := diagnosis.Beside(scan)
		if found != (test.signature != "") || f.Signature != test.signature || f.Symbol != test.symbol || f.LogLine != test.line {
			t.Errorf("%s: %+v, %v; want %+v", name, f, found, test)
		}
	}
}
