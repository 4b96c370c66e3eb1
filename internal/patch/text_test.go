package patch

import (
	"slices"
	"strings"
	"testing"
)

// FuzzCut: the lines are those that the library finds.
func FuzzCut(f *testing.F) {
	for _, s := range []string{"", "a", "\n", "\n\n\n\n\n\n\n\n\n", "1234567\n12345678\n123456789\n", "\n234567890", "\x8a\x0b\x09\n\x8a\xff\n\x00\n", strings.Repeat("line\n", 99) + "end"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lines := cut(s)
		want := slices.Collect(strings.Lines(s))
		if got := lines.lines(0, lines.len()); !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", s, got, want)
		}
		if got := lines.span(len(want)/2, len(want)); got != strings.Join(want[len(want)/2:], "") {
			t.Fatalf("%q: the second half is %q", s, got)
		}
	})
}
