package header

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"srcmend/internal/yamlfile"
)

// TestDeclaring asks the shipped table what builds have asked for.
func TestDeclaring(t *testing.T) {
	table := shipped(t)
	for _, test := range []struct {
		name string
		lang Language
		os   string
		want string // the headers, each with what must be defined
	}{
		{"SIGKILL", C, "linux", "signal.h"},
		{"kill", C, "freebsd", "signal.h"},
		{"kill", CXX, "linux", "signal.h"},
		{"uint32_t", C, "linux", "stdint.h inttypes.h"},
		{"uint32_t", CXX, "linux", "cstdint stdint.h inttypes.h"},
		{"std::numeric_limits", CXX, "linux", "limits"},
		{"numeric_limits", C, "linux", ""},
		{"bool", C, "linux", "stdbool.h"},
		{"ssize_t", C, "linux", "sys/types.h stdio.h sys/socket.h sys/uio.h unistd.h"},
		{"struct timeval", C, "linux", "sys/time.h"},
		{"timeval", C, "linux", "sys/time.h"},
		{"struct timezone", C, "linux", "sys/time.h"},
		{"timezone", C, "linux", "time.h"},
		{"struct stat", CXX, "freebsd", "sys/stat.h"},
		{"union sigval", C, "linux", "signal.h"},
		{"struct kill", C, "linux", ""},
		{"strcasestr", C, "linux", "string.h _GNU_SOURCE"},
		{"strcasestr", CXX, "linux", "string.h"},
		{"strcasestr", C, "freebsd", "string.h"},
		{"strlcpy", C, "freebsd", "string.h"},
		{"strlcpy", C, "linux", "string.h bsd/string.h"},
		{"alloca", C, "linux", "alloca.h"},
		{"alloca", C, "freebsd", "stdlib.h"},
		{"alloca", C, "darwin", "alloca.h"},
		{"bcopy", C, "linux", "strings.h"},
		{"strptime", C, "linux", "time.h _GNU_SOURCE"},
		{"WEXITSTATUS", C, "freebsd", "sys/wait.h stdlib.h"},
		{"LOCK_EX", C, "linux", "fcntl.h"},
		{"epoll_create1", C, "linux", "sys/epoll.h"},
		{"epoll_create1", C, "freebsd", ""},
		{"kqueue", C, "freebsd", "sys/event.h"},
		{"kqueue", C, "linux", ""},
		{"humanize_number", C, "freebsd", "libutil.h"},
		{"humanize_number", C, "linux", "bsd/libutil.h"},
		{"openpty", C, "linux", "pty.h"},
		{"openpty", C, "freebsd", "libutil.h"},
		{"openpty", C, "netbsd", "util.h"},
		{"MAXPATHLEN", C, "linux", "sys/param.h"},
		{"INT_MAX", C, "linux", "limits.h"},
		{"INT_MAX", CXX, "linux", "climits limits.h"},
		{"memcpy", CXX, "linux", "cstring string.h"},
		{"std::unique_ptr", CXX, "linux", "memory"},
		{"std::chrono::milliseconds", CXX, "linux", "chrono"},
		{"chrono", CXX, "linux", "chrono"},
		{"std::exchange", CXX, "linux", "utility"},
		{"::getpid", CXX, "linux", "unistd.h"},
		{"PRId64", CXX, "linux", "cinttypes inttypes.h"},
		{"offsetof", C, "linux", "stddef.h"},
		{"gettid", C, "linux", "unistd.h _GNU_SOURCE"},
		{"optarg", C, "linux", "unistd.h"},
		{"environ", C, "linux", "unistd.h _GNU_SOURCE"},
		{"getopt_long", C, "linux", "getopt.h"},
		{"u_int", C, "linux", "sys/types.h"},
		{"u_int32_t", C, "freebsd", "sys/types.h"},
		{"major", C, "linux", "sys/sysmacros.h"},
		{"major", C, "freebsd", "sys/types.h"},
		{"htonl", C, "linux", "arpa/inet.h netinet/in.h"},
		{"struct in_addr", C, "linux", "netinet/in.h"},
		{"struct passwd", C, "linux", "pwd.h"},
		{"TIOCGWINSZ", C, "linux", "sys/ioctl.h"},
		{"struct winsize", C, "linux", "sys/ioctl.h"},
		{"struct winsize", C, "freebsd", "termios.h"},
		{"flock", C, "linux", "sys/file.h"},
		{"struct flock", C, "linux", "fcntl.h"},
		{"howmany", C, "freebsd", "sys/param.h"},
		{"MIN", C, "freebsd", "sys/param.h"},
		{"SYS_gettid", C, "linux", "sys/syscall.h"},
		{"syscall", C, "linux", "unistd.h"},
		{"makedev", C, "linux", "sys/sysmacros.h"},
		{"O_PATH", C, "linux", "fcntl.h _GNU_SOURCE"},
		{"PATH_MAX", C, "linux", "limits.h"},
		{"FIONREAD", C, "freebsd", "sys/ioctl.h"},
		{"caddr_t", C, "linux", "sys/types.h"},
		{"ioctl", C, "freebsd", "sys/ioctl.h"},
		{"crypt", C, "linux", "unistd.h"},
		{"no_such_name", C, "linux", ""},
		{"", C, "linux", ""},
	} {
		var got []string
		for _, d := range table.Declaring(test.name, test.lang, test.os) {
			got = append(got, strings.TrimSpace(d.Header+" "+d.With))
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s in %s on %s: %q, want %q", test.name, test.lang, test.os, text, test.want)
		}
	}
}

