package build

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// superviseArg is the first argument of a process that supervises.
const superviseArg = "--supervise-a-build"

// The files of a command that are a jobserver's pipe.
const jobReads, jobWrites = 3, 4

// How long processes are given to end by themselves before they are killed.
// make needs the time to remove what is half made.
const grace = 10 * time.Second

// Supervising reports whether this process was started by [Run] to supervise
// a command. A program that calls Run asks this before anything else.
func Supervising() bool { return len(os.Args) == 2 && os.Args[1] == superviseArg }

// Supervise runs the command that [Run] sends, watches over it and writes its
// status file. It returns the exit status for this process.
func Supervise() int {
	runtime.LockOSThread()             // the child is told when this thread's process dies
	debug.SetGCPercent(-1)             // there is little to do
	signals := make(chan os.Signal, 8) // caught, not ignored: the command would inherit that
	signal.Notify(signals, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGTERM)
	adopt()
	syscall.Umask(0o022)
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4) // Command.Hold: dies with this process, not with a stray child
	orders := bufio.NewReader(os.NewFile(3, "orders"))
	var o order
	line, err := orders.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err != nil {
		return 1 // the one who ordered is gone before anything began
	}
	text, err := json.Marshal(o.carryOut(orders, signals))
	if err == nil {
		err = Replace(o.Status, text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "srcmend: writing how the command ended:", err)
		return 1
	}
	return 0
}

// Replace makes a file appear, or be another one, at once. It does not wait for the disk, and so
// is for what does not count after the machine has gone down.
func Replace(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// carryOut runs the command until it and its group are gone; or until orders
// ends, or somebody asks this process to end.
func (o order) carryOut(orders io.Reader, signals <-chan os.Signal) Result {
	cmd := exec.Command(o.Argv[0], o.Argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.Dir, os.Stdout, os.Stderr
	cmd.SysProcAttr = EndWithParent()
	if o.Jobs != "" {
		pipe, err := os.OpenFile(o.Jobs, os.O_RDWR, 0)
		if err != nil {
			return Result{Exit: -1, Error: err.Error()}
		}
		defer pipe.Close()
		cmd.ExtraFiles = []*os.File{pipe, pipe}
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return Result{Exit: -1, Error: err.Error()}
	}
	gone := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(io.Discard, orders) // ends when Run or its process does
		gone <- struct{}{}
	}()
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				gone <- struct{}{}
			}
		}
	}()
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	var ended string
	select {
	case <-done:
	case <-gone:
		ended = Interrupted
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(grace):
			ended = Killed
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
	}
	if !endGroup(cmd.Process.Pid, time.Second) && ended != "" {
		ended = Killed
	}
	return result(cmd.ProcessState, time.Since(start), ended)
}

// What [Result.Ended] says when Run's context or its process ended.
const (
	Interrupted = "interrupted" // the command was asked to end, and did
	Killed      = "killed"      // it did not in time: what it wrote is half written
)

// endGroup ends what is left of a process group whose first process has ended,
// and reports whether it went when it was asked to, within the time.
func endGroup(group int, within time.Duration) bool {
	_ = syscall.Kill(-group, syscall.SIGTERM)
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		reap(group)
		if syscall.Kill(-group, 0) == syscall.ESRCH {
			return true
		}
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
	return false
}

func result(state *os.ProcessState, wall time.Duration, ended string) Result {
	r := Result{
		Exit:    state.ExitCode(),
		Ended:   ended,
		Seconds: wall.Seconds(),
		CPU:     (state.UserTime() + state.SystemTime()).Seconds(),
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		r.Signal = ws.Signal().String()
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		r.MaxRSS = usage.Maxrss
	}
	return r
}
