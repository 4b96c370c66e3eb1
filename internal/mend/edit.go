package mend

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"srcmend/internal/diagnosis"
	"srcmend/internal/header"
	"srcmend/internal/tree"
)

// rewriting has the texts of files changed, by what each becomes; those that stay as they are
// are left out. None is no change.
func (j *job) rewriting(what string, files []tree.File, rewrite func(name string, text []byte) []byte) ([]Change, error) {
	var changed []tree.File
	for _, f := range files {
		if text := rewrite(f.Name, f.Content()); !bytes.Equal(text, f.Content()) {
			f.Data, f.Parts = text, nil
			changed = append(changed, f)
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	c, err := j.newChange(what, Known, changed...)
	c.Reaches = true
	return []Change{c}, err
}

// all reads the files of the tree that are meant.
func (j *job) all(ctx context.Context, meant func(name string) bool) (files []tree.File, err error) {
	err = fs.WalkDir(j.t.Root().FS(), ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil || !d.Type().IsRegular() || !meant(at) {
			return ctx.Err()
		}
		if f, err := j.t.Read(at); err == nil {
			files = append(files, f)
		}
		return nil
	})
	return files, err
}

// isSource reports whether a file is one that compilers read.
func isSource(name string) bool {
	return isHeader(name) || slices.Contains(grammars, path.Ext(name)) ||
		slices.Contains([]string{".c", ".cc", ".cpp", ".cxx", ".C", ".m"}, path.Ext(name))
}

// isBuildFile reports whether a file is one in which people write flags.
func isBuildFile(name string) bool {
	base := path.Base(name)
	return slices.Contains(makefiles, base) || slices.Contains([]string{".mk", ".mak", ".cmake"}, path.Ext(base)) ||
		slices.Contains([]string{"CMakeLists.txt", "meson.build", "config.mk", "flags.make", "Makefile.in", "build.ninja"}, base)
}

// dropping has a word taken out of the files with flags.
func (j *job) dropping(ctx context.Context, word string) ([]Change, error) {
	if !sound.MatchString(word) || !strings.HasPrefix(word, "-") {
		return nil, nil
	}
	files, err := j.all(ctx, isBuildFile)
	if err != nil {
		return nil, err
	}
	bare := regexp.MustCompile(`([ \t=("'])` + regexp.QuoteMeta(word) + `([ \t)"'\r\n]|$)`)
	return j.rewriting("take "+word+" out of the flags", files, func(_ string, text []byte) []byte {
		return bare.ReplaceAll(text, []byte("$1$2"))
	})
}

// renaming gives a name of the program's own another one, in all sources.
func (j *job) renaming(ctx context.Context, name string) ([]Change, error) {
	if !identifier.MatchString(name) || strings.HasPrefix(name, "own_") {
		return nil, nil // or that is what it is called already
	}
	files, err := j.all(ctx, func(file string) bool { return isSource(file) && j.generated(file) == "" })
	if err != nil {
		return nil, err
	}
	return j.rewriting(fmt.Sprintf("call the program's own %s own_%[1]s", name), files, func(_ string, text []byte) []byte {
		return []byte(written(string(text), name, "own_"+name))
	})
}

// written has other words for a name in a source of C, but not in its comments and strings.
func written(text, name, other string) string {
	word := `\b` + strings.ReplaceAll(regexp.QuoteMeta(name), " ", `\s+`) + `\b`
	token := regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|` + word)
	return token.ReplaceAllStringFunc(text, func(said string) string {
		if strings.ContainsRune("/\"'", rune(said[0])) {
			return said
		}
		return other
	})
}

var identifier = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// wording writes other words for names in the file that an error is about.
func (j *job) wording(f diagnosis.Finding, names map[string]string) ([]Change, error) {
	file, _, ok := j.place(f)
	if !ok {
		return nil, nil
	}
	var said []string
	text := string(file.Content())
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if now := written(text, name, names[name]); now != text {
			text, said = now, append(said, names[name]+" for "+name)
		}
	}
	return j.rewriting("write "+strings.Join(said, " and ")+" in "+file.Name, []tree.File{file}, func(string, []byte) []byte { return []byte(text) })
}

// matching writes something else for what matches expressions in the file that an error is
// about, and includes a header if one is given.
func (j *job) matching(f diagnosis.Finding, patterns map[string]string, include string) ([]Change, error) {
	file, _, ok := j.place(f)
	if !ok {
		if file, ok = j.script(f.File); !ok {
			return nil, nil
		}
	}
	text := file.Content()
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		text = regexp.MustCompile("(?m)"+pattern).ReplaceAll(text, []byte(patterns[pattern]))
	}
	if bytes.Equal(text, file.Content()) {
		return nil, nil
	}
	if include != "" {
		if with, _, err := header.Include(text, include, 0); err == nil {
			text = with
		}
	}
	what := "correct " + file.Name
	if f.Symbol != "" {
		what += " where it has " + f.Symbol
	}
	return j.rewriting(what, []tree.File{file}, func(string, []byte) []byte { return text })
}

// deleting takes lines with a text out of the file, and out of what it was made from.
func (j *job) deleting(f diagnosis.Finding, said string) ([]Change, error) {
	var files []tree.File
	for _, at := range []string{f.File, filepath.Join(j.dir(), f.File), filepath.Join(j.Top, f.File)} {
		rel, err := filepath.Rel(j.Top, at)
		if !filepath.IsAbs(at) || err != nil || !filepath.IsLocal(rel) {
			continue
		}
		if file, err := j.t.Read(filepath.ToSlash(rel)); err == nil && !file.IsLink() {
			files = append(files, file)
			if from, ok := j.origin(file.Name); ok {
				files = append(files, from)
			}
			break
		}
	}
	return j.rewriting("take the lines with "+said+" out of "+f.File, files, func(_ string, text []byte) []byte {
		var kept []byte
		for line := range bytes.Lines(text) {
			if !bytes.Contains(line, []byte(said)) {
				kept = append(kept, line...)
			}
		}
		return kept
	})
}

// replacing has lines of sources replaced by others.
func (j *job) replacing(ctx context.Context, lines map[string]string) ([]Change, error) {
	files, err := j.all(ctx, isSource)
	if err != nil {
		return nil, err
	}
	was := slices.Sorted(maps.Keys(lines))
	return j.rewriting("write "+lines[was[0]]+" for "+was[0], files, func(_ string, text []byte) []byte {
		var now []byte
		for line := range bytes.Lines(text) {
			with, found := lines[strings.Join(strings.Fields(string(line)), " ")]
			if !found {
				now = append(now, line...)
				continue
			}
			now = append(append(now, with...), line[len(bytes.TrimRight(line, "\r\n")):]...)
		}
		return now
	})
}

// removing removes something of the tree that can be made anew.
func (j *job) removing(name string) ([]Change, error) {
	at := name
	if !filepath.IsAbs(at) {
		at = filepath.Join(j.dir(), name)
	}
	rel, err := filepath.Rel(j.Top, at)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return nil, nil
	}
	if _, err := j.t.Root().Lstat(rel); err != nil {
		return nil, nil
	}
	c := Change{What: "remove " + rel, From: Known, Gone: []string{rel}, Reaches: true}
	if path.Base(rel) == "CMakeCache.txt" {
		c.Gone = append(c.Gone, path.Join(path.Dir(rel), "CMakeFiles"))
	}
	return []Change{c}, nil
}

// creating makes files, empty.
func (j *job) creating(names string) ([]Change, error) {
	source, err := filepath.Rel(j.Top, j.source())
	if err != nil || !filepath.IsLocal(source) {
		return nil, nil
	}
	wanted := strings.Fields(names)
	for _, m := range required.FindAllStringSubmatch(j.said(), -1) {
		if !slices.Contains(wanted, m[1]) {
			wanted = append(wanted, m[1])
		}
	}
	var files []tree.File
	for _, name := range wanted {
		name = path.Join(filepath.ToSlash(source), name)
		if _, err := j.t.Lstat(name); err != nil && sound.MatchString(name) && filepath.IsLocal(name) && path.Ext(name) == "" && unicode.IsUpper(rune(path.Base(name)[0])) {
			files = append(files, tree.File{Name: name, Mode: 0o644, Data: []byte{}})
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	c, err := j.newChange("make an empty "+strings.Join(wanted, " "), Known, files...)
	return []Change{c}, err
}

// required is how automake asks for a file.
var required = regexp.MustCompile(`(?m)error: required file '([^']+)' not found`)

