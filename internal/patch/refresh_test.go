package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/tree"
)

// draftOf is a draft with files, named as write names them, over an empty tree.
func draftOf(t testing.TB, empty *tree.Tree, files map[string]string) *Draft {
	t.Helper()
	d := NewDraft(empty)
	for name, text := range files {
		f := tree.File{Name: name, Mode: 0o644, Data: []byte(text)}
		if bare, ok := strings.CutSuffix(name, "*"); ok {
			f.Name, f.Mode = bare, 0o755
		}
		if target, ok := strings.CutPrefix(text, "link -> "); ok {
			f.Mode, f.Data = fs.ModeSymlink|0o777, []byte(target)
		}
		check(t, d.Write(f))
	}
	return d
}

// held gives what a draft over an empty tree has, named as draftOf names it.
func held(d *Draft) map[string]string {
	files := map[string]string{}
	for name, s := range d.now {
		switch {
		case !s.exists:
		case s.isLink():
			files[name] = "link -> " + s.text.String()
		case s.mode&0o100 != 0:
			files[name+"*"] = s.text.String()
		default:
			files[name] = s.text.String()
		}
	}
	return files
}

// skeleton is a patch without its hunks.
func skeleton(p *Patch) string {
	lines := slices.Clone(p.lines)
	for _, m := range p.Mails {
		for _, f := range m.Files {
			for i := f.span.hunks; i < f.span.end; i++ {
				lines[i] = ""
			}
		}
	}
	return strings.Join(lines, "")
}

// refreshed applies a patch, and checks what Refresh makes of it: a patch that fits
// at once, with the same result, and differs from the one before in hunks that did
// not.
func refreshed(t testing.TB, empty *tree.Tree, text string, files map[string]string, o Options, classes tally) string {
	t.Helper()
	p := parse(t, text)
	d := draftOf(t, empty, files)
	r, err := d.Apply(p, o)
	check(t, err)
	now := p.Refresh(r)
	again, err := Parse(strings.NewReader(now))
	if errors.Is(err, ErrNothing) && len(kept(t, p, r, classes)) == 0 {
		return now
	}
	if err != nil {
		t.Errorf("refreshed, it can't be read: %v\n%s\nwas\n%s", err, now, text)
		return now
	}
	strict := draftOf(t, empty, files)
	report, err := strict.Apply(again, Options{Strip: r.Strip, Strict: true, File: o.File, RemoveEmpty: o.RemoveEmpty})
	if err != nil {
		t.Errorf("refreshed, it does not fit: %v\n%s\nwas\n%s\non %q", err, now, text, files)
		return now
	}
	if diff := differ(held(strict), held(d)); diff != "" {
		t.Errorf("refreshed, it makes something else:\n%s\n%s\nwas\n%s\non %q", diff, now, text, files)
	}
	if !report.Exact() || r.Exact() && now != strings.Join(p.lines, "") {
		t.Errorf("refreshed, it stands exactly: %v\n%s\nwas\n%s", report.Exact(), now, text)
	}
	if back := again.Refresh(report); back != now {
		t.Errorf("refreshed twice, it is\n%s\nand once\n%s", back, now)
	}
	sameBut(t, p, again, kept(t, p, r, classes))
	return now
}

// A keptFile is a file of a patch that Refresh does not leave out, and what was done to
// it.
type keptFile struct {
	File
	how string
}

// kept lists them, and counts what was done.
func kept(t testing.TB, p *Patch, r Report, classes tally) []keptFile {
	t.Helper()
	var all []keptFile
	for i, m := range p.Mails {
		for j, f := range m.Files {
			report := r.Mails[i].Files[j]
			how := "moved"
			switch {
			case report.exact():
				how = "exact"
			case report.Merged && len(report.stood) == 0 && len(p.headOnly(f)) == 0:
				classes["merged away"]++
				continue
			case report.Merged && len(report.stood) == 0:
				how = "header only"
			case report.Merged:
				how = "merged"
			case slices.ContainsFunc(report.Hunks, func(h HunkReport) bool { return h.Fuzz > 0 }):
				how = "put with fuzz"
			}
			classes[how]++
			all = append(all, keptFile{f, how})
		}
	}
	return all
}

