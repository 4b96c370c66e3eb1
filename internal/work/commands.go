package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"srcmend/internal/build"
	"srcmend/internal/buildlog"
	"srcmend/internal/diagnosis"
	"srcmend/internal/distfile"
	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/plan"
	"srcmend/internal/signature"
)

// glance is how often a running command's newest line is looked at.
const glance = 200 * time.Millisecond

// commands runs the commands of one step, with one log for all of them, and a new one when a
// command that was mended is run on.
func (w *Work) commands(ctx context.Context, name string, resumed bool, res *Result) (end, error) {
	var e end
	if resumed {
		e.why = "resumed"
	}
	at := plan.Place{Source: w.path("source"), Destdir: w.path("stage")}
	log, err := w.log(name, res)
	if err != nil {
		return end{}, err
	}
	defer func() { log.Close() }()
	for i, c := range w.planned(name).Commands {
		jobs, pipe, done, err := w.share(ctx, c)
		if err != nil {
			return end{}, err
		}
		done = sync.OnceFunc(done)
		defer done()
		at.Jobs = jobs
		filled, err := w.Plan.Fill(c, at)
		if err != nil {
			return end{}, err
		}
		w.state.Command = i
		if err := w.save(); err != nil {
			return end{}, err
		}
		shown, argv, env := filled.Argv, w.argv(filled.Argv), w.env(filled.Env)
		if base := filepath.Base(argv[0]); (w.asFar || name == plan.Check) && (base == "make" || base == "gmake" || base == "bmake") {
			argv = append(slices.Clone(argv), "-k")
			shown = append(slices.Clone(shown), "-k")
		}
		plainShown, plain, plainEnv := shown, argv, env
		for {
			if w.With != nil {
				argv, env = w.With(plain, plainEnv)
				shown = append(slices.Clone(plainShown), argv[len(plain):]...)
			}
			w.Events.Send(event.StepStarted{Step: name, What: build.Quote(shown), Log: log.Name()})
			fmt.Fprintf(log, "$ cd %s && %s\n", filled.Dir, build.Quote(shown))
			started := time.Now()
			r, err := w.watch(ctx, name, build.Command{
				Argv: argv, Dir: filled.Dir, Env: env, Log: log, Hold: w.hold, Status: w.status(name, i), Jobs: pipe,
			})
			if err != nil {
				return end{}, err
			}
			e.cpu += r.CPU
			if r.Green() || w.asFar && name != plan.Configure {
				break
			}
			if err := errors.Join(full(w.Dir), full(w.Logs)); err != nil {
				return end{}, fmt.Errorf("%s: %s, and there is no room: %w", filepath.Base(argv[0]), r, err)
			}
			e.red = w.diagnose(shown, r, log.Name())
			mended, err := w.mend(ctx, Failed{Argv: argv, Env: env, Dir: filled.Dir, Log: log.Name(), Started: started})
			if err = errors.Join(err, w.keepMended(mended)); err != nil || !mended.Again {
				e.red.Hint = cmp.Or(e.red.Hint, mended.Hint)
				return e, err
			}
			e.red = nil
			log.Close()
			if log, err = w.log(name, res); err != nil {
				return end{}, err
			}
		}
		done()
	}
	return e, nil
}

