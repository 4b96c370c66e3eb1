package mend

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/tree"
)

// echoed is the line of a source as compilers show it below an error.
var echoed = regexp.MustCompile(`^\s*(\d+) \| (.*)$`)

// locate corrects the folder of the target, where make has not said it: by the one file of the
// tree that has that name, and on that line what the compiler shows.
func (j *job) locate(ctx context.Context) {
	if len(j.red.Findings) == 0 {
		return
	}
	f := &j.red.Findings[0]
	name := path.Clean(f.File)
	if rel, err := filepath.Rel(j.Top, name); path.IsAbs(name) && err == nil { // in the folder of another make, it may be
		if _, err := j.t.Lstat(rel); err == nil {
			return
		}
		name = rel
	}
	if f.Line == 0 || !filepath.IsLocal(name) {
		return
	}
	shown, some := "", false
	for _, line := range f.Excerpt[min(f.At+1, len(f.Excerpt)):] {
		if m := echoed.FindStringSubmatch(line); m != nil && m[1] == fmt.Sprint(f.Line) {
			shown, some = m[2], true
			break
		}
	}
	files, err := j.all(ctx, func(at string) bool { return at == name || strings.HasSuffix(at, "/"+name) })
	if err == nil && len(files) == 0 { // make may have been in another folder, where several are at work
		name = path.Base(name)
		files, err = j.all(ctx, func(at string) bool { return path.Base(at) == name })
	}
	if err != nil {
		return
	}
	files = slices.DeleteFunc(files, func(file tree.File) bool {
		lines := strings.Split(string(file.Content()), "\n")
		if len(lines) < f.Line {
			return true
		}
		is := strings.TrimRight(lines[f.Line-1], "\r")
		return some && strings.Join(strings.Fields(is), " ") != strings.Join(strings.Fields(shown), " ") || !some && !strings.Contains(is, f.Symbol)
	})
	if len(files) == 1 {
		j.target.Dir = filepath.Join(j.Top, strings.TrimSuffix(files[0].Name, name))
		f.File = filepath.Join(j.Top, files[0].Name)
	}
}

// place finds the file of the tree that an error is about, and its line. Of an error in a
// header of the system it is where that was included.
func (j *job) place(f diagnosis.Finding) (tree.File, int, bool) {
	if file, ok := j.find(f.File); ok {
		return file, f.Line, true
	}
	if f.Line == 0 && f.At < len(f.Excerpt) { // of a linker
		for _, line := range f.Excerpt[max(0, f.At-1) : f.At+1] {
			for _, m := range linked.FindAllStringSubmatch(line, -1) {
				if file, ok := j.sourceOf(m[1]); ok {
					return file, 0, true
				}
			}
		}
	}
	for i := f.At - 1; i >= 0; i-- {
		if m := from.FindStringSubmatch(f.Excerpt[i]); m != nil {
			if file, ok := j.find(m[1]); ok {
				line := 0
				_, _ = fmt.Sscan(m[2], &line)
				return file, line, true
			}
		}
	}
	return tree.File{}, 0, false
}

// linked is how linkers name the source or the object that an error is in.
var linked = regexp.MustCompile(`(?:^|[\s(])([^\s:()]+\.(?:[cC]\w*|o|lo))[:)]`)

// sourceOf is the source that a linker names, be it by the object made of it.
func (j *job) sourceOf(name string) (tree.File, bool) {
	if f, ok := j.find(name); ok && path.Ext(name) != ".o" {
		return f, true
	}
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, ending := range []string{".c", ".cc", ".cpp", ".cxx", ".C", ""} {
		if f, ok := j.find(stem + ending); ok && isSource(f.Name) {
			return f, true
		}
	}
	return tree.File{}, false
}

// from is how compilers say where an included file comes from.
var from = regexp.MustCompile(`(?:^In file included from|^\s+from) ([^\s:]+):(\d+)`)

// find reads the source that a log names. What was generated is its own source's.
func (j *job) find(name string) (tree.File, bool) {
	if name == "" {
		return tree.File{}, false
	}
	for _, path := range []string{name, filepath.Join(j.target.Dir, name), filepath.Join(j.Top, name), filepath.Join(j.f.Dir, name)} {
		rel, err := filepath.Rel(j.Top, path)
		if !filepath.IsAbs(path) || err != nil || !filepath.IsLocal(rel) {
			continue
		}
		if f, err := j.t.Read(filepath.ToSlash(rel)); err == nil && !f.IsLink() {
			if j.generated(f.Name) == "" {
				return f, true
			}
			return j.origin(f.Name)
		}
	}
	return tree.File{}, false
}

// grammars are the endings of what programs write C from.
var grammars = []string{".y", ".l", ".yy", ".ll", ".ypp", ".lpp", ".y++", ".l++"}

// grammar is what a generated source was written from.
func (j *job) grammar(name string) (tree.File, bool) {
	stem := strings.TrimSuffix(strings.TrimSuffix(name, path.Ext(name)), ".tab")
	for _, ending := range grammars {
		if f, err := j.t.Read(stem + ending); err == nil && !f.IsLink() {
			return f, true
		}
	}
	return tree.File{}, false
}

// origin is what a file was made from.
func (j *job) origin(name string) (tree.File, bool) {
	if f, ok := j.grammar(name); ok {
		return f, true
	}
	for _, from := range []string{name + ".in", strings.TrimSuffix(name, path.Ext(name)) + ".in" + path.Ext(name)} {
		if f, err := j.t.Read(from); err == nil && !f.IsLink() {
			return f, true
		}
	}
	return tree.File{}, false
}

// generated says why a file is not to be changed: since it was made from another; "" if not.
func (j *job) generated(name string) string {
	if slices.Contains(grammars, path.Ext(name)) || path.Ext(name) == ".in" {
		return ""
	}
	if f, ok := j.origin(name); ok {
		return name + " is made from " + f.Name
	}
	return ""
}
