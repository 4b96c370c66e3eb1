package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/tree"
)

// naive looks for a hunk the slow way: every place is tried, by distance, and of
// two alike the later one first.
func naive(lines, old []string, frozen, guess int) int {
	for d := range len(lines) + max(guess, -guess) + 1 {
		for _, at := range []int{guess + d, guess - d} {
			if at >= frozen && at+len(old) <= len(lines) && slices.Equal(lines[at:at+len(old)], old) {
				return at
			}
		}
	}
	return -1
}

// FuzzSearch: both ways of looking, around the guess and by the rarest line, find
// what a slow search finds.
func FuzzSearch(f *testing.F) {
	f.Add("abcabcabc", "ca", 0, 4)
	f.Add("aaaaaaaab", "ab", 3, 0)
	f.Add("abab", "ab", 1, -7)
	f.Add("xyz", "xyz", 0, 900)
	f.Add("x", "yy", 0, 0)
	f.Fuzz(func(t *testing.T, file, pattern string, frozen, guess int) {
		if pattern == "" || len(file) > 300 || guess > 1<<12 || guess < -1<<12 {
			return
		}
		split := func(s string) (lines []string) {
			for i := range len(s) {
				lines = append(lines, fmt.Sprintf("%d\n", s[i]))
			}
			return lines
		}
		lines, old := split(file), split(pattern)
		p := &placer{text: cut(strings.Join(lines, "")), frozen: min(max(frozen, 0), len(lines))}
		last := len(lines) - len(old)
		want := naive(lines, old, p.frozen, guess)
		far := -1
		if last >= p.frozen {
			far = p.searchFar(old, guess, func(at int) bool { return p.frozen <= at && at <= last && p.matches(old, at) })
		}
		if got := p.search(old, guess, last); got != want || far != want {
			t.Fatalf("%q in %q from %d, guess %d: %d and by the rarest line %d, want %d", pattern, file, p.frozen, guess, got, far, want)
		}
	})
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		ops            string
		old            int
		prefix, suffix int
	}{
		{"  -+  ", 5, 2, 2},
		{" + ", 2, 1, 1},
		{"+", 0, 0, 0},
		{"-  ", 3, 0, 2},
		{"  +", 2, 2, 0},
		{" - + ", 4, 1, 1},
	} {
		var h Hunk
		for _, op := range c.ops {
			h.Body = append(h.Body, Line{Op(op), "x\n"})
		}
		if p := h.pattern(); len(p.lines) != c.old || p.prefix != c.prefix || p.suffix != c.suffix {
			t.Errorf("%q: %d old lines, context %d and %d; want %d, %d, %d", c.ops, len(p.lines), p.prefix, p.suffix, c.old, c.prefix, c.suffix)
		}
	}
}

func TestIndex(t *testing.T) {
	p := newPlacer(cut("a\nb\na\n\na\n"))
	for line, want := range map[string][]int{"a\n": {0, 2, 4}, "b\n": {1}, "\n": {3}, "c\n": {}} {
		if got := p.where(line); !slices.Equal(got, want) || p.count(line) != len(want) {
			t.Errorf("%q stands at %v, %d times; want %v", line, got, p.count(line), want)
		}
	}
	if empty := newPlacer(cut("")); empty.len() != 0 || empty.count("a\n") != 0 || len(empty.where("a\n")) != 0 {
		t.Error("an empty file has lines")
	}
}

// TestReversedHunk: turned round, a hunk has its removed lines before its added
// ones; turned round twice it is what it was, where it was in that order.
func TestReversedHunk(t *testing.T) {
	h := parse(t, "--- a/x\n+++ b/x\n@@ -3,5 +3,5 @@ f\n 1\n-2\n-3\n+b\n 4\n+c\n 5\n").Mails[0].Files[0].Hunks[0]
	r := h.reversed()
	var text strings.Builder
	for _, line := range r.Body {
		fmt.Fprintf(&text, "%c%s", line.Op, strings.TrimSuffix(line.Text, "\n"))
	}
	if text.String() != " 1-b+2+3 4-c 5" || r.OldLines != 5 || r.NewLines != 5 || r.Section != "f" {
		t.Errorf("turned round: %q, %+v", text.String(), r)
	}
	if back := r.reversed(); !slices.Equal(back.Body, h.Body) || back.OldStart != h.OldStart {
		t.Errorf("twice: %+v, want %+v", back, h)
	}
}

func TestBest(t *testing.T) {
	exists := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	for _, c := range []struct {
		a, b   string
		exists func(string) bool
		want   string
	}{
		{"x", "y", exists("y"), "y"},
		{"d/x", "x", exists("d/x"), "d/x"},
		{"d/x", "x", exists("d/x", "x"), "x"},
		{"x.orig", "x", exists("x", "x.orig"), "x"},
		{"dir/x", "d/x", exists(), "d/x"},
		{"x", "x", exists(), "x"},
		{"x", "y", exists(), "x"},
	} {
		if got := best(c.a, c.b, c.exists); got != c.want {
			t.Errorf("of %s and %s: %s, want %s", c.a, c.b, got, c.want)
		}
	}
}

func TestDraft(t *testing.T) {
	tr := open(t, map[string]string{"x": "a\n", "d/y": "b\n", "l": "link -> d"})
	d := NewDraft(tr)
	d.beginMail(nil, rules{})
	has := func(d *Draft, name, want string) {
		t.Helper()
		if s, err := d.get(name); err != nil || s.text.String() != want || s.exists != (want != "") {
			t.Errorf("%s is %+v, %v; want %q", name, s, err, want)
		}
	}
	has(d, "x", "a\n")
	has(d, "none", "")
	has(d, "x/below", "")
	if _, err := d.get("l/y"); !errors.Is(err, tree.ErrRefused) {
		t.Errorf("through a link: %v", err)
	}
	fork := d.Fork()
	fork.beginMail(nil, rules{})
	check(t, fork.set("x", state{exists: true, mode: 0o644, text: cut("changed\n")}, false))
	has(fork, "x", "changed\n")
	has(d, "x", "a\n")
	if s, err := fork.base("x", Copy); err != nil || s.text.String() != "a\n" {
		t.Errorf("what a copy is made from: %+v, %v", s, err)
	}
	if s, err := fork.base("x", Rename); err != nil || s.text.String() != "changed\n" {
		t.Errorf("what is renamed: %+v, %v", s, err)
	}
	check(t, fork.set("x", state{exists: true, mode: 0o644, text: cut("other\n")}, true))
	if s, err := fork.base("x", Rename); err != nil || s.text.String() != "a\n" {
		t.Errorf("what is renamed, with another file in its place: %+v, %v", s, err)
	}
	fork.beginMail(nil, rules{})
	if s, err := fork.base("x", Copy); err != nil || s.text.String() != "other\n" {
		t.Errorf("what a copy is made from in the next mail: %+v, %v", s, err)
	}
	check(t, fork.set("new", state{exists: true, mode: fs.ModeSymlink | 0o777, text: cut("d")}, true))
	if _, err := fork.get("new/y"); !errors.Is(err, tree.ErrRefused) {
		t.Errorf("through a link that the patch makes: %v", err)
	}
	check(t, fork.set("d/y", state{}, false))
	check(t, fork.Edit().Commit())
	if d := differ(read(t, tr.Dir()), map[string]string{"x": "other\n", "new": "link -> d", "l": "link -> d"}); d != "" {
		t.Error(d)
	}
}
