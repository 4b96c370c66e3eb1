package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"srcmend/internal/build"
	"srcmend/internal/buildlog"
	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/plan"
	"srcmend/internal/platform"
	"srcmend/internal/work"
)

// buildOptions is the flags of the verb build.
type buildOptions struct {
	prefix       string
	workDir      string
	jobs         int
	keep         bool
	replace      bool
	dryRun       bool
	installNeeds bool
	configure    []string
	fetch        fetchOptions
	mend         mendOptions
	check        string
	ablate       bool
	without      []string // fixes of the recipe
	root         string   // what the prefix is put below, if not DESTDIR
}

const buildHelp = `Build a package from source and install it.

The release is fetched and verified, the fixes that it needs here are applied,
and configure, gmake and gmake install are run. Files are staged first and put
in place when all of them are there; a receipt is written beside them, in
PREFIX/` + history.ReceiptDir + `. Without a version the newest release is built.

When a command fails it is mended where that can be done: by a fix of the recipe,
by what the catalogue of errors knows, by an include that is missing. What could
not be made is made again by itself to see whether it helps, and the build goes
on in the same tree. What was done is shown, and stands in the receipt; --learn
writes it into your recipes; --mend says how much of that you want. On a terminal
you are asked for what is in no recipe.

What compiles may be wrong all the same: where the recipe says how the package's
own tests are run, they are run in a build that was mended. If they fail, they are
run without what has mended it as well, and what does not fail then keeps the
package from being installed; --check says when they are run.

--ablate installs nothing: it builds with all fixes, and then without each of them
in turn, and says which are still needed here.

Run again after an interruption, even kill -9, it goes on where it stopped.
What is already installed by the same plan is not built again.

Arguments after -- are added to configure's.

Exit status: 0 installed, or already installed; 1 srcmend failed; 2 usage or a
bad recipe; 3 the build is red.`

func (a *app) buildVerb() *cobra.Command {
	o := buildOptions{}
	cmd := &cobra.Command{
		Use:   "build PKG[@VERSION] [-- CONFIGURE-ARGS...]",
		Short: "Build a package from source and install it",
		Long:  buildHelp,
		Example: `  srcmend build dovecot@2.3.19.1 --prefix /opt/dovecot
  srcmend build dovecot --dry-run
  srcmend build dovecot@2.3.4 --ablate --prefix /opt/dovecot
  srcmend build dovecot -- --with-ldap=yes`,
		Args: func(cmd *cobra.Command, args []string) error {
			n := cmd.ArgsLenAtDash()
			if n < 0 {
				n = len(args)
			}
			return exactly(1, "one PKG[@VERSION]")(cmd, args[:n])
		},
		ValidArgsFunction: a.completePackage,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.configure = args[1:]
			return a.build(cmd.Context(), args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.prefix, "prefix", "/usr/local", "where the package is to live")
	flags.StringVar(&o.workDir, "work-dir", "", "folder to build below (default: in the cache folder)")
	flags.IntVarP(&o.jobs, "jobs", "j", runtime.NumCPU(), "how many compilers run at once")
	flags.BoolVar(&o.keep, "keep", false, "keep the work folder when all is green")
	flags.BoolVar(&o.replace, "replace", false, "overwrite files below the prefix that were changed or come from elsewhere")
	flags.BoolVarP(&o.dryRun, "dry-run", "n", false, "show the plan, do nothing")
	flags.BoolVar(&o.installNeeds, "install-needs", false, "install the packages that the build needs, with the system's packager")
	o.fetch.flags(flags)
	o.mend.flags(flags)
	flags.BoolVar(&o.ablate, "ablate", false, "install nothing; build without each fix in turn, and say which are still needed here")
	flags.StringVar(&o.check, "check", string(work.CheckMended), "when the package's own tests are run, if its recipe says how: `mended` (if something was mended), always or never")
	return cmd
}

func (a *app) build(ctx context.Context, target string, o buildOptions) error {
	if o.jobs < 1 {
		return &usageError{"--jobs wants a number above 0", ""}
	}
	if err := o.mend.settle(mendAuto); err != nil {
		return err
	}
	if all := []string{string(work.CheckMended), string(work.CheckAlways), string(work.CheckNever)}; !slices.Contains(all, o.check) {
		return &usageError{fmt.Sprintf("--check takes %s, not %q", strings.Join(all, ", "), o.check), ""}
	}
	p, file, err := a.plan(ctx, target, o)
	if err != nil {
		return err
	}
	if o.dryRun {
		return a.showPlan(p, o.jobs)
	}
	out, done := a.render()
	if o.installNeeds {
		installed, err := a.installNeeds(ctx, p, out.Send)
		if err != nil {
			return errors.Join(err, done())
		}
		if installed { // a compiler may have come with it: what is here has changed
			if p, file, err = a.plan(ctx, target, o); err != nil {
				return err
			}
		}
	}
	if o.check == string(work.CheckAlways) && !slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Name == plan.Check }) {
		out.Send(event.Warning("the recipe of "+p.Package+" does not say how its own tests are run: none are", "build.check in the recipe, for example [gmake, check]"))
	}
	if o.ablate {
		return a.ablate(ctx, target, o, out, done)
	}
	w, err := a.mendingWork(ctx, p, file, target, o)
	if err != nil {
		return err
	}
	ended, _, err := recorded(ctx, w, "build", out)
	if err != nil {
		return errors.Join(err, done())
	}
	out.Send(ended)
	return errors.Join(done(), outcome(ended))
}

