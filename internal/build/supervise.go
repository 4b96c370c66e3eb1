package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"srcmend/internal/jobserver"
)

// superviseArg is the first argument of a process that supervises.
const superviseArg = "--supervise-a-build"

// The files of a command that are a jobserver's pipe.
const jobReads, jobWrites = 3, 4

// How long processes are given to end by themselves before they are killed.
// make needs the time to remove what is half made.
const grace = 10 * time.Second

// Supervising reports whether this process was started by [Run] to supervise
// commands. A program that calls Run asks this before anything else.
func Supervising() bool { return len(os.Args) == 2 && os.Args[1] == superviseArg }

// Supervise carries out the orders of the process that has started this one, watches over the
// commands, and says how they ended. It goes on until that process and the last command have
// ended, and returns the exit status for this process.
func Supervise() int {
	runtime.LockOSThread() // commands are told when the thread that has started them dies: this one
	signals := make(chan os.Signal, 8)
	// Caught, not ignored: the commands would inherit that.
	signal.Notify(signals, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGTERM)
	adopt()
	syscall.Umask(0o022)
	syscall.CloseOnExec(3)
	door, err := wire(os.NewFile(3, "door"))
	if err != nil {
		return 1
	}
	s := &shift{starts: make(chan func()), gone: make(chan struct{})}
	go func() {
		for sig := range signals {
			if sig == syscall.SIGTERM {
				s.end(door)
			}
		}
	}()
	go func() {
		s.attend(door)
		s.commands.Wait()
		close(s.starts)
	}()
	for start := range s.starts {
		start()
	}
	return 0
}

// A shift is what a supervisor has to do until it ends.
type shift struct {
	starts   chan func() // for the one thread that starts commands
	commands sync.WaitGroup
	gone     chan struct{} // closed when somebody asks this process to end
	once     sync.Once
}

// end has the running commands ended, and takes no more of them.
func (s *shift) end(door io.Closer) {
	s.once.Do(func() {
		close(s.gone)
		_ = door.Close()
	})
}

// attend takes commands until nobody is there to give some.
func (s *shift) attend(door *net.UnixConn) {
	rights := make([]byte, syscall.CmsgSpace(3*4))
	for {
		_, n, _, _, err := door.ReadMsgUnix(make([]byte, 1), rights)
		if err != nil || n == 0 {
			return
		}
		files, err := lent(rights[:n])
		if err != nil {
			return
		}
		s.commands.Go(func() { s.serve(files) })
	}
}

// lent takes up the files that [front.give] has handed over.
func lent(rights []byte) ([]*os.File, error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return nil, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "lent"))
		}
	}
	if len(files) < 2 {
		return nil, errors.New("a wire and a log were to come")
	}
	return files, nil
}

// serve carries out one command: files are the wire, the log, and what is held until the end.
func (s *shift) serve(files []*os.File) {
	for _, f := range files[1:] {
		defer f.Close()
	}
	wire, err := wire(files[0])
	if err != nil {
		return
	}
	defer wire.Close()
	var o order
	orders := json.NewDecoder(wire)
	if err := orders.Decode(&o); err != nil {
		return // the one who ordered is gone before anything began
	}
	res := s.carryOut(o, files[1], wire)
	if text, err := json.Marshal(res); err == nil && o.Status != "" {
		if err := Replace(o.Status, text); err != nil {
			fmt.Fprintln(files[1], "srcmend: writing how the command ended:", err)
		}
	}
	_ = json.NewEncoder(wire).Encode(res)
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

// carryOut runs a command until it and its group are gone; or until nothing more comes over the
// wire, or somebody asks this process to end.
func (s *shift) carryOut(o order, log *os.File, wire io.Reader) Result {
	path, err := find(o.Argv[0], o.Env)
	if err != nil {
		return Result{Exit: -1, Error: err.Error()}
	}
	cmd := &exec.Cmd{Path: path, Args: o.Argv, Env: o.Env, Dir: o.Dir, Stdout: log, Stderr: log, SysProcAttr: EndWithParent()}
	if o.Jobs != "" {
		pipe, err := os.OpenFile(o.Jobs, os.O_RDWR, 0)
		if err != nil {
			return Result{Exit: -1, Error: err.Error()}
		}
		defer pipe.Close()
		cmd.ExtraFiles, cmd.Env = []*os.File{pipe, pipe}, append(cmd.Env, jobserver.Variable(jobReads, jobWrites))
	}
	begun := make(chan error)
	start := time.Now()
	s.starts <- func() { begun <- cmd.Start() }
	if err := <-begun; err != nil {
		return Result{Exit: -1, Error: err.Error()}
	}
	left := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, wire) // ends when Run or its process does
		close(left)
	}()
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	var ended string
	select {
	case <-done:
	case <-left:
		ended = Interrupted
	case <-s.gone:
		ended = Interrupted
	}
	if ended != "" {
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

// find is the path of a program, by the PATH of an environment.
func find(program string, env []string) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	var path string
	for _, kv := range env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = value
		}
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return found, nil
		}
	}
	return "", &exec.Error{Name: program, Err: exec.ErrNotFound}
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
