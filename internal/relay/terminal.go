package relay

import (
	"os"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// newTerminal makes a stream that looks to the command like the terminal that it goes to.
func newTerminal(to *os.File) (*stream, error) {
	outer, inner, err := pty.Open()
	if err != nil {
		return nil, err
	}
	s := &stream{to: to, inner: inner, outer: outer, tty: true}
	if err = unblock(&s.outer); err == nil {
		err = s.imitate()
	}
	if err != nil {
		s.drop()
		return nil, err
	}
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
	return (*f).SetReadDeadline(time.Time{}) // which some files have not
}

// imitate gives the terminal that the command has the modes and the size of the real one.
// But what terminals do to a text the real one does: this one leaves it alone.
func (s *stream) imitate() error {
	modes, err := unix.IoctlGetTermios(int(s.to.Fd()), getModes)
	if err != nil {
		return err
	}
	modes.Oflag &^= unix.OPOST
	if err := unix.IoctlSetTermios(int(s.inner.Fd()), setModes, modes); err != nil {
		return err
	}
	s.resize()
	return s.control(func(fd int) error {
		s.modes, err = unix.IoctlGetTermios(fd, getModes)
		return err
	})
}

// follow does to the real terminal what the command has done to the modes of its own since
// it was last called: programs that draw say on the terminal that they write to how the
// keys are to be read.
func (s *stream) follow() {
	if !s.tty {
		return
	}
	_ = s.control(func(fd int) error {
		now, err := unix.IoctlGetTermios(fd, getModes)
		if err != nil || *now == *s.modes {
			return err
		}
		was := s.modes
		s.modes = now
		modes, err := unix.IoctlGetTermios(int(s.to.Fd()), getModes)
		if err != nil {
			return err
		}
		change(&modes.Iflag, was.Iflag, now.Iflag)
		change(&modes.Oflag, was.Oflag|unix.OPOST, now.Oflag|unix.OPOST) // which is ours
		change(&modes.Cflag, was.Cflag, now.Cflag)
		change(&modes.Lflag, was.Lflag, now.Lflag)
		for i := range now.Cc {
			if now.Cc[i] != was.Cc[i] {
				modes.Cc[i] = now.Cc[i]
			}
		}
		return unix.IoctlSetTermios(int(s.to.Fd()), setModes, modes)
	})
}

// change sets those flags that have changed.
func change[Flags uint32 | uint64](flags *Flags, was, now Flags) {
	*flags ^= (*flags ^ now) & (was ^ now)
}

// resize gives the terminal that the command has the size of the real one, and reports
// whether it had another.
func (s *stream) resize() (resized bool) {
	if !s.tty {
		return false
	}
	_ = s.control(func(fd int) error {
		had, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err != nil {
			return err
		}
		size, err := unix.IoctlGetWinsize(int(s.to.Fd()), unix.TIOCGWINSZ)
		if err != nil || *size == *had {
			return err
		}
		resized = true
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, size)
	})
	return resized
}

// control calls f with what a stream is read from, unless that is closed.
func (s *stream) control(f func(fd int) error) error {
	conn, err := s.outer.SyscallConn()
	if err != nil {
		return err
	}
	cerr := conn.Control(func(fd uintptr) { err = f(int(fd)) })
	if cerr != nil {
		return cerr
	}
	return err
}
