package patch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// conflictsOf are the conflicts of a change to x with a text.
func conflictsOf(t testing.TB, f File, text string, o Options) Conflicts {
	t.Helper()
	o.Strip = 1
	_, err := put(t, open(t, nil), "x", text).Apply(alone(f), o)
	if err != nil && conflictsIn(err) == nil {
		t.Fatal(err)
	}
	return conflictsIn(err)
}

// aligned checks that a comparison is what it says: context and removed lines are the
// old lines of the hunk, context and added lines are lines of the file, one behind the
// other; and it says so line by line.
func aligned(t testing.TB, e *ConflictError, h Hunk, text string) {
	t.Helper()
	lines := slices.Collect(strings.Lines(text))
	old, _, _ := sides(h)
	var mine []string
	next := 0 // number of the next line of the file, 0 when any may come
	for i, d := range e.Compared {
		if d.Op != Add {
			mine = append(mine, d.Text)
		}
		if (d.Line == 0) != (d.Op == Remove) {
			t.Errorf("difference %d: %+v", i, d)
		}
		if d.Op == Remove {
			continue
		}
		if next != 0 && d.Line != next || d.Line > len(lines) || d.Text != excerpt(lines[d.Line-1]) {
			t.Errorf("difference %d: %+v; line %d comes next", i, d, next)
			return
		}
		next = d.Line + 1
	}
	want := old[:min(len(old), maxCompared)]
	if !slices.EqualFunc(mine, want, func(a, b string) bool { return a == excerpt(b) }) {
		t.Errorf("the old lines are %q, compared were %q", want, mine)
	}
	if most := maxCompared + len(old) + slack; len(e.Compared) > most {
		t.Errorf("%d differences", len(e.Compared))
	}
	named(t, e)
}

// named checks that the conflict names the first line that differs.
func named(t testing.TB, e *ConflictError) {
	t.Helper()
	first := slices.IndexFunc(e.Compared, func(d Difference) bool { return d.Op != Context })
	if first < 0 {
		if e.Expected != "" || e.Found != "" || e.Why == "" {
			t.Errorf("nothing differs, and it says %+v", e)
		}
		return
	}
	expected, found := "", ""
	for _, d := range e.Compared[first:] {
		if d.Op == Context {
			break
		}
		if d.Op == Remove && expected == "" {
			expected = d.Text
		}
		if d.Op == Add && found == "" {
			found = d.Text
		}
	}
	if e.Expected != expected || e.Found != found {
		t.Errorf("it names %q and %q; the first lines that differ are %q and %q", e.Expected, e.Found, expected, found)
	}
	if first > 0 && e.Near != e.Compared[first-1].Line+1 {
		t.Errorf("it names line %d, and line %d is the last that is the same", e.Near, e.Compared[first-1].Line)
	}
}

// TestComparedRandom: the comparison of whatever conflict is a true one.
func TestComparedRandom(t *testing.T) {
	compared, same := 0, 0
	empty := open(t, nil)
	for seed := range uint64(cases(t, 3000)) {
		f := newForge(seed + 80000)
		before := f.text(1 + f.IntN(60))
		after := f.change(before, 1+f.IntN(3))
		if before == after {
			continue
		}
		now := f.change(before, 1+f.IntN(6))
		file := File{Line: 1, Kind: Modify, OldName: "a/x", NewName: "b/x", Hunks: Diff(before, after)}
		_, err := put(t, empty, "x", now).Apply(alone(file), Options{Strip: 1, Fuzz: f.IntN(3)})
		for _, e := range conflictsIn(err) {
			if e.Hunk == 0 || len(e.Compared) == 0 {
				continue
			}
			compared++
			same += common90(e)
			aligned(t, e, file.Hunks[e.Hunk-1], now)
			if t.Failed() {
				t.Fatalf("seed %d: %v\n%v\n%s\non %q", seed, e, e.Compared, file.Hunks[e.Hunk-1], now)
			}
		}
	}
	t.Logf("%d comparisons, %d of them with most of the lines the same", compared, same)
	if compared < 1000 || same < compared/3 {
		t.Errorf("%d comparisons, %d of them with most of the lines the same", compared, same)
	}
}

// common90 is 1 if more than half of the hunk's lines were found.
func common90(e *ConflictError) int {
	found, lacks := 0, 0
	for _, d := range e.Compared {
		switch d.Op {
		case Context:
			found++
		case Remove:
			lacks++
		}
	}
	if found > lacks {
		return 1
	}
	return 0
}

// shown writes a comparison in short.
func shown(d []Difference) string {
	var b strings.Builder
	for _, line := range d {
		fmt.Fprintf(&b, "%c%s ", line.Op, line.Text)
	}
	return strings.TrimSpace(b.String())
}

