package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"srcmend/internal/tree"
)

// TestAttacks: whatever a patch tries, it is refused as a whole, and neither the
// tree nor what is beside it changes.
func TestAttacks(t *testing.T) {
	link, file := newLink, newFile
	change := func(name string) string {
		return "--- a/" + name + "\n+++ b/" + name + "\n@@ -1 +1 @@\n-secret\n+evil\n"
	}
	for what, text := range map[string]string{
		"upwards":                      file("../evil"),
		"upwards in the middle":        file("d/../../evil"),
		"upwards, change":              change("../outside"),
		"absolute":                     "--- /dev/null\n+++ /tmp/evil\n@@ -0,0 +1 @@\n+evil\n",
		"absolute behind a slash":      "--- /dev/null\n+++ //tmp/evil\n@@ -0,0 +1 @@\n+evil\n",
		"delete upwards":               "--- a/../outside\n+++ /dev/null\n@@ -1 +0,0 @@\n-secret\n",
		"rename to upwards":            "diff --git a/x b/../evil\nrename from x\nrename to ../evil\n",
		"rename from upwards":          "diff --git a/../outside b/y\nrename from ../outside\nrename to y\n",
		"copy from upwards":            "diff --git a/../outside b/y\ncopy from ../outside\ncopy to y\n",
		"git's folder":                 file(".git/hooks/post-checkout"),
		"git's folder in capitals":     file("d/.GIT/config"),
		"newline in a name":            "--- /dev/null\n+++ \"b/x\\ny\"\n@@ -0,0 +1 @@\n+evil\n",
		"escape in a name":             "--- /dev/null\n+++ \"b/\\033[2J\"\n@@ -0,0 +1 @@\n+evil\n",
		"link out, then through it":    link("l", "..") + file("l/evil"),
		"link inside, then through it": link("l", "d") + file("l/evil"),
		"chain of links":               link("l", "d") + link("m", "l") + file("m/evil"),
		"link renamed, then through":   link("l", "d") + "diff --git a/l b/m\nrename from l\nrename to m\n\n" + file("m/evil"),
		"link in the next mail":        mailOf("good") + "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\n" + link("l", "d") + file("l/evil"),
		"absolute link":                link("l", "/etc/passwd"),
		"link upwards":                 link("d/l", "../../outside"),
		"through a link of the tree":   file("out/evil"),
		"change through a link":        change("out/outside"),
		"delete through a link":        "--- a/out/outside\n+++ /dev/null\n@@ -1 +0,0 @@\n-secret\n",
		"through a link inside":        change("in/f"),
		"change of a link":             "--- a/toout\n+++ b/toout\n@@ -1 +1 @@\n-secret\n+evil\n",
		"change of a link as text":     "--- a/toout\n+++ b/toout\n@@ -1 +1 @@\n-../outside\n\\ No newline at end of file\n+../../etc/passwd\n\\ No newline at end of file\n",
		"a link turned outwards":       "diff --git a/inlink b/inlink\nindex 0123456..789abcd 120000\n--- a/inlink\n+++ b/inlink\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+../outside\n\\ No newline at end of file\n",
		"a folder":                     change("d"),
		"a pipe":                       change("pipe"),
		"new file over a link":         file("toout"),
		"file below a file":            file("x/y"),
	} {
		t.Run(what, func(t *testing.T) {
			tr := open(t, map[string]string{"x": "secret\n", "good": "a\n", "d/f": "secret\n", "out": "link -> ..", "in": "link -> d", "toout": "link -> ../outside", "inlink": "link -> x"})
			outside := filepath.Dir(tr.Dir())
			check(t, os.WriteFile(filepath.Join(outside, "outside"), []byte("secret\n"), 0o644))
			check(t, syscall.Mkfifo(filepath.Join(tr.Dir(), "pipe"), 0o644))
			before := listing(t, outside)
			p := parse(t, "--- a/good\n+++ b/good\n"+one+text)
			for _, o := range []Options{{Strip: 1, DryRun: true}, {Strip: 1}, {Strip: ChooseStrip}, {Strip: 0}} {
				if strings.HasPrefix(what, "absolute") && strings.Contains(text, "/tmp/") && o.Strip != 0 {
					continue // without the slash at its beginning it is a name in the tree
				}
				_, err := p.Apply(tr, o)
				if err == nil {
					t.Errorf("%+v: it was done", o)
				}
				if o.Strip == 1 && !errors.Is(err, tree.ErrRefused) && !errors.As(err, new(*ConflictError)) {
					t.Errorf("%+v: %v", o, err)
				}
				if err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
					t.Errorf("control characters in %q", err)
				}
			}
			if _, _, err := p.Verdict(tr, Options{Strip: 1}); err != nil && !errors.Is(err, tree.ErrRefused) {
				t.Errorf("verdict: %v", err)
			}
			if after := listing(t, outside); after != before {
				t.Errorf("something changed:\n%s\nwas\n%s", after, before)
			}
		})
	}
}

