package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/history"
	"srcmend/internal/jobserver"
	"srcmend/internal/plan"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/signature"
	"srcmend/internal/yamlfile"
)

// A Verifier verifies a collection of recipes on this machine.
type Verifier struct {
	Recipes   *recipe.Collection
	Packages  []string // of the collection, those that are verified; nil for all
	Platform  platform.Platform
	Toolchain string   // see [platform.Platform.Toolchain]
	Make      string   // path of GNU make, "" if there is none
	MakeName  string   // see [platform.GNUMake]
	Env       []string // of the user's, that steers builds
	// CatalogueSum and HeadersSum are the identities of all signatures, and of the table of headers.
	CatalogueSum, HeadersSum string
	Catalogue                func() (*signature.Catalogue, error)
	// Lint says what is wrong with a recipe that parses; Prove and ProveHeaders, what is with the
	// catalogue and with the table.
	Lint                func(r *recipe.Recipe) (yamlfile.Mistakes, error)
	Prove, ProveHeaders func() (yamlfile.Mistakes, error)
	Fetcher             *fetch.Fetcher
	Scratch             string // folder for what is there only as long as a run goes on
	Store               *Store
	Engine              Engine
	Jobs                *jobserver.Server
	Baseline            *Baseline // what is known to be red; may be nil
	Events              event.Sink
	// MaxAge is how long it counts what a source has answered.
	MaxAge time.Duration
	// Fresh verifies everything, whatever is known.
	Fresh bool
	// SkipUnreachable passes over what can't be reached; otherwise it has failed.
	SkipUnreachable bool

	flights   sync.Map // of builds under way, by their keys
	asking    sync.Mutex
	installed map[string]bool // packages of this system, as far as they were asked for
}

// prefix is where a package is configured to live. Nothing is put there.
const prefix = "/usr/local"

// plan plans a build, without some of the fixes.
func (v *Verifier) plan(r *recipe.Recipe, from *recipe.Collection, release string, without ...string) (plan.Plan, error) {
	return plan.Make(r, release, v.Platform, plan.Options{Prefix: prefix, Env: v.Env, File: from.File, Without: without})
}

// buildKey is the identity of a build.
func (v *Verifier) buildKey(p plan.Plan, tests bool) string {
	return sum("action", p.Hash(), testsOf(p, tests), v.Toolchain)
}

// claim is the same, but for the machine.
func (v *Verifier) claim(p plan.Plan, tests bool) string {
	p.Env, p.Platform = nil, platform.Platform{OS: p.Platform.OS}
	return sum(p.Hash(), testsOf(p, tests))
}

// testsOf are the commands of the package's own tests, where they are run.
func testsOf(p plan.Plan, tests bool) []plan.Command {
	for _, s := range p.Steps {
		if tests && s.Name == plan.Check {
			return s.Commands
		}
	}
	return nil
}

// A Result is what became of a cell.
type Result struct {
	Cell
	Record
	Err    error // if that could not be found out
	Stored bool  // it was known
	Builds int   // carried out for it
	Start  time.Duration
	Known  string // the reason why it is expected to be red

	mistakes yamlfile.Mistakes // of a recipe
}

// remembered is what the store knows of a cell, as far as that counts.
func (v *Verifier) remembered(c Cell) (Record, bool) {
	if v.Fresh {
		return Record{}, false
	}
	r, ok := v.Store.Record(c.Key)
	switch {
	case !ok:
	case r.Outcome == event.Skipped:
		ok = v.SkipUnreachable && time.Since(r.At) < patience
		r.Why += "; asked less than an hour ago, --fresh asks again"
	case c.Level == event.LevelFetch:
		ok = time.Since(r.At) < v.MaxAge
	}
	return r, ok
}

// patience is how long a source that could not be reached is left alone, where that is passed
// over.
const patience = time.Hour

// keeps reports whether it is kept what became of a cell: what is quickly found out again, and
// says where, is not if it is red.
func (v *Verifier) keeps(r Result) bool {
	switch r.Outcome {
	case event.Green:
		return true
	case event.Red:
		return r.Level != event.LevelLint
	case event.Skipped:
		return r.Level == event.LevelFetch && !v.Fetcher.Offline // it was asked for
	}
	return false
}

// skip marks why a cell was not tried.
type skip struct{ why string }

func (s *skip) Error() string { return s.why }

// unreachable is the error of something that nobody gives: failed, or passed over.
func (v *Verifier) unreachable(err error) error {
	text := strings.ReplaceAll(err.Error(), "\n\t", "; ")
	if v.SkipUnreachable {
		return &skip{"not reachable: " + text}
	}
	return errors.New(text)
}

