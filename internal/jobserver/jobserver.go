// Package jobserver shares the cores of this machine among builds that run at the same time, by
// the protocol that GNU make has for that.
//
// A [Server] has a token for each core. Who runs a job holds one. A build takes one to begin
// with; the make in it, and all makes that it starts, take more for each further job, as long
// as there are some, and give them back:
//
//	s, err := jobserver.New(dir, runtime.NumCPU())
//	…
//	err = s.Acquire(ctx) // until one is free
//	cmd.ExtraFiles, cmd.Env = …, append(env, jobserver.Variable(3, 4))
//	…
//	s.Release(1)
//
// So there are never more jobs than cores, however many builds there are, and where only one is
// left it has all of them.
//
// A make that is killed takes its tokens with it; see [Server.Refill].
package jobserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// token is what make writes for a job that has ended.
const token = '+'

// A Server has the tokens, in a named pipe.
type Server struct {
	path  string
	pipe  *os.File
	slots int
	turn  chan struct{} // of the one who waits for a token
}

// Most is how many slots there can be: what a pipe has room for everywhere.
const Most = 4096

// New makes a server of so many slots, from 1 to [Most]; its pipe lies in dir.
func New(dir string, slots int) (*Server, error) {
	if slots < 1 || slots > Most {
		return nil, fmt.Errorf("a jobserver has from 1 to %d slots, not %d", Most, slots)
	}
	s := &Server{path: filepath.Join(dir, "jobs"), slots: slots, turn: make(chan struct{}, 1)}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("making a jobserver: %w", err)
	}
	if err := syscall.Mkfifo(s.path, 0o600); err != nil {
		return nil, fmt.Errorf("making a jobserver: %w", &fs.PathError{Op: "mkfifo", Path: s.path, Err: err})
	}
	pipe, err := os.OpenFile(s.path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("making a jobserver: %w", err)
	}
	s.pipe = pipe
	s.Release(slots)
	return s, nil
}

// Path is the named pipe, which a command has to have open for reading and writing.
func (s *Server) Path() string { return s.path }

// Slots is how many jobs there can be at a time.
func (s *Server) Slots() int { return s.slots }

// Close takes the pipe away.
func (s *Server) Close() error { return errors.Join(s.pipe.Close(), os.Remove(s.path)) }

// Acquire takes a token, and waits for it. It is an error if ctx ends before.
func (s *Server) Acquire(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		_ = s.pipe.SetReadDeadline(time.Time{})
		stop := context.AfterFunc(ctx, func() { _ = s.pipe.SetReadDeadline(time.Unix(1, 0)) })
		_, err := s.pipe.Read(make([]byte, 1))
		stop()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, os.ErrDeadlineExceeded): // that was of one before
			return fmt.Errorf("waiting for a free core: %w", err)
		}
	}
}

// Grab takes up to n tokens, as many as there are just now, and says how many.
func (s *Server) Grab(n int) int {
	got := 0
	raw, err := s.pipe.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Read(func(fd uintptr) bool {
		for got < n {
			k, err := syscall.Read(int(fd), make([]byte, n-got))
			if k <= 0 || err != nil {
				break
			}
			got += k
		}
		return true
	})
	return got
}

// Release gives n tokens back.
func (s *Server) Release(n int) {
	tokens := make([]byte, n)
	for i := range tokens {
		tokens[i] = token
	}
	_, _ = s.pipe.Write(tokens) // a pipe has room for far more than there are cores
}

// Refill makes good what killed makes have taken with them. Nobody may hold a token meanwhile.
func (s *Server) Refill() {
	s.Grab(s.slots)
	s.Release(s.slots)
}

// Variable is what tells make (KEY=value) that the two files are the pipe.
func Variable(reads, writes int) string {
	return fmt.Sprintf("MAKEFLAGS= -j --jobserver-auth=%d,%d", reads, writes)
}
