package mend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/event"
	"srcmend/internal/header"
	"srcmend/internal/tree"
)

// many is how many headers are tried for one name.
const many = 5

var (
	// fix-it:"main.c":{1:1-1:1}:"#include <string.h>\n"
	fixIt = regexp.MustCompile(`(?m)^fix-it:"(?:[^"\\]|\\.)*":\{[\d:-]+\}:"#include <([^">]+)>`)
	// note: include '<string.h>' or provide a declaration of 'strlen'
	hint = regexp.MustCompile(`(?:include (?:the header )?['‘]?|#include )<([\w./+-]+)>`)
)

// declaring has the header included that declares a name.
func (j *job) declaring(ctx context.Context, f diagnosis.Finding, name, log string) ([]Change, error) {
	file, _, ok := j.place(f)
	if !ok {
		return nil, nil
	}
	name = strings.TrimPrefix(strings.TrimSuffix(name, "()"), "std::")
	headers, macros := []string{}, []string{}
	if text, err := os.ReadFile(log); err == nil {
		for _, m := range fixIt.FindAllStringSubmatch(string(text), -1) {
			headers = append(headers, m[1])
		}
	}
	for _, line := range f.Excerpt {
		if m := hint.FindStringSubmatch(line); m != nil {
			headers = append(headers, m[1])
		}
	}
	declared := j.Headers.Declaring(name, header.LanguageOf(file.Name), j.OS)
	if len(declared) == 0 {
		name = strings.TrimPrefix(name, "struct ")
		declared = j.Headers.Declaring(name, header.LanguageOf(file.Name), j.OS)
	}
	for _, d := range declared {
		headers = append(headers, d.Header)
		for _, macro := range []string{d.With, d.Strict} {
			if macro != "" && !slices.Contains(macros, macro) {
				macros = append(macros, macro)
			}
		}
	}
	changes, err := j.including(f, headers)
	if err != nil {
		return nil, err
	}
	for _, macro := range macros {
		more, err := j.definingWith(f, macro, headers)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	if len(changes) == 0 {
		own, err := j.ownHeaders(ctx, name)
		if err != nil {
			return nil, err
		}
		if changes, err = j.quoting(f, own); err != nil {
			return nil, err
		}
		more, err := j.prototypes(ctx, f, name)
		return append(changes, more...), err
	}
	return changes, nil
}

// implicit is how compilers warn of a function that nothing declares.
var implicit = regexp.MustCompile(`(?m)^([^\s:]+):(\d+):\d+: warning: (?:incompatible )?implicit declaration of (?:built-in )?function ['‘](\w+)['’]`)

// undeclared reports whether a log warns of functions that nothing declares.
func undeclared(log string) bool {
	text, err := os.ReadFile(log)
	return err != nil || implicit.Match(text)
}

// complete adds what else a source lacks that was given an include: a function that nothing
// declares is only warned of, but what it gives is then taken for an int.
func (j *job) complete(ctx context.Context, chain []Change, log string) ([]Change, error) {
	last := chain[len(chain)-1]
	text, err := os.ReadFile(log)
	if err != nil || last.header == "" {
		return chain, err
	}
	file, err := j.t.Read(last.Files[0].Name)
	if err != nil {
		return chain, err
	}
	now, names := file.Content(), []string{}
	for _, m := range implicit.FindAllStringSubmatch(string(text), -1) {
		if f, ok := j.find(m[1]); !ok || f.Name != file.Name {
			continue
		}
		for _, d := range j.Headers.Declaring(m[3], header.LanguageOf(file.Name), j.OS) {
			if with, _, err := header.Include(now, d.Header, 0); err == nil && d.With == "" {
				now, names = with, append(names, "<"+d.Header+">")
				break
			} else if errors.Is(err, header.ErrIncluded) {
				break
			}
		}
	}
	if len(names) == 0 {
		return chain, nil
	}
	c, err := j.rewritten("include "+strings.Join(names, " and ")+" in "+file.Name, file, now)
	if err != nil {
		return chain, err
	}
	c.Cures = last.Cures
	more := append(slices.Clone(chain), c)
	j.spent++
	red, log, err := j.attempt(ctx, more)
	if err != nil || red != nil {
		return chain, err
	}
	j.tell(c, event.Helped, "what it declares was only taken for an int", log)
	return more, nil
}

// including has the headers included, each a change.
func (j *job) including(f diagnosis.Finding, headers []string) ([]Change, error) {
	file, line, ok := j.place(f)
	if !ok {
		return nil, nil
	}
	var all []Change
	anew := slices.ContainsFunc(j.failed, func(c Change) bool { return len(c.Files) == 1 && c.Files[0].Name == file.Name })
	if anew && len(headers) > 0 { // the build has written it
		own, err := j.throughOwn(file, headers[0])
		if err != nil {
			return nil, err
		}
		all = own
	}
	for i, name := range headers {
		if slices.Contains(headers[:i], name) || len(all) == many || !sound.MatchString(name) {
			continue
		}
		text, _, err := header.Include(file.Content(), name, line)
		if err != nil {
			continue // it has it
		}
		c, err := j.rewritten(fmt.Sprintf("include <%s> in %s", name, file.Name), file, text)
		if err != nil {
			return nil, err
		}
		c.header = name
		all = append(all, c)
	}
	return all, nil
}

// quoted is how a source includes a header of its own.
var quoted = regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]*"([\w./+-]+)"`)

// throughOwn has a header included by the first of the tree's own that a file includes.
func (j *job) throughOwn(file tree.File, name string) ([]Change, error) {
	for _, m := range quoted.FindAllSubmatch(file.Content(), -1) {
		own, err := j.t.Read(path.Join(path.Dir(file.Name), string(m[1])))
		if err != nil || own.IsLink() || j.generated(own.Name) != "" {
			continue
		}
		text, _, err := header.Include(own.Content(), name, 0)
		if err != nil {
			continue
		}
		c, err := j.rewritten(fmt.Sprintf("include <%s> in %s, for %s", name, own.Name, file.Name), own, text)
		c.header = name
		return []Change{c}, err
	}
	return nil, nil
}

// rewritten is a change of one file's text.
func (j *job) rewritten(what string, f tree.File, text []byte) (Change, error) {
	f.Data, f.Parts = text, nil
	return j.newChange(what, Made, f)
}

// defining has a macro defined above all includes.
func (j *job) defining(f diagnosis.Finding, macro string) ([]Change, error) {
	return j.definingWith(f, macro, nil)
}

// definingWith has a macro defined, and the first of the headers included, if that is not so.
func (j *job) definingWith(f diagnosis.Finding, macro string, headers []string) ([]Change, error) {
	file, line, ok := j.place(f)
	if !ok || !sound.MatchString(macro) {
		return nil, nil
	}
	what := "define " + macro + " in " + file.Name
	text := file.Content()
	if len(headers) > 0 {
		if with, _, err := header.Include(text, headers[0], line); err == nil {
			text = with
			what = fmt.Sprintf("define %s and include <%s> in %s", macro, headers[0], file.Name)
		}
	}
	text, _, err := header.Define(text, macro)
	if err != nil {
		return nil, nil
	}
	c, err := j.rewritten(what, file, text)
	return []Change{c}, err
}

// instead has a header that is not here replaced by what this system has in its place.
func (j *job) instead(f diagnosis.Finding, name string) ([]Change, error) {
	file, _, ok := j.place(f)
	headers, known := j.Headers.Instead(name, j.OS)
	if !ok || !known {
		return nil, nil
	}
	line := regexp.MustCompile(`(?m)^([ \t]*#[ \t]*include[ \t]*)<` + regexp.QuoteMeta(name) + `>[^\n]*\n`)
	what := "include <" + strings.Join(headers, "> and <") + "> in place of <" + name + "> in " + file.Name
	if len(headers) == 0 {
		what = "do not include <" + name + "> in " + file.Name
	}
	text := line.ReplaceAllFunc(file.Content(), func(old []byte) []byte {
		m := line.FindSubmatch(old)
		end := "\n"
		if strings.HasSuffix(string(old), "\r\n") {
			end = "\r\n"
		}
		var now []byte
		for _, h := range headers {
			now = append(now, string(m[1])+"<"+h+">"+end...)
		}
		return now
	})
	if string(text) == string(file.Content()) {
		return nil, nil
	}
	c, err := j.rewritten(what, file, text)
	return []Change{c}, err
}

