package header

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInclude puts a header into sources in which the line that is expected stands already,
// with a + before it; a ! marks the first use.
func TestInclude(t *testing.T) {
	for _, test := range []struct{ name, header, source string }{
		{"behind a block that is not sorted", "signal.h", `
#include "lib.h"
#include "process.h"

#include <unistd.h>
+#include <signal.h>

void stop(int pid)
{
!	kill(pid, SIGKILL);
}
`},
		{"to its place in a sorted block", "signal.h", `
#include <errno.h>
#include <fcntl.h>
+#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(void) { return 0; }
`},
		{"on top of a sorted block", "assert.h", `
/* licence */

+#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
`},
		{"at the end of a sorted block", "wchar.h", `
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
+#include <wchar.h>
`},
		{"sorted without regard to case", "math.h", `
#include <Alib.h>
#include <blib.h>
#include <Clib.h>
+#include <math.h>
#include <Zlib.h>
`},
		{"sorted behind the types", "errno.h", `
#include <sys/param.h>
#include <sys/types.h>
+#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
`},
		{"sorted with sys first", "sys/stat.h", `
#include <sys/ioctl.h>
#include <sys/socket.h>
+#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <unistd.h>
`},
		{"among its kind in C++", "limits", `
#include <stdio.h>
#include <unistd.h>

#include <string>
#include <vector>
+#include <limits>
`},
		{"C headers in C++ go to theirs", "unistd.h", `
#include <stdio.h>
#include <stdlib.h>
+#include <unistd.h>

#include <string>
`},
		{"not among those of a library", "signal.h", `
#include <glib/garray.h>
#include <glib/ghash.h>
#include <glib/glist.h>

#include <stdio.h>
+#include <signal.h>
`},
		{"the largest block", "signal.h", `
#include <stdio.h>

#include <string.h>
#include <errno.h>
+#include <signal.h>
`},
		{"not into a conditional", "signal.h", `
#include <stdio.h>
+#include <signal.h>
#ifdef HAVE_UNISTD_H
# include <unistd.h>
# include <fcntl.h>
#endif
`},
		{"one under a condition is not enough", "signal.h", `
#include <stdio.h>
+#include <signal.h>
#ifdef HAVE_SIGNAL_H
#include <signal.h>
#endif
`},
		{"in an include guard", "stdint.h", `
#ifndef MOON_H
#define MOON_H

#include <stddef.h>
+#include <stdint.h>

struct moon { uint8_t phase; };
#endif
`},
		{"in an include guard without includes", "stdint.h", `
/* licence */
#ifndef MOON_H
#define MOON_H
+#include <stdint.h>

struct moon { uint8_t phase; };

#endif /* MOON_H */
`},
		{"a guard with defined", "stdint.h", `
#if !defined(MOON_H)
#define MOON_H 1
+#include <stdint.h>
struct moon { uint8_t phase; };
#endif
`},
		{"pragma once", "cstdint", `
// licence

#pragma once
+#include <cstdint>

struct moon { uint8_t phase; };
`},
		{"before extern C", "stdint.h", `
#ifndef MOON_H
#define MOON_H
+#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "phase.h"
uint8_t phase(void);

#ifdef __cplusplus
}
#endif
#endif
`},
		{"never before a configuration", "assert.h", `
#include <config.h>
+#include <assert.h>

int main(void) { return 0; }
`},
		{"a configuration under a condition", "assert.h", `
#ifdef HAVE_CONFIG_H
# include "config.h"
#endif
+#include <assert.h>

#ifdef HAVE_UNISTD_H
# include <unistd.h>
#endif
`},
		{"a configuration and a sorted block", "assert.h", `
#include <config.h>
+#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
`},
		{"only quoted", "signal.h", `
#include "lib.h"
#include "array.h"
+#include <signal.h>

#include "moon.h"
`},
		{"nothing but conditions", "signal.h", `
/* licence */
+#include <signal.h>

#ifdef HAVE_STDIO_H
#include <stdio.h>
#endif
`},
		{"nothing but a licence", "signal.h", `
/*
 * licence
 * #include <stdio.h>
 */
+#include <signal.h>

int main(void) { return 0; }
`},
		{"nothing at all", "signal.h", `
+#include <signal.h>
int main(void) { return 0; }
`},
		{"a comment is about the function below", "signal.h", `
// licence
+#include <signal.h>

/* Ends a process. */
int stop(int pid) { return kill(pid, SIGTERM); }
`},
		{"behind feature macros", "time.h", `
/* licence */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
+#include <time.h>

int main(void) { return 0; }
`},
		{"behind feature macros under conditions", "time.h", `
#if defined(__linux__)
# define _GNU_SOURCE
#elif defined(__sun)
# define __EXTENSIONS__
#endif
+#include <time.h>

int main(void) { return 0; }
`},
		{"before other macros", "time.h", `
+#include <time.h>
#define LIMIT 10

int main(void) { return 0; }
`},
		{"not into if 0", "signal.h", `
#include <stdio.h>
+#include <signal.h>
#if 0
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#endif
`},
		{"not into a comment", "signal.h", `
#include <stdio.h>
+#include <signal.h>
/*
#include <stdlib.h>
#include <string.h>
*/
int x;
`},
		{"not into a macro of many lines", "signal.h", `
#include <stdio.h> /* which goes
on */
+#include <signal.h>
#define STOP(pid) \
	do { \
		kill(pid, SIGKILL); \
	} while (0)
`},
		{"not into a raw string", "signal.h", `
#include <cstdio>
+#include <signal.h>
const char *text = R"x(
#include <a.h>
#include <b.h>
)" )x";
int y;
`},
		{"above the first use", "stdint.h", `
#include "a.h"
+#include <stdint.h>

!typedef uint8_t phase;

#include <stdio.h>
#include <stdlib.h>
`},
		{"above a use on the first line", "stdint.h", `
+#include <stdint.h>
!typedef uint8_t phase;
#include <stdio.h>
`},
		{"not below code", "signal.h", `
#include <stdio.h>
+#include <signal.h>

int x;

#include <a.h>
#include <b.h>
`},
		{"blanks as the others have them", "signal.h", `
#  include <stdio.h>
#  include <errno.h>
+#  include <signal.h>
`},
		{"no blank as the others have none", "signal.h", `
#include<stdio.h>
#include<errno.h>
+#include<signal.h>
`},
		{"blanks that differ", "signal.h", `
# include <stdio.h>
#include <errno.h>
+#include <signal.h>
`},
		{"all code under one condition", "string.h", `
#include "config.h"
#ifndef HAVE_STRLCPY
#include <stddef.h>
+#include <string.h>
size_t strlcpy(char *to, const char *from, size_t size) { return strlen(from); }
#endif
`},
		{"apostrophes in a text that is left out", "signal.h", `
#include <stdio.h>
+#include <signal.h>
#if 0
don't /* do */ this
#endif
#error it's wrong
int x = '"', y = 1'000'000; /* " */
`},
		{"braces that two branches open", "signal.h", `
#ifdef A
int f(int a) {
#else
int f(void) {
#endif
	return 0;
}
#include <a.h>
+#include <signal.h>
int x;
`},
		{"Objective-C", "signal.h", `
#import <Foundation/Foundation.h>
#import <stdio.h>
+#include <signal.h>
`},
		{"yacc", "string.h", `
%{
/* licence */
#include "lib.h"
#include <stdio.h>
+#include <string.h>
%}
%token MOON
%%
all: MOON { printf("%s", "}"); } ;
%%
#include <stdlib.h>
`},
		{"yacc, used below", "string.h", `
%{
#include <stdio.h>
+#include <string.h>
%}
%%
!all: { strlen(""); } ;
%%
`},
		{"lex with quotation marks", "string.h", `
%option noyywrap
%{
#include <stdio.h>
+#include <string.h>
%}
STR \"[^"]*\"
%%
{STR} { return 'x'; }
%%
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var src []string
			want := strings.TrimPrefix(test.source, "\n")
			line, before := 0, 0
			for i, l := range strings.SplitAfter(want, "\n") {
				switch {
				case strings.HasPrefix(l, "+"):
					line = i + 1
					continue
				case strings.HasPrefix(l, "!"):
					l, before = l[1:], len(src)+1
				}
				src = append(src, l)
			}
			want = strings.NewReplacer("\n+", "\n", "\n!", "\n").Replace("\n" + want)[1:]
			for _, ending := range []string{"\n", "\r\n"} {
				convert := strings.NewReplacer("\n", ending)
				out, at, err := Include([]byte(convert.Replace(strings.Join(src, ""))), test.header, before)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(convert.Replace(want), string(out)); diff != "" || at != line {
					t.Errorf("line %d, want %d (-want +got)\n%s", at, line, diff)
				}
				if _, _, err = Include(out, test.header, at+1); !errors.Is(err, ErrIncluded) || !Included(out, test.header) {
					t.Errorf("once more: %v", err)
				}
			}
		})
	}
}

// TestIncludeBytes: what the table above can't show.
func TestIncludeBytes(t *testing.T) {
	for _, test := range []struct{ name, source, want string }{
		{"empty", "", "#include <a.h>\n"},
		{"no ending", "#include <b.h>", "#include <b.h>\n#include <a.h>"},
		{"no ending, behind a line", "#include <b.h>\nint x;", "#include <b.h>\n#include <a.h>\nint x;"},
		{"Latin-1", "/* \xe4 */\n#include <b.h>\nint \xfc;\n", "/* \xe4 */\n#include <b.h>\n#include <a.h>\nint \xfc;\n"},
		{"byte order mark", "\xef\xbb\xbfint x;\n", "\xef\xbb\xbf#include <a.h>\nint x;\n"},
		{"mixed endings", "#include <b.h>\r\nint x;\n", "#include <b.h>\r\n#include <a.h>\r\nint x;\n"},
		{"a comment without end", "#include <b.h>\n/* int x;\n", "#include <b.h>\n#include <a.h>\n/* int x;\n"},
		{"nothing but a comment without end", "/* int x;\n", "#include <a.h>\n/* int x;\n"},
		{"a line that would go on", "// x \\\n", "#include <a.h>\n// x \\\n"},
		{"a backslash at the end", "#include <b.h> \\", "#include <a.h>\n#include <b.h> \\"},
		{"yacc without prologue", "%token X\n%%\na: ;\n", "%{\n#include <a.h>\n%}\n%token X\n%%\na: ;\n"},
		{"digraphs", "%:include <b.h>\nint x;\n", "%:include <b.h>\n#include <a.h>\nint x;\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _, err := Include([]byte(test.source), "a.h", 0)
			if err != nil || string(out) != test.want {
				t.Errorf("got %q, %v; want %q", out, err, test.want)
			}
		})
	}
}

func TestIncludeRefuses(t *testing.T) {
	for _, header := range []string{"", "<a.h>", "../a.h", "/a.h", "a//b.h", "a.h>\n#include <b.h", `a".h`, "a b.h", "a.h\r", "./a.h", "a/../b.h", ".a.h", strings.Repeat("a", 300)} {
		if out, _, err := Include(nil, header, 0); err == nil {
			t.Errorf("%q: %q", header, out)
		}
	}
	for _, macro := range []string{"", "A B", "A=1 2", "A\nB", "1A", "A=", "A(x)"} {
		if out, _, err := Define(nil, macro); err == nil {
			t.Errorf("%q: %q", macro, out)
		}
	}
	if _, _, err := Include([]byte("a\x00b"), "a.h", 0); err == nil {
		t.Error("a source that is not text")
	}
	if _, _, err := Include(bytes.Repeat([]byte("\n"), MaxLines+1), "a.h", 0); err == nil {
		t.Error("a source of too many lines")
	}
	if _, _, err := Include(make([]byte, MaxSource+1), "a.h", 0); err == nil || Included(make([]byte, MaxSource+1), "a.h") {
		t.Error("a source that is too large")
	}
}

func TestIncluded(t *testing.T) {
	for _, test := range []struct {
		source string
		want   bool
	}{
		{"#include <a.h>\n", true},
		{"#include \"a.h\"\n", true},
		{"#  include <a.h> /* x */\n", true},
		{"#include <b.h>\n", false},
		{"#include <sys/a.h>\n", false},
		{"/* #include <a.h> */\n", false},
		{"// \\\n#include <a.h>\n", false},
		{"#ifdef X\n#include <a.h>\n#endif\nint x;\n", false},
		{"#ifdef X\n#include <a.h>\n#else\n#include <a.h>\n#endif\n", false},
		{"#ifndef X\n#define X\n#include <a.h>\n#endif\n", true},
		{"#ifndef X\n#include <a.h>\nint x;\n#endif\n", true},
		{"#if 0\n#include <a.h>\nint x;\n#endif\n", false},
		{"extern \"C\" {\n#include <a.h>\n}\n", true},
		{"#endif\n#include <a.h>\n", true},
		{"#include \\\n<a.h>\n", true},
		{"#define X #include <a.h>\n", false},
		{"#include NAME\n", false},
		{"char *x = \"\\\n#include <a.h>\\\n\";\n", false},
	} {
		if got := Included([]byte(test.source), "a.h"); got != test.want {
			t.Errorf("%q: %v", test.source, got)
		}
	}
}

func TestDefine(t *testing.T) {
	const guarded = "#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif\n"
	for _, test := range []struct {
		name, source, want string
		at                 int
	}{
		{"above all includes", "/* licence */\n\n#include \"a.h\"\n#include <b.h>\n", "/* licence */\n\n" + guarded + "#include \"a.h\"\n#include <b.h>\n", 3},
		{"above a condition", "#ifdef HAVE_CONFIG_H\n#include \"config.h\"\n#endif\n#include <b.h>\n", guarded + "#ifdef HAVE_CONFIG_H\n#include \"config.h\"\n#endif\n#include <b.h>\n", 1},
		{"within a guard", "#ifndef A\n#define A\n#include <b.h>\n#endif\n", "#ifndef A\n#define A\n" + guarded + "#include <b.h>\n#endif\n", 3},
		{"above braces", "extern \"C\" {\n#include <b.h>\n}\n", guarded + "extern \"C\" {\n#include <b.h>\n}\n", 1},
		{"no include", "// licence\n\nint x;\n", "// licence\n" + guarded + "\nint x;\n", 2},
		{"defined too late", "#include <b.h>\n#define _GNU_SOURCE\n", guarded + "#include <b.h>\n#define _GNU_SOURCE\n", 1},
		{"yacc", "%{\n#include <b.h>\n%}\n%%\n", "%{\n" + guarded + "#include <b.h>\n%}\n%%\n", 2},
		{"yacc without prologue", "%%\n", "%{\n" + guarded + "%}\n%%\n", 1},
		{"defined", "#define _GNU_SOURCE 1\n#include <b.h>\n", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, at, err := Define([]byte(test.source), "_GNU_SOURCE")
			if test.want == "" {
				if !errors.Is(err, ErrDefined) {
					t.Errorf("%q, %v", out, err)
				}
				return
			}
			if err != nil || string(out) != test.want || at != test.at {
				t.Errorf("line %d, want %d; %v\n%s", at, test.at, err, out)
			}
			if _, _, err = Define(out, "_GNU_SOURCE"); !errors.Is(err, ErrDefined) {
				t.Errorf("once more: %v", err)
			}
		})
	}
	out, _, err := Define([]byte("#include <b.h>\r\n"), "_XOPEN_SOURCE=700")
	if want := "#ifndef _XOPEN_SOURCE\r\n#define _XOPEN_SOURCE 700\r\n#endif\r\n#include <b.h>\r\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v", out, err)
	}
}

