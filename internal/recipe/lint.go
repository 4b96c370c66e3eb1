package recipe

import (
	"fmt"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// Surroundings is what a recipe refers to: the files beside it and the
// catalogue of signatures. A nil function leaves out what it would check.
type Surroundings struct {
	// File reads a patch or a log by the name that the recipe uses.
	File func(name string) ([]byte, error)
	// PatchIDs parses a patch and returns the patch-id of each mail.
	PatchIDs func(patch []byte) ([]string, error)
	// Known reports whether the catalogue has a signature.
	Known func(signature string) bool
	// Matches reports whether a signature is found in a log.
	Matches func(signature string, log []byte) bool
}

// Lint returns what keeps a recipe that parses from being a good one: files
// it names that are not there or not what it says, signatures that nobody
// knows, fixes that claim something about the source and have no proof.
func (r *Recipe) Lint(s Surroundings) yamlfile.Mistakes {
	l := &linter{checker{Recipe: r}, s}
	for i, f := range r.Fixes {
		l.fix(f, "fixes", i)
	}
	return l.found
}

type linter struct {
	checker
	Surroundings
}

func (l *linter) fix(f Fix, at ...any) {
	under := func(path ...any) []any { return slices.Concat(at, path) }
	for i, p := range f.Patch {
		if p.File != "" {
			l.patch(p, under("patch", i, "file")...)
		}
	}
	if f.Cures != nil && l.Known != nil && !l.Known(f.Cures.Signature) {
		l.fail(fmt.Sprintf("the catalogue has no signature %q", f.Cures.Signature), "", under("cures", "signature")...)
	}
	if len(f.Patch) == 0 && f.Cures == nil {
		return // flags and advice that claim nothing about the source
	}
	if f.Proof == nil || f.Proof.Log == "" && len(f.Proof.Verdicts) == 0 {
		l.fail(fmt.Sprintf("fix %s has no proof", f.ID), "add proof: with a log that its signature matches, or a table of verdicts", at...)
		return
	}
	if f.Proof.Log != "" {
		l.log(f, under("proof", "log")...)
	}
}

func (l *linter) patch(p PatchSource, at ...any) {
	if l.File == nil {
		return
	}
	text, err := l.File(p.File)
	if err != nil {
		l.fail(fmt.Sprintf("the patch can't be read: %v", err), "", at...)
		return
	}
	if l.PatchIDs == nil {
		return
	}
	ids, err := l.PatchIDs(text)
	if err != nil {
		l.fail(fmt.Sprintf("not a patch: %v", err), "", at...)
		return
	}
	if want := p.PatchIDs; len(want) > 0 && !slices.Equal(ids, texts(want)) {
		l.fail("the patch has other patch-ids than the recipe says", "it has "+strings.Join(ids, ", "), at...)
	}
}

func texts(ids []Commit) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

func (l *linter) log(f Fix, at ...any) {
	if l.File == nil {
		return
	}
	text, err := l.File(f.Proof.Log)
	switch {
	case err != nil:
		l.fail(fmt.Sprintf("the log can't be read: %v", err), "", at...)
	case f.Cures == nil:
		l.fail("a log proves nothing without the signature that it shows", "add cures:", at...)
	case l.Matches != nil && !l.Matches(f.Cures.Signature, text):
		l.fail(fmt.Sprintf("signature %s is not found in this log", f.Cures.Signature), "", at...)
	}
}
