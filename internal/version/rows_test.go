package version

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestRows holds the versions that a plain semantic-version library gets wrong
// or does not read at all, one row for each way in which it goes wrong. In each
// row the left one must be lower.
func TestRows(t *testing.T) {
	for _, c := range []struct {
		trap          string
		scheme        Scheme
		lower, higher string
	}{
		{"four components", Dotted, "2.3.4", "2.3.4.1"},
		{"four components, next release", Dotted, "2.3.4.1", "2.3.5"},
		{"candidate behind a dot", Dotted, "2.3.0.rc1", "2.3.0"},
		{"candidate of four components", Dotted, "2.3.4.0-rc1", "2.3.4"},
		{"candidate of three components", Dotted, "2.3.4-rc1", "2.3.4.0"},
		{"beta", Dotted, "2.4.0-beta", "2.4.0"},
		{"letter is no prerelease", Letter, "1.1.1", "1.1.1w"},
		{"letters in order", Letter, "1.1.1a", "1.1.1w"},
		{"two letters follow one", Letter, "0.9.8z", "0.9.8za"},
		{"alphas count", Dotted, "3.0.0-alpha9", "3.0.0-alpha17"},
		{"candidates count", Dotted, "1.0-rc9", "1.0-rc10"},
		{"portable release", Dotted, "9.3", "9.3p1"},
		{"portable releases count", Dotted, "9.3p2", "9.3p10"},
		{"candidate in capitals", Dotted, "5.26.3-RC1", "5.26.3"},
		{"decimal modules", Decimal, "1.02", "1.1"},
		{"patch in capitals", Dotted, "9.18.1", "9.18.1-P1"},
		{"system patch level", Dotted, "12.0", "12.0-p3"},
		{"system patch levels count", Dotted, "12.0-p3", "12.0-p10"},
		{"a word that says nothing", Dotted, "12.0-RELEASE", "12.0-RELEASE-p3"},
		{"behind that word they count", Dotted, "12.0-RELEASE-p5", "12.0-RELEASE-p10"},
		{"p level", Dotted, "1.9.5", "1.9.5p2"},
		{"p levels count", Dotted, "1.9.5p5", "1.9.5p10"},
		{"bare number level", Dotted, "7.0.8", "7.0.8-22"},
		{"bare number levels count", Dotted, "7.0.8-9", "7.0.8-22"},
		{"Debian epoch and plus signs", Deb, "1:2.3.19.1+dfsg1-2", "1:2.3.19.1+dfsg1-2.1"},
		{"Debian stable update", Deb, "1:2.3.19.1+dfsg1-2.1", "1:2.3.19.1+dfsg1-2.1+deb12u6"},
		{"day as a version", Dotted, "20181231", "20190105"},
		{"two components", Dotted, "0.20.2", "0.21"},
		{"letter behind two components", Letter, "3.3", "3.3a"},
		{"letter behind a year", Letter, "2018e", "2018i"},
		{"letter across years", Letter, "2018i", "2019a"},
		{"leading zeros", Dotted, "8.1.0001", "8.1.0010"},
		{"p level of three components", Dotted, "4.2.8", "4.2.8p12"},
		{"p level past nine", Dotted, "4.2.8p9", "4.2.8p12"},
		{"port revision", BSDPkg, "2.98", "2.98_1"},
		{"port epoch", BSDPkg, "2.98_1", "2.97,1"},
		{"date as a patch level", Dotted, "6.4", "6.4-20240414"},
	} {
		lower, higher := mustParse(t, c.scheme, c.lower), mustParse(t, c.scheme, c.higher)
		if lower.Compare(higher) >= 0 {
			t.Errorf("%s: %s is not below %s", c.trap, lower, higher)
		}
		if higher.Compare(lower) <= 0 {
			t.Errorf("%s: %s is not above %s", c.trap, higher, lower)
		}
	}
}

