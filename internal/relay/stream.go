package relay

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A stream is one that the command writes to.
type stream struct {
	to    *os.File // where it goes
	inner *os.File // what the command has of it
	outer *os.File // what it is read from
	tty   bool
	modes *unix.Termios             // which a terminal had when they were last looked at
	end   atomic.Pointer[time.Time] // when the command ended
	after int                       // how much was read since
}

// newStream makes one that looks to the command like what it goes to, if the system has
// terminals to give.
func newStream(to *os.File) (*stream, error) {
	if term.IsTerminal(int(to.Fd())) {
		if s, err := newTerminal(to); err == nil {
			return s, nil
		}
	}
	outer, inner, err := os.Pipe()
	return &stream{to: to, inner: inner, outer: outer}, err
}

// drop gives up a stream that no command has.
func (s *stream) drop() {
	_ = s.inner.Close()
	_ = s.outer.Close()
}

// quiet is how long a stream that something left behind holds open may be silent before it
// is left to itself; longest is when it is, even if it is not silent.
const (
	quiet   = 200 * time.Millisecond
	longest = 2 * time.Second
)

// most is more than a pipe or a terminal holds.
const most = 1 << 20

// errLeft says that the command has ended, that all which it wrote was read, and that
// something which it has left behind still holds the stream open.
var errLeft = errors.New("left behind")

// copy passes on what the command writes until the stream is closed, or is left to what
// the command has left behind. The error is that of writing: the command then goes on as if
// nothing were, but when nobody reads any more (EPIPE), it is told so the way it would have
// been.
func (s *stream) copy(e *ear) (lost error) {
	defer s.outer.Close()
	var begun []byte // a line without its end
	defer func() { e.tell(begun) }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := s.next(buffer)
		s.follow()
		if n > 0 && lost == nil {
			lost = s.write(buffer[:n])
		}
		if errors.Is(lost, unix.EPIPE) {
			return lost
		}
		begun = e.listen(begun, buffer[:n])
		if errors.Is(err, errLeft) {
			s.leave()
		}
		if err != nil { // the end, which for a terminal is an error
			return lost
		}
	}
}

// next waits for what the command writes. The time in which nobody takes what it wrote does
// not count: only that in which there is nothing to take.
func (s *stream) next(p []byte) (int, error) {
	var silent time.Time // since when
	for {
		end := s.end.Load()
		late := end != nil && time.Since(*end) > longest
		if late && s.after > most {
			return 0, errLeft
		}
		n, err := s.take(p)
		switch {
		case !errors.Is(err, unix.EAGAIN):
			if end != nil {
				s.after += n
			}
			return n, err
		case late, !silent.IsZero() && time.Since(silent) >= quiet:
			return 0, errLeft
		case end != nil && silent.IsZero():
			silent = time.Now()
			_ = s.outer.SetReadDeadline(silent.Add(quiet))
		}
		if n, err = s.outer.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

// take reads what is there; if that is nothing, the error is EAGAIN.
func (s *stream) take(p []byte) (n int, err error) {
	err = s.control(func(fd int) error {
		n, err = unix.Read(fd, p)
		return err
	})
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
}

// write writes all of a text. Where it goes may have been made a file that does not wait,
// by someone who shares it: then it is waited for here.
func (s *stream) write(text []byte) error {
	for {
		n, err := s.to.Write(text)
		if !errors.Is(err, unix.EAGAIN) {
			return err
		}
		text = text[n:]
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(s.to.Fd()), Events: unix.POLLOUT}}, -1)
	}
}

// finish is called when the command has ended: its last words are waited for.
func (s *stream) finish() {
	now := time.Now()
	s.end.Store(&now)
	_ = s.outer.SetReadDeadline(now) // for one who waits already
}

// leave gives a stream to a process of its own, so that what still holds it open can go on
// writing, and is not ended. Nothing that is sent to the group of this program or comes
// from its terminal ends that process: it ends with the stream.
func (s *stream) leave() {
	if unix.SetNonblock(int(s.outer.Fd()), false) != nil {
		return
	}
	cat := exec.Command("cat")
	cat.Dir = "/"
	cat.Stdin, cat.Stdout = s.outer, s.to
	cat.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if cat.Start() == nil {
		_ = cat.Process.Release()
	}
}

// An ear hears what all streams carry.
type ear struct {
	mu      sync.Mutex
	heard   func([]byte)
	several bool
}

// longestLine bounds how much of a line is kept back until its end is there.
const longestLine = 64 << 10

// listen hears what a stream carries, and gives what is kept for later: with several
// streams, the line that has not ended.
func (e *ear) listen(before, text []byte) []byte {
	whole := bytes.LastIndexByte(text, '\n') + 1
	switch {
	case !e.several:
		e.tell(text)
		return nil
	case whole == 0 && len(before)+len(text) < longestLine:
		return append(before, text...)
	case whole == 0:
		whole = len(text)
	}
	e.tell(append(before, text[:whole]...))
	return bytes.Clone(text[whole:])
}

func (e *ear) tell(text []byte) {
	if len(text) > 0 {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard(text)
	}
}
