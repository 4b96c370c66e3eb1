package signature

import (
	"fmt"
	"strings"
	"testing"
)

// TestFlood: of a signature that a log is full of, the first matches are kept and some of
// the last; other signatures are kept beside it.
func TestFlood(t *testing.T) {
	var log strings.Builder
	const lines = 20_000
	for i := range lines {
		fmt.Fprintf(&log, "f%d.c:%d:1: error: unknown type name 't%d'\n", i, i+1, i)
	}
	log.WriteString("/usr/bin/ld: cannot find -lfrob: No such file or directory\n")
	scan, err := shipped(t).Scan(strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(scan.Strange) > 0 {
		t.Errorf("an error that has a name is kept as one that has none: %+v", scan.Strange[0])
	}
	n := len(scan.Matches)
	if n > keepFirst+keepNewest+1 || n < keepFirst+keepNewest {
		t.Fatalf("%d matches are kept", n)
	}
	if first, last := scan.Matches[0], scan.Matches[n-1]; first.LogLine != 1 || last.LogLine != lines+1 || last.Symbol != "frob" {
		t.Errorf("from %+v to %+v", first, last)
	}
	if late := scan.Matches[n-2]; late.LogLine < lines-lines/100 {
		t.Errorf("the last of the flood stands in line %d", late.LogLine)
	}
	for i := 1; i < n; i++ {
		if scan.Matches[i].LogLine < scan.Matches[i-1].LogLine {
			t.Fatalf("line %d stands before line %d", scan.Matches[i-1].LogLine, scan.Matches[i].LogLine)
		}
	}
}

// TestStoreIsBound: whatever is found, so much is kept, and of each signature something.
func TestStoreIsBound(t *testing.T) {
	s := newStore()
	const signatures = 300
	all := shipped(t).signatures[:signatures]
	for round := range 60 {
		for i, of := range all {
			s.keep(Match{Signature: of, LogLine: round*signatures + i + 1, Text: strings.Repeat("x", maxText), Before: []string{strings.Repeat("y", maxExcerpt)}}, 1)
		}
	}
	folders := newStack()
	kept, _ := s.all(&folders)
	if len(kept) > maxHeld+2*signatures || s.size > maxKept {
		t.Errorf("%d matches and %d bytes are kept", len(kept), s.size)
	}
	of := map[*Signature]bool{}
	for _, m := range kept {
		of[m.Signature] = true
	}
	if len(of) != signatures {
		t.Errorf("%d signatures are left", len(of))
	}
}

// TestAlike: a line that was found before is found again as it stands there, whatever is
// alike around it.
func TestAlike(t *testing.T) {
	c, err := load(`summary: two
signatures:
  - id: it-stopped
    rank: cause
    match:
      - line: 'it has stopped'
        then: 'because of {symbol}'
        within: 8
    cause: It has stopped.
    proof: {matches: [{text: [it has stopped, because of x]}]}
  - id: it-began
    rank: cause
    match: [{line: 'it has begun {symbol}'}]
    cause: It has begun.
    proof: {matches: [{text: it has begun x}]}
`)
	if err != nil {
		t.Fatal(err)
	}
	block := "it has stopped\n" + strings.Repeat("\n", 6) + "because of %s\n" + strings.Repeat("\n", 20)
	var log strings.Builder
	log.WriteString("it has begun a\nit has begun b\n" + strings.Repeat("\n", 20))
	for _, name := range []string{"c", "d", "c"} {
		fmt.Fprintf(&log, block, name)
	}
	scan, err := c.Scan(strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range scan.Matches {
		got = append(got, fmt.Sprint(m.LogLine, m.Symbol))
	}
	if want := "1a 2b 23c 51d 79c"; strings.Join(got, " ") != want {
		t.Errorf("found %q, want %s", got, want)
	}
}
