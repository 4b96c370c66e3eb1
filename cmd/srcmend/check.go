package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"srcmend/internal/check"
	"srcmend/internal/distfile"
	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/plan"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/report"
	"srcmend/internal/tree"
	"srcmend/internal/upstream"
	"srcmend/internal/version"
	"srcmend/internal/work"
	"srcmend/internal/yamlfile"
)

const checkHelp = `Say which fixes a release needs, which it has already, and which no longer fit.

The release itself is asked, from the strongest source at hand: an unpacked tree; the
archive in the store or in DISTDIR, of which only the files are read that a patch is
about; the upstream's git repository. If none is at hand, what the recipe claims is
shown, and called a claim. Nothing is fetched unless --fetch is given; "srcmend fetch
PKG --history" gets the repository once and for all.

The verdicts are needed, present, superseded (its lines are there in another form),
absent (its files are not there), conflict (it fits neither way) and ambiguous. Where a
verdict and the range of the recipe contradict each other, that is said.

What is known of the system itself is shown, too. Flags and environment that a recipe
sets are not counted: a build sets them by itself.

Exit status: 0 nothing is needed here; 4 the package needs a fix here, or one of its own
advisories matters; 1 it could not be found out; 2 usage or a bad recipe.`

// checkOptions are the flags of the verb.
type checkOptions struct {
	sources fetchOptions
	all     bool
	get     bool
	on      string
	named   bool // on was given, be it empty
	git     string
	as      string
}

