package relay

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// A Backlog is text on its way from one who must not be kept waiting, such as
// [Command.Heard], to one who reads it more slowly. A little of it is kept in memory, the
// rest in a file that has no name. The writer waits only if there is no room for that.
type Backlog struct {
	mu      sync.Mutex
	changed sync.Cond
	kept    bytes.Buffer // what is read next
	file    *os.File     // what comes after it, nil for nothing yet
	from    int64        // where in the file that begins
	to      int64
	ended   bool
	dropped bool
}

// mostKept is how much is kept in memory.
const mostKept = 1 << 20

// NewBacklog makes an empty one.
func NewBacklog() *Backlog {
	b := &Backlog{}
	b.changed.L = &b.mu
	return b
}

func (b *Backlog) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	room := b.from == b.to && b.kept.Len()+len(p) <= mostKept
	if !room && !b.dropped && b.spool(p) == nil {
		return len(p), nil
	}
	for !room && !b.dropped && !b.empty() {
		b.changed.Wait()
	}
	if !b.dropped {
		b.kept.Write(p)
	}
	b.changed.Broadcast()
	return len(p), nil
}

// spool puts text into the file.
func (b *Backlog) spool(p []byte) error {
	if b.file == nil {
		f, err := os.CreateTemp("", "srcmend-run-")
		if err != nil {
			return err
		}
		_ = os.Remove(f.Name())
		b.file = f
	}
	_, err := b.file.WriteAt(p, b.to)
	if err == nil {
		b.to += int64(len(p))
	}
	return err
}

func (b *Backlog) empty() bool { return b.kept.Len() == 0 && b.from == b.to }

func (b *Backlog) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.empty() {
		if b.ended {
			return 0, io.EOF
		}
		b.changed.Wait()
	}
	defer b.changed.Broadcast()
	if b.kept.Len() > 0 {
		return b.kept.Read(p)
	}
	n, err := b.file.ReadAt(p[:min(int64(len(p)), b.to-b.from)], b.from)
	b.from += int64(n)
	if b.from == b.to {
		b.from, b.to = 0, 0
		_ = b.file.Truncate(0)
	}
	return n, err
}

// End says that nothing more is written.
func (b *Backlog) End() { b.set(&b.ended) }

// Drop says that nothing more is read.
func (b *Backlog) Drop() { b.set(&b.dropped) }

func (b *Backlog) set(flag *bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*flag = true
	b.changed.Broadcast()
}
