package relay

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// asking are the signals that ask a program to end.
var asking = []os.Signal{unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP}

// passed are the other signals that mean the command.
var passed = []os.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM}

// signals are those that this program gets while a command runs.
type signals struct {
	got     chan os.Signal
	passing sync.WaitGroup
	asked   bool
	stopped chan struct{}
}

// listen takes the signals over. Those that are ignored stay so, for the command too.
func listen() *signals {
	s := &signals{got: make(chan os.Signal, 16), stopped: make(chan struct{})}
	for _, sig := range slices.Concat(asking, passed, []os.Signal{unix.SIGWINCH, unix.SIGPIPE}) {
		if !signal.Ignored(sig) {
			signal.Notify(s.got, sig)
		}
	}
	return s
}

// pass passes signals on to a process until stop is called.
func (s *signals) pass(p *os.Process, streams []*stream) {
	s.passing.Go(func() {
		for sig := range s.got {
			switch {
			case sig == unix.SIGPIPE: // the error of writing says it
			case sig == unix.SIGWINCH:
				resized := false
				for _, stream := range streams {
					resized = stream.resize() || resized
				}
				if resized { // who was told by the system may have looked too early
					_ = unix.Kill(0, unix.SIGWINCH)
				}
			default:
				asks := slices.Contains(asking, sig)
				s.asked = s.asked || asks
				if asks && errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
					go s.insist(sig.(syscall.Signal))
				} else if !typed(sig) {
					_ = p.Signal(sig)
				}
			}
		}
	})
}

// patience is how long it may take to pass on the last words of a command that has ended,
// once this program is asked to end.
const patience = time.Second

// insist ends this program, if nobody takes what the command wrote.
func (s *signals) insist(sig syscall.Signal) {
	select {
	case <-s.stopped:
	case <-time.After(patience):
		Die(sig)
	}
}

// Die ends this program by a signal, so that whoever started it can see that: a shell that
// runs a loop ends that too when a command has died of SIGINT, and only then.
func Die(sig syscall.Signal) {
	if sig != unix.SIGQUIT && !signal.Ignored(sig) { // to SIGQUIT, Go would say where it stands
		signal.Reset(sig)
		_ = unix.Kill(os.Getpid(), sig)
		time.Sleep(time.Second) // until it has come
	}
	os.Exit(Status{Signal: sig}.Code())
}

// stop gives the signals back, and reports whether one has asked to end.
func (s *signals) stop() bool {
	signal.Stop(s.got)
	close(s.got)
	close(s.stopped)
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
