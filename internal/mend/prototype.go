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
	if !ok || !identifier.MatchString(name) || header.LanguageOf(file.Name) != header.C {
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