// sameBut checks that all is the same in two patches but the hunks that did not stand
// at once.
func sameBut(t testing.TB, p, again *Patch, files []keptFile) {
	t.Helper()
	moved := len(files) == p.files() // and nothing else
	next := 0
	for _, m := range again.Mails {
		for _, f := range m.Files {
			was := files[next]
			next++
			if a, b := p.hunkText(was.File), again.hunkText(f); was.how == "exact" && a != b {
				t.Errorf("%s fitted, and its hunks were\n%s\nand are\n%s", f.NewName, a, b)
			}
			if !sameName(was.NewName, f.NewName) || !sameName(was.OldName, f.OldName) || was.Kind != f.Kind || was.NewMode != f.NewMode && was.Git {
				t.Errorf("%s %s is %s %s", was.Kind, was.NewName, f.Kind, f.NewName)
			}
			moved = moved && (was.how == "exact" || was.how == "moved")
		}
	}
	whole := len(files) == p.files() && !slices.ContainsFunc(files, func(f keptFile) bool { return f.how == "header only" })
	if a, b := skeleton(p), skeleton(again); whole && a != b {
		t.Errorf("what is around the hunks was\n%s\nand is\n%s", a, b)
	}
	if moved && !slices.Equal(p.IDs(), again.IDs()) {
		t.Errorf("moved only, and its ids were %v and are %v", p.IDs(), again.IDs())
	}
}

// sameName reports whether two names stand for the same file in a tree.
func sameName(a, b string) bool {
	a, _ = Strip(a, 1)
	b, _ = Strip(b, 1)
	return a == b
}

// hunkText is the lines of the hunks of a file.
func (p *Patch) hunkText(f File) string {
	if len(f.Hunks) == 0 {
		return ""
	}
	return strings.Join(p.lines[f.span.hunks:f.span.end], "")
}

// files is how many changes a patch has.
func (p *Patch) files() int {
	n := 0
	for _, m := range p.Mails {
		n += len(m.Files)
	}
	return n
}

// fitting lists the cases of a crowd that can be put in, if need be by fuzz or a merge.
func (c *crowd) fitting(t testing.TB, empty *tree.Tree, o Options) []string {
	t.Helper()
	return slices.DeleteFunc(c.names(), func(name string) bool {
		base := NewDraft(empty)
		if from, exists := c.from[name]; exists {
			base = put(t, empty, name, from)
		}
		r, err := base.Apply(alone(c.files[name]), Options{Strip: 1, AsBase: true})
		if err != nil {
			return true
		}
		o.Base = &r
		ours, _, _ := c.ours(t, empty, name, o)
		return !ours.ok
	})
}

// mails puts cases of a crowd together, as one or two mails with what people write
// between, and gives the tree the patch is made for, and the one it goes into.
func (f forge) mails(t testing.TB, c *crowd, names []string) (text string, from, now map[string]string) {
	t.Helper()
	from, now = map[string]string{}, map[string]string{}
	var b strings.Builder
	begin := func(i int) {
		fmt.Fprintf(&b, "From %040d Mon Sep 17 00:00:00 2001\nFrom: A B <a@localhost>\nSubject: [PATCH %d/2] change\n\nForwarded: no\nOrigin: upstream, https://localhost/%d\n---\n x | 2 +-\n\n", i, i, i)
	}
	begin(1)
	for i, section := range c.sections {
		name := sectionName(section)
		if !slices.Contains(names, name) {
			continue
		}
		if text, exists := c.from[name]; exists {
			from[name] = text
		}
		if text, exists := c.now[name]; exists {
			now[name] = text
		}
		if f.IntN(3) == 0 {
			fmt.Fprintf(&b, "Index: %s\n===================\n", name)
		}
		if b.WriteString(section); i == len(c.sections)/2 {
			b.WriteString("-- \n2.39.5\n\n")
			begin(2)
		}
	}
	return b.String() + "-- \n2.39.5\n\n", from, now
}

