package setup

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree makes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestAgain(t *testing.T) {
	more := More{Args: []string{"--disable-nls"}, Flags: map[string]string{"CFLAGS": "-fcommon", "LIBS": "-lm"}}
	for what, test := range map[string]struct {
		files map[string]string
		from  string // where it is looked for
		kind  Kind
		argv  []string // the end of the command; DIR stands for the tree
		in    string   // the folder of the command
	}{
		"configure": {
			map[string]string{"config.status": "srcdir='.'\nS[\"CFLAGS\"]=\"-g -O2 -DX=\\\"y\\\"\"\n", "src/Makefile": ""},
			"src", Autoconf,
			[]string{"./configure", `CFLAGS=-g -O2 -DX="y" -fcommon`, "LIBS=-lm", "--disable-nls"},
			"",
		},
		"configure in a folder beside": {
			map[string]string{"b/config.status": "srcdir='..'\n"},
			"b", Autoconf,
			[]string{"./../configure", "CFLAGS=-fcommon", "LIBS=-lm", "--disable-nls"},
			"b",
		},
		"an old configure": {
			map[string]string{"config.status": "s,@CFLAGS@,-O,;t t\n"},
			"", Autoconf,
			[]string{"./configure", "CFLAGS=-O -fcommon", "LIBS=-lm", "--disable-nls"},
			"",
		},
		"cmake": {
			map[string]string{"b/CMakeCache.txt": "CMAKE_HOME_DIRECTORY:INTERNAL=/src\nCMAKE_C_FLAGS:STRING=-O1\n"},
			"b", CMake,
			[]string{"cmake", "-DCMAKE_CXX_STANDARD_LIBRARIES=-lm", "-DCMAKE_C_FLAGS=-O1 -fcommon", "-DCMAKE_C_STANDARD_LIBRARIES=-lm", "--disable-nls", "DIR/b"},
			"b",
		},
		"meson": {
			map[string]string{"b/meson-info/intro-buildoptions.json": `[{"name": "c_args", "value": ["-O1"]}, {"name": "debug", "value": true}]`},
			"b", Meson,
			[]string{"meson", "configure", "DIR/b", "-Dc_args=['-O1','-fcommon']", "-Dc_link_args=['-lm']", "-Dcpp_link_args=['-lm']", "--disable-nls"},
			"",
		},
	} {
		t.Run(what, func(t *testing.T) {
			dir := tree(t, test.files)
			s, ok := Find(filepath.Join(dir, test.from), dir)
			if !ok || s.Kind != test.kind {
				t.Fatalf("found %+v, %t", s, ok)
			}
			c := s.Again(more)
			for i := range test.argv {
				test.argv[i] = strings.ReplaceAll(test.argv[i], "DIR", dir)
			}
			if got := c.Argv[max(0, len(c.Argv)-len(test.argv)):]; !slices.Equal(got, test.argv) || c.Dir != filepath.Join(dir, test.in) {
				t.Errorf("in %s: %q\nwant %q", c.Dir, got, test.argv)
			}
		})
	}
}

// TestFindStops: what lies above the source is none of its business.
func TestFindStops(t *testing.T) {
	dir := tree(t, map[string]string{"config.status": "srcdir='.'\n", "package/src/Makefile": ""})
	if s, ok := Find(filepath.Join(dir, "package/src"), filepath.Join(dir, "package")); ok {
		t.Errorf("found %+v", s)
	}
	if s, ok := Find(filepath.Join(dir, "package"), filepath.Join(dir, "elsewhere")); ok {
		t.Errorf("found %+v", s)
	}
}

// FuzzFind: whatever lies in a build folder, what it says of a setup is in the command to do it
// again as one word each, and nothing is read for ever.
func FuzzFind(f *testing.F) {
	f.Add("srcdir='.'\nS[\"CFLAGS\"]=\"-g\\\n -O2\"\n", "CMAKE_HOME_DIRECTORY:INTERNAL=/src\nCMAKE_C_FLAGS:STRING=-O1\n", `[{"name": "c_args", "value": ["-g"]}]`)
	f.Add("s,@CFLAGS@,-O,;t t\n", "", `{"directories": {"source": "/src"}}`)
	dir := f.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "meson-info"), 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status, cache, options string) {
		for name, text := range map[string]string{"config.status": status, "CMakeCache.txt": cache, "meson-info/intro-buildoptions.json": options, "meson-info/meson-info.json": options} {
			path := filepath.Join(dir, name)
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if text != "" {
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		s, ok := Find(dir, dir)
		if !ok {
			return
		}
		if s.Dir != dir {
			t.Errorf("the build is said to be in %q", s.Dir)
		}
		argv := s.Again(More{Flags: map[string]string{"CFLAGS": "-fcommon"}}).Argv
		if !slices.ContainsFunc(argv, func(word string) bool { return strings.Contains(word, "-fcommon") }) {
			t.Errorf("the flag is not in %q", argv)
		}
	})
}
