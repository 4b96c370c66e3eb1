package fetch

import (
	"fmt"
	"sync"
	"time"
)

// leftAlone is how long a host is not asked again that nobody could connect to.
const leftAlone = 5 * time.Minute

// Silent remembers the hosts that could not be connected to, by all tries of a download, so that they are not asked again for each
// of many files. The zero value knows of none. Several Fetchers may share one.
type Silent struct {
	mu    sync.Mutex
	since map[string]time.Time // by host and port
}

// note remembers that a host has given no answer.
func (s *Silent) note(host string, now time.Time) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since == nil {
		s.since = map[string]time.Time{}
	}
	s.since[host] = now
}

// heard forgets that of a host: it has answered.
func (s *Silent) heard(host string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.since, host)
}

// check says why a host is not asked now, nil if it is.
func (s *Silent) check(host string, now time.Time) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, silent := s.since[host]
	if ago := now.Sub(at); silent && ago < leftAlone {
		return fmt.Errorf("not asked: %s gave no answer %v ago", host, ago.Round(time.Second))
	}
	return nil
}
