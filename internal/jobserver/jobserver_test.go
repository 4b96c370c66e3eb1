package jobserver_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"srcmend/internal/jobserver"
)

func TestServer(t *testing.T) {
	s, err := jobserver.New(t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Grab(1); got != 0 {
		t.Errorf("there are %d tokens more than slots", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	for _, ctx := range []context.Context{ctx, t.Context()} {
		wg.Go(func() { errs <- s.Acquire(ctx) })
	}
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("who is told to give up says %v", err)
	}
	s.Release(1)
	if err := <-errs; err != nil {
		t.Errorf("another one, who is not, says %v", err)
	}
	wg.Wait()
	s.Release(1) // and two are lost
	s.Refill()
	if got := s.Grab(9); got != 3 {
		t.Errorf("refilled it has %d tokens", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Path()); !os.IsNotExist(err) {
		t.Errorf("the pipe is left behind: %v", err)
	}
	if _, err := jobserver.New("/proc/no/such/folder", 1); err == nil {
		t.Error("a pipe can be made nowhere")
	}
}
