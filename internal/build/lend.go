package build

import (
	"encoding/binary"
	"encoding/json"
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
	door  *net.UnixConn // takes orders, each with files; nil before the first
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

// lend gives the supervisor an order, with the other end of a wire over which it says how that
// has ended, what the command writes to, and what is held for it. That the wire says nothing more
// asks it to end the command.
func (f *front) lend(o order, wire, log, hold *os.File) error {
	defer wire.Close()
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	text = append(binary.NativeEndian.AppendUint32(nil, uint32(len(text))), text...)
	rights := []int{int(wire.Fd()), int(log.Fd())}
	if hold != nil {
		rights = append(rights, int(hold.Fd()))
	}
	give := func() error {
		n, _, err := f.door.WriteMsgUnix(text, syscall.UnixRights(rights...), nil)
		if err == nil && n < len(text) {
			_, err = f.door.Write(text[n:])
		}
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.door != nil && give() == nil {
		return nil
	}
	f.dismiss() // it has been killed
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
