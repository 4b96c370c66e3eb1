package patch

import (
	"io/fs"
	"strings"
	"testing"
	"time"
)

func TestUnquote(t *testing.T) {
	for _, c := range []struct{ text, name, rest string }{
		{`"a/x"`, "a/x", ""},
		{`"a/x" b/x`, "a/x", " b/x"},
		{`"a b\tc\\d\"e"` + "\t2018", "a b\tc\\d\"e", "\t2018"},
		{`"\a\b\f\n\r\v"`, "\a\b\f\n\r\v", ""},
		{`"\303\266\001\377"`, "ö\x01\xff", ""},
		{`"\0601"`, "01", ""},
	} {
		name, rest, err := unquote(c.text)
		if err != nil || name != c.name || rest != c.rest {
			t.Errorf("%s: %q, %q, %v; want %q, %q", c.text, name, rest, err, c.name, c.rest)
		}
	}
	for _, text := range []string{`"`, `""`, `"a`, `"a\`, `"a\"`, `"\x41"`, `"\8"`, `"\18"`, `"\1"`, `"\12`, `"\400"`, `"a\000b"`, `"\u00f6"`} {
		if name, _, err := unquote(text); err == nil {
			t.Errorf("%s is read as %q", text, name)
		}
	}
}

func TestSplitGitNames(t *testing.T) {
	for _, c := range []struct{ text, from, to, old, new string }{
		{"a/x b/x", "", "", "a/x", "b/x"},
		{"x x", "", "", "x", "x"},
		{"a/x y b/x y", "", "", "a/x y", "b/x y"},
		{"i/x w/x", "", "", "i/x", "w/x"},
		{"a/b c/d e b/b c/d e", "", "", "a/b c/d e", "b/b c/d e"},
		{"a/x b/y", "x", "y", "a/x", "b/y"},
		{"a/x y b/z", "x y", "z", "a/x y", "b/z"},
		{"x y", "x", "y", "x", "y"},
		{`"a/\303\266" "b/\303\266"`, "", "", "a/ö", "b/ö"},
		{`"a/\303\266" b/y`, "ö", "y", "a/ö", "b/y"},
		{`a/y "b/\303\266"`, "y", "ö", "a/y", "b/ö"},
	} {
		o, n, err := splitGitNames(c.text, c.from, c.to)
		if err != nil || o != c.old || n != c.new {
			t.Errorf("%s: %q, %q, %v; want %q, %q", c.text, o, n, err, c.old, c.new)
		}
	}
	for _, text := range []string{"", "a/x", "a/x b/y", "a/x ", `"a/x" b/y`, `"a/x`, `a/x "b/y"`, `"a/x" "b/y`, `a/x "b/x`} {
		if o, n, err := splitGitNames(text, "", ""); err == nil {
			t.Errorf("%q is taken apart as %q, %q", text, o, n)
		}
	}
}

func TestStamps(t *testing.T) {
	day := time.Date(2018, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"2018-11-23 12:00:00 +0000", "2018-11-23 13:00:00.000000000 +0100", "2018-11-23 12:00:00", "2018-11-23 13:00:00 +01:00",
		"Fri Nov 23 12:00:00 2018", "Fri Nov 23 04:00:00 2018 -0800", "Fri, 23 Nov 2018 12:00:00 +0000", "23 Nov 2018 12:00:00 -0000",
	} {
		if when, ok := parseStamp(text); !ok || when.Unix() != day.Unix() {
			t.Errorf("%q is %v, %v", text, when, ok)
		}
		if i := stampStart("a/x  " + text); i != 5 {
			t.Errorf("the date behind %q begins at %d", "a/x  "+text, i)
		}
		if isEpoch(text) {
			t.Errorf("%q is taken for no file", text)
		}
	}
	for _, text := range []string{"1970-01-01 00:00:00 +0000", "1970-01-01 01:00:00.000000000 +0100", "Thu Jan  1 00:00:00 1970", "1969-12-31 16:00:00 -0800"} {
		if !isEpoch(text) {
			t.Errorf("%q is not taken for no file", text)
		}
	}
	for _, text := range []string{"", "x", "2018-13-01 00:00:00", "(revision 1)"} {
		if when, ok := parseStamp(text); ok {
			t.Errorf("%q is %v", text, when)
		}
	}
	for text, want := range map[string]int{"a/x (revision 12)": 4, "a/x (working copy)": 4, "a/x y": -1, "a/x 2018": -1, "2018-11-23 12:00:00": -1} {
		if i := stampStart(text); i != want {
			t.Errorf("the date in %q begins at %d, want %d", text, i, want)
		}
	}
}

func TestReadMode(t *testing.T) {
	for text, want := range map[string]fs.FileMode{"100644": 0o644, "100755": 0o755, "120000": fs.ModeSymlink | 0o777} {
		if got, odd, err := readMode(text); err != nil || got != want || odd {
			t.Errorf("%s: %v, %v, %v; want %v", text, got, odd, err, want)
		}
	}
	for text, want := range map[string]fs.FileMode{"100664": 0o644, "100600": 0o644, "100777": 0o755, "100700": 0o755, "100655": 0o644} {
		if got, odd, err := readMode(text); err != nil || got != want || !odd {
			t.Errorf("%s: %v, %v, %v; want %v and a note", text, got, odd, err, want)
		}
	}
	for _, text := range []string{"", "644", "104755", "102755", "040000", "060000", "160000", "0100644", "100848"} {
		if got, _, err := readMode(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func TestStartsMail(t *testing.T) {
	id := strings.Repeat("0123456789", 4)
	for _, line := range []string{
		"From " + id + " Mon Sep 17 00:00:00 2001\n", "From a@localhost  Fri Nov 23 12:00:00 2018\n", "From - Fri Nov 23 12:00:00 2018\r\n",
	} {
		if !startsMail(line) {
			t.Errorf("%q begins no mail", line)
		}
	}
	for _, line := range []string{"From: a@localhost\n", "From here on it is different in 2018\n", "From the year 2018\n", ">From a Fri Nov 23 12:00:00 2018\n", "From \n", ""} {
		if startsMail(line) {
			t.Errorf("%q begins a mail", line)
		}
	}
	for line, want := range map[string]bool{
		"commit " + id + "\n": true, "commit " + id + " (HEAD -> main)\n": true, "commit " + id + " upstream.\n": false,
		"commit " + id[:39] + "\n": false, "Commit " + id + "\n": false, "commit\n": false,
	} {
		if startsCommit(line) != want {
			t.Errorf("%q begins a commit: %v", line, !want)
		}
	}
}