// full is the error of writing a little into a folder where there is no room, nil where there is
// some: what fails on a full disk may not be able to say so.
func full(dir string) error {
	f, err := os.CreateTemp(dir, ".room-*")
	if err == nil {
		_, err = f.Write(make([]byte, 1<<20))
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if distfile.NoRoom(err) {
		return err
	}
	return nil
}

// share waits for a core for a command, if there is a jobserver, and says how many jobs the
// command runs at once, 0 if it asks the jobserver with the pipe. What it was given for that is
// given back by done.
func (w *Work) share(ctx context.Context, c plan.Command) (jobs int, pipe string, done func(), err error) {
	if w.Jobserver == nil {
		return w.Jobs, "", func() {}, nil
	}
	if err := w.Jobserver.Acquire(ctx); err != nil {
		return 0, "", nil, err
	}
	if w.asks(c.Argv[0]) {
		return 0, w.Jobserver.Path(), func() { w.Jobserver.Release(1) }, nil
	}
	more := 0
	if c.CountsJobs() {
		more = w.Jobserver.Grab(w.Jobserver.Slots() - 1)
	}
	return 1 + more, "", func() { w.Jobserver.Release(1 + more) }, nil
}

// asks reports whether a program asks a jobserver: GNU make does, and cmake where it runs that.
func (w *Work) asks(program string) bool {
	if program != "cmake" {
		return program == gnuMake
	}
	return filepath.Base(w.Make) == "make" && !slices.ContainsFunc(w.planned(plan.Configure).Commands, func(c plan.Command) bool {
		return slices.ContainsFunc(c.Argv, func(word string) bool { return strings.Contains(word, "Ninja") })
	})
}

// log makes a log for a step.
func (w *Work) log(name string, res *Result) (*os.File, error) {
	file := name + ".log"
	for n := 2; slices.Contains(res.Logs, file); n++ {
		file = fmt.Sprintf("%s-%d.log", name, n)
	}
	log, err := buildlog.Create(filepath.Join(w.Logs, file))
	if err != nil {
		return nil, fmt.Errorf("making the log: %w", err)
	}
	res.Logs = append(res.Logs, file)
	return log, nil
}

// A Failed is a command that is red, and may be mended.
type Failed struct {
	Argv, Env []string
	Dir, Log  string
	Started   time.Time
}

// A Mended says what became of that.
type Mended struct {
	Again bool                 // the command is to be run on
	Fixes []history.ReceiptFix // what has mended this build since it was begun or resumed
	Hint  string               // for the user, if it could not be mended
}

// mend asks whoever can mend.
func (w *Work) mend(ctx context.Context, f Failed) (Mended, error) {
	if w.Mend == nil {
		return Mended{}, nil
	}
	return w.Mend(ctx, f)
}

// keepMended notes what was done to the tree: a later run has to know. What was thought to have
// mended it may have been taken back.
func (w *Work) keepMended(m Mended) error {
	w.state.Fixes = slices.DeleteFunc(w.state.Fixes, func(f history.ReceiptFix) bool {
		return f.Verdict == VerdictMended && slices.Contains(w.told, f)
	})
	w.state.Fixes, w.told = append(w.state.Fixes, m.Fixes...), m.Fixes
	return w.save()
}

// planned returns a step's commands; a step without commands has none.
func (w *Work) planned(name string) plan.Step {
	for _, s := range w.Plan.Steps {
		if s.Name == name {
			return s
		}
	}
	return plan.Step{Name: name}
}

// gnuMake is what recipes call GNU make.
const gnuMake = "gmake"

// cannotRun says why a step's commands can't be run here, nil when they can.
func (w *Work) cannotRun(step string) *Red {
	for _, c := range w.planned(step).Commands {
		if c.Argv[0] == gnuMake && w.Make == "" {
			return &Red{Text: "there is no GNU make here", Hint: "install it (FreeBSD: pkg install gmake; Debian: apt-get install make) or set MAKE to its path"}
		}
	}
	return nil
}

// argv puts GNU make, whatever its name is here, in the place of gmake.
func (w *Work) argv(argv []string) []string {
	if argv[0] != gnuMake {
		return argv
	}
	return append([]string{w.Make}, argv[1:]...)
}

// env is the environment of one command. What the user set wins over what
// the recipe says.
func (w *Work) env(ofCommand []string) []string {
	epoch := []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", w.state.Epoch)}
	return build.Environment(w.Path, w.path("tmp"), epoch, ofCommand, w.Env, w.Plan.Env)
}

// watch runs a command, as long as there is time for it, and tells from time to time what it said
// last.
func (w *Work) watch(ctx context.Context, step string, c build.Command) (build.Result, error) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(glance)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				w.Events.Send(event.Output{Step: step, Line: buildlog.Last(c.Log)})
			}
		}
	}()
	limited, cancel := ctx, func() {}
	if w.Time > 0 {
		limited, cancel = context.WithTimeoutCause(ctx, w.Time-w.spent, ErrTime)
	}
	defer cancel()
	started := time.Now()
	r, err := w.Supervisor.Run(limited, c)
	w.spent += time.Since(started)
	close(stop)
	<-stopped
	if err != nil && errors.Is(context.Cause(limited), ErrTime) && ctx.Err() == nil {
		err = fmt.Errorf("%s: %w: the commands have run for %s", filepath.Base(c.Argv[0]), ErrTime, w.Time)
	}
	return r, err
}

// ErrTime says that the commands have had [Work.Time].
var ErrTime = errors.New("the time is up")

// diagnose says why a command is red: the known error in its log, or else
// the log's last lines.
func (w *Work) diagnose(argv []string, r build.Result, logPath string) *Red {
	red := &Red{Text: fmt.Sprintf("%s: %s", filepath.Base(argv[0]), r), Log: logPath}
	if r.Error != "" && strings.Contains(r.Error, "executable file not found") {
		red.Hint = fmt.Sprintf("install %s, or put its folder into PATH", argv[0])
	}
	if w.Catalogue == nil {
		return red
	}
	log, err := os.Open(logPath)
	if err != nil {
		return red
	}
	defer log.Close()
	scan, err := w.Catalogue.Scan(log)
	d := diagnosis.OfFailed(scan)
	if err != nil || len(d.Findings) == 0 {
		red.Detail, _ = buildlog.Tail(logPath, 20)
		return red
	}
	root := d.Findings[0]
	w.Events.Send(event.Finding{
		Signature: root.Signature, Log: logPath, LogLine: root.LogLine,
		File: root.File, Line: root.Line, Symbol: root.Symbol,
		Excerpt: root.Excerpt, At: root.At, Cause: root.Cause, Remedy: root.Dos(),
	})
	if red.Cause = root.Cause; root.Rank == signature.Secondary {
		red.Detail, _ = buildlog.Tail(logPath, 20)
	}
	return red
}
