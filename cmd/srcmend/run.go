package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"srcmend/internal/build"
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

Exit status: that of the command, 128 and the number of the signal that ended it; 127 if
there is no such command, 126 if it can't be run; 1 or 2, as with all verbs, before it was
started. Output that could not be passed on makes a green command 1. When the command was
ended by SIGINT, so is srcmend: a shell that runs a loop then ends that too.`

// runOptions are the flags of the verb.
type runOptions struct {
	form diagnosisForm
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
	f.StringVar(&o.log, "log", "", "keep all that the command writes in the file `FILE`")
	f.StringVar(&o.to, "report", "", "write what was found into the file `FILE` rather than to standard error")
	return cmd
}

func (a *app) run(ctx context.Context, argv []string, o runOptions) error {
	h, err := a.newHearing(o.log)
	if err != nil {
		return &usageError{fmt.Sprintf("the log can't be written: %v", err), "--log FILE, a file in a folder that is there"}
	}
	started := time.Now()
	status, err := relay.Run(relay.Command{Argv: argv, In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Heard: h.heard})
	serr := h.end(status.Code() != 0 || o.to != "")
	if start, ok := errors.AsType[*relay.StartError](err); ok {
		fmt.Fprintf(a.err, "srcmend: %v\n", start)
		return exitStatus(start.Code())
	}
	if err != nil {
		fmt.Fprintf(a.err, "srcmend: some of what it wrote is lost: %v\n", err)
	}
	if h.err != nil {
		fmt.Fprintf(a.err, "srcmend: the log is not whole: %v\n", h.err)
	}
	code := status.Code()
	switch {
	case code == 0 && err != nil:
		return exitStatus(exitFailed)
	case code == 0 && o.to == "", status.Asked:
		return ended(status)
	case serr != nil:
		fmt.Fprintf(a.err, "srcmend: why it failed can't be told: %v\n", serr)
		return ended(status)
	}
	if err := a.sayWhy(ctx, argv, status, h, o, started); err != nil {
		fmt.Fprintf(a.err, "srcmend: %v\n", err)
	}
	return ended(status)
}

// sayWhy says why a command has failed.
func (a *app) sayWhy(ctx context.Context, argv []string, status relay.Status, h *hearing, o runOptions, started time.Time) error {
	took := time.Since(started)
	d := report.Diagnosis{Log: o.log}
	if status.Code() == 0 {
		d.Diagnosis = diagnosis.Diagnosis{Outcome: diagnosis.Green, Findings: []diagnosis.Finding{}}
	} else {
		d.Diagnosis = diagnosis.OfFailed(h.found)
	}
	var err error
	if d.Fixes, err = a.knownIn(ctx, d.Diagnosis, "."); err != nil {
		return err
	}
	d.Beside = beside(h.cat, h.found, d.Diagnosis, ".", started)
	if o.to != "" {
		f, err := os.Create(o.to)
		if err != nil {
			return err
		}
		return errors.Join(a.writeDiagnoses(f, o.form, []report.Diagnosis{d}), f.Close())
	}
	if o.form.name == "text" {
		how := fmt.Sprintf("status %d", status.Exit)
		if status.Signal != 0 {
			how = "signal " + status.Signal.String()
		}
		fmt.Fprintf(a.err, "\nsrcmend: %s ended with %s after %s\n", build.Quote(argv), how, took.Round(100*time.Millisecond))
	}
	return a.writeDiagnoses(a.err, o.form, []report.Diagnosis{d})
}

// A hearing is what becomes of a command's output besides: it goes into a log, and is
// searched for signatures.
type hearing struct {
	*app
	log    *os.File // nil for none
	err    error    // of writing it
	begin  sync.Once
	text   backlog
	cat    *signature.Catalogue
	found  signature.Scan
	failed error
	done   chan struct{}
}

// maxBacklog is how many pieces of output may wait to be searched.
const maxBacklog = 64

func (a *app) newHearing(log string) (*hearing, error) {
	h := &hearing{app: a, done: make(chan struct{}), text: backlog{pieces: make(chan []byte, maxBacklog)}}
	var err error
	if log != "" {
		h.log, err = os.Create(log)
	}
	return h, err
}

// heard takes what the command writes.
func (h *hearing) heard(text []byte) {
	if h.log != nil && h.err == nil {
		_, h.err = h.log.Write(text)
	}
	h.begin.Do(func() { go h.scan() })
	h.text.pieces <- bytes.Clone(text)
}

// scan searches until the end. The catalogue is read when there is something to search,
// while the command goes on.
func (h *hearing) scan() {
	defer close(h.done)
	if h.cat, h.failed = h.catalogue(); h.failed == nil {
		h.found, h.failed = h.cat.Scan(&h.text)
	}
	for range h.text.pieces { // nobody is kept waiting
	}
}

// end ends the hearing. If what was found is wanted, it waits until all is searched.
func (h *hearing) end(wanted bool) error {
	close(h.text.pieces)
	if h.log != nil {
		h.err = errors.Join(h.err, h.log.Close())
	}
	if !wanted {
		return nil
	}
	h.begin.Do(h.scan)
	<-h.done
	return h.failed
}

// A backlog is output that waits to be searched.
type backlog struct {
	pieces chan []byte
	rest   []byte // of the piece that is being read
}

func (b *backlog) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		var more bool
		if b.rest, more = <-b.pieces; !more {
			return 0, io.EOF
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