// mendingWork is the work of a plan that is mended as the user wants it.
func (a *app) mendingWork(ctx context.Context, p plan.Plan, file func(string) ([]byte, error), target string, o buildOptions) (*work.Work, error) {
	w, err := a.work(ctx, p, o)
	if err != nil {
		return nil, err
	}
	w.File = file
	if o.mend.mode != mendOff {
		err = a.mendWork(w, target, o)
	}
	return w, err
}

// plan decides what to do, and returns how the files of the recipe are read.
func (a *app) plan(ctx context.Context, target string, o buildOptions) (plan.Plan, func(string) ([]byte, error), error) {
	recipes, err := a.collection()
	if err != nil {
		return plan.Plan{}, nil, err
	}
	r, release, err := load(recipes, target)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	if o.prefix == "" {
		return plan.Plan{}, nil, &usageError{"--prefix is empty", "--prefix /usr/local"}
	}
	prefix, err := filepath.Abs(o.prefix)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	here, err := platform.Here(ctx)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	steers, _ := build.Passed(os.Environ())
	p, err := plan.Make(r, release, here, plan.Options{
		Prefix: prefix, Configure: o.configure, Env: steers, File: recipes.File, Without: o.without,
	})
	return p, recipes.File, err
}

// work makes the plan ready to be carried out on this machine.
func (a *app) work(ctx context.Context, p plan.Plan, o buildOptions) (*work.Work, error) {
	cat, err := a.catalogue()
	if err != nil {
		return nil, err
	}
	fetcher, err := o.fetch.fetcher()
	if err != nil {
		return nil, err
	}
	if o.workDir == "" {
		cache, err := cacheDir()
		if err != nil {
			return nil, err
		}
		o.workDir = filepath.Join(cache, "work")
	}
	dir, err := filepath.Abs(filepath.Join(o.workDir, p.Package+"-"+p.Release))
	if err != nil {
		return nil, err
	}
	state, err := stateDir()
	if err != nil {
		return nil, err
	}
	root := cmp.Or(o.root, os.Getenv("DESTDIR"), "/")
	if root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	_, helps := build.Passed(os.Environ())
	w := &work.Work{
		Supervisor: a.supervisor, Plan: p, Dir: dir, Root: root, Path: os.Getenv("PATH"), Env: helps, Jobs: o.jobs, Locks: filepath.Join(state, "locks"), Keep: o.keep,
		Replace: o.replace, Check: work.Checking(o.check), Fetcher: fetcher, Catalogue: cat,
	}
	w.Make, w.MakeName, _ = platform.GNUMake(ctx) // if there is none, the step that wants it says so
	return w, nil
}

// recorded carries the work out, and records it as an attempt of the verb. The end of it is for
// the caller to send.
func recorded(ctx context.Context, w *work.Work, verb string, out renderer) (event.Ended, work.Result, error) {
	h, err := openHistory()
	if err != nil {
		return event.Ended{}, work.Result{}, err
	}
	try, err := h.Begin(history.Record{
		Verb: verb, Package: w.Plan.Package, Release: w.Plan.Release, Prefix: w.Plan.Prefix, Plan: w.Plan.Hash(),
	})
	if err != nil {
		return event.Ended{}, work.Result{}, err
	}
	events := event.Sink(func(e event.Event) {
		if s, ok := e.(event.StepEnded); ok {
			try.Steps = append(try.Steps, history.Step{Name: s.Step, Outcome: string(s.Outcome), Seconds: s.Seconds, CPU: s.CPU, Why: s.Why})
		}
		out.Send(e)
	})
	w.Logs, w.Events, w.Fetcher.Events = try.Dir, events, events
	events.Send(event.Planned{
		Package: w.Plan.Package, Release: w.Plan.Release, Plan: w.Plan.Hash(),
		Prefix: w.Plan.Prefix, Steps: w.Plan.StepNames(), Work: w.Dir, Attempt: try.ID,
	})
	start := time.Now()
	missing := missingNeeds(ctx, w.Plan, events)
	res, err := w.Run(ctx)
	ended := conclude(ctx, w, res, err, missing)
	ended.Seconds = time.Since(start).Seconds()
	try.Step, try.Fixes, try.Logs = res.Step, res.Fixes, res.Logs
	if res.Red != nil {
		try.Cause = res.Red.Cause
	}
	return ended, res, try.End(string(ended.Outcome), ended.Text)
}

// outcome is the exit status for how an attempt has ended.
func outcome(e event.Ended) error {
	switch e.Outcome {
	case event.Green:
		return nil
	case event.Red:
		return errRed
	}
	return errReported
}

