package signature

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// FuzzGate: it finds what a plain search finds, wherever that stands.
func FuzzGate(f *testing.F) {
	f.Add("undefined reference to `x'\nerror: no", uint64(1))
	f.Add(strings.Repeat("aaaaab", 20), uint64(2))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		pieces := map[string]bool{"aaaaa": true, "error: ": true, "undefined reference": true}
		for range 9 {
			if n := len(text); n > shortest {
				from := r.IntN(n - shortest)
				pieces[text[from:min(n, from+shortest+r.IntN(20))]] = true
			}
		}
		all := slices.Sorted(maps.Keys(pieces))
		type place struct {
			piece string
			at    int
		}
		got, want := map[place]bool{}, map[place]bool{}
		newGate(all).scan([]byte(text), func(piece, at int) { got[place{all[piece], at}] = true })
		for _, p := range all {
			for at := range len(text) {
				if strings.HasPrefix(text[at:], p) {
					want[place{p, at}] = true
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%q in %q: %v, want %v", all, text, got, want)
		}
	})
}

func BenchmarkGate(b *testing.B) {
	line := "libtool: compile:  gcc -DHAVE_CONFIG_H -I. -I../.. -std=gnu99 -g -O2 -fstack-protector-strong -Wall -W -Wmissing-prototypes -MT array.lo -MD -MP -MF .deps/array.Tpo -c array.c -fPIC -DPIC -o .libs/array.o\n"
	text := bytes.Repeat([]byte(line), 1<<20/len(line))
	pieces := []string{"undefined reference", "No such file or directory", "undeclared", "implicit declaration of function", "error: ", "Error 1", "multiple definition of", "cannot find -l", "recompile with -fPIC", "Killed"}
	for w := range strings.FieldsSeq("permission quota mismatch unresolved malformed interpreter corrupted relocation unsupported unrecognized incompatible redefinition previously conflicting") {
		pieces = append(pieces, w)
	}
	g := newGate(pieces)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		g.scan(text, func(int, int) {})
	}
}
