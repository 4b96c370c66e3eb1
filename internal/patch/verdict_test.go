package patch

import (
	"fmt"
	"strings"
	"testing"
)

// stats is a source file in the states that upstream's releases have it in. It
// lacks an include, and prints numbers with the wrong formats.
func stats(include, format string, context ...string) string {
	var text strings.Builder
	text.WriteString("/* statistics */\n#include <stdio.h>\n#include <unistd.h>\n" + include + "#include <sys/wait.h>\n\nstatic pid_t child;\n\nstatic void stop(void)\n{\n\t(void)kill(child, SIGKILL);\n}\n\n")
	for i := range 20 {
		text.WriteString(fmt.Sprintf("static int case%d(void)\n{\n\treturn %d;\n}\n\n", i, i))
	}
	head := "static void show(void)\n{\n\tint i;\n"
	if len(context) > 0 {
		head = context[0]
	}
	return text.String() + head + "\tprintf(\"n=" + format + "\\n\", n);\n\tprintf(\"m=" + format + "\\n\", m);\n}\n"
}

// twoMails is upstream's fix: the include, then the formats.
func twoMails(t testing.TB) *Patch {
	t.Helper()
	tool(t, "diff")
	mail := func(subject, before, after string) string {
		text := strings.NewReplacer("a/x", "a/src/x", "b/x", "b/src/x").Replace(diff(t, 3, before, after))
		return "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nSubject: " + subject + "\n\n---\n" + text + "-- \n2.39.5\n\n"
	}
	const include = "#include <signal.h>\n"
	return parse(t, mail("include", stats("", "%lu"), stats(include, "%lu"))+mail("formats", stats(include, "%lu"), stats(include, "%llu")))
}

// TestVerdictsOfTwoMails goes through the releases of an upstream that took the
// two mails, then moved on.
func TestVerdictsOfTwoMails(t *testing.T) {
	const include = "#include <signal.h>\n"
	shift := func(s string) string { return "\n\n/* moved */\n" + s }
	moved := "static void print_all(FILE *f)\n{\n\tunsigned i;\n\n"
	for _, c := range []struct {
		what  string
		files map[string]string
		want  string // of the whole, then of each mail
	}{
		{"before the file came", map[string]string{"README": ""}, "absent absent absent"},
		{"the release that breaks", map[string]string{"src/x": stats("", "%lu")}, "needed needed needed"},
		{"the same, moved", map[string]string{"src/x": shift(stats("", "%lu"))}, "needed needed needed"},
		{"the release that has both", map[string]string{"src/x": stats(include, "%llu")}, "present present present"},
		{"the same, moved", map[string]string{"src/x": shift(stats(include, "%llu"))}, "present present present"},
		{"only the first was taken", map[string]string{"src/x": stats(include, "%lu")}, "needed present needed"},
		{"only the second was taken", map[string]string{"src/x": stats("", "%llu")}, "needed needed present"},
		{"context moved on", map[string]string{"src/x": stats(include, "%llu", moved)}, "superseded present superseded"},
		{"the include elsewhere", map[string]string{"src/x": "#include <signal.h>\n" + strings.Replace(stats("", "%llu"), "unistd.h>\n", "unistd.h>\n#include <fcntl.h>\n", 1)}, "superseded superseded present"},
		{"another format", map[string]string{"src/x": stats(include, "%zu")}, "conflict present conflict"},
		{"the lines it removes are there as well", map[string]string{"src/x": stats(include, "%llu", moved) + "\tprintf(\"n=%lu\\n\", n);\n"}, "conflict present conflict"},
		{"half of the lines", map[string]string{"src/x": strings.Replace(stats(include, "%llu", moved), "m=%llu", "m=%s", 1)}, "conflict present conflict"},
	} {
		tr := open(t, c.files)
		before := listing(t, tr.Dir())
		p := twoMails(t)
		v, r, err := p.Verdict(tr, Options{Strip: 1})
		check(t, err)
		var got strings.Builder
		got.WriteString(string(v))
		for _, m := range r.Mails {
			got.WriteString(" " + string(m.Verdict))
		}
		if got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.what, got.String(), c.want)
			for _, m := range r.Mails {
				t.Logf("%s: %+v", m.Subject, m)
			}
		}
		if after := listing(t, tr.Dir()); after != before {
			t.Errorf("%s: the tree changed", c.what)
		}
		for i, m := range r.Mails {
			settled := m.Verdict == Needed || m.Verdict == Present
			if settled != (m.Conflicts == nil) || m.Conflicts != nil && m.Conflicts[0].Mail != i+1 || m.Subject != []string{"include", "formats"}[i] {
				t.Errorf("%s: %+v", c.what, m)
			}
			if m.Verdict == Superseded && (m.Found != m.Added || m.Added == 0) || m.Verdict == Conflict && m.Found == m.Added && !strings.Contains(c.what, "removes") {
				t.Errorf("%s: %d of %d lines found", c.what, m.Found, m.Added)
			}
		}
		var needed Patch
		for i, m := range r.Mails {
			if m.Verdict == Needed {
				needed.Mails = append(needed.Mails, p.Mails[i])
			}
		}
		if v != Needed {
			continue
		}
		if _, err := needed.Apply(tr, Options{Strip: 1}); err != nil {
			t.Errorf("%s: the mails that are needed: %v", c.what, err)
		}
		if v, _, err := p.Verdict(tr, Options{Strip: 1}); v != Present || err != nil {
			t.Errorf("%s: with the mails that were needed the verdict is %s, %v", c.what, v, err)
		}
	}
}

