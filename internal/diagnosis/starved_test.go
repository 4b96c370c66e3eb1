package diagnosis_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestNotStarved: what a log has often before, in probes, does not hide the root cause;
// and an error far from the end is one.
func TestNotStarved(t *testing.T) {
	c := shipped(t)
	var headers, library, notes, folders strings.Builder
	for i := range 120 {
		fmt.Fprintf(&headers, "configure:%d: gcc -c conftest.c\nconftest.c:%d:10: fatal error: h%d.h: No such file or directory\ncompilation terminated.\nconfigure:%d: $? = 1\n", i, i+1, i, i)
	}
	for i := range 4 {
		fmt.Fprintf(&library, "configure:%d: gcc -o conftest conftest.c -lfoo\n/usr/bin/ld: cannot find -lfoo: No such file or directory\ncollect2: error: ld returned 1 exit status\nconfigure:%d: $? = 1\n", i, i)
	}
	for i := range 100 {
		fmt.Fprintf(&notes, "a.cc:%d:3: note: candidate %d\n", i+5, i)
	}
	for i := range 20_010 {
		fmt.Fprintf(&folders, "make[1]: Entering directory '/d%d'\nmake[1]: Leaving directory '/d%d'\n", i, i)
	}
	gap := strings.Repeat("| int main(void) { return 0; }\n", 30)
	for _, test := range []struct{ what, log, signature, file string }{
		{"hundred probes", headers.String() + gap + "src/real.c:3:10: fatal error: ffi.h: No such file or directory\ncompilation terminated.\nmake: *** [Makefile:10: src/real.o] Error 1\n", "missing-header", "src/real.c"},
		{"the same line in probes", library.String() + gap + "gcc -o prog a.o -lfoo\n/usr/bin/ld: cannot find -lfoo: No such file or directory\ncollect2: error: ld returned 1 exit status\nmake: *** [Makefile:10: prog] Error 1\n", "ld-cannot-find-library", ""},
		{"many notes", "a.cc:4:8: error: 'nope' was not declared in this scope\n" + notes.String(), "undeclared-identifier", "a.cc"},
		{"many folders", folders.String() + "make[1]: Entering directory '/real'\nf.c:3:4: error: unknown type name 'foo'\nmake[1]: *** [f.o] Error 1\n", "unknown-type-name", "/real/f.c"},
		{"AC_MSG_FAILURE", "checking for kqueue... no\nconfigure: error: in `/src':\nconfigure: error: --with-backend is needed\nSee `config.log' for more details\n", "configure-error", ""},
		{"colours", "\x1b[1mmeson.build:2:0:\x1b[0m \x1b[31mERROR:\x1b[0m Dependency \"frob\" not found, tried pkgconfig and cmake\n", "meson-dependency-not-found", "meson.build"},
	} {
		t.Run(test.what, func(t *testing.T) {
			d, err := diagnose(c, strings.NewReader(test.log))
			if err != nil || len(d.Findings) == 0 {
				t.Fatalf("%s, %v", d.Outcome, err)
			}
			f := d.Findings[0]
			if f.Signature != test.signature || test.file != "" && f.File != test.file || strings.Contains(f.Cause, "in '/src'") {
				t.Errorf("%s in %q: %s", f.Signature, f.File, f.Cause)
			}
		})
	}
}
