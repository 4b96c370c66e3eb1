// Package plan decides what a build will do, and does none of it.
//
// A [Plan] is a value made from a recipe, a version, a platform and what the
// user asked for: which archive, which fixes and why the others not, which
// commands in which environment. It can be printed, compared, and hashed: two
// plans with the same hash build the same thing, so a hash found in a receipt
// means that the work is already done.
//
//	p, err := plan.Make(r, "2.3.4", platform.Here(ctx), plan.Options{Prefix: "/usr/local"})
//	fmt.Println(p.Hash())
//	for _, s := range p.Steps { fmt.Println(s.Name, s.Commands) }
//
// Paths that exist only while the work is done (the source tree, the staging
// folder) and the number of jobs stay placeholders until [Plan.Fill], and so
// stay out of the hash.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/version"
)

// Options is what the user asks for beside the release.
type Options struct {
	Prefix    string   // absolute; where the package is to live
	Configure []string // arguments added to the first configure command
	Env       []string // KEY=value of the user's environment that reach the build
	Without   []string // ids of fixes that are left out
	// File reads a file beside the recipes, so that its content is part of
	// the hash.
	File func(name string) ([]byte, error)
}

// A Plan is what one build does.
type Plan struct {
	Package  string            `json:"package"`
	Release  string            `json:"release"`
	Prefix   string            `json:"prefix"`
	Platform platform.Platform `json:"platform"`
	Archive  Archive           `json:"archive"`
	Fixes    []Fix             `json:"fixes,omitempty"`
	Steps    []Step            `json:"steps"`
	Env      []string          `json:"env,omitempty"` // KEY=value, sorted
	Vars     map[string]string `json:"vars"`          // placeholders that are known
	Needs    []string          `json:"needs,omitempty"`
	Left     []Left            `json:"left,omitempty"`
}

// Archive is the release's source.
type Archive struct {
	Name    string          `json:"name"` // of the distfile
	SHA256  string          `json:"sha256,omitempty"`
	Commit  string          `json:"commit,omitempty"`
	Sources []recipe.Source `json:"sources,omitempty"` // placeholders filled in
}

// A Fix is one that this build takes.
type Fix struct {
	ID       string  `json:"id"`
	Summary  string  `json:"summary,omitempty"`
	Patch    []Patch `json:"patch,omitempty"` // the same patch from several places
	Advisory string  `json:"advisory,omitempty"`
}

// Patch is one place to get a fix's patch from.
type Patch struct {
	URL      string   `json:"url,omitempty"`
	File     string   `json:"file,omitempty"`
	SHA256   string   `json:"sha256,omitempty"` // of a file: as it is now
	PatchIDs []string `json:"patch_ids,omitempty"`
}

// Left is a fix of the recipe that this build does not take.
type Left struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

// A Step is a part of the build with commands of its own.
type Step struct {
	Name     string    `json:"name"`
	Commands []Command `json:"commands"`
}

// A Command is a command with placeholders still in it.
type Command struct {
	Argv []string `json:"argv"`
	Dir  string   `json:"dir,omitempty"` // below the source tree
	Env  []string `json:"env,omitempty"`
}

// The names of the steps, in their order.
const (
	Fetch     = "fetch"
	Unpack    = "unpack"
	Apply     = "patch"
	Configure = "configure"
	Build     = "make"
	Check     = "check"
	Install   = "install"
)

// Make plans the build of one release. The version may be empty: then it is
// the newest that is not a pre-release.
func Make(r *recipe.Recipe, want string, here platform.Platform, o Options) (Plan, error) {
	if r.Advises() {
		return Plan{}, fmt.Errorf("%w: %s is not built here, its recipe only advises: srcmend check %s", ErrArguments, r.Name, r.Name)
	}
	if want == "" {
		want = r.Newest().String()
	}
	v, rel, err := r.Release(want)
	if err != nil {
		return Plan{}, err
	}
	if !filepath.IsAbs(o.Prefix) || filepath.Clean(o.Prefix) != o.Prefix {
		return Plan{}, fmt.Errorf("%w: prefix %q is not an absolute path in its shortest form", ErrArguments, o.Prefix)
	}
	p := Plan{
		Package: r.Name, Release: v.String(), Prefix: o.Prefix, Platform: here,
		Env: slices.Sorted(slices.Values(o.Env)), Vars: r.Vars(v), Needs: r.Needs[here.Family],
	}
	p.Vars["prefix"] = o.Prefix
	if p.Archive, err = archive(r, rel, p.Vars); err != nil {
		return Plan{}, err
	}
	taken, err := p.takeFixes(r, v, here, o)
	if err != nil {
		return Plan{}, err
	}
	if len(o.Configure) > 0 && len(r.Build.Configure) == 0 {
		return Plan{}, fmt.Errorf("%w: %s has no configure step that could take %s", ErrArguments, r.Name, strings.Join(o.Configure, " "))
	}
	if text, ok := readable(append(append([]string{o.Prefix}, o.Configure...), o.Env...)); !ok {
		return Plan{}, fmt.Errorf("%w: %q is not UTF-8", ErrArguments, text)
	}
	p.addSteps(r.Build, taken, o.Configure)
	return p, nil
}

