package build

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
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

// Supervising reports whether this process was started by a [Supervisor] to supervise
// commands. A program that has a Supervisor asks this before anything else.
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
	syscall.CloseOnExec(door)
	leave := func() { _ = syscall.Shutdown(door, syscall.SHUT_RD) } // so that no more orders come
	asked, end := context.WithCancel(context.Background())
	defer end()
	go func() {
		for sig := range signals {
			if sig == syscall.SIGTERM {
				end()
				leave()
			}
		}
	}()
	var commands sync.WaitGroup
	for {
		text, files, err := receive()
		if err != nil {
			break
		}
		c, err := charged(text, files)
		if err != nil {
			continue // it was told
		}
		begun := c.start() // here, on this thread
		commands.Go(func() { c.finish(asked, begun) })
	}
	leave()
	commands.Wait()
	return 0
}

// door is the file over which orders come; see [Supervisor.lend].
const door = 3

// receive waits for an order, and gives the text of it and the files that came with it. There are
// less files than were sent if this process may not have so many.
func receive() (text []byte, files []*os.File, err error) {
	size := make([]byte, 4)
	control := make([]byte, syscall.CmsgSpace(3*4))
	var n, length int
	err = syscall.EINTR
	for err == syscall.EINTR {
		n, length, _, _, err = syscall.Recvmsg(door, size, control, 0)
	}
	if err != nil {
		return nil, nil, err
	}
	if n < len(size) {
		return nil, nil, io.EOF
	}
	if messages, err := syscall.ParseSocketControlMessage(control[:length]); err == nil {
		for _, m := range messages {
			fds, _ := syscall.ParseUnixRights(&m)
			for _, fd := range fds {
				syscall.CloseOnExec(fd) // nothing is started meanwhile
				files = append(files, os.NewFile(uintptr(fd), "lent"))
			}
		}
	}
	text = make([]byte, binary.NativeEndian.Uint32(size))
	for got := 0; got < len(text); got += n {
		if n, err = syscall.Read(door, text[got:]); err == syscall.EINTR {
			n = 0
		} else if err != nil || n == 0 {
			return nil, files, errors.Join(io.ErrUnexpectedEOF, err)
		}
	}
	return text, files, nil
}

// charged takes an order up. Where it can't, it says so over the wire, if there is one.
func charged(text []byte, files []*os.File) (c *charge, err error) {
	c = new(charge)
	defer func() {
		if err == nil {
			return
		}
		for _, f := range files {
			_ = f.Close()
		}
		if c.wire != nil {
			_ = json.NewEncoder(c.wire).Encode(Result{Exit: -1, Error: err.Error()})
			_ = c.wire.Close()
		}
	}()
	if len(files) == 0 {
		return c, errTooMany
	}
	if c.wire, err = connection(files[0]); err != nil {
		return c, err
	}
	if _, err := io.WriteString(c.wire, taken); err != nil {
		return c, err // nobody wants it any more
	}
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&c.order); err != nil {
		return c, err
	}
	if len(files) != 2+c.Holds {
		return c, errTooMany
	}
	c.log, c.hold = files[1], files[2:]
	return c, nil
}

// errTooMany says that files were sent which this process may not have beside those it has.
var errTooMany = errors.New("too many open files in the process that supervises commands")

// A charge is a command that is supervised.
type charge struct {
	order
	wire  *net.UnixConn
	log   *os.File
	hold  []*os.File // kept open until its group is gone
	cmd   *exec.Cmd
	began time.Time

	mu    sync.Mutex
	over  bool   // it has ended, and its number may be another's
	ended string // see Result
	kill  *time.Timer
}

// start starts the command. The thread of this must go on until the command has ended.
func (c *charge) start() error {
	path, err := find(c.Argv[0], c.Env)
	if err != nil {
		return err
	}
	c.cmd = &exec.Cmd{Path: path, Args: c.Argv, Env: c.Env, Dir: c.Dir, Stdout: c.log, Stderr: c.log, SysProcAttr: EndWithParent()}
	if c.Jobs != "" {
		pipe, err := os.OpenFile(c.Jobs, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer pipe.Close()
		c.cmd.ExtraFiles, c.cmd.Env = []*os.File{pipe, pipe}, append(c.Env, jobserver.Variable(jobReads, jobWrites))
	}
	c.began = time.Now()
	return c.cmd.Start()
}

// finish waits until a command that was begun, if that went well, and its group are gone, and
// tells.
func (c *charge) finish(asked context.Context, begun error) {
	r := Result{Exit: -1}
	if begun != nil {
		r.Error = begun.Error()
	} else {
		r = c.wait(asked)
	}
	if text, err := json.Marshal(r); err == nil && c.Status != "" {
		if err := Replace(c.Status, text); err != nil {
			fmt.Fprintln(c.log, "srcmend: writing how the command ended:", err)
		}
	}
	for _, f := range append(c.hold, c.log) {
		_ = f.Close()
	}
	_ = json.NewEncoder(c.wire).Encode(r)
	_ = c.wire.Close()
}

// wait waits for the command and its group; or until nothing more comes over the wire, or this
// process is asked to end: then it ends them.
func (c *charge) wait(asked context.Context) Result {
	asked, ask := context.WithCancel(asked)
	defer ask()
	defer context.AfterFunc(asked, c.end)()
	go func() {
		_, _ = io.Copy(io.Discard, c.wire) // ends when Run or its process does
		ask()
	}()
	_ = c.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over = true; c.kill != nil {
		c.kill.Stop()
	}
	wall := time.Since(c.began)
	if !endGroup(c.cmd.Process.Pid, time.Second) && c.ended != "" {
		c.ended = Killed
	}
	return result(c.cmd.ProcessState, wall, c.ended)
}

// end asks the command's group to end, and kills it if it does not.
func (c *charge) end() {
	c.signal(syscall.SIGTERM, Interrupted)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.kill = time.AfterFunc(grace, func() { c.signal(syscall.SIGKILL, Killed) })
	}
}

// signal sends a signal to the command's group, unless it is over.
func (c *charge) signal(s syscall.Signal, ended string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.ended = ended
		_ = syscall.Kill(-c.cmd.Process.Pid, s)
	}
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
	if isGone(group, within) {
		return true
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
	isGone(group, within)
	return false
}

// isGone waits until a process group is gone, and reports whether it was within the time.
func isGone(group int, within time.Duration) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		reap(group)
		if syscall.Kill(-group, 0) == syscall.ESRCH {
			return true
		}
	}
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