func TestLanguageOf(t *testing.T) {
	for file, want := range map[string]Language{
		"a.c": C, "a.h": C, "a.m": C, "a.y": C, "a.l": C, "a.S": C, "a": C, "src/a.b/c": C,
		"a.cc": CXX, "a.cpp": CXX, "a.cxx": CXX, "a.C": CXX, "a.H": CXX, "a.hpp": CXX, "a.hh": CXX, "a.mm": CXX, "x/a.ypp": CXX, "a.ll": CXX,
	} {
		if got := LanguageOf(file); got != want {
			t.Errorf("%s: %s", file, got)
		}
	}
}

// outside gives the numbers of the lines that begin in no comment, literal or continued
// line, by a reading that is slow and has no regard for directives; those of yacc it can't
// read.
func outside(src string) map[int]bool {
	all := map[int]bool{1: true}
	line := 1
	for src != "" {
		switch {
		case strings.HasPrefix(src, "/*"):
			end := strings.Index(src[2:], "*/")
			if end < 0 {
				return all
			}
			line += strings.Count(src[:end+4], "\n")
			src = src[end+4:]
			continue
		case strings.HasPrefix(src, "//"):
			for src != "" && src[0] != '\n' {
				src = src[1:]
			}
			continue
		}
		if src[0] == '\n' {
			line++
			all[line] = true
		}
		src = src[1:]
	}
	return all
}