// standards are how build files ask for a standard of C or C++ that is old by now.
var standards = []struct {
	asks *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`-std=(?:c89|c90|gnu89|gnu90|iso9899:1990|iso9899:199409|c99|c9x)\b|-ansi\b`), "-std=gnu17"},
	{regexp.MustCompile(`(C_STANDARD[ \t]+)(?:90|99)\b`), "${1}17"},
	{regexp.MustCompile(`(\bc_std=)(?:c89|c90|c99|gnu89|gnu90)\b`), "${1}gnu17"},
	{regexp.MustCompile(`-std=(?:c\+\+98|c\+\+03|gnu\+\+98|c\+\+11|c\+\+0x)`), "-std=gnu++17"},
	{regexp.MustCompile(`(CXX_STANDARD[ \t]+)(?:98|11)\b`), "${1}17"},
}

// standard has what asks for an old standard of the language ask for a later one.
func (j *job) standard(ctx context.Context) ([]Change, error) {
	files, err := j.all(ctx, isBuildFile)
	if err != nil {
		return nil, err
	}
	changes, err := j.rewriting("ask for a later standard of the language", files, func(_ string, text []byte) []byte {
		for _, s := range standards {
			text = s.asks.ReplaceAll(text, []byte(s.with))
		}
		return text
	})
	for i := range changes {
		changes[i] = j.reconfiguring(changes[i])
	}
	return changes, err
}

// linkOrder has the libraries of a link named once more, behind all that may need them.
func (j *job) linkOrder() ([]Change, error) {
	var libraries []string
	for word := range strings.FieldsSeq(j.linkCommand()) {
		if (strings.HasPrefix(word, "-l") || strings.HasSuffix(word, ".a")) && sound.MatchString(word) {
			libraries = append(libraries, word)
		}
	}
	if len(libraries) == 0 {
		return nil, nil
	}
	return j.flags(map[string]string{"LIBS": strings.Join(libraries, " ")})
}

// linkCommand is the command that linked what could not be made: as make has printed it, or as
// the log of the target alone has it.
func (j *job) linkCommand() string {
	if j.target.Command != "" {
		return j.target.Command
	}
	last := ""
	for line := range strings.Lines(j.said()) {
		if strings.Contains(line, " -o ") && strings.Contains(line, j.target.Name) {
			last = line
		}
	}
	return last
}
