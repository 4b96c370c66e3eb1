package patch_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// A burden is a patch that is made to cost more than it is worth.
type burden struct {
	what string
	n    int // how often something is in the smaller of two such patches
	// files are the tree, and text is the patch in which something is n times.
	files func(n int) map[string]string
	text  func(n int) string
	// most is how many bytes may be allocated for each byte of the patch and the files.
	most uint64
	// through is how large the files count, if they are gone through more than once.
	through func(n int) int

	wants  error  // what the error wraps, nil for none
	says   string // part of the error
	report func(t *testing.T, n int, err error)
	after  func(n int) map[string]string // what is in the tree then, if there is no error
}

// errUnfit stands for any conflict.
var errUnfit = errors.New("a conflict")

// burdens are shapes that would cost the square of their size, if they were read or
// placed without care.
func burdens() []burden {
	return slices.Concat(burdensOfNames(), burdensOfHeaders(), burdensOfFormats(), burdensOfMany(), burdensOfOneLine())
}

// change turns the x of a small tree into b, and misfit is for its y, where it does not fit.
const (
	change = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
	misfit = "--- a/y\n+++ b/y\n@@ -1 +1 @@\n-no\n+other\n"
)

// small is a small tree, and changed and executable are what becomes of it.
func small(int) map[string]string      { return map[string]string{"x": "a\n", "y": "b\n"} }
func changed(int) map[string]string    { return map[string]string{"x": "b\n", "y": "b\n"} }
func executable(int) map[string]string { return map[string]string{"x*": "a\n", "y": "b\n"} }

// burdensOfNames are in the names of files.
func burdensOfNames() []burden {
	const letters = `\303\244`
	return []burden{
		{
			what: "quoted names in one header", n: 2_000, most: 16, files: small,
			text: func(n int) string {
				return "diff --git a/x b/z\n" + strings.Repeat("rename from \""+strings.Repeat(letters, 20)+"\"\n", n) + "rename from x\nrename to z\n"
			},
			after: func(int) map[string]string { return map[string]string{"z": "a\n", "y": "b\n"} },
		},
		{
			what: "quoted names of many files", n: 500, most: 96, files: small,
			text: func(n int) string {
				return times(n, func(i int) string {
					return fmt.Sprintf("--- /dev/null\n+++ \"b/%s%d\"\n@@ -0,0 +1 @@\n+a\n", strings.Repeat(letters, 20), i)
				}) + change + misfit
			},
			wants: errUnfit, says: "y: hunk 1",
		},
		{
			what: "a quoted name without end", n: 1_000, most: 8, files: small,
			text: func(n int) string {
				return change + "--- a/x\n+++ \"b/" + strings.Repeat(`\\`, n) + "\n@@ -1 +1 @@\n-b\n+a\n"
			},
			wants: patch.ErrFormat, says: "the quoted name has no end",
		},
		{
			what: "a quoted name that is too long", n: 50_000, most: 8, files: small,
			text: func(n int) string {
				return change + "--- a/x\n+++ \"b/" + strings.Repeat(`\\`, n) + "\"\n@@ -1 +1 @@\n-b\n+a\n"
			},
			wants: patch.ErrFormat, says: "the name of a file has more than",
		},
		{
			what: "long names with many slashes", n: 160, most: 64, files: small,
			text: func(n int) string {
				deep := strings.Repeat("directory/", tree.MaxDepth-2)
				return times(n, func(i int) string {
					return fmt.Sprintf("--- a/%sx%d\n+++ b/%sx%d\n@@ -1 +1 @@\n-a\n+b\n", deep, i, deep, i)
				})
			},
			wants: errUnfit, says: "it is not there; and there are",
		},
		{
			what: "names of git's that can't be told apart", n: 50, most: 48, files: small,
			text: func(n int) string {
				return times(n, func(int) string { return "diff --git a/x b/x\n" }) + "diff --git a/" + strings.Repeat("a ", n*40) + "b/x\nold mode 100644\nnew mode 100755\n"
			},
			wants: patch.ErrFormat, says: "the two names cannot be told apart",
		},
	}
}

