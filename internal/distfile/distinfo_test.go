package distfile

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestParseDistinfo(t *testing.T) {
	const in = `TIMESTAMP = 1700000000
SHA256 (SUB/foo (1).tar.gz) = ` + helloSum + `
SIZE (SUB/foo (1).tar.gz) = 5

SIZE (b.patch) = 0
SHA256 (b.patch) = ` + helloSum + `
SHA256 (nosize) = ` + helloSum + "\n"
	sum := sumOf([]byte("hello"))
	want := []Info{{"SUB/foo (1).tar.gz", sum, 5}, {"b.patch", sum, 0}, {"nosize", sum, -1}}
	got, err := ParseDistinfo(strings.NewReader(in))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestParseDistinfoErrors(t *testing.T) {
	line := "SHA256 (a) = " + helloSum + "\n"
	for in, want := range map[string]string{
		"hello":                            `line 1: "hello" is not of the form`,
		"\n\nMD5 (a) = 00":                 "line 3",
		"SHA256 () = " + helloSum:          "line 1",
		"SHA256 (a) = 12":                  "has 2 characters",
		line + "SIZE (a) = -1":             "line 2: the size",
		line + "SIZE (a) = 1e3":            "line 2: the size",
		line + line:                        "a second SHA256",
		"SIZE (a) = 1":                     `"a" has no SHA256 line`,
		line + strings.Repeat("x", 70_000): "after line 1: ",
		strings.Repeat("\n", maxInfo+1):    "longer than",
	} {
		if _, err := ParseDistinfo(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseDistinfo(%.30q): %v, want %q", in, err, want)
		}
	}
	broken := errors.New("broken")
	if _, err := ParseDistinfo(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
}

// FuzzParseDistinfo asserts that what is read prints as something that reads
// the same again.
func FuzzParseDistinfo(f *testing.F) {
	f.Add("TIMESTAMP = 1\nSHA256 (a) = " + helloSum + "\nSIZE (a) = 5\n")
	f.Add("SHA256 (a) = x) = " + helloSum)
	f.Add("SIZE (a) = 5")
	f.Fuzz(func(t *testing.T, in string) {
		infos, err := ParseDistinfo(strings.NewReader(in))
		if err != nil {
			return
		}
		var out strings.Builder
		for _, info := range infos {
			out.WriteString(info.String())
		}
		again, err := ParseDistinfo(strings.NewReader(out.String()))
		if err != nil || !slices.Equal(again, infos) {
			t.Errorf("%q was read as %+v, and again as %+v, %v", in, infos, again, err)
		}
	})
}