func TestVerdict(t *testing.T) {
	git := "diff --git a/x b/x\n"
	create := "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+one\n+two\n"
	remove := "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
	rename := "diff --git a/x b/y\nrename from x\nrename to y\n--- a/x\n+++ b/y\n" + one
	insert := "--- a/x\n+++ b/x\n@@ -2,4 +2,5 @@\n a\n b\n+new\n a\n b\n"
	type files = map[string]string
	for _, c := range []struct {
		what, text string
		files      files
		want       Verdict
	}{
		{"change", plain, files{"x": "a\n"}, Needed},
		{"change", plain, files{"x": "b\n"}, Present},
		{"change", plain, files{"x": "c\n"}, Conflict},
		{"change", plain, files{"y": "a\n"}, Absent},
		{"change elsewhere", plain, files{"x": "c\nb\n"}, Superseded},
		{"change elsewhere, and the old line", plain, files{"x": "c\nb\na\n"}, Conflict},
		{"create", create, files{}, Needed},
		{"create", create, files{"x": "one\ntwo\n"}, Present},
		{"create", create, files{"x": "two\none\nthree\n"}, Superseded},
		{"create", create, files{"x": "one\n"}, Conflict},
		{"delete", remove, files{"x": "a\n"}, Needed},
		{"delete", remove, files{}, Present},
		{"delete", remove, files{"x": "b\n"}, Conflict},
		{"rename", rename, files{"x": "a\n"}, Needed},
		{"rename", rename, files{"y": "b\n"}, Present},
		{"rename", rename, files{"y": "c\nb\n"}, Superseded},
		{"rename", rename, files{"y": "c\n"}, Conflict},
		{"rename", rename, files{"x": "c\n"}, Conflict},
		{"rename", rename, files{"z": ""}, Absent},
		{"mode", git + "old mode 100644\nnew mode 100755\n", files{"x": ""}, Needed},
		{"mode", git + "old mode 100644\nnew mode 100755\n", files{"x*": ""}, Present},
		{"mode", git + "old mode 100644\nnew mode 100755\n", files{}, Absent},
		{"empty file", git + "new file mode 100644\nindex 0000000..e69de29\n", files{}, Needed},
		{"empty file", git + "new file mode 100644\nindex 0000000..e69de29\n", files{"x": ""}, Present},
		{"empty file", git + "new file mode 100644\nindex 0000000..e69de29\n", files{"x": "a\n"}, Conflict},
		{"copy", "diff --git a/x b/y\ncopy from x\ncopy to y\n", files{"x": "a\n"}, Needed},
		{"copy", "diff --git a/x b/y\ncopy from x\ncopy to y\n", files{"x": "a\n", "y": "a\n"}, Present},
		{"copy", "diff --git a/x b/y\ncopy from x\ncopy to y\n", files{"y": "a\n"}, Conflict},
		{"insertion, in place", insert, files{"x": "0\na\nb\na\nb\n"}, Needed},
		{"insertion, there", insert, files{"x": "0\na\nb\nnew\na\nb\n"}, Present},
		{"insertion, there; and its old lines nearby", insert, files{"x": "0\na\nb\nnew\na\nb\n0\na\nb\na\nb\n"}, Present},
		{"insertion, its old lines there; and the new nearby", insert, files{"x": "0\na\nb\na\nb\n0\na\nb\nnew\na\nb\n"}, Needed},
		{"insertion, both moved", insert, files{"x": "a\nb\na\nb\n0\na\nb\nnew\na\nb\n"}, Ambiguous},
		{"lines without context, there", "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+new\n", files{"x": "new\nold\n"}, Present},
		{"lines without context, not there", "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+new\n", files{"x": "old\n"}, Needed},
		{"a line to take out without context", "--- a/x\n+++ b/x\n@@ -1 +1,0 @@\n-old\n", files{"x": "old\nnew\n"}, Needed},
		{"lines without context, there elsewhere", "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+new\n", files{"x": "old\nnew\n"}, Superseded},
		{"a line taken out without context", "--- a/x\n+++ b/x\n@@ -1 +1,0 @@\n-old\n", files{"x": "new\n"}, Present},
		{"a line to take out, elsewhere", "--- a/x\n+++ b/x\n@@ -1 +1,0 @@\n-old\n", files{"x": "new\nold\n"}, Conflict},
		{"its line is there, but in another function", "--- a/x\n+++ b/x\n@@ -3,4 +3,5 @@\n f()\n {\n \tuse(p);\n+\tfree(p);\n }\n", files{"x": "f()\n{\n\tother(p);\n}\n" + numbered(40) + "g()\n{\n\tfree(p);\n}\n"}, Conflict},
		{"its line is there, near its context", "--- a/x\n+++ b/x\n@@ -3,4 +3,5 @@\n f()\n {\n \tuse(p);\n+\tfree(p);\n }\n", files{"x": numbered(40) + "f()\n{\n\tfree(p);\n\tother(p);\n}\n"}, Superseded},
		{"braces prove nothing", "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n one\n two\n+}\n three\n", files{"x": "1\n}\n3\n"}, Conflict},
		{"a line too few", "--- a/x\n+++ b/x\n@@ -1,2 +1,4 @@\n one\n+new\n+new\n two\n", files{"x": "1\nnew\n2\n"}, Conflict},
		{"one file is absent", plain + "--- a/y\n+++ b/y\n" + one, files{"x": "a\n"}, Conflict},
		{"one mail is absent", mailOf("x") + mailOf("y"), files{"x": "a\n"}, Conflict},
		{"one mail is ambiguous", mailOf("x") + "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\ndiff --git a/y b/z\nrename from y\nrename to z\ndiff --git a/z b/y\nrename from z\nrename to y\n", files{"x": "a\n", "y": "1\n", "z": "2\n"}, Ambiguous},
		{"second mail needs the first", mailOf("x") + "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n+c\n", files{"x": "a\n"}, Needed},
		{"both in, on top of each other", mailOf("x") + "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n+c\n", files{"x": "c\n"}, Present},
	} {
		tr := open(t, c.files)
		p := parse(t, c.text)
		v, r, err := p.Verdict(tr, Options{Strip: 1})
		if err != nil || v != c.want {
			t.Errorf("%s on %q: %s, %v; want %s\n%+v", c.what, c.files, v, err, c.want, r.Mails)
		}
		if v == Needed || v == Present {
			after, _, err := p.Verdict(tr, Options{Strip: 1, Reverse: true})
			want := map[Verdict]Verdict{Needed: Present, Present: Needed}[v]
			if err != nil || after != want {
				t.Errorf("%s on %q, turned round: %s, %v; want %s", c.what, c.files, after, err, want)
			}
		}
	}
}

