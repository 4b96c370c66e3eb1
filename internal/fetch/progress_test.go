package fetch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"srcmend/internal/event"
)

// untilCancelled is work that goes on until it is told to stop.
func untilCancelled(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestWatchedLimit(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	tooLarge := errors.New("too large")
	var sizes []int64
	w := watch{dir: dir, limit: 1000, tooLarge: tooLarge, idle: time.Hour, report: func(n int64) { sizes = append(sizes, n) }}
	err := watched(t.Context(), w, func(ctx context.Context, alive func()) error {
		check(t, os.WriteFile(filepath.Join(dir, "one"), make([]byte, 600), 0o644))
		check(t, os.WriteFile(filepath.Join(dir, "sub", "two"), make([]byte, 600), 0o644))
		return untilCancelled(ctx, alive)
	})
	if !errors.Is(err, tooLarge) {
		t.Errorf("%v, want that it is too large", err)
	}
	if len(sizes) == 0 || sizes[len(sizes)-1] != 1200 {
		t.Errorf("reported were %v", sizes)
	}
}

func TestWatchedIdle(t *testing.T) {
	w := watch{dir: t.TempDir(), limit: 1000, idle: 2 * watchEvery, report: func(int64) {}}
	if err := watched(t.Context(), w, untilCancelled); !errors.Is(err, errIdle) {
		t.Errorf("%v, want errIdle", err)
	}
}

// TestWatchedAlive works for several times the idle time. It says that it is
// alive, or its folder grows, so it must not be cancelled.
func TestWatchedAlive(t *testing.T) {
	const idle = 5 * watchEvery
	dir := t.TempDir()
	signs := map[string]func(alive func(), n int){
		"says so": func(alive func(), _ int) { alive() },
		"grows": func(_ func(), n int) {
			check(t, os.WriteFile(filepath.Join(dir, "x"), make([]byte, n), 0o644))
		},
	}
	for name, sign := range signs {
		t.Run(name, func(t *testing.T) {
			w := watch{dir: dir, limit: 1000, idle: idle, report: func(int64) {}}
			err := watched(t.Context(), w, func(ctx context.Context, alive func()) error {
				for n := range 20 {
					sign(alive, n)
					time.Sleep(idle / 10)
				}
				return ctx.Err()
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWatchedResult(t *testing.T) {
	w := watch{dir: t.TempDir(), limit: 1000, idle: time.Hour, report: func(int64) {}}
	failed := errors.New("failed")
	if err := watched(t.Context(), w, func(context.Context, func()) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v, want the error of the work", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(failed)
	if err := watched(ctx, w, untilCancelled); !errors.Is(err, failed) {
		t.Errorf("%v, want the cause of the cancellation", err)
	}
}

func TestProgressWithoutTotal(t *testing.T) {
	now := time.Unix(0, 0)
	var seen []int64
	p := &progress{what: "x", now: func() time.Time { return now }, events: func(e event.Event) {
		seen = append(seen, e.(event.Progress).Done)
	}}
	for n := range int64(10) {
		p.report(n, 0)
		now = now.Add(progressEvery / 2)
	}
	if len(seen) != 5 {
		t.Errorf("%v, want every other one", seen)
	}
}
