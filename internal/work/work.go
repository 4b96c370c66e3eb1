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
	"srcmend/internal/plan"
	"srcmend/internal/signature"
)

// Work is one plan and what is needed to carry it out.
type Work struct {
	Plan      plan.Plan
	Dir       string // the work folder; its parent is made when missing
	Root      string // what the prefix is put below: DESTDIR, or "/"
	Logs      string // folder for the logs of the commands
	Path      string // PATH of the commands
	Make      string // path of GNU make, for commands that call gmake
	MakeName  string // "GNU Make 4.3", for the receipt
	Jobs      int
	Keep      bool // leave the work folder when all is green
	Replace   bool // overwrite files that no receipt accounts for
	Fetcher   *fetch.Fetcher
	File      func(name string) ([]byte, error) // reads a file beside the recipes
	Catalogue *signature.Catalogue
	Events    event.Sink

	state *state
	item  string // path of the archive in the store
	hold  *os.File
}

// A Result is how the work ended.
type Result struct {
	Outcome event.Outcome
	Step    string // where it stopped; "" when it is green
	Red     *Red
	Already bool     // nothing had to be done
	Receipt string   // path
	Files   int      // installed
	Fixes   []string // applied
	Logs    []string // names in the Logs folder
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
	if err := w.writable(); err != nil {
		return res, err
	}
	unlock, err := w.lock(ctx)
	if err != nil {
		return res, err
	}
	defer unlock()
	if done, n := w.installed(res.Receipt); done {
		res.Already, res.Files = true, n
		return res, w.clear()
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
		if err := w.step(ctx, name, &res); err != nil || res.Red != nil {
			res.Step = name
			return res, err
		}
	}
	res.Fixes = w.applied()
	return res, w.clear()
}

// step carries out one step, unless an earlier run did.
func (w *Work) step(ctx context.Context, name string, res *Result) error {
	if w.state.done(name) && name != plan.Install {
		w.Events.Send(event.StepEnded{Step: name, Outcome: event.Skipped, Why: "done by an earlier run"})
		return nil
	}
	resumed := w.state.Running == name
	w.state.Running = name
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
		if err := os.RemoveAll(w.path("stage")); err != nil {
			return end{}, err
		}
		if err := os.MkdirAll(w.path("stage"), 0o755); err != nil {
			return end{}, err
		}
	}
	e, err := w.commands(ctx, name, resumed, res)
	if err != nil || e.red != nil || name != plan.Install {
		return e, err
	}
	placed, err := w.place(res)
	placed.cpu = e.cpu
	return placed, err
}

// lock takes the work folder; it waits while another srcmend, or what is left
// of one that was killed, is at work there. The supervisor of a command holds
// the same lock, so it is free only when nobody writes into the tree.
func (w *Work) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(w.Dir), 0o755); err != nil {
		return nil, fmt.Errorf("making the work folder: %w", err)
	}
	if w.hold, err = os.OpenFile(w.Dir+".lock", os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, fmt.Errorf("locking the work folder: %w", err)
	}
	waiting := false
	for {
		err := unix.Flock(int(w.hold.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { w.hold.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			w.hold.Close()
			return nil, fmt.Errorf("locking the work folder: %w", err)
		}
		if !waiting {
			waiting = true
			w.Events.Send(event.Note{Text: "waiting: another srcmend is at work in " + w.Dir})
		}
		select {
		case <-ctx.Done():
			w.hold.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
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

// installed reports whether this very plan is installed, and unchanged since.
func (w *Work) installed(receipt string) (bool, int) {
	r, err := history.ReadReceipt(receipt)
	if err != nil || r.Plan != w.Plan.Hash() {
		return false, 0
	}
	differs, err := r.Check(w.Root)
	if err != nil {
		differs = err.Error()
	}
	if differs != "" {
		w.Events.Send(event.Note{Text: fmt.Sprintf("%s %s was installed here, but %s", r.Package, r.Release, differs)})
		return false, 0
	}
	return true, len(r.Files)
}

// clear removes the work folder, unless it is to be kept.
func (w *Work) clear() error {
	if w.Keep {
		return nil
	}
	if err := os.RemoveAll(w.Dir); err != nil {
		w.Events.Send(event.Warning("the work folder could not be removed: "+err.Error(), "remove "+w.Dir))
	}
	return nil
}

// applied names the fixes whose patches were applied.
func (w *Work) applied() []string {
	var ids []string
	for _, f := range w.state.Fixes {
		if f.Applied {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// quote is a command line as it could be typed.
func quote(argv []string) string {
	out := make([]string, len(argv))
	for i, a := range argv {
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}
