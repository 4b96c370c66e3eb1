package relay_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"srcmend/internal/relay"
)

// sequence is a text no two parts of which are alike.
func sequence(n int) []byte {
	text := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text)
	return text
}

// write writes a text in pieces.
func write(t *testing.T, b *relay.Backlog, text []byte) {
	t.Helper()
	for len(text) > 0 {
		n := min(len(text), 1+rand.IntN(100<<10))
		if got, err := b.Write(text[:n]); got != n || err != nil {
			t.Errorf("%d, %v", got, err)
		}
		text = text[n:]
	}
}

// TestBacklogWithoutReader: the writer is not kept waiting, memory stays small, nothing is
// lost, and no file is left.
func TestBacklogWithoutReader(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	want := sequence(64 << 20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b := relay.NewBacklog()
	write(t, b, want)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if took := int64(after.HeapAlloc) - int64(before.HeapAlloc); took > 16<<20 {
		t.Errorf("it holds %d bytes in memory", took)
	}
	b.End()
	if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestBacklog: one writes, one reads, now this one faster and now that; with and without a
// place for a file.
func TestBacklog(t *testing.T) {
	for what, tmp := range map[string]string{"file": t.TempDir(), "no room": filepath.Join(t.TempDir(), "none")} {
		t.Run(what, func(t *testing.T) {
			t.Setenv("TMPDIR", tmp)
			want := sequence(48 << 20)
			b := relay.NewBacklog()
			go func() {
				for rest := want; len(rest) > 0; {
					n := min(len(rest), 12<<20)
					write(t, b, rest[:n])
					rest = rest[n:]
					time.Sleep(10 * time.Millisecond)
				}
				b.End()
			}()
			var got bytes.Buffer
			for {
				n, err := io.CopyN(&got, b, rand.Int64N(8<<20))
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(n, err)
				}
				time.Sleep(time.Millisecond)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%d bytes of %d are others", got.Len(), len(want))
			}
		})
	}
}

// TestBacklogDropped: where nobody reads, nobody is kept waiting.
func TestBacklogDropped(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	b := relay.NewBacklog()
	time.AfterFunc(100*time.Millisecond, b.Drop)
	write(t, b, sequence(16<<20))
}