// newLink is a change that makes a symbolic link.
func newLink(name, target string) string {
	return "diff --git a/" + name + " b/" + name + "\nnew file mode 120000\n--- /dev/null\n+++ b/" + name + "\n@@ -0,0 +1 @@\n+" + target + "\n\\ No newline at end of file\n"
}

// newFile is a change that makes a file; the name may be in quotes.
func newFile(name string) string {
	if quoted, ok := strings.CutPrefix(name, `"`); ok {
		return "--- /dev/null\n+++ \"b/" + quoted + "\n@@ -0,0 +1 @@\n+evil\n"
	}
	return "--- /dev/null\n+++ b/" + name + "\n@@ -0,0 +1 @@\n+evil\n"
}

// moveOf is a rename or copy of git's.
func moveOf(how, from, to string) string {
	return "diff --git a/" + from + " b/" + to + "\n" + how + " from " + from + "\n" + how + " to " + to + "\n"
}

// A hole is one that another program once had.
type hole struct {
	cve, what string
	text      string
	wants     error  // what the error wraps
	says      string // part of the message
}

// errConflict stands for any conflict.
var errConflict = errors.New("a conflict")

// holes are those of GNU patch, BSD patch, git and dpkg-source.
func holes() []hole {
	huge := "@@ -%s +%s @@\n-secret\n+evil\n"
	at := func(line string) string { return plainHead + fmt.Sprintf(huge, line, line) }
	ed := func(body string) string {
		return "--- a/x\t2018-11-23 12:00:00\n+++ b/x\t2018-11-23 12:00:01\n" + body
	}
	submodule := "diff --git a/sub b/sub\nnew file mode 160000\nindex 0000000..0123456\n--- /dev/null\n+++ b/sub\n@@ -0,0 +1 @@\n+Subproject commit 0123456789012345678901234567890123456789\n"
	return []hole{
		// GNU patch
		{"CVE-2010-4651", "a name that leads upwards", newFile("../evil"), tree.ErrRefused, "leads upwards"},
		{"CVE-2010-4651", "and comes back", newFile("d/../../tree/evil"), tree.ErrRefused, "leads upwards"},
		{"CVE-2010-4651", "an absolute name", "--- /dev/null\n+++ b//tmp/../../evil\n@@ -0,0 +1 @@\n+evil\n", tree.ErrRefused, "leads upwards"},
		{"CVE-2014-9637", "a line number that has no end", at("9223372036854775807"), ErrFormat, "is over 2147483647"},
		{"CVE-2014-9637", "a line number that only just has", at("2147483647"), errConflict, "hunk 1"},
		{"CVE-2014-9637", "a count of lines that has no end", plainHead + "@@ -1,9223372036854775807 +1 @@\n-secret\n+evil\n", ErrFormat, "is over"},
		{"CVE-2014-9637", "a count that does not overflow", plainHead + "@@ -1,2147483647 +1,2147483647 @@\n-secret\n+evil\n", ErrFormat, "ends inside the hunk"},
		{"CVE-2015-1196", "a link made, then written through", newLink("l", "..") + newFile("l/evil"), tree.ErrRefused, "link"},
		{"CVE-2015-1196", "an absolute link", newLink("l", "/tmp") + newFile("l/evil"), tree.ErrRefused, "link"},
		{"CVE-2015-1395", "a file renamed to the outside", moveOf("rename", "x", "../evil"), tree.ErrRefused, "leads upwards"},
		{"CVE-2015-1395", "a file copied to the outside", moveOf("copy", "x", "../evil"), tree.ErrRefused, "leads upwards"},
		{"CVE-2015-1395", "a file renamed from the outside", moveOf("rename", "../outside", "y"), tree.ErrRefused, "leads upwards"},
		{"CVE-2015-1396", "a chain of links", newLink("l", "d") + newLink("m", "l/..") + newFile("m/evil"), tree.ErrRefused, "behind the symbolic link"},
		{"CVE-2015-1396", "a chain of links, each of which stays inside", newLink("d/up", "..") + newLink("m", "d/up") + newFile("m/evil"), tree.ErrRefused, "behind the symbolic link"},
		{"CVE-2016-10713", "no newline before any line", plainHead + "@@ -1 +1 @@\n\\ No newline at end of file\n-secret\n+evil\n", ErrFormat, "before any line"},
		{"CVE-2016-10713", "lines behind the last line", plainHead + "@@ -1,2 +1 @@\n-secret\n\\ No newline at end of file\n-more\n+evil\n", ErrFormat, "a line follows the last line"},
		{"CVE-2016-10713", "a line that is nothing, not even a newline", plainHead + "@@ -1 +1 @@\n-secret\n+\n\\ No newline at end of file\n", ErrFormat, "an empty line without a newline"},
		{"CVE-2016-10713", "lines missing behind the last line", plainHead + "@@ -1,2 +1 @@\n-secret\n\\ No newline at end of file\n", ErrFormat, "behind the last line of the file"},
		{"CVE-2018-6952", "a context hunk with another in it", "*** a/x\n--- b/x\n***************\n*** 1,2 ****\n! secret\n***************\n--- 1 ----\n! evil\n", ErrFormat, "context diff"},
		{"CVE-2018-6952", "a hunk that ends in the header of the next", plainHead + "@@ -1,2 +1,2 @@\n-secret\n@@ -1 +1 @@\n", ErrFormat, "lacks lines"},
		{"CVE-2019-20633", "a context hunk that ends early", "*** a/x\n--- b/x\n***************\n*** 0 ****\n--- 1,9 ----\n+ evil", ErrFormat, "context diff"},
		{"CVE-2019-20633", "a hunk that ends early", plainHead + "@@ -0,0 +1,9 @@\n+evil", ErrFormat, "ends inside the hunk"},
		{"CVE-2018-6951", "a rename without a name", "diff --git a/x b/y\nrename from\nrename to\n", ErrFormat, ""},
		{"CVE-2018-6951", "a rename with one name", "diff --git a/x b/y\nrename from x\n", ErrFormat, "without both names"},
		{"CVE-2018-6951", "git's line without names", "diff --git \nrename from x\nrename to y\n", ErrFormat, ""},
		{"CVE-2018-1000156", "an ed script that runs a command", ed("1c\n!touch evil\n.\n"), ErrFormat, "ed script"},
		{"CVE-2018-1000156", "and has no end", ed("1337a\n1,112d\n!touch evil\n"), ErrFormat, ""},
		{"CVE-2018-20969", "a command alone", ed("!touch evil\n1d\n"), ErrFormat, ""},
		{"CVE-2018-20969", "a command behind the text of another", ed("0a\nevil\n.\n!touch evil\n"), ErrFormat, "ed script"},
		{"CVE-2019-13636", "a link at the target", strings.ReplaceAll(plainHead, "/x", "/toout") + "@@ -1 +1 @@\n-secret\n+evil\n", tree.ErrRefused, "symbolic link"},
		{"CVE-2019-13636", "a link at the target of a new file", newFile("toout"), errConflict, "it exists"},
		{"CVE-2019-13636", "a link to nothing at the target of a new file", newFile("tonew"), errConflict, "it exists"},
		{"CVE-2019-13638", "a name with a command, of an ed script", "--- a/x;touch evil\n+++ b/x;touch evil\n1c\nevil\n.\n", ErrFormat, "ed script"},
		{"CVE-2019-13638", "a name with a command", "--- a/$(touch evil)\n+++ b/`touch evil`\n@@ -1 +1 @@\n-secret\n+evil\n", errConflict, "it is not there"},
		// BSD patch
		{"CVE-2015-1416", "a file that RCS and SCCS have", strings.ReplaceAll(plainHead, "/x", "/kept") + "@@ -1 +1 @@\n-secret\n+evil\n", errConflict, "it is not there"},
		{"CVE-2015-1416", "and a name with a command", strings.ReplaceAll(plainHead, "/x", "/kept;touch evil;") + "@@ -1 +1 @@\n-secret\n+evil\n", errConflict, "it is not there"},
		{"CVE-2015-1418", "an ed script that runs a command", "1d\n!touch evil\n", ErrFormat, ""},
		// git
		{"CVE-2023-23946", "a link renamed, then written through", newLink("l", "d") + moveOf("rename", "l", "m") + "\n" + newFile("m/evil"), errConflict, "l: the change does not fit; it is not there"},
		{"CVE-2023-23946", "a link made, then renamed and written through", newLink("l", "d") + mailLine + moveOf("rename", "l", "m") + "\n" + newFile("m/evil"), tree.ErrRefused, "behind the symbolic link"},
		{"CVE-2023-23946", "a link of the tree renamed, then written through", moveOf("rename", "out", "m") + "\n" + newFile("m/evil"), tree.ErrRefused, "behind the symbolic link"},
		{"CVE-2023-25652", "a reject where a link leads out", strings.ReplaceAll(plainHead, "/x", "/rejected") + "@@ -1 +1 @@\n-other\n+evil\n", errConflict, "hunk 1"},
		{"CVE-2014-9390", "git's folder", newFile(".git/hooks/post-checkout"), tree.ErrRefused, "belongs to git"},
		{"CVE-2014-9390", "in capitals", newFile("d/.GIT/config"), tree.ErrRefused, "belongs to git"},
		{"CVE-2014-9390", "in both", newFile(".Git/config"), tree.ErrRefused, "belongs to git"},
		{"CVE-2018-11235", "a submodule", submodule, ErrFormat, "submodule"},
		{"CVE-2018-11235", "the folder of one", newFile(".git/modules/x/hooks/post-checkout"), tree.ErrRefused, "belongs to git"},
		{"CVE-2021-21300", "a link to git's hooks, and a hook", newLink("A", ".git/hooks") + newFile("A/post-checkout"), tree.ErrRefused, "link"},
		{"CVE-2024-32002", "a link beside a submodule", newLink("A", ".git/modules/x") + submodule, ErrFormat, "submodule"},
		{"CVE-2025-48384", "a carriage return at the end of a name", newFile(`"sub\r"`), tree.ErrRefused, "control character"},
		// dpkg-source
		{"CVE-2010-0396", "upwards out of the source", "--- a/../../outside\n+++ b/../../outside\n@@ -1 +1 @@\n-secret\n+evil\n", tree.ErrRefused, "leads upwards"},
		{"CVE-2010-0396", "through a link of the source", newFile("out/evil"), tree.ErrRefused, "behind the symbolic link"},
		{"CVE-2010-1679", "upwards through a folder that is made", newFile("n/a") + newFile("n/../../evil"), tree.ErrRefused, "leads upwards"},
		{"CVE-2010-1679", "removed through a link", "--- a/out/outside\n+++ /dev/null\n@@ -1 +0,0 @@\n-secret\n", tree.ErrRefused, "behind the symbolic link"},
		{"CVE-2014-0471", "quoted dots", newFile(`"\056\056/evil"`), tree.ErrRefused, "leads upwards"},
		{"CVE-2014-3127", "quoted slashes", newFile(`"d/..\057..\057evil"`), tree.ErrRefused, "leads upwards"},
		{"CVE-2014-3227", "quotes that other programs leave alone", "--- /dev/null\n+++ \"b/\\056./evil\"\t2018-11-23 12:00:00\n@@ -0,0 +1 @@\n+evil\n", tree.ErrRefused, "leads upwards"},
		{"CVE-2014-3864", "a name in Index alone", "Index: ../outside\n===\n@@ -1 +1 @@\n-secret\n+evil\n", ErrFormat, "without the name of a file"},
		{"CVE-2014-3865", "a name in Index and half of a header", "Index: ../outside\n===\n--- a/x\n@@ -1 +1 @@\n-secret\n+evil\n", ErrFormat, "without the name of a file"},
		{"CVE-2014-3865", "a name in Index besides empty ones", "Index: ../outside\n===\n--- \n+++ \n@@ -1 +1 @@\n-secret\n+evil\n", ErrFormat, "the name of a file is missing"},
	}
}

