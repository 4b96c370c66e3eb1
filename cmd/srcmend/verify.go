package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"srcmend/internal/build"
	"srcmend/internal/event"
	"srcmend/internal/jobserver"
	"srcmend/internal/plan"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/report"
	"srcmend/internal/signature"
	"srcmend/internal/verify"
	"srcmend/internal/yamlfile"
)

// verifyOptions is the flags of the verb verify.
type verifyOptions struct {
	level       string
	since       string
	shard       string
	baseline    string
	jobs        int
	plan        bool
	fresh       bool
	unreachable string
	maxAge      time.Duration
	time        time.Duration
	keep        int64 // MiB
	fetch       fetchOptions
	reports     copies
	receipts    string
	needs       bool
	init        string
}

const verifyHelp = `Prove what recipes claim.

Each claim is a cell, at one of four levels, each of which rests on those before:

  lint     the recipe is well made, and so are the signatures and headers beside it
  fetch    archives and patches can be had, and are what the recipe says
  verdict  the release says of a patch what the recipe does
  build    a release builds with its fixes; and without each fix that cures an error
           it stops at that very error

What is built is the newest release of a recipe, and for each fix the newest that it
affects, unless the recipe has a list of its own, under verify:. All builds share --jobs
compilers at a time by make's jobserver. Nothing is installed.

What became of a cell is kept, and found out again only when something has changed that
matters to it: the recipe, the patch, the archive, the toolchain. What sources have
answered counts for --max-age.

With --recipes or SRCMEND_RECIPES only the recipes of these folders are verified.

Exit status: 0 all is proven; 1 something could not be found out; 2 usage; 3 something
is not as a recipe says.`

