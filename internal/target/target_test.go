package target

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// lineOf is the number of the line of a log that has a text, from 1.
func lineOf(t testing.TB, log, text string) int {
	t.Helper()
	before, _, found := strings.Cut(log, text)
	if !found {
		t.Fatalf("%q is not there", text)
	}
	return strings.Count(before, "\n") + 1
}

func TestRead(t *testing.T) {
	for what, test := range map[string]struct {
		log  string
		at   string
		want Target
		ways []string
	}{
		"automake, quiet": {
			`make  all-recursive
make[1]: Entering directory '/b/server-1.0'
Making all in src
make[2]: Entering directory '/b/server-1.0/src'
  CC       main.o
main.c:3:9: error: 'SIGKILL' undeclared (first use in this function)
make[2]: *** [Makefile:656: main.o] Error 1
make[2]: Leaving directory '/b/server-1.0/src'
make[1]: *** [Makefile:565: all-recursive] Error 1
`, "error:",
			Target{Name: "main.o", Dir: "/b/server-1.0/src", Rule: Place{"Makefile", 656}},
			[]string{"/b/server-1.0/src: gmake CFLAGS=-O2 main.o"},
		},
		"a command over several lines": {
			"gcc -c other.c\ngcc -I. \\\n\t-c main.c -o main.o\nmain.c:3:9: error: x\nmake: *** [Makefile:3: main.o] Error 1\n", "error:",
			Target{Name: "main.o", Dir: "/b", Rule: Place{"Makefile", 3}, Command: "gcc -I. \\\n\t-c main.c -o main.o"},
			[]string{"/b: /bin/sh -c gcc -I. \\\n\t-c main.c -o main.o", "/b: gmake CFLAGS=-O2 main.o"},
		},
		"of two jobs the right one": {
			"cc -c -o a.o a.c\ncc -c -o b.o b.c\na.c:1:1: error: x\nmake: *** [Makefile:3: a.o] Error 1\nmake: *** Waiting for unfinished jobs....\nb.c:1:1: error: y\nmake: *** [Makefile:3: b.o] Error 1\n", "b.c:1:1",
			Target{Name: "b.o", Dir: "/b", Rule: Place{"Makefile", 3}, Command: "cc -c -o b.o b.c"},
			nil,
		},
		"variables for a folder": {
			"make -C lib CC=\"gcc -m64\" all\nmake[1]: Entering directory '/b/lib'\nx.c:1:1: error: x\nmake[1]: *** [../rules.mk:9: x.o] Error 1\n", "error:",
			Target{Name: "x.o", Dir: "/b/lib", Rule: Place{"../rules.mk", 9}, Recursion: []string{"CC=gcc -m64"}},
			[]string{"/b/lib: gmake CFLAGS=-O2 CC=gcc -m64 x.o", "/b/lib: gmake CFLAGS=-O2 x.o", "/b/lib: gmake -f ../rules.mk CFLAGS=-O2 x.o"},
		},
		"an old make, another language": {
			"cc -c x.c\nx.c:1:1: Fehler: x\nmake: *** [x.o] Fehler 1\n", "Fehler: x",
			Target{Name: "x.o", Dir: "/b", Command: "cc -c x.c"},
			nil,
		},
		"cmake": {
			"[ 50%] Building C object CMakeFiles/hi.dir/x.c.o\n/w/x.c:1:1: error: x\nmake[2]: *** [CMakeFiles/hi.dir/build.make:76: CMakeFiles/hi.dir/x.c.o] Error 1\nmake[1]: *** [CMakeFiles/Makefile2:83: CMakeFiles/hi.dir/all] Error 2\n", "error:",
			Target{Name: "CMakeFiles/hi.dir/x.c.o", Dir: "/b", Rule: Place{"CMakeFiles/hi.dir/build.make", 76}},
			[]string{"/b: gmake CFLAGS=-O2 CMakeFiles/hi.dir/x.c.o", "/b: gmake -f CMakeFiles/hi.dir/build.make CFLAGS=-O2 CMakeFiles/hi.dir/x.c.o"},
		},
		"ninja": {
			"[1/2] Building C object x.o\nFAILED: [code=1] x.o \n/usr/bin/cc -o x.o -c /w/x.c\n/w/x.c:1:1: error: x\nninja: build stopped: subcommand failed.\n", "error:",
			Target{Name: "x.o", Dir: "/b", Command: "/usr/bin/cc -o x.o -c /w/x.c", Ninja: true},
			[]string{"/b: /bin/sh -c /usr/bin/cc -o x.o -c /w/x.c", "/b: ninja x.o"},
		},
		"BSD make": {
			"cc -c x.c\nx.c:1:1: error: x\n*** [x.o] Error code 1\n\nbmake[1]: stopped in /b/lib\n1 error\n", "error:",
			Target{Name: "x.o", Dir: "/b/lib", Command: "cc -c x.c"},
			nil,
		},
		"libtool": {
			"/bin/sh ../libtool --tag=CC --mode=link gcc -o libx.la x.lo\nlibtool: link: gcc -shared .libs/x.o -o .libs/libx.so\n/usr/bin/ld: x\ncollect2: error: ld returned 1 exit status\nmake[1]: *** [Makefile:400: libx.la] Error 1\n", "collect2",
			Target{Name: "libx.la", Dir: "/b", Rule: Place{"Makefile", 400}, Command: "/bin/sh ../libtool --tag=CC --mode=link gcc -o libx.la x.lo"},
			nil,
		},
		"nothing": {"configure: error: no acceptable C compiler found\n", "error:", Target{}, nil},
	} {
		t.Run(what, func(t *testing.T) {
			got := Read(strings.NewReader(test.log), lineOf(t, test.log, test.at), "/b")
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("it is %+v\nwant  %+v", got, test.want)
			}
			var ways []string
			for _, w := range got.Ways([]string{"gmake", "-j4", "CFLAGS=-O2", "all"}) {
				if w.Exact != (w.Argv[0] == "/bin/sh") {
					t.Errorf("%q: exact is %v", w.Argv, w.Exact)
				}
				ways = append(ways, w.Dir+": "+strings.Join(w.Argv, " "))
			}
			if test.ways != nil && !reflect.DeepEqual(ways, test.ways) {
				t.Errorf("ways %q\nwant %q", ways, test.ways)
			}
		})
	}
}

