package archive

import (
	"errors"
	"io"
	"sync/atomic"
)

// A counter adds up the bytes read through it. Another goroutine may look.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// A meter stops a stream that is over a bound, or whose context has ended.
type meter struct {
	r io.Reader
	s *scanner
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.s.ended(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.s.plain += int64(n)
	if e := m.s.checkVolume(m.s.plain); e != nil {
		return n, e
	}
	return n, err
}

// An explained reader words the errors of the decoders, so that whoever reads
// an entry need not know them.
type explained struct {
	r io.Reader
	s *scanner
}

func (e *explained) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && err != io.EOF {
		err = e.s.explain(err)
	}
	return n, err
}

// A boundedAt reads at most so many bytes; with left below 0 it has no bound.
type boundedAt struct {
	r    io.ReaderAt
	left int64
}

func (b *boundedAt) ReadAt(p []byte, off int64) (int, error) {
	if b.left >= 0 {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, errors.Join(ErrLimit, errors.New("the zip file's directory is too large"))
		}
	}
	return b.r.ReadAt(p, off)
}

// The pieces in which an ahead reads: small enough to stay in a cache between
// the two goroutines, and enough of them that neither waits for the other at
// every turn.
const (
	aheadPieces = 8
	aheadSize   = 128 << 10
)

// An ahead reads a stream in a goroutine of its own, some pieces ahead of the
// one who reads from it.
type ahead struct {
	full chan piece    // read, in order; closed after the last
	free chan []byte   // to be read into
	made int           // pieces; only run knows
	quit chan struct{} // closed by stop
	cur  []byte        // what of the piece at hand is not taken yet
	buf  []byte        // the piece at hand
	err  error         // what comes after cur, when known
}

// A piece is a part of the stream, and the error that came with it.
type piece struct {
	data []byte
	err  error
}

// newAhead starts to read r. Call stop in the end.
func newAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan piece, aheadPieces), free: make(chan []byte, aheadPieces), quit: make(chan struct{})}
	go a.run(r)
	return a
}

// run fills pieces until the stream ends or nobody wants more.
func (a *ahead) run(r io.Reader) {
	defer close(a.full)
	for buf := a.vacant(); buf != nil; buf = a.vacant() {
		n, err := fill(r, buf)
		a.full <- piece{buf[:n], err} // has room for all there are
		if err != nil {
			return
		}
	}
}

// vacant gives a piece to be read into, nil if nobody wants more.
func (a *ahead) vacant() []byte {
	select {
	case <-a.quit:
		return nil
	case buf := <-a.free:
		return buf
	default:
	}
	if a.made < aheadPieces {
		a.made++
		return make([]byte, aheadSize)
	}
	select {
	case <-a.quit:
		return nil
	case buf := <-a.free:
		return buf
	}
}

// fill reads until buf is full or an error comes.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// next takes the next piece, if the one at hand is used up.
func (a *ahead) next() {
	for len(a.cur) == 0 && a.err == nil {
		if a.buf != nil {
			a.free <- a.buf
			a.buf = nil
		}
		p, more := <-a.full
		if !more {
			a.err = io.EOF
			return
		}
		a.cur, a.err = p.data, p.err
		a.buf = p.data[:cap(p.data)]
	}
}

// peek gives the first piece without taking it, and the error behind it.
func (a *ahead) peek() ([]byte, error) {
	a.next()
	return a.cur, a.err
}

func (a *ahead) Read(p []byte) (int, error) {
	a.next()
	if len(a.cur) == 0 {
		return 0, a.err
	}
	n := copy(p, a.cur)
	a.cur = a.cur[n:]
	return n, nil
}

// stop ends the goroutine and waits until it no longer reads.
func (a *ahead) stop() {
	close(a.quit)
	for range a.full { //nolint:revive // only the end counts
	}
}
