package work

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"srcmend/internal/build"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/history"
	"srcmend/internal/jobserver"
	"srcmend/internal/plan"
	"srcmend/internal/signature"
)

// Work is one plan and what is needed to carry it out.
type Work struct {
	Plan       plan.Plan
	Dir        string            // the work folder; its parent is made when missing
	Root       string            // what the prefix is put below: DESTDIR, or "/"
	Logs       string            // folder for the logs of the commands
	Locks      string            // folder for locks that all of the user's builds share
	Path       string            // PATH of the commands
	Supervisor *build.Supervisor // runs the commands
	Env        []string          // further environment of the commands that is not the plan's
	Make       string            // path of GNU make, for commands that call gmake
	MakeName   string            // "GNU Make 4.3", for the receipt
	Jobs       int
	Jobserver  *jobserver.Server // if other builds run at the same time; then Jobs does not count
	Time       time.Duration     // for all commands, as long as they run; 0 is no limit
	Keep       bool              // leave the work folder when all is green
	Trial      bool              // nothing is put in place, and the work folder, whatever is in it, goes in the end
	Replace    bool              // overwrite files that were changed or come from elsewhere
	Check      Checking
	Fetcher    *fetch.Fetcher
	File       func(name string) ([]byte, error) // reads a file beside the recipes
	Catalogue  *signature.Catalogue              // says why a command is red; may be nil
	Events     event.Sink
	// Mend is asked when a command is red; nil mends nothing. Recover is called before anything
	// is done in the work folder, and puts back what attempts to mend have left that were killed.
	Mend func(context.Context, Failed) (Mended, error)
	// With adds to a command and its environment what has mended those before it; may be nil.
	With    func(argv, env []string) ([]string, []string)
	Recover func(context.Context) error
	// Built is called when all is green, before the work folder goes; it may be nil.
	Built func() error

	spent time.Duration        // of Time
	asFar bool                 // what can't be made is passed over
	told  []history.ReceiptFix // what is known to have mended this build

	state *state
	item  string // path of the archive in the store
	hold  *os.File
}

// Checking says when the package's own tests are run, where its recipe has some.
type Checking string

// When tests are run.
const (
	CheckMended Checking = "mended" // when something was mended
	CheckAlways Checking = "always"
	CheckNever  Checking = "never"
)

// A Result is how the work ended.
type Result struct {
	Outcome event.Outcome
	Step    string // where it stopped; "" when it is green
	Red     *Red
	Already bool             // nothing had to be done
	Receipt string           // path
	Made    *history.Receipt // what would be installed, where nothing is put in place
	Files   int              // installed
	Fixes   []string         // applied
	Logs    []string         // names in the Logs folder
}

// Red says why a step is red, in words for the one who has to act.
type Red struct {
	Text   string
	Hint   string
	Detail []string // the last lines of the log, or the names of files
	Log    string   // path
	Cause  string   // of the finding, if there is one
}

// Run carries out the plan. Unless ctx is cancelled it does not return before
// all that it started has ended. The error is never about the package: that
// is a red Result.
func (w *Work) Run(ctx context.Context) (Result, error) {
	res := Result{Outcome: event.Green, Receipt: history.ReceiptPath(w.Root, w.Plan.Prefix, w.Plan.Package)}
	w.state, w.item, w.spent = nil, "", 0
	unlock, err := w.lock(ctx)
	if err != nil {
		return res, err
	}
	defer unlock()
	if !w.Trial {
		if done, n := w.installed(res.Receipt); done {
			res.Already, res.Files = true, n
			return res, nil
		}
		if err := w.writable(); err != nil {
			return res, err
		}
	}
	if w.Recover != nil {
		if err := w.Recover(ctx); err != nil {
			return res, err
		}
	}
	note, err := w.load()
	if err != nil {
		return res, err
	}
	if note != "" {
		w.Events.Send(event.Note{Text: note})
	}
	for _, f := range w.Plan.Fixes {
		if f.Advisory != "" {
			w.Events.Send(event.Warning(f.ID+": "+f.Advisory, ""))
		}
	}
	for _, name := range w.Plan.StepNames() {
		err := w.step(ctx, name, &res)
		res.Fixes = w.applied()
		if err != nil || res.Red != nil {
			res.Step = name
			return res, err
		}
	}
	if w.Built != nil {
		if err := w.Built(); err != nil {
			w.Events.Send(event.Warning(err.Error(), ""))
		}
	}
	if !w.Keep && !w.Trial {
		w.clear()
	}
	return res, nil
}

