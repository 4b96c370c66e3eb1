package mend

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/setup"
	"srcmend/internal/tree"
)

// flags has words added to variables: where the build was configured, by that; else in the
// makefile.
func (j *job) flags(words map[string]string) ([]Change, error) {
	var each []string
	for _, name := range slices.Sorted(maps.Keys(words)) {
		each = append(each, words[name]+" to "+name)
	}
	what := "add " + strings.Join(each, " and ")
	if changes := j.configured(what, setup.More{Flags: words}); changes != nil {
		return changes, nil
	}
	var all []Change
	for _, dir := range j.folders(words) {
		for _, edit := range []func(string, map[string]string) ([]tree.File, string, error){j.assigned, j.appended, j.inRule} {
			files, where, err := edit(dir, words)
			if err != nil {
				return nil, err
			}
			if len(files) == 0 {
				continue
			}
			c, err := j.newChange(what+" in "+where, Known, files...)
			if err != nil {
				return nil, err
			}
			c.Flags, c.Reaches = words, true
			all = append(all, c)
		}
	}
	return all, nil
}

// part is what a linker names of the things that it was given.
var part = regexp.MustCompile(`([\w./+@-]+)/[\w.+@-]+\.(?:o|lo|a|la)\b`)

// folders are those whose makefiles may say how something is compiled or linked: that of the
// target, but first that of what the linker complains of.
func (j *job) folders(words map[string]string) []string {
	all := []string{j.target.Dir}
	root := j.red.Findings[0]
	if words["LIBS"]+words["LDFLAGS"] != "" || root.Line > 0 || root.At >= len(root.Excerpt) {
		return all
	}
	for _, m := range part.FindAllStringSubmatch(root.Excerpt[root.At], -1) {
		dir := m[1]
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(j.target.Dir, dir)
		}
		if _, ok := j.makefile(dir); ok && !slices.Contains(all, dir) {
			all = append([]string{dir}, all...)
		}
	}
	return all
}

// makefiles are the names that make looks for, in its order.
var makefiles = []string{"GNUmakefile", "makefile", "Makefile"}

// makefile is the makefile of a folder.
func (j *job) makefile(dir string) (tree.File, bool) {
	rel, err := filepath.Rel(j.Top, dir)
	if err != nil || !filepath.IsLocal(rel) || dir == "" {
		return tree.File{}, false
	}
	names := makefiles
	if j.target.Ninja {
		names = []string{"build.ninja"}
	}
	for _, name := range names {
		if f, err := j.t.Read(path.Join(filepath.ToSlash(rel), name)); err == nil && !f.IsLink() {
			return f, true
		}
	}
	return tree.File{}, false
}

// included are makefiles that another one includes, by names without variables.
var includes = regexp.MustCompile(`(?m)^[ ]*-?s?include[ \t]+([^\s$#]+)`)

// read are the makefile of a folder, and those that it includes.
func (j *job) read(dir string) []tree.File {
	first, ok := j.makefile(dir)
	if !ok {
		return nil
	}
	all := []tree.File{first}
	for i := 0; i < len(all) && len(all) < 20; i++ {
		for _, m := range includes.FindAllSubmatch(all[i].Content(), -1) {
			name := path.Join(path.Dir(first.Name), string(m[1]))
			known := slices.ContainsFunc(all, func(f tree.File) bool { return f.Name == name })
			if f, err := j.t.Read(name); err == nil && !known && !f.IsLink() && tree.CheckName(name) == nil {
				all = append(all, f)
			}
		}
	}
	return all
}

// assigned adds words to the lines that set the variables, where all of them are set, outside
// of conditions.
func (j *job) assigned(dir string, words map[string]string) ([]tree.File, string, error) {
	changed := map[string]tree.File{}
	missing := 0
	for _, name := range slices.Sorted(maps.Keys(words)) {
		found := false
		for _, f := range slices.Backward(j.read(dir)) {
			if c, ok := changed[f.Name]; ok {
				f = c
			}
			if text, ok := addToAssignment(f.Content(), name, words[name]); ok {
				f.Data, f.Parts, found = text, nil, true
				changed[f.Name] = f
				break
			}
		}
		if !found {
			missing++
		}
	}
	if missing == len(words) { // one of several will do: not each makefile is for C and C++
		return nil, "", nil
	}
	names := slices.Sorted(maps.Keys(changed))
	var files []tree.File
	for _, name := range names {
		files = append(files, changed[name])
	}
	return files, strings.Join(names, " and "), nil
}