// ErrArguments is wrapped by errors about what the user asked for.
var ErrArguments = errors.New("can't be planned")

// readable returns the first of the texts that is not UTF-8: it would not be
// the same in the plan's JSON.
func readable(texts []string) (string, bool) {
	i := slices.IndexFunc(texts, func(s string) bool { return !utf8.ValidString(s) })
	if i < 0 {
		return "", true
	}
	return texts[i], false
}

// ArchiveOf says where the source of one release comes from.
func ArchiveOf(r *recipe.Recipe, v version.Version) (Archive, error) {
	_, rel, err := r.Release(v.String())
	if err != nil {
		return Archive{}, err
	}
	return archive(r, rel, r.Vars(v))
}

// PatchOf says where the patch of a fix comes from, as it is for one version. File reads
// what lies beside the recipes.
func PatchOf(r *recipe.Recipe, f recipe.Fix, v version.Version, file func(name string) ([]byte, error)) (Fix, error) {
	fix := Fix{ID: f.ID, Summary: f.Summary, Advisory: f.Advisory}
	for _, src := range f.Patch {
		patch, err := patchFrom(src, r.Vars(v), file)
		if err != nil {
			return Fix{}, fmt.Errorf("%s: fix %s: %w", r.File(), f.ID, err)
		}
		fix.Patch = append(fix.Patch, patch)
	}
	return fix, nil
}

// archive fills in where the release's source comes from.
func archive(r *recipe.Recipe, rel recipe.Release, vars map[string]string) (Archive, error) {
	a := Archive{SHA256: string(rel.SHA256), Commit: string(rel.Commit)}
	for _, s := range r.Sources {
		var errs [4]error
		s.URL, errs[0] = recipe.Expand(s.URL, vars)
		s.Debian, errs[1] = recipe.Expand(s.Debian, vars)
		s.Git, errs[2] = recipe.Expand(s.Git, vars)
		s.Tag, errs[3] = recipe.Expand(s.Tag, vars)
		if err := errors.Join(errs[:]...); err != nil {
			return Archive{}, fmt.Errorf("%s: %w", r.File(), err)
		}
		if a.Name == "" && s.URL != "" {
			a.Name = path.Base(s.URL)
		}
		if s.Git != "" && a.Commit == "" || s.Git == "" && a.SHA256 == "" {
			continue // it could not be verified
		}
		a.Sources = append(a.Sources, s)
	}
	if a.Name == "" {
		a.Name = r.Name + "-" + vars["version"]
	}
	if len(a.Sources) == 0 {
		return Archive{}, fmt.Errorf("%s: release %s has a checksum for none of the sources; add the sha256 of its archive", r.File(), vars["version"])
	}
	return a, nil
}

// takeFixes decides on each fix of the recipe.
func (p *Plan) takeFixes(r *recipe.Recipe, v version.Version, here platform.Platform, o Options) ([]recipe.Fix, error) {
	var taken []recipe.Fix
	for _, f := range r.Fixes {
		affected, err := version.ParseRange(r.Versions.Scheme, f.Affects)
		if err != nil {
			return nil, fmt.Errorf("%s: fix %s: %w", r.File(), f.ID, err)
		}
		if !affected.Contains(v) {
			p.Left = append(p.Left, Left{f.ID, fmt.Sprintf("%s is not in %s", v, f.Affects)})
			continue
		}
		if ok, why := f.Where.Match(here); !ok {
			p.Left = append(p.Left, Left{f.ID, why})
			continue
		}
		if slices.Contains(o.Without, f.ID) {
			p.Left = append(p.Left, Left{f.ID, "not wanted"})
			continue
		}
		fix, err := PatchOf(r, f, v, o.File)
		if err != nil {
			return nil, err
		}
		p.Fixes = append(p.Fixes, fix)
		taken = append(taken, f)
	}
	return taken, nil
}