func (a *app) checkVerb() *cobra.Command {
	o := checkOptions{}
	cmd := &cobra.Command{
		Use:   "check PKG[@VERSION] | DIR",
		Short: "Say which fixes a release or a source tree needs",
		Long:  checkHelp,
		Example: `  srcmend check dovecot@2.3.4
  srcmend check dovecot@2.3.4 --platform freebsd/12.0
  srcmend check dovecot --all
  srcmend check /usr/local/src/dovecot-2.3.4`,
		Args:              exactly(1, "one PKG[@VERSION] or DIR"),
		ValidArgsFunction: a.completePackage,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.named = cmd.Flags().Changed("platform")
			return a.check(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "ask every release, and every tag of the repository")
	f.BoolVar(&o.get, "fetch", false, "fetch the archives and patches that are not here")
	f.StringVar(&o.on, "platform", "", "ask for another machine: `SYSTEM[/VERSION[/ARCH]]`, and then ,libc=NAME or ,compiler=NAME")
	f.StringVar(&o.git, "git", "", "the upstream's repository is in the folder `DIR`")
	f.StringVar(&o.as, "as", "", "the tree is of the package `PKG[@VERSION]`")
	o.sources.flags(f)
	return cmd
}

// A checking is one run of the verb.
type checking struct {
	app *app
	checkOptions
	recipes *recipe.Collection
	r       *recipe.Recipe
	here    platform.Platform
	asker   check.Checker
	repo    *gitrepo.Repo // nil if none is at hand
	patches map[string]*patch.Patch
}

// check is the verb.
func (a *app) check(ctx context.Context, target string, o checkOptions) error {
	debug.SetGCPercent(50) // a history is large, and time is not what it lacks
	c := &checking{app: a, checkOptions: o}
	var err error
	if c.recipes, err = a.collection(); err != nil {
		return err
	}
	if c.as != "" && !c.isFolder(target) {
		return &usageError{"--as says what a tree is, and " + target + " is a package", "srcmend check DIR --as PKG[@VERSION]"}
	}
	if c.here, err = c.there(ctx, target); err != nil {
		return err
	}
	var done report.Check
	if c.isFolder(target) {
		done, err = c.folder(ctx, target)
	} else {
		done, err = c.pkg(ctx, target)
	}
	defer c.close()
	if err != nil {
		return err
	}
	if err := c.system(ctx, &done); err != nil {
		return err
	}
	done.Package, done.Platform, done.All = c.r.Name, c.here.String(), o.all
	if o.all {
		for _, f := range c.r.Fixes {
			done.Summaries = append(done.Summaries, check.Sum(done.Releases, f.ID))
		}
	}
	if a.json {
		err = a.encode(done)
	} else {
		err = done.Text(a.out)
	}
	if err != nil {
		return &reportError{err: err}
	}
	switch {
	case done.Needed() > 0:
		return errNeeded
	case done.Open() > 0:
		return errReported // nobody knows
	}
	return nil
}

// there is the machine that is asked for. Who asks for a system means that system.
func (c *checking) there(ctx context.Context, target string) (platform.Platform, error) {
	name, version, _ := strings.Cut(target, "@")
	if system, err := platform.Parse(name); c.on == "" && err == nil && system.OS == name && c.recipes.Has(name) {
		here, err := platform.Here(ctx)
		if err != nil || here.OS == name && version == "" {
			return here, err
		}
		c.on = strings.TrimSuffix(name+"/"+version, "/")
	}
	if c.on == "" && !c.named {
		return platform.Here(ctx)
	}
	p, err := platform.Parse(c.on)
	if err != nil {
		err = &usageError{err.Error(), "--platform freebsd/12.0"}
	}
	return p, err
}

// isFolder reports whether the target is a source tree: it is written as a path, or it is
// there and no package has its name.
func (c *checking) isFolder(target string) bool {
	if strings.ContainsRune(target, filepath.Separator) || target == "." || target == ".." {
		return true
	}
	info, err := os.Stat(target)
	return err == nil && info.IsDir() && !c.recipes.Has(target)
}

// begin makes ready for asking about a package.
func (c *checking) begin() (err error) {
	c.patches = map[string]*patch.Patch{}
	c.asker = check.Checker{Recipe: c.r, Platform: c.here, Patch: c.patch}
	if c.repo, err = c.openHistory(); err == nil && c.repo != nil {
		c.asker.History = upstream.New(c.repo)
	}
	return err
}

// close gives the repository back.
func (c *checking) close() {
	if c.repo != nil {
		_ = c.repo.Close()
	}
}

// pkg asks about a package, or all of its releases.
func (c *checking) pkg(ctx context.Context, target string) (report.Check, error) {
	var done report.Check
	var spelt string
	var err error
	if c.r, spelt, err = load(c.recipes, target); err != nil {
		return done, err
	}
	if err := c.begin(); err != nil {
		return done, err
	}
	switch {
	case c.all && spelt != "":
		return done, &usageError{"--all is about every release, and " + target + " is one", "srcmend check " + c.r.Name + " --all"}
	case c.all && c.r.Advises():
		return done, &usageError{"the recipe of " + c.r.Name + " only advises, and knows no releases", "srcmend check " + c.r.Name + "@VERSION"}
	}
	if c.all {
		done.Releases, err = c.releases(ctx)
		return done, err
	}
	v, err := c.version(spelt)
	if err != nil {
		return done, err
	}
	r, err := c.release(ctx, v)
	done.Releases = []check.Release{r}
	return done, err
}

// releases asks about all that there are.
func (c *checking) releases(ctx context.Context) ([]check.Release, error) {
	versions, err := c.versions()
	if err != nil {
		return nil, err
	}
	all := []check.Release{}
	for _, v := range versions {
		r, err := c.release(ctx, v)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// release asks about one.
func (c *checking) release(ctx context.Context, v version.Version) (check.Release, error) {
	content, err := c.content(ctx, v)
	if err != nil {
		return check.Release{}, err
	}
	r, err := c.asker.Ask(ctx, v, content)
	if err != nil {
		return r, fmt.Errorf("%s %s: %w", c.r.Name, v, err)
	}
	return r, nil
}

// identities looks whether each patch that is here is the one that the recipe means.
func (c *checking) identities(ctx context.Context) (yamlfile.Mistakes, error) {
	f, err := c.fetcher()
	if err != nil {
		return nil, err
	}
	var wrong yamlfile.Mistakes
	for i, fix := range c.r.Fixes {
		planned, err := plan.PatchOf(c.r, fix, c.r.Newest(), c.recipes.File)
		if err != nil {
			return nil, err
		}
		for j, place := range planned.Patch {
			planned.Patch = []plan.Patch{place}
			_, err := work.Patch(ctx, f, c.recipes.File, planned)
			if mismatch, ok := errors.AsType[*distfile.MismatchError](err); ok {
				wrong = append(wrong, c.r.Mistake("it has "+mismatch.Got, "what is there is not the patch that the recipe means", "fixes", i, "patch", j))
			}
		}
	}
	return wrong, nil
}

// version is the one that is asked for. A recipe that only advises knows no releases: any
// version will do, and of the system itself it is that of the machine.
func (c *checking) version(spelt string) (version.Version, error) {
	switch {
	case !c.r.Advises() && spelt == "":
		return c.r.Newest(), nil
	case !c.r.Advises():
		v, _, err := c.r.Release(spelt)
		var unknown *recipe.UnknownRelease
		if errors.As(err, &unknown) && c.repo != nil {
			if tagged, terr := version.Parse(c.r.Versions.Scheme, spelt); terr == nil {
				if tag, terr := c.r.Tag(tagged); terr == nil {
					if _, terr := c.repo.Tag(tag); terr == nil {
						return tagged, nil
					}
				}
			}
		}
		return v, err
	case spelt == "" && (c.r.Name == c.here.OS || c.r.Name == c.here.Distro):
		spelt = c.here.Version
	}
	if spelt == "" {
		return version.Version{}, &usageError{"which version of " + c.r.Name + "? Its recipe only advises, and knows no releases", "srcmend check " + c.r.Name + "@VERSION"}
	}
	v, err := version.ParseLoosely(c.r.Versions.Scheme, spelt)
	if err != nil {
		return v, &usageError{err.Error(), ""}
	}
	return v, nil
}

// folder asks about an unpacked tree.
func (c *checking) folder(ctx context.Context, dir string) (report.Check, error) {
	var done report.Check
	if c.all {
		return done, &usageError{"--all is about the releases of a package, and " + dir + " is a folder", "srcmend check PKG --all"}
	}
	t, err := tree.Open(dir)
	if err != nil {
		return done, &usageError{err.Error(), "srcmend check PKG[@VERSION] | DIR"}
	}
	defer t.Close()
	guesses := check.Identify(t, filepath.Base(t.Dir()))
	v, err := c.identify(t, guesses)
	if err != nil {
		return done, err
	}
	commit, err := c.commit(v)
	if err != nil {
		return done, err
	}
	content := &check.Content{Source: t, Commit: commit, From: check.From{Kind: check.Tree, Name: dir}, Names: namesOf(t)}
	r, err := c.asker.Ask(ctx, v, content)
	done.Releases = []check.Release{r}
	return done, err
}

// identify finds the recipe and the version of a tree.
func (c *checking) identify(t *tree.Tree, guesses []check.Guess) (v version.Version, err error) {
	name, spelt, _ := strings.Cut(c.as, "@")
	if c.as != "" && name == "" {
		return v, &usageError{"--as names no package", "--as PKG[@VERSION]"}
	}
	if name == "" {
		// What the tree says itself goes before the name of its folder.
		i := slices.IndexFunc(guesses, func(g check.Guess) bool { return c.recipes.Has(g.Name) })
		if i < 0 || i == len(guesses)-1 && i > 0 {
			var said []string
			for _, g := range guesses {
				said = append(said, g.String())
			}
			return v, &usageError{"no recipe is about this tree: " + strings.Join(said, "; "), "--as PKG[@VERSION] says what it is; srcmend recipe list names the packages"}
		}
		name = guesses[i].Name
	}
	if c.r, err = c.recipes.Load(name); err != nil {
		return v, err
	}
	if err := c.begin(); err != nil {
		return v, err
	}
	if spelt == "" {
		v, _ = check.VersionIn(t, c.r, guesses)
		return v, nil
	}
	if v, err = version.Parse(c.r.Versions.Scheme, spelt); err != nil {
		err = &usageError{err.Error(), "--as " + c.r.Name + "@VERSION"}
	}
	return v, err
}

// namesOf gives the names of all files of a tree.
func namesOf(t *tree.Tree) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		_ = fs.WalkDir(t.Root().FS(), ".", func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !yield(name) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// system adds what is known of the system itself.
func (c *checking) system(ctx context.Context, done *report.Check) error {
	for _, name := range []string{c.here.Distro, c.here.OS} {
		if name == "" || name == c.r.Name || !c.recipes.Has(name) {
			continue
		}
		r, err := c.recipes.Load(name)
		if err != nil {
			return err
		}
		v, err := version.ParseLoosely(r.Versions.Scheme, c.here.Version)
		if err != nil {
			continue // it is not said
		}
		asker := check.Checker{Recipe: r, Platform: c.here, Patch: c.patch}
		known, err := asker.Ask(ctx, v, nil)
		if err != nil {
			return err
		}
		done.System, done.SystemName = &known, name
		return nil
	}
	return nil
}