// FuzzInclude: one line more, at a place where lines begin, and every other byte as it was.
func FuzzInclude(f *testing.F) {
	for _, seed := range []string{
		"", "#include <a.h>\nint x;\n", "/* \n*/ #include <b.h>\n", "#ifndef A\n#define A\n#endif", "extern \"C\" {\n#include <b.h>\n}",
		"%{\n%}\n%%\n", "%%\n", "R\"(\n)\"\n", "// \\\n\n", "#if 0\n'\n#else\n\"\n#endif\n", "\xef\xbb\xbf#\\\ninclude <b.h>\r\n", "#include <b.h>\n#include <c.h>\n#include <d.h>\n/*",
		"#define _A\\\n1\n#pragma once\n", "#if A\n#if B\n{\n#else\n{\n#endif\n#include <b.h>\n", "a\\ \n/*", "1'0'0'\n",
	} {
		f.Add([]byte(seed), 0)
		f.Add([]byte(seed), 2)
	}
	f.Fuzz(func(t *testing.T, src []byte, before int) {
		out, at, err := Include(src, "moon.h", before)
		if err != nil {
			if out != nil || !errors.Is(err, ErrIncluded) && bytes.IndexByte(src, 0) < 0 {
				t.Fatalf("%q: %v", src, err)
			}
			return
		}
		mark := []byte("<moon.h>")
		added := bytes.Split(out, []byte("\n"))
		was := bytes.Split(src, []byte("\n"))
		if at < 1 || at > len(added) {
			t.Fatalf("line %d of %d", at, len(added))
		}
		from, to := at-1, at
		if bytes.Equal(bytes.TrimRight(bytes.TrimPrefix(added[from], []byte("\xef\xbb\xbf")), "\r"), []byte("%{")) && len(added) > len(was)+1 {
			to += 2
		}
		if !bytes.Contains(bytes.Join(added[from:to], nil), mark) {
			t.Fatalf("line %d of %q has no include", at, out)
		}
		if before > 0 && before <= len(was) && at > before && to-from == 1 && !bytes.Contains(src, []byte("%%")) {
			t.Errorf("line %d is behind %d", at, before)
		}
		// Without those lines it is what it was, but for a byte order mark, which comes first,
		// and an ending that the last line has got.
		left := bytes.Join(append(append([][]byte{}, added[:from]...), added[to:]...), []byte("\n"))
		if plain := func(b []byte) string { return strings.TrimRight(strings.TrimPrefix(string(b), "\xef\xbb\xbf"), "\r\n") }; plain(left) != plain(src) {
			t.Errorf("%q became %q, and without the line %q", src, out, left)
		}
		if len(out)-len(src) > 100 {
			t.Errorf("%d bytes more", len(out)-len(src))
		}
		if _, _, err := Include(out, "moon.h", 0); !errors.Is(err, ErrIncluded) {
			t.Errorf("once more in %q: %v", out, err)
		}
		if text := string(src); !strings.ContainsAny(text, `\"'%<`) && !outside(text + "\n")[at] {
			t.Errorf("%q: line %d begins within a comment", text, at)
		}
		if out, _, err := Define(src, "_MOON_SOURCE=1"); err == nil {
			if _, _, err := Define(out, "_MOON_SOURCE=1"); !errors.Is(err, ErrDefined) {
				t.Errorf("defined once more in %q: %v", out, err)
			}
		} else if !errors.Is(err, ErrDefined) {
			t.Error(err)
		}
	})
}