// ownHeaders are the headers of the tree that declare a name.
func (j *job) ownHeaders(ctx context.Context, name string) ([]string, error) {
	declares, err := regexp.Compile(`(?m)^(?:[ \t]*#[ \t]*define[ \t]+|(?:[\w*]+[ \t]+\**)+|.*typedef.*\b|struct[ \t]+)` + regexp.QuoteMeta(name) + `\b[^\n]*`)
	if err != nil || name == "" {
		return nil, nil
	}
	var all []string
	err = fs.WalkDir(j.t.Root().FS(), ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil || d.IsDir() || !isHeader(at) || len(all) == many {
			return ctx.Err()
		}
		if f, err := j.t.Read(at); err == nil && declares.Match(f.Content()) {
			all = append(all, at)
		}
		return nil
	})
	return all, err
}

// quoting has headers of the tree included, by their place beside the file.
func (j *job) quoting(f diagnosis.Finding, headers []string) ([]Change, error) {
	file, line, ok := j.place(f)
	if !ok {
		return nil, nil
	}
	var all []Change
	for _, name := range headers {
		rel, err := filepath.Rel(path.Dir(file.Name), name)
		if err != nil || name == file.Name {
			continue
		}
		text, _, err := header.IncludeOwn(file.Content(), rel, line)
		if err != nil {
			continue
		}
		c, err := j.rewritten(fmt.Sprintf("include \"%s\" in %s", rel, file.Name), file, text)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}
