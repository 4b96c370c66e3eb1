// Package relay runs a command as if it stood alone, and listens.
//
// The command gets the streams of this program as they are: its input is the very same
// file; what it writes goes on byte for byte, at once, to where it belongs. Where that is
// a terminal, the command sees a terminal too, and keeps its colours; what it does to the
// modes of that, it does to the real one, when it next writes. Signals that this program gets
// reach it, and how it ended is told so that this program can end likewise.
//
//	status, err := relay.Run(relay.Command{
//		Argv: []string{"gmake", "-j4"}, In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
//		Heard: log.Write,
//	})
//	…
//	if status.Signal == syscall.SIGINT {
//		relay.Die(status.Signal)
//	}
//	os.Exit(status.Code())
//
// The command stays in the process group of this program, so that a shell's job control
// means both. The system does not say whether a signal was sent to a group or to one
// process. Therefore the keys that interrupt are recognized by the terminal being ours, and
// not passed on, nor is then a SIGINT or SIGQUIT that was sent to this program alone; and
// other signals are passed on, so that the command gets one twice that was sent to the whole
// group. Whoever wants to end both sends SIGTERM to this program.
//
// What the command has left behind, in the background, keeps the streams that it has, and
// what it writes still arrives; but once it is silent for a moment, it is no longer listened
// to. A cat then carries what it writes.
//
// A stream that this program was started without is /dev/null to the command: Go opens that
// in its place.
package relay

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
)

// A Command is what to run, and where its streams go.
type Command struct {
	Argv         []string
	Env          []string // KEY=value; nil is that of this program
	In, Out, Err *os.File
	// Heard gets all that the command writes, of both streams, in the order in which it
	// comes. Lines of the two are not mixed. It may not keep what it gets, nor take long: the
	// command has to wait for it. See [Backlog].
	Heard func(text []byte)
}

// A Status is how a command ended.
type Status struct {
	Exit   int            // -1 if a signal ended it
	Signal syscall.Signal // 0 if none did
	// Asked says that this program was asked to end meanwhile, and passed that on.
	Asked bool
	// Unread says that whoever read what the command wrote had gone before its end.
	Unread bool
}

// Code is the exit status that a shell shows: 128 and the number of the signal.
func (s Status) Code() int {
	if s.Signal != 0 {
		return 128 + int(s.Signal)
	}
	return s.Exit
}

// A StartError says that a command could not be started.
type StartError struct {
	Name string
	Err  error
}

func (e *StartError) Error() string {
	err := e.Err
	if inner, ok := errors.AsType[*exec.Error](err); ok {
		err = inner.Err
	} else if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	return "can't run " + e.Name + ": " + err.Error()
}

func (e *StartError) Unwrap() error { return e.Err }

// Code is the exit status that a shell has for this: 127 if there is no such program, 126
// if it can't be run.
func (e *StartError) Code() int {
	if errors.Is(e.Err, exec.ErrNotFound) || errors.Is(e.Err, fs.ErrNotExist) {
		return 127
	}
	return 126
}

// Run runs a command to its end. The error is a [*StartError] if it could not be started,
// otherwise it says that something which the command wrote could not be passed on.
func Run(c Command) (Status, error) {
	signals := listen()
	streams, err := newStreams(c.Out, c.Err)
	if err != nil {
		signals.stop()
		return Status{}, &StartError{c.Argv[0], err}
	}
	cmd, err := c.start(streams[0].inner, streams[len(streams)-1].inner)
	if err != nil {
		signals.stop()
		for _, s := range streams {
			s.drop()
		}
		return Status{}, &StartError{c.Argv[0], err}
	}
	signals.pass(cmd.Process, streams)
	ear := &ear{heard: c.Heard, several: len(streams) > 1}
	var copying sync.WaitGroup
	errs := make([]error, len(streams))
	for i, s := range streams {
		_ = s.inner.Close() // it is the command's now
		copying.Go(func() { errs[i] = s.copy(ear) })
	}
	err = cmd.Wait()
	for _, s := range streams {
		s.finish()
	}
	copying.Wait()
	status := Status{Asked: signals.stop()}
	errs = slices.DeleteFunc(errs, func(err error) bool {
		unread := errors.Is(err, syscall.EPIPE)
		status.Unread = status.Unread || unread
		return unread
	})
	if cmd.ProcessState == nil {
		return status, err
	}
	status.Exit = cmd.ProcessState.ExitCode()
	if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		status.Signal = w.Signal()
	}
	return status, errors.Join(errs...)
}

// start starts the command, the way that make, env and shells do: a script that does not
// say who is to read it is the shell's, and what the user's path finds is meant, be it in
// the current folder.
func (c Command) start(out, errs *os.File) (*exec.Cmd, error) {
	cmd := c.command(c.Argv, out, errs)
	err := cmd.Start()
	if errors.Is(err, syscall.ENOEXEC) && isText(cmd.Path) {
		cmd = c.command(slices.Concat([]string{"/bin/sh", cmd.Path}, c.Argv[1:]), out, errs)
		err = cmd.Start()
	}
	return cmd, err
}

func (c Command) command(argv []string, out, errs *os.File) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	if errors.Is(cmd.Err, exec.ErrDot) {
		cmd.Err = nil
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = c.In, out, errs, c.Env
	return cmd
}

// isText reports whether a file can be a script: a program for another machine is none.
func isText(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	begin := make([]byte, 128)
	n, _ := f.Read(begin)
	line, _, _ := bytes.Cut(begin[:n], []byte("\n"))
	return !bytes.Contains(line, []byte{0})
}

// newStreams makes what the command writes to. If both go to the same place it is one
// stream, and their order is kept.
func newStreams(out, err *os.File) ([]*stream, error) {
	first, fail := newStream(out)
	if fail != nil || same(out, err) {
		return []*stream{first}, fail
	}
	second, fail := newStream(err)
	if fail != nil {
		first.drop()
	}
	return []*stream{first, second}, fail
}

// same reports whether two files are one.
func same(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && os.SameFile(x, y)
}
