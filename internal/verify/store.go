package verify

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"srcmend/internal/build"
	"srcmend/internal/check"
	"srcmend/internal/event"
	"srcmend/internal/history"
)

// A Store keeps what became of cells and of builds, by their keys:
//
//	cells/KK/KEY.json   a [Record]
//	builds/KK/KEY/      a [Made] in made.json, and the logs, compressed
//
// Whatever is in it is whole: it got its name when it was. Several processes may use it.
type Store struct {
	dir   string
	limit int64 // bytes of builds
}

// OpenStore opens the store in a folder, which is made when something is put in. It has a limit
// in bytes; see [Store.Prune].
func OpenStore(dir string, limit int64) *Store { return &Store{dir, limit} }

// A Record is what became of a cell.
type Record struct {
	Outcome event.Outcome `json:"outcome"` // green or red; skipped if no source could be reached
	Why     string        `json:"why,omitempty"`
	Faults  []Fault       `json:"faults,omitempty"`
	At      time.Time     `json:"at"`
	Seconds float64       `json:"seconds,omitempty"`
	CPU     float64       `json:"cpu_seconds,omitempty"`
	Answer  *check.Answer `json:"answer,omitempty"` // of a release, about a patch
}

// A Made is what became of a build.
type Made struct {
	Outcome event.Outcome    `json:"outcome"`        // green or red
	Step    string           `json:"step,omitempty"` // that is red
	Text    string           `json:"text,omitempty"`
	Hint    string           `json:"hint,omitempty"`
	Seconds float64          `json:"seconds"`
	CPU     float64          `json:"cpu_seconds"`
	Logs    []string         `json:"logs,omitempty"` // names, in the order in which they were written
	Receipt *history.Receipt `json:"receipt,omitempty"`
}

const (
	recordEnding = ".json"
	madeFile     = "made.json"
	logEnding    = ".gz"
)

func (s *Store) cell(key string) string {
	return filepath.Join(s.dir, "cells", key[:2], key+recordEnding)
}

func (s *Store) build(key string) string { return filepath.Join(s.dir, "builds", key[:2], key) }

// Record gives what is known of a cell's key. What can't be read counts as not known.
func (s *Store) Record(key string) (Record, bool) {
	var r Record
	text, err := os.ReadFile(s.cell(key))
	if err != nil || json.Unmarshal(text, &r) != nil || !slices.Contains([]event.Outcome{event.Green, event.Red, event.Skipped}, r.Outcome) {
		return Record{}, false
	}
	return r, true
}

// Keep keeps what became of a cell.
func (s *Store) Keep(key string, r Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path := s.cell(key)
	if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		err = build.Replace(path, text)
	}
	if err != nil {
		return fmt.Errorf("keeping what was found out: %w", err)
	}
	return nil
}

// Made gives what is known of a build.
func (s *Store) Made(key string) (Made, bool) {
	var m Made
	if key == "" {
		return m, false
	}
	path := filepath.Join(s.build(key), madeFile)
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &m) != nil || m.Outcome != event.Green && m.Outcome != event.Red {
		return Made{}, false
	}
	now := time.Now()
	if info, err := os.Stat(path); err == nil && now.Sub(info.ModTime()) > 24*time.Hour {
		_ = os.Chtimes(path, now, now) // it is of use
	}
	return m, true
}

// Forget drops what is known of a build.
func (s *Store) Forget(key string) error { return os.RemoveAll(s.build(key)) }

// maxKept is how much of a log is kept, in bytes: if it is longer, its end.
const maxKept = 64 << 20

// KeepMade keeps what became of a build, with its logs, which lie in a folder.
func (s *Store) KeepMade(key string, m Made, logs string) error {
	to := s.build(key)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("keeping a build: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(to), ".new-")
	if err != nil {
		return fmt.Errorf("keeping a build: %w", err)
	}
	defer os.RemoveAll(tmp)
	for _, name := range m.Logs {
		if err := compress(filepath.Join(logs, name), filepath.Join(tmp, name+logEnding)); err != nil {
			return fmt.Errorf("keeping the log of a build: %w", err)
		}
	}
	text, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(filepath.Join(tmp, madeFile), text, 0o644)
	}
	if err == nil {
		err = os.Chmod(tmp, 0o755)
	}
	if err == nil {
		err = os.RemoveAll(to) // it could not be read
	}
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) { // another process has built the same
		return fmt.Errorf("keeping a build: %w", err)
	}
	return nil
}

func compress(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if info, err := in.Stat(); err == nil && info.Size() > maxKept {
		if _, err := in.Seek(-maxKept, io.SeekEnd); err != nil {
			return err
		}
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	z, _ := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(out)
	_, err = io.Copy(z, in)
	return errors.Join(err, z.Close(), out.Close())
}

// packers compress logs. One is large, and many logs are small.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// Log opens a log of a build.
func (s *Store) Log(key, name string) (io.ReadCloser, error) {
	f, err := os.Open(s.LogPath(key, name))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the log %s: %w", f.Name(), err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}

// LogPath is where a log of a build lies, compressed by gzip.
func (s *Store) LogPath(key, name string) string {
	return filepath.Join(s.build(key), name+logEnding)
}

// Prune removes the builds that were of use the longest time ago, until the rest is within the
// limit, and what was left half written long ago. What is known of their cells stays.
func (s *Store) Prune() error {
	const stale = 24 * time.Hour
	type kept struct {
		path string
		size int64
		used time.Time
	}
	var all []kept
	var total int64
	shelves, err := os.ReadDir(filepath.Join(s.dir, "builds"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking through the store of builds: %w", err)
	}
	for _, shelf := range shelves {
		builds, err := os.ReadDir(filepath.Join(s.dir, "builds", shelf.Name()))
		if err != nil {
			return fmt.Errorf("looking through the store of builds: %w", err)
		}
		for _, b := range builds {
			k := kept{path: filepath.Join(s.dir, "builds", shelf.Name(), b.Name())}
			files, _ := os.ReadDir(k.path)
			for _, f := range files {
				if info, err := f.Info(); err == nil {
					k.size += info.Size()
					if f.Name() == madeFile {
						k.used = info.ModTime()
					}
				}
			}
			if info, err := b.Info(); k.used.IsZero() && err == nil {
				if time.Since(info.ModTime()) < stale {
					continue // somebody is at it
				}
			}
			total += k.size
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return a.used.Compare(b.used) })
	for _, k := range all {
		if total <= s.limit && !k.used.IsZero() {
			break
		}
		if err := os.RemoveAll(k.path); err != nil {
			return fmt.Errorf("making room in the store of builds: %w", err)
		}
		total -= k.size
	}
	return nil
}