// burdensOfHeaders are before the changes.
func burdensOfHeaders() []burden {
	return []burden{
		{
			what: "headers of git's that say nothing", n: 10_000, most: 96, files: small,
			text:  func(n int) string { return strings.Repeat("diff --git a/x b/x\n", n) + change },
			after: changed,
		},
		{
			what: "headers of git's that say nothing, and no more", n: 10_000, most: 96, files: small,
			text:  func(n int) string { return strings.Repeat("diff --git a/x b/x\n", n) },
			wants: patch.ErrNothing, says: "it changes no file",
		},
		{
			what: "lines of one header", n: 10_000, most: 48, files: small,
			text: func(n int) string {
				return "diff --git a/x b/x\n" + strings.Repeat("old mode 100644\nindex 0123456..0123456\nnew mode 100755\n", n)
			},
			after: executable,
		},
		{
			what: "odd modes in one header", n: 10_000, most: 96, files: small,
			text: func(n int) string {
				return "diff --git a/x b/x\n" + strings.Repeat("old mode 100664\nnew mode 100775\n", n)
			},
			after: executable,
		},
		{
			what: "lines of another program in headers", n: 10_000, most: 96, files: small,
			text: func(n int) string {
				return strings.Repeat("diff --git a/x b/x\n"+strings.Repeat("Index: x\n=====\n", 20), n/20) + change
			},
			after: changed,
		},
		{
			what: "fields of a mail", n: 10_000, most: 96, files: small,
			text: func(n int) string {
				return "From: a\n" + times(n, func(i int) string { return fmt.Sprintf("X-Field-%d: b\n", i) }) + "\n" + change
			},
			after: changed,
		},
		{
			what: "a field of a mail that goes on and on", n: 100, most: 32, files: small,
			text: func(n int) string {
				return "From: a\nSubject: b\n" + strings.Repeat(" "+strings.Repeat("c", 1000)+"\n", n) + "\n" + change
			},
			after: changed,
		},
	}
}

// burdensOfFormats are in formats that are not read.
func burdensOfFormats() []burden {
	return []burden{
		{
			what: "an ed script", n: 25_000, most: 128, files: small,
			text: func(n int) string {
				return times(n/3, func(i int) string { return fmt.Sprintf("%dc\ntext\n.\n", n-i) })
			},
			wants: patch.ErrFormat, says: "this is an ed script",
		},
		{
			what: "an ed script without end", n: 25_000, most: 96, files: small,
			text:  func(n int) string { return times(n, func(i int) string { return fmt.Sprintf("%da\n", n-i) }) },
			wants: patch.ErrNothing, says: "it changes no file",
		},
		{
			what: "an ed script behind names", n: 25_000, most: 48, files: small,
			text: func(n int) string {
				return "--- a/x\n+++ b/x\n" + times(n, func(i int) string { return fmt.Sprintf("%dd\n", n-i) })
			},
			wants: patch.ErrFormat, says: "line 3: this is an ed script",
		},
		{
			what: "a context diff", n: 25_000, most: 96, files: small,
			text: func(n int) string {
				return "*** a/x\n--- b/x\n***************\n" + fmt.Sprintf("*** 1,%d ****\n", n) + strings.Repeat("! a\n", n) + fmt.Sprintf("--- 1,%d ----\n", n) + strings.Repeat("! b\n", n)
			},
			wants: patch.ErrFormat, says: "line 1: this is a context diff",
		},
		{
			what: "a normal diff", n: 25_000, most: 128, files: small,
			text: func(n int) string {
				return times(n/4, func(i int) string { return fmt.Sprintf("%dc%d\n< a\n---\n> b\n", i+1, i+1) })
			},
			wants: patch.ErrFormat, says: "line 1: this is a normal diff",
		},
	}
}

