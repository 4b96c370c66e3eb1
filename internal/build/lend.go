package build

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// supervisor is the process that supervises the commands of this one. It is started with the
// first of them.
var supervisor front

// A front is this process's side of its supervisor.
type front struct {
	mu    sync.Mutex
	door  *net.UnixConn // takes a wire and files for each command; nil before the first
	ended chan struct{} // closed when the process has ended
}

// Dismiss ends this process's supervisor, if it has one, and waits for it: what the commands have
// used of the processors counts as this process's children's then. It is called when no [Run] is
// under way.
func Dismiss() {
	supervisor.mu.Lock()
	defer supervisor.mu.Unlock()
	supervisor.dismiss()
}

func (f *front) dismiss() {
	if f.door != nil {
		_ = f.door.Close()
		<-f.ended
		f.door = nil
	}
}

// lend gives the supervisor what a command writes to and what is held for it, and returns the
// wire that they talk over about that command: an order there, a result back.
func (f *front) lend(log, hold *os.File) (*net.UnixConn, error) {
	mine, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	files := []*os.File{theirs, log}
	if hold != nil {
		files = append(files, hold)
	}
	if err := f.give(files); err != nil {
		return nil, errors.Join(err, mine.Close())
	}
	return mine, nil
}

// give hands files to the supervisor. If that has been killed another one is started.
func (f *front) give(files []*os.File) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var fds []int
	for _, file := range files {
		fds = append(fds, int(file.Fd()))
	}
	give := func() error {
		_, _, err := f.door.WriteMsgUnix([]byte{0}, syscall.UnixRights(fds...), nil)
		return err
	}
	if f.door != nil && give() == nil {
		return nil
	}
	f.dismiss()
	if err := f.start(); err != nil {
		return err
	}
	return give()
}

// start starts a supervisor: this very program, in a process group of its own.
func (f *front) start() error {
	mine, theirs, err := pair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	path, err := self()
	if err != nil {
		return errors.Join(err, mine.Close())
	}
	cmd := exec.Command(path)
	cmd.Args, cmd.Env, cmd.Dir = []string{os.Args[0], superviseArg}, []string{}, "/"
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, mine.Close())
	}
	f.door, f.ended = mine, make(chan struct{})
	go func() {
		_ = cmd.Wait() // the wires tell
		close(f.ended)
	}()
	return nil
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

// pair makes two ends of a wire, one to give away.
func pair() (*net.UnixConn, *os.File, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "wire")
	mine, err := wire(os.NewFile(uintptr(fds[0]), "wire"))
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return mine, theirs, nil
}

// wire makes a connection of an end of a pair, and closes the file.
func wire(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}
