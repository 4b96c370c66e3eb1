package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"srcmend/internal/archive"
	"srcmend/internal/buildlog"
	"srcmend/internal/check"
	"srcmend/internal/distfile"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
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

// versions are the releases that the recipe knows, and those that have a tag.
func (c *checking) versions() ([]version.Version, error) {
	all := c.r.Known()
	if c.repo == nil {
		return all, nil
	}
	tags, err := c.repo.Tags()
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		v, ok := c.r.Tagged(tag)
		if ok && !slices.ContainsFunc(all, func(known version.Version) bool { return known.String() == v.String() }) {
			all = append(all, v)
		}
	}
	slices.SortStableFunc(all, version.Version.Compare)
	return all, nil
}

// content finds the strongest source of a release.
func (c *checking) content(ctx context.Context, v version.Version) (*check.Content, error) {
	commit, err := c.commit(v)
	if err != nil {
		return nil, err
	}
	content, err := c.archive(ctx, v)
	switch {
	case err != nil:
		return nil, err
	case content == nil && commit != nil:
		return c.fromCommit(v, commit), nil
	case content != nil:
		content.Commit = commit
	}
	return content, nil
}

// archive reads a release's archive, if it is at hand, as far as the patches are about
// it: files with the names of those that they change, in whatever folder.
func (c *checking) archive(ctx context.Context, v version.Version) (*check.Content, error) {
	if _, _, err := c.r.Release(v.String()); err != nil {
		return nil, nil // it is only a tag
	}
	a, err := plan.ArchiveOf(c.r, v)
	if err != nil {
		return nil, err
	}
	if !c.get && !c.atHand(a) {
		return nil, nil
	}
	f, err := c.fetcher()
	if err != nil {
		return nil, err
	}
	item, err := work.Source(ctx, f, a)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, new(*fetch.NoSourceError)) && !c.get:
		first, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintf(c.app.err, "srcmend: %s\n", buildlog.Clean(first)) // another file has its name
		return nil, nil
	case err != nil:
		return nil, err
	}
	wanted := map[string]bool{}
	for _, fix := range c.r.Fixes {
		if len(fix.Patch) == 0 {
			continue
		}
		p, err := c.patch(ctx, fix, v)
		if err != nil {
			continue // it will be said
		}
		for _, name := range p.Names() {
			wanted[path.Base(name)] = true
		}
	}
	file, err := os.Open(item.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	view, err := archive.Look(ctx, file, func(name string) bool { return wanted[path.Base(name)] })
	if err != nil {
		return nil, err
	}
	return &check.Content{Source: view, From: check.From{Kind: check.Archive, Name: item.Name}, Names: view.Names()}, nil
}

// atHand reports whether an archive is in the store, or in a folder of this machine.
func (c *checking) atHand(a plan.Archive) bool {
	there := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	for _, dir := range filepath.SplitList(os.Getenv("DISTDIR")) {
		if dir != "" && there(filepath.Join(dir, a.Name)) {
			return true
		}
	}
	for _, s := range a.Sources {
		if u, err := url.Parse(s.URL); err == nil && u.Scheme == "file" && there(u.Path) {
			return true
		}
	}
	cache, err := cacheDir()
	if err != nil {
		return false
	}
	for _, key := range []string{"sha256/" + a.SHA256, "git/" + a.Commit} {
		if there(filepath.Join(cache, "distfiles", key)) {
			return true
		}
	}
	return false
}

// fromCommit is a release by its tag.
func (c *checking) fromCommit(v version.Version, commit *gitrepo.Commit) *check.Content {
	tag, _ := c.r.Tag(v)
	return &check.Content{
		Source: commit, Commit: commit,
		From:  check.From{Kind: check.Git, Name: fmt.Sprintf("tag %s (commit %s) of %s", tag, upstream.Short(commit.ID), c.repo.Dir())},
		Names: func(yield func(string) bool) { _ = commit.Walk(yield) },
	}
}

// commit is the commit of a version, nil if there is none at hand.
func (c *checking) commit(v version.Version) (*gitrepo.Commit, error) {
	if c.repo == nil || v.String() == "" {
		return nil, nil
	}
	tag, err := c.r.Tag(v)
	if err != nil {
		return nil, err
	}
	commit, err := c.repo.Tag(tag)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !c.all && c.git != "":
		fmt.Fprintf(c.app.err, "srcmend: %s has no tag %s\n", buildlog.Clean(c.git), buildlog.Clean(tag))
		return nil, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, gitrepo.ErrNotHere), errors.Is(err, gitrepo.ErrNoCommit):
		return nil, nil // others are asked
	}
	return commit, err
}

// openHistory opens the upstream's repository, if it is at hand.
func (c *checking) openHistory() (*gitrepo.Repo, error) {
	if c.git != "" {
		r, err := gitrepo.Open(c.git)
		if err != nil {
			return nil, &usageError{err.Error(), "--git DIR, a repository of " + c.r.Name}
		}
		return r, nil
	}
	if c.r.Upstream == nil {
		return nil, nil
	}
	dirs := []string{}
	if u, err := url.Parse(c.r.Upstream.Git); err == nil && u.Scheme == "file" {
		dirs = append(dirs, u.Path)
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	for _, dir := range append(dirs, historyOf(cache, c.r.Name)) {
		if _, err := os.Stat(dir); err == nil {
			return gitrepo.Open(dir)
		}
	}
	return nil, nil
}

// historyOf is where the repository of a package is kept.
func historyOf(cache, pkg string) string { return filepath.Join(cache, "git", pkg+".git") }

// patch gets the patch of a fix, once.
func (c *checking) patch(ctx context.Context, f recipe.Fix, v version.Version) (*patch.Patch, error) {
	if v.String() == "" {
		v = c.r.Newest()
	}
	fix, err := plan.PatchOf(c.r, f, v, c.recipes.File)
	if err != nil {
		return nil, err
	}
	places := []string{f.ID}
	for _, p := range fix.Patch {
		places = append(places, p.URL)
	}
	key := strings.Join(places, " ")
	if p := c.patches[key]; p != nil {
		return p, nil
	}
	fetcher, err := c.fetcher()
	if err != nil { // without a store, what lies beside the recipes will do
		fix.Patch = slices.DeleteFunc(fix.Patch, func(p plan.Patch) bool { return p.File == "" })
	}
	if len(fix.Patch) == 0 {
		return nil, err
	}
	text, err := work.Patch(ctx, fetcher, c.recipes.File, fix)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(first)
	}
	p, err := patch.Parse(bytes.NewReader(text))
	c.patches[key] = p
	return p, err
}

// fetcher gets what is here, and with --fetch what is not.
func (c *checking) fetcher() (*fetch.Fetcher, error) {
	o := c.sources
	o.offline = o.offline || !c.get
	f, err := o.fetcher()
	if err != nil {
		return nil, err
	}
	f.Events = func(event.Event) {}
	if errs := c.app.err; c.get {
		out := &report.Text{Out: errs, Err: errs, Quiet: c.app.quiet || c.app.json, Width: terminalWidth(errs), Color: color(errs)}
		f.Events = out.Send
	}
	return f, nil
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
