package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"srcmend/internal/diagnosis"
	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/mend"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/version"
	"srcmend/internal/work"
)

// The modes of mending.
const (
	mendAuto  = "auto"  // whatever may help
	mendAsk   = "ask"   // what is not in a recipe only if the user says so
	mendKnown = "known" // what is in a recipe
	mendPlan  = "plan"  // nothing; say what would be tried
	mendOff   = "off"
)

// mendOptions are the flags of verbs that mend.
type mendOptions struct {
	mode     string
	attempts int
	time     time.Duration
	learn    bool
	only     func(mend.Change) bool // may be tried at all; nil is anything
}

func (o *mendOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.mode, "mend", "", "what is tried when it fails: `auto`, ask, known (what is in a recipe), plan (only say it) or off")
	f.IntVar(&o.attempts, "mend-attempts", 0, "how many remedies are tried at most (default 40)")
	f.BoolVar(&o.learn, "learn", false, "write what has mended it into your folder of recipes (--recipes), as a fix that the next build applies before it fails")
	f.DurationVar(&o.time, "mend-time", 0, "how long remedies are tried at most (default 20m)")
}

// settle gives the mode that holds if the user has not said one.
func (o *mendOptions) settle(usual string) error {
	if o.mode == "" {
		if o.mode = usual; term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())) {
			o.mode = mendAsk
		}
	}
	if o.learn && (o.mode == mendOff || o.mode == mendPlan) {
		return &usageError{"--learn learns nothing with --mend=" + o.mode, ""}
	}
	all := []string{mendAuto, mendAsk, mendKnown, mendPlan, mendOff}
	if !slices.Contains(all, o.mode) {
		return &usageError{fmt.Sprintf("--mend takes %s, not %q", strings.Join(all, ", "), o.mode), ""}
	}
	return nil
}

// mender makes a mender of a tree, without what is special to the verb.
func (a *app) mender(top, keep string, o mendOptions) *mend.Mender {
	return &mend.Mender{
		Supervisor: a.supervisor, Top: top, Keep: keep, OS: runtime.GOOS, Only: o.mode == mendKnown, Allow: a.allow(o),
		Budget: mend.Budget{Attempts: o.attempts, Time: o.time},
	}
}

// allow says which changes may be tried.
func (a *app) allow(o mendOptions) func(context.Context, mend.Change) (bool, error) {
	all, mode := false, o.mode
	return func(_ context.Context, c mend.Change) (bool, error) {
		switch {
		case o.only != nil && !o.only(c):
			return false, nil
		case mode == mendAuto || all || c.From == mend.Recipe && mode != mendPlan:
			return true, nil
		case mode != mendAsk:
			return false, nil
		}
		fmt.Fprintf(a.err, "\nsrcmend can try: %s\n", c.What)
		for line := range strings.Lines(c.Diff) {
			fmt.Fprint(a.err, "  "+line)
		}
		fmt.Fprint(a.err, "Try it? [y]es, [n]o, [a]ll of them, [q]uit: ")
		answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil {
			return false, nil
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "a", "all":
			all = true
			return true, nil
		case "y", "yes":
			return true, nil
		case "q", "quit":
			mode = mendKnown
		}
		return false, nil
	}
}

// fixes gives those of a recipe that cure an error.
func (a *app) fixes(all *recipe.Collection, r *recipe.Recipe, v version.Version, o fetchOptions) func(context.Context, diagnosis.Finding) ([]mend.Fix, error) {
	return func(ctx context.Context, f diagnosis.Finding) ([]mend.Fix, error) {
		var known []mend.Fix
		for _, fix := range r.Fixes {
			if !fix.Cures.Match(f.Signature, f.Case, f.Symbol) || fix.Advisory != "" {
				continue
			}
			one := mend.Fix{ID: fix.ID, Summary: fix.Summary, Configure: fix.Configure}
			for _, key := range slices.Sorted(maps.Keys(fix.Env)) {
				one.Env = append(one.Env, key+"="+fix.Env[key])
			}
			if len(fix.Patch) > 0 {
				planned, err := plan.PatchOf(r, fix, v, all.File)
				if err != nil {
					return nil, err
				}
				fetcher, err := o.fetcher()
				if err != nil {
					return nil, err
				}
				fetcher.Events = func(event.Event) {}
				one.Patch, one.Err = work.Patch(ctx, fetcher, all.File, planned)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
			}
			known = append(known, one)
		}
		return known, nil
	}
}

// mendWork has the work mended when it is red.
func (a *app) mendWork(w *work.Work, target string, o buildOptions) error {
	all, r, _, err := a.load(target)
	if err != nil {
		return err
	}
	v, _, err := r.Release(w.Plan.Release)
	if err != nil {
		return err
	}
	m := a.mender(filepath.Join(w.Dir, "source"), filepath.Join(w.Dir, "mend"), o.mend)
	m.Catalogue, m.Fixes = w.Catalogue, a.fixes(all, r, v, o.fetch)
	w.Recover = func(ctx context.Context) error {
		undone, err := m.Recover(ctx)
		if undone {
			w.Events.Send(event.Note{Text: "what an interrupted attempt to mend had left was undone"})
		}
		return err
	}
	if o.mend.learn {
		if len(a.folders()) == 0 {
			return errNoFolder
		}
		w.Built = func() error { return a.learn(all, r, v, m.Kept(), w.Events) }
	}
	w.With = func(argv, env []string) ([]string, []string) { return mend.With(m.Kept(), argv, env) }
	w.Mend = func(ctx context.Context, f work.Failed) (work.Mended, error) {
		m.Events, m.Hold = w.Events, w.Hold()
		if m.Headers == nil {
			if m.Headers, err = a.headersWith(nil); err != nil {
				return work.Mended{}, err
			}
		}
		failure := mend.Failure{Argv: f.Argv, Dir: f.Dir, Env: f.Env, Log: f.Log, Started: f.Started}
		if o.mend.mode == mendPlan {
			return work.Mended{}, a.sayPlan(ctx, m, failure)
		}
		res, err := m.Mend(ctx, failure)
		done := work.Mended{Again: res.Mended, Fixes: receiptFixes(m.Kept())}
		if res.Capsule != "" {
			done.Hint = res.Why + "; the failed command by hand: " + filepath.Join(res.Capsule, "cmd.sh")
		}
		return done, err
	}
	return nil
}

// receiptFixes are changes that have mended a build, as its receipt has them.
func receiptFixes(changes []mend.Change) (all []history.ReceiptFix) {
	for _, c := range changes {
		fix := history.ReceiptFix{ID: cmp.Or(c.Fix, c.What), Verdict: work.VerdictMended, Applied: true}
		if c.Diff != "" {
			fix.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(c.Diff)))
		}
		all = append(all, fix)
	}
	return all
}

// sayPlan says what would be tried.
func (a *app) sayPlan(ctx context.Context, m *mend.Mender, f mend.Failure) error {
	changes, err := m.Plan(ctx, f)
	for i, c := range changes {
		m.Events.Send(event.Attempted{Number: i + 1, What: c.What, From: string(c.From), Fix: c.Fix, Outcome: event.Likely, Diff: c.Diff})
	}
	if err == nil && len(changes) == 0 {
		m.Events.Send(event.Note{Text: "there is nothing to try"})
	}
	return err
}
