package signature

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"

	"srcmend/internal/buildlog"
)

// The buffer through which a log is read. What follows a line may be looked at, and what
// stands before it be shown, as far as this goes.
const (
	bufferSize = 1 << 20
	ahead      = 256 << 10
	behind     = 16 << 10
)

// rooms are buffers: there may be many short logs to read.
var rooms = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// A reader goes through a log, and stops at the lines that have a piece of the gate in
// them. What it keeps does not grow with the log.
type reader struct {
	from io.Reader
	gate *gate

	room    *[bufferSize]byte
	text    []byte // what is in the buffer
	before  int    // how many bytes of the log are not in it any more
	number  int    // of the line at counted, from 1
	counted int    // offset in text
	done    int    // offset in text up to which lines were given
}

// A place is one piece that was found.
type found struct{ at, piece int }

// run calls visit with each line that has pieces, and with which.
func (r *reader) run(visit func(l line, pieces []int)) error {
	r.room, _ = rooms.Get().(*[bufferSize]byte)
	buffer := r.room[:0]
	r.number = 1
	var all []found
	for {
		n, err := io.ReadFull(r.from, buffer[len(buffer):bufferSize])
		buffer = buffer[:len(buffer)+n]
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return err
		}
		r.text = buffer
		end := r.end(last)
		all = all[:0]
		from := max(0, r.done-64)
		r.gate.scan(buffer[from:min(len(buffer), end+64)], func(piece, at int) { all = insert(all, found{from + at, piece}) })
		inOrder := len(all)
		r.coloured(end, func(piece, at int) { all = append(all, found{at, piece}) })
		if len(all) > inOrder {
			slices.SortFunc(all, func(a, b found) int { return a.at - b.at })
		}
		r.lines(all, end, visit)
		if last {
			r.count(len(r.text))
			return nil
		}
		keep := max(0, end-behind)
		r.count(keep)
		buffer = buffer[:copy(buffer, buffer[keep:])]
		r.counted, r.done, r.before = r.counted-keep, end-keep, r.before+keep
	}
}

// leave gives the buffer back; nothing of it may be used any more.
func (r *reader) leave() {
	r.text = nil
	rooms.Put(r.room)
}

// insert adds a place that is not far from the end of those that are in order.
func insert(all []found, f found) []found {
	all = append(all, f)
	for i := len(all) - 1; i > 0 && all[i].at < all[i-1].at; i-- {
		all[i], all[i-1] = all[i-1], all[i]
	}
	return all
}

// coloured looks for pieces in lines with escape sequences, which may stand within a piece.
func (r *reader) coloured(end int, hit func(piece, at int)) {
	for at := r.done; at < end; {
		next := bytes.IndexByte(r.text[at:end], 0x1b)
		if next < 0 {
			return
		}
		start, ok := r.start(at + next)
		stop := r.stop(at + next)
		if ok {
			shown := buildlog.Clean(string(r.text[start:min(stop, start+buildlog.MaxLine)]))
			r.gate.scan([]byte(shown), func(piece, _ int) { hit(piece, start) })
		}
		at = stop
	}
}

// end is up to where lines can be given: the rest may be wanted as what follows.
func (r *reader) end(last bool) int {
	if last {
		return len(r.text)
	}
	most := len(r.text) - ahead
	if newline := bytes.LastIndexByte(r.text[r.done:most], '\n'); newline >= 0 {
		return r.done + newline + 1
	}
	return most // a line longer than the buffer; only its beginning counts
}

// lines groups what was found by lines.
func (r *reader) lines(all []found, end int, visit func(l line, pieces []int)) {
	var pieces []int
	for i := 0; i < len(all); {
		at := all[i].at
		start, ok := r.start(at)
		stop := r.stop(at)
		pieces = pieces[:0]
		for ; i < len(all) && all[i].at < stop; i++ {
			pieces = append(pieces, all[i].piece)
		}
		if !ok || start < r.done || at >= end {
			continue
		}
		r.count(start)
		r.done = min(stop, end)
		visit(line{r, r.number, start, stop}, pieces)
	}
	r.done = max(r.done, end)
}

// start finds where the line around an offset begins; ok is false if that is too far.
func (r *reader) start(at int) (start int, ok bool) {
	from := max(0, at-buildlog.MaxLine)
	if newline := bytes.LastIndexByte(r.text[from:at], '\n'); newline >= 0 {
		return from + newline + 1, true
	}
	return from, from == 0
}

// stop finds where the line around an offset ends, or how far it is looked at.
func (r *reader) stop(at int) int {
	to := min(len(r.text), at+buildlog.MaxLine)
	if newline := bytes.IndexByte(r.text[at:to], '\n'); newline >= 0 {
		return at + newline
	}
	return to
}

// count counts lines up to an offset.
func (r *reader) count(to int) {
	if to > r.counted {
		r.number += bytes.Count(r.text[r.counted:to], []byte{'\n'})
		r.counted = to
	}
}

// A line is one of a log, while the reader is at it.
type line struct {
	r           *reader
	number      int
	start, stop int
}

// raw is the line as it stands, at most MaxLine bytes of it.
func (l line) raw() []byte { return l.r.text[l.start:min(l.stop, l.start+buildlog.MaxLine)] }

// whole is all of the line that is in the buffer.
func (l line) whole() []byte {
	text := l.r.text[l.start:]
	if newline := bytes.IndexByte(text, '\n'); newline >= 0 {
		text = text[:newline]
	}
	return text
}

// around is the line with those that patterns may look at beside it, and where in them it
// begins.
func (l line) around() ([]byte, int) {
	first, last := l, l
	for range maxWithin {
		if before, ok := first.before(); ok {
			first = before
		}
		if next, ok := last.next(); ok {
			last = next
		}
	}
	return l.r.text[first.start:last.stop], l.start - first.start
}

// offset is where in the log the line begins.
func (l line) offset() int { return l.r.before + l.start }

// excerpt is as much of the line as is shown beside another.
func (l line) excerpt() string {
	return cut(l.String(), maxExcerpt)
}

// String is the line as text that can be shown.
func (l line) String() string { return buildlog.Clean(string(l.raw())) }

// next gives the line that follows; ok is false if there is none.
func (l line) next() (next line, ok bool) {
	start := l.stop + 1
	if start >= len(l.r.text) {
		return line{}, false
	}
	return line{l.r, l.number + 1, start, l.r.stop(start)}, true
}

// before gives the line that stands before; ok is false if it is not at hand any more.
func (l line) before() (before line, ok bool) {
	stop := l.start - 1
	if stop <= 0 {
		return line{}, false
	}
	start, ok := l.r.start(stop)
	return line{l.r, l.number - 1, start, stop}, ok
}

// last gives the last lines that hold anything, at most n, when all is read.
func (r *reader) last(n int) (all []string) {
	for at := (line{r: r, start: len(r.text) + 1}); len(all) < n; {
		before, ok := at.before()
		if !ok {
			break
		}
		if text := before.String(); strings.TrimSpace(text) != "" {
			all = append(all, text)
		}
		at = before
	}
	slices.Reverse(all)
	return all
}
