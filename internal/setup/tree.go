package setup

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Tree says what a command builds that is run in dir: the source of a package, as far up as
// there is something that builds, and the folder that is built in, where that is not in the
// source; "" if it is. top is "" if that were the user's whole home, or more, and nothing there
// builds.
//
//	top, build := setup.Tree("/home/me", []string{"make", "-C", "server-1.0/src"}) // /home/me/server-1.0, ""
func Tree(dir string, argv []string) (top, build string) {
	in := folder(dir, argv)
	top = above(in)
	source := sourceOf(dir, in, argv)
	if source == "" {
		if home, err := os.UserHomeDir(); err == nil && within(home, top) && !builds(top) {
			return "", ""
		}
		return top, ""
	}
	source = above(source)
	switch {
	case within(in, source), within(source, in) && !builds(top):
		return source, ""
	case within(source, in):
		return top, ""
	}
	return source, top
}

// folder is where a command that is run in dir builds: make, ninja and cmake may go elsewhere.
func folder(dir string, argv []string) string {
	for i, word := range argv[:max(0, len(argv)-1)] {
		if slices.Contains([]string{"-C", "--build", "-B"}, word) {
			dir = below(dir, argv[i+1])
		}
	}
	return dir
}

func below(dir, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

// within reports whether a folder is another one, or lies in it.
func within(dir, in string) bool {
	rel, err := filepath.Rel(in, dir)
	return err == nil && filepath.IsLocal(rel)
}

// vpath is how a makefile says where its source is.
var vpath = regexp.MustCompile(`(?m)^(?:VPATH|srcdir|top_srcdir)[ \t]*:?=[ \t]*([\w./+@-]+)[ \t]*$`)

// sourceOf is where the source is of what is built in a folder, as far as that says so, or the
// command that configures it, which is run in dir; "" if neither does.
func sourceOf(dir, in string, argv []string) string {
	if s, ok := Find(in, in); ok {
		return s.Source
	}
	for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} {
		if m := vpath.FindStringSubmatch(read(filepath.Join(in, name))); m != nil {
			return below(in, m[1])
		}
	}
	for _, word := range argv {
		word = below(dir, strings.TrimPrefix(word, "-S"))
		if filepath.Base(word) == "configure" {
			return filepath.Dir(word)
		}
		if isFile(filepath.Join(word, "CMakeLists.txt")) || isFile(filepath.Join(word, "meson.build")) {
			return word
		}
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && !info.IsDir()
}

// builds reports whether there is something in a folder that builds.
func builds(dir string) bool {
	return slices.ContainsFunc([]string{
		"configure", "configure.ac", "CMakeLists.txt", "meson.build", "Makefile", "GNUmakefile", "makefile", "Makefile.in", "Makefile.am", "Makefile.PL", "SConstruct",
	}, func(name string) bool { return isFile(filepath.Join(dir, name)) })
}

// named is how folders of releases are named, with the version.
var named = regexp.MustCompile(`[a-z][-_.]v?[0-9][\w.+~-]*$`)

// released reports whether a folder is one that a package comes in, though nothing there builds.
func released(dir string) bool {
	if named.MatchString(filepath.Base(dir)) {
		return true
	}
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		stem, _, _ := strings.Cut(strings.ToUpper(e.Name()), ".")
		return slices.Contains([]string{"README", "NEWS", "COPYING", "LICENSE", "LICENCE", "CHANGELOG", "CHANGES", "INSTALL", "AUTHORS"}, stem)
	})
}

// above is the folder of the source that a folder belongs to: as far up as there is something
// that builds or a package comes in, but below the user's home.
func above(dir string) string {
	top := dir
	home, _ := os.UserHomeDir()
	for at := dir; ; at = filepath.Dir(at) {
		if at == home && at != dir {
			return top
		}
		if builds(at) || at != dir && released(at) {
			top = at
		} else if at != dir { // a folder for what is built may have nothing of that
			return top
		}
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil || at == filepath.Dir(at) {
			return top
		}
	}
}