// TestBaseBeforeSuperseded: a line like the one that is added, near by, is no reason to
// leave the patch out where the tree it was made for can say more.
func TestBaseBeforeSuperseded(t *testing.T) {
	p := parse(t, "--- a/x\n+++ b/x\n@@ -8,6 +8,7 @@\n 8\n 9\n 10\n+new\n 11\n 12\n 13\n")
	base, err := NewDraft(open(t, map[string]string{"x": numbered(30)})).Apply(p, Options{Strip: 1, AsBase: true})
	check(t, err)
	now := lines(30, map[int]string{8: "eight", 16: "16\nnew"})
	d := NewDraft(open(t, map[string]string{"x": now}))
	if v, _, err := d.Put(p, Options{Strip: 1}); err != nil || v != Superseded {
		t.Fatalf("without a base: %s, %v", v, err)
	}
	v, _, err := d.Put(p, Options{Strip: 1, Base: &base})
	check(t, err)
	f, err := d.Read("x")
	check(t, err)
	if want := lines(30, map[int]string{8: "eight", 10: "10\nnew", 16: "16\nnew"}); v != Needed || string(f.Data) != want {
		t.Errorf("%s, %q; want %q", v, f.Data, want)
	}
}

// TestVerdictChoosesStrip: a patch that is in decides as well as one that is not.
func TestVerdictChoosesStrip(t *testing.T) {
	text := "--- /dev/null\n+++ d/e/x\n@@ -0,0 +1 @@\n+a\n--- d/e/y\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
	for _, c := range []struct {
		files map[string]string
		want  Verdict
		strip int
	}{
		{map[string]string{"d/e/y": "a\n"}, Needed, 0},
		{map[string]string{"d/e/x": "a\n"}, Present, 0},
		{map[string]string{"e/x": "a\n"}, Present, 1},
	} {
		v, r, err := parse(t, text).Verdict(open(t, c.files), Options{Strip: ChooseStrip})
		if err != nil || v != c.want || r.Strip != c.strip {
			t.Errorf("%q: %s with strip %d, %v; want %s with %d", c.files, v, r.Strip, err, c.want, c.strip)
		}
	}
}