// mailLine begins another mail.
const mailLine = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\n"

// plainHead begins a change of x.
const plainHead = "--- a/x\n+++ b/x\n"

// TestHoles: what once harmed others is refused, by the right words and with little
// memory, and changes nothing in the tree or beside it.
func TestHoles(t *testing.T) {
	for _, c := range holes() {
		t.Run(c.cve+" "+c.what, func(t *testing.T) {
			tr := open(t, map[string]string{
				"x": "secret\n", "good": "a\n", "d/f": "secret\n", "rejected": "secret\n", "out": "link -> ..",
				"toout": "link -> ../outside", "tonew": "link -> ../evil", "rejected.rej": "link -> ../outside",
				"RCS/kept,v": "head 1.1;\n", "SCCS/s.kept": "", "RCS/kept;touch evil;,v": "head 1.1;\n",
			})
			outside := filepath.Dir(tr.Dir())
			check(t, os.WriteFile(filepath.Join(outside, "outside"), []byte("secret\n"), 0o644))
			before := listing(t, outside)
			for _, reverse := range []bool{false, true} {
				used := allocated(func() { c.try(t, tr, reverse) })
				if most := uint64(16 << 20); used > most {
					t.Errorf("%d bytes were allocated for a patch of %d", used, len(c.text))
				}
			}
			if after := listing(t, outside); after != before {
				t.Errorf("something changed:\n%s\nwas\n%s", after, before)
			}
		})
	}
}