// burdensOfMany are many small changes.
func burdensOfMany() []burden {
	return []burden{
		{
			what: "sections that change one large file", n: 750, most: 1,
			files:   func(int) map[string]string { return map[string]string{"x": large(0)} },
			through: func(n int) int { return n * len(large(0)) },
			text: func(n int) string {
				return times(n, func(i int) string { return fmt.Sprintf("--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-%d\n+%d\n line\n", i, i+1) })
			},
			after: func(n int) map[string]string { return map[string]string{"x": large(n)} },
		},
		{
			what: "mails", n: 750, most: 256, files: small,
			text: func(n int) string {
				return times(n, func(i int) string {
					return mail(fmt.Sprintf("new %d", i), fmt.Sprintf("--- /dev/null\n+++ b/new/%d\n@@ -0,0 +1 @@\n+a\n", i))
				})
			},
			after: func(n int) map[string]string {
				files := small(n)
				for i := range n {
					files[fmt.Sprintf("new/%d", i)] = "a\n"
				}
				return files
			},
		},
		{
			what: "mails that change one file, the last of which does not fit", n: 750, most: 256, files: small,
			text: func(n int) string {
				return times(n, func(i int) string {
					return mail("change", fmt.Sprintf("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-%s\n+%d\n", first(i, "a"), i))
				}) +
					mail("no", misfit)
			},
			wants: errUnfit, says: "y: hunk 1",
		},
		{
			what: "hunks none of which fits", n: 750, most: 96,
			files: func(n int) map[string]string {
				return map[string]string{"x": times(20*n, func(i int) string { return fmt.Sprintln(i + 1) })}
			},
			text: func(n int) string {
				return "--- a/x\n+++ b/x\n" + times(n, func(i int) string {
					return fmt.Sprintf("@@ -%d,3 +%d,3 @@\n %d\n-none\n+other\n %d\n", 20*i+1, 20*i+1, 20*i+1, 20*i+3)
				})
			},
			wants: errUnfit, says: `x: hunk 1 for line 1 does not fit; line 2 should be "none" and is "2"`,
			report: explainsFew,
		},
	}
}

// burdensOfOneLine are files and hunks of one line, over and over.
func burdensOfOneLine() []burden {
	return []burden{
		{
			what: "hunks of one line, in a file of that line", n: 500, most: 32,
			files: same,
			text: func(n int) string {
				return "--- a/x\n+++ b/x\n" + times(n, func(i int) string {
					return fmt.Sprintf("@@ -%d,3 +%d,3 @@\n same\n-same\n+other\n same\n", 50*i+1, 50*i+1)
				})
			},
			after: func(n int) map[string]string {
				part := "same\nother\n" + strings.Repeat("same\n", 48)
				return map[string]string{"x": strings.Repeat(part, n) + strings.Repeat("same\n", 200_000-50*n)}
			},
		},
		{
			what: "a long hunk of one line, in a file of that line", n: 10_000, most: 96,
			files: same,
			text: func(n int) string {
				return fmt.Sprintf("--- a/x\n+++ b/x\n@@ -50001,%d +50001,%d @@\n", 2*n+1, 2*n) + strings.Repeat(" same\n", n) + "-same\n" + strings.Repeat(" same\n", n)
			},
			wants: errUnfit, says: "putting it in fits, and so does taking it out",
		},
		{
			what: "hunks that nearly fit everywhere, in a file of one line", n: 10, most: 48,
			files: same,
			text: func(n int) string {
				return "--- a/x\n+++ b/x\n" + times(n, func(i int) string {
					return fmt.Sprintf("@@ -%d,4 +%d,4 @@\n same\n same\n-none\n+other\n same\n", 50*i+1, 50*i+1)
				})
			},
			wants: errUnfit, says: "x: hunk 1",
			report: explainsFew,
		},
	}
}

// same is a tree with one large file, all of whose lines are the same.
func same(int) map[string]string { return map[string]string{"x": strings.Repeat("same\n", 200_000)} }

// large is a file of a MiB that begins with a number.
func large(number int) string { return fmt.Sprintln(number) + strings.Repeat("line\n", 1<<20/5) }

// first is a text for number 0, and otherwise the number before.
func first(i int, text string) string {
	if i == 0 {
		return text
	}
	return fmt.Sprint(i - 1)
}

