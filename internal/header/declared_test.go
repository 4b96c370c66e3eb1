package header

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// shipped is the table that comes with srcmend.
func shipped(t testing.TB) *Table {
	t.Helper()
	table, err := Load(Layer{Name: "headers", Files: os.DirFS("../../recipes/headers")})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestDeclared asks the compilers of this machine whether each header declares the names
// that the table says it does. What is new may be too new for them.
func TestDeclared(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a compiler for each header")
	}
	if runtime.GOOS != "linux" {
		t.Skip("what the table says of other systems was checked when it was made")
	}
	table := shipped(t)
	// What glibc declares, it has declared since.
	const oldest = "#include <features.h>\n#if !defined __GLIBC__ || !__GLIBC_PREREQ(2, 36)\n#error\n#endif\n"
	for _, test := range []struct {
		language  Language
		compiler  string
		standards []string // the first, and those for what that does not have
	}{
		{C, "cc", []string{"gnu17", "gnu2x"}},
		{CXX, "c++", []string{"gnu++20", "gnu++2b", "gnu++98"}},
	} {
		t.Run(string(test.language), func(t *testing.T) {
			if _, err := exec.LookPath(test.compiler); err != nil {
				t.Skipf("there is no %s", test.compiler)
			}
			if missing := compile(t, C, "cc", "gnu17", oldest, map[int]string{3: "glibc"}); len(missing) > 0 {
				t.Skip("this is no glibc, or an old one")
			}
			all := table.groups(test.language)
			var young []string
			for _, g := range slices.SortedFunc(maps.Keys(all), group.compare) {
				if g.needs != "" && len(ask(t, test.language, test.compiler, test.standards[0], g, nil)) > 0 {
					continue // the package is not here
				}
				names := slices.Sorted(maps.Keys(all[g]))
				for _, std := range test.standards {
					if len(names) > 0 {
						names = ask(t, test.language, test.compiler, std, g, names)
					}
				}
				for _, name := range names {
					if since := all[g][name]; since != "" {
						young = append(young, name+" ("+since+")")
						continue
					}
					t.Errorf("<%s> does not declare %s (%q)", g.header, name, g.with)
				}
			}
			if len(young) > 0 {
				t.Logf("%d names are not here yet: %s", len(young), strings.Join(young, ", "))
			}
		})
	}
}

// A group of names is what one run of a compiler is about.
type group struct{ header, after, with, needs string }

func (g group) compare(other group) int {
	return cmp.Or(strings.Compare(g.header, other.header), strings.Compare(g.with, other.with))
}

// groups are the names of the table that are declared on Linux, each with what brought it.
func (t *Table) groups(lang Language) map[group]map[string]string {
	all := map[group]map[string]string{}
	for name, claims := range t.claims {
		for _, c := range claims {
			if c.language != lang || !isOn(c.on, "linux") {
				continue
			}
			g := group{c.Header, strings.Join(c.After, " "), c.With, c.Needs}
			if all[g] == nil {
				all[g] = map[string]string{}
			}
			all[g][name] = c.Since
		}
	}
	return all
}

// ask gives those of some names that a header does not declare; without names, one if it can't
// be included.
func ask(t *testing.T, lang Language, compiler, std string, g group, names []string) (missing []string) {
	t.Helper()
	var src strings.Builder
	lines := map[int]string{}
	line := 0
	write := func(name, text string) {
		line++
		lines[line] = name
		src.WriteString(text + "\n")
	}
	if name, value, _ := strings.Cut(g.with, "="); name != "" {
		write("", "#undef "+name)
		write("", "#define "+name+" "+value)
	}
	for _, header := range append(strings.Fields(g.after), g.header) {
		write("", "#include <"+header+">")
	}
	included := line
	for i, name := range names {
		tag, plain, tagged := strings.Cut(name, " ")
		switch {
		case tag == "namespace":
			write(name, fmt.Sprintf("namespace n%d = std::%s;", i, plain))
			continue
		case tagged:
			write(name, fmt.Sprintf("extern char n%d[sizeof(%s)];", i, name))
			continue
		case !strings.Contains(name, ":"):
			write("", "#ifndef "+name)
		}
		if lang == CXX {
			write(name, fmt.Sprintf("namespace n%d { using std::%s; }", i, name))
		} else {
			write(name, fmt.Sprintf("extern __typeof__(%s) *n%d;", name, i))
		}
		if !strings.Contains(name, ":") {
			write("", "#endif")
		}
	}
	lines[included] = "#include"
	missing = compile(t, lang, compiler, std, src.String(), lines)
	if slices.Contains(missing, "#include") && len(names) > 0 {
		return names
	}
	return missing
}

var errorLine = regexp.MustCompile(`(?m)^source:(\d+):.*\berror:|^.*fatal error:`)

// compile gives the names of the lines that a compiler has errors on, sorted.
func compile(t *testing.T, lang Language, compiler, std, src string, lines map[int]string) (all []string) {
	t.Helper()
	cmd := exec.Command(compiler, "-x", string(lang), "-std="+std, "-fsyntax-only", "-w", "-")
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdin = strings.NewReader("#line 1 \"source\"\n" + src)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	for _, m := range errorLine.FindAllSubmatch(out, -1) {
		name := "#include"
		if n, err := strconv.Atoi(string(m[1])); err == nil && lines[n] != "" {
			name = lines[n]
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if all == nil {
		t.Fatalf("%s: %v\n%s", compiler, err, bytes.TrimSpace(out))
	}
	slices.Sort(all)
	return all
}
