package fetch

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"srcmend/internal/event"
)

// progressEvery is the least time between two progress events of one file.
const progressEvery = 200 * time.Millisecond

// watchEvery is how often a folder that another program fills is looked at.
const watchEvery = 200 * time.Millisecond

// errIdle says that a source sent nothing for too long.
var errIdle = errors.New("nothing came for too long")

// progress sends progress events, not too many.
type progress struct {
	events event.Sink
	what   string
	now    func() time.Time
	last   time.Time
}

func (f *Fetcher) progress(what string) *progress {
	return &progress{events: f.Events, what: what, now: f.now}
}

// report says that done bytes of total are there; total is 0 when unknown. It
// sends an event if the last one is long enough ago, or the work is done.
func (p *progress) report(done, total int64) {
	now := p.now()
	if now.Sub(p.last) < progressEvery && (total == 0 || done < total) {
		return
	}
	p.last = now
	p.events.Send(event.Progress{Step: step, What: p.what, Done: done, Total: total})
}

// watched runs work while it watches the folder that work fills. It reports
// the folder's size, and cancels the context of work when the folder grows
// beyond limit bytes (with tooLarge) or does not grow for the time of idle
// (with errIdle). The function that work is given says that it is alive
// without the folder growing.
func watched(ctx context.Context, w watch, work func(ctx context.Context, alive func()) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	signs := make(chan struct{}, 1)
	alive := func() {
		select {
		case signs <- struct{}{}:
		default:
		}
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		w.run(ctx, cancel, signs)
	}()
	err := work(ctx, alive)
	cause := context.Cause(ctx)
	cancel(nil)
	<-stopped
	if err != nil && cause != nil {
		return cause
	}
	return err
}

// A watch is what watched has to look at.
type watch struct {
	dir      string
	limit    int64 // bytes
	tooLarge error
	idle     time.Duration
	report   func(size int64)
}

// run looks at the folder until ctx is done.
func (w watch) run(ctx context.Context, cancel context.CancelCauseFunc, signs <-chan struct{}) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	idle := time.NewTimer(w.idle)
	defer idle.Stop()
	last := int64(-1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signs:
			idle.Reset(w.idle)
		case <-idle.C:
			cancel(errIdle)
		case <-tick.C:
			size := sizeOf(w.dir)
			if size > w.limit {
				cancel(w.tooLarge)
			}
			if size != last {
				idle.Reset(w.idle)
				w.report(size)
			}
			last = size
		}
	}
}

// sizeOf adds up the files below dir, in bytes. Files come and go while it
// looks, so what cannot be read counts as nothing.
func sizeOf(dir string) int64 {
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if st, err := entry.Info(); err == nil {
			size += st.Size()
		}
		return nil
	})
	return size
}