// TestRefreshRandom: patches of several mails and files, that are moved, have other
// context, or are merged.
func TestRefreshRandom(t *testing.T) {
	tool(t, "diff")
	classes, empty := tally{}, open(t, nil)
	for seed := range uint64(cases(t, 2400) / 200) {
		f := newForge(seed + 50000)
		c := newCrowd(t, f, 200, false)
		if seed%2 == 0 {
			c.blur(f)
		}
		o := Options{Strip: 1, Fuzz: f.IntN(maxFuzz + 1)}
		for names := range slices.Chunk(c.fitting(t, empty, o), 7) {
			text, from, now := f.mails(t, c, names)
			base := draftOf(t, empty, from)
			report, err := base.Apply(parse(t, text), Options{Strip: 1, AsBase: true})
			check(t, err)
			o.Base = &report
			refreshed(t, empty, text, now, o, classes)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
	t.Logf("classes:%s", classes)
	for _, class := range []string{"exact", "moved", "put with fuzz", "merged", "merged away"} {
		if classes[class] == 0 {
			t.Errorf("no case of %q", class)
		}
	}
}

// TestRefresh: what people have in patches, each moved, with other context, or as it
// should be.
func TestRefresh(t *testing.T) {
	git := "diff --git a/x b/x\n"
	five := "--- a/x\n+++ b/x\n@@ -3,5 +3,5 @@ int f(void)\n 3\n 4\n-5\n+b\n 6\n 7\n"
	moved := "new\n" + numbered(9)
	fuzzy := lines(9, map[int]string{3: "three", 7: "seven"})
	dep3 := "Description: short\n long\nAuthor: A\nForwarded: no\nBug: https://localhost/1\n\n#comment\n"
	type files = map[string]string
	for _, c := range []struct {
		what, text string
		files      files
		o          Options
		want       string // of the refreshed text; "" if it is only to be as all others
	}{
		{"exact", dep3 + five, files{"x": numbered(9)}, Options{}, dep3 + five},
		{"moved", dep3 + five, files{"x": moved}, Options{}, strings.Replace(dep3+five, "@@ -3,5 +3,5", "@@ -4,5 +4,5", 1)},
		{"fuzz", dep3 + five, files{"x": fuzzy}, Options{Fuzz: 1}, strings.NewReplacer(" 3\n", " three\n", " 7\n", " seven\n").Replace(dep3 + five)},
		{"fuzz at the beginning of the file", five, files{"x": "three\n4\n5\n6\n7\n"}, Options{Fuzz: 1}, "@@ -1,5 +1,5 @@ int f(void)\n three\n"},
		{"fuzz at the end of the file", five, files{"x": "1\n2\n3\n4\n5\n6\n"}, Options{Fuzz: 1}, "@@ -3,4 +3,4 @@ int f(void)\n 3\n 4\n-5\n+b\n 6\n"},
		{"fuzz at the end, without a newline", five, files{"x": "1\n2\n3\n4\n5\n6\nseven"}, Options{Fuzz: 1}, "+b\n 6\n seven\n\\ No newline at end of file\n"},
		{"fuzz behind the end", five, files{"x": "1\n2\n3\n4\n5\n"}, Options{Fuzz: 2}, "@@ -3,3 +3,3 @@ int f(void)\n 3\n 4\n-5\n+b\n"},
		{"was at the end of the file, which goes on", "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n 2\n 3\n-4\n+b\n", files{"x": numbered(7)}, Options{Fuzz: 2}, "@@ -4 +4 @@\n-4\n+b\n"},
		{"one line less at the end", "--- a/x\n+++ b/x\n@@ -2,4 +2,4 @@\n 2\n 3\n-4\n+b\n 5\n", files{"x": numbered(7)}, Options{Fuzz: 1}, "@@ -3,3 +3,3 @@\n 3\n-4\n+b\n 5\n"},
		{"was at the beginning of the file", "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n 1\n+b\n 2\n 3\n", files{"x": "0\n" + numbered(7)}, Options{Fuzz: 1}, "@@ -2,3 +2,4 @@\n 1\n+b\n 2\n 3\n"},
		{"hunks that overlap by fuzz", "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n 2\n-3\n+b\n 4\n@@ -6,3 +6,3 @@\n 6\n-7\n+c\n 8\n", files{"x": "1\n2\n3\n6\n7\n8\n"}, Options{Fuzz: 1}, ""},
		{"hunks that add before others", "--- a/x\n+++ b/x\n@@ -1,3 +1,5 @@\n 1\n+b\n+c\n 2\n 3\n@@ -6,3 +8,2 @@\n 6\n-7\n 8\n@@ -20,0 +20 @@\n+d\n", files{"x": "0\n" + numbered(8) + strings.Repeat("x\n", 12)}, Options{Fuzz: 1}, ""},
		{"-U0, moved by the hunk before it", "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n 2\n-3\n+b\n 4\n@@ -6,0 +7 @@\n+c\n@@ -8 +8,0 @@\n-8\n", files{"x": moved}, Options{}, "@@ -7,0 +8 @@\n+c\n@@ -9 +9,0 @@\n-8\n"},
		{"two mails, one moved", mailOf("x") + mailOf("y"), files{"x": "a\n", "y": "a\n"}, Options{}, mailOf("x") + mailOf("y")},
		{"two mails, fuzz", strings.ReplaceAll(mailOf("x")+mailOf("y"), one, "@@ -1,2 +1,2 @@\n-a\n+b\n c\n"), files{"x": "0\na\nd\n", "y": "a\nc\n"}, Options{Fuzz: 1}, "@@ -2,2 +2,2 @@\n-a\n+b\n d\n-- \n2.39.5\n\nFrom 0123"},
		{"the same file twice", five + "--- a/x\n+++ b/x\n@@ -2,4 +2,5 @@\n 4\n b\n+c\n 6\n 7\n", files{"x": moved}, Options{}, "@@ -4,5 +4,5 @@ int f(void)\n 3\n 4\n-5\n+b\n 6\n 7\n--- a/x\n+++ b/x\n@@ -5,4 +5,5 @@\n 4\n b\n+c\n 6\n 7\n"},
		{"the same file in two mails", mailOf("x") + strings.Replace(mailOf("x"), one, "@@ -3,3 +3,3 @@\n 1\n-b\n+c\n 2\n", 1), files{"x": "a\n0\n1\nb\n2\n"}, Options{}, "@@ -1 +1 @@\n-a\n+b\n-- \n2.39.5\n\nFrom 0123"},
		{"only +++", strings.TrimPrefix(five, "--- a/x\n"), files{"x": moved}, Options{}, "+++ b/x\n@@ -4,5"},
		{"no newline at the end of the patch", strings.TrimSuffix(five, "\n"), files{"x": moved}, Options{}, "@@ -4,5 +4,5"},
		{"blank context cut off", "--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@\n \n \n-a\n+b\n", files{"x": "0\n\n\na\n\n\n"}, Options{}, "+b\n \n \n"},
		{"blank context without its blank", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n\n-a\n+b\n\n", files{"x": "0\n\na\n\n"}, Options{}, "@@ -2,3 +2,3 @@\n \n-a\n+b\n \n"},
		{"a tab in place of a blank", "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n\t1\n-a\n+b\n\t2\n", files{"x": "0\n\t1\na\n\t2\n"}, Options{}, " \t1\n-a\n+b\n \t2\n"},
		{"a date behind blanks", "--- a/x 2018-11-23 12:00:00\n+++ b/x   2018-11-23 12:00:00\n@@ -1,3 +1,3 @@\n 1\n-a\n+b\n 2\n", files{"x": "0\n1\na\n2\n"}, Options{}, "--- a/x 2018-11-23 12:00:00\n+++ b/x   2018-11-23 12:00:00\n@@ -2,3"},
		{"carriage returns in the patch", strings.ReplaceAll(five, "\n", "\r\n"), files{"x": moved}, Options{}, ""},
		{"carriage returns in both", strings.ReplaceAll(five, "\n", "\r\n"), files{"x": strings.ReplaceAll(moved, "\n", "\r\n")}, Options{}, ""},
		{"carriage returns in both, fuzz", strings.ReplaceAll(five, "\n", "\r\n"), files{"x": strings.ReplaceAll(fuzzy, "\n", "\r\n")}, Options{Fuzz: 1}, ""},
		{"carriage returns in the file", strings.NewReplacer("\n 3\n", "\n 3\r\n", " 4\n", " 4\r\n", "5\n", "5\r\n", "b\n ", "b\r\n ", "6\n", "6\r\n", "7\n", "7\r\n").Replace(five), files{"x": strings.ReplaceAll(moved, "\n", "\r\n")}, Options{}, ""},
		{"Subversion", "Index: x\n===\n--- x\t(revision 12)\n+++ x\t(working copy)\n@@ -1,3 +1,3 @@\n 1\n-a\n+b\n 2\n", files{"x": "0\n1\na\n2\n"}, Options{Strip: -1}, "Index: x\n===\n--- x\t(revision 12)\n+++ x\t(working copy)\n@@ -2,3"},
		{"quoted name", "--- \"a/\\303\\266\"\n+++ \"b/\\303\\266\"\n@@ -1,3 +1,3 @@\n 1\n-a\n+b\n 2\n", files{"ö": "0\n1\na\n2\n"}, Options{}, "--- \"a/\\303\\266\"\n+++ \"b/\\303\\266\"\n@@ -2,3"},
		{"rename", "diff --git a/x b/y\nsimilarity index 90%\nrename from x\nrename to y\nindex 0123456..789abcd 100644\n--- a/x\n+++ b/y\n@@ -1,3 +1,3 @@\n 1\n-a\n+b\n 2\n", files{"x": "0\n1\na\n2\n"}, Options{}, "index 0123456..789abcd 100644\n--- a/x\n+++ b/y\n@@ -2,3"},
		{"mode", git + "old mode 100644\nnew mode 100755\nindex 0123456..789abcd\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 1\n-a\n+b\n 2\n", files{"x": "0\n1\na\n2\n"}, Options{}, "old mode 100644\nnew mode 100755\nindex 0123456..789abcd\n--- a/x\n+++ b/x\n@@ -2,3"},
		{"new, gone and empty files, and a link", "diff --git a/n b/n\nnew file mode 100755\nindex 0000000..789abcd\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+n\n" + five + "diff --git a/g b/g\ndeleted file mode 100644\n--- a/g\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\ndiff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\ndiff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n", files{"x": moved, "g": "g\n"}, Options{}, "+n\n--- a/x\n+++ b/x\n@@ -4,5"},
		{"another strip", strings.NewReplacer("a/x", "x", "b/x", "x").Replace(five), files{"x": moved}, Options{Strip: -1}, "@@ -4,5"},
		{"for one file", five, files{"d/z": moved}, Options{File: "d/z"}, "@@ -4,5"},
	} {
		t.Run(c.what, func(t *testing.T) {
			switch o := &c.o; o.Strip {
			case 0:
				o.Strip = 1
			case -1:
				o.Strip = 0
			}
			got := refreshed(t, open(t, nil), c.text, c.files, c.o, tally{})
			if !strings.Contains(got, c.want) {
				t.Errorf("refreshed, it is\n%s\nwhich lacks\n%s", got, c.want)
			}
		})
	}
}

// TestRefreshMerged: what was done already goes out of the patch, and nothing else.
func TestRefreshMerged(t *testing.T) {
	body := "--- a/x\n+++ b/%s\n@@ -1,5 +1,5 @@\n 1\n 2\n-3\n+three\n 4\n 5\n@@ -11,5 +11,5 @@\n 11\n 12\n-13\n+thirteen\n 14\n 15\n"
	change := fmt.Sprintf(body, "x")
	base := map[string]string{"x": numbered(20), "y": "a\n"}
	for _, c := range []struct {
		what, text string
		now        string // of x
		want, not  string // what the refreshed patch has, and lacks
	}{
		{"half done", change, lines(20, map[int]string{3: "three"}), "+thirteen\n", "+three\n"},
		{"all done", plainOf("y") + change, lines(20, map[int]string{3: "three", 13: "thirteen"}), plainOf("y"), "thirteen"},
		{"all done, rename", "diff --git a/x b/z\nsimilarity index 90%\nrename from x\nrename to z\nindex 0123456..789abcd 100644\n" + fmt.Sprintf(body, "z"), lines(20, map[int]string{3: "three", 13: "thirteen"}), "diff --git a/x b/z\nsimilarity index 90%\nrename from x\nrename to z\n", "@@"},
		{"all done, rename, and a plain change behind it", "diff --git a/x b/z\nrename from x\nrename to z\n" + fmt.Sprintf(body, "z") + plainOf("y"), lines(20, map[int]string{3: "three", 13: "thirteen"}), "rename to z\n\n" + plainOf("y"), "thirteen"},
		{"all done, mode", "diff --git a/x b/x\nold mode 100644\nnew mode 100755\nindex 0123456..789abcd\n" + change, lines(20, map[int]string{3: "three", 13: "thirteen"}), "new mode 100755\n", "index"},
		{"emptied, and to be removed", "--- a/x\n+++ /dev/null\n@@ -1,20 +0,0 @@\n" + strings.ReplaceAll("\n"+strings.TrimSuffix(numbered(20), "\n"), "\n", "\n-")[1:] + "\n", "", "deleted file mode", "@@"},
		{"other lines have changed", change, lines(20, map[int]string{1: "one", 5: "five", 8: "eight\nnine", 15: "-"}), "@@ -1,6 +1,6 @@\n one\n 2\n-3\n+three\n 4\n five\n 6\n", "\n 5\n"},
	} {
		t.Run(c.what, func(t *testing.T) {
			empty := open(t, nil)
			r, err := draftOf(t, empty, base).Apply(parse(t, c.text), Options{Strip: 1, AsBase: true})
			check(t, err)
			got := refreshed(t, empty, c.text, map[string]string{"x": c.now, "y": "a\n"}, Options{Strip: 1, Base: &r}, tally{})
			if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
				t.Errorf("refreshed, it is\n%s\nand should have\n%s\nand not\n%s", got, c.want, c.not)
			}
		})
	}
}

// plainOf is a patch of one line of a file.
func plainOf(name string) string { return strings.ReplaceAll(plain, "/x\n", "/"+name+"\n") }

// TestRefreshAfterPut: a mail that was not needed stays in the patch as it is; one
// that was and has moved is changed.
func TestRefreshAfterPut(t *testing.T) {
	text := mailOf("x") + strings.Replace(mailOf("y"), one, "@@ -1,3 +1,3 @@\n 1\n-a\n+b\n 2\n", 1)
	d := draftOf(t, open(t, nil), map[string]string{"x": "b\n", "y": "0\n1\na\n2\n"})
	p := parse(t, text)
	v, r, err := d.Put(p, Options{Strip: 1})
	if v != Needed || err != nil {
		t.Fatalf("%s, %v", v, err)
	}
	if got, want := p.Refresh(r), strings.Replace(text, "@@ -1,3 +1,3 @@", "@@ -2,3 +2,3 @@", 1); got != want {
		t.Errorf("refreshed, it is\n%s\nwant\n%s", got, want)
	}
	if got := p.Refresh(Report{}); got != text {
		t.Errorf("by an empty report it is\n%s", got)
	}
}

// TestRefreshBinary: a binary change beside a moved one stays as it is.
func TestRefreshBinary(t *testing.T) {
	before := map[string]string{"bin": "\x00\x01" + strings.Repeat("binary", 50), "x": numbered(20), "old": numbered(9), "link": "link -> x"}
	after := map[string]string{"bin": "\x00\x02" + strings.Repeat("binary", 50), "x": lines(20, map[int]string{10: "ten"}), "new*": lines(9, map[int]string{5: "five"}), "more": "m", "none": "", "link": "link -> bin"}
	dir := history(t, before, after)
	moved := map[string]string{"bin": before["bin"], "x": "0\n" + before["x"], "old": "0\n0\n" + before["old"], "link": before["link"]}
	for _, argv := range [][]string{{"format-patch", "--stdout", "--binary", "--full-index", "-M"}, {"diff", "--binary", "-M30"}} {
		text := must(t, dir, append(append([]string{"git"}, argv...), "HEAD~1")...)
		classes := tally{}
		refreshed(t, open(t, nil), text, moved, Options{Strip: 1}, classes)
		if classes["moved"] != 2 || classes["exact"] < 4 {
			t.Errorf("%v: %v", argv, classes)
		}
	}
}

// FuzzRefresh: whatever the patch and the tree, the refreshed patch fits exactly and
// does the same.
func FuzzRefresh(f *testing.F) {
	f.Add(plain, "0\na\n", "", 0)
	f.Add(mailOf("x")+mailOf("y"), "0\na\n", "a\n", 1)
	f.Add("--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n 2\n 3\n-4\n+b\n", numbered(7), "", 2)
	f.Add("diff --git a/x b/y\nrename from x\nrename to y\n--- a/x\n+++ b/y\n@@ -1,3 +1,3 @@\n 1\n-2\n+b\n 3\n", "0\n1\n2\n4\n", "", 1)
	f.Add("+++ b/x\r\n@@ -1,2 +1,2 @@\r\n 1\r\n-2\r\n+b\r\n", "0\r\n1\r\n2\r\n", "", 3)
	empty := open(f, nil)
	f.Fuzz(func(t *testing.T, text, x, y string, fuzz int) {
		p, err := Parse(strings.NewReader(text))
		if err != nil || fuzz < 0 || fuzz > maxFuzz || len(x)+len(y) > 5000 {
			return
		}
		files := map[string]string{"x": x}
		if y != "" {
			files["y"] = y
		}
		o := Options{Strip: 1, Fuzz: fuzz}
		if _, err := draftOf(t, empty, files).Apply(p, o); err == nil {
			refreshed(t, empty, text, files, o, tally{})
		}
	})
}
