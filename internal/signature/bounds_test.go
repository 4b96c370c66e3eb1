package signature

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"srcmend/internal/buildlog"
)

// TestBounds: what is kept of a log is bound, and so is the work, as bytes that expressions are
// tried on.
func TestBounds(t *testing.T) {
	c := shipped(t)
	var proofs strings.Builder
	for _, s := range c.signatures {
		for _, e := range s.Proof.Matches {
			proofs.WriteString(strings.ReplaceAll(e.Text.String(), "\n", " ") + " ")
		}
	}
	all := proofs.String()
	long := strings.Repeat("x", 7900)
	for _, test := range []struct {
		what string
		line func(i int) string
		n    int
	}{
		{"long folders", func(i int) string { return fmt.Sprintf("make[1]: Entering directory '/d%d/%s'\n", i, long) }, 10_000},
		{"long lines around matches", func(i int) string {
			return fmt.Sprintf("%s %d\n%s\n", long, i, c.signatures[i%len(c.signatures)].Proof.Matches[0].Text)
		}, 8_000},
		{"a document of empty results", func(i int) string {
			if i == 0 {
				return `{"$schema":"x","runs":[{"results":[{}`
			}
			if i == 1_000_000-1 {
				return "]}]}"
			}
			return ",{}"
		}, 1_000_000},
		{"lines full of pieces", func(i int) string {
			at := i * 8000 % (len(all) - 8000)
			return fmt.Sprintf("%d %s\n", i, all[at:at+8000])
		}, 100},
		{"near misses", func(i int) string {
			return fmt.Sprintf("test %d: ld: undefined reference to nothing here; cannot find -lfoo relocation R_X86_64_32 against symbol multiple definition of \n", i)
		}, 20_000},
	} {
		t.Run(test.what, func(t *testing.T) {
			r := &generated{line: test.line, n: test.n}
			var peak uint64
			done, sampled := make(chan bool), make(chan bool)
			go func() { // the heap at its largest, garbage and all
				defer close(sampled)
				for {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapInuse)
					select {
					case <-done:
						return
					case <-time.After(10 * time.Millisecond):
					}
				}
			}()
			scan, err := c.scan(r)
			if err != nil {
				t.Fatal(err)
			}
			close(done)
			<-sampled
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			runtime.KeepAlive(scan)
			if m.HeapAlloc > 64<<20 || peak > 160<<20 {
				t.Errorf("%d MB are kept, at most %d MB were in use", m.HeapAlloc>>20, peak>>20)
			}
			patterns := 0
			for _, s := range c.signatures {
				patterns += len(s.Match)
			}
			if most := atOnce + r.bytes/oneIn + patterns*(atOnceOfOne+r.bytes/oneInOfOne+buildlog.MaxLine); scan.work.spent > most {
				t.Errorf("%d bytes of %d were tried, at most %d should be", scan.work.spent, r.bytes, most)
			}
		})
	}
}

// generated is a log that is made while it is read.
type generated struct {
	line  func(int) string
	n, at int
	bytes int
	text  bytes.Buffer
}

func (g *generated) Read(p []byte) (int, error) {
	if g.text.Len() == 0 && g.at == g.n {
		return 0, io.EOF
	}
	for g.text.Len() < len(p) && g.at < g.n {
		g.text.WriteString(g.line(g.at))
		g.at++
	}
	n, err := g.text.Read(p)
	g.bytes += n
	return n, err
}