// patchFrom fills in one place to get a patch from.
func patchFrom(src recipe.PatchSource, vars map[string]string, file func(string) ([]byte, error)) (Patch, error) {
	out := Patch{File: src.File, SHA256: string(src.SHA256)}
	for _, id := range src.PatchIDs {
		out.PatchIDs = append(out.PatchIDs, string(id))
	}
	var err error
	if out.URL, err = recipe.Expand(src.URL, vars); err != nil || src.File == "" {
		return out, err
	}
	text, err := file(src.File)
	if err != nil {
		return out, fmt.Errorf("reading its patch: %w", err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(text))
	if out.SHA256 != "" && out.SHA256 != sum {
		return out, fmt.Errorf("%s has sha256 %s, the recipe says %s", src.File, sum, out.SHA256)
	}
	out.SHA256 = sum
	return out, nil
}

// addSteps turns the recipe's commands and what the fixes and the user add
// into steps.
func (p *Plan) addSteps(b recipe.Build, fixes []recipe.Fix, args []string) {
	env := maps.Clone(map[string]string(b.Env))
	if env == nil {
		env = map[string]string{}
	}
	var extra []string
	for _, f := range fixes {
		maps.Copy(env, f.Env)
		extra = append(extra, f.Configure...)
	}
	extra = append(extra, escape(args)...)
	for _, step := range []struct {
		name     string
		commands recipe.Commands
	}{{Configure, b.Configure}, {Build, b.Make}, {Check, b.Check}, {Install, b.Install}} {
		s := Step{Name: step.name}
		for i, c := range step.commands {
			cmd := Command{Argv: slices.Clone(c.Run), Dir: c.In, Env: pairs(env, c.Env)}
			if step.name == Configure && i == 0 {
				cmd.Argv = append(cmd.Argv, extra...)
			}
			s.Commands = append(s.Commands, cmd)
		}
		if len(s.Commands) > 0 {
			p.Steps = append(p.Steps, s)
		}
	}
}

// escape keeps the braces of what a user wrote from being placeholders.
func escape(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = strings.NewReplacer("{", "{{", "}", "}}").Replace(a)
	}
	return out
}

func pairs(envs ...map[string]string) []string {
	all := map[string]string{}
	for _, e := range envs {
		maps.Copy(all, e)
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, key+"="+all[key])
	}
	return out
}

// Hash is the plan's identity, in hex: of all that can change what is built,
// and of nothing else. Where an archive comes from can't, once its sum is
// known; neither can a fix that is left out, or a test.
func (p Plan) Hash() string {
	p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Name == Check })
	p.Left, p.Needs, p.Archive.Sources, p.Archive.Name = nil, nil, nil, ""
	p.Fixes = slices.Clone(p.Fixes)
	for i := range p.Fixes {
		p.Fixes[i].Summary, p.Fixes[i].Advisory = "", ""
	}
	text, err := json.Marshal(p)
	if err != nil {
		panic("plan: " + err.Error()) // a Plan holds nothing that can't be marshalled
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Patches reports whether the plan changes the source.
func (p Plan) Patches() bool {
	return slices.ContainsFunc(p.Fixes, func(f Fix) bool { return len(f.Patch) > 0 })
}

// StepNames returns the names of all steps, in order.
func (p Plan) StepNames() []string {
	names := []string{Fetch, Unpack}
	if p.Patches() {
		names = append(names, Apply)
	}
	for _, s := range p.Steps {
		names = append(names, s.Name)
	}
	return names
}

// A Place is what is known only when the work begins.
type Place struct {
	Source  string // the source tree, absolute
	Destdir string // where install stages, absolute
	Jobs    int    // how many at once; 0 if a jobserver says so, and the command line does not
}

// Fill returns c with every placeholder filled in.
func (p Plan) Fill(c Command, at Place) (Command, error) {
	vars := maps.Clone(p.Vars)
	vars["source"], vars["destdir"], vars["jobs"] = at.Source, at.Destdir, fmt.Sprint(at.Jobs)
	out := Command{Dir: filepath.Join(at.Source, c.Dir)}
	if at.Jobs == 0 {
		c.Argv = withoutJobs(c.Argv)
	}
	for _, list := range []struct{ from, to *[]string }{{&c.Argv, &out.Argv}, {&c.Env, &out.Env}} {
		for _, text := range *list.from {
			filled, err := recipe.Expand(text, vars)
			if err != nil {
				return Command{}, err
			}
			*list.to = append(*list.to, filled)
		}
	}
	return out, nil
}

// jobs is what stands for how many jobs there are at once.
const jobs = "{jobs}"

// CountsJobs reports whether the command line says how many jobs there are at once.
func (c Command) CountsJobs() bool {
	return slices.ContainsFunc(c.Argv, func(word string) bool { return strings.Contains(word, jobs) })
}

// withoutJobs leaves out what says how many jobs there are at once.
func withoutJobs(argv []string) (out []string) {
	for i, word := range argv {
		option := slices.Contains([]string{"-j", "--jobs", "--parallel"}, word) && i+1 < len(argv) && argv[i+1] == jobs
		if !option && !strings.Contains(word, jobs) {
			out = append(out, word)
		}
	}
	return out
}
