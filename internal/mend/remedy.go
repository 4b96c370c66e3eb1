package mend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/event"
	"srcmend/internal/patch"
	"srcmend/internal/setup"
	"srcmend/internal/signature"
	"srcmend/internal/tree"
)

// A Fix is one of a recipe.
type Fix struct {
	ID, Summary string
	Patch       []byte   // nil for none
	Configure   []string // arguments
	Env         []string // KEY=value
	Err         error    // why its patch is not to be had
}

// candidates are the changes that may cure an error, the likeliest first.
func (j *job) candidates(ctx context.Context, f diagnosis.Finding, log string) ([]Change, error) {
	all, err := j.fixes(ctx, f)
	if err != nil || j.Only {
		return all, err
	}
	remedies := f.Remedies
	if j.more != nil {
		remedies = append(slices.Clone(j.more.Remedies), remedies...)
		remedies = append(remedies, j.tolerant()...)
	}
	for _, r := range remedies {
		for _, try := range r.Try {
			changes, err := j.remedy(ctx, f, try, log)
			if err != nil {
				return nil, err
			}
			all = append(all, changes...)
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(c Change) bool {
		key := c.What + "\x00" + c.Diff
		again := seen[key] || slices.ContainsFunc(slices.Concat(j.kept, j.failed), func(k Change) bool { return k.What == c.What && k.Diff == c.Diff })
		seen[key] = true
		return again
	}), nil
}

// fixes are the changes of the recipe's fixes that the tree needs.
func (j *job) fixes(ctx context.Context, f diagnosis.Finding) ([]Change, error) {
	return j.of(ctx, f, Recipe, "apply the fix ", j.Fixes)
}

// hunted are the changes of upstream's that the tree lacks.
func (j *job) hunted(ctx context.Context, f diagnosis.Finding) ([]Change, error) {
	return j.of(ctx, f, Hunted, "take upstream's ", j.Hunt)
}

// of are the changes of fixes that somebody knows for an error, as far as the tree needs them.
func (j *job) of(ctx context.Context, f diagnosis.Finding, from Source, what string, known func(context.Context, diagnosis.Finding) ([]Fix, error)) ([]Change, error) {
	if known == nil {
		return nil, nil
	}
	fixes, err := known(ctx, f)
	if err != nil {
		return nil, err
	}
	var all []Change
	for _, fix := range fixes {
		changes := []Change{{What: what + fix.ID, From: from}}
		switch {
		case fix.Err != nil:
			j.tell(changes[0], event.Refused, fix.Err.Error(), "")
			continue
		case fix.Patch != nil:
			c, ok, err := j.patched(fix, what+fix.ID+": "+fix.Summary)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			changes = []Change{c}
		case len(fix.Configure) > 0:
			changes = j.configured(changes[0].What, setup.More{Args: fix.Configure})
		}
		for _, c := range changes {
			c.From, c.Env = from, append(c.Env, fix.Env...)
			if from == Recipe {
				c.Fix = fix.ID
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// patched is what a fix's patch changes; ok is false if the tree does not need it, or it does
// not fit.
func (j *job) patched(fix Fix, what string) (c Change, ok bool, err error) {
	p, err := patch.Parse(bytes.NewReader(fix.Patch))
	if err != nil {
		return c, false, fmt.Errorf("fix %s: %w", fix.ID, err)
	}
	draft := patch.NewDraft(j.t)
	verdict, report, err := draft.Put(p, patch.Options{Strip: patch.ChooseStrip})
	if err != nil || verdict != patch.Needed {
		if errors.As(err, new(patch.Conflicts)) {
			err = nil
		}
		return c, false, err
	}
	var files []tree.File
	for _, name := range report.Files() {
		f, err := draft.Read(name)
		if err != nil {
			return c, false, nil // it takes a file away: that is for the plan, not for a tree at work
		}
		files = append(files, f)
	}
	c, err = j.newChange(what, Recipe, files...)
	for _, f := range files {
		if why := j.generated(f.Name); why != "" {
			j.tell(c, event.Refused, why, "")
			return c, false, err
		}
	}
	return j.reconfiguring(c), err == nil, err
}

// reconfiguring adds to a change of what configure reads that this is run once more.
func (j *job) reconfiguring(c Change) Change {
	inputs, helpers := false, false
	for _, f := range c.Files {
		base := f.Name[strings.LastIndexByte(f.Name, '/')+1:]
		helpers = helpers || base == "configure.ac" || base == "configure.in" || base == "Makefile.am" || base == "aclocal.m4" || strings.HasSuffix(base, ".m4")
		inputs = inputs || strings.HasSuffix(base, ".in") || base == "configure" || base == "CMakeLists.txt" || base == "meson.build"
	}
	if !inputs && !helpers {
		return c
	}
	s, ok := j.setup(j.target.Dir)
	if !ok {
		return c
	}
	if s.Kind == setup.Autoconf && helpers {
		if inputs { // both: as in a release, what was made is as new as what it was made from
			c.Files = append(c.Files, j.inOrder(s.Source, c.Files)...)
		} else {
			c.Runs = append(c.Runs, setup.Command{Argv: []string{"autoreconf", "-fi"}, Dir: s.Source})
		}
	}
	c.Runs, c.Reaches = append(c.Runs, s.Again(setup.More{})), true
	return c
}

// sound is what may come from a log into a command or a file.
var sound = regexp.MustCompile(`^[\w./+:<>=~@,-]*$`)

// remedy makes of what the catalogue says the changes for this tree.
func (j *job) remedy(ctx context.Context, f diagnosis.Finding, try signature.Try, log string) ([]Change, error) {
	switch {
	case try.Include != "":
		return j.declaring(ctx, f, try.Include, log)
	case len(try.Rewrite) > 0:
		return j.matching(f, try.Rewrite, try.Header)
	case try.Header != "":
		return j.including(f, []string{try.Header})
	case try.Instead != "":
		return j.instead(f, try.Instead)
	case try.Omit != "":
		return j.omitting(f, try.Omit)
	case try.Undeclare != "":
		return j.undeclaring(f, try.Undeclare)
	case try.Define != "":
		return j.defining(f, try.Define)
	case try.Search != "":
		return j.searching(try.Search)
	case try.Library != "":
		return j.linking(try.Library)
	case try.Drop != "":
		return j.dropping(ctx, try.Drop)
	case try.Rename != "":
		return j.renaming(ctx, try.Rename)
	case len(try.Replace) > 0:
		return j.replacing(ctx, try.Replace)
	case try.Folder != "":
		return j.folder(try.Folder), nil
	case try.Program != "":
		return j.program(try.Program), nil
	case try.Macro != "":
		return j.macro(try.Macro)
	case len(try.Words) > 0:
		return j.wording(f, try.Words)
	case try.Delete != "":
		return j.deleting(f, try.Delete)
	case try.Remove != "":
		return j.removing(try.Remove)
	case try.Create != "":
		return j.creating(try.Create)
	case len(try.Flags) > 0:
		words := maps.Clone(try.Flags)
		for name, text := range words {
			if !soundWords(text) {
				return nil, nil
			}
			words[name] = strings.TrimSuffix(text, "=") // as gcc names a warning that has levels
		}
		return j.flags(words)
	case len(try.Configure) > 0:
		if !j.takes(try.Configure) {
			return nil, nil
		}
		return j.configured("configure with "+strings.Join(try.Configure, " "), setup.More{Args: try.Configure}), nil
	case len(try.Make) > 0:
		return []Change{{What: "make with " + strings.Join(try.Make, " "), From: Known, Make: try.Make}}, nil
	case len(try.Env) > 0:
		c := Change{What: "set", From: Known}
		for _, key := range slices.Sorted(maps.Keys(try.Env)) {
			c.Env = append(c.Env, key+"="+try.Env[key])
			c.What += " " + key + "=" + try.Env[key]
		}
		return []Change{c}, nil
	}
	return j.repair(ctx, f, try.Repair)
}

// takes reports whether configure knows options: others it would pass over.
func (j *job) takes(args []string) bool {
	s, ok := j.setup(j.dir())
	if ok && s.Kind != setup.Autoconf || !ok && filepath.Base(j.f.Argv[0]) != "configure" {
		return true
	}
	text, err := os.ReadFile(filepath.Join(j.source(), "configure"))
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(args, func(arg string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		for _, begin := range []string{"disable-", "enable-", "without-", "with-"} {
			if bare, found := strings.CutPrefix(name, begin); found {
				kind, _, _ := strings.Cut(begin, "-")
				kind = strings.NewReplacer("disable", "enable", "without", "with").Replace(kind)
				return !strings.Contains(string(text), kind+"_"+strings.ReplaceAll(bare, "-", "_"))
			}
		}
		return false
	})
}

func soundWords(text string) bool {
	return !slices.ContainsFunc(strings.Fields(text), func(word string) bool { return !sound.MatchString(word) })
}

// configuredWith has words added to a variable of a configure that is to be run again: as it
// was told about it, or as it is where nobody has said anything.
func (j *job) configuredWith(c *Change, name, words string) {
	base := filepath.Base(j.f.Argv[0])
	for _, arg := range slices.Backward(j.f.Argv) {
		if old, found := strings.CutPrefix(arg, name+"="); found {
			c.Configure = append(c.Configure, name+"="+old+" "+words)
			return
		}
	}
	said := slices.ContainsFunc(j.f.Env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	if (name == "CFLAGS" || name == "CXXFLAGS") && !said && base != "cmake" && base != "meson" {
		words = "-g -O2 " + words
	}
	c.Env = append(c.Env, name+"="+words)
}

// configured has the build configured with more. Where it is configuring that failed, the
// command itself gets it.
func (j *job) configured(what string, more setup.More) []Change {
	c := Change{What: what, From: Known, Flags: more.Flags, Reaches: true}
	if tool(j.f.Argv) == toolConfigure {
		c.Configure = more.Args
		for _, name := range slices.Sorted(maps.Keys(more.Flags)) {
			j.configuredWith(&c, name, more.Flags[name])
		}
		return []Change{c}
	}
	s, ok := j.setup(j.target.Dir)
	if !ok {
		return nil
	}
	c.Runs = []setup.Command{s.Again(more)}
	return []Change{c}
}

// strict is how a compiler ends an error that it can be told not to make one.
var strict = regexp.MustCompile(`(?m)^(conftest|conf\d+)[^\n]*: error: [^\n]*\[-W(?:error[=,](?:-W)?)?([\w+-]+)\]$`)

// tolerant has the compiler be content with what the tests of configure were written like: what
// it did not take in the last of them.
func (j *job) tolerant() []signature.Remedy {
	text, err := os.ReadFile(j.probed)
	if err != nil {
		return nil
	}
	said := string(text)
	if end := strings.Index(said, ": error: "+j.red.Findings[0].Symbol); end > 0 && j.red.Findings[0].Symbol != "" {
		said = said[:end]
	}
	if last := strings.LastIndex(said, ": checking "); last > 0 {
		said = said[last:]
	}
	var words []string
	for _, m := range strict.FindAllStringSubmatch(said, -1) {
		if word := "-Wno-error=" + m[2]; !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return nil
	}
	return []signature.Remedy{{Try: signature.Tries{{Flags: map[string]string{"CFLAGS": strings.Join(words, " ")}}}}}
}
