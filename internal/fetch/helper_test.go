package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"srcmend/internal/distfile"
	"srcmend/internal/event"
)

// content is a file of 300 KiB that does not compress.
func content() []byte {
	r := rand.New(rand.NewPCG(7, 7))
	b := make([]byte, 300<<10)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func sumOf(t testing.TB, b []byte) distfile.Sum {
	t.Helper()
	sum, _, err := distfile.Hash(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A world is a Fetcher with a store of its own, whose events are kept and
// whose clock does not make anybody wait.
type world struct {
	*Fetcher
	t *testing.T

	mu     sync.Mutex
	events []event.Event
	waits  []time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := distfile.Open(filepath.Join(t.TempDir(), "store"))
	check(t, err)
	w := &world{t: t}
	w.Fetcher = &Fetcher{Store: store, Events: w.take, Wait: w.noWait}
	return w
}

func (w *world) take(e event.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

func (w *world) noWait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = append(w.waits, d)
	return context.Cause(ctx)
}

// tries returns what was said about sources, a line each.
func (w *world) tries() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []string
	for _, e := range w.events {
		if e, ok := e.(event.SourceTried); ok {
			lines = append(lines, fmt.Sprintf("%s %s %s", e.Outcome, e.Source, e.Why))
		}
	}
	return lines
}

// notes returns the texts of the notes, a line each.
func (w *world) notes() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, e := range w.events {
		if e, ok := e.(event.Note); ok {
			fmt.Fprintf(&b, "%s %s\n", e.Level, e.Text)
		}
	}
	return b.String()
}

// get asks for want under the name a.tar.gz.
func (w *world) get(want []byte, sources ...Source) (distfile.Item, error) {
	return w.Get(w.t.Context(), Request{Name: "a.tar.gz", Identity: sumOf(w.t, want), Sources: sources})
}

// wantGot asserts that want can be had from the sources.
func (w *world) wantGot(want []byte, sources ...Source) {
	w.t.Helper()
	item, err := w.get(want, sources...)
	if err != nil {
		w.t.Fatal(err)
	}
	if got, err := os.ReadFile(item.Path); err != nil || !bytes.Equal(got, want) {
		w.t.Fatalf("the item has %d bytes (%v), want %d", len(got), err, len(want))
	}
}

// wantError asserts that want cannot be had, that the error has all the parts
// in it, and that the store is as it was: no item, and no partial unless bytes
// are expected in it.
func (w *world) wantError(err error, parts ...string) {
	w.t.Helper()
	if err == nil {
		w.t.Fatal("no error")
	}
	text := err.Error()
	if none := (*NoSourceError)(nil); errors.As(err, &none) {
		text += "\n" + none.Hint
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			w.t.Errorf("%q is not in the error:\n%s", part, text)
		}
	}
	items, globErr := filepath.Glob(filepath.Join(w.Store.Dir(), "[^.]*", "*"))
	if globErr != nil || len(items) > 0 {
		w.t.Errorf("the store has %v, %v", items, globErr)
	}
}

// wantPartial asserts how many bytes are waiting to be resumed.
func (w *world) wantPartial(want int64) {
	w.t.Helper()
	var got int64
	err := filepath.WalkDir(filepath.Join(w.Store.Dir(), ".partial"), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && entry.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		st, err := entry.Info()
		got += st.Size()
		return err
	})
	if err != nil || got != want {
		w.t.Errorf("%d bytes in partials (%v), want %d", got, err, want)
	}
}

// A server answers requests one after the other as it was told; the last
// answer is repeated. It keeps the requests.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	answers  []http.HandlerFunc
	requests []*http.Request
}

func serve(t *testing.T, answers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	i := min(len(s.requests), len(s.answers)-1)
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	s.answers[i](w, r)
}

// count is how many requests there were.
func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// header returns the values of a header of all requests.
func (s *server) header(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var values []string
	for _, r := range s.requests {
		values = append(values, r.Header.Get(name))
	}
	return values
}

// at returns the server's URL with a path.
func (s *server) at(path string) Source { return Source{URL: s.URL + path} }

// whole serves b with ranges and, unless it is empty, an ETag.
func whole(b []byte, etag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if etag != "" {
			w.Header().Set("ETag", etag)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}
}

// cut does as h does, but breaks the connection after n bytes of the body.
func cut(h http.HandlerFunc, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h(&cutter{ResponseWriter: w, left: n}, r)
		// Only reached by a body that is shorter.
		panic(http.ErrAbortHandler)
	}
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	if len(b) < c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	_, _ = c.ResponseWriter.Write(b[:c.left])
	c.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// status answers with a code and a text.
func status(code int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, code) }
}

// plain serves b without ranges, whatever was asked for.
func plain(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) }
}

// identityFunc is an identity whose Check returns what the function says.
type identityFunc func() error

func (identityFunc) Key() string { return "test/func" }

func (f identityFunc) Check(io.Reader) error { return f() }
