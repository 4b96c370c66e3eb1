package verify

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/yamlfile"
)

// matrix has so many packages, of which some have many cells.
func matrix(packages int) Matrix {
	var m Matrix
	for i := range packages {
		name := fmt.Sprintf("p%02d", i)
		m.Cells = append(m.Cells, newCell(name, "", "", event.LevelLint))
		for j := range 1 + i%7 {
			m.Cells = append(m.Cells, newCell(name, fmt.Sprint(j), "", event.LevelFetch), newCell(name, fmt.Sprint(j), "", event.LevelBuild))
		}
	}
	m.seal()
	return m
}

func TestShard(t *testing.T) {
	m := matrix(40)
	for _, n := range []int{1, 2, 3, 7, 100} {
		seen := map[string]int{}
		sizes := []int{}
		for i := 1; i <= n; i++ {
			part, err := m.Shard(i, n)
			if err != nil || part.Plan != m.Plan {
				t.Fatalf("%d/%d: %v", i, n, err)
			}
			again, _ := m.Shard(i, n)
			if !slices.Equal(part.IDs(), again.IDs()) {
				t.Errorf("%d/%d is not the same twice", i, n)
			}
			for _, id := range part.IDs() {
				seen[id]++
			}
			sizes = append(sizes, len(part.Cells))
		}
		if len(seen) != len(m.Cells) {
			t.Errorf("%d parts have %d of %d cells", n, len(seen), len(m.Cells))
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("%s is in %d of %d parts", id, times, n)
			}
		}
		if n <= 7 && slices.Max(sizes) > 2*slices.Min(sizes) {
			t.Errorf("the parts of %d have %v cells", n, sizes)
		}
	}
	for _, bad := range [][2]int{{0, 2}, {3, 2}, {1, 0}, {-1, 2}} {
		if _, err := m.Shard(bad[0], bad[1]); err == nil {
			t.Errorf("%v is a part", bad)
		}
	}
}

func TestKnownMatches(t *testing.T) {
	for _, test := range []struct {
		cell, platform string
		id, on         string
		want           bool
	}{
		{"a@1.0/f:build", "", "a@1.0/f:build", "linux/12/amd64", true},
		{"a@1.0/*:build", "", "a@1.0/f:build", "linux/12/amd64", true},
		{"a@*/f:build", "", "a@1.0/f:build", "", true},
		{"a@*:build", "", "a@1.0/f:build", "", false},
		{"a@1.0:build", "", "a@1.0/f:build", "", false},
		{"*:lint", "", "a:lint", "", true},
		{"a@1.0/f:*", "linux/*/amd64", "a@1.0/f:build", "linux/12/amd64", true},
		{"a@1.0/f:*", "freebsd/*/amd64", "a@1.0/f:build", "linux/12/amd64", false},
		{"a@1.0/f:*", "freebsd/*/amd64", "a@1.0/f:verdict", "", true},
	} {
		if got := (Known{Cell: test.cell, Platform: test.platform}).matches(event.Cell{ID: test.id, Platform: test.on}); got != test.want {
			t.Errorf("%s on %q matches %s on %q: %v", test.cell, test.platform, test.id, test.on, got)
		}
	}
}