// step carries out one step, unless an earlier run did.
func (w *Work) step(ctx context.Context, name string, res *Result) error {
	if w.state.done(name) && name != plan.Install {
		w.Events.Send(event.StepEnded{Step: name, Outcome: event.Skipped, Why: "done by an earlier run"})
		return nil
	}
	if name == plan.Check && (w.Check == CheckNever || w.Check == CheckMended && len(w.mended()) == 0) {
		why := "not wanted"
		if w.Check == CheckMended {
			why = "nothing was mended"
		}
		w.Events.Send(event.StepEnded{Step: name, Outcome: event.Skipped, Why: why})
		return nil
	}
	if red := w.cannotRun(name); red != nil { // nothing has begun, and the tree stays what it is
		w.Events.Send(event.StepEnded{Step: name, Outcome: event.Red, Why: red.Text})
		res.Red, res.Outcome = red, event.Red
		return nil
	}
	resumed := w.state.Running == name
	w.state.Running, w.state.Command = name, 0
	if err := w.save(); err != nil {
		return err
	}
	start := time.Now()
	end, err := w.do(ctx, name, resumed, res)
	ended := event.StepEnded{Step: name, Outcome: event.Green, Why: end.why, CPU: end.cpu, Seconds: time.Since(start).Seconds()}
	switch {
	case ctx.Err() != nil:
		ended.Outcome, ended.Why, err = event.Interrupted, "interrupted", ctx.Err()
	case err != nil:
		ended.Outcome = event.Failed
		ended.Why, _, _ = strings.Cut(err.Error(), "\n")
	case end.red != nil:
		res.Red, res.Outcome = end.red, event.Red
		ended.Outcome, ended.Why = event.Red, end.red.Text
	}
	w.Events.Send(ended)
	if ended.Outcome == event.Green {
		w.state.Done, w.state.Running = append(w.state.Done, name), ""
	}
	if ended.Outcome == event.Failed && name != plan.Apply && !errors.Is(err, build.ErrLost) {
		w.state.Running = "" // nobody is at work in the tree, and it is whole
	}
	return errors.Join(err, w.save())
}

// end is how a step ended, when nothing failed.
type end struct {
	red *Red
	why string // for people: what was done
	cpu float64
}

func (w *Work) do(ctx context.Context, name string, resumed bool, res *Result) (end, error) {
	switch name {
	case plan.Fetch:
		return w.fetch(ctx)
	case plan.Unpack:
		return w.unpack(ctx)
	case plan.Apply:
		return w.patch(ctx)
	}
	if name == plan.Install {
		if err := RemoveAll(w.path("stage")); err != nil {
			return end{}, err
		}
		if err := os.MkdirAll(w.path("stage"), 0o755); err != nil {
			return end{}, err
		}
	}
	e, err := w.commands(ctx, name, resumed, res)
	if name == plan.Check && err == nil && e.red != nil && !w.asFar {
		if e.red, err = w.doubted(ctx, e.red); e.red == nil {
			e.why = "as without what has mended it"
		}
	}
	if err != nil || e.red != nil || name != plan.Install {
		return e, err
	}
	placed, err := w.place(ctx, res)
	placed.cpu = e.cpu
	return placed, err
}

// lock takes the work folder; it waits while another srcmend, or what is left
// of one that was killed, is at work there. The supervisor of a command holds
// the same lock.
func (w *Work) lock(ctx context.Context) (unlock func(), err error) {
	w.hold, err = w.flock(ctx, w.Dir+".lock", "another srcmend is at work in "+w.Dir)
	if err != nil {
		return nil, err
	}
	return func() {
		if w.Trial {
			if err := errors.Join(RemoveAll(w.Dir), os.Remove(w.hold.Name())); err != nil {
				w.Events.Send(event.Warning("the work folder could not be removed: "+err.Error(), "remove "+w.Dir))
			}
		}
		w.hold.Close()
	}, nil
}

