package report

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"srcmend/internal/event"
)

// A Verification keeps what a run of a verification tells: its matrix, its cells, its
// problems and its notes, to be written in any form when it has ended.
type Verification struct {
	Name string           // of the file that it was read from, for errors
	Now  func() time.Time // nil is the real clock

	mu   sync.Mutex
	told []told
	err  error // the first of keeping
}

// told is one event as it is kept.
type told struct {
	at    time.Time
	event event.Event
	line  []byte // as JSON wrote it
}

// A VerificationForm is a form in which a verification is written.
type VerificationForm func(w io.Writer, v *Verification) error

// VerificationForms are the forms of verifications, by name.
var VerificationForms = map[string]VerificationForm{
	"text": VerificationText, "json": VerificationJSON, "junit": VerificationJUnit, "sarif": VerificationSARIF,
	"github": VerificationGitHub, "summary": VerificationSummary, "html": VerificationHTML,
}

// Send keeps one event, if it is of a verification. It may be called by several goroutines.
func (v *Verification) Send(e event.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	if err := v.keep(e, now); err != nil && v.err == nil {
		v.err = err
	}
}

// keep keeps an event just as it would be read from its line.
func (v *Verification) keep(e event.Event, at time.Time) error {
	line, err := encode(e, at)
	if err != nil {
		return err
	}
	if e, err = parseEvent(e.Name(), line); e != nil {
		v.told = append(v.told, told{at, e, line})
	}
	return err
}

// Err returns the first error of keeping what was sent.
func (v *Verification) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// Matrix is what it is about.
func (v *Verification) Matrix() event.Matrix { return lastOf[event.Matrix](v) }

// Verified is how it ended. It has no outcome before that.
func (v *Verification) Verified() event.Verified { return lastOf[event.Verified](v) }

// Problems are in the order in which they were told.
func (v *Verification) Problems() []event.Problem { return allOf[event.Problem](v) }

// Cells are in the order of the matrix.
func (v *Verification) Cells() []event.CellEnded {
	place := places(v.Matrix().Cells)
	cells := allOf[event.CellEnded](v)
	slices.SortStableFunc(cells, func(a, b event.CellEnded) int {
		i, known := place[a.ID]
		k, also := place[b.ID]
		switch {
		case known && also:
			return i - k
		case known != also:
			return map[bool]int{true: -1, false: 1}[known]
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return cells
}

// places says where in a list each text stands.
func places(texts []string) map[string]int {
	at := make(map[string]int, len(texts))
	for i, text := range texts {
		at[text] = i
	}
	return at
}

// began is when the first event was told.
func (v *Verification) began() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.told) == 0 {
		return time.Time{}
	}
	return v.told[0].at
}

// allOf are the events of one type.
func allOf[E event.Event](v *Verification) []E {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []E
	for _, t := range v.told {
		if e, ok := t.event.(E); ok {
			all = append(all, e)
		}
	}
	return all
}

func lastOf[E event.Event](v *Verification) E {
	var last E
	if all := allOf[E](v); len(all) > 0 {
		last = all[len(all)-1]
	}
	return last
}

// VerificationJSON writes the lines that [JSON] writes, with the times that they were told at.
func VerificationJSON(w io.Writer, v *Verification) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	var b bytes.Buffer
	first, err := json.Marshal(header{"stream", event.Version})
	if err != nil {
		return err
	}
	b.Write(append(first, '\n'))
	for _, t := range v.told {
		b.Write(t.line)
		b.WriteByte('\n')
	}
	_, err = w.Write(b.Bytes())
	return err
}

// longest is how long a line may be that is read, in bytes. The matrix is on one.
const longest = 16 << 20

// ReadVerification reads what [JSON] has written of a whole run. Events and fields that it does
// not know are passed over.
func ReadVerification(r io.Reader) (*Verification, error) {
	v := new(Verification)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longest)
	n, begun := 0, false
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := v.read(bytes.Clone(line), begun); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		begun = true
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: it is longer than %d MB, so no srcmend has written it", n+1, longest>>20)
	case err != nil:
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	case !begun:
		return nil, errors.New("it is empty: the run that was to write it has not begun")
	case lastOf[event.Matrix](v).Plan == "":
		return nil, fmt.Errorf("line %d: it ends, and no matrix was told: it is of another command than a verification, or was cut off", n)
	case v.Verified().Outcome == "":
		return nil, fmt.Errorf("line %d: it ends before the verification does: the run was cut off; run it again", n)
	}
	return v, nil
}

// read reads one line. Begun says that there was one before.
func (v *Verification) read(line []byte, begun bool) error {
	var what struct {
		Event   string    `json:"event"`
		Time    time.Time `json:"time"`
		Version int       `json:"version"`
	}
	if !utf8.Valid(line) {
		return errors.New("it is not UTF-8")
	}
	if err := json.Unmarshal(line, &what); err != nil {
		return fmt.Errorf("it is no event: %w", err)
	}
	switch {
	case !begun && what.Event != "stream":
		return errors.New(`it does not begin with the event "stream", so --json has not written it`)
	case !begun && what.Version != event.Version:
		return fmt.Errorf("it is of version %d, and this srcmend reads version %d; use one srcmend for all", what.Version, event.Version)
	case begun && what.Event == "stream":
		return errors.New("another run begins here; keep a file for each")
	case what.Event == "":
		return errors.New("it is no event: it has no name")
	}
	e, err := parseEvent(what.Event, line)
	if e == nil {
		return nil
	}
	if err == nil {
		err = v.sound(e)
	}
	if err != nil {
		return fmt.Errorf("the event %q: %w", what.Event, err)
	}
	v.told = append(v.told, told{what.Time, e, line})
	return nil
}

// sound reports what is wrong with an event that was read.
func (v *Verification) sound(e event.Event) error {
	once := false
	switch e := e.(type) {
	case event.Matrix:
		if once = true; e.Plan == "" {
			return errors.New("it does not say which plan it is of")
		}
	case event.CellEnded:
		return sound(e.Outcome)
	case event.Verified:
		if err := sound(e.Outcome); err != nil {
			return err
		}
		once = true
	}
	if once && slices.ContainsFunc(v.told, func(t told) bool { return t.event.Name() == e.Name() }) {
		return errors.New("it is there twice; keep a file for each run")
	}
	return nil
}

// sound is an error if an outcome is none.
func sound(o event.Outcome) error {
	switch o {
	case event.Green, event.Red, event.Failed, event.Skipped, event.Interrupted:
		return nil
	}
	return fmt.Errorf("there is no outcome %q", o)
}

// parseEvent makes an event of a verification from its line. It is nil if it is another one.
func parseEvent(name string, line []byte) (event.Event, error) {
	switch name {
	case event.Matrix{}.Name():
		return parsed[event.Matrix](line)
	case event.CellEnded{}.Name():
		return parsed[event.CellEnded](line)
	case event.Problem{}.Name():
		return parsed[event.Problem](line)
	case event.Verified{}.Name():
		return parsed[event.Verified](line)
	case event.Note{}.Name():
		return parsed[event.Note](line)
	}
	return nil, nil
}

func parsed[E event.Event](line []byte) (event.Event, error) {
	var e E
	err := json.Unmarshal(line, &e)
	return e, err
}
