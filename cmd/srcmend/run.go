package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"srcmend/internal/build"
	"srcmend/internal/buildlog"
	"srcmend/internal/diagnosis"
	"srcmend/internal/relay"
	"srcmend/internal/report"
	"srcmend/internal/signature"
)

const runHelp = `Run a command, most often a build, as if it stood alone; when it fails, say why.

Its input, output, colours, signals and exit status are passed on untouched. When it has
failed, the root cause goes to standard error after all that it wrote: where, why, and
what to do; and if the folder is the source of a package that has a recipe, whether that
knows a fix, and whether this tree needs it.

A fix of the recipe that cures the error is applied, what could not be made is made again by
itself to see whether it helps, and the command is run once more, in the same tree. With
--mend=auto what the catalogue knows is tried as well: an include that is missing, a flag of
the compiler, what configure needs. Each attempt is shown with what it changes; what does not
help is undone, byte for byte. On a terminal you are asked first (--mend=ask). What has
mended the tree can be taken back with srcmend patch -R, and when the package's own tests
fail later, it is said what has.

What the command leaves in the background can go on writing, but nobody listens to that any
more. A signal that is sent to the whole process group, unless by the keys of the terminal,
reaches the command twice; to end both, send SIGTERM to srcmend.

Exit status: that of the command, 128 and the number of the signal that ended it; 127 if
there is no such command, 126 if it can't be run; 1 or 2, as with all verbs, before it was
started. Output that could not be passed on makes a green command 1. When the command was
ended by SIGINT, so is srcmend: a shell that runs a loop then ends that too. When nobody
reads what it writes, as with "| head", nothing is said of why it ended, and a green command
is 141.`

// runOptions are the flags of the verb.
type runOptions struct {
	form diagnosisForm
	mend mendOptions
	log  string
	to   string
}

// An exitStatus is that of a command, which has said itself what there is to say.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// errInterrupted says that a command was interrupted: srcmend ends by the same signal.
var errInterrupted = errors.New("interrupted")

// ended is how srcmend ends after a command: as that did, as far as others can see.
func ended(s relay.Status) error {
	if s.Signal == syscall.SIGINT {
		return errInterrupted
	}
	return exitStatus(s.Code())
}

func (a *app) runVerb() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [--log FILE] -- COMMAND [ARG]...",
		Short: "Run a build, and say why it fails",
		Long:  runHelp,
		Example: `  srcmend run -- gmake -j4
  srcmend run --mend=auto -- make
  srcmend run --log build.log -- ninja -C build
  srcmend run --format github -- make check`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{"there is no command to run", "srcmend run -- gmake -j4"}
			}
			if err := o.form.settle(a); err != nil {
				return err
			}
			return a.run(cmd.Context(), args, o)
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	o.form.flags(f)
	o.mend.flags(f)
	f.StringVar(&o.log, "log", "", "keep all that the command writes in the file `FILE`")
	f.StringVar(&o.to, "report", "", "write what was found into the file `FILE` rather than to standard error; it is empty until then")
	return cmd
}

func (a *app) run(ctx context.Context, argv []string, o runOptions) error {
	m, err := a.newRunMending(ctx, argv, o.mend)
	if err != nil {
		return err
	}
	defer m.close()
	var log *os.File
	if o.log != "" {
		if log, err = os.Create(o.log); err != nil {
			return &usageError{fmt.Sprintf("the log can't be written: %v", err), "--log FILE, a file in a folder that is there"}
		}
		defer log.Close()
	}
	var to *os.File // the report; it is opened now, so that none of an earlier run is there later
	if o.to != "" {
		if to, err = os.Create(o.to); err != nil {
			return &usageError{fmt.Sprintf("the report can't be written: %v", err), "--report FILE, a file in a folder that is there"}
		}
	}
	for c := (relay.Command{Argv: argv, In: os.Stdin, Out: os.Stdout, Err: os.Stderr}); ; {
		again, err := a.once(ctx, &c, o, log, to, m)
		if !again {
			m.conclude(err)
			return err
		}
	}
}

