package setup

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestTree(t *testing.T) {
	home := tree(t, map[string]string{
		"pkg/configure": "", "pkg/Makefile": "", "pkg/src/Makefile": "", "pkg/build/.keep": "", "pkg/src/deep/Makefile": "", "pkg/doc/notes/x": "",
		"cm/CMakeLists.txt": "", "cm/lib/CMakeLists.txt": "", "objects/Makefile": "VPATH = ../pkg/src\n", "plain/build.sh": "", "git/.git/HEAD": "", "git/one/Makefile": "", "git/Makefile": "",
		"stray/Makefile": "", "stray/pkg/Makefile": "",
		"old/NEWS.txt": "", "old/src/Makefile": "", "old/include/old.h": "", "tool-1.2b/src/Makefile": "", "many/tool/Makefile": "",
	})
	// Where a cache says where its source is, that is absolute.
	home2 := tree(t, map[string]string{"cm-build/CMakeCache.txt": "CMAKE_HOME_DIRECTORY:INTERNAL=" + filepath.Join(home, "cm") + "\n"})
	t.Setenv("HOME", home)
	for _, test := range []struct{ in, command, top, build string }{
		{"pkg", "make", "pkg", ""},
		{"pkg/src/deep", "make", "pkg", ""},
		{"pkg/build", "../configure", "pkg", ""},
		{".", "make -C pkg", "pkg", ""},
		{".", "make -C pkg/src all", "pkg", ""},
		{"plain", "make -C ../pkg/src", "pkg", ""},
		{".", "pkg/configure", "pkg", ""},
		{"plain", "../pkg/configure", "pkg", "plain"},
		{"objects", "make", "pkg", "objects"},
		{".", "cmake -S cm -B plain", "cm", "plain"},
		{".", "cmake -Scm -B plain", "cm", "plain"},
		{"plain", "cmake ../cm", "cm", "plain"},
		{"cm", "cmake -S . -B build", "cm", ""},
		{"cm", "cmake --build build", "cm", ""},
		{"plain", "sh build.sh", "plain", ""},
		{"git/one", "make", "git", ""},
		{"stray/pkg", "make", "stray", ""},
		{"old", "make -C src", "old", ""},
		{"old/src", "make", "old", ""},
		{"tool-1.2b", "make -C src", "tool-1.2b", ""},
		{"many", "make -C tool", "many/tool", ""},
	} {
		top, build := Tree(filepath.Join(home, test.in), strings.Fields(test.command))
		want := test.build
		if want != "" {
			want = filepath.Join(home, want)
		}
		if top != filepath.Join(home, test.top) || build != want {
			t.Errorf("in %s, %s: %s and %q", test.in, test.command, strings.TrimPrefix(top, home), strings.TrimPrefix(build, home))
		}
	}
	if top, build := Tree(filepath.Join(home2, "cm-build"), []string{"make"}); top != filepath.Join(home, "cm") || build != filepath.Join(home2, "cm-build") {
		t.Errorf("by its cache: %s and %s", top, build)
	}
	// A home is no source, nor is what it lies in; unless it is one.
	for _, dir := range []string{home, filepath.Dir(home), "/"} {
		if top, _ := Tree(dir, []string{"true"}); top != "" {
			t.Errorf("in %s the source is %s", dir, top)
		}
	}
	t.Setenv("HOME", filepath.Join(home, "stray"))
	if top, _ := Tree(filepath.Join(home, "stray/pkg"), []string{"make"}); top != filepath.Join(home, "stray/pkg") {
		t.Errorf("below a home with a makefile the source is %s", top)
	}
	if top, _ := Tree(filepath.Join(home, "stray"), []string{"make"}); top != filepath.Join(home, "stray") {
		t.Errorf("in a home with a makefile the source is %s", top)
	}
}
