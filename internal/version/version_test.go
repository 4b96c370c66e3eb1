package version

import (
	"slices"
	"strings"
	"testing"
)

// mustParse reads s or ends the test.
func mustParse(t testing.TB, scheme Scheme, s string) Version {
	t.Helper()
	v, err := Parse(scheme, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// ascending holds versions of real packages, each list from the oldest on. All
// pairs of a list are compared, in both directions.
var ascending = []struct {
	scheme Scheme
	list   string
}{
	{Dotted, "2.3.0.rc1 2.3.0 2.3.3 2.3.4 2.3.4.1 2.3.5 2.3.9 2.3.10 2.3.10.1 2.3.21.1 2.4.0-beta 2.4.0"},
	{Dotted, "3.0.0-alpha1 3.0.0-alpha2 3.0.0-alpha9 3.0.0-alpha10 3.0.0-alpha17 3.0.0-beta1 3.0.0-beta2 3.0.0 3.0.1-beta 3.0.1"},
	{Dotted, "9.3 9.3p1 9.3p2 9.3p10 9.4p1"},
	{Dotted, "5.26.3-RC1 5.26.3 5.28.0-RC2 5.28.0"},
	{Dotted, "9.18.0rc1 9.18.0 9.18.1 9.18.1-P1 9.18.1-P2 9.18.2"},
	{Dotted, "12.0-BETA1 12.0-RC1 12.0-RC1-p1 12.0-RC1-p2 12.0-RC2 12.0-RELEASE 12.0-p3 12.0-RELEASE-p4 12.0-RELEASE-p10 12.1"},
	{Dotted, "1.9.5 1.9.5p1 1.9.5p2 1.9.5p5 1.9.5p10 1.9.6"},
	{Dotted, "7.0.8 7.0.8-9 7.0.8-22 7.0.9-0"},
	{Dotted, "20181231 20190105"},
	{Dotted, "0.20.2 0.21 0.21.1"},
	{Dotted, "8.1.0001 8.1.2 8.1.0010 8.2"},
	{Dotted, "4.2.8 4.2.8p3-RC1 4.2.8p3 4.2.8p9 4.2.8p12"},
	{Dotted, "6.3 6.4 6.4-20240414 6.4-20240501 6.5"},
	{Dotted, "1.0_rc1 1.0.RC2 1.0-rc.3 1.0rc10 1.0"},
	{Dotted, "8.0.0-dev 8.0.0alpha1 8.0.0beta3 8.0.0pre1 8.0.0RC1 8.0.0RC2-dev 8.0.0RC2 8.0.0 8.0.0pl1 8.0.0-patch2"},
	{Letter, "1.1.1-pre9 1.1.1 1.1.1a 1.1.1b 1.1.1p 1.1.1w 1.1.1z 1.1.1za 1.1.1zb 1.1.2"},
	{Letter, "3.2 3.3-rc 3.3 3.3a 3.4"},
	{Letter, "2017c 2018a 2018i 2019a"},
	{Letter, "0.9.8y 0.9.8z 0.9.8za 0.9.8zh"},
	{BSDPkg, "pl11 alpha3 0.1beta2 0.1 2pl1 2alpha3 2.9f7 3.0"},
	{BSDPkg, "10.a 10 10.0.1 10.1 10a 10b 11"},
	{BSDPkg, "1.0.rc1 1.0rc2 1.0.rc2_1 1.0 1.0_1 1.0_2 1.0_10 1.0+1 1.1 0.9,1 1.0,1 0.1,2"},
	{BSDPkg, "9.3.p1 9.3.p1_1 9.3.p2 9.4.p1"},
	{Deb, "2.0~rc1-1 2.0-1 2.0-1+b1 2.0-1.1 2.0+dfsg-1 1:0.1"},
	{Deb, "1:2.3.19.1+dfsg1-2 1:2.3.19.1+dfsg1-2.1 1:2.3.19.1+dfsg1-2.1+deb12u1 1:2.3.19.1+dfsg1-2.1+deb12u6 1:2.3.19.1+dfsg1-2.1+deb12u10"},
	{Date, "2018-12 2018-12-30 2018.12.31 20190105 20190105T0000 2019-01-05T1200 201901051201 2019_01_06 20190106.1 20190106.2 20190107a 20190107b"},
	{Decimal, "1.02 1.0203 1.1 1.11 1.2 2 2.98 3.01"},
	{Decimal, "v1.2.3 1.2.10 v1.10.0 1.11 v1.200.0"},
}

func TestOrder(t *testing.T) {
	for _, group := range ascending {
		var vs []Version
		for s := range strings.FieldsSeq(group.list) {
			vs = append(vs, mustParse(t, group.scheme, s))
		}
		for i, v := range vs {
			for j, w := range vs {
				want := 0
				if i < j {
					want = -1
				} else if i > j {
					want = 1
				}
				if got := v.Compare(w); got != want {
					t.Errorf("%s: Compare(%s, %s) = %d, want %d", group.scheme, v, w, got, want)
				}
			}
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		scheme Scheme
		a, b   string
	}{
		{"", "2.3", "2.3.0"},
		{Dotted, "8.1.0001", "8.1.1"},
		{Dotted, "12.0-RELEASE", "12.0"},
		{Dotted, "12.0-RELEASE-p3", "12.0-p3"},
		{Dotted, "9.3p1", "9.3-P1"},
		{Dotted, "1.0rc1", "1.0-RC.1"},
		{Letter, "1.1.1W", "1.1.1w"},
		{BSDPkg, "1.0rc1", "1.0.r1"},
		{BSDPkg, "1.d2", "1.Development2"},
		{BSDPkg, "2.98_0", "2.98,0"},
		{Deb, "1.0-0", "1.0"},
		{Date, "20190105", "2019-01-05"},
		{Decimal, "1.1", "1.100"},
		{Decimal, "1.1", "v1.100"},
		{Decimal, "1.02_03", "1.0203"},
		{Decimal, "1.02-TRIAL", "1.02"},
	} {
		v, w := mustParse(t, c.scheme, c.a), mustParse(t, c.scheme, c.b)
		if v.Compare(w) != 0 || w.Compare(v) != 0 {
			t.Errorf("%s: %s and %s: Compare %d and %d, want equal", c.scheme, c.a, c.b, v.Compare(w), w.Compare(v))
		}
		if v.String() != c.a || w.String() != c.b {
			t.Errorf("spelling changed: %q, %q", v, w)
		}
	}
}

func TestCompareAcrossSchemes(t *testing.T) {
	var zero Version
	d, l := mustParse(t, Dotted, "9"), mustParse(t, Letter, "1")
	if d.Compare(l) != -l.Compare(d) || d.Compare(l) == 0 {
		t.Errorf("versions of two schemes: %d and %d, want opposite signs", d.Compare(l), l.Compare(d))
	}
	if zero.Compare(zero) != 0 || zero.Compare(d) >= 0 || d.Compare(zero) <= 0 {
		t.Error("the zero Version is not before all others")
	}
	if d.Scheme() != Dotted || zero.Scheme() != "" || zero.String() != "" {
		t.Errorf("schemes %q, %q", d.Scheme(), zero.Scheme())
	}
}

func TestPrerelease(t *testing.T) {
	for _, c := range []struct {
		scheme Scheme
		yes    string
		no     string
	}{
		{Dotted, "2.4.0-beta 2.3.0.rc1 12.0-RC1-p2 4.2.8p3-RC1 1.0-DEV", "2.4.0 9.3p1 12.0-RELEASE-p3 6.4-20240414"},
		{Letter, "1.1.1-pre9", "1.1.1w 2018i"},
		{BSDPkg, "1.0.rc1 1.0beta2_1 1.0.b1", "1.0 1.0a 9.3.p1_1,1 2.98_1"},
		{Deb, "2.0~rc1-1 1:2.0~beta-1", "2.0~dfsg-1 2.0-1~bpo12+1 2.0rc1"},
		{Date, "", "20190105"},
		{Decimal, "1.02_03 1.02-TRIAL", "1.02 v1.2.3"},
	} {
		for s := range strings.FieldsSeq(c.yes) {
			if !mustParse(t, c.scheme, s).Prerelease() {
				t.Errorf("%s: %s is not seen as a prerelease", c.scheme, s)
			}
		}
		for s := range strings.FieldsSeq(c.no) {
			if mustParse(t, c.scheme, s).Prerelease() {
				t.Errorf("%s: %s is taken for a prerelease", c.scheme, s)
			}
		}
	}
}

func TestSegment(t *testing.T) {
	for _, c := range []struct {
		scheme Scheme
		s      string
		want   string // the segments, joined by blanks
	}{
		{Dotted, "2.3.4.1", "2 3 4 1"},
		{Dotted, "8.1.0001", "8 1 0001"},
		{Dotted, "7.0.8-22", "7 0 8"},
		{Letter, "1.1.1w", "1 1 1"},
		{BSDPkg, "1.0.r2_3,1", "1 0"},
		{Deb, "1:2.3.19.1+dfsg1-2.1", "2 3 19 1"},
		{Date, "20190105", "2019 01 05"},
		{Decimal, "2.98", "2 98"},
		{Decimal, "1.02_03", "1 02_03"},
		{Decimal, "v1.20", "1 20"},
	} {
		v := mustParse(t, c.scheme, c.s)
		var got []string
		for i := range 9 {
			if s := v.Segment(i); s != "" {
				got = append(got, s)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: segments of %s are %q, want %q", c.scheme, c.s, got, c.want)
		}
		if v.Segment(-1) != "" || v.Segment(100) != "" {
			t.Errorf("%s: a segment that is not there has a text", c.s)
		}
	}
}

func TestParseErrors(t *testing.T) {
	digits19 := "1." + strings.Repeat("9", 19)
	for _, c := range []struct {
		scheme Scheme
		s      string
		want   []string // what the message contains
	}{
		{Dotted, "", []string{"empty"}},
		{Dotted, "3.3a", []string{`"3.3a"`, `suffix "a"`, "scheme letter orders letter suffixes"}},
		{Dotted, "1.1.1zh", []string{`suffix "zh"`, "scheme letter"}},
		{Dotted, "2.98_1", []string{`suffix "_1"`, "scheme bsdpkg"}},
		{Dotted, "2.98,1", []string{`suffix ",1"`, "scheme bsdpkg"}},
		{Dotted, "1:2.0-1", []string{`suffix ":2.0-1"`, "scheme deb"}},
		{Dotted, "2.0+dfsg-1", []string{`suffix "+dfsg-1"`, "scheme deb"}},
		{Dotted, "12.0-STABLE", []string{`suffix "-STABLE"`, "the schemes are dotted, letter"}},
		{Dotted, "1.0b3", []string{`suffix "b3"`}},
		{Dotted, "1.0p", []string{`suffix "p"`, "scheme letter"}},
		{Dotted, "1.0-rc1.2", []string{`suffix ".2"`}},
		{Dotted, "1.0.", []string{`suffix "."`}},
		{Dotted, "1..0", []string{`suffix "..0"`}},
		{Dotted, "1.0 ", []string{`suffix " "`}},
		{Dotted, "1.0\x00", []string{`suffix "\x00"`}},
		{Dotted, "v1.0", []string{"begin with a digit"}},
		{Dotted, "1.2.3.4.5.6.7.8.9", []string{"more than 8 numbers"}},
		{Dotted, "1p1p1p1p1p1", []string{"more than 4 words"}},
		{Dotted, strings.Repeat("1", MaxLength+1), []string{"longer than 128 bytes"}},
		{Letter, "1.1.1fips", []string{`suffix "fips"`, "scheme letter"}},
		{Letter, "1.1.1-w", []string{`suffix "-w"`}},
		{Letter, "1.1.1w1", []string{`suffix "w1"`}},
		{BSDPkg, "1.0_", []string{`suffix "_"`}},
		{BSDPkg, "1.0-1", []string{`suffix "-1"`}},
		{BSDPkg, "1+2+3", []string{"more than 2 parts"}},
		{BSDPkg, "1+", []string{"a part of it is empty"}},
		{BSDPkg, "1.2.3.4.5.6.7.8.9", []string{"more than 8 components"}},
		{Deb, "2.98_1", []string{`suffix "_1"`, "scheme bsdpkg"}},
		{Deb, "x:1", []string{`epoch "x"`}},
		{Deb, ":1", []string{`epoch ""`}},
		{Deb, "é1", []string{"suffix"}},
		{Date, "2019", []string{"no month of 2 digits"}},
		{Date, "20191301", []string{"13 is no month"}},
		{Date, "20190132", []string{"32 is no day"}},
		{Date, "-20190101", []string{"no year"}},
		{Date, "2.3.4", []string{"no year"}},
		{Date, "20190105T12", []string{`suffix "T12"`}},
		{Date, "20190105ab", []string{`suffix "ab"`}},
		{Decimal, "1.0b", []string{`suffix "b"`}},
		{Decimal, "1_0", []string{`suffix "_0"`}},
		{Decimal, "v1.0_1", []string{`suffix "_1"`}},
		{Decimal, "1.02_03_04", []string{"suffix"}},
		{"roman", "1", []string{`no scheme "roman"`, "dotted"}},
		{Dotted, digits19, []string{"more than 18 digits"}},
		{Letter, digits19, []string{"more than 18 digits"}},
		{BSDPkg, digits19, []string{"more than 18 digits"}},
		{BSDPkg, "1_" + digits19[2:], []string{"more than 18 digits"}},
		{BSDPkg, "1a" + digits19[2:], []string{"more than 18 digits"}},
		{Deb, digits19, []string{"more than 18 digits"}},
		{Decimal, digits19, []string{"more than 18 digits"}},
		{Date, "20190101." + digits19[2:], []string{"more than 18 digits"}},
		{Dotted, "1p" + digits19[2:], []string{"more than 18 digits"}},
	} {
		v, err := Parse(c.scheme, c.s)
		if err == nil {
			t.Errorf("%s: %q is read as %v", c.scheme, c.s, v)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q: message lacks %q: %v", c.scheme, c.s, part, err)
			}
		}
	}
}

func TestLargestNumbers(t *testing.T) {
	nines := strings.Repeat("9", 18)
	for _, scheme := range []Scheme{Dotted, Letter, BSDPkg, Deb} {
		a, b := mustParse(t, scheme, nines[:17]+"8"), mustParse(t, scheme, nines)
		if a.Compare(b) >= 0 || b.Compare(a) <= 0 {
			t.Errorf("%s: numbers of 18 digits are out of order", scheme)
		}
	}
}

func TestNearest(t *testing.T) {
	known := func(list string) (vs []Version) {
		for s := range strings.FieldsSeq(list) {
			vs = append(vs, mustParse(t, Dotted, s))
		}
		return vs
	}
	list := "2.3.9 2.2.36 2.3.4.1 2.3.3 2.4.0-beta 2.3.4 2.3.5"
	for _, c := range []struct {
		want string
		n    int
		near string
	}{
		{"2.3.4.2", 3, "2.3.4.1 2.3.4 2.3.3"},
		{"2.3.6", 3, "2.3.5 2.3.4.1 2.3.4"},
		{"2.4.1", 1, "2.4.0-beta"},
		{"2.3.99", 2, "2.3.9 2.3.5"},
		{"1", 2, "2.2.36 2.3.3"},
		{"99", 9, "2.4.0-beta 2.3.9 2.3.5 2.3.4.1 2.3.4 2.3.3 2.2.36"},
		{"2.3.x", 2, "2.3.3 2.3.4"},
		{"2.4-beta0!", 1, "2.4.0-beta"},
		{"2.3.4", 0, ""},
	} {
		var got []string
		vs := known(list)
		for _, v := range Nearest(c.want, vs, c.n) {
			got = append(got, v.String())
		}
		if strings.Join(got, " ") != c.near {
			t.Errorf("Nearest(%s, %d) = %q, want %q", c.want, c.n, got, c.near)
		}
		if !slices.EqualFunc(vs, known(list), func(v, w Version) bool { return v.String() == w.String() }) {
			t.Errorf("Nearest(%s) has changed the order of what it was given", c.want)
		}
	}
	if Nearest("1", nil, 3) != nil {
		t.Error("Nearest among none is not none")
	}
}

// FuzzParse holds three versions of a scheme against each other: the order is
// total, the text is kept, and a version is equal to itself.
func FuzzParse(f *testing.F) {
	for _, group := range ascending {
		list := strings.Fields(group.list)
		for i := range len(list) - 2 {
			f.Add(slices.Index(Schemes(), group.scheme), list[i], list[i+1], list[i+2])
		}
	}
	f.Fuzz(func(t *testing.T, scheme int, a, b, c string) {
		s := Schemes()[uint(scheme)%uint(len(Schemes()))]
		var vs [3]Version
		for i, text := range []string{a, b, c} {
			v, err := Parse(s, text)
			if err != nil {
				return
			}
			if v.String() != text || v.Compare(v) != 0 {
				t.Fatalf("%s: %q reads as %q, compares with itself as %d", s, text, v, v.Compare(v))
			}
			vs[i] = v
		}
		slices.SortFunc(vs[:], Version.Compare)
		for _, pair := range [][2]int{{0, 1}, {1, 2}, {0, 2}} {
			v, w := vs[pair[0]], vs[pair[1]]
			if v.Compare(w) > 0 || v.Compare(w) != -w.Compare(v) {
				t.Fatalf("%s: not an order: %q, %q give %d and %d", s, v, w, v.Compare(w), w.Compare(v))
			}
		}
		if vs[0].Compare(vs[1]) == 0 && vs[0].Compare(vs[2]) != vs[1].Compare(vs[2]) {
			t.Fatalf("%s: %q equals %q, but not beside %q", s, vs[0], vs[1], vs[2])
		}
	})
}

func TestParseLoosely(t *testing.T) {
	for text, want := range map[string]string{"13.2-STABLE": "13.2", "14.0-CURRENT": "14.0", "12.0-RELEASE-p3": "12.0-RELEASE-p3", "12": "12", "1.0-odd-words": "1.0"} {
		if v, err := ParseLoosely(Dotted, text); err != nil || v.String() != want {
			t.Errorf("%s is %s, %v; want %s", text, v, err, want)
		}
	}
	for _, text := range []string{"", "rolling", "-", "x-1"} {
		if v, err := ParseLoosely(Dotted, text); err == nil {
			t.Errorf("%q is %s", text, v)
		}
	}
}
