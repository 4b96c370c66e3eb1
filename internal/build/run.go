package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"srcmend/internal/jobserver"
)

// MaxLog is how large a command's log may grow, in bytes, before the command
// is ended. A build that prints without end would fill the disk.
const MaxLog = 1 << 30

// Command is one command of a build.
type Command struct {
	Argv   []string // the program is looked up in Env's PATH
	Dir    string   // absolute
	Env    []string // KEY=value; complete, nothing is inherited
	Log    *os.File // takes standard output and standard error
	Status string   // path of the status file; its folder must exist
	Hold   *os.File // kept open until the command's group is gone; may be nil
	Jobs   string   // path of the pipe of a jobserver, if GNU make is to ask that; "" if not
}

// A Result is how a command ended.
type Result struct {
	Exit    int     `json:"exit"`             // exit status; -1 after a signal
	Signal  string  `json:"signal,omitempty"` // "killed", "segmentation fault"
	Ended   string  `json:"ended,omitempty"`  // why the supervisor ended it
	Seconds float64 `json:"seconds"`          // wall-clock time
	CPU     float64 `json:"cpu_seconds"`      // user and system time of the command and its children
	MaxRSS  int64   `json:"max_rss"`          // of the largest process, as the system counts it
	Error   string  `json:"error,omitempty"`  // the command could not be started
}

// Green reports whether the command did what it was asked to.
func (r Result) Green() bool { return r.Exit == 0 && r.Error == "" && r.Ended == "" }

// String says how the command ended, for people.
func (r Result) String() string {
	switch {
	case r.Error != "":
		return r.Error
	case r.Ended != "":
		return "ended: " + r.Ended
	case r.Signal != "":
		return "ended by a signal: " + r.Signal
	}
	return fmt.Sprintf("exit status %d", r.Exit)
}

// ErrLost says that a command's supervisor vanished: how the command ended is
// not known.
var ErrLost = errors.New("the process that supervised the command is gone")

// order is what Run tells the supervisor.
type order struct {
	Argv   []string
	Dir    string
	Status string
	Jobs   string
}

// Run carries out c and waits until it and its process group are gone. A command
// that fails is a Result, not an error. When ctx is cancelled the command is
// ended in good order and the error is ctx's; the status file is written in
// every case but [ErrLost].
func Run(ctx context.Context, c Command) (Result, error) {
	if err := os.Remove(c.Status); err != nil && !os.IsNotExist(err) {
		return Result{}, err
	}
	reads, writes, err := os.Pipe()
	if err != nil {
		return Result{}, err
	}
	defer writes.Close()
	cmd, err := c.supervisor(reads)
	if err != nil {
		reads.Close()
		return Result{}, err
	}
	err = cmd.Start()
	reads.Close()
	if err != nil {
		return Result{}, fmt.Errorf("starting the supervisor of %s: %w", c.Argv[0], err)
	}
	if err := json.NewEncoder(writes).Encode(order{c.Argv, c.Dir, c.Status, c.Jobs}); err != nil {
		_ = cmd.Wait()
		return Result{}, fmt.Errorf("%w: %w", ErrLost, err)
	}
	ended := c.wait(ctx, cmd, writes)
	res, err := ReadStatus(c.Status)
	switch {
	case ctx.Err() != nil:
		return res, ctx.Err()
	case err != nil:
		return Result{}, fmt.Errorf("%w: %s", ErrLost, strings.Join(c.Argv, " "))
	case ended != "":
		res.Ended = ended
	}
	return res, nil
}

// supervisor makes the second process of this program that runs the command.
func (c Command) supervisor(orders *os.File) (*exec.Cmd, error) {
	self, err := self()
	if err != nil {
		return nil, fmt.Errorf("finding this program to run it as a supervisor: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Args = []string{os.Args[0], superviseArg}
	cmd.Env, cmd.Dir = c.Env, "/" // that the command's folder is not there is the command's fault
	if c.Jobs != "" {
		cmd.Env = append(slices.Clone(cmd.Env), jobserver.Variable(jobReads, jobWrites))
	}
	cmd.Stdout, cmd.Stderr = c.Log, c.Log
	cmd.ExtraFiles = []*os.File{orders}
	if c.Hold != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, c.Hold)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, nil
}

// self returns a path that starts this very program, even when its file was
// replaced or removed since, where the system has such a path.
func self() (string, error) {
	const running = "/proc/self/exe"
	if _, err := os.Stat(running); err == nil {
		return running, nil
	}
	return os.Executable()
}

// wait returns when the supervisor has ended. Closing the pipe asks it to end
// the command. The text is why wait itself did so, without ctx's doing.
func (c Command) wait(ctx context.Context, cmd *exec.Cmd, pipe *os.File) (ended string) {
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the status file tells
		close(done)
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	stop := ctx.Done()
	for {
		select {
		case <-done:
			return ended
		case <-stop:
			pipe.Close()
			stop = nil
		case <-tick.C:
			if info, err := c.Log.Stat(); err == nil && info.Size() > MaxLog && ended == "" {
				ended = fmt.Sprintf("its output is over %d MiB", MaxLog>>20)
				pipe.Close()
			}
		}
	}
}

// ReadStatus reads what a supervisor wrote. The error wraps fs.ErrNotExist
// when it wrote nothing.
func ReadStatus(path string) (Result, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Result{}, err
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return Result{}, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
