package relay

import (
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// asking are the signals that ask a program to end.
var asking = []os.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP}

// passed are the other signals that mean the command.
var passed = []os.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM}

// signals are those that this program gets while a command runs.
type signals struct {
	got     chan os.Signal
	streams []*stream
	passing sync.WaitGroup
	asked   bool
}

// listen takes the signals over. Those that are ignored stay so, for the command too.
func listen(streams []*stream) *signals {
	s := &signals{got: make(chan os.Signal, 16), streams: streams}
	for _, sig := range slices.Concat(asking, passed, []os.Signal{unix.SIGWINCH, unix.SIGPIPE}) {
		if !signal.Ignored(sig) {
			signal.Notify(s.got, sig)
		}
	}
	return s
}

// pass passes signals on to a process until stop is called.
func (s *signals) pass(p *os.Process) {
	s.passing.Go(func() {
		for sig := range s.got {
			switch {
			case sig == unix.SIGPIPE: // the error of writing says it
			case sig == unix.SIGWINCH:
				for _, stream := range s.streams {
					stream.resize()
				}
			default:
				s.asked = s.asked || slices.Contains(asking, sig)
				if !typed(sig) {
					_ = p.Signal(sig)
				}
			}
		}
	})
}

// stop gives the signals back, and reports whether one has asked to end.
func (s *signals) stop() bool {
	signal.Stop(s.got)
	close(s.got)
	s.passing.Wait()
	return s.asked
}

// typed reports whether a signal may come from the keys of the terminal, which the command
// then got as well: both are of the group that the terminal belongs to.
func typed(sig os.Signal) bool {
	if sig != unix.SIGINT && sig != unix.SIGQUIT {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == syscall.Getpgrp()
}