// flock locks the lock file at path, waiting until ctx ends.
func (w *Work) flock(ctx context.Context, path, busy string) (*os.File, error) {
	return Await(ctx, path, func() { w.Events.Send(event.Note{Text: "waiting: " + busy}) })
}

// Await is Lock that waits until nobody else has the lock, or ctx ends. waiting is called once,
// if it has to wait; it may be nil.
func Await(ctx context.Context, path string, waiting func()) (*os.File, error) {
	for {
		f, err := Lock(path)
		if !errors.Is(err, ErrLocked) {
			return f, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// named reports whether an open file is the one that has the name.
func named(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	is, err := os.Stat(path)
	return err == nil && os.SameFile(mine, is)
}

// ErrLocked says that somebody else holds a lock.
var ErrLocked = errors.New("it is locked")

// Lock opens the lock file at path, making it and its folder, and locks it until the file is
// closed. The error wraps [ErrLocked] if somebody else has it.
func Lock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making a lock: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("making a lock: %w", err)
	}
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			if !named(f, path) { // who had it has taken it away
				_ = f.Close()
				return Lock(path)
			}
			return f, nil
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			return nil, errors.Join(ErrLocked, f.Close())
		default:
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
		}
	}
}

// writable finds out early that the prefix can't be written to, rather than
// after the build.
func (w *Work) writable() error {
	dir := filepath.Join(w.Root, w.Plan.Prefix)
	for {
		err := unix.Access(dir, unix.W_OK)
		if errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "installing below", Path: dir, Err: err}
		}
		return nil
	}
}

// installed reports whether this very plan is installed. A file that is
// missing says no; one that was changed is the user's business, and said,
// unless what is changed is to be replaced.
func (w *Work) installed(receipt string) (bool, int) {
	r, err := history.ReadReceipt(receipt)
	if err != nil || r.Plan != w.Plan.Hash() {
		return false, 0
	}
	_ = os.Remove(pendingPath(receipt)) // of a run that was killed at the very end
	missing, changed, err := r.Check(w.Root)
	what := r.Package + " " + r.Release + " was installed here, but "
	switch {
	case err != nil:
		w.Events.Send(event.Note{Text: what + err.Error()})
	case len(missing) > 0:
		w.Events.Send(event.Note{Text: what + strings.Join(shorten(missing, 3), ", ") + " is missing"})
	case len(changed) > 0 && w.Replace:
	case len(changed) > 0:
		w.Events.Send(event.Note{
			Text: "changed since it was installed, and left so: " + strings.Join(shorten(changed, 10), ", "),
			Hint: "--replace builds again and puts back what was installed",
		})
		return true, len(r.Files)
	default:
		return true, len(r.Files)
	}
	return false, 0
}

// clear removes the work folder.
func (w *Work) clear() {
	if err := w.discard(); err != nil {
		w.Events.Send(event.Warning("the work folder could not be removed: "+err.Error(), "remove "+w.Dir))
	}
}

// Hold is what a command keeps open as long as it runs; it is there while the work is done.
func (w *Work) Hold() *os.File { return w.hold }

// VerdictMended is what the receipt says of a fix that was found when the build was red.
const VerdictMended = "mended"

// mended names what has mended this build.
func (w *Work) mended() []string {
	var ids []string
	for _, f := range w.state.Fixes {
		if f.Verdict == VerdictMended {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// applied names the fixes that were taken: by flags, or by a patch that was applied.
func (w *Work) applied() []string {
	var ids []string
	for _, f := range w.Plan.Fixes {
		if len(f.Patch) == 0 && f.Advisory == "" {
			ids = append(ids, f.ID)
		}
	}
	for _, f := range w.state.Fixes {
		if f.Applied {
			ids = append(ids, f.ID)
		}
	}
	return ids
}