// TestDeclarations: what is said beside the header.
func TestDeclarations(t *testing.T) {
	table := shipped(t)
	for _, test := range []struct {
		name string
		lang Language
		os   string
		want Declaration
	}{
		{"memcpy", C, "linux", Declaration{Header: "string.h"}},
		{"kill", C, "linux", Declaration{Header: "signal.h", Strict: "_DEFAULT_SOURCE"}},
		{"kill", C, "freebsd", Declaration{Header: "signal.h"}},
		{"strcasestr", C, "linux", Declaration{Header: "string.h", With: "_GNU_SOURCE", Strict: "_GNU_SOURCE"}},
		{"aligned_alloc", C, "linux", Declaration{Header: "stdlib.h", Since: "c11"}},
		{"unique_ptr", CXX, "freebsd", Declaration{Header: "memory", Since: "c++11"}},
		{"fgetln", C, "linux", Declaration{Header: "bsd/stdio.h", Needs: "bsd"}},
		{"kqueue", C, "freebsd", Declaration{Header: "sys/event.h", After: []string{"sys/types.h"}}},
	} {
		all := table.Declaring(test.name, test.lang, test.os)
		if len(all) == 0 {
			t.Errorf("%s is not known", test.name)
			continue
		}
		if diff := cmp.Diff(test.want, all[0]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
}

func TestLibraries(t *testing.T) {
	table := shipped(t)
	for _, test := range []struct{ name, os, want string }{
		{"sqrt", "linux", "m"},
		{"sqrt", "freebsd", "m"},
		{"dlopen", "linux", "dl"},
		{"dlopen", "freebsd", ""},
		{"pthread_create", "freebsd", "pthread"},
		{"clock_gettime", "linux", "rt"},
		{"clock_gettime", "freebsd", ""},
		{"mq_open", "freebsd", "rt"},
		{"crypt", "linux", "crypt"},
		{"crypt", "freebsd", "crypt"},
		{"crypt", "openbsd", ""},
		{"backtrace", "freebsd", "execinfo"},
		{"backtrace", "linux", ""},
		{"openpty", "freebsd", "util"},
		{"strnstr", "linux", "bsd"},
		{"gettext", "freebsd", "intl"},
		{"puts", "linux", ""},
	} {
		if got := strings.Join(table.Libraries(test.name, test.os), " "); got != test.want {
			t.Errorf("%s on %s: %q, want %q", test.name, test.os, got, test.want)
		}
	}
}

func TestInstead(t *testing.T) {
	table := shipped(t)
	for _, test := range []struct {
		header, os, want string
		known            bool
	}{
		{"malloc.h", "freebsd", "stdlib.h", true},
		{"malloc.h", "linux", "", false},
		{"sys/errno.h", "linux", "errno.h", true},
		{"values.h", "freebsd", "limits.h float.h", true},
		{"varargs.h", "linux", "stdarg.h", true},
		{"xlocale.h", "linux", "locale.h", true},
		{"xlocale.h", "freebsd", "", false},
		{"sys/sysctl.h", "linux", "", true},
		{"sys/sysctl.h", "freebsd", "", false},
		{"alloca.h", "freebsd", "stdlib.h", true},
		{"pty.h", "freebsd", "sys/types.h libutil.h", true},
		{"libutil.h", "linux", "bsd/libutil.h pty.h", true},
		{"iostream.h", "linux", "iostream", true},
		{"no/such.h", "linux", "", false},
	} {
		got, known := table.Instead(test.header, test.os)
		if strings.Join(got, " ") != test.want || known != test.known {
			t.Errorf("%s on %s: %q, %v", test.header, test.os, got, known)
		}
	}
}

// TestInsteadIsThere: nothing is put in place of a header that would itself be replaced.
func TestInsteadIsThere(t *testing.T) {
	table := shipped(t)
	for header := range table.instead {
		for _, os := range systems() {
			all, _ := table.Instead(header, os)
			for _, to := range all {
				if _, gone := table.Instead(to, os); gone {
					t.Errorf("on %s %s is included in place of %s, and is itself replaced", os, to, header)
				}
			}
		}
	}
}

func layer(name string, files map[string]string) Layer {
	fsys := fstest.MapFS{}
	for file, text := range files {
		fsys[file] = &fstest.MapFile{Data: []byte(text)}
	}
	return Layer{Name: name, Files: fsys}
}

// TestLayers: what a higher layer says of a name on a system goes before what is below.
func TestLayers(t *testing.T) {
	below := layer("below", map[string]string{
		"a.yaml": "summary: s\nheaders: {moon.h: {names: moon phase}, sun.h: {names: sun}}\nlibraries: {moon: moon}\ninstead: {old.h: moon.h}\n", "README": "no YAML: [",
	})
	above := layer("above", map[string]string{
		"a.yaml": "summary: s\nheaders: {moon/moon.h: {on: [linux], names: moon}, stars.h: {names: star}}\nlibraries: {newmoon: {on: [linux], names: moon}}\ninstead: {old.h: [{on: [linux], use: ''}]}\n",
	})
	table, err := Load(below, above, Layer{Name: "nowhere", Files: os.DirFS(t.TempDir() + "/nothing")})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, os, want string }{
		{"moon", "linux", "moon/moon.h [newmoon]"}, {"moon", "freebsd", "moon.h [moon]"}, {"phase", "linux", "moon.h []"}, {"sun", "linux", "sun.h []"}, {"star", "linux", "stars.h []"},
	} {
		var got []string
		for _, d := range table.Declaring(test.name, C, test.os) {
			got = append(got, d.Header)
		}
		if text := fmt.Sprint(strings.Join(got, " "), " ", table.Libraries(test.name, test.os)); text != test.want {
			t.Errorf("%s on %s: %s, want %s", test.name, test.os, text, test.want)
		}
	}
	if got, known := table.Instead("old.h", "linux"); len(got) > 0 || !known {
		t.Errorf("old.h on linux: %q, %v", got, known)
	}
	if got, _ := table.Instead("old.h", "freebsd"); !slices.Equal(got, []string{"moon.h"}) {
		t.Errorf("old.h on freebsd: %q", got)
	}
	above.Only = "b.yaml"
	var wrong yamlfile.Mistakes
	if _, err = Load(below, above); err == nil || errors.As(err, &wrong) {
		t.Errorf("a layer without its only file: %v", err)
	}
}

// TestMistakes: all that is wrong is said at once, each with its place.
func TestMistakes(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"names", "summary: s\nheaders:\n  a.h: {names: 'a b-c std::d a'}\n", `
h/f.yaml:3:16: "b-c" is no identifier (names are separated by blanks)
h/f.yaml:3:16: std::d stands in the table without std:: (write d)
h/f.yaml:3:16: a stands twice in this list`},
		{"headers", "summary: s\nheaders:\n  ../a.h: {names: a}\n  \"a\\\".h\": {names: b}\n  a b.h: {names: c}\n  /a.h: {names: d}\n", `
h/f.yaml:3:3: "../a.h" can't be the name of a header: it is written like sys/types.h
h/f.yaml:4:3: "a\".h" can't be the name of a header: it is written like sys/types.h
h/f.yaml:5:3: "a b.h" can't be the name of a header: it is written like sys/types.h
h/f.yaml:6:3: "/a.h" can't be the name of a header: it is written like sys/types.h`},
		{"keys", "summary: s\nheaders:\n  a.h: {name: a}\nlanguage: pascal\non: [plan9]\nstrict: A B\n", `
h/f.yaml:3:9: unknown key "name" (did you mean "names"?)
h/f.yaml:4:11: unknown language "pascal": it is c or c++
h/f.yaml:5:6: unknown system "plan9": it is one of darwin, dragonfly, freebsd, illumos, linux, netbsd, openbsd, solaris
h/f.yaml:6:9: "A B" is no macro: it is written _GNU_SOURCE or _XOPEN_SOURCE=700`},
		{"twice", "summary: s\nheaders:\n  a.h: {names: moon}\n  b.h:\n    - {on: [linux], types: moon}\n    - {on: [freebsd], structs: moon}\n  c.h: {also: moon}\n", `
h/f.yaml:5:28: moon stands twice in this family: a.h has it too (each name has one best header on each system; where it is declared too it stands under also)`},
		{"twice, on two systems", "summary: s\nheaders:\n  a.h: {on: [linux], names: moon}\n  b.h: {on: [freebsd], names: moon}\n", ""},
		{"nothing", "summary: s\nheaders:\n  a.h: {on: [linux]}\n", `
h/f.yaml:3:8: nothing is said of what a.h declares (names, types, structs, unions and namespaces are lists of identifiers)`},
		{"groups", "summary: s\nheaders:\n  a.h: {with: 1A, since: yesterday, needs: -l, after: ../b.h, names: a}\n", `
h/f.yaml:3:15: "1A" is no macro: it is written _GNU_SOURCE or _XOPEN_SOURCE=700
h/f.yaml:3:26: "yesterday" is no standard: it is written c23, c++17, posix2024 or glibc2.38
h/f.yaml:3:44: "-l" can't be the name of a library: it is written without lib and -l
h/f.yaml:3:55: "../b.h" can't be the name of a header: it is written like sys/types.h`},
		{"libraries", "summary: s\nlibraries: {-m: sqrt, m: {types: a, names: b}}\n", `
h/f.yaml:2:13: "-m" can't be the name of a library: it is written without lib and -l
h/f.yaml:2:44: of the library m only names and on are known`},
		{"instead", "summary: s\ninstead: {a.h: 'b.h <c.h>', d.h: {on: [linux]}}\n", `
h/f.yaml:2:16: "<c.h>" can't be the name of a header: it is written like sys/types.h
h/f.yaml:2:34: key "use" is missing`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(layer("h", map[string]string{"f.yaml": test.text}))
			var wrong yamlfile.Mistakes
			if err != nil && !errors.As(err, &wrong) {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, m := range wrong {
				got.WriteString("\n" + m.Error())
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// FuzzLoad: what may be hostile says what is wrong with it, and what is right of it can be
// put into a source.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"summary: s\nheaders: {a.h: {names: a b, types: c, structs: d}, b.h: [{on: [linux], also: a}]}\n",
		"summary: s\nlibraries: {m: sqrt}\ninstead: {a.h: [{on: [linux], use: b.h}]}\n",
		"headers: {? [a]: b}", "summary: s\nheaders: {\"a\\nb\": {names: \"\\0\"}}", "instead: [a]", "headers: {a.h: [[[]]]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := Load(Layer{Name: "h", Files: fstest.MapFS{"f.yaml": {Data: text}}})
		var wrong yamlfile.Mistakes
		if err != nil && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
		for name := range table.claims {
			for _, d := range table.Declaring(name, CXX, "linux") {
				if out, _, err := Include(nil, d.Header, 0); err != nil || strings.Count(string(out), "\n") != 1 {
					t.Errorf("%s: %q, %v", name, out, err)
				}
			}
		}
		for header := range table.instead {
			for _, os := range systems() {
				all, _ := table.Instead(header, os)
				for _, name := range all {
					if _, _, err := Include(nil, name, 0); err != nil {
						t.Errorf("%s: %v", header, err)
					}
				}
			}
		}
	})
}

func Example() {
	table, err := Load(Layer{Name: "headers", Files: os.DirFS("../../recipes/headers")})
	if err != nil {
		fmt.Println(err)
		return
	}
	all := table.Declaring("SIGKILL", C, "linux")
	out, at, err := Include([]byte("#include <unistd.h>\n\nint pid = SIGKILL;\n"), all[0].Header, 3)
	fmt.Printf("line %d, %v\n%s", at, err, out)
	// Output:
	// line 2, <nil>
	// #include <unistd.h>
	// #include <signal.h>
	//
	// int pid = SIGKILL;
}
