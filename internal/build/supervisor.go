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
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// A Supervisor runs commands under a process of this same program. The zero value is ready: the
// process is started with the first command. It may be used by several goroutines.
type Supervisor struct {
	mu    sync.Mutex
	door  *net.UnixConn  // takes orders, each with files; nil before the first
	given int            // orders, to the process at the door
	alive sync.WaitGroup // the processes, as long as they have something to do
}

// shift is how many orders a process gets. What daemons its commands have left behind, dead or
// alive, are its children; the next one begins without them.
const shift = 256

// ErrLost says that a command's supervisor vanished, or was ended: how the command would have
// ended is not known.
var ErrLost = errors.New("the process that supervised the command is gone")

// taken is the first that is said over a wire: the order is being carried out.
const taken = "\n"

// order is what the process is told of a command.
type order struct {
	Argv, Env         []string
	Dir, Status, Jobs string
	Holds             int // files that come with it beside the wire and the log
}

// Run carries out c and waits until it and its process group are gone. A command
// that fails is a Result, not an error. When ctx is cancelled the command is
// ended in good order and the error is ctx's. The status file is there then, unless the error is
// [ErrLost] or the disk is full.
func (s *Supervisor) Run(ctx context.Context, c Command) (Result, error) {
	if len(c.Argv) == 0 {
		return Result{}, errors.New("there is no command")
	}
	if c.Status != "" {
		if err := os.Remove(c.Status); err != nil && !os.IsNotExist(err) {
			return Result{}, err
		}
	}
	wire, err := s.begin(c)
	for again := 0; errors.Is(err, errNotTaken) && again < 3; again++ {
		wire, err = s.begin(c)
	}
	if err != nil {
		return Result{}, fmt.Errorf("starting %s under a supervisor: %w", c.Argv[0], err)
	}
	defer wire.Close()
	end := func() { _ = wire.CloseWrite() } // asks for the command to be ended
	defer context.AfterFunc(ctx, end)()
	var long atomic.Bool
	over := make(chan struct{})
	defer close(over)
	go c.measure(over, func() { long.Store(true); end() })
	var res Result
	err = json.NewDecoder(wire).Decode(&res)
	switch {
	case ctx.Err() != nil:
		return res, ctx.Err()
	case err == nil && long.Load():
		res.Ended = fmt.Sprintf("its output is over %d MiB", MaxLog>>20)
		return res, nil
	case err != nil || res.Ended != "":
		return res, fmt.Errorf("%w: %s", ErrLost, strings.Join(c.Argv, " "))
	}
	return res, nil
}

// errNotTaken says that nothing was done about an order.
var errNotTaken = errors.New("it does not take orders: it is killed at once, or may not have more open files")

// begin gives an order, and returns the wire when it was taken.
func (s *Supervisor) begin(c Command) (*net.UnixConn, error) {
	wire, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	o := order{Argv: c.Argv, Env: c.Env, Dir: c.Dir, Status: c.Status, Jobs: c.Jobs}
	if err = s.lend(o, theirs, c.Log, c.Hold); err == nil {
		if _, rerr := io.ReadFull(wire, make([]byte, len(taken))); rerr != nil {
			err = errNotTaken
		}
	}
	if err != nil {
		return nil, errors.Join(err, wire.Close())
	}
	return wire, nil
}

// Close lets the process end, and waits for it: what the commands have used of the processors
// counts as this process's children's then. It is called when no Run is under way.
func (s *Supervisor) Close() {
	s.mu.Lock()
	s.leave()
	s.mu.Unlock()
	s.alive.Wait()
}

// leave gives the process at the door no more orders.
func (s *Supervisor) leave() {
	if s.door != nil {
		_ = s.door.Close()
		s.door = nil
	}
}

// lend gives an order, with the other end of a wire over which it is said how that has ended, what
// the command writes to, and what is held for it. That the wire says nothing more asks for the
// command to be ended.
func (s *Supervisor) lend(o order, wire, log, hold *os.File) error {
	defer wire.Close()
	rights := []int{int(wire.Fd()), int(log.Fd())}
	if hold != nil {
		rights = append(rights, int(hold.Fd()))
		o.Holds = 1
	}
	text := bytes.NewBuffer(make([]byte, 4))
	if err := gob.NewEncoder(text).Encode(o); err != nil {
		return err
	}
	binary.NativeEndian.PutUint32(text.Bytes(), uint32(text.Len()-4))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.given >= shift {
		s.leave()
	}
	if s.door != nil {
		err := s.give(text.Bytes(), rights)
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			return err
		}
		s.leave() // it was killed, or asked to end
	}
	if err := s.start(); err != nil {
		return err
	}
	return s.give(text.Bytes(), rights)
}

// give writes to the door: all at once, or so that nothing can be taken for the beginning of
// something else.
func (s *Supervisor) give(text []byte, rights []int) error {
	n, _, err := s.door.WriteMsgUnix(text, syscall.UnixRights(rights...), nil)
	if err == nil && n < len(text) {
		if _, err = s.door.Write(text[n:]); err != nil {
			s.leave()
		}
	}
	if err == nil {
		s.given++
	}
	return err
}

// start starts a process: this very program, in a process group of its own.
func (s *Supervisor) start() error {
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
	cmd.Stderr = os.Stderr // if it panics
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, mine.Close())
	}
	s.door, s.given = mine, 0
	s.alive.Go(func() { _ = cmd.Wait() }) // the wires tell
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

// pair makes two ends of a connection, one to give away.
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
	mine, err := connection(os.NewFile(uintptr(fds[0]), "wire"))
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return mine, theirs, nil
}

// connection makes a connection of an end of a pair, and closes the file.
func connection(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("not a wire"), conn.Close())
	}
	return unix, nil
}