func TestParseBaseline(t *testing.T) {
	for text, want := range map[string]string{
		"known:\n  - {cell: 'a:lint', reason: r, until: 2027-01-31}\n":         "",
		"known:\n  - {cell: 'a:lint', reason: r, until: soon}\n":               `"soon" is no day`,
		"known:\n  - {cell: 'a:lint', until: 2027-01-31}\n":                    "reason",
		"known:\n  - {cell: 'a:lint', reason: r}\n":                            "until",
		"known:\n  - {cell: 'a[:lint', reason: r, until: 2027-01-31}\n":        "is no pattern",
		"known:\n  - {cell: 'a:lint', reason: r, until: 2027-01-31, who: x}\n": "unknown key",
	} {
		_, err := ParseBaseline("b.yaml", []byte(text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
}

func FuzzParseBaseline(f *testing.F) {
	f.Add([]byte("known:\n  - {cell: 'a@1*/f:lint', platform: 'linux/*', reason: r, until: 2027-01-31}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := ParseBaseline("b.yaml", text)
		if err != nil {
			var mistakes yamlfile.Mistakes
			if !errors.As(err, &mistakes) {
				t.Fatal(err)
			}
			return
		}
		b.Expects(event.Cell{ID: "a@1.0/f:lint"}, time.Unix(0, 0))
		b.Problems([]Result{{Cell: newCell("a", "1.0", "f", event.LevelLint)}}, []Cell{newCell("a", "1.0", "f", event.LevelLint)}, time.Unix(0, 0))
	})
}

func TestStore(t *testing.T) {
	s := OpenStore(t.TempDir(), 1<<20)
	key := func(i int) string { return sum(fmt.Sprint(i)) }
	if _, ok := s.Record(key(1)); ok {
		t.Error("an empty store knows something")
	}
	if err := s.Keep(key(1), Record{Outcome: event.Red, Why: "w", Faults: []Fault{{Rule: "r", Text: "t"}}}); err != nil {
		t.Fatal(err)
	}
	if r, ok := s.Record(key(1)); !ok || r.Why != "w" || r.Faults[0].Text != "t" {
		t.Errorf("it knows %+v, %v", r, ok)
	}
	for _, text := range []string{"", "{", `{"outcome":"failed"}`, `{"outcome":"bright"}`} {
		if err := os.WriteFile(s.cell(key(1)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if r, ok := s.Record(key(1)); ok {
			t.Errorf("%q is known as %+v", text, r)
		}
	}
	logs := t.TempDir()
	if err := os.WriteFile(filepath.Join(logs, "make.log"), []byte("cc -c x.c\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	made := Made{Outcome: event.Green, Logs: []string{"make.log"}, Receipt: &history.Receipt{Package: "p"}}
	for range 2 { // what is there is put there again
		if err := s.KeepMade(key(2), made, logs); err != nil {
			t.Fatal(err)
		}
	}
	m, ok := s.Made(key(2))
	if !ok || m.Receipt.Package != "p" {
		t.Fatalf("it has %+v, %v", m, ok)
	}
	log, err := s.Log(key(2), "make.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if text, err := io.ReadAll(log); err != nil || string(text) != "cc -c x.c\n" {
		t.Errorf("the log is %q, %v", text, err)
	}
	if err := s.KeepMade(key(3), Made{Outcome: event.Green, Logs: []string{"other.log"}}, logs); err == nil {
		t.Error("a log that is not there is kept")
	}
	if _, ok := s.Made(key(3)); ok {
		t.Error("half a build is known")
	}
}

func TestPrune(t *testing.T) {
	s := OpenStore(t.TempDir(), 250_000)
	if err := s.Prune(); err != nil {
		t.Fatal(err)
	}
	logs := t.TempDir()
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(i * i >> 3 * (i%251 + 7))
	}
	var keys []string
	for i := range 6 {
		key := sum(fmt.Sprint(i))
		keys = append(keys, key)
		for j := range noise {
			noise[j] ^= key[(j+i)%60] << (j % 5)
		}
		if err := os.WriteFile(filepath.Join(logs, "make.log"), noise, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := s.KeepMade(key, Made{Outcome: event.Green, Logs: []string{"make.log"}}, logs); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(i-100) * time.Hour)
		if err := os.Chtimes(filepath.Join(s.build(key), madeFile), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := s.Made(keys[0]); !ok { // it is of use, and so the newest now
		t.Fatal("the first is not there")
	}
	half := filepath.Join(filepath.Dir(s.build(keys[5])), ".new-1")
	if err := os.Mkdir(half, 0o700); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(half, old, old); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(); err != nil {
		t.Fatal(err)
	}
	var left []int
	for i, key := range keys {
		if _, ok := s.Made(key); ok {
			left = append(left, i)
		}
	}
	if len(left) == 0 || len(left) > 3 || left[0] != 0 || left[len(left)-1] != 5 {
		t.Errorf("left are %v", left)
	}
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("what was left half written is there: %v", err)
	}
}
