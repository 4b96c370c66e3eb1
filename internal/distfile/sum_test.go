package distfile

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

// helloSum is the sha256 of "hello", as sha256sum prints it.
const helloSum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

func TestParseSum(t *testing.T) {
	sum, err := ParseSum(helloSum)
	if err != nil || sum != sumOf([]byte("hello")) || sum.String() != helloSum || sum.Key() != "sha256/"+helloSum {
		t.Errorf("ParseSum: %v %v", sum, err)
	}
	for in, want := range map[string]string{
		"":                                "has 0 characters, must have 64 hex digits",
		helloSum[1:]:                      "has 63 characters",
		helloSum + "0":                    "has 65 characters",
		strings.Repeat("0", 32):           "MD5",
		strings.Repeat("0", 40):           "SHA-1",
		strings.Repeat("0", 96):           "SHA-384",
		strings.Repeat("0", 128):          "SHA-512",
		strings.ToUpper(helloSum):         "write " + helloSum,
		strings.Repeat("g", 64):           "no hex digit",
		" " + helloSum[1:]:                "no hex digit",
		strings.Repeat("long ", 10_000):   "has 50000 characters",
		"sha256:" + helloSum:              "has 71 characters",
		strings.Repeat("\x1b[31m", 12)[:]: "has 60 characters",
	} {
		_, err := ParseSum(in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSum(%.20q): %v, want %q", in, err, want)
		}
		if err != nil && (len(err.Error()) > 300 || strings.Contains(err.Error(), "\x1b")) {
			t.Errorf("the error for %.20q is not fit to be shown", in)
		}
	}
}

func TestSumAsText(t *testing.T) {
	type doc struct{ Sum Sum }
	b, err := json.Marshal(doc{sumOf([]byte("hello"))})
	if want := `{"Sum":"` + helloSum + `"}`; err != nil || string(b) != want {
		t.Errorf("marshalled: %s %v, want %s", b, err, want)
	}
	var back doc
	if err := json.Unmarshal(b, &back); err != nil || back.Sum.String() != helloSum {
		t.Errorf("unmarshalled: %v %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"Sum":"abc"}`), &back); err == nil || back.Sum.String() != helloSum {
		t.Errorf("a wrong sum: %v, and the value is now %v", err, back.Sum)
	}
}

func TestSumCheck(t *testing.T) {
	sum := sumOf([]byte("hello"))
	if err := sum.Check(strings.NewReader("hello")); err != nil {
		t.Error(err)
	}
	err := sum.Check(strings.NewReader("jello"))
	if m := (*MismatchError)(nil); !errors.As(err, &m) || m.Want != helloSum || m.Got != sumOf([]byte("jello")).String() {
		t.Errorf("Check: %v", err)
	}
	broken := errors.New("broken")
	if err := sum.Check(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("Check of a broken reader: %v", err)
	}
	if _, _, err := verify(sum, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("verify of a broken reader: %v", err)
	}
}

func FuzzParseSum(f *testing.F) {
	f.Add(helloSum)
	f.Add(strings.ToUpper(helloSum))
	f.Add("zz")
	f.Fuzz(func(t *testing.T, s string) {
		sum, err := ParseSum(s)
		if err == nil && sum.String() != s {
			t.Errorf("ParseSum(%q) prints as %s", s, sum)
		}
		if err == nil && checkKey(sum.Key()) != nil {
			t.Errorf("%s is no key", sum.Key())
		}
	})
}