// TestLogs: in most of the logs of real builds that make gave up there is a target.
func TestLogs(t *testing.T) {
	logs, err := filepath.Glob("../../testdata/logs/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	gaveUp, known, commanded := 0, 0, 0
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		lines := bufio.NewScanner(strings.NewReader(string(text)))
		for n := 1; lines.Scan(); n++ {
			if gave.MatchString(lines.Text()) {
				at = n
				break
			}
		}
		if at == 0 {
			continue
		}
		gaveUp++
		got := Read(strings.NewReader(string(text)), max(1, at-1), "/b")
		if got.Name != "" && filepath.IsAbs(got.Dir) {
			known++
		}
		if got.Command != "" {
			commanded++
		}
		if testing.Verbose() {
			fmt.Printf("%s: %+v\n", filepath.Base(name), got)
		}
	}
	t.Logf("of %d logs with a target that make gave up, %d are known, and the commands of %d", gaveUp, known, commanded)
	if known != gaveUp {
		t.Errorf("of %d targets %d are known", gaveUp, known)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("make[1]: Entering directory '/b'\ncc -c x.c\\\n\nmake[1]: *** [Makefile:3: x.o] Error 1\n", 3)
	f.Add("FAILED: x.o\ncc\n*** [x] Error code 1\n", 1)
	f.Fuzz(func(t *testing.T, log string, at int) {
		got := Read(strings.NewReader(log), at, "/b")
		if got.Name != "" && !filepath.IsAbs(got.Dir) {
			t.Errorf("%+v", got)
		}
		for _, w := range got.Ways([]string{"make"}) {
			if len(w.Argv) < 2 || w.Dir == "" {
				t.Errorf("%+v", w)
			}
		}
	})
}
