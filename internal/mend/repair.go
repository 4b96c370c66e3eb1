package mend

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"srcmend/internal/diagnosis"
	"srcmend/internal/setup"
	"srcmend/internal/signature"
	"srcmend/internal/tree"
)

// repair is what is done to the tree itself.
func (j *job) repair(ctx context.Context, f diagnosis.Finding, r signature.Repair) ([]Change, error) {
	switch r {
	case signature.Autoreconf:
		return j.autoreconf(), nil
	case signature.Auxiliaries:
		return j.auxiliaries(f)
	case signature.Times:
		return j.times()
	case signature.Executable:
		return j.executable(f)
	case signature.LineEnds:
		return j.lineEnds(f)
	case signature.Interpreter:
		return j.interpreter(f)
	case signature.Serial:
		return []Change{serial}, nil
	case signature.LinkOrder:
		return j.linkOrder()
	case signature.Standard:
		return j.standard(ctx)
	case signature.Clean:
		if tool(j.f.Argv) == toolMake {
			return []Change{{What: "make clean", From: Known, Runs: []setup.Command{{Argv: []string{j.f.Argv[0], "clean"}, Dir: j.f.Dir}}}}, nil
		}
	}
	return nil, nil
}

// source is the folder that configure lies in.
func (j *job) source() string {
	if s, ok := j.setup(j.dir()); ok {
		return s.Source
	}
	for dir := j.dir(); ; dir = filepath.Dir(dir) {
		for _, name := range []string{"configure.ac", "configure.in", "configure"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return dir
			}
		}
		if dir == j.Top || len(dir) <= 1 {
			return j.Top
		}
	}
}

// dir is where the command ran that failed.
func (j *job) dir() string {
	if j.target.Dir != "" {
		return j.target.Dir
	}
	return j.f.Dir
}

// autoreconf has configure and the templates of makefiles made anew.
func (j *job) autoreconf() []Change {
	source := j.source()
	c := Change{What: "run autoreconf -fi", From: Known, Reaches: true, Runs: []setup.Command{{Argv: []string{"autoreconf", "-fi"}, Dir: source}}}
	if s, ok := j.setup(j.dir()); ok && s.Kind == setup.Autoconf {
		c.What += " and configure again"
		c.Runs = append(c.Runs, s.Again(setup.More{}))
	}
	return []Change{c}
}

// helpers are the scripts that automake and libtool put beside configure.
var helpers = []string{"config.guess", "config.sub", "install-sh", "missing", "compile", "depcomp", "mkinstalldirs", "ylwrap", "ltmain.sh", "ar-lib", "test-driver"}

// shares are where systems have the newest ones.
var shares = []string{"/usr/share/misc", "/usr/share/automake-*", "/usr/local/share/automake-*", "/usr/share/libtool/build-aux", "/usr/local/share/libtool/build-aux", "/usr/share/gnuconfig"}