// TestUpperEnd pins what "~>" expands to.
func TestUpperEnd(t *testing.T) {
	for _, c := range []struct {
		scheme     Scheme
		from, want string
	}{
		{Dotted, "2", "3"},
		{Dotted, "2.3", "3"},
		{Dotted, "2.3.4", "2.4"},
		{Dotted, "2.3.4.1", "2.3.5"},
		{Dotted, "2.9.4", "2.10"},
		{Dotted, "2.3.4-rc1", "2.4"},
		{Dotted, "2.09.1", "2.10"},
		{Letter, "1.1.1w", "1.2"},
		{Letter, "2018i", "2019"},
		{BSDPkg, "2.98_1,1", "3,1"},
		{BSDPkg, "1.0.rc2", "2"},
		{BSDPkg, "1.0+2.3", "2"},
		{Deb, "1:2.3.4+dfsg1-1", "1:2.4"},
		{Deb, "2.3.4-1", "2.4"},
		{Deb, "2-1", "3"},
	} {
		upper, err := mustParse(t, c.scheme, c.from).pessimistic()
		if err != nil {
			t.Error(err)
		} else if upper.String() != c.want || upper.Scheme() != c.scheme {
			t.Errorf("%s: ~> %s ends before %s, want %s", c.scheme, c.from, upper, c.want)
		}
	}
}

// TestKeysAreAlike guards what the order rests on: keys of one scheme are of
// one length and hold no negative number, whatever the version.
func TestKeysAreAlike(t *testing.T) {
	lengths := map[Scheme]int{}
	for _, group := range ascending {
		if group.scheme == Deb {
			continue
		}
		for s := range strings.FieldsSeq(group.list) {
			p, err := read(group.scheme, s)
			if err != nil {
				t.Fatal(err)
			}
			if n, seen := lengths[group.scheme]; seen && n != len(p.key) {
				t.Errorf("%s: the key of %s has %d numbers, others have %d", group.scheme, s, len(p.key), n)
			}
			lengths[group.scheme] = len(p.key)
			if slices.Min(p.key) < 0 {
				t.Errorf("%s: the key of %s has a negative number: %d", group.scheme, s, p.key)
			}
		}
	}
	if len(lengths) != len(Schemes())-1 {
		t.Errorf("only %d schemes were looked at", len(lengths))
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"2.3.4", "2.3.4", 0},
		{"2.3.4", "2.3.5", 1},
		{"2.3.4", "2.3.4.1", 2},
		{"2.34", "2.3.4", 1},
		{"kitten", "sitting", 3},
	} {
		if got, back := distance(c.a, c.b), distance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("distance(%q, %q) = %d, back %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}

// TestDebAgainstDpkg asks dpkg itself.
func TestDebAgainstDpkg(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		t.Skip("dpkg is not installed")
	}
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"1", "2", "10", "007", ".", ".", "~rc1", "~", "+dfsg", "+b1", "a", "za", "-1", "-2.1"}
	text := func() string {
		var b strings.Builder
		if random.IntN(4) == 0 {
			fmt.Fprintf(&b, "%d:", random.IntN(3))
		}
		fmt.Fprint(&b, random.IntN(3))
		for range random.IntN(5) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 200 {
		a, b := text(), text()
		v, errA := Parse(Deb, a)
		w, errB := Parse(Deb, b)
		if errA != nil || errB != nil {
			t.Fatalf("%v, %v", errA, errB)
		}
		op := map[int]string{-1: "lt", 0: "eq", 1: "gt"}[v.Compare(w)]
		if err := exec.Command(dpkg, "--compare-versions", a, op, b).Run(); err != nil {
			t.Errorf("dpkg does not say %s %s %s: %v", a, op, b, err)
		}
	}
}

// FuzzNearest: what is near is known, is given once, and an exact match comes
// first.
func FuzzNearest(f *testing.F) {
	f.Add("2.3.4.2", "2.3.4 2.3.4.1 2.3.5", 2)
	f.Add("2.3.x", "2.3.4 2.4.0-beta 2.4.0", 9)
	f.Add("", "1", 1)
	f.Add("0", "0beta 0", 9)
	f.Fuzz(func(t *testing.T, want, list string, n int) {
		var known []Version
		for s := range strings.FieldsSeq(list) {
			if v, err := Parse(Dotted, s); err == nil {
				known = append(known, v)
			}
		}
		near := Nearest(want, known, n)
		if len(near) != max(0, min(n, len(known))) {
			t.Fatalf("%d of %d known ones, asked for %d", len(near), len(known), n)
		}
		count := map[string]int{}
		for _, v := range known {
			count[v.String()]++
		}
		for _, v := range near {
			if count[v.String()]--; count[v.String()] < 0 {
				t.Fatalf("%s is given more often than it is known", v)
			}
		}
		w, err := Parse(Dotted, want)
		exact := err == nil && slices.ContainsFunc(known, func(v Version) bool { return v.Compare(w) == 0 })
		if exact && len(near) > 0 && near[0].Compare(w) != 0 {
			t.Fatalf("%q is known, yet %q comes first", want, near[0])
		}
	})
}