// TestIncludeLarge: what is large or deep takes no time out of proportion.
func TestIncludeLarge(t *testing.T) {
	const many = 200_000
	for name, part := range map[string]string{
		"conditionals": "#if A\n", "closed": "#if A\n#define _A\n#endif\n", "comments": "/* */\n\n", "pragmas": "#pragma x\n#if A\n", "continued": "a \\\n", "blanks": "\\   ", "includes": "#include <b.h>\n", "numbers": "1'0", "braces": "{\n",
	} {
		if _, _, err := Include([]byte(strings.Repeat(part, many)), "a.h", many/2); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIncludeOwn(t *testing.T) {
	for src, want := range map[string]string{
		"#include \"a.h\"\n#include <stdio.h>\n#include \"b.h\"\nint x;\n": "#include \"a.h\"\n#include <stdio.h>\n#include \"b.h\"\n#include \"c.h\"\nint x;\n",
		"#include <stdio.h>\nint x;\n":                                     "#include <stdio.h>\n#include \"c.h\"\nint x;\n",
		"/* x */\nint x;\n":                                                "/* x */\n#include \"c.h\"\nint x;\n",
	} {
		got, _, err := IncludeOwn([]byte(src), "c.h", 0)
		if err != nil || string(got) != want {
			t.Errorf("%q becomes %q, %v; want %q", src, got, err, want)
		}
		if _, _, err := IncludeOwn(got, "c.h", 0); !errors.Is(err, ErrIncluded) {
			t.Errorf("a second time: %v", err)
		}
	}
}