// once runs a command, and says why it failed, unless it was mended and is to be run again.
func (a *app) once(ctx context.Context, c *relay.Command, o runOptions, log, to *os.File, m *runMending) (again bool, err error) {
	h := a.newHearing(log, m.spool())
	c.Heard = h.heard
	status, err := relay.Run(*c)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // if nobody reads why, it ends the same
	if start, ok := errors.AsType[*relay.StartError](err); ok {
		a.say("%v", start)
		if h.spool != nil && errors.Is(start, fs.ErrPermission) {
			h.heard([]byte("sh: " + c.Argv[0] + ": Permission denied\n")) // as a shell would say it
			if err := h.end(ctx, true); err == nil {
				if again, err := m.mend(ctx, c, h); again && err == nil {
					return true, nil
				}
			}
		}
		return false, exitStatus(start.Code())
	}
	code := status.Code()
	piped := status.Unread || status.Signal == syscall.SIGPIPE
	why := (code != 0 || to != nil) && !status.Asked && !piped
	if why && to == nil && o.form.name == "text" {
		a.sayEnded(c.Argv, status, time.Since(h.started))
	}
	serr := h.end(ctx, why)
	if err != nil {
		a.say("some of what it wrote is lost: %v", err)
	}
	if h.err != nil {
		a.say("the log is not whole: %v", h.err)
	}
	switch {
	case code == 0 && err != nil:
		return false, exitStatus(exitFailed)
	case code == 0 && piped:
		return false, exitStatus(128 + int(syscall.SIGPIPE))
	case !why, ctx.Err() != nil:
		return false, ended(status)
	case serr != nil:
		a.say("why it failed can't be told: %v", serr)
		return false, ended(status)
	}
	d := diagnosis.OfFailed(h.found)
	m.tests = code != 0 && len(d.Findings) > 0 && d.Findings[0].Tests
	if code != 0 && h.spool != nil && h.err == nil {
		again, err := m.mend(ctx, c, h)
		if err != nil {
			a.say("it could not be mended: %v", err)
		}
		if again {
			return true, nil
		}
	}
	if err := a.sayWhy(ctx, code, h, o.form, to, h.started); err != nil {
		a.say("%v", err)
	}
	return false, ended(status)
}

// say says something of srcmend's own beside what the command wrote.
func (a *app) say(format string, args ...any) {
	for line := range strings.Lines("srcmend: " + fmt.Sprintf(format, args...) + "\n") {
		fmt.Fprintln(a.err, buildlog.Clean(strings.TrimSuffix(line, "\n")))
	}
}

// sayEnded says how a command has ended. It does not wait for the search.
func (a *app) sayEnded(argv []string, status relay.Status, took time.Duration) {
	how := fmt.Sprintf("status %d", status.Exit)
	if status.Signal != 0 {
		how = "signal " + status.Signal.String()
	}
	fmt.Fprintln(a.err)
	a.say("%s ended with %s after %s", build.Quote(argv), how, took.Round(100*time.Millisecond))
}

// sayWhy says why a command has failed: in the report, or if there is to be none, to
// standard error.
func (a *app) sayWhy(ctx context.Context, code int, h *hearing, form diagnosisForm, to *os.File, started time.Time) error {
	d := report.Diagnosis{Log: h.name()}
	if code == 0 {
		d.Diagnosis = diagnosis.Diagnosis{Outcome: diagnosis.Green, Findings: []diagnosis.Finding{}}
	} else {
		d.Diagnosis = diagnosis.OfFailed(h.found)
	}
	var err error
	if d.Fixes, err = a.knownIn(ctx, d.Diagnosis, "."); err != nil {
		return err
	}
	d.Beside = beside(h.cat, h.found, d.Diagnosis, ".", started)
	if to != nil {
		return errors.Join(a.writeDiagnoses(to, form, []report.Diagnosis{d}), to.Close())
	}
	return a.writeDiagnoses(a.err, form, []report.Diagnosis{d})
}

// A hearing is what becomes of a command's output besides: it goes into a log, and is
// searched for signatures.
type hearing struct {
	*app
	log     *os.File // nil for none
	spool   *os.File // the same for mending; nil for none
	err     error    // of writing them
	started time.Time
	size    int // of what was heard
	begin   sync.Once
	text    *relay.Backlog
	cat     *signature.Catalogue
	found   signature.Scan
	failed  error
	done    chan struct{}
}

func (a *app) newHearing(log, spool *os.File) *hearing {
	return &hearing{app: a, log: log, spool: spool, started: time.Now(), done: make(chan struct{}), text: relay.NewBacklog()}
}

// name is that of the log, "" for none.
func (h *hearing) name() string {
	if h.log == nil {
		return ""
	}
	return h.log.Name()
}

// heard takes what the command writes.
func (h *hearing) heard(text []byte) {
	for _, log := range []*os.File{h.log, h.spool} {
		if log != nil && h.err == nil {
			_, h.err = log.Write(text)
		}
	}
	if h.size += len(text); h.size > patience {
		h.begin.Do(func() { go h.scan() })
	}
	_, _ = h.text.Write(text)
}

// patience is how much output is only kept until the command has failed, in bytes: most
// commands that do well write less, and cost nothing.
const patience = 512 << 10

// scan searches until the end, of much output while the command goes on.
func (h *hearing) scan() {
	defer close(h.done)
	if h.cat, h.failed = h.spareCatalogue(); h.failed == nil {
		h.found, h.failed = h.cat.Scan(h.text)
	}
	h.text.Drop()
}

// end ends the hearing. If what was found is wanted, it waits until all is searched, unless
// somebody asks to end.
func (h *hearing) end(ctx context.Context, wanted bool) error {
	h.text.End()
	if !wanted {
		return nil
	}
	h.begin.Do(func() { go h.scan() })
	select {
	case <-h.done:
		return h.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}