// conclude puts the end of an attempt into words.
func conclude(ctx context.Context, w *work.Work, res work.Result, err error, missing []string) event.Ended {
	name := w.Plan.Package + " " + w.Plan.Release
	into := filepath.Join(w.Root, w.Plan.Prefix)
	switch {
	case ctx.Err() != nil:
		return event.Ended{Outcome: event.Interrupted, Text: name + " was interrupted", Hint: "run the same command again to go on"}
	case err != nil:
		return failed(err)
	case res.Red != nil:
		e := event.Ended{
			Outcome: event.Red, Text: fmt.Sprintf("%s: %s: %s", name, res.Step, res.Red.Text),
			Hint: res.Red.Hint, Detail: res.Red.Detail, Log: res.Red.Log,
		}
		if e.Hint == "" && len(missing) > 0 {
			e.Hint = "the build needs packages that are not installed: " + strings.Join(missing, " ") + " (--install-needs installs them)"
		} else if e.Hint == "" {
			e.Hint = "the tree is kept in " + filepath.Join(w.Dir, "source") + "; when the cause is gone, run the same command again"
		}
		return e
	case res.Already:
		return event.Ended{
			Outcome: event.Green, Receipt: res.Receipt,
			Text: fmt.Sprintf("%s is already installed in %s by the same plan; %s checked, nothing to do", name, into, count(res.Files, "file")),
		}
	}
	text := fmt.Sprintf("%s is installed in %s; %s", name, into, count(res.Files, "file"))
	if len(res.Fixes) > 0 {
		text += "; fixes applied: " + strings.Join(res.Fixes, ", ")
	}
	return event.Ended{Outcome: event.Green, Receipt: res.Receipt, Text: text}
}

// missingNeeds looks for the packages that the build needs and warns of those
// that are not installed. It goes on without them, since what they hold may be
// there without the packager's knowledge.
func missingNeeds(ctx context.Context, p plan.Plan, events event.Sink) []string {
	missing, known := p.Platform.Missing(ctx, p.Needs)
	if !known || len(missing) == 0 {
		return nil
	}
	commands := p.Platform.Install(missing, false)
	events.Send(event.Warning("not installed here, but needed by the recipe: "+strings.Join(missing, " "),
		"--install-needs installs them, or: "+strings.Join(commands[0], " ")))
	return missing
}

// installNeeds installs the packages that the build needs and that are not
// here, and reports whether there were any.
func (a *app) installNeeds(ctx context.Context, p plan.Plan, events event.Sink) (bool, error) {
	missing, known := p.Platform.Missing(ctx, p.Needs)
	if !known || len(missing) == 0 {
		return false, nil
	}
	cache, err := cacheDir()
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return false, err
	}
	path := filepath.Join(cache, "needs.log")
	log, err := buildlog.Create(path)
	if err != nil {
		return false, err
	}
	defer log.Close()
	events.Send(event.StepStarted{Step: "needs", What: "installing " + strings.Join(missing, " "), Log: path})
	start := time.Now()
	ended := event.StepEnded{Step: "needs", Outcome: event.Green, Why: "installed " + strings.Join(missing, " ")}
	for _, argv := range p.Platform.Install(missing, true) {
		env := append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
		r, err := a.supervisor.Run(ctx, build.Command{Argv: argv, Dir: "/", Env: env, Log: log})
		if err != nil {
			return false, err
		}
		refresh := len(argv) > 1 && argv[len(argv)-1] == "update" // may fail for one source of several
		if !r.Green() && !refresh {
			ended.Outcome, ended.Why = event.Failed, r.String()
			events.Send(ended)
			return false, fmt.Errorf("%s: %s; see %s", build.Quote(argv), r, path)
		}
	}
	ended.Seconds = time.Since(start).Seconds()
	events.Send(ended)
	return true, nil
}

// showPlan prints a plan and does nothing.
func (a *app) showPlan(p plan.Plan, jobs int) error {
	if a.json {
		return a.encode(map[string]any{"plan": p, "hash": p.Hash()})
	}
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s %s into %s on %s\n", p.Package, p.Release, p.Prefix, p.Platform)
	fmt.Fprintf(b, "plan %s\n\n", p.Hash())
	fmt.Fprintf(b, "  fetch      %s\n", p.Archive.Name)
	if p.Archive.SHA256 != "" {
		fmt.Fprintf(b, "             sha256 %s\n", p.Archive.SHA256)
	}
	for _, s := range p.Archive.Sources {
		fmt.Fprintf(b, "             from %s\n", s)
	}
	fmt.Fprintf(b, "  unpack\n")
	for _, f := range p.Fixes {
		fmt.Fprintf(b, "  fix        %s: %s\n", f.ID, f.Summary)
	}
	for _, l := range p.Left {
		fmt.Fprintf(b, "  no fix     %s: %s\n", l.ID, l.Why)
	}
	for _, s := range p.Steps {
		for _, c := range s.Commands {
			// {source} and {destdir} are folders of the work to come
			filled, err := p.Fill(c, plan.Place{Source: "{source}", Destdir: "{destdir}", Jobs: jobs})
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "  %-10s %s\n", s.Name, build.Quote(append(filled.Env, filled.Argv...)))
		}
	}
	_, err := a.out.Write([]byte(b.String()))
	return err
}
