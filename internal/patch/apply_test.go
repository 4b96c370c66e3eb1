package patch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// numbered is n lines "1" to "n".
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\n", i+1)
	}
	return b.String()
}

// lines is numbered with each line of m in place of the one it stands for; "-"
// takes a line out, and a text of several lines adds some.
func lines(n int, m map[int]string) string {
	all := strings.SplitAfter(numbered(n), "\n")
	for i, text := range m {
		if text == "-" {
			all[i-1] = ""
		} else {
			all[i-1] = text + "\n"
		}
	}
	return strings.Join(all, "")
}

// diff makes a plain diff of x with the system's program.
func diff(t testing.TB, context int, before, after string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"a/x": before, "b/x": after})
	text, _ := run(t, dir, nil, "diff", fmt.Sprintf("-U%d", context), "a/x", "b/x")
	return text
}

func TestApply(t *testing.T) {
	git := "diff --git a/x b/x\n"
	type files = map[string]string
	for _, c := range []struct {
		what, text    string
		strip         int
		before, after files
	}{
		{"change", plain, 1, files{"x": "a\n"}, files{"x": "b\n"}},
		{"other strip", "--- x\n+++ x\n" + one, 0, files{"x": "a\n"}, files{"x": "b\n"}},
		{"chosen strip 0", "--- x\n+++ x\n" + one, ChooseStrip, files{"x": "a\n"}, files{"x": "b\n"}},
		{"chosen strip 2", "--- a/b/x\n+++ a/b/x\n" + one, ChooseStrip, files{"x": "a\n"}, files{"x": "b\n"}},
		{"1 before others", "--- a/x\n+++ b/x\n" + one, ChooseStrip, files{"x": "a\n", "a/x": "a\n", "b/x": "a\n"}, files{"x": "b\n", "a/x": "a\n", "b/x": "a\n"}},
		{"a name with too few components, and another", "--- x.orig\n+++ new/x\n" + one, 1, files{"x": "a\n"}, files{"x": "b\n"}},
		{"carriage returns in the patch, and one in the file", strings.ReplaceAll("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 1\n-a\n+b\n 2\n", "\n", "\r\n"), 1, files{"x": "1\na\n2\n3\r\n"}, files{"x": "1\nb\n2\n3\r\n"}},
		{"carriage returns in both", strings.ReplaceAll("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 1\n-a\n+b\n 2\n", "\n", "\r\n"), 1, files{"x": "1\r\na\r\n2\r\n"}, files{"x": "1\r\nb\r\n2\r\n"}},
		{"new file without prefix, into its folder", "Index: d/x\n--- d/x (nonexistent)\n+++ d/x (working copy)\n@@ -0,0 +1 @@\n+b\n", ChooseStrip, files{"d/y": ""}, files{"d/y": "", "d/x": "b\n"}},
		{"chosen strip 1 for new files", "--- /dev/null\n+++ b/d/x\n@@ -0,0 +1 @@\n+b\n", ChooseStrip, files{"y": ""}, files{"y": "", "d/x": "b\n"}},
		{"strip chosen by files made on the way", "--- /dev/null\n+++ d/x\n@@ -0,0 +1 @@\n+a\n--- d/x\n+++ d/x\n@@ -1 +1 @@\n-a\n+b\n--- d/y\n+++ d/y\n" + one, ChooseStrip, files{"d/y": "a\n"}, files{"d/x": "b\n", "d/y": "b\n"}},
		{"name that exists, old", "--- a/x\n+++ b/x.orig\n" + one, 1, files{"x": "a\n"}, files{"x": "b\n"}},
		{"name that exists, new", "--- a/x.orig\n+++ b/x\n" + one, 1, files{"x": "a\n"}, files{"x": "b\n"}},
		{"both exist, the shorter", "--- a/x.orig\n+++ b/x\n" + one, 1, files{"x": "a\n", "x.orig": "a\n"}, files{"x": "b\n", "x.orig": "a\n"}},
		{"both exist, the higher", "--- a/x\n+++ b/d/x\n" + one, 1, files{"x": "a\n", "d/x": "a\n"}, files{"x": "b\n", "d/x": "a\n"}},
		{"git's names differ", "diff --git a/m b/m.c\nindex 0123456..789abcd 100644\n--- a/m\n+++ b/m.c\n" + one, 1, files{"m.c": "a\n"}, files{"m.c": "b\n"}},
		{"create", "--- /dev/null\n+++ b/d/e/x\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n", 1, files{}, files{"d/e/x": "a\nb"}},
		{"create from an unnamed nothing", "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", 1, files{}, files{"x": "b\n"}},
		{"lines into an empty file", "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", 1, files{"x": ""}, files{"x": "b\n"}},
		{"lines before a file", "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", 1, files{"x": "a\n"}, files{"x": "b\na\n"}},
		{"new file over an empty one", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", 1, files{"x": ""}, files{"x": "b\n"}},
		{"delete", "--- a/d/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", 1, files{"d/x": "a\n", "y": ""}, files{"y": ""}},
		{"emptied, not deleted", "--- a/x\n+++ b/x\n@@ -1 +0,0 @@\n-a\n", 1, files{"x": "a\n"}, files{"x": ""}},
		{"git: new and empty", git + "new file mode 100755\nindex 0000000..e69de29\n", 1, files{}, files{"x*": ""}},
		{"git: empty and gone", git + "deleted file mode 100644\nindex e69de29..0000000\n", 1, files{"x": ""}, files{}},
		{"git: mode", git + "old mode 100644\nnew mode 100755\n", 1, files{"x": "a\n"}, files{"x*": "a\n"}},
		{"git: mode and content", git + "old mode 100755\nnew mode 100644\nindex 0123456..789abcd\n" + plain, 1, files{"x*": "a\n"}, files{"x": "b\n"}},
		{"mode stays", plain, 1, files{"x*": "a\n"}, files{"x*": "b\n"}},
		{"git: rename", "diff --git a/x b/d/y\nsimilarity index 100%\nrename from x\nrename to d/y\n", 1, files{"x*": "a\n"}, files{"d/y*": "a\n"}},
		{"git: rename without prefix", "diff --git x y\nrename from x\nrename to y\n--- x\n+++ y\n" + one, 0, files{"x": "a\n"}, files{"y": "b\n"}},
		{"git: rename and mode", "diff --git a/x b/y\nold mode 100644\nnew mode 100755\nrename from x\nrename to y\n", 1, files{"x": "a\n"}, files{"y*": "a\n"}},
		{"git: swap", "diff --git a/x b/y\nrename from x\nrename to y\ndiff --git a/y b/x\nrename from y\nrename to x\n--- a/y\n+++ b/x\n" + one, 1, files{"x": "1\n", "y": "a\n"}, files{"x": "b\n", "y": "1\n"}},
		{"git: ring of three", "diff --git a/x b/y\nrename from x\nrename to y\ndiff --git a/y b/z\nrename from y\nrename to z\ndiff --git a/z b/x\nrename from z\nrename to x\n", 1, files{"x": "1", "y": "2", "z": "3"}, files{"x": "3", "y": "1", "z": "2"}},
		{"git: chain", "diff --git a/y b/z\nrename from y\nrename to z\ndiff --git a/x b/y\nrename from x\nrename to y\n", 1, files{"x": "1", "y": "2"}, files{"y": "1", "z": "2"}},
		{"git: chain, other order", "diff --git a/x b/y\nrename from x\nrename to y\ndiff --git a/y b/z\nrename from y\nrename to z\n", 1, files{"x": "1", "y": "2"}, files{"y": "1", "z": "2"}},
		{"git: copy of what it changes", git + "index 0123456..789abcd 100644\n" + plain + "diff --git a/x b/y\ncopy from x\ncopy to y\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+c\n", 1, files{"x": "a\n"}, files{"x": "b\n", "y": "c\n"}},
		{"git: new file in place of a renamed one", "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+new\ndiff --git a/x b/z\nrename from x\nrename to z\n", 1, files{"x": "a\n"}, files{"x": "new\n", "z": "a\n"}},
		{"git: renamed, then a new file", "diff --git a/x b/z\nrename from x\nrename to z\ndiff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+new\n", 1, files{"x": "a\n"}, files{"x": "new\n", "z": "a\n"}},
		{"git: renamed over one that goes", "diff --git a/x b/z\nrename from x\nrename to z\ndiff --git a/z b/z\ndeleted file mode 100644\n--- a/z\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n", 1, files{"x": "a\n", "z": "old\n"}, files{"z": "a\n"}},
		{"change, then rename", plain + "diff --git a/x b/y\nrename from x\nrename to y\n", 1, files{"x": "a\n"}, files{"y": "b\n"}},
		{"git: link made", "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+d/x\n\\ No newline at end of file\n", 1, files{"d/x": ""}, files{"d/x": "", "l": "link -> d/x"}},
		{"git: link changed", "diff --git a/l b/l\nindex 0123456..789abcd 120000\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n", 1, files{"l": "link -> x"}, files{"l": "link -> y"}},
		{"git: link gone", "diff --git a/l b/l\ndeleted file mode 120000\n--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n", 1, files{"l": "link -> x"}, files{}},
		{"git: link renamed", "diff --git a/l b/m\nsimilarity index 100%\nrename from l\nrename to m\n", 1, files{"l": "link -> x"}, files{"m": "link -> x"}},
		{"git: file becomes a link", git + "deleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n" + git + "new file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+y\n\\ No newline at end of file\n", 1, files{"x": "a\n"}, files{"x": "link -> y"}},
		{"git: file becomes a folder", git + "deleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\ndiff --git a/x/y b/x/y\nnew file mode 100644\n--- /dev/null\n+++ b/x/y\n@@ -0,0 +1 @@\n+b\n", 1, files{"x": "a\n"}, files{"x/y": "b\n"}},
		{"same file twice", plain + "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n b\n+c\n", 1, files{"x": "a\n"}, files{"x": "b\nc\n"}},
		{"two mails", mailOf("x") + mailOf("y"), 1, files{"x": "a\n", "y": "a\n"}, files{"x": "b\n", "y": "b\n"}},
		{"made, then gone", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", 1, files{"y": ""}, files{"y": ""}},
		{"newline comes", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n", 1, files{"x": "a"}, files{"x": "a\n"}},
		{"newline goes", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n", 1, files{"x": "a\n"}, files{"x": "a"}},
		{"carriage returns", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n 1\r\n-a\r\n+b\r\n", 1, files{"x": "1\r\na\r\n"}, files{"x": "1\r\nb\r\n"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := parse(t, c.text)
			tr := open(t, c.before)
			_, err := p.Apply(tr, Options{Strip: c.strip})
			if err != nil {
				t.Fatal(err)
			}
			if d := differ(read(t, tr.Dir()), c.after); d != "" {
				t.Fatal(d)
			}
			if strings.HasPrefix(c.what, "name that") || strings.HasPrefix(c.what, "both exist") || strings.HasPrefix(c.what, "lines") || strings.HasPrefix(c.what, "new file over") || strings.HasPrefix(c.what, "create from an") || strings.HasSuffix(c.what, "becomes a folder") {
				return // a plain diff may not tell both directions; and no folder becomes a file
			}
			strip := max(c.strip, ChooseStrip)
			if c.strip == ChooseStrip && strings.HasPrefix(c.what, "strip chosen") {
				strip = 0
			}
			if _, err := p.Apply(tr, Options{Strip: strip, Reverse: true}); err != nil {
				t.Fatalf("reverse: %v", err)
			}
			if d := differ(read(t, tr.Dir()), c.before); d != "" {
				t.Errorf("reverse:\n%s", d)
			}
		})
	}
}

func TestPlacing(t *testing.T) {
	tool(t, "diff")
	moved := strings.Repeat("new\n", 17) + numbered(60)
	for _, c := range []struct {
		what          string
		context       int
		before, after string // what the diff is made of
		file, want    string
		found         string // asked>found of each hunk
	}{
		{"in place", 3, numbered(60), lines(60, map[int]string{30: "x"}), numbered(60), lines(60, map[int]string{30: "x"}), "27>27"},
		{"moved down", 3, numbered(60), lines(60, map[int]string{30: "x", 50: "y"}), moved, strings.Repeat("new\n", 17) + lines(60, map[int]string{30: "x", 50: "y"}), "27>44 47>64"},
		{"moved up", 3, moved, strings.Repeat("new\n", 17) + lines(60, map[int]string{30: "x"}), numbered(60), lines(60, map[int]string{30: "x"}), "44>27"},
		{"the nearer of two, below", 1, "a\nb\nc\n" + numbered(20), "a\nx\nc\n" + numbered(20), "1\na\nb\nc\n" + numbered(9) + "a\nb\nc\n", "1\na\nx\nc\n" + numbered(9) + "a\nb\nc\n", "1>2"},
		{"of two at one distance, below", 1, numbered(9) + "a\nb\nc\n" + numbered(9), numbered(9) + "a\nx\nc\n" + numbered(9), numbered(6) + "a\nb\nc\n1\n2\n3\na\nb\nc\n" + numbered(9), numbered(6) + "a\nb\nc\n1\n2\n3\na\nx\nc\n" + numbered(9), "10>13"},
		{"never over the hunk before", 1, "a\nb\nc\n" + numbered(9) + "a\nb\nc\n9\n", "a\nx\nc\n" + numbered(9) + "a\nx\nc\n9\n", "a\nb\nc\na\nb\nc\n", "a\nx\nc\na\nx\nc\n", "1>1 13>4"},
		{"at the end, moved", 3, numbered(60), numbered(60) + "x\n", moved, moved + "x\n", "58>75"},
		{"at the beginning", 3, numbered(60), "x\n" + numbered(60), numbered(30), "x\n" + numbered(30), "1>1"},
		{"-U0 behind a line", 0, numbered(9), lines(9, map[int]string{4: "4\nx"}), numbered(9), lines(9, map[int]string{4: "4\nx"}), "5>5"},
		{"-U0 before all", 0, numbered(9), "x\n" + numbered(9), numbered(9), "x\n" + numbered(9), "1>1"},
		{"-U0 behind all", 0, numbered(9), numbered(9) + "x\n", numbered(9), numbered(9) + "x\n", "10>10"},
		{"-U0 twice", 0, numbered(9), lines(9, map[int]string{2: "2\nx\ny", 7: "-"}), numbered(9), lines(9, map[int]string{2: "2\nx\ny", 7: "-"}), "3>3 7>7"},
	} {
		text := diff(t, c.context, c.before, c.after)
		tr := open(t, map[string]string{"x": c.file})
		r, err := parse(t, text).Apply(tr, Options{Strip: 1})
		if err != nil {
			t.Errorf("%s: %v\n%s", c.what, err, text)
			continue
		}
		if got := read(t, tr.Dir())["x"]; got != c.want {
			t.Errorf("%s: %q, want %q\n%s", c.what, got, c.want, text)
		}
		var found []string
		for i, h := range r.Mails[0].Files[0].Hunks {
			found = append(found, fmt.Sprintf("%d>%d", h.Asked, h.Found))
			if h.Number != i+1 || h.Offset != h.Found-h.Asked {
				t.Errorf("%s: hunk %+v", c.what, h)
			}
		}
		if strings.Join(found, " ") != c.found {
			t.Errorf("%s: found %v, want %s\n%s", c.what, found, c.found, text)
		}
	}
}

// TestGuessedContextTakesNoFuzz: a patch that is cut off may lack a change, which the
// lines put in its place must not hide.
func TestGuessedContextTakesNoFuzz(t *testing.T) {
	p := parse(t, "--- a/x\n+++ b/x\n@@ -1,4 +1,5 @@\n 1\n+x\n 2\n 3\n")
	if _, err := p.Apply(open(t, map[string]string{"x": numbered(4)}), Options{Strip: 1, Fuzz: 3}); conflictsIn(err) == nil {
		t.Errorf("a patch that is cut off was put in with fuzz: %v", err)
	}
}

func TestReport(t *testing.T) {
	text := mailOf("x") + "--- a/y\n+++ b/y\n@@ -1,3 +1,3 @@\n 1\n-2\n+b\n 3\n@@ -9,3 +9,3 @@\n 9\n-10\n+b\n 11\n" +
		"diff --git a/z b/d/z\nrename from z\nrename to d/z\n"
	tr := open(t, map[string]string{"x": "a\n", "y": "0\n" + numbered(8) + "9\n10\n11\n", "z": ""})
	r, err := parse(t, text).Apply(tr, Options{Strip: ChooseStrip})
	check(t, err)
	if got := strings.Join(r.Files(), " "); got != "d/z x y z" {
		t.Errorf("files %s", got)
	}
	if r.Hunks() != 3 || r.MaxOffset() != 1 || r.Strip != 1 {
		t.Errorf("%d hunks, offset %d, strip %d", r.Hunks(), r.MaxOffset(), r.Strip)
	}
	if m := r.Mails[0]; m.Subject != "[PATCH] change x" || len(m.ID) != 40 || m.Verdict != "" || m.Conflicts != nil {
		t.Errorf("%+v", m)
	}
}

func TestConflict(t *testing.T) {
	git := "diff --git a/x b/x\n"
	type files = map[string]string
	for _, c := range []struct {
		what, text string
		before     files
		want       ConflictError // without Mail
		message    string
	}{
		{"other line", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 1\n-2\n+b\n 3\n", files{"x": "1\nzwei\x1b\n3\n"}, ConflictError{File: "x", Hunk: 1, Line: 1, Near: 2, Expected: "2", Found: "zwei\x1b"}, `x: hunk 1 for line 1 does not fit; line 2 should be "2" and is "zwei\x1b"`},
		{"nearest place", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 40\n-41\n+b\n 42\n", files{"x": lines(60, map[int]string{42: "other"})}, ConflictError{File: "x", Hunk: 1, Line: 1, Near: 42, Expected: "42", Found: "other"}, "line 42"},
		{"second hunk", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-1\n+a\n 2\n@@ -8,3 +8,3 @@\n 8\n-9\n+b\n 10\n", files{"x": lines(12, map[int]string{10: "ten"})}, ConflictError{File: "x", Hunk: 2, Line: 8, Near: 10, Expected: "10", Found: "ten"}, "hunk 2 for line 8"},
		{"end of the file", "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n 1\n+b\n 2\n 3\n", files{"x": "1\n2\n"}, ConflictError{File: "x", Hunk: 1, Line: 1, Near: 3, Expected: "3"}, `"3" is missing near line 3`},
		{"must stand at the end", "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n 1\n 2\n+b\n", files{"x": numbered(3)}, ConflictError{File: "x", Hunk: 1, Line: 1, Near: 1}, "must stand at the end of the file"},
		{"must stand at the beginning", "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n+b\n 1\n 2\n", files{"x": "0\n1\n2\n"}, ConflictError{File: "x", Hunk: 1, Line: 1, Near: 2}, "must stand at the beginning of the file"},
		{"without context, elsewhere", "--- a/x\n+++ b/x\n@@ -2 +2 @@\n-3\n+b\n", files{"x": numbered(5)}, ConflictError{File: "x", Hunk: 1, Line: 2, Near: 3}, "without context"},
		{"behind the end", "--- a/x\n+++ b/x\n@@ -9,0 +10 @@\n+b\n", files{"x": numbered(5)}, ConflictError{File: "x", Hunk: 1, Line: 10, Near: 6}, "the file has 5 lines, and it should stand behind line 9"},
		{"hunks overlap", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 1\n-2\n+b\n 3\n@@ -3,3 +3,3 @@\n 3\n-4\n+b\n 5\n", files{"x": numbered(9)}, ConflictError{File: "x", Hunk: 2, Line: 3, Near: 3}, "before the end of the hunk before it"},
		{"hunks out of order", "--- a/x\n+++ b/x\n@@ -7,3 +7,3 @@\n 7\n-8\n+b\n 9\n@@ -1,3 +1,3 @@\n 1\n-2\n+b\n 3\n", files{"x": numbered(12)}, ConflictError{File: "x", Hunk: 2, Line: 1, Near: 1}, "before the end of the hunk before it"},
		{"no newline in the file", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", files{"x": "a"}, ConflictError{File: "x", Hunk: 1, Line: 1, Near: 1, Expected: "a", Found: "a"}, "no newline at its end"},
		{"lines behind one without newline", "--- a/x\n+++ b/x\n@@ -1,0 +2 @@\n+b\n", files{"x": "a"}, ConflictError{File: "x", Hunk: 1, Line: 2, Near: 2}, "has no newline"},
		{"the file goes on", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+b\n\\ No newline at end of file\n", files{"x": "1\n2\n"}, ConflictError{File: "x", Hunk: 1, Line: 1, Near: 2, Found: "2"}, "the file goes on"},
		{"file is not there", plain, files{"y": ""}, ConflictError{File: "x"}, "x: the change does not fit; it is not there"},
		{"new file exists", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", files{"x": "b\n"}, ConflictError{File: "x"}, "it exists, and the patch makes it"},
		{"git: new file exists, empty", git + "new file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", files{"x": ""}, ConflictError{File: "x"}, "it exists, and the patch makes it"},
		{"git: made from an empty file", git + "index e69de29..789abcd 100644\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", files{"x": "a\n"}, ConflictError{File: "x", Near: 1, Found: "a"}, "from an empty file"},
		{"more to delete", "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", files{"x": "a\nb\n"}, ConflictError{File: "x", Near: 1, Found: "b"}, "more than the patch knows of"},
		{"git: more to delete without lines", git + "deleted file mode 100644\nindex e69de29..0000000\n", files{"x": "a\n"}, ConflictError{File: "x", Near: 1, Found: "a"}, "more than the patch knows of"},
		{"nothing to delete", "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", files{}, ConflictError{File: "x"}, "it is not there"},
		{"nothing to rename", "diff --git a/x b/y\nrename from x\nrename to y\n", files{}, ConflictError{File: "x"}, "it is not there"},
		{"rename over a file", "diff --git a/x b/y\nrename from x\nrename to y\n", files{"x": "", "y": ""}, ConflictError{File: "y"}, "it exists"},
		{"copy over a file", "diff --git a/x b/y\ncopy from x\ncopy to y\n", files{"x": "", "y": ""}, ConflictError{File: "y"}, "it exists"},
		{"mode is the new one", git + "old mode 100644\nnew mode 100755\n", files{"x*": ""}, ConflictError{File: "x"}, "its mode is the new one"},
		{"a file, not a link", "diff --git a/l b/l\nindex 0123456..789abcd 120000\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+y\n\\ No newline at end of file\n", files{"l": "x"}, ConflictError{File: "l"}, "symbolic link, and it is a file"},
		{"long lines", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-" + strings.Repeat("e", 999) + "\n+b\n", files{"x": strings.Repeat("f", 999) + "\n"}, ConflictError{File: "x", Hunk: 1, Line: 1, Near: 1, Expected: strings.Repeat("e", maxExcerpt) + "…", Found: strings.Repeat("f", maxExcerpt) + "…"}, "…"},
	} {
		tr := open(t, c.before)
		good := "--- a/good\n+++ b/good\n" + one
		write(t, tr.Dir(), files{"good": "a\n"})
		for _, dry := range []bool{true, false} {
			before := read(t, tr.Dir())
			r, err := parse(t, good+c.text).Apply(tr, Options{Strip: 1, DryRun: dry})
			var conflict *ConflictError
			if !errors.As(err, &conflict) {
				t.Errorf("%s: %v", c.what, err)
				continue
			}
			if conflict.Mail != 1 || r.Mails[0].Conflicts[0] != conflict {
				t.Errorf("%s: mail %d, in the report %v", c.what, conflict.Mail, r.Mails[0].Conflicts)
			}
			got := *conflict
			if got.PatchLine < 4 || got.Compared != nil && got.Hunk == 0 {
				t.Errorf("%s: patch line %d, compared %v", c.what, got.PatchLine, got.Compared)
			}
			got.Mail, got.Why, got.PatchLine, got.Compared = 0, "", 0, nil
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
			}
			if !strings.Contains(err.Error(), c.message) || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%s: message %q lacks %q, or has control characters", c.what, err, c.message)
			}
			if d := differ(read(t, tr.Dir()), before); d != "" {
				t.Errorf("%s: the tree changed:\n%s", c.what, d)
			}
		}
	}
}

func TestUncopy(t *testing.T) {
	p := parse(t, "diff --git a/x b/y\ncopy from x\ncopy to y\n--- a/x\n+++ b/y\n"+one)
	tr := open(t, map[string]string{"x": "a\nmore\n", "y": "b\n"})
	_, err := p.Apply(tr, Options{Strip: 1, Reverse: true})
	if !errors.As(err, new(*ConflictError)) || !strings.Contains(err.Error(), "no copy of x") {
		t.Errorf("a file that is no copy: %v", err)
	}
}

func TestBinary(t *testing.T) {
	before, after := "\x00\x01"+strings.Repeat("binary", 50), "\x00\x02"+strings.Repeat("binary", 50)+"\xff"
	dir := history(t, map[string]string{"x": before}, map[string]string{"x": after})
	p := parse(t, must(t, dir, "git", "diff", "--binary", "HEAD~1", "HEAD"))
	for what, text := range map[string]string{"before": before, "after": after, "other": before + "!"} {
		tr := open(t, map[string]string{"x": text})
		_, err := p.Apply(tr, Options{Strip: 1})
		_, back := p.Apply(open(t, map[string]string{"x": text}), Options{Strip: 1, Reverse: true})
		if (what == "before") != (err == nil) || (what == "after") != (back == nil) {
			t.Errorf("%s: forward %v, back %v", what, err, back)
		}
		if err != nil && !errors.As(err, new(*ConflictError)) {
			t.Errorf("%s: %v", what, err)
		}
	}
	p.Mails[0].Files[0].binary.reverse = nil
	if _, err := p.Apply(open(t, map[string]string{"x": after}), Options{Strip: 1, Reverse: true}); !errors.As(err, new(*ConflictError)) || !strings.Contains(err.Error(), "no data for this direction") {
		t.Errorf("without data for the way back: %v", err)
	}
	p.Mails[0].Files[0].binary.newID = strings.Repeat("1", 40)
	if _, err := p.Apply(open(t, map[string]string{"x": before}), Options{Strip: 1}); !errors.Is(err, ErrFormat) {
		t.Errorf("a change that gives another content than it says: %v", err)
	}
}

func TestStripErrors(t *testing.T) {
	for _, c := range []struct {
		what, text string
		strip      int
		files      map[string]string
		want       string
	}{
		{"several fit", "--- d/e/x\n+++ d/e/x\n" + one, ChooseStrip, map[string]string{"d/e/x": "a\n", "x": "a\n"}, "one of [0 2]"},
		{"none fits", "--- d/e/x\n+++ d/e/x\n" + one, ChooseStrip, map[string]string{"y": ""}, "e/x: the change does not fit; it is not there"},
		{"too many", plain, 2, map[string]string{"x": "a\n"}, `the name "b/x" has fewer than 2`},
		{"no number", plain, -2, map[string]string{"x": "a\n"}, "-2 is no number"},
	} {
		_, err := parse(t, c.text).Apply(open(t, c.files), Options{Strip: c.strip})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}

// TestHardLinks: a second name of a file, outside the tree or in it, keeps the old
// content.
func TestHardLinks(t *testing.T) {
	tr := open(t, map[string]string{"x": "a\n"})
	second := filepath.Join(filepath.Dir(tr.Dir()), "second")
	check(t, os.Link(filepath.Join(tr.Dir(), "x"), second))
	_, err := parse(t, plain).Apply(tr, Options{Strip: 1})
	check(t, err)
	if data, err := os.ReadFile(second); err != nil || string(data) != "a\n" {
		t.Errorf("the second name has %q, %v", data, err)
	}
}

// TestUntouchedFilesStay: a file that ends up as it was is not written.
func TestUntouchedFilesStay(t *testing.T) {
	tr := open(t, map[string]string{"x": "a\n", "y": "a\n"})
	before, err := os.Stat(filepath.Join(tr.Dir(), "x"))
	check(t, err)
	_, err = parse(t, plain+"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n+a\n--- a/y\n+++ b/y\n"+one).Apply(tr, Options{Strip: 1})
	check(t, err)
	after, err := os.Stat(filepath.Join(tr.Dir(), "x"))
	check(t, err)
	if !os.SameFile(before, after) {
		t.Error("a file was written without need")
	}
}

// TestManyHunks: a large file with many hunks, all moved, is worked through in
// time that grows with its size, not with its square. Comparisons are counted,
// not seconds.
func TestManyHunks(t *testing.T) {
	const n, hunks = 60000, 2000
	for what, first := range map[string]string{"in place": "", "moved": strings.Repeat("new\n", 137)} {
		p := newPlacer(cut(first + numbered(n)))
		for i := range hunks {
			at := 10 + i*n/hunks
			h := Hunk{OldStart: at, OldLines: 3, NewStart: at, NewLines: 3, Body: []Line{
				{Context, fmt.Sprintf("%d\n", at)}, {Remove, fmt.Sprintf("%d\n", at+1)}, {Add, "x\n"}, {Context, fmt.Sprintf("%d\n", at+2)},
			}}
			found, bad, err := p.place(h, rules{})
			check(t, err)
			if bad != nil || found.at != at-1+strings.Count(first, "\n") {
				t.Fatalf("%s: hunk %d is at %d, %+v", what, i, found.at, bad)
			}
			if bad := p.put(h, found); bad != nil {
				t.Fatal(bad)
			}
		}
		if most := 4*hunks + 2*n; p.probes > most {
			t.Errorf("%s: %d lines compared, more than %d", what, p.probes, most)
		}
	}
}

// TestProbesAreBounded: a hunk that nearly fits everywhere is given up on, with an
// error that is no conflict, since it was not found out whether it fits.
func TestProbesAreBounded(t *testing.T) {
	file := strings.Repeat(strings.Repeat("same\n", 400)+"other\n", 100)
	h := Hunk{OldStart: 3, OldLines: 500, NewStart: 3, NewLines: 499}
	for i := range 500 {
		op := Context
		if i == 249 { // as much context before it as behind it, but for one line
			op = Remove
		}
		h.Body = append(h.Body, Line{op, "same\n"})
	}
	p := newPlacer(cut(file))
	if _, bad, err := p.place(h, rules{}); bad == nil || err != nil {
		t.Errorf("a hunk that fits nowhere: %+v, %v", bad, err)
	}
	p = newPlacer(cut(file))
	p.probes = maxProbes - 1000
	if _, _, err := p.place(h, rules{}); !errors.Is(err, errTooLong) {
		t.Errorf("a search that takes too long: %v", err)
	}
	tr := open(t, map[string]string{"x": "a\n"})
	spent := NewDraft(tr)
	*spent.probed = maxProbes + 1
	if _, err := spent.Fork().Apply(parse(t, "--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n"), Options{}); !errors.Is(err, errTooLong) {
		t.Errorf("a draft that has searched too long: %v", err)
	}
	w := NewDraft(tr)
	w.beginMail(nil, rules{})
	w.size = maxDraft - 4
	if err := w.set("x", state{exists: true, text: cut("aaaa")}, false); err != nil {
		t.Errorf("as much as fits into memory: %v", err)
	}
	if err := w.set("x", state{exists: true, text: cut("aaaaaaa")}, false); err == nil || !strings.Contains(err.Error(), "bytes of files") {
		t.Errorf("more than fits into memory: %v", err)
	}
}