// mail is a mail with one change.
func mail(subject, change string) string {
	return "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: a <a@example.org>\nSubject: [PATCH] " + subject +
		"\n\nWhy.\n---\n" + change + "-- \n2.0\n\n"
}

// times is a text that is made of n.
func times(n int, text func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(text(i))
	}
	return b.String()
}

// explainsFew checks that all conflicts are named, and only some held against the file.
func explainsFew(t *testing.T, n int, err error) {
	const most = 20
	var conflicts patch.Conflicts
	errors.As(err, &conflicts)
	explained := 0
	for _, c := range conflicts {
		if c.Compared != nil {
			explained++
		}
	}
	if len(conflicts) != n || explained > most || explained == 0 {
		t.Errorf("%d conflicts of %d hunks, %d explained", len(conflicts), n, explained)
	}
	if len(err.Error()) > 1000 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}

// TestBurdens: what a patch costs grows with its size and that of the files it goes
// through, and not with a square. What is allocated is counted, not seconds; for
// four times as much, less than eight times as much may be. It ends well, or with the
// right words, and changes nothing then.
func TestBurdens(t *testing.T) {
	for _, b := range burdens() {
		t.Run(b.what, func(t *testing.T) {
			few, _ := b.carry(t, b.n)
			many, size := b.carry(t, 4*b.n)
			t.Logf("%d bytes for %d, %.1f for each; for four times as much %.1f times", many, size, float64(many)/float64(size), float64(many)/float64(few))
			const base = 1 << 20 // what is not worth counting
			if many > 8*max(few, base/8) {
				t.Errorf("for four times as much %.1f times as much was allocated", float64(many)/float64(few))
			}
			if many > b.most*uint64(size)+base {
				t.Errorf("%d bytes were allocated for %d, more than %d for each", many, size, b.most)
			}
		})
	}
}

// carry reads the patch and puts it into a tree. It gives how much was allocated, and
// how large all of it was.
func (b burden) carry(t *testing.T, n int) (used uint64, size int) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	files, text := b.files(n), b.text(n)
	size = len(text)
	for name, content := range files {
		size += len(content)
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if b.through != nil {
		size = len(text) + b.through(n)
	}
	tr, err := tree.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	before := contents(t, dir)
	used = spent(func() { err = putIn(tr, text) })
	switch {
	case b.wants == nil && err != nil:
		t.Fatalf("%d times: %v", n, err)
	case b.wants == errUnfit && !errors.As(err, new(patch.Conflicts)), b.wants != nil && b.wants != errUnfit && !errors.Is(err, b.wants):
		t.Fatalf("%d times: %v is not %v", n, err, b.wants)
	case err != nil && (!strings.Contains(err.Error(), b.says) || len(err.Error()) > 20_000):
		t.Errorf("%d times: %v does not say %q", n, err, b.says)
	}
	if b.report != nil {
		b.report(t, n, err)
	}
	after := contents(t, dir)
	if err != nil && !maps.Equal(before, after) {
		t.Errorf("%d times: %v, and the tree has changed", n, err)
	}
	if err == nil && maps.Equal(before, after) {
		t.Errorf("%d times: no error, and nothing was changed", n)
	}
	if b.after != nil && !maps.Equal(b.after(n), after) {
		t.Errorf("%d times: the tree has %v, and not what it should", n, slices.Sorted(maps.Keys(after)))
	}
	return used, size
}

// putIn does what the program does with a patch.
func putIn(t *tree.Tree, text string) error {
	p, err := patch.Parse(strings.NewReader(text))
	if err != nil {
		return err
	}
	d := patch.NewDraft(t)
	if _, _, err := d.Put(p, patch.Options{Strip: 1}); err != nil {
		return err
	}
	return d.Edit().Commit()
}

// spent is how many bytes a function allocates.
func spent(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// contents are the files of a folder; a "*" stands behind the name of one that may be
// executed.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if info.Mode()&0o100 != 0 {
			name += "*"
		}
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
