package mend

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/header"
)

// prototypes has a function declared that the tree defines in another source, and that no
// header declares: as it stands there.
func (j *job) prototypes(ctx context.Context, f diagnosis.Finding, name string) ([]Change, error) {
	file, line, ok := j.place(f)
	if !ok || !identifier.MatchString(name) || path.Ext(file.Name) != ".c" {
		return nil, nil
	}
	sources, err := j.all(ctx, func(at string) bool { return path.Ext(at) == ".c" && at != file.Name })
	if err != nil {
		return nil, err
	}
	var all []Change
	for _, source := range sources {
		declared, ok := prototype(string(source.Content()), name)
		if !ok {
			continue
		}
		const mark = "zzz.h" // the last of its block
		text, _, err := header.IncludeOwn(file.Content(), mark, line)
		if err != nil {
			continue
		}
		now := strings.Replace(string(text), fmt.Sprintf("#include %q", mark), declared, 1)
		c, err := j.rewritten("declare "+name+"() in "+file.Name, file, []byte(now))
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(all, func(k Change) bool { return k.Diff == c.Diff }) && len(all) < many {
			all = append(all, c)
		}
	}
	return all, nil
}

// comments are those of C.
var comments = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)

// prototype makes one of the definition of a function in a source; ok is false if there is
// none that others may call.
func prototype(source, name string) (declared string, ok bool) {
	defines := regexp.MustCompile(`(?m)^ ?((?:[A-Za-z_]\w*[ \t*\n]+)+\**)` + name + `[ \t\n]*\(([^(){};]*)\)[ \t\n]*((?:[A-Za-z_][\w \t*,\[\]]*;\s*)*)\{`)
	m := defines.FindStringSubmatch(comments.ReplaceAllString(source, ""))
	if m == nil {
		return "", false
	}
	result, parameters := strings.Join(strings.Fields(m[1]), " "), strings.Join(strings.Fields(m[2]), " ")
	for word := range strings.FieldsSeq(result) {
		if slices.Contains([]string{"static", "inline", "return", "else", "typedef", "define"}, word) {
			return "", false
		}
	}
	switch {
	case m[3] != "" || parameters != "" && parameters != "void" && !strings.ContainsAny(parameters, " *"): // as C was written first
		parameters = ""
	case parameters == "":
		parameters = "void"
	}
	if !strings.HasSuffix(result, "*") {
		result += " "
	}
	return "extern " + strings.TrimPrefix(result, "extern ") + name + " (" + parameters + ");", true
}

// undeclaring takes a declaration of a function without parameters out of a file, and includes
// what declares it.
func (j *job) undeclaring(f diagnosis.Finding, name string) ([]Change, error) {
	file, _, ok := j.place(f)
	if !ok || !identifier.MatchString(name) {
		return nil, nil
	}
	declares := regexp.MustCompile(`(?m)^[ \t]*(?:extern[ \t]+)?(?:[A-Za-z_]\w*[ \t*]+)+` + name + `[ \t]*\([ \t]*\)[ \t]*;[^\n]*\n`)
	text := declares.ReplaceAll(file.Content(), nil)
	headers := j.Headers.Declaring(name, header.LanguageOf(file.Name), j.OS)
	if len(text) == len(file.Content()) || len(headers) == 0 {
		return nil, nil // a function of its own must be declared
	}
	what := "leave the declaration of " + name + "() to <" + headers[0].Header + "> in " + file.Name
	if with, _, err := header.Include(text, headers[0].Header, 0); err == nil {
		text = with
	}
	c, err := j.rewritten(what, file, text)
	return []Change{c}, err
}

// systems are the folders that systems have their own headers in, of which each has others.
var systems = []string{"sys", "net", "netinet", "machine", "linux", "asm", "bsd", "sun", "xpg4"}

// omitting takes the include of a header of another system out of a file. One of a library is
// missing here, and what is made without it may lack something.
func (j *job) omitting(f diagnosis.Finding, name string) ([]Change, error) {
	file, _, ok := j.place(f)
	folder, _, _ := strings.Cut(name, "/")
	if !ok || !path.IsAbs(name) && !slices.Contains(systems, folder) {
		return nil, nil
	}
	includes := regexp.MustCompile(`(?m)^[ \t]*#[ \t]*include[ \t]*[<"]` + regexp.QuoteMeta(name) + `[>"][^\n]*\n`)
	if at := includes.Find(file.Content()); at == nil || !strings.Contains(string(at), "<") && !path.IsAbs(name) {
		return nil, nil // one of the program's own has something in it
	}
	c, err := j.rewritten("do not include "+name+" in "+file.Name, file, includes.ReplaceAll(file.Content(), nil))
	c.omits = true
	return []Change{c}, err
}