var (
	begins = regexp.MustCompile(`^[ ]*(?:ifdef|ifndef|ifeq|ifneq|define|\.if\w*)\b`)
	ends   = regexp.MustCompile(`^[ ]*(?:endif|endef|\.endif)\b`)
)

// addToAssignment adds words at the end of the last line that sets a variable of a makefile.
func addToAssignment(text []byte, name, words string) ([]byte, bool) {
	sets := regexp.MustCompile(`^[ ]*(?:override[ ]+|export[ ]+)?(?:` + name + `|` + strings.ToLower(name) + `)` + `[ \t]*(?:::?:?|\+|\?)?=`)
	lines := bytes.SplitAfter(text, []byte("\n"))
	deep, at := 0, -1
	for i, line := range lines {
		switch {
		case begins.Match(line):
			deep++
		case ends.Match(line):
			deep--
		case deep == 0 && sets.Match(line):
			at = i
			for at+1 < len(lines) && bytes.HasSuffix(bytes.TrimRight(lines[at], "\r\n"), []byte(`\`)) {
				at++
			}
		}
	}
	if at < 0 {
		return nil, false
	}
	line := bytes.TrimRight(lines[at], "\r\n")
	end := lines[at][len(line):]
	value, comment, commented := bytes.Cut(line, []byte("#"))
	now := append(bytes.TrimRight(bytes.Clone(value), " \t"), " "+words...)
	if commented {
		now = append(append(now, " #"...), comment...)
	}
	lines[at] = append(now, end...)
	return bytes.Join(lines, nil), true
}

// appended adds to the variables at the end of the makefile, over whatever sets them.
func (j *job) appended(dir string, words map[string]string) ([]tree.File, string, error) {
	f, ok := j.makefile(dir)
	if !ok || j.target.Ninja {
		return nil, "", nil
	}
	text := bytes.Clone(f.Content())
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	over := ""
	if name := filepath.Base(j.f.Argv[0]); name == "gmake" || name == "make" && j.OS == "linux" || tool(j.f.Argv) != toolMake {
		over = "override " // only GNU's make knows it
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		names := []string{name}
		if name == "LIBS" {
			names = []string{"LDLIBS", "LIBS"}
		}
		for _, name := range names {
			text = fmt.Appendf(text, "%s%s += %s\n", over, name, words[name])
		}
	}
	f.Data, f.Parts = text, nil
	return []tree.File{f}, f.Name, nil
}

// compiler is the program at the beginning of a rule's command that compiles or links.
var compiler = regexp.MustCompile(`^(\t[@+-]*(?:\$[({]\w+[)}][ ]+)?(?:[\w.+-]*-)?(?:cc|gcc|g\+\+|c\+\+|clang|clang\+\+)(?:-[\d.]+)?|\t[@+-]*\$[({](?:CC|CXX|CCLD|CXXLD|LD|LINK|COMPILE|HOSTCC)(?:\.\w+)?[)}])([ \t])`)

// inRule adds words to the very command that failed, in its rule.
func (j *job) inRule(_ string, words map[string]string) ([]tree.File, string, error) {
	rel, err := filepath.Rel(j.Top, filepath.Join(j.target.Dir, j.target.Rule.File))
	if err != nil || !filepath.IsLocal(rel) || j.target.Rule.Line == 0 {
		return nil, "", nil
	}
	f, err := j.t.Read(filepath.ToSlash(rel))
	if err != nil || f.IsLink() || j.generated(f.Name) != "" {
		return nil, "", nil
	}
	lines := bytes.SplitAfter(f.Content(), []byte("\n"))
	if j.target.Rule.Line > len(lines) {
		return nil, "", nil
	}
	at := j.target.Rule.Line - 1
	for at < len(lines)-1 && !compiler.Match(lines[at]) && bytes.HasPrefix(lines[at+1], []byte("\t")) {
		at++
	}
	if !compiler.Match(lines[at]) {
		return nil, "", nil
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		if name != "LIBS" {
			lines[at] = compiler.ReplaceAll(lines[at], []byte("${1} "+strings.ReplaceAll(words[name], "$", "$$")+"${2}"))
			break
		}
		last := at
		for last < len(lines)-1 && bytes.HasSuffix(bytes.TrimRight(lines[last], "\r\n"), []byte(`\`)) {
			last++
		}
		line := bytes.TrimRight(lines[last], "\r\n \t")
		lines[last] = append(append(bytes.Clone(line), " "+words[name]...), lines[last][len(line):]...)
	}
	f.Data, f.Parts = bytes.Join(lines, nil), nil
	return []tree.File{f}, f.Name, nil
}