// try applies the patch behind another change, which must not be made either. Turned
// round it may not be what it was, but must not be done.
func (c hole) try(t testing.TB, tr *tree.Tree, reverse bool) {
	t.Helper()
	good := "--- a/good\n+++ b/good\n" + one
	if reverse {
		good = "--- a/good\n+++ b/good\n@@ -1 +1 @@\n-b\n+a\n"
	}
	if !strings.Contains(c.text, "a/") && !strings.Contains(c.text, "b/") {
		good = "" // without a name it would be text behind the other change
	}
	p, err := Parse(strings.NewReader(good + c.text))
	if err == nil {
		_, err = p.Apply(tr, Options{Strip: 1, Reverse: reverse})
		if _, _, err := NewDraft(tr).Put(p, Options{Strip: 1, Fuzz: maxFuzz}); err == nil && !reverse {
			t.Error("it was put into a draft")
		}
	}
	switch {
	case err == nil:
		t.Errorf("reverse %v: it was done", reverse)
	case strings.ContainsAny(err.Error(), "\n\x1b\r"):
		t.Errorf("control characters in %q", err)
	case reverse:
	case c.wants == errConflict && conflictsIn(err) == nil, c.wants != errConflict && !errors.Is(err, c.wants):
		t.Errorf("%v is not %v", err, c.wants)
	case !strings.Contains(err.Error(), c.says):
		t.Errorf("%v does not say %q", err, c.says)
	}
}

