package version

import (
	"strings"
	"testing"
)

func TestContains(t *testing.T) {
	for _, c := range []struct {
		scheme Scheme
		text   string
		in     string
		out    string
	}{
		{Dotted, ">= 2.3.4, < 2.3.5", "2.3.4 2.3.4.1 2.3.5-rc1", "2.3.3 2.3.5 2.3.9"},
		{Dotted, "2.3.4", "2.3.4 2.3.4.0", "2.3.4.1 2.3.4-rc1"},
		{Dotted, "= 2.3", "2.3 2.3.0", "2.3.1"},
		{Dotted, "==2.3", "2.3", "2.4"},
		{Dotted, "!= 2.3.4", "2.3.3 2.4.0-beta", "2.3.4 2.3.4.0"},
		{Dotted, ">2.3.4", "2.3.4.1 2.3.4p1 2.4.0-beta", "2.3.4 2.3.4-rc1"},
		{Dotted, "<=2.3.4", "2.3.4 2.3.4-rc1", "2.3.4p1"},
		{Dotted, ">= 2.3.0", "2.4.0-beta 9.3p1 12.0-RELEASE-p3", "2.2.36"},
		{Dotted, "< 2.4-dev", "2.3.21", "2.4-dev 2.4-rc1 2.4"},
		{Dotted, "~> 2", "2 2.9 2.99.1 3.0-rc1", "1.9 3 3.0"},
		{Dotted, "~> 2.3", "2.3 2.3.4 2.9", "2.2 3.0"},
		{Dotted, "~> 2.3.4", "2.3.4 2.3.4.1 2.3.99", "2.3.3 2.4 2.4.1"},
		{Dotted, "~> 2.3.4.0", "2.3.4 2.3.4.9", "2.3.5"},
		{Dotted, "~> 2.3.9, != 2.3.11", "2.3.9 2.3.12", "2.3.11 2.4"},
		{Dotted, "< 2.2 || >= 2.3.4 , < 2.3.5||2.4", "2.1 2.3.4.1 2.4", "2.2 2.3.5 2.4.1"},
		{Dotted, "~> 0.09", "0.09 0.10", "1.0"},
		{Letter, "< 3.0.0-alpha1", "1.1.1w 2.9", "3.0.0-alpha1 3.0.0"},
		{Letter, ">= 1.1.1a, <= 1.1.1za", "1.1.1a 1.1.1w 1.1.1z 1.1.1za", "1.1.1 1.1.1zb"},
		{Letter, "~> 1.1.1k", "1.1.1k 1.1.1w 1.1.9", "1.1.1j 1.2"},
		{BSDPkg, ">= 2.98_1,1, < 3,1", "2.98_1,1 2.99,1", "2.98_1 2.98,1 3,1"},
		{BSDPkg, "~> 2.98_1,1", "2.98_1,1 2.99,1", "2.99 3,1 2.98,1"},
		{BSDPkg, "~> 2.98.1", "2.98.2", "2.99 2.98.2,1"},
		{Deb, ">= 1:2.3.4, << 1", "", ""},
		{Deb, ">= 1:2.3.4+dfsg1-1", "1:2.3.4+dfsg1-2 1:2.3.5-1", "2.4-1 1:2.3.4-1"},
		{Deb, "~> 1:2.3.4", "1:2.3.4-1 1:2.3.9-1", "1:2.4-1 2.3.4-1"},
		{Date, ">= 2019-01-05, < 20190201", "20190105 2019.01.31", "20190104 20190201"},
		{Decimal, ">= 1.02, < 1.1", "1.02 1.09 1.0999", "1.1 1.100 1.2"},
	} {
		r, err := ParseRange(c.scheme, c.text)
		if c.in == "" && c.out == "" {
			if err == nil {
				t.Errorf("%q is read", c.text)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if r.String() != c.text {
			t.Errorf("text %q became %q", c.text, r)
		}
		for s := range strings.FieldsSeq(c.in) {
			if !r.Contains(mustParse(t, c.scheme, s)) {
				t.Errorf("%s: %q leaves %s out", c.scheme, r, s)
			}
		}
		for s := range strings.FieldsSeq(c.out) {
			if r.Contains(mustParse(t, c.scheme, s)) {
				t.Errorf("%s: %q takes %s in", c.scheme, r, s)
			}
		}
	}
}

func TestContainsOtherScheme(t *testing.T) {
	r, err := ParseRange("", ">= 1 || != 1")
	if err != nil {
		t.Fatal(err)
	}
	if r.Contains(mustParse(t, Letter, "2")) || r.Contains(Version{}) || (Range{}).Contains(mustParse(t, Dotted, "2")) {
		t.Error("a version of another scheme lies in the range")
	}
	if !r.Contains(mustParse(t, Dotted, "2")) {
		t.Error("the empty scheme is not dotted")
	}
}

func TestRangeErrors(t *testing.T) {
	for _, c := range []struct {
		scheme Scheme
		text   string
		want   string
	}{
		{Dotted, "", "a comparison is empty"},
		{Dotted, " ", "a comparison is empty"},
		{Dotted, ">= 1,", "a comparison is empty"},
		{Dotted, ">= 1 || ", "a comparison is empty"},
		{Dotted, ">=", "it is empty"},
		{Dotted, ">= 2.3.4 < 2.3.5", `put "," (and) or "||" (or) between`},
		{Dotted, ">=2.3.4<2.3.5", `put "," (and) or "||" (or) between`},
		{Dotted, "=> 2", `"=>" is no operator`},
		{Dotted, "^2", `"^" is no operator`},
		{Dotted, "~2", `"~" is no operator`},
		{Dotted, "2.3.*", `suffix ".*"`},
		{Dotted, "*", "begin with a digit"},
		{Dotted, "< 3.3a", "scheme letter"},
		{Dotted, "1 | 2", "more than one comparison"},
		{Date, "~> 20190105", `"~>" has no meaning in scheme date`},
		{Decimal, "~> 1.02", `"~>" has no meaning in scheme decimal`},
		{BSDPkg, "~> rc1", "begin"},
		{Dotted, "~> " + strings.Repeat("9", 18), "more than 18 digits"},
		{Dotted, strings.Repeat(" ", MaxRange+1), "longer than 4096"},
	} {
		r, err := ParseRange(c.scheme, c.text)
		if err == nil {
			t.Errorf("%q is read as %+v", c.text, r)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: message lacks %q: %v", c.text, c.want, err)
		}
	}
}

// FuzzParseRange holds a range against what its operators promise: a version is
// in "r || = v", is not in "r, != v", and is in a range exactly when its equal is.
func FuzzParseRange(f *testing.F) {
	f.Add(0, ">= 2.3.4, < 2.3.5", "2.3.4.1")
	f.Add(0, "~> 2.3 || != 1", "3.0-rc1")
	f.Add(1, "<= 1.1.1w || > 3", "1.1.1za")
	f.Add(2, ">= 2.98_1,1, < 3,1", "2.99,1")
	f.Add(3, "~> 1:2.3.4+dfsg-1", "1:2.3.4-1")
	f.Add(4, "20190105", "2019-01-05")
	f.Add(5, "< 1.1", "1.02")
	f.Fuzz(func(t *testing.T, scheme int, text, s string) {
		sch := Schemes()[uint(scheme)%uint(len(Schemes()))]
		r, err := ParseRange(sch, text)
		if err != nil {
			return
		}
		v, err := Parse(sch, s)
		if err != nil {
			return
		}
		if r.String() != text {
			t.Fatalf("text %q became %q", text, r)
		}
		with, err := ParseRange(sch, text+" || = "+s)
		if err == nil && !with.Contains(v) {
			t.Fatalf("%q leaves %q out", with, v)
		}
		for alternative := range strings.SplitSeq(text, "||") {
			without, err := ParseRange(sch, alternative+", != "+s)
			if err == nil && without.Contains(v) {
				t.Fatalf("%q takes %q in", without, v)
			}
		}
	})
}
