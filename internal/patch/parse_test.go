package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// one is a hunk that turns a into b.
const one = "@@ -1 +1 @@\n-a\n+b\n"

// plain is a whole patch.
const plain = "--- a/x\n+++ b/x\n" + one

// summary is a patch in short: kind, names, modes and hunks of each file.
func summary(p *Patch) string {
	var b strings.Builder
	for i, m := range p.Mails {
		if i > 0 {
			b.WriteString(" | ")
		}
		for j, f := range m.Files {
			if j > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %s %s", f.Kind, f.OldName, f.NewName)
			if f.OldMode != 0 || f.NewMode != 0 {
				fmt.Fprintf(&b, " %s %s", f.OldMode, f.NewMode)
			}
			if f.IsBinary() {
				b.WriteString(" binary")
			}
			fmt.Fprintf(&b, " %d", len(f.Hunks))
		}
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"plain", plain, "modify a/x b/x 1"},
		{"two hunks", plain + "@@ -9,2 +9 @@ int f(void)\n c\n-d\n", "modify a/x b/x 2"},
		{"two files", plain + "--- a/y\n+++ b/y\n" + one, "modify a/x b/x 1, modify a/y b/y 1"},
		{"same file twice", plain + plain, "modify a/x b/x 1, modify a/x b/x 1"},
		{"text around", "Fix it.\n\n" + plain + "\nThat was it.\n", "modify a/x b/x 1"},
		{"dates", "--- a/x\t2018-11-23 12:00:00.123456789 +0100\n+++ b/x\tMon Jan  5 13:00:00 2019\n" + one, "modify a/x b/x 1"},
		{"blank in a name", "--- a/x y\t\n+++ b/x y\t\n" + one, "modify a/x y b/x y 1"},
		{"quoted name", "--- \"a/\\303\\266 \\\"x\\\\\\t\"\n+++ \"b/\\303\\266 \\\"x\\\\\\t\"\t2018-11-23 12:00:00\n" + one, "modify a/ö \"x\\\t b/ö \"x\\\t 1"},
		{"create", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", "create /dev/null b/x 1"},
		{"create by date", "--- a/x\t1970-01-01 00:00:00.000000000 +0000\n+++ b/x\t2018-11-23 12:00:00 +0000\n@@ -0,0 +1 @@\n+b\n", "create /dev/null b/x 1"},
		{"create by date in another zone", "--- a/x\t1969-12-31 19:00:00.000000000 -0500\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", "create /dev/null b/x 1"},
		{"old date, and lines", "--- a/x\t1970-01-01 00:00:00 +0000\n+++ b/x\n" + one, "modify a/x b/x 1"},
		{"delete", "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "delete a/x /dev/null 1"},
		{"delete by date", "--- a/x\n+++ b/x\tThu Jan  1 00:00:00 1970\n@@ -1 +0,0 @@\n-a\n", "delete a/x /dev/null 1"},
		{"Index and rule", "Index: x\n====================\n" + plain, "modify a/x b/x 1"},
		{"Subversion", "Index: x\n===\n--- x\t(revision 12)\n+++ x\t(working copy)\n" + one, "modify x x 1"},
		{"diff line", "diff -ruN a/x b/x\n" + plain, "modify a/x b/x 1"},
		{"signature", plain + "-- \n2.39.5\n", "modify a/x b/x 1"},
		{"rule of a mail", plain + "---\nmore\n", "modify a/x b/x 1"},
		{"hunk that looks like headers", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/y\n-++ b/y\n+++ c\n++@@ -1 +1 @@\n", "modify a/x b/x 1"},
		{"no newline", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ Kein Zeilenumbruch am Dateiende.\n", "modify a/x b/x 1"},
		{"-U0", "--- a/x\n+++ b/x\n@@ -4,0 +5,2 @@\n+a\n+b\n", "modify a/x b/x 1"},
		{"git", "diff --git a/x b/x\nindex 0123456..789abcd 100644\n" + plain, "modify a/x b/x -rw-r--r-- ---------- 1"},
		{"git without prefix", "diff --git x x\n--- x\n+++ x\n" + one, "modify x x 1"},
		{"git, new", "diff --git a/x b/x\nnew file mode 100755\nindex 0000000..789abcd\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", "create /dev/null b/x ---------- -rwxr-xr-x 1"},
		{"git, new and empty", "diff --git a/x y b/x y\nnew file mode 100644\nindex 0000000..e69de29\n", "create /dev/null b/x y ---------- -rw-r--r-- 0"},
		{"git, gone", "diff --git a/x b/x\ndeleted file mode 100644\nindex 789abcd..0000000\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "delete a/x /dev/null -rw-r--r-- ---------- 1"},
		{"git, empty and gone", "diff --git a/x b/x\ndeleted file mode 100644\nindex e69de29..0000000\n", "delete a/x /dev/null -rw-r--r-- ---------- 0"},
		{"git, mode", "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", "modify a/x b/x -rw-r--r-- -rwxr-xr-x 0"},
		{"git, rename", "diff --git a/d/x b/y z\nsimilarity index 100%\nrename from d/x\nrename to y z\n", "rename a/d/x b/y z 0"},
		{"git, rename with a change", "diff --git a/x b/y\nsimilarity index 50%\nrename from x\nrename to y\n--- a/x\n+++ b/y\n" + one, "rename a/x b/y 1"},
		{"git, old word for it", "diff --git a/x b/y\nrename old x\nrename new y\n", "rename a/x b/y 0"},
		{"git, copy", "diff --git \"a/\\303\\266\" b/y\nsimilarity index 100%\ncopy from \"\\303\\266\"\ncopy to y\n", "copy a/ö b/y 0"},
		{"git, quoted last", "diff --git a/y \"b/\\303\\266\"\nrename from y\nrename to \"\\303\\266\"\n", "rename a/y b/ö 0"},
		{"git, both quoted", "diff --git \"a/\\303\\266\" \"b/\\303\\266\"\nold mode 100755\nnew mode 100644\n", "modify a/ö b/ö -rwxr-xr-x -rw-r--r-- 0"},
		{"git, link", "diff --git a/l b/l\nnew file mode 120000\nindex 0000000..789abcd\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n", "create /dev/null b/l ---------- Lrwxrwxrwx 1"},
		{"git, name with blanks alike", "diff --git a/b b/b b/b b/b\nold mode 100755\nnew mode 100644\n", "modify a/b b/b b/b b/b -rwxr-xr-x -rw-r--r-- 0"},
		{"git, another program's lines", "diff --git a/x b/x\nindex 0123456..789abcd 100644\nIndex: x\n=====\n" + plain, "modify a/x b/x -rw-r--r-- ---------- 1"},
		{"git header that says nothing", "diff --git a/x b/x\nindex 0123456..0123456 100644\n--- a/x\n+++ b/x\n" + one, "modify a/x b/x -rw-r--r-- ---------- 1"},
		{"lone git header", "diff --git a/x b/x\n" + "some text\n" + plain, "modify a/x b/x 1"},
		{"binary", "diff --git a/x b/x\nindex " + emptySHA1 + "..b2bb1f60ab0e9a1b1a2a2a1e7ab4a7a5ad3d0c0a 100644\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n", "modify a/x b/x -rw-r--r-- ---------- binary 0"},
		{"two mails", mailOf("x") + mailOf("y"), "modify a/x b/x 1 | modify a/y b/y 1"},
		{"cover letter", "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nSubject: [PATCH 0/1] cover\n\nHello.\n" + mailOf("x"), "modify a/x b/x 1"},
		{"git log", "commit 0123456789012345678901234567890123456789 (HEAD)\nAuthor: A\n\n    Text\n\n" + plain + "\ncommit 1123456789012345678901234567890123456789\n\n    More\n\n" + plain, "modify a/x b/x 1 | modify a/x b/x 1"},
		{"quoted commit in a message", "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nSubject: s\n\ncommit 1123456789012345678901234567890123456789 upstream.\ncommit 1123456789012345678901234567890123456789\n\n" + plain, "modify a/x b/x 1"},
	} {
		p, err := Parse(strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got := summary(p); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// mailOf is a mail that changes a file.
func mailOf(name string) string {
	return "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A B <a@localhost>\n" +
		"Date: Fri, 23 Nov 2018 12:00:00 +0100\nSubject: [PATCH] change " + name + "\n\nBecause.\n---\n " + name + " | 2 +-\n\n" +
		"diff --git a/" + name + " b/" + name + "\nindex 0123456..789abcd\n--- a/" + name + "\n+++ b/" + name + "\n" + one + "-- \n2.39.5\n\n"
}

// TestRepairsOfGitHeaders: what is said besides is taken as git takes it.
func TestRepairsOfGitHeaders(t *testing.T) {
	git := "diff --git a/x b/x\n"
	for _, c := range []struct{ text, want, repair string }{
		{git + "new file mode 100644\nindex 0000000..789abcd\n", "create /dev/null b/x ---------- -rw-r--r-- 0", "it is made empty"},
		{git + "new file mode 100664\nindex 0000000..e69de29\n", "create /dev/null b/x ---------- -rw-r--r-- 0", "the mode 100664 was taken"},
		{git + "old mode 100600\nnew mode 100711\n", "modify a/x b/x -rw-r--r-- -rwxr-xr-x 0", "the mode 100600 was taken"},
		{"--- a/x\ty\t2018-11-23 12:00:00 +0100\n+++ b/x\ty\t2018-11-23 12:00:00 +0100\n" + one, "modify a/x\ty b/x\ty 1", ""},
	} {
		p, err := Parse(strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := strings.TrimSpace(summary(p)); !strings.Contains(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
		if c.repair == "" && p.Repairs != nil || c.repair != "" && (p.Repairs == nil || !strings.Contains(p.Repairs[0].What, c.repair)) {
			t.Errorf("%q: %v, want %q", c.text, p.Repairs, c.repair)
		}
	}
}

func TestRepairs(t *testing.T) {
	context := "--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@\n a\n-b\n+c\n \n \n \n"
	want := parse(t, context).Mails[0].Files[0].Hunks
	for _, c := range []struct{ what, text, repair string }{
		{"nothing", context, ""},
		{"blanks without their blank", strings.ReplaceAll(context, "\n \n \n \n", "\n\n\n\n"), ""},
		{"one context line cut off", strings.TrimSuffix(context, " \n"), "missing at the end, lines: 1"},
		{"three context lines cut off", strings.TrimSuffix(context, " \n \n \n"), "missing at the end, lines: 3"},
		{"no --- line", strings.TrimPrefix(context, "--- a/x\n"), "the --- line was missing"},
		{"carriage returns", strings.ReplaceAll(context, "\n", "\r\n"), "carriage returns"},
		{"no newline", strings.TrimSuffix(context, "\n"), "no newline"},
		{"byte order mark", byteOrderMark + context, "byte order mark"},
		{"dates behind blanks", strings.NewReplacer("a/x", "a/x 2018-11-23 12:00:00 +0100", "b/x", "b/x   Fri Nov 23 12:00:00 2018").Replace(context), "behind blanks"},
	} {
		p, err := Parse(strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		f := p.Mails[0].Files[0]
		if !slices.EqualFunc(f.Hunks, want, func(a, b Hunk) bool { return slices.Equal(a.Body, b.Body) && a.OldStart == b.OldStart }) {
			t.Errorf("%s: %+v, want %+v", c.what, f.Hunks, want)
		}
		if f.NewName != "b/x" || c.what != "no --- line" && f.OldName != "a/x" {
			t.Errorf("%s: names %q, %q", c.what, f.OldName, f.NewName)
		}
		var noted strings.Builder
		for _, r := range p.Repairs {
			noted.WriteString(fmt.Sprintf("%d: %s\n", r.Line, r.What))
		}
		if (c.repair == "") != (noted.String() == "") || !strings.Contains(noted.String(), c.repair) {
			t.Errorf("%s: noted %q, want %q", c.what, noted.String(), c.repair)
		}
	}
	p := parse(t, "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n\ttab\n-a\n+b\n")
	if line := p.Mails[0].Files[0].Hunks[0].Body[0]; line != (Line{Context, "\ttab\n"}) || len(p.Repairs) != 1 || p.Repairs[0].Line != 4 {
		t.Errorf("a tab in place of a blank: %+v, %+v", line, p.Repairs)
	}
	// Carriage returns that belong to the file stay.
	p = parse(t, "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\r\n+b\r\n")
	if line := p.Mails[0].Files[0].Hunks[0].Body[0]; line.Text != "a\r\n" || len(p.Repairs) != 0 {
		t.Errorf("a file with carriage returns: %+v, %+v", line, p.Repairs)
	}
}

func TestParseErrors(t *testing.T) {
	git := "diff --git a/x b/x\n"
	for _, c := range []struct{ what, text, want string }{
		{"nothing", "", "it is empty"},
		{"blanks", " \n\n", "it is empty"},
		{"prose", "Hello,\nworld.\n", `it changes no file; it begins with "Hello,"`},
		{"page", "\n<!DOCTYPE html>\n<html>\n" + plain, "line 2: this is an HTML page"},
		{"page behind a prologue", "<?xml version=\"1.0\"?>\n<html lang=en>\n", "this is an HTML page"},
		{"context diff", "*** a/x\t2018\n--- b/x\t2018\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n", "line 1: this is a context diff"},
		{"context diff behind a change", plain + "*** a/y\n--- b/y\n***************\n", "this is a context diff"},
		{"normal diff", "1c1\n< a\n---\n> b\n", "line 1: this is a normal diff"},
		{"normal diff of a folder", plain + "diff -r a/y b/y\n1,2d0\n< a\n< b\n", "this is a normal diff"},
		{"ed script", "2c\nb\n.\n1d\n", "this is an ed script"},
		{"ed script of one command", "7,9d\n", "this is an ed script"},
		{"binary without data", git + "index 0123456..789abcd 100644\nBinary files a/x and b/x differ\n", "binary file differs"},
		{"plain binary", plain + "Binary files a/x and b/x differ\n", "binary file differs"},
		{"binary with short names", git + "index 0123456..789abcd\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\n", "full names"},
		{"binary, no data behind the word", git + "index " + emptySHA1 + ".." + emptySHA1 + "\nGIT binary patch\n\n", "binary"},
		{"binary, broken data", git + "index " + emptySHA1 + "..b2bb1f60ab0e9a1b1a2a2a1e7ab4a7a5ad3d0c0a\nGIT binary patch\nliteral 1\n!!!\n\n", "corrupt"},
		{"binary, too large", git + "index " + emptySHA1 + "..b2bb1f60ab0e9a1b1a2a2a1e7ab4a7a5ad3d0c0a\nGIT binary patch\nliteral 99999999999\nIcmZPo000310RR91\n\n", "the largest taken"},
		{"hunk without names", one, "line 1: a hunk without the name of a file"},
		{"hunk behind text", plain + "text\n" + one, "line 7: a hunk without the name of a file"},
		{"garbled first hunk", "--- a/x\n+++ b/x\n@ -1 +1 @@\n-a\n+b\n", "a damaged hunk header"},
		{"garbled second hunk", plain + "@ -9 +9 @@\n-a\n+b\n", "a damaged hunk header"},
		{"words for numbers", "--- a/x\n+++ b/x\n@@ -one +1 @@\n-a\n+b\n", "a damaged hunk header"},
		{"no second range", "--- a/x\n+++ b/x\n@@ -1 @@\n-a\n", "a damaged hunk header"},
		{"no end of the header", "--- a/x\n+++ b/x\n@@ -1 +1\n-a\n+b\n", "a damaged hunk header"},
		{"negative", "--- a/x\n+++ b/x\n@@ --1 +1 @@\n-a\n+b\n", "a damaged hunk header"},
		{"huge line", "--- a/x\n+++ b/x\n@@ -2147483648 +1 @@\n-a\n+b\n", "is over 2147483647"},
		{"huge count", "--- a/x\n+++ b/x\n@@ -1,99999999999999999999 +1 @@\n-a\n+b\n", "is over 2147483647"},
		{"lines from 0", "--- a/x\n+++ b/x\n@@ -0,1 +1 @@\n-a\n+b\n", "counts lines from 0"},
		{"too few lines", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n-a\n+b\n--- a/y\n+++ b/y\n" + one, "line 8: the hunk at line 3 lacks lines"},
		{"too few at the end", "--- a/x\n+++ b/x\n@@ -1,3 +1,2 @@\n-a\n+b\n", "the patch ends inside the hunk"},
		{"four context lines missing", "--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@\n-a\n+b\n", "4 old and 4 new lines are missing"},
		{"too many lines", plain + "+c\n", "more lines than its header says"},
		{"too many old lines", "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n-b\n+c\n", "other lines than its header counts"},
		{"strange line", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n*b\n", `lacks lines: 1 old and 2 new ones should follow, not "*b"`},
		{"no change", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n", "changes nothing"},
		{"line behind the last", "--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n\\ No newline at end of file\n-b\n+c\n", "a line follows the last line"},
		{"no newline of nothing", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n\\ No newline at end of file\n-a\n+b\n", "before any line"},
		{"two nothings", "--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+a\n", "both names are /dev/null"},
		{"new with old lines", "--- /dev/null\n+++ b/x\n" + one, "the file is new, and a hunk speaks of old lines"},
		{"new in two hunks", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n@@ -0,0 +2 @@\n+b\n", "the file is new"},
		{"gone with lines left", "--- a/x\n+++ /dev/null\n" + one, "the file goes, and a hunk leaves lines in it"},
		{"compressed", "\x1f\x8b\x08\x00", "it is compressed; gzip -dc unpacks it"},
		{"more lines behind context", plain + " 4\n-5\n+five\n 6\n", "more lines than its header says"},
		{"more lines that look like a header", plain + "--- an old comment\n", "more lines than its header says"},
		{"mail in quoted-printable", "From: a@b\nSubject: x\nContent-Transfer-Encoding: quoted-printable\n\n---\n" + plain, "the mail is in \"quoted-printable\""},
		{"too many lines", strings.Repeat("\n", maxLines+1) + plain, "lines"},
		{"git, content said and missing", git + "index 0123456..789abcd 100644\n", "no change follows"},
		{"git, old content missing", git + "deleted file mode 100644\nindex 789abcd..0000000\n", "no change follows"},
		{"git, new and renamed", git + "new file mode 100644\nrename from x\nrename to x\n", "git's header says create, and now rename"},
		{"git, copied and renamed", git + "copy from x\nrename to x\n", "git's header says copy, and now rename"},
		{"git, new file with two names", "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x-y\n@@ -0,0 +1 @@\n+a\n", "two names for one file"},
		{"git, file to remove with two names", "diff --git a/x b/x\ndeleted file mode 100644\n--- a/y\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "two names for one file"},
		{"git, odd mode", git + "old mode 100644\nnew mode 104755\n", `the file mode "104755"`},
		{"git, submodule", git + "new file mode 160000\n", "submodule"},
		{"git, file to link", git + "old mode 100644\nnew mode 120000\n", "a link of a file"},
		{"git, half a rename", git + "rename from x\n", "without both names"},
		{"git, rename of nothing", "diff --git a/x b/y\nrename from \nrename to y\n", "name of a file is missing"},
		{"git, names that do not belong together", "diff --git a/x b/y\nold mode 100644\nnew mode 100755\n", "cannot be told apart"},
		{"git, quoted names that do not either", "diff --git \"a/x\" \"b/y\"\nold mode 100644\nnew mode 100755\n", "do not belong together"},
		{"no name", "--- \n+++ b/x\n" + one, "the name of a file is missing"},
		{"NUL in a name", "--- \"a/x\\000y\"\n+++ b/x\n" + one, "NUL"},
		{"name without an end", "--- \"a/x\n+++ b/x\n" + one, "has no end"},
		{"bad escape", "--- \"a/\\q\"\n+++ b/x\n" + one, "escape"},
		{"octal too large", "--- \"a/\\400\"\n+++ b/x\n" + one, "escape"},
	} {
		p, err := Parse(strings.NewReader(c.text))
		if err == nil {
			t.Errorf("%s: read as %q", c.what, summary(p))
		} else if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: message lacks %q: %v", c.what, c.want, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: control characters in %q", c.what, err)
		}
	}
}

// A zeros reader has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A broken reader has nothing but an error.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fs.ErrClosed }

func TestParseBounds(t *testing.T) {
	if _, err := Parse(zeros{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a text without end: %v", err)
	}
	if _, err := Parse(broken{}); !errors.Is(err, fs.ErrClosed) || errors.Is(err, ErrFormat) {
		t.Errorf("a reader that fails: %v", err)
	}
}

func TestStrip(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		want string
		ok   bool
	}{
		{"a/src/x.c", 0, "a/src/x.c", true},
		{"a/src/x.c", 1, "src/x.c", true},
		{"a/src/x.c", 2, "x.c", true},
		{"a/src/x.c", 3, "", false},
		{"a//src///x.c", 2, "x.c", true},
		{"/usr/src/x.c", 1, "usr/src/x.c", true},
		{"./src/x.c", 0, "src/x.c", true},
		{"a/./x.c", 1, "x.c", true},
		{"a/", 1, "", false},
		{"x.c", 1, "", false},
		{"a/../x.c", 1, "../x.c", true},
	} {
		if got, ok := Strip(c.name, c.n); got != c.want || ok != c.ok {
			t.Errorf("Strip(%q, %d) = %q, %v; want %q, %v", c.name, c.n, got, ok, c.want, c.ok)
		}
	}
}

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		what, text string
		want       Header
	}{
		{
			"mail", mailOf("x"),
			Header{Commit: "0123456789012345678901234567890123456789", From: "A B <a@localhost>", Date: "Fri, 23 Nov 2018 12:00:00 +0100", Subject: "[PATCH] change x", Message: "Because."},
		},
		{
			"encoded and folded", "From: =?UTF-8?q?J=C3=B6rg?= <j@localhost>\nSubject: one\n two\nX-Other: 1\n\nText.\n",
			Header{From: "Jörg <j@localhost>", Subject: "one two", Message: "Text."},
		},
		{
			"commit", "commit 0123456789012345678901234567890123456789\nAuthor: A <a@localhost>\nDate:   Fri Nov 23 12:00:00 2018 +0100\n\n    Title\n    \n    More.\n\n",
			Header{Commit: "0123456789012345678901234567890123456789", From: "A <a@localhost>", Date: "Fri Nov 23 12:00:00 2018 +0100", Subject: "Title", Message: "More."},
		},
		{
			"DEP-3", "Description: short\n long\n .\nOrigin: upstream, https://localhost/x\nForwarded: no\nAuthor: A\n\nfree text\n---\nThis patch header follows DEP-3\n",
			Header{From: "A", Subject: "short", Message: "long\n.\nfree text"},
		},
		{"fields in the message", "Subject: s\n\nText.\n\nForwarded: not-needed\nLast-Update: 2018-11-23\n", Header{Subject: "s", Message: "Text.\n\nForwarded: not-needed\nLast-Update: 2018-11-23"}},
		{"prose", "\nFix: the thing\n\nIt was broken.\nIndex: x\n", Header{Subject: "Fix: the thing", Message: "It was broken."}},
		{"comments of a build script", "#! /bin/sh\n## 01_x.dpatch by A\nSubject: s\n\n", Header{Subject: "s"}},
		{"nothing", "", Header{}},
	} {
		got := parse(t, c.text+plain).Mails[0].Header
		fields := got.Fields
		got.Fields = nil
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
		got.Fields = fields
		switch c.what {
		case "DEP-3":
			if got.Field("origin") != "upstream, https://localhost/x" || got.Field("Forwarded") != "no" || got.Field("none") != "" {
				t.Errorf("%s: %+v", c.what, fields)
			}
		case "fields in the message":
			if got.Field("forwarded") != "not-needed" || got.Field("Last-Update") != "2018-11-23" {
				t.Errorf("%s: %+v", c.what, fields)
			}
		case "encoded and folded":
			if fields[2] != (Field{"X-Other", "1"}) {
				t.Errorf("%s: %+v", c.what, fields)
			}
		}
	}
}

// FuzzParse: what is read is whole, and turned round twice it is what it was.
func FuzzParse(f *testing.F) {
	f.Add(plain)
	f.Add(mailOf("x") + mailOf("y"))
	f.Add("diff --git a/x b/y\nsimilarity index 50%\nrename from x\nrename to y\n--- a/x\n+++ b/y\n" + one)
	f.Add("diff --git a/x b/x\nindex " + emptySHA1 + "..b2bb1f60ab0e9a1b1a2a2a1e7ab4a7a5ad3d0c0a 100644\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n")
	f.Add("+++ \"b/\\303\\266\"\r\n@@ -1,3 +1,3 @@\r\n\ta\r\n-b\r\n\\ No newline at end of file\r\n+c\r\n")
	f.Add("--- a/x 2018-11-23 12:00:00\n+++ b/x\n@@ -0,0 +1 @@\n+a")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(strings.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(p.Mails) == 0 || len(p.IDs()) != len(p.Mails) {
			t.Fatalf("%d mails, %d ids", len(p.Mails), len(p.IDs()))
		}
		for _, m := range p.Mails {
			if len(m.Files) == 0 || len(m.ID()) != 40 {
				t.Fatalf("a mail with %d files and the id %q", len(m.Files), m.ID())
			}
			for _, file := range m.Files {
				whole(t, file)
			}
		}
		if back := p.reversed().reversed(); summary(back) != summary(p) {
			t.Fatalf("turned round twice, %q is %q", summary(p), summary(back))
		}
	})
}

// whole checks that a change is one that could have been made.
func whole(t *testing.T, f File) {
	t.Helper()
	if f.OldName == "" || f.NewName == "" || strings.ContainsRune(f.OldName+f.NewName, 0) {
		t.Fatalf("names %q, %q", f.OldName, f.NewName)
	}
	for _, h := range f.Hunks {
		oldLines, newLines, changes := 0, 0, 0
		for _, line := range h.Body {
			if line.Op != Add {
				oldLines++
			}
			if line.Op != Remove {
				newLines++
			}
			if line.Op != Context {
				changes++
			}
			if i := strings.IndexByte(line.Text, '\n'); i >= 0 && i < len(line.Text)-1 {
				t.Fatalf("two lines in one: %q", line.Text)
			}
		}
		if oldLines != h.OldLines || newLines != h.NewLines || changes == 0 {
			t.Fatalf("hunk at line %d: %d old, %d new, %d changes; header %+v", h.Line, oldLines, newLines, changes, h)
		}
	}
}
