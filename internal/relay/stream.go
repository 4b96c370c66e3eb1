package relay

import (
	"bytes"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A stream is one that the command writes to.
type stream struct {
	to    *os.File // where it goes
	inner *os.File // what the command has of it
	outer *os.File // what it is read from
	tty   bool
	end   atomic.Pointer[time.Time] // until when it is waited for, once the command has ended
}

// newStream makes one that looks to the command like what it goes to.
func newStream(to *os.File) (*stream, error) {
	s := &stream{to: to}
	var err error
	if !term.IsTerminal(int(to.Fd())) {
		s.outer, s.inner, err = os.Pipe()
		return s, err
	}
	if s.outer, s.inner, err = pty.Open(); err != nil {
		return nil, err
	}
	s.tty = true
	if err := unblock(&s.outer); err != nil {
		s.drop()
		return nil, err
	}
	// The terminal itself does what terminals do to a text: this one leaves it alone.
	if _, err := term.MakeRaw(int(s.inner.Fd())); err != nil {
		s.drop()
		return nil, err
	}
	s.resize()
	return s, nil
}

// unblock makes a file one that is not waited for by the system, so that reading it can be
// given up.
func unblock(f **os.File) error {
	fd, err := unix.FcntlInt((*f).Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return err
	}
	_ = (*f).Close()
	*f = os.NewFile(uintptr(fd), (*f).Name())
	return nil
}

// resize gives the terminal that the command has the size of the real one.
func (s *stream) resize() {
	if !s.tty {
		return
	}
	size, err := unix.IoctlGetWinsize(int(s.to.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return
	}
	if conn, err := s.outer.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
	}
}

// drop gives up a stream that no command has.
func (s *stream) drop() {
	_ = s.inner.Close()
	_ = s.outer.Close()
}

// copy passes on what the command writes until it has closed the stream. When nobody reads
// that any more, the command is told so the way it would have been. The error is that of
// writing.
func (s *stream) copy(e *ear) (lost error) {
	defer s.outer.Close()
	var begun []byte // a line without its end
	defer func() { e.said <- begun }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := s.outer.Read(buffer)
		if n > 0 && lost == nil {
			_, lost = s.to.Write(buffer[:n])
		}
		if errors.Is(lost, unix.EPIPE) {
			return nil
		}
		begun = e.listen(begun, buffer[:n])
		if err != nil { // the end, which for a terminal is an error
			return lost
		}
		s.extend()
	}
}

// finish is called when the command has ended: its last words are waited for.
func (s *stream) finish(end time.Time) {
	s.end.Store(&end)
	s.extend()
}

// extend says how long the next words may take.
func (s *stream) extend() {
	end := s.end.Load()
	if end == nil {
		return
	}
	next := time.Now().Add(quiet)
	if next.After(*end) {
		next = *end
	}
	if err := s.outer.SetReadDeadline(next); errors.Is(err, os.ErrNoDeadline) {
		_ = s.outer.Close()
	}
}

// An ear hears what all streams carry. What it has heard is told from a goroutine of its
// own: a stream never waits for whoever listens, unless that is far behind.
type ear struct {
	said    chan []byte
	done    chan struct{}
	several bool
}

// longestLine bounds how much of a line is kept back until its end is there, and behind
// how many pieces of text the listener may be.
const (
	longestLine = 64 << 10
	behind      = 64
)

func newEar(heard func([]byte), several bool) *ear {
	e := &ear{said: make(chan []byte, behind), done: make(chan struct{}), several: several}
	go func() {
		defer close(e.done)
		for text := range e.said {
			heard(text)
		}
	}()
	return e
}

// listen hears what a stream carries, and gives what is kept for later: with several
// streams, the line that has not ended.
func (e *ear) listen(before, text []byte) []byte {
	whole := bytes.LastIndexByte(text, '\n') + 1
	switch {
	case !e.several || whole == 0 && len(before)+len(text) >= longestLine:
		whole = len(text)
	case whole == 0:
		return append(before, text...)
	}
	e.said <- append(before, text[:whole]...)
	return bytes.Clone(text[whole:])
}

// close waits until all is told.
func (e *ear) close() {
	close(e.said)
	<-e.done
}