// TestIncludedAlready: an #include that stands beside where it would go is not needed,
// although the patch fits; one that is far away, or something else than an #include, is.
func TestIncludedAlready(t *testing.T) {
	const text = "--- a/x\n+++ b/x\n@@ -1,4 +1,5 @@\n #include <stdio.h>\n #include <unistd.h>\n+#include <signal.h>\n #include <sys/wait.h>\n #include <time.h>\n"
	const at = "#include <stdio.h>\n#include <unistd.h>\n#include <sys/wait.h>\n#include <time.h>\n"
	for _, c := range []struct {
		what, text, before string
		want               Verdict
	}{
		{"not there", text, "#include \"a.h\"\n" + at, Needed},
		{"above", text, "#include \"a.h\"\n#include <signal.h>\n" + at, Superseded},
		{"below", text, at + "#include <sys/types.h>\n#include <signal.h>\n", Superseded},
		{"far below", text, at + strings.Repeat("\n", 90) + "#include <signal.h>\n", Needed},
		{"another line", strings.ReplaceAll(text, "+#include <signal.h>", "+static int signals;"), "static int signals;\n" + at, Needed},
		{"more than that", strings.ReplaceAll(strings.ReplaceAll(text, "+#include <signal.h>\n", "+#include <signal.h>\n+int more;\n"), "+1,5", "+1,6"), "#include <signal.h>\n" + at, Needed},
	} {
		v, r, err := parse(t, c.text).Verdict(open(t, map[string]string{"x": c.before}), Options{Strip: 1})
		if v != c.want || err != nil {
			t.Errorf("%s: %s, %v; want %s; %+v", c.what, v, err, c.want, r)
		}
	}
}

// TestAnyFileHasIt: a line that any file could have, and the file does, does not show
// that a patch is in; neither does one that the patch only moves.
func TestAnyFileHasIt(t *testing.T) {
	const hunk = "--- a/x\n+++ b/x\n@@ -5,6 +5,7 @@\n {\n \tif (done(c)) {\n \t\tclose(c);\n+\t\t%s\n \t}\n \n \tgo_on(c);\n"
	const file = "int f(int c)\n{\n\tif (changed(c)) {\n\t\tclose(c);\n\t\t%s\n\t}\n\n\tgo_on(c);\n}\n"
	for line, want := range map[string]Verdict{
		"return;": Conflict, "return -1;": Conflict, "break;": Conflict, "return NGX_OK;": Conflict, "goto out;": Conflict, "n = 0;": Conflict,
		"forget_the_connection(c);": Superseded,
	} {
		v, r, err := parse(t, fmt.Sprintf(hunk, line)).Verdict(open(t, map[string]string{"x": fmt.Sprintf(file, line)}), Options{Strip: 1})
		if v != want || err != nil {
			t.Errorf("%s: %s, %v; want %s\n%+v", line, v, err, want, r)
		}
	}
	const moved = "--- a/x\n+++ b/x\n@@ -1,4 +1,4 @@\n-first_line();\n a();\n b();\n+first_line();\n c();\n"
	if v, _, err := parse(t, moved).Verdict(open(t, map[string]string{"x": "first_line();\na();\nchanged();\nc();\n"}), Options{Strip: 1}); v != Conflict || err != nil {
		t.Errorf("a line that is moved: %s, %v", v, err)
	}
}
