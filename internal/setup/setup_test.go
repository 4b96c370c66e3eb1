package setup

import (
	"errors"
	"os"
	"os/exec"
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
			map[string]string{"config.status": "srcdir='.'\n    --config | --confi )\nS[\"CFLAGS\"]=\"-g -O2 -DX=\\\"y\\\"\"\n", "src/Makefile": ""},
			"src", Autoconf,
			[]string{"./configure", `CFLAGS=-g -O2 -DX="y" -fcommon`, "LIBS=-lm", "--disable-nls"},
			"",
		},
		"configure in a folder beside": {
			map[string]string{"b/config.status": "srcdir='..'\n\t--config | --confi )\n"},
			"b", Autoconf,
			[]string{"./../configure", "CFLAGS=-fcommon", "LIBS=-lm", "--disable-nls"},
			"b",
		},
		"an old configure": {
			map[string]string{"config.status": "  with options \\\"'--prefix=/opt/x'\\\"\ns,@CFLAGS@,-O,;t t\n"},
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
	dir := tree(t, map[string]string{"config.status": "srcdir='.'\n--config)\n", "package/src/Makefile": ""})
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

// TestToldBefore: what configure was told before, it is told again, whatever config.status it has
// left: the command is run, with a configure that says what it is told.
func TestToldBefore(t *testing.T) {
	const configure = "#!/bin/sh\nprintf '<%s>' \"$@\"\necho \" CFLAGS=$CFLAGS\"\n"
	more := More{Args: []string{"--disable-nls"}, Flags: map[string]string{"CFLAGS": "-fcommon"}}
	for name, test := range map[string]struct{ status, want string }{
		"2.69": {
			"#!/bin/sh\nac_cs_config=\"'--prefix=/opt/a b' 'CC=gcc -m64'\"\ncase $1 in\n    --config | --confi | --conf | --con | --co | --c )\n  echo \"$ac_cs_config\" ;;\nesac\n: 'S[\"CFLAGS\"]=\"-g\"'\n",
			"<--prefix=/opt/a b><CC=gcc -m64><CFLAGS=-fcommon><--disable-nls> CFLAGS=\n",
		},
		"2.61": {
			"#!/bin/sh\nac_cs_version=\"\\\nconfig.status\nconfigured by ./configure, generated by GNU Autoconf 2.61,\n  with options \\\"'--prefix=/opt/a b' 'CC=gcc -m64'\\\"\n\"\ns,@CFLAGS@,|#_!!_#|-g -O2,g\n",
			"<--prefix=/opt/a b><CC=gcc -m64><CFLAGS=-g -O2 -fcommon><--disable-nls> CFLAGS=\n",
		},
		"2.13": {
			"#! /bin/sh\n# Generated automatically by configure.\n# Run this file to recreate the current configuration.\n# This directory was configured as follows,\n# on host moon:\n#\n# ./configure  --prefix=/opt/x\n#\ns%@CFLAGS@%-g -O2%g\n",
			"<--prefix=/opt/x><--disable-nls> CFLAGS=-g -O2 -fcommon\n",
		},
		"of nobody": {"#!/bin/sh\nexit 1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, map[string]string{"configure": configure, "config.status": test.status})
			if err := errors.Join(os.Chmod(filepath.Join(dir, "configure"), 0o755), os.Chmod(filepath.Join(dir, "config.status"), 0o755)); err != nil {
				t.Fatal(err)
			}
			s, ok := Find(dir, dir)
			if ok != (test.want != "") {
				t.Fatalf("found %+v, %t", s, ok)
			}
			if !ok {
				return
			}
			c := s.Again(more)
			cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
			cmd.Dir, cmd.Env = c.Dir, []string{"PATH=" + os.Getenv("PATH")}
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != test.want {
				t.Errorf("%v: %s; want %s", err, out, test.want)
			}
		})
	}
}
