package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"srcmend/internal/build"
	"srcmend/internal/check"
	"srcmend/internal/diagnosis"
	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/mend"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/relay"
	"srcmend/internal/report"
	"srcmend/internal/setup"
	"srcmend/internal/tree"
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
		Top: top, Keep: keep, OS: runtime.GOOS, Only: o.mode == mendKnown, Allow: a.allow(o),
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
			if !cures(fix, f) || fix.Advisory != "" {
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

// cures reports whether a fix says that it cures an error.
func cures(fix recipe.Fix, f diagnosis.Finding) bool {
	return fix.Cures != nil && (fix.Cures.Signature == f.Signature || fix.Cures.Signature == f.Case) &&
		(fix.Cures.Symbol == "" || fix.Cures.Symbol == f.Symbol)
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
		done := work.Mended{Again: res.Mended}
		if res.Capsule != "" {
			done.Hint = res.Why + "; the failed command by hand: " + filepath.Join(res.Capsule, "cmd.sh")
		}
		if err != nil || !res.Mended {
			return done, err
		}
		for _, c := range res.Changes {
			fix := history.ReceiptFix{ID: c.Fix, Verdict: work.VerdictMended, Applied: true}
			if fix.ID == "" {
				fix.ID = c.What
			}
			if c.Diff != "" {
				fix.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(c.Diff)))
			}
			done.Fixes = append(done.Fixes, fix)
		}
		done.Argv, done.Env = mend.With(res.Changes, f.Argv, f.Env)
		return done, nil
	}
	return nil
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

// A runMending mends the tree that a command builds.
type runMending struct {
	*mend.Mender
	app     *app
	lock    *os.File
	mode    string
	learn   bool
	tests   bool         // the package's own tests are what has failed
	learned func() error // writes what was done into the user's recipes; nil if no recipe is for the tree
	file    *os.File     // what the command has written
	out     renderer
}

// newRunMending makes ready for a command that builds in the current folder. Whatever the
// mode is, what an attempt has left that was killed is undone. Where nothing can be mended, the
// command runs all the same.
func (a *app) newRunMending(ctx context.Context, argv []string, o mendOptions) (*runMending, error) {
	asked := o.mode != "" && o.mode != mendOff
	if err := o.settle(mendKnown); err != nil {
		return nil, err
	}
	if o.learn && len(a.folders()) == 0 {
		return nil, errNoFolder
	}
	m := &runMending{app: a, mode: o.mode, learn: o.learn, Mender: &mend.Mender{}}
	if err := m.ready(ctx, argv, o); err != nil {
		if asked || m.Left() && !errors.Is(err, errAtWork) {
			a.say("nothing can be mended: %v", err)
		}
		m.mode = mendOff
	}
	return m, nil
}

// ready finds the tree, locks it, and undoes what was left there.
func (m *runMending) ready(ctx context.Context, argv []string, o mendOptions) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	state, err := stateDir()
	if err != nil {
		return err
	}
	for i, word := range argv[:len(argv)-1] { // make and ninja go there first
		if word == "-C" && filepath.IsAbs(argv[i+1]) || word == "-C" && !filepath.IsLocal(argv[i+1]) {
			dir, err = filepath.Abs(argv[i+1])
			if err != nil {
				return err
			}
		}
	}
	top, build := topOf(dir), ""
	if source := sourceOf(dir, argv); source != "" {
		if source = topOf(source); !within(dir, source) && !within(source, dir) {
			top, build = source, top
		}
	}
	keep := filepath.Join(state, "mend", fmt.Sprintf("%x", sha256.Sum256([]byte(top)))[:16])
	m.Mender = m.app.mender(top, keep, o)
	m.Build = build
	if o.mode == mendOff && !m.Left() {
		return nil
	}
	if m.lock, err = m.app.lockTree(ctx, m.Mender); err != nil {
		return err
	}
	if m.lock == nil {
		return errAtWork
	}
	m.Hold = m.lock
	undone, err := m.Recover(ctx)
	if undone {
		m.app.say("what an interrupted attempt to mend had left in %s was undone", top)
	}
	return err
}

// errAtWork says that somebody else mends the tree; it may be the one that has started this.
var errAtWork = errors.New("another srcmend is at work in this tree")

// leaving is how long what was killed is waited for: its commands are given time to end.
const leaving = 15 * time.Second

// lockTree takes the lock of a tree; nil if somebody else is at work there. Where an attempt
// was killed, what it had started is on its way to end.
func (a *app) lockTree(ctx context.Context, m *mend.Mender) (*os.File, error) {
	path := m.Keep + ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(leaving); ; {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) || !m.Left() || time.Now().After(end) {
			_ = f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = nil
			}
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// within reports whether a folder is another one, or lies in it.
func within(dir, in string) bool {
	rel, err := filepath.Rel(in, dir)
	return err == nil && filepath.IsLocal(rel)
}

// vpath is how a makefile says where its source is.
var vpath = regexp.MustCompile(`(?m)^(?:VPATH|srcdir|top_srcdir)[ \t]*:?=[ \t]*([\w./+@-]+)[ \t]*$`)

// sourceOf is where the source is of what is built in a folder, as far as that says so, or the
// command that configures it; "" if neither does.
func sourceOf(dir string, argv []string) string {
	if s, ok := setup.Find(dir, dir); ok {
		return s.Source
	}
	for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} {
		text, _ := os.ReadFile(filepath.Join(dir, name))
		if m := vpath.FindSubmatch(text); m != nil && filepath.IsAbs(string(m[1])) {
			return filepath.Clean(string(m[1]))
		} else if m != nil {
			return filepath.Join(dir, string(m[1]))
		}
	}
	for _, word := range argv {
		word = strings.TrimPrefix(word, "-S")
		if !filepath.IsAbs(word) {
			word = filepath.Join(dir, word)
		}
		if filepath.Base(word) == "configure" {
			return filepath.Dir(word)
		}
		for _, name := range []string{"CMakeLists.txt", "meson.build"} {
			if info, err := os.Stat(filepath.Join(word, name)); err == nil && info.Mode().IsRegular() {
				return word
			}
		}
	}
	return ""
}