func (a *app) verifyVerb() *cobra.Command {
	o := verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify [PKG[@VERSION]]...",
		Short: "Prove what recipes claim: red without a fix, green with it",
		Long:  verifyHelp,
		Example: `  srcmend verify
  srcmend verify dovecot@2.3.4 --level verdict
  srcmend --recipes my-recipes verify --plan
  srcmend --recipes my-recipes verify --since main --report junit=verify.xml`,
		ValidArgsFunction: a.completePackage,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), args, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.level, "level", string(event.LevelBuild), "how far it is proven, a `LEVEL`: lint, fetch, verdict or build")
	flags.IntVarP(&o.jobs, "jobs", "j", min(runtime.NumCPU(), jobserver.Most), "how many compilers run at once")
	flags.StringVar(&o.since, "since", "", "only what has changed since the `REVISION`, or since the work tree and it have parted, can affect")
	flags.StringVar(&o.shard, "shard", "", "only the `I/N`-th part, for one of several machines; see verify merge")
	flags.StringVar(&o.baseline, "baseline", "", "`FILE` with the cells that are known to be red (default: verify/baseline.yaml in the folder of recipes)")
	flags.BoolVar(&o.plan, "plan", false, "show the cells, do nothing")
	flags.BoolVar(&o.fresh, "fresh", false, "find out everything anew, whatever is known")
	flags.StringVar(&o.unreachable, "unreachable", "fail", "`WHAT` to do about what can't be reached: fail, or skip")
	flags.DurationVar(&o.maxAge, "max-age", 7*24*time.Hour, "how long it counts what sources have answered")
	flags.DurationVar(&o.time, "time", time.Hour, "how long the commands of one build may run")
	flags.Int64Var(&o.keep, "keep", 2048, "how many `MIB` of builds' logs are kept")
	flags.BoolVar(&o.needs, "install-needs", false, "install the packages that the builds need, with the system's packager")
	o.fetch.flags(flags)
	o.reports.flags(flags)
	flags.StringVar(&o.receipts, "receipts", "", "folder `DIR` for what was built, by package: a CycloneDX bill of materials and an in-toto statement")
	flags.StringVar(&o.init, "init", "", "write the file that has the recipes verified by `WHOM`: github, gitlab or pre-commit; with --plan show it")
	cmd.AddCommand(a.mergeVerb())
	_ = cmd.RegisterFlagCompletionFunc("level", cobra.FixedCompletions([]string{"lint", "fetch", "verdict", "build"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (o *verifyOptions) settle() error {
	levels := []event.Level{event.LevelLint, event.LevelFetch, event.LevelVerdict, event.LevelBuild}
	switch {
	case !slices.Contains(levels, event.Level(o.level)):
		return &usageError{fmt.Sprintf("there is no level %q", o.level), "--level lint, fetch, verdict or build"}
	case o.jobs < 1 || o.jobs > jobserver.Most:
		return &usageError{fmt.Sprintf("--jobs wants a number from 1 to %d", jobserver.Most), ""}
	case o.time <= 0 || o.maxAge < 0:
		return &usageError{"--time and --max-age want a length of time, as 90s or 2h", ""}
	case o.unreachable != "fail" && o.unreachable != "skip":
		return &usageError{fmt.Sprintf("--unreachable takes fail or skip, not %q", o.unreachable), ""}
	}
	return nil
}

func (a *app) verify(ctx context.Context, targets []string, o verifyOptions) error {
	if err := o.settle(); err != nil {
		return err
	}
	if o.init != "" {
		return a.verifyInit(o.init, o.plan)
	}
	reports, err := o.reports.parse()
	if err != nil {
		return err
	}
	debug.SetGCPercent(200) // the cores are for the builds
	v, err := a.verifier(ctx, o)
	if err != nil {
		return err
	}
	if o.needs && !o.plan {
		if err := a.installNeedsOf(ctx, v, targets); err != nil {
			return err
		}
	}
	if v.Baseline, err = a.baseline(o); err != nil {
		return err
	}
	m, mine, err := a.matrix(ctx, v, targets, o)
	if err != nil {
		return err
	}
	if o.plan {
		return a.showMatrix(v, mine)
	}
	engine, err := a.engine(ctx, v, o)
	if err != nil {
		return err
	}
	defer func() {
		_ = engine.Jobs.Close()
		_ = os.RemoveAll(filepath.Dir(engine.Jobs.Path()))
	}()
	shown, done := a.render()
	out := both{shown, new(report.Verification)}
	started := time.Now()
	v.Events, engine.Events = out.Send, out.Send
	out.Send(event.Matrix{Plan: m.Plan, Platform: v.Platform.String(), Since: o.since, Shard: o.shard, Cells: m.IDs(), Mine: len(mine.Cells)})
	results, err := v.Run(ctx, mine)
	if err != nil && ctx.Err() == nil {
		return errors.Join(err, done())
	}
	wrong := v.Baseline.Problems(results, m.Whole, time.Now())
	problems, err := v.Problems(results)
	if err != nil {
		return errors.Join(err, done())
	}
	problems = append(problems, wrong...)
	for i := range problems { // it may be read elsewhere
		problems[i].File = report.Relative(problems[i].File)
	}
	for _, p := range problems {
		out.Send(p)
	}
	sum := report.Sum(out.kept.Cells(), problems)
	sum.Seconds = time.Since(started).Seconds()
	out.Send(sum)
	if err := v.Store.Prune(); err != nil {
		a.say("%v", err)
	}
	err = errors.Join(done(), a.writeCopies(reports, out.kept), a.writeReceipts(ctx, o.receipts, v, results))
	return errors.Join(err, verified(sum))
}

// installNeedsOf installs what the builds of recipes need: the toolchain is another one then.
func (a *app) installNeedsOf(ctx context.Context, v *verify.Verifier, targets []string) error {
	needs, err := v.Needs(verify.Selection{Packages: targets})
	if err != nil {
		return err
	}
	shown := &report.Text{Out: a.err, Err: a.err, Quiet: a.quiet || a.json, Color: color(a.err)}
	installed, err := a.installNeeds(ctx, plan.Plan{Platform: v.Platform, Needs: needs}, shown.Send)
	if err != nil || !installed {
		return err
	}
	return lookAround(ctx, v)
}

// lookAround finds out what this machine is, and what it builds with.
func lookAround(ctx context.Context, v *verify.Verifier) (err error) {
	var wg sync.WaitGroup
	wg.Go(func() { v.Make, v.MakeName, _ = platform.GNUMake(ctx) })
	v.Platform, err = platform.Here(ctx)
	wg.Wait()
	if err == nil {
		v.Toolchain, err = v.Platform.Toolchain(ctx, v.Make)
	}
	return err
}

// matrix plans all cells that are wanted, and those that are for this machine.
func (a *app) matrix(ctx context.Context, v *verify.Verifier, targets []string, o verifyOptions) (all, mine verify.Matrix, err error) {
	switch {
	case o.since == "" && len(targets) == 0 && v.Packages != nil && len(v.Packages) == 0:
		return all, mine, &usageError{"there is no recipe in " + strings.Join(a.folders(), ", "), "a recipe is a file PACKAGE.yaml in that folder, all in small letters"}
	case o.since == "":
		all, err = v.Plan(ctx, verify.Selection{Packages: targets, Level: event.Level(o.level)})
	case len(targets) > 0:
		return all, mine, &usageError{"--since finds out itself which packages are meant", "leave out " + strings.Join(targets, " ")}
	default:
		change, done, serr := a.since(ctx, o.since)
		defer done()
		if serr != nil {
			return all, mine, serr
		}
		all, err = v.Since(ctx, change, event.Level(o.level))
	}
	if err != nil || o.shard == "" {
		return all, all, err
	}
	var i, n int
	if _, err := fmt.Sscanf(o.shard, "%d/%d", &i, &n); err != nil {
		return all, mine, &usageError{fmt.Sprintf("--shard takes I/N, not %q", o.shard), "--shard 1/3 on the first of three machines"}
	}
	if mine, err = all.Shard(i, n); err != nil {
		err = &usageError{err.Error(), ""}
	}
	return all, mine, err
}

// baseline reads the list of what is known to be red; nil if there is none.
func (a *app) baseline(o verifyOptions) (*verify.Baseline, error) {
	file := o.baseline
	if file == "" {
		for _, dir := range a.folders() {
			at := filepath.Join(dir, filepath.FromSlash(baselineFile))
			if _, err := os.Stat(at); err == nil {
				file = at
			}
		}
	}
	if file == "" {
		return nil, nil
	}
	text, err := recipe.ReadFile(file)
	if err != nil {
		return nil, &usageError{err.Error(), "--baseline FILE"}
	}
	return verify.ParseBaseline(file, text)
}

// verified is the exit status for how a verification has ended.
func verified(s event.Verified) error {
	switch s.Outcome {
	case event.Green:
		return nil
	case event.Red:
		return errRed
	}
	return errReported
}

// verifier makes ready for verifying the recipes of the user, or the shipped ones.
func (a *app) verifier(ctx context.Context, o verifyOptions) (*verify.Verifier, error) {
	recipes, err := a.collection()
	if err != nil {
		return nil, err
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	fetcher, err := o.fetch.fetcher()
	if err != nil {
		return nil, err
	}
	v := &verify.Verifier{
		Recipes: recipes, Fetcher: fetcher, MaxAge: o.maxAge, Fresh: o.fresh, SkipUnreachable: o.unreachable == "skip",
		Store: verify.OpenStore(filepath.Join(cache, "verify"), o.keep<<20), Scratch: filepath.Join(cache, "verify", "work"),
		Catalogue: sync.OnceValues(func() (*signature.Catalogue, error) {
			cat, err := a.catalogue()
			if cat != nil && errors.As(err, new(yamlfile.Mistakes)) {
				err = nil // its own cell tells what is wrong with it
			}
			return cat, err
		}),
	}
	if len(a.folders()) > 0 {
		if v.Packages, err = a.ownPackages(); err != nil {
			return nil, err
		}
	}
	if err := lookAround(ctx, v); err != nil {
		return nil, err
	}
	v.Env, _ = build.Passed(os.Environ())
	if v.CatalogueSum, err = a.sumOf("signatures"); err != nil {
		return nil, err
	}
	if v.HeadersSum, err = a.sumOf("headers"); err != nil {
		return nil, err
	}
	v.Lint = func(r *recipe.Recipe) (yamlfile.Mistakes, error) {
		cat, err := v.Catalogue()
		if err != nil {
			return nil, err
		}
		return r.Lint(surroundings(recipes, cat)), nil
	}
	v.Prove = func() (yamlfile.Mistakes, error) {
		cat, err := a.catalogueWith(nil)
		if cat == nil {
			return nil, err
		}
		return cat.Prove(), err
	}
	v.ProveHeaders = func() (yamlfile.Mistakes, error) {
		_, err := a.headersWith(nil)
		return nil, err
	}
	return v, nil
}

// engine builds on this machine.
func (a *app) engine(ctx context.Context, v *verify.Verifier, o verifyOptions) (*verify.Local, error) {
	if err := os.MkdirAll(v.Scratch, 0o755); err != nil {
		return nil, err
	}
	pipe, err := os.MkdirTemp(v.Scratch, "jobs-")
	if err != nil {
		return nil, err
	}
	if v.Jobs, err = jobserver.New(pipe, o.jobs); err != nil {
		return nil, err
	}
	quiet := *v.Fetcher
	_, helps := build.Passed(os.Environ())
	l := &verify.Local{
		Supervisor: a.supervisor, Dir: filepath.Join(v.Scratch, "builds"), Fetcher: &quiet, Path: os.Getenv("PATH"), Env: helps,
		Make: v.Make, MakeName: v.MakeName, Jobs: v.Jobs, Time: o.time,
	}
	v.Engine = l
	return l, errors.Join(l.Clean(), v.Clean())
}

// ownPackages are the packages that the user's folders have recipes of.
func (a *app) ownPackages() ([]string, error) {
	var layers []recipe.Layer
	for _, dir := range a.folders() {
		layers = append(layers, recipe.Layer{Name: dir, Recipes: os.DirFS(dir)})
	}
	names, err := recipe.NewCollection(layers...).Names()
	return append([]string{}, names...), err // nil would be all
}

// sumOf is the identity of all files of a folder beside the recipes, hex.
func (a *app) sumOf(folder string) (string, error) {
	layers, err := a.layers(folder, nil)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	err = yamlfile.ReadLayers(layers, func(layer int, name string, text []byte) {
		fmt.Fprintf(h, "%d %q %d\n", layer, path.Base(name), len(text))
		h.Write(text)
	})
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// surroundings are what recipes refer to.
func surroundings(all *recipe.Collection, cat *signature.Catalogue) recipe.Surroundings {
	return recipe.Surroundings{
		File: all.File, Known: cat.Known, PatchIDs: patchIDs,
		Matches: func(id string, log []byte) bool {
			scan, err := cat.Scan(strings.NewReader(string(log)))
			return err == nil && slices.ContainsFunc(scan.Matches, func(m signature.Match) bool { return m.Signature.ID == id || m.Signature.Of == id })
		},
	}
}

// showMatrix prints the cells of a matrix, and does nothing.
func (a *app) showMatrix(v *verify.Verifier, m verify.Matrix) error {
	if a.json {
		type planned struct {
			event.Cell
			Key     string   `json:"key"`
			After   []string `json:"after,omitempty"`
			Because string   `json:"because,omitempty"`
			Known   bool     `json:"known"`
		}
		all := []planned{}
		for _, c := range m.Cells {
			_, known := v.Store.Record(c.Key)
			all = append(all, planned{c.Cell, c.Key, c.After, c.Because, known})
		}
		return a.encode(map[string]any{"plan": m.Plan, "platform": v.Platform.String(), "cells": all})
	}
	b := &strings.Builder{}
	levels := map[event.Level]int{}
	for _, c := range m.Cells {
		levels[c.Level]++
		fmt.Fprintf(b, "  %s", c.ID)
		if c.Because != "" {
			fmt.Fprintf(b, "  %s", c.Because)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "%s: %d lint, %d fetch, %d verdict, %d build, on %s\n", count(len(m.Cells), "cell"),
		levels[event.LevelLint], levels[event.LevelFetch], levels[event.LevelVerdict], levels[event.LevelBuild], v.Platform)
	_, err := a.out.Write([]byte(b.String()))
	return err
}
