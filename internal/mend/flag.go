package mend

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// searching has a header of the tree found by the compiler, by a folder to look in.
func (j *job) searching(name string) ([]Change, error) {
	if !sound.MatchString(name) || name == "" {
		return nil, nil
	}
	var dirs []string // absolute
	err := fs.WalkDir(j.t.Root().FS(), ".", func(at string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (at == name || strings.HasSuffix(at, "/"+name)) {
			dirs = append(dirs, filepath.Join(j.Top, strings.TrimSuffix(strings.TrimSuffix(at, name), "/")))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, pattern := range []string{"/usr/local/include", "/usr/include/*", "/usr/local/include/*", "/usr/include/*/*"} {
		found, _ := filepath.Glob(filepath.Join(pattern, name))
		for _, at := range found {
			dirs = append(dirs, strings.TrimSuffix(at, "/"+name))
		}
	}
	if len(dirs) > many {
		return nil, nil
	}
	var all []Change
	for _, dir := range dirs {
		flag := "-I" + dir
		rel, err := filepath.Rel(j.target.Dir, dir)
		inside, ierr := filepath.Rel(j.Top, dir)
		if _, configured := j.setup(j.target.Dir); !configured && err == nil && ierr == nil && filepath.IsLocal(inside) {
			flag = "-I" + rel
		}
		changes, err := j.flags(map[string]string{"CPPFLAGS": flag})
		if err != nil {
			return nil, err
		}
		more, err := j.flags(map[string]string{"CFLAGS": flag, "CXXFLAGS": flag})
		if err != nil {
			return nil, err
		}
		all = append(append(all, changes...), more...)
	}
	return all, nil
}

// shared is the name of a shared library.
var shared = regexp.MustCompile(`(?:^|/)lib([\w+.-]+?)\.so(?:\.[\d.]+)?$`)

// linking has the library linked that defines a name.
func (j *job) linking(name string) ([]Change, error) {
	var words []string
	for _, library := range j.Headers.Libraries(strings.TrimSuffix(name, "()"), j.OS) {
		words = append(words, "-l"+library)
	}
	if m := shared.FindStringSubmatch(name); m != nil {
		words = []string{"-l" + m[1]}
		if _, ok := j.script(name); ok { // it was made here
			words = []string{name}
		}
	}
	var all []Change
	for _, word := range words {
		changes, err := j.flags(map[string]string{"LIBS": word})
		if err != nil {
			return nil, err
		}
		all = append(all, changes...)
	}
	return all, nil
}