// allocated is how many bytes a function allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestNULInNames: a name that other programs cut off at its NUL byte is refused,
// wherever it is written.
func TestNULInNames(t *testing.T) {
	for _, text := range []string{
		strings.ReplaceAll(plain, "b/x", "b/x\x00y"),
		strings.ReplaceAll(plain, "a/x", "a/x\x00y"),
		strings.ReplaceAll(plain, "b/x", "\"b/x\\000y\""),
		"+++ b/x\x00y\n" + one,
		moveOf("rename", "x", "y\x00"),
		moveOf("copy", "x\x00", "y"),
		"diff --git a/x\x00 b/x\x00\nold mode 100644\nnew mode 100755\n",
	} {
		if _, err := Parse(strings.NewReader(text)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "NUL") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestHugeLineNumbers: CVE-2014-9637, counted: a hunk far behind the end of the file
// costs as much as one in its place, forwards and backwards, with fuzz and without.
func TestHugeLineNumbers(t *testing.T) {
	const n = 3000
	for _, start := range []int{n, 1 << 20, maxLine} {
		for _, fuzz := range []int{0, maxFuzz} {
			h := Hunk{OldStart: start, OldLines: 3, NewStart: start, NewLines: 3, Body: []Line{{Context, "none\n"}, {Remove, "1\n"}, {Add, "x\n"}, {Context, "3\n"}}}
			p := newPlacer(cut(numbered(n)))
			_, bad, err := p.place(h, rules{Options: Options{Fuzz: fuzz}})
			if bad == nil || err != nil {
				t.Errorf("line %d: %+v, %v", start, bad, err)
			}
			if p.probes > 4*n {
				t.Errorf("line %d, fuzz %d: %d lines were compared in a file of %d", start, fuzz, p.probes, n)
			}
		}
	}
}

// listing describes a folder and all below it.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s", path, info.Mode())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %s %q", info.ModTime(), data)
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

// FuzzSections puts sections together by a seed, with names that try to get out,
// so that most texts are patches. What fits exactly can be taken back.
func FuzzSections(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed)
	}
	names := []string{"x", "x", "y", "d/y", "d/z", "l", "l/z", "out/f", "../o", ".git/h", "n/a", "n/b", "run"}
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := newForge(seed)
		name := func() string { return names[random.IntN(len(names))] }
		var text strings.Builder
		for range 1 + random.IntN(5) {
			a, b := name(), name()
			fmt.Fprintf(&text, "diff --git a/%s b/%s\n", a, b)
			switch random.IntN(7) {
			case 0:
				fmt.Fprintf(&text, "rename from %s\nrename to %s\n", a, b)
			case 1:
				fmt.Fprintf(&text, "copy from %s\ncopy to %s\n", a, b)
			case 2:
				fmt.Fprintf(&text, "new file mode 120000\n--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+%s\n\\ No newline at end of file\n", b, name())
			case 3:
				fmt.Fprintf(&text, "deleted file mode 100644\n--- a/%s\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", a)
			case 4:
				fmt.Fprintf(&text, "new file mode 100644\n--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+a\n", b)
			case 5:
				fmt.Fprintf(&text, "--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-a\n+b\n", a, a)
			case 6:
				fmt.Fprintf(&text, "--- a/%s\n+++ b/%s\n@@ -1 +1 @@\n-b\n+a\n", a, a)
			}
			if random.IntN(4) == 0 {
				text.WriteString("From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\n")
			}
		}
		p, err := Parse(strings.NewReader(text.String()))
		if err != nil {
			return
		}
		tr := open(t, map[string]string{"x": "a\n", "y": "a\n", "d/y": "b\n", "run": "a\n", "out": "link -> .."})
		before := read(t, tr.Dir())
		_, err = p.Apply(tr, Options{Strip: 1})
		after := read(t, tr.Dir())
		if err != nil {
			if d := differ(after, before); d != "" {
				t.Fatalf("%v, and\n%s", err, d)
			}
			return
		}
		if _, err := p.Apply(tr, Options{Strip: 1, Reverse: true}); err != nil {
			if !errors.As(err, new(*ConflictError)) {
				t.Fatalf("reverse: %v\n%s", err, text.String())
			}
			return
		}
		if d := differ(read(t, tr.Dir()), before); d != "" {
			t.Fatalf("taken back:\n%s\n%s", d, text.String())
		}
		entries, err := os.ReadDir(filepath.Dir(tr.Dir()))
		if err != nil || len(entries) != 1 {
			t.Fatalf("outside are %v, %v", entries, err)
		}
	})
}