// verify finds out what becomes of a cell.
func (v *Verifier) verify(ctx context.Context, c Cell, began time.Time) Result {
	res := Result{Cell: c, Start: time.Since(began)}
	started := time.Now()
	var err error
	switch {
	case c.Level == event.LevelLint:
		err = v.lint(&res)
	case c.Level == event.LevelFetch && c.Fix == "":
		err = v.archive(ctx, &res)
	case c.Level == event.LevelFetch:
		err = v.patch(ctx, &res)
	case c.Level == event.LevelVerdict:
		err = v.verdict(ctx, &res)
	case c.Fix == "":
		err = v.whole(ctx, &res)
	default:
		err = v.fix(ctx, &res)
	}
	res.Seconds, res.At = time.Since(started).Seconds(), time.Now().UTC().Truncate(time.Second)
	var skipped *skip
	switch {
	case ctx.Err() != nil:
		res.Err, res.Outcome = ctx.Err(), event.Interrupted
	case errors.As(err, &skipped):
		res.Outcome, res.Why = event.Skipped, skipped.why
	case err != nil:
		res.Err, res.Outcome = err, event.Failed
		res.Why, _, _ = strings.Cut(err.Error(), "\n")
	case len(res.mistakes) > 0 || slices.ContainsFunc(res.Faults, func(f Fault) bool { return !f.Warning }):
		res.Outcome = event.Red
	default:
		res.Outcome = event.Green
	}
	if v.keeps(res) {
		if err := v.Store.Keep(c.Key, res.Record); err != nil {
			res.Err, res.Outcome, res.Why = err, event.Failed, err.Error()
		}
	}
	return res
}

// lint reads a recipe, or what stands beside recipes.
func (v *Verifier) lint(res *Result) (err error) {
	switch {
	case res.Package == signatures && !v.Recipes.Has(signatures):
		res.mistakes, err = v.Prove()
	case res.Package == headers && !v.Recipes.Has(headers):
		res.mistakes, err = v.ProveHeaders()
	default:
		var r *recipe.Recipe
		if r, err = v.Recipes.Load(res.Package); err == nil {
			res.mistakes, err = v.Lint(r)
		}
	}
	var mistakes yamlfile.Mistakes
	if errors.As(err, &mistakes) {
		res.mistakes, err = append(res.mistakes, mistakes...), nil
	}
	if n := len(res.mistakes); n > 0 {
		res.Why = count(n, "mistake")
	}
	return err
}

// action makes the value of a build.
func (v *Verifier) action(key string, p plan.Plan, tests bool) (Action, error) {
	a := Action{Key: key, Plan: p, Tests: tests, Toolchain: v.Toolchain, Files: map[string][]byte{}}
	for _, f := range p.Fixes {
		for _, place := range f.Patch {
			if place.File == "" {
				continue
			}
			text, err := v.Recipes.File(place.File)
			if err != nil {
				return a, err
			}
			a.Files[place.File] = text
		}
	}
	return a, nil
}

// A flight is a build under way that several cells wait for.
type flight struct {
	done chan struct{}
	made Made
	err  error
}

// build gives what became of a build: as the store knows it, or carried out now, once for all
// cells that want it.
func (v *Verifier) build(ctx context.Context, res *Result, key string, p plan.Plan, tests bool) (Made, error) {
	mine := &flight{done: make(chan struct{})}
	if other, loaded := v.flights.LoadOrStore(key, mine); loaded {
		f, _ := other.(*flight)
		<-f.done
		return f.made, f.err
	}
	defer close(mine.done)
	known := false
	if mine.made, known = v.Store.Made(key); !known || v.Fresh {
		mine.made, mine.err = v.carryOut(ctx, res, key, p, tests)
	}
	return mine.made, mine.err
}

// carryOut has the engine build, and keeps what became of it.
func (v *Verifier) carryOut(ctx context.Context, res *Result, key string, p plan.Plan, tests bool) (Made, error) {
	a, err := v.action(key, p, tests)
	if err != nil {
		return Made{}, err
	}
	logs, err := os.MkdirTemp(v.Scratch, "logs-")
	if err != nil {
		return Made{}, err
	}
	defer os.RemoveAll(logs)
	res.Builds++
	m, err := v.Engine.Build(ctx, a, logs)
	res.CPU += m.CPU
	if err == nil {
		err = v.blame(m, logs)
	}
	if err == nil {
		err = v.Store.KeepMade(key, m, logs)
	}
	return m, err
}

// Clean removes what killed runs have left in the folder for scratch, if that is old enough to be
// of nobody who is at work.
func (v *Verifier) Clean() error {
	const old = 24 * time.Hour
	entries, err := os.ReadDir(v.Scratch)
	if err != nil {
		return err
	}
	for _, e := range entries {
		kind, _, made := strings.Cut(e.Name(), "-") // by MkdirTemp
		info, err := e.Info()
		if !made || err != nil || !slices.Contains([]string{"jobs", "logs"}, kind) || time.Since(info.ModTime()) < old {
			continue
		}
		if err := os.RemoveAll(filepath.Join(v.Scratch, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Receipt is what a green build of a whole release has made, with its plan and its recipe.
func (v *Verifier) Receipt(r Result) (history.Receipt, plan.Plan, *recipe.Recipe, error) {
	loaded, p, err := v.planned(r.Cell)
	if err != nil {
		return history.Receipt{}, p, loaded, err
	}
	m, ok := v.Store.Made(r.with)
	if !ok || m.Receipt == nil {
		return history.Receipt{}, p, loaded, errors.New("it is not kept any more; srcmend verify --fresh builds it again")
	}
	return *m.Receipt, p, loaded, nil
}