// auxiliaries replaces config.guess and config.sub, and adds a script that is missing.
func (j *job) auxiliaries(f diagnosis.Finding) ([]Change, error) {
	said := f.Symbol + " " + strings.Join(f.Excerpt, " ")
	wanted := map[string]bool{"config.guess": true, "config.sub": true}
	for _, name := range helpers {
		wanted[name] = wanted[name] || strings.Contains(said, name)
	}
	source, err := filepath.Rel(j.Top, j.source())
	if err != nil || !filepath.IsLocal(source) {
		return nil, nil
	}
	places := map[string][]string{}
	err = fs.WalkDir(j.t.Root().FS(), ".", func(at string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(helpers, path.Base(at)) {
			places[path.Base(at)] = append(places[path.Base(at)], at)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	beside := path.Join(filepath.ToSlash(source), auxFolder(j.t, filepath.ToSlash(source)))
	for _, all := range places { // where the others are
		beside = path.Dir(all[0])
		break
	}
	var files []tree.File
	var names []string
	for _, name := range helpers {
		text := newest(name)
		if !wanted[name] || text == nil {
			continue
		}
		at := places[name]
		if len(at) == 0 && strings.Contains(said, name) || len(at) == 0 && strings.HasPrefix(name, "config.") && len(places) > 0 {
			at = []string{path.Join(beside, name)}
		}
		for _, place := range at {
			if old, err := j.t.Read(place); err == nil && bytes.Equal(old.Content(), text) {
				continue
			}
			files = append(files, tree.File{Name: place, Mode: 0o755, Data: text})
			names = append(names, place)
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	c, err := j.newChange("take the system's "+strings.Join(names, " and "), Known, files...)
	c.Diff = "" // as long as they are
	c.Configure = nil
	return []Change{c}, err
}

// auxFolder is what configure.ac says of where the scripts are.
func auxFolder(t *tree.Tree, source string) string {
	for _, name := range []string{"configure.ac", "configure.in"} {
		f, err := t.Read(path.Join(source, name))
		if err != nil {
			continue
		}
		_, rest, found := strings.Cut(string(f.Content()), "AC_CONFIG_AUX_DIR(")
		dir, _, closed := strings.Cut(rest, ")")
		dir = strings.Trim(dir, "[] ")
		if found && closed && filepath.IsLocal(dir) {
			return dir
		}
	}
	return "."
}

// newest is the system's newest script of a name, nil if there is none.
func newest(name string) []byte {
	var best string
	for _, share := range shares {
		found, _ := filepath.Glob(filepath.Join(share, name))
		for _, path := range found {
			a, err := os.Stat(path)
			if err != nil {
				continue
			}
			if b, err := os.Stat(best); err != nil || a.ModTime().After(b.ModTime()) {
				best = path
			}
		}
	}
	text, err := os.ReadFile(best)
	if err != nil {
		return nil
	}
	return text
}

// times makes what a release brings ready-made look newer than what it was made from.
func (j *job) times() ([]Change, error) {
	what := "set the times of what the release brings ready-made in order"
	files := j.inOrder(j.source(), nil)
	files = append(files, j.fromFuture(files)...)
	if made, info, ok := j.product(); ok && made.root == j.t.Root() && info.ModTime().Before(j.f.Started) {
		if f, err := j.t.Read(made.name); err == nil {
			what += ", " + made.name + " among it"
			files = append(files, tree.File{Name: made.name, Mode: f.Mode, Data: f.Content(), ModTime: j.Now()})
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	return []Change{{What: what, From: Known, Files: files}}, nil
}

// fromFuture gives those files of the tree whose time has not come yet with one that is past,
// but those that are changed anyway.
func (j *job) fromFuture(changed []tree.File) []tree.File {
	const little = 3 * time.Second
	now := j.Now()
	var files []tree.File
	_ = fs.WalkDir(j.t.Root().FS(), ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || slices.ContainsFunc(changed, func(f tree.File) bool { return f.Name == at }) {
			return nil
		}
		if info, err := d.Info(); err != nil || info.ModTime().Before(now.Add(little)) {
			return nil
		}
		if f, err := j.t.Read(at); err == nil && !f.IsLink() {
			files = append(files, tree.File{Name: at, Mode: f.Mode, Data: f.Content(), ModTime: now.Add(-little)})
		}
		return nil
	})
	return files
}

// inOrder gives those files of a source that automake's rules would make anew, and those
// that configure made of them, with a time that is the same for all; but not those that are
// changed anyway.
func (j *job) inOrder(source string, changed []tree.File) []tree.File {
	rel, err := filepath.Rel(j.Top, source)
	if err != nil || !filepath.IsLocal(rel) {
		return nil
	}
	now := j.Now()
	var files []tree.File
	_ = fs.WalkDir(j.t.Root().FS(), filepath.ToSlash(rel), func(at string, d fs.DirEntry, err error) error {
		base := path.Base(at)
		made := slices.Contains([]string{"aclocal.m4", "configure", "config.h.in", "Makefile.in", "config.status", "Makefile", "config.h", "stamp-h1", "stamp-h.in"}, base) || strings.HasSuffix(base, ".h.in")
		if err != nil || d.IsDir() || !made || slices.ContainsFunc(changed, func(f tree.File) bool { return f.Name == at }) {
			return nil
		}
		if f, err := j.t.Read(at); err == nil && !f.IsLink() {
			files = append(files, tree.File{Name: at, Mode: f.Mode, Data: f.Content(), ModTime: now})
		}
		return nil
	})
	return files
}

// script finds the script that an error is about.
func (j *job) script(names ...string) (tree.File, bool) {
	for _, name := range names {
		name = strings.Trim(name, "'\"`: ")
		for _, at := range []string{name, filepath.Join(j.dir(), name), filepath.Join(j.f.Dir, name), filepath.Join(j.source(), name)} {
			rel, err := filepath.Rel(j.Top, at)
			if name == "" || !filepath.IsAbs(at) || err != nil || !filepath.IsLocal(rel) {
				continue
			}
			if f, err := j.t.Read(filepath.ToSlash(rel)); err == nil && !f.IsLink() {
				return f, true
			}
		}
	}
	return tree.File{}, false
}

// suspects are names that an error may be about: what was captured, what failed, and the
// words of the lines around.
func (j *job) suspects(f diagnosis.Finding) []string {
	all := []string{f.Symbol, f.File}
	if len(j.f.Argv) > 0 {
		all = append(all, j.f.Argv[0])
	}
	for _, line := range f.Excerpt {
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t:;,'\"`()‘’[]", r) }) {
			if strings.ContainsAny(word, "./") || len(word) > 3 {
				all = append(all, word)
			}
		}
	}
	return all
}

// executable lets scripts be run: the one that could not, and the others of the tree.
func (j *job) executable(f diagnosis.Finding) ([]Change, error) {
	first, ok := j.script(j.suspects(f)...)
	if !ok || first.Mode&0o100 != 0 || !bytes.HasPrefix(first.Content(), []byte("#!")) {
		return nil, nil
	}
	files := []tree.File{{Name: first.Name, Mode: 0o755, Data: first.Content()}}
	_ = fs.WalkDir(j.t.Root().FS(), ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || at == first.Name || !slices.Contains(append(helpers, "configure", "autogen.sh"), path.Base(at)) && path.Ext(at) != path.Ext(first.Name) {
			return nil
		}
		if s, err := j.t.Read(at); err == nil && !s.IsLink() && s.Mode&0o100 == 0 && bytes.HasPrefix(s.Content(), []byte("#!")) {
			files = append(files, tree.File{Name: at, Mode: 0o755, Data: s.Content()})
		}
		return nil
	})
	c, err := j.newChange("make "+first.Name+" executable", Known, files...)
	return []Change{c}, err
}

// lineEnds takes the carriage returns out of scripts: of the one that failed, and of the
// others that have them.
func (j *job) lineEnds(f diagnosis.Finding) ([]Change, error) {
	first, ok := j.script(j.suspects(f)...)
	if !ok {
		return nil, nil
	}
	var files []tree.File
	names := []string{first.Name}
	_ = fs.WalkDir(j.t.Root().FS(), ".", func(at string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && at != first.Name {
			names = append(names, at)
		}
		return nil
	})
	for _, name := range names {
		s, err := j.t.Read(name)
		script := err == nil && !s.IsLink() && (name == first.Name || bytes.HasPrefix(s.Content(), []byte("#!")))
		if script && bytes.Contains(s.Content(), []byte("\r\n")) {
			s.Data, s.Parts = bytes.ReplaceAll(s.Content(), []byte("\r\n"), []byte("\n")), nil
			files = append(files, s)
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	c, err := j.newChange("take the carriage returns out of "+first.Name, Known, files...)
	if len(files) > 1 {
		c.What += " and other scripts"
	}
	c.Reaches = false
	return []Change{c}, err
}

// called are other names that a program may have here: with another number, or none.
func called(name string) []string {
	bare := strings.TrimRight(name, "0123456789.")
	all := []string{bare}
	for _, number := range []string{"3", "5", "2"} {
		all = append(all, bare+number)
	}
	if strings.HasSuffix(bare, "sh") {
		all = append(all, "sh")
	}
	return all
}

// interpreter has a script run by what this system has.
func (j *job) interpreter(f diagnosis.Finding) ([]Change, error) {
	script, ok := j.script(j.suspects(f)...)
	if !ok {
		return nil, nil
	}
	first, rest, _ := bytes.Cut(script.Content(), []byte("\n"))
	words := strings.Fields(strings.TrimPrefix(string(first), "#!"))
	if !bytes.HasPrefix(first, []byte("#!")) || len(words) == 0 {
		return nil, nil
	}
	name, args := path.Base(words[0]), words[1:]
	if name == "env" && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	var all []Change
	for _, other := range append([]string{name}, called(name)...) {
		if _, err := exec.LookPath(other); err != nil {
			continue
		}
		line := strings.Join(append([]string{"#!/usr/bin/env", other}, args...), " ")
		if len(args) > 0 || other == "sh" {
			found, _ := exec.LookPath(other)
			line = strings.Join(append([]string{"#!" + found}, args...), " ")
		}
		if line == string(first) {
			continue
		}
		s := script
		s.Data, s.Parts = append([]byte(line+"\n"), rest...), nil
		c, err := j.newChange("have "+script.Name+" run by "+other, Known, s)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// folder makes the folder of a file that is to be made.
func (j *job) folder(name string) []Change {
	at := name
	if !filepath.IsAbs(at) {
		at = filepath.Join(j.dir(), name)
	}
	rel, err := filepath.Rel(j.Top, filepath.Dir(at))
	if err != nil || !filepath.IsLocal(rel) || !sound.MatchString(rel) {
		return nil
	}
	if _, err := j.t.Root().Stat(rel); err == nil {
		return nil
	}
	return []Change{{What: "make the folder " + rel, From: Known, Folders: []string{rel}}}
}

// program has another make read the makefiles.
func (j *job) program(name string) []Change {
	path, err := exec.LookPath(name)
	if err != nil || tool(j.f.Argv) != toolMake || filepath.Base(j.f.Argv[0]) == name {
		return nil
	}
	return []Change{{What: "build with " + name, From: Known, Program: path, whole: true}}
}

// place is behind which line of configure.ac a macro may stand.
var place = regexp.MustCompile(`(?m)^[ \t]*AC_PROG_(?:CC|CXX)\b[^\n]*\n|^[ \t]*AM_INIT_AUTOMAKE\b[^\n]*\n`)

// macro has configure.ac call a macro.
func (j *job) macro(name string) ([]Change, error) {
	if !identifier.MatchString(name) {
		return nil, nil
	}
	rel, err := filepath.Rel(j.Top, j.source())
	if err != nil || !filepath.IsLocal(rel) {
		return nil, nil
	}
	for _, file := range []string{"configure.ac", "configure.in"} {
		f, err := j.t.Read(path.Join(filepath.ToSlash(rel), file))
		if err != nil || f.IsLink() || bytes.Contains(f.Content(), []byte(name)) {
			continue
		}
		all := place.FindAllIndex(f.Content(), -1)
		if len(all) == 0 {
			continue
		}
		at := all[len(all)-1][1]
		f.Data, f.Parts = slices.Concat(f.Content()[:at], []byte(name+"\n"), f.Content()[at:]), nil
		c, err := j.newChange("call "+name+" in "+f.Name, Known, f)
		return []Change{j.reconfiguring(c)}, err
	}
	return nil, nil
}
