package verify

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"srcmend/internal/event"
)

const (
	connections = 4 // how many sources are asked at a time
	ahead       = 2 // how many builds unpack or are put away while others have the cores
)

// A board is a run on its way: what became of cells, and which can be looked at now.
type board struct {
	*Verifier
	cells   []Cell
	known   []*Record      // what the store knows of each, nil for nothing
	index   map[string]int // of a cell, by its id
	rest    [][]int        // the cells that rest on a cell
	waiting []int          // for how many others a cell waits
	results []Result
	began   time.Time
	said    time.Time
	mu      sync.Mutex
	changed *sync.Cond
	ready   [2][]int // by what they want most: a core, or a connection
	left    int
}

const (
	core = iota
	connection
)

// Run verifies the cells of a matrix, as many at a time as there are cores, and tells of each
// when it is done. What is known of a cell is not found out again. What was found out when ctx
// ends is kept; the other cells are then interrupted.
func (v *Verifier) Run(ctx context.Context, m Matrix) ([]Result, error) {
	if err := os.MkdirAll(v.Scratch, 0o755); err != nil {
		return nil, err
	}
	b := &board{
		Verifier: v, cells: m.Cells, known: v.recall(m.Cells), index: make(map[string]int, len(m.Cells)),
		rest: make([][]int, len(m.Cells)), waiting: make([]int, len(m.Cells)), results: make([]Result, len(m.Cells)),
		began: time.Now(), left: len(m.Cells),
	}
	b.changed = sync.NewCond(&b.mu)
	for i, c := range m.Cells {
		b.index[c.ID] = i
	}
	for i, c := range m.Cells {
		for _, id := range c.After {
			if j, here := b.index[id]; here {
				b.rest[j] = append(b.rest[j], i)
				b.waiting[i]++
			}
		}
	}
	var first []int
	for i := range m.Cells {
		if b.waiting[i] == 0 {
			first = append(first, i)
		}
	}
	b.mu.Lock()
	for _, i := range first {
		b.begin(i)
	}
	b.mu.Unlock()
	var wg sync.WaitGroup
	work := func(kind int) {
		for {
			i, ok := b.next(kind)
			if !ok {
				return
			}
			b.ended(i, b.one(ctx, b.cells[i], kind))
		}
	}
	for range v.Jobs.Slots() + ahead {
		wg.Go(func() { work(core) })
	}
	for range connections {
		wg.Go(func() { work(connection) })
	}
	wg.Wait()
	v.Jobs.Refill()
	return b.results, ctx.Err()
}

// recall asks the store for all cells, several at a time: there may be many.
func (v *Verifier) recall(cells []Cell) []*Record {
	all := make([]*Record, len(cells))
	var wg sync.WaitGroup
	const readers = 4
	for k := range readers {
		wg.Go(func() {
			for i := k; i < len(cells); i += readers {
				if r, ok := v.remembered(cells[i]); ok {
					all[i] = &r
				}
			}
		})
	}
	wg.Wait()
	return all
}

// begin has a cell looked at, of which all that it rests on is known; the lock is held.
func (b *board) begin(i int) {
	c := b.cells[i]
	for _, id := range c.After {
		j, here := b.index[id]
		if !here || b.results[j].Outcome == event.Green {
			continue
		}
		b.end(i, Result{Cell: c, Record: Record{Outcome: event.Skipped, Why: fmt.Sprintf("rests on %s, which is %s", id, b.results[j].Outcome)}})
		return
	}
	if r := b.known[i]; r != nil {
		b.end(i, Result{Cell: c, Record: *r, Stored: true})
		return
	}
	kind := core
	if c.Level == event.LevelFetch {
		kind = connection
	}
	b.ready[kind] = append(b.ready[kind], i)
	b.changed.Broadcast()
}

// end notes what became of a cell, and lets go on what rests on it; the lock is held.
func (b *board) end(i int, r Result) {
	if r.Outcome == event.Red {
		r.Known = b.Baseline.Expects(r.Cell.Cell, b.began)
	}
	b.results[i] = r
	b.left--
	b.Events.Send(r.Event())
	for _, j := range b.rest[i] {
		if b.waiting[j]--; b.waiting[j] == 0 {
			b.begin(j)
		}
	}
	if b.left == 0 {
		b.changed.Broadcast()
	}
}

// next gives a cell that can be looked at. It waits for one; ok is false if there will be none.
func (b *board) next(kind int) (i int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.ready[kind]) == 0 {
		if b.left == 0 {
			return 0, false
		}
		b.changed.Wait()
	}
	if b.left == 0 {
		return 0, false
	}
	i = b.ready[kind][0]
	b.ready[kind] = b.ready[kind][1:]
	return i, true
}

// one verifies a cell, when there is a core for it.
func (b *board) one(ctx context.Context, c Cell, kind int) Result {
	interrupted := Result{Cell: c, Record: Record{Outcome: event.Interrupted, Why: "interrupted"}, Err: ctx.Err()}
	if ctx.Err() != nil {
		return interrupted
	}
	if kind == core && c.Level != event.LevelBuild { // whose commands wait themselves
		if err := b.Jobs.Acquire(ctx); err != nil {
			interrupted.Err = err
			return interrupted
		}
		defer b.Jobs.Release(1)
	}
	return b.verify(ctx, c, b.began)
}

// ended notes what became of a cell, and tells.
func (b *board) ended(i int, r Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.end(i, r)
	if now := time.Now(); now.Sub(b.said) > 200*time.Millisecond {
		b.said = now
		b.Events.Send(event.Output{Step: "verify", Line: fmt.Sprintf("%d of %d cells", len(b.cells)-b.left, len(b.cells))})
	}
}

// Event is what became of a cell, as it is told.
func (r Result) Event() event.CellEnded {
	return event.CellEnded{
		Cell: r.Cell.Cell, Outcome: r.Outcome, Why: r.Why, Key: r.Key, Stored: r.Stored, Known: r.Known, Builds: r.Builds,
		Start: r.Start.Seconds(), Seconds: r.Seconds, CPU: r.CPU,
	}
}
