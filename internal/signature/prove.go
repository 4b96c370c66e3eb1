package signature

import (
	"fmt"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// Prove tries every proof. What does not hold is a mistake in the catalogue, and so is a
// pattern that would be slow.
func (c *Catalogue) Prove() yamlfile.Mistakes {
	var wrong yamlfile.Mistakes
	for _, s := range c.signatures {
		for i := range s.Match {
			if text, hint := s.Match[i].slow(); text != "" {
				wrong = append(wrong, c.mistake(s, text, hint, "match", i))
			}
		}
		for i, e := range s.Proof.Matches {
			if m, bad := c.disproved(s, e, i); bad {
				wrong = append(wrong, m)
			}
		}
		for i, miss := range s.Proof.Misses {
			if slices.ContainsFunc(c.found(miss), func(m Match) bool { return m.Signature == s }) {
				wrong = append(wrong, c.mistake(s, fmt.Sprintf("signature %s matches what it must not", s.ID), "make its pattern sharper, or say with not: what is not meant", "proof", "misses", i))
			}
		}
	}
	return wrong
}

// found gives what is found in some lines.
func (c *Catalogue) found(text Lines) []Match {
	scan, _ := c.Scan(strings.NewReader(text.String())) // there is nothing to fail
	return scan.Matches
}

// disproved says what is wrong with an example.
func (c *Catalogue) disproved(s *Signature, e Example, i int) (m yamlfile.Mistake, bad bool) {
	all := c.found(e.Text)
	own := slices.IndexFunc(all, func(m Match) bool { return m.Signature == s })
	if own < 0 {
		var others []string
		for _, m := range all {
			others = append(others, m.Signature.ID)
		}
		if len(others) == 0 {
			return c.mistake(s, fmt.Sprintf("%s does not match this", s.ID), "error: is held against what stands behind \"error: \", line: against the whole line", "proof", "matches", i), true
		}
		return c.mistake(s, fmt.Sprintf("this is taken for %s, not for %s", strings.Join(others, ", "), s.ID), "if it says more than that one, list that one under over:", "proof", "matches", i), true
	}
	if got := all[own]; got.File != e.File || got.Line != e.Line || got.Symbol != e.Symbol {
		return c.mistake(s, fmt.Sprintf("%s captures file: %q, line: %d, symbol: %q here", s.ID, got.File, got.Line, got.Symbol), "write down what is right, or capture it", "proof", "matches", i), true
	}
	for _, other := range all {
		o := other.Signature
		if o == s || other.LogLine != all[own].LogLine || o.Rank.Order() > s.Rank.Order() {
			continue
		}
		// It is the later one that is to blame.
		if c.origins[o.ID].layer > c.origins[s.ID].layer {
			return c.mistake(o, fmt.Sprintf("%s matches a proof of %s as well: %q", o.ID, s.ID, e.Text), "list that one under over:, or make the pattern sharper", "match"), true
		}
		return c.mistake(s, fmt.Sprintf("%s is here as well, and says as much", o.ID), "list it under over: if this one says more", "proof", "matches", i), true
	}
	return m, false
}

// everyday are lines as builds that go well have them by the thousand. A pattern that is
// looked up by a piece of one would be tried on each.
var everyday = strings.Join([]string{
	"checking for gcc... gcc", "checking whether the C compiler works... yes", "checking for suffix of object files... o", "checking whether gcc accepts -g... (cached) no",
	"checking how to run the C preprocessor... gcc -E", "checking for sys/types.h... yes", "config.status: creating src/Makefile", "config.status: executing depfiles commands",
	"make[2]: Entering directory '/usr/src/pkg-1.0/src/lib'", "make[2]: Leaving directory '/usr/src/pkg-1.0/src/lib'", "make  all-am", "make[1]: Nothing to be done for 'all'.", "Making all in src",
	"gcc -DHAVE_CONFIG_H -I. -I../.. -I../../src/lib -DMODULE_DIR=\\\"/usr/local/lib/pkg\\\" -std=gnu11 -g -O2 -Wall -Wextra -Werror -fPIC -MT main.o -MD -MP -MF .deps/main.Tpo -c -o main.o main.c",
	"libtool: compile:  gcc -DHAVE_CONFIG_H -I. -I/usr/local/include -c main.c  -fPIC -DPIC -o .libs/main.o", "libtool: link: gcc -shared  -fPIC -DPIC -Wl,--whole-archive ./.libs/libx.a -Wl,--no-whole-archive -lssl -lcrypto -Wl,-soname -Wl,libx.so.0 -o .libs/libx.so.0.0.0",
	"mv -f .deps/main.Tpo .deps/main.Po", "/bin/sh ../libtool  --tag=CC   --mode=compile gcc -c -o main.lo main.c", "ar cr libx.a main.o  && ranlib libx.a", "  CC       main.o", "  CCLD     prog", "  CXX      main.o", "  GEN      config.h",
	"clang++ -std=c++17 -fcolor-diagnostics -isystem /usr/local/include -o main.o -c main.cpp", "cc -O2 -pipe -fstack-protector-strong -fno-strict-aliasing -c main.c",
	"[ 12%] Building C object src/CMakeFiles/x.dir/main.c.o", "[100%] Linking CXX executable prog", "[ 50%] Built target x", "-- Looking for pthread.h - found", "-- Performing Test HAVE_X - Success", "-- Configuring done", "-- Found ZLIB: /usr/lib/libz.so (found version \"1.2.13\")",
	"[12/345] Compiling C object src/x.p/main.c.o", "[345/345] Linking target src/prog", "Compiler for C supports arguments -Wall: YES", "Dependency zlib found: YES 1.2.13", "Run-time dependency threads found: YES",
	"main.c: In function 'main':", "main.c:10:5: warning: unused variable 'x' [-Wunused-variable]", "main.c:12:3: note: declared here", "In file included from main.c:1:", "                 from ../../src/lib/x.h:20,", "   10 |     int x;", "      |         ^", "      |         ~~~~~~^~~~",
	"/usr/bin/install -c -m 644 x.h '/usr/local/include'", " /usr/bin/mkdir -p '/usr/local/bin'", "/bin/sh ../libtool   --mode=install /usr/bin/install -c   prog '/usr/local/bin'", "libtool: install: /usr/bin/install -c .libs/prog /usr/local/bin/prog", "PASS: test-main", "ok 12 - it works", "test-main ............................ : ok", "Installing /usr/local/bin/prog", "1 warning generated.",
}, "\n")

// longest is how many steps a pattern may have, as the regexp package counts them. Each
// character of a line that is tried can cost that many.
const longest = 2000

// slow says what makes a pattern slow, "" if nothing does.
func (p *Pattern) slow() (text, hint string) {
	for _, piece := range p.needs {
		if strings.Contains(everyday, piece) {
			return fmt.Sprintf("lines with %q would all be tried, and builds that go well are full of them", piece), "write more of the line out: the longest piece of plain text is what it is looked up by"
		}
	}
	if p.steps > longest {
		return fmt.Sprintf("this expression is too long: %d steps, and %d may be", p.steps, longest), "repeat less: \\d+ rather than \\d{1,200}"
	}
	return "", ""
}
