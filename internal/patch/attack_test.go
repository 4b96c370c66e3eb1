package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"srcmend/internal/tree"
)

// TestAttacks: whatever a patch tries, it is refused as a whole, and neither the
// tree nor what is beside it changes.
func TestAttacks(t *testing.T) {
	link := func(name, target string) string {
		return "diff --git a/" + name + " b/" + name + "\nnew file mode 120000\n--- /dev/null\n+++ b/" + name + "\n@@ -0,0 +1 @@\n+" + target + "\n\\ No newline at end of file\n"
	}
	file := func(name string) string {
		return "--- /dev/null\n+++ b/" + name + "\n@@ -0,0 +1 @@\n+evil\n"
	}
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