// FuzzApply: any text against a small tree. After an error nothing has changed,
// and never anything outside.
func FuzzApply(f *testing.F) {
	f.Add(plain, 1, false)
	f.Add(mailOf("x")+mailOf("d/y"), -1, true)
	f.Add("diff --git a/x b/../y\nrename from x\nrename to ../y\n", 1, false)
	f.Add("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+..\n\\ No newline at end of file\n--- /dev/null\n+++ b/l/x\n@@ -0,0 +1 @@\n+a\n", 1, false)
	f.Add("--- a/d/y\n+++ b/d/y\n@@ -2,3 +2,2 @@\n 2\n-3\n 4\n@@ -8,0 +8 @@\n+x\n", 1, true)
	f.Fuzz(func(t *testing.T, text string, strip int, reverse bool) {
		p, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		tr := open(t, map[string]string{"x": "a\n", "d/y": numbered(9), "run*": "b\n", "l": "link -> x", "out": "link -> .."})
		outside := filepath.Join(filepath.Dir(tr.Dir()), "outside")
		check(t, os.WriteFile(outside, []byte("a\n"), 0o644))
		before := read(t, tr.Dir())
		o := Options{Strip: strip % 4, Reverse: reverse}
		verdict, _, err := p.Verdict(tr, o)
		if err == nil && verdict == "" {
			t.Fatal("no verdict and no error")
		}
		_, err = p.Apply(tr, o)
		after := read(t, tr.Dir())
		if d := differ(after, before); err != nil && d != "" {
			t.Fatalf("%v, and\n%s", err, d)
		}
		if data, err := os.ReadFile(outside); err != nil || string(data) != "a\n" {
			t.Fatalf("outside is %q, %v", data, err)
		}
		names, err := os.ReadDir(filepath.Dir(tr.Dir()))
		if err != nil || len(names) != 2 {
			t.Fatalf("outside are %v, %v", names, err)
		}
		for name, text := range after {
			if target, isLink := strings.CutPrefix(text, "link -> "); isLink && name != "out" && !filepath.IsLocal(filepath.Join(filepath.Dir(name), target)) {
				t.Fatalf("%s leads out, to %s", name, target)
			}
		}
	})
}
