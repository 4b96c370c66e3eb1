package patch

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// FuzzText: a text made of blocks of any size, and again and again of parts of the one
// before, has the lines that the library finds in its content.
func FuzzText(f *testing.F) {
	for i, s := range []string{"", "a", "\n", "\n\n\n\n\n\n\n\n\n", "1234567\n12345678\n123456789\n", "\n234567890", "\x8a\x0b\x09\n\x8a\xff\n\x00\n", strings.Repeat("line\n", 99) + "end"} {
		f.Add(s, i, uint64(i))
	}
	f.Fuzz(func(t *testing.T, s string, size int, seed uint64) {
		if len(s) > 1<<14 {
			return
		}
		r := rand.New(rand.NewPCG(seed, 0))
		now := cutInto(1+(size&0xff), s)
		holds(t, now, s, r)
		for range 6 {
			lines := slices.Collect(strings.Lines(now.String()))
			from := r.IntN(len(lines) + 1)
			to := from + r.IntN(len(lines)-from+1)
			added := slices.Repeat([]string{"new\n"}, r.IntN(3))
			if to == len(lines) && r.IntN(2) == 0 {
				added = append(added, "end")
			}
			p := newPlacer(now)
			if !p.copy(from) || !p.write(added) {
				continue // behind a line without a newline
			}
			p.frozen = to
			after, bad := p.finish()
			if bad != nil {
				continue
			}
			holds(t, now, strings.Join(lines, ""), r)
			holds(t, after, strings.Join(slices.Concat(lines[:from], added, lines[to:]), ""), r)
			now = after
		}
	})
}

// holds checks what a text says of itself.
func holds(t *testing.T, have *text, want string, r *rand.Rand) {
	t.Helper()
	lines := slices.Collect(strings.Lines(want))
	if have.len() != len(lines) || have.bytes() != len(want) || have.ends() != (want == "" || strings.HasSuffix(want, "\n")) {
		t.Fatalf("%d lines, %d bytes, an end: %t; it should be %q", have.len(), have.bytes(), have.ends(), want)
	}
	for _, i := range r.Perm(len(lines)) {
		if got := have.line(i); got != lines[i] {
			t.Fatalf("line %d is %q, want %q", i, got, lines[i])
		}
	}
	if got := have.lines(len(lines)/2, len(lines)); !slices.Equal(got, lines[len(lines)/2:]) {
		t.Fatalf("the second half is %q, want %q", got, lines[len(lines)/2:])
	}
	n := 0
	for i, line := range have.each() {
		if i != n || line != lines[i] {
			t.Fatalf("line %d, the %d. one, is %q", i, n, line)
		}
		n++
	}
	var parts strings.Builder
	for _, part := range have.parts() {
		parts.Write(part)
	}
	if n != len(lines) || have.String() != want || parts.String() != want {
		t.Fatalf("%d lines: %q, and in parts %q; want %q", n, have, parts.String(), want)
	}
	other := cutInto(1+r.IntN(9), want)
	if !have.equal(other) || !other.equal(have) || !have.equal(have) {
		t.Fatalf("%q is not equal to itself", want)
	}
	if want != "" {
		changed := []byte(want)
		changed[r.IntN(len(changed))]++
		if other := cutInto(1+r.IntN(9), string(changed)); have.equal(other) || other.equal(have) {
			t.Fatalf("%q is equal to %q", want, changed)
		}
	}
}
