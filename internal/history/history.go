// Package history remembers every attempt: what was tried, when, how it
// ended, with its logs; and the receipts of what was installed.
//
// It is a folder of numbered folders, one for each attempt:
//
//	h := history.Open(dir)
//	a, err := h.Begin(history.Record{Package: "hello", Release: "2.12"})
//	log := filepath.Join(a.Dir, "make.log")
//	// …
//	err = a.End("green", "installed")
//
// A record is written when the attempt begins and again when it ends, each
// time whole. An attempt that was killed therefore stays "running" on disk;
// readers see from its process that it was interrupted. Records are kept for
// good, they are small; of the logs those of the newest [KeepLogs] attempts.
package history

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// KeepLogs is of how many attempts the logs are kept.
const KeepLogs = 100

// Running is the outcome of an attempt that has not ended.
const Running = "running"

// A Record is one attempt.
type Record struct {
	ID      int       `json:"id"`
	Verb    string    `json:"verb"`
	Package string    `json:"package"`
	Release string    `json:"release"`
	Prefix  string    `json:"prefix,omitempty"`
	Plan    string    `json:"plan,omitempty"` // hash
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Outcome string    `json:"outcome"` // running, green, red, failed, interrupted
	Text    string    `json:"text,omitempty"`
	Step    string    `json:"step,omitempty"` // where it stopped
	Cause   string    `json:"cause,omitempty"`
	Steps   []Step    `json:"steps,omitempty"`
	Fixes   []string  `json:"fixes,omitempty"` // applied
	Logs    []string  `json:"logs,omitempty"`  // file names in the attempt's folder
	PID     int       `json:"pid"`
}

// A Step is one step of an attempt.
type Step struct {
	Name    string  `json:"name"`
	Outcome string  `json:"outcome"`
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_seconds,omitempty"`
	Why     string  `json:"why,omitempty"`
}

// A History is the folder that holds the attempts.
type History struct {
	dir string
	now func() time.Time
}

// Open returns the history in the folder dir, which need not exist. Now is
// the clock; nil is the real one.
func Open(dir string, now func() time.Time) *History {
	if now == nil {
		now = time.Now
	}
	return &History{dir, now}
}

// An Attempt is one that is under way. Record is the caller's to fill in.
type Attempt struct {
	Record
	Dir string // for logs
	h   *History
}

// Begin opens a new attempt with the next free number.
func (h *History) Begin(r Record) (*Attempt, error) {
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		return nil, fmt.Errorf("opening the history: %w", err)
	}
	ids, err := h.ids()
	if err != nil {
		return nil, err
	}
	id := 1
	if len(ids) > 0 {
		id = ids[len(ids)-1] + 1
	}
	for ; ; id++ { // whoever makes the folder has the number
		err := os.Mkdir(h.folder(id), 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("opening the history: %w", err)
		}
	}
	r.ID, r.Started, r.Outcome, r.PID = id, h.now().UTC(), Running, os.Getpid()
	a := &Attempt{Record: r, Dir: h.folder(id), h: h}
	if err := a.save(); err != nil {
		return nil, err
	}
	h.prune(ids)
	return a, nil
}

// End closes the attempt.
func (a *Attempt) End(outcome, text string) error {
	a.Outcome, a.Text, a.Ended = outcome, text, a.h.now().UTC()
	return a.save()
}

func (a *Attempt) save() error {
	text, err := json.MarshalIndent(a.Record, "", "  ")
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(a.Dir, recordFile), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the record of attempt %d: %w", a.ID, err)
	}
	return nil
}

const recordFile = "record.json"

func (h *History) folder(id int) string { return filepath.Join(h.dir, strconv.Itoa(id)) }

// ids returns the numbers of all attempts, ascending.
func (h *History) ids() ([]int, error) {
	entries, err := os.ReadDir(h.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	var ids []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil && e.IsDir() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// prune removes the logs of old attempts; their records stay. A log that can't
// be removed is no reason not to go on.
func (h *History) prune(ids []int) {
	for _, id := range ids[:max(0, len(ids)-KeepLogs+1)] {
		entries, _ := os.ReadDir(h.folder(id))
		for _, e := range entries {
			if e.Name() != recordFile {
				_ = os.RemoveAll(filepath.Join(h.folder(id), e.Name()))
			}
		}
	}
}

// ErrUnknown says that there is no attempt of that number.
var ErrUnknown = errors.New("no such attempt")

// Show returns one attempt and the folder of its logs.
func (h *History) Show(id int) (Record, string, error) {
	text, err := os.ReadFile(filepath.Join(h.folder(id), recordFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, "", fmt.Errorf("%w: %d", ErrUnknown, id)
	}
	if err != nil {
		return Record{}, "", err
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, "", fmt.Errorf("the record of attempt %d is damaged: %w", id, err)
	}
	if r.Outcome == Running && !alive(r.PID) {
		r.Outcome, r.Text = "interrupted", "the process is gone"
	}
	return r, h.folder(id), nil
}

// List returns the attempts, the newest first. One whose record can't be
// read stands there with the reason as its text.
func (h *History) List() ([]Record, error) {
	ids, err := h.ids()
	if err != nil {
		return nil, err
	}
	var out []Record
	for _, id := range ids {
		r, _, err := h.Show(id)
		if err != nil {
			r = Record{ID: id, Outcome: "unreadable", Text: err.Error()}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Compare(b.ID, a.ID) })
	return out, nil
}

// alive reports whether the process still runs. A number that another process
// has got since counts as alive: the answer errs to "running".
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