func TestCompared(t *testing.T) {
	hunk := func(start int, body string) Hunk {
		text := fmt.Sprintf("--- a/x\n+++ b/x\n@@ -%d,%d +%d,%d @@\n%s", start, strings.Count(body, "\n ")+strings.Count("\n"+body, "\n-")+strings.Count(body[:1], " "), start, strings.Count(body, "\n ")+strings.Count("\n"+body, "\n+")+strings.Count(body[:1], " "), body)
		return parse(t, text).Mails[0].Files[0].Hunks[0]
	}
	five := " 3\n 4\n-5\n+b\n 6\n 7\n"
	for _, c := range []struct {
		what  string
		hunk  Hunk
		file  string
		near  int
		shown string
	}{
		{"one line is another", hunk(3, five), lines(9, map[int]string{5: "five"}), 5, "3  4 -5 +five  6  7"},
		{"where most of it is, not where it should be", hunk(3, five), lines(9, map[int]string{5: "five"}) + strings.Repeat("x\n", 30) + lines(9, map[int]string{2: "two", 3: "three"})[4:], 5, "3  4 -5 +five  6  7"},
		{"moved, and one line is another", hunk(3, five), strings.Repeat("new\n", 40) + lines(9, map[int]string{6: "six"}), 46, "3  4  5 -6 +six  7"},
		{"a line more", hunk(3, five), lines(9, map[int]string{4: "4\nmore"}), 5, "3  4 +more  5  6  7"},
		{"many lines more", hunk(3, five), lines(9, map[int]string{4: "4" + strings.Repeat("\nmore", 8)}), 5, "3  4" + strings.Repeat(" +more", 8) + "  5  6  7"},
		{"a line less", hunk(3, five), lines(9, map[int]string{4: "-"}), 4, "3 -4  5  6  7"},
		{"the file ends", hunk(3, five), numbered(5), 6, "3  4  5 -6 -7"},
		{"nothing of it", hunk(3, five), "a\nb\n", 3, "-3 -4 -5 -6 -7"},
		{"an empty file", hunk(1, five), "", 1, "-3 -4 -5 -6 -7"},
		{"the last lines are others", hunk(3, five), lines(9, map[int]string{6: "six", 7: "seven"}), 6, "3  4  5 -6 -7 +six +seven"},
		{"lines that are all over the file don't count", hunk(1, " {\n }\n-x\n+y\n {\n }\n"), strings.Repeat("{\n}\n", 60) + "{\n}\nz\n{\n}\n", 3, "{  } -x  {  }"},
	} {
		conflicts := conflictsOf(t, File{Kind: Modify, OldName: "a/x", NewName: "b/x", Hunks: []Hunk{c.hunk}}, c.file, Options{})
		if len(conflicts) != 1 {
			t.Errorf("%s: %v", c.what, conflicts)
			continue
		}
		e := conflicts[0]
		if got := shown(e.Compared); got != c.shown || e.Near != c.near {
			t.Errorf("%s: near line %d: %s; want %d: %s", c.what, e.Near, got, c.near, c.shown)
		}
		aligned(t, e, c.hunk, c.file)
	}
}

// TestComparedIsBounded: neither the comparison of a huge hunk nor that of long lines
// is huge, and the work on it is not the square of its lines.
func TestComparedIsBounded(t *testing.T) {
	const n = 100_000
	h := Hunk{Line: 3, OldStart: 1, OldLines: n, NewStart: 1, NewLines: n - 1}
	for i := range n {
		op := Context
		if i == n/2 {
			op = Remove
		}
		h.Body = append(h.Body, Line{op, fmt.Sprintf("%d\n", i+1)})
	}
	file := File{Line: 1, Kind: Modify, OldName: "a/x", NewName: "b/x", Hunks: []Hunk{h}}
	for what, text := range map[string]string{
		"one line at the end":     lines(n, map[int]string{n: "other"}),
		"one line at the start":   lines(n, map[int]string{1: "other"}),
		"moved, and another line": strings.Repeat("new\n", 300) + lines(n, map[int]string{100: "other"}),
		"nothing of it":           strings.Repeat("other\n", n),
		"one line of it, often":   strings.Repeat("1\n", n),
	} {
		conflicts := conflictsOf(t, file, text, Options{})
		if len(conflicts) != 1 {
			t.Errorf("%s: %v", what, conflicts)
			continue
		}
		if e := conflicts[0]; len(e.Compared) > 2*maxCompared+slack || len(e.Error()) > 2000 {
			t.Errorf("%s: %d differences, %d bytes of message", what, len(e.Compared), len(e.Error()))
		} else if what != "one line at the end" {
			aligned(t, e, h, text)
		}
	}
	long := File{Line: 1, Kind: Modify, OldName: "a/x", NewName: "b/x", Hunks: Diff(strings.Repeat("ä", 1<<20)+"\na\nb\n", strings.Repeat("ä", 1<<20)+"\nb\nb\n")}
	for _, e := range conflictsOf(t, long, strings.Repeat("ö", 1<<20)+"\na\nc\n", Options{}) {
		for _, d := range e.Compared {
			if len(d.Text) > maxExcerpt+len("…") || !utf8.ValidString(d.Text) {
				t.Errorf("a line of %d bytes, valid %v", len(d.Text), utf8.ValidString(d.Text))
			}
		}
	}
}

// TestManyConflicts: all hunks that do not fit are named, in their order, each beside
// its own place; those that fit don't hide them.
func TestManyConflicts(t *testing.T) {
	want := map[int]string{}
	now := map[int]string{}
	for i := 10; i < 400; i += 20 {
		want[i] = "changed"
		if i%40 == 10 {
			now[i] = "other"
		}
	}
	f := File{Line: 1, Kind: Modify, OldName: "a/x", NewName: "b/x", Hunks: Diff(numbered(400), lines(400, want))}
	conflicts := conflictsOf(t, f, lines(400, now), Options{})
	if len(conflicts) != len(now) {
		t.Fatalf("%d conflicts, want %d", len(conflicts), len(now))
	}
	for i, e := range conflicts {
		if line := 10 + 40*i; e.Hunk != 2*i+1 || e.Near != line || e.Expected != fmt.Sprint(line) || e.Found != "other" {
			t.Errorf("conflict %d: %+v", i, e)
		}
	}
	other := conflictsOf(t, f, strings.Repeat("other\n", 400), Options{})
	if len(other) != len(want) {
		t.Errorf("%d conflicts, want %d", len(other), len(want))
	}
	if !strings.HasSuffix(conflicts.Error(), fmt.Sprintf("there are %d more places", len(now)-1)) || !errors.As(error(conflicts), new(*ConflictError)) {
		t.Errorf("%v", conflicts)
	}
}
