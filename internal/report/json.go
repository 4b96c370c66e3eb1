package report

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"srcmend/internal/event"
)

// JSON renders events as JSON lines: one object each, with the event's fields
// and its name as "event" and its time as "time". The first line names the
// version of the format. Events that may be dropped (progress, output) are
// written once a second at most.
type JSON struct {
	W   io.Writer
	Now func() time.Time // nil is the real clock

	mu       sync.Mutex
	begun    bool
	lastLive time.Time
	err      error
}

type header struct {
	Event   string `json:"event"`
	Version int    `json:"version"`
}

// Send renders one event. It may be called by several goroutines.
func (j *JSON) Send(e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	if j.Now != nil {
		now = j.Now()
	}
	if live(e) {
		if now.Sub(j.lastLive) < time.Second {
			return
		}
		j.lastLive = now
	}
	if !j.begun {
		j.begun = true
		j.line(json.Marshal(header{"stream", event.Version}))
	}
	j.line(encode(e, now))
}

// encode is the line of an event.
func encode(e event.Event, at time.Time) ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	stamp, err := json.Marshal(struct {
		Event string    `json:"event"`
		Time  time.Time `json:"time"`
	}{e.Name(), at.UTC()})
	if err != nil || len(body) <= 2 { // {} has no fields
		return stamp, err
	}
	return append(append(stamp[:len(stamp)-1], ','), body[1:]...), nil
}

// line writes a line, and keeps the first error.
func (j *JSON) line(text []byte, err error) {
	if err == nil && j.err == nil {
		_, err = j.W.Write(append(text, '\n'))
	}
	if err != nil && j.err == nil {
		j.err = err
	}
}

// Err returns the first error of writing.
func (j *JSON) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// live reports whether an event only tells what is going on just now.
func live(e event.Event) bool {
	switch e.(type) {
	case event.Progress, event.Output:
		return true
	}
	return false
}
