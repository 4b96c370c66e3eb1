package buildlog_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"srcmend/internal/buildlog"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"plain\ttext":                     "plain\ttext",
		"\x1b[31merror:\x1b[0m bad":       "error: bad",
		"\x1b]0;a title\x07text":          "text",
		"\x1b]8;;http://x\x1b\\link":      "link",
		"10%\r20%\r100% done":             "100% done",
		"line\r":                          "line",
		"bell\x07 and nul\x00":            "bell and nul",
		"‘quoted’ naïve":                  "‘quoted’ naïve",
		"bad \xff\xfe utf-8":              "bad \ufffd\ufffd utf-8",
		"cut off \x1b[3":                  "cut off ",
		"cut off \x1b":                    "cut off ",
		"reversed \u202egnp.exe":          "reversed gnp.exe",
		"c1 \u009b31m":                    "c1 31m",
		"\x1bPq#0;2;0;0;0\x1b\\after dcs": "after dcs",
	} {
		if got := buildlog.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m")
	f.Add("a\rb\x1b]0;\x07\xff")
	f.Fuzz(func(t *testing.T, line string) {
		got := buildlog.Clean(line)
		if !utf8.ValidString(got) {
			t.Error("not UTF-8")
		}
		for _, r := range got {
			if r != '\t' && unicode.IsControl(r) {
				t.Errorf("control character %U is left of %q", r, line)
			}
		}
		if again := buildlog.Clean(got); again != got {
			t.Errorf("cleaning twice gives %q, then %q", got, again)
		}
	})
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3*buildlog.MaxLine)
	var got []string
	for n, line := range buildlog.Lines(strings.NewReader("one\r\n\n" + long + "\nlast without end")) {
		got = append(got, fmt.Sprintf("%d:%d", n, len(line)))
	}
	want := fmt.Sprintf("1:3 2:0 3:%d 4:16", buildlog.MaxLine)
	if s := strings.Join(got, " "); s != want {
		t.Errorf("lines are %s, want %s", s, want)
	}
	for range buildlog.Lines(strings.NewReader("")) {
		t.Error("an empty log has a line")
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.log")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTail(t *testing.T) {
	var b bytes.Buffer
	for i := 1; i <= 20_000; i++ {
		fmt.Fprintf(&b, "line %d of a log that is longer than what is read at its end\n", i)
	}
	path := write(t, b.String())
	tail, err := buildlog.Tail(path, 2)
	if err != nil || len(tail) != 2 || !strings.HasPrefix(tail[1], "line 20000 ") {
		t.Errorf("tail is %q, %v", tail, err)
	}
	if all, err := buildlog.Tail(path, 1_000_000); err != nil || !strings.HasPrefix(all[0], "line ") || len(all) >= 20_000 {
		t.Errorf("a long tail has %d lines from %q, %v", len(all), all[0], err)
	}
	if _, err := buildlog.Tail(path+"x", 1); !os.IsNotExist(err) {
		t.Errorf("a missing log gives %v", err)
	}
}

func TestLast(t *testing.T) {
	f, err := buildlog.Create(filepath.Join(t.TempDir(), "a.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := buildlog.Last(f); got != "" {
		t.Errorf("the last line of nothing is %q", got)
	}
	fmt.Fprintf(f, "first\nCC \x1b[1mmain.o\x1b[0m\n\n  \n")
	if got := buildlog.Last(f); got != "CC main.o" {
		t.Errorf("last is %q", got)
	}
	fmt.Fprint(f, "half a li")
	if got := buildlog.Last(f); got != "half a li" {
		t.Errorf("last is %q", got)
	}
	fmt.Fprint(f, strings.Repeat("y", 5000))
	if got := buildlog.Last(f); len(got) > 2048 || !strings.HasSuffix(got, "y") {
		t.Errorf("of a long line %d bytes are shown", len(got))
	}
}

func Example() {
	for number, line := range buildlog.Lines(strings.NewReader("\x1b[1mcc -c a.c\x1b[0m\na.c:1: error\n")) {
		fmt.Println(number, line)
	}
	// Output:
	// 1 cc -c a.c
	// 2 a.c:1: error
}