// topOf is the folder of the source that a folder belongs to: as far up as there is something
// that builds.
func topOf(dir string) string {
	top := dir
	for at := dir; ; at = filepath.Dir(at) {
		builds := false
		for _, name := range []string{"configure", "configure.ac", "CMakeLists.txt", "meson.build", "Makefile", "GNUmakefile", "makefile", "Makefile.in", "Makefile.am", "Makefile.PL", "SConstruct"} {
			if _, err := os.Lstat(filepath.Join(at, name)); err == nil {
				builds = true
			}
		}
		if builds {
			top = at
		} else if at != dir { // a folder for what is built may have nothing of that
			return top
		}
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil || at == filepath.Dir(at) {
			return top
		}
	}
}

// spool is where the output of the command goes besides, each time anew; nil for nowhere.
func (m *runMending) spool() *os.File {
	if m.mode == mendOff {
		return nil
	}
	if m.file != nil {
		_ = m.file.Close()
	}
	err := os.MkdirAll(m.Keep, 0o700)
	if err == nil {
		m.file, err = os.Create(filepath.Join(m.Keep, "run.log"))
	}
	if err != nil {
		m.mode, m.file = mendOff, nil
	}
	return m.file
}

// mend tries to mend what a command could not build, and reports whether it is to be run
// again.
func (m *runMending) mend(ctx context.Context, c *relay.Command, h *hearing) (bool, error) {
	dir, err := os.Getwd()
	if err != nil {
		return false, err
	}
	m.Catalogue = h.cat
	if m.Headers == nil {
		if m.Headers, err = m.app.headersWith(nil); err != nil {
			return false, err
		}
	}
	if m.Fixes == nil {
		m.recipe()
	}
	if m.out == nil {
		m.out = &report.Text{Out: m.app.err, Err: m.app.err, Quiet: m.app.quiet, Color: color(m.app.err)}
		if m.app.json {
			m.out = &report.JSON{W: m.app.err}
		}
		m.Events = m.out.Send
	}
	if c.Env == nil {
		c.Env = os.Environ()
	}
	f := mend.Failure{Argv: c.Argv, Dir: dir, Env: c.Env, Log: h.spool.Name(), Started: h.started}
	if m.mode == mendPlan {
		return false, m.app.sayPlan(ctx, m.Mender, f)
	}
	res, err := m.Mend(ctx, f)
	if err != nil || !res.Mended {
		if res.Capsule != "" {
			m.app.say("%s; to run the failed command by hand: %s", res.Why, filepath.Join(res.Capsule, "cmd.sh"))
		}
		return false, err
	}
	c.Argv, c.Env = mend.With(res.Changes, c.Argv, c.Env)
	return true, nil
}

// recipe finds the recipe of the package that the tree is the source of, and what it knows.
func (m *runMending) recipe() {
	t, err := tree.Open(m.Top)
	if err != nil {
		return
	}
	defer t.Close()
	all, err := m.app.collection()
	if err != nil {
		return
	}
	guesses := check.Identify(t, filepath.Base(t.Dir()))
	for _, g := range guesses {
		r, err := all.Load(g.Name)
		if err != nil {
			continue
		}
		v, _ := check.VersionIn(t, r, guesses)
		m.Fixes = m.app.fixes(all, r, v, fetchOptions{})
		if v.String() != "" {
			m.learned = func() error { return m.app.learn(all, r, v, m.Kept(), m.Events) }
		}
		return
	}
}

// conclude says what was done, after the last run; and if that has ended with the package's own
// tests, that what has mended it is to be doubted.
func (m *runMending) conclude(err error) {
	if len(m.Kept()) == 0 {
		if m.tests {
			m.doubt()
		}
		return
	}
	if status, ok := errors.AsType[exitStatus](err); m.learn && ok && status == 0 {
		switch {
		case m.learned == nil:
			m.app.say("nothing is learnt: no recipe is for this package and version")
		default:
			if err := m.learned(); err != nil {
				m.app.say("nothing is learnt: %v", err)
			}
		}
	}
	var all []string
	for _, c := range m.Kept() {
		all = append(all, c.What)
	}
	if status, ok := errors.AsType[exitStatus](err); ok && status == 0 {
		m.app.say("mended: %s", strings.Join(all, "; "))
	} else {
		m.app.say("mended on the way, though it is red in the end: %s", strings.Join(all, "; "))
	}
	patch, err := m.Remember()
	switch {
	case err != nil:
		m.app.say("what was done is not written down: %v", err)
	case patch != "":
		m.app.say("to take it back: srcmend patch -R -d %s -i %s", build.Quote([]string{m.Top}), build.Quote([]string{patch}))
	}
	if m.tests {
		m.doubt()
	}
}

// doubt says of tests that fail what has been done to the tree.
func (m *runMending) doubt() {
	var all []string
	for _, p := range m.Past() {
		all = append(all, p.What)
	}
	if len(all) > 0 {
		m.app.say("the package's own tests fail, and this tree was mended by: %s; that compiles, and may be wrong all the same", strings.Join(all, "; "))
	}
}

func (m *runMending) close() {
	if m.file != nil {
		_ = m.file.Close()
		_ = os.Remove(m.file.Name())
	}
	if m.lock != nil {
		_ = m.lock.Close()
	}
}
