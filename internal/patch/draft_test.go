package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/tree"
)

// sized checks that a draft knows how much it holds.
func sized(t testing.TB, d *Draft) {
	t.Helper()
	sum := 0
	for _, s := range d.now {
		sum += s.text.bytes()
	}
	if sum != d.size {
		t.Errorf("the draft has %d bytes and counts %d", sum, d.size)
	}
}

// copyOf is a draft with what another one has now, whatever becomes of that one.
func copyOf(d *Draft) *Draft {
	c := NewDraft(d.src)
	maps.Copy(c.now, d.now)
	c.size, c.links = d.size, d.links
	return c
}

// takeBack restores what Before gives.
func takeBack(t testing.TB, d *Draft, before map[string]*tree.File) {
	t.Helper()
	for name, f := range before {
		if f == nil {
			check(t, d.Remove(name))
			continue
		}
		if f.Name != name {
			t.Errorf("the file from before of %s is named %s", name, f.Name)
		}
		check(t, d.Write(*f))
	}
}

// TestDraftIsLikeTheTree: patches put on top of each other in a draft do what they do
// to a tree one by one; after each the draft knows what was before it.
func TestDraftIsLikeTheTree(t *testing.T) {
	for seed := range uint64(8) {
		f := newForge(seed + 600)
		versions := []map[string]string{f.files()}
		for i := range 4 {
			versions = append(versions, f.changed(versions[i]))
		}
		dir := history(t, versions...)
		onDisk, inDraft := open(t, versions[0]), open(t, versions[0])
		d := NewDraft(inDraft)
		for i := range 4 {
			text := must(t, dir, "git", "diff", "--binary", "-M", "-C", fmt.Sprintf("HEAD~%d", 4-i), fmt.Sprintf("HEAD~%d", 3-i))
			if text == "" {
				continue
			}
			p := parse(t, text)
			_, err := p.Apply(onDisk, Options{Strip: 1})
			check(t, err)
			was := copyOf(d)
			r, err := d.Apply(p, Options{Strip: 1})
			check(t, err)
			sized(t, d)
			if diff := differ(read(t, onDisk.Dir()), versions[i+1]); diff != "" {
				t.Errorf("seed %d, version %d on disk:\n%s", seed, i+1, diff)
			}
			knowsBefore(t, d, was, r)
		}
		if diff := differ(read(t, inDraft.Dir()), versions[0]); diff != "" {
			t.Errorf("seed %d: the draft wrote into the tree:\n%s", seed, diff)
		}
		check(t, d.Edit().Commit())
		if diff := differ(read(t, inDraft.Dir()), versions[4]); diff != "" {
			t.Errorf("seed %d: the draft makes\n%s", seed, diff)
		}
	}
}

// knowsBefore checks that Before leads back to a draft, and names no file that the
// report does not.
func knowsBefore(t testing.TB, d, was *Draft, r Report) {
	t.Helper()
	before := d.Before()
	for name := range before {
		if !slices.Contains(r.Files(), name) {
			t.Errorf("%s has changed, and the report names %v", name, r.Files())
		}
	}
	back := d.Fork()
	takeBack(t, back, before)
	for name := range d.now {
		if same, err := back.Same(was, name); !same || err != nil {
			t.Errorf("%s is not restored, %v", name, err)
		}
	}
}

// TestRollback: a conflict leaves a draft as it was, whatever had been done until it.
func TestRollback(t *testing.T) {
	good := plainOf("x") + "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n" +
		"diff --git a/old b/moved\nrename from old\nrename to moved\ndiff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n"
	files := map[string]string{"x": "a\n", "gone": "g\n", "old": "o\n", "y": "y\n"}
	for what, bad := range map[string]string{
		"another line":             plainOf("y"),
		"in the next mail":         mailOf("y"),
		"no such file":             plainOf("none"),
		"behind its own link":      plainOf("l/x"),
		"outside":                  plainOf("../x"),
		"not its own content":      "diff --git a/x b/x\nindex " + emptySHA1 + "..b2bb1f60ab0e9a1b1a2a2a1e7ab4a7a5ad3d0c0a 100644\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\n",
		"no longer what it was":    plainOf("x") + plainOf("x"),
		"the name has been taken":  "--- /dev/null\n+++ b/moved\n@@ -0,0 +1 @@\n+n\n",
		"what is gone stays gone":  plainOf("gone"),
		"a rename of what is gone": "diff --git a/old b/other\nrename from old\nrename to other\n",
	} {
		tr := open(t, files)
		d := NewDraft(tr)
		check(t, d.Write(tree.File{Name: "mine", Mode: 0o755, Data: []byte("m\n")}))
		check(t, d.Remove("y"))
		check(t, d.Write(tree.File{Name: "y", Mode: 0o644, Data: []byte("other\n")}))
		was := copyOf(d)
		for _, o := range []Options{{Strip: 1}, {Strip: 1, Fuzz: 2}, {Strip: 1, RemoveEmpty: true}} {
			if _, err := d.Apply(parse(t, good+bad), o); err == nil {
				t.Errorf("%s: it was done", what)
			}
			sized(t, d)
			if before := d.Before(); len(before) > 0 {
				t.Errorf("%s: before it were %v", what, before)
			}
			for _, name := range append(slices.Collect(maps.Keys(d.now)), "x", "l", "new") {
				if same, err := d.Same(was, name); !same || err != nil {
					t.Errorf("%s: %s has changed, %v", what, name, err)
				}
			}
		}
		check(t, d.Edit().Commit())
		if diff := differ(read(t, tr.Dir()), map[string]string{"x": "a\n", "gone": "g\n", "old": "o\n", "y": "other\n", "mine*": "m\n"}); diff != "" {
			t.Errorf("%s: the draft makes\n%s", what, diff)
		}
		if r, err := NewDraft(open(t, files)).Apply(parse(t, good), Options{Strip: 1}); err != nil || len(r.Files()) != 6 {
			t.Errorf("%s: what is good is not: %v, %v", what, r.Files(), err)
		}
	}
}

// TestTooMuch: what would take too much memory is refused, and the draft can be used
// for something smaller afterwards.
func TestTooMuch(t *testing.T) {
	d := draftOf(t, open(t, nil), map[string]string{"x": "a\n", "y": "a\n"})
	d.size += maxDraft - 5 // as if there were a large file
	larger := strings.Replace(plain, "+b\n", "+bbbbb\n", 1)
	for range 2 {
		if _, err := d.Apply(parse(t, plainOf("y")+larger), Options{Strip: 1}); err == nil || conflictsIn(err) != nil {
			t.Errorf("too much: %v", err)
		}
	}
	if err := d.Write(tree.File{Name: "z", Mode: 0o644, Data: []byte("12")}); err == nil {
		t.Error("two bytes more were taken")
	}
	if _, err := d.Apply(parse(t, plainOf("y")+plain), Options{Strip: 1}); err != nil {
		t.Errorf("as much as before: %v", err)
	}
	d.size -= maxDraft - 5
	sized(t, d)
	tr := open(t, map[string]string{"x": "a\n"})
	d = NewDraft(tr)
	d.size = maxDraft - 1
	for range 2 {
		if _, err := d.Read("x"); err == nil {
			t.Error("a file was read into a draft that has no room")
		}
	}
	d.size = 0
	if _, err := d.Read("x"); err != nil || d.size != 2 {
		t.Errorf("with room: %v, %d bytes", err, d.size)
	}
}

// TestPutIsVerdictAndApply: Put does what the verdict says, and nothing else.
func TestPutIsVerdictAndApply(t *testing.T) {
	tool(t, "diff")
	const include = "#include <signal.h>\n"
	empty, p := open(t, nil), twoMails(t)
	seen := map[Verdict]int{}
	for _, first := range []string{"", include, "\n" + include} {
		for _, format := range []string{"%lu", "%llu", "%zu"} {
			for _, above := range []string{"", "\n\n/* moved */\n"} {
				for _, rest := range []string{"static void show(void)\n{\n\tint i;\n", "void show(void)\n{\n\n"} {
					files := map[string]string{"src/x": above + stats(first, format, rest)}
					if first == "" && format == "%zu" && above != "" {
						files = map[string]string{"other": ""}
					}
					for _, o := range []Options{{Strip: 1}, {Strip: ChooseStrip, Strict: true}, {Strip: 1, Reverse: true}} {
						seen[putsWhatIsNeeded(t, empty, p, files, o)]++
					}
				}
			}
		}
	}
	t.Log(seen)
	for _, v := range []Verdict{Needed, Present, Superseded, Absent, Conflict} {
		if seen[v] == 0 {
			t.Errorf("no case is %s", v)
		}
	}
}

// putsWhatIsNeeded compares Put with what Verdict and Apply make of the same files.
func putsWhatIsNeeded(t testing.TB, empty *tree.Tree, p *Patch, files map[string]string, o Options) Verdict {
	t.Helper()
	asked, want := draftOf(t, empty, files), draftOf(t, empty, files)
	v, r, err := asked.Verdict(p, o)
	check(t, err)
	if diff := differ(held(asked), files); diff != "" {
		t.Errorf("the verdict changed\n%s", diff)
	}
	sized(t, asked)
	if v == Needed {
		some := *p
		if o.Reverse {
			some = *p.reversed()
		}
		mails := some.Mails
		some.Mails = nil
		exact := o
		exact.Reverse, exact.Strip = false, r.Strip
		for i, m := range r.Mails {
			if m.Verdict == Needed {
				some.Mails = append(some.Mails, mails[i])
			}
		}
		if _, err := want.Apply(&some, exact); err != nil && !o.Strict {
			t.Errorf("%s, and it can't be applied: %v", v, err)
		}
	}
	d := draftOf(t, empty, files)
	was := copyOf(d)
	put, report, err := d.Put(p, o)
	sized(t, d)
	if diff := differ(held(d), held(want)); diff != "" {
		t.Errorf("%s, %+v, on %q: put differs from applied:\n%s", v, o, files, diff)
	}
	knowsBefore(t, d, was, report)
	fine := v == Needed || v == Present || v == Superseded
	switch {
	case put != v:
		t.Errorf("the verdict is %s, that of Put %s", v, put)
	case o.Strict && v == Needed && conflictsIn(err) != nil && differ(held(d), files) == "":
	case fine != (err == nil), err != nil && conflictsIn(err) == nil:
		t.Errorf("%s: %v", v, err)
	}
	return v
}

// TestPutStrictly: that a mail which is in already has moved is no matter; that one
// which is to be put in has, is.
func TestPutStrictly(t *testing.T) {
	p := parse(t, mailOf("x")+mailLine+"--- a/y\n+++ b/y\n@@ -2,3 +2,3 @@\n 2\n-3\n+b\n 4\n"+mailLine+"--- a/z\n+++ b/z\n@@ -2,3 +2,3 @@\n 2\n-3\n+b\n 4\n")
	moved := "0\n" + lines(9, map[int]string{3: "b"})
	for what, c := range map[string]struct {
		z       string
		verdict Verdict
		done    bool
	}{
		"in its place": {numbered(9), Needed, true},
		"moved":        {"0\n" + numbered(9), Needed, false},
		"in already":   {moved, Present, true},
	} {
		files := map[string]string{"x": "b\n", "y": moved, "z": c.z}
		d := draftOf(t, open(t, nil), files)
		v, _, err := d.Put(p, Options{Strip: 1, Strict: true})
		if v != c.verdict || c.done != (err == nil) || err != nil && conflictsIn(err) == nil {
			t.Errorf("%s: %s, %v", what, v, err)
		}
		if c.done && v == Needed {
			files["z"] = lines(9, map[int]string{3: "b"})
		}
		if diff := differ(held(d), files); diff != "" {
			t.Errorf("%s:\n%s", what, diff)
		}
	}
}

// TestPutLoosely: fuzz and a merge are tried for what has no verdict.
func TestPutLoosely(t *testing.T) {
	w := threeWay{numbered(20), lines(20, map[int]string{10: "ten"}), lines(20, map[int]string{7: "seven"})}
	empty := open(t, nil)
	base := w.based(t, empty)
	for what, o := range map[string]Options{"fuzz": {Strip: 1, Fuzz: 1}, "a merge": {Strip: 1, Base: &base}, "nothing": {Strip: 1}, "too little fuzz": {Strip: 1}} {
		d := put(t, empty, "x", w.ours)
		v, r, err := d.Put(alone(w.change()), o)
		f, readErr := d.Read("x")
		check(t, readErr)
		if o.Fuzz == 0 && o.Base == nil {
			if v != Conflict || conflictsIn(err) == nil || string(f.Data) != w.ours || len(d.Before()) > 0 {
				t.Errorf("%s: %s, %v, %q", what, v, err, f.Data)
			}
			continue
		}
		if want := lines(20, map[int]string{7: "seven", 10: "ten"}); v != Needed || err != nil || string(f.Data) != want || r.Exact() || len(d.Before()) != 1 {
			t.Errorf("%s: %s, %v, %q", what, v, err, f.Data)
		}
	}
	ambiguous := "--- a/x\n+++ b/x\n@@ -2,4 +2,5 @@\n a\n b\n+new\n a\n b\n"
	d := put(t, empty, "x", "0\na\nb\nnew\na\nb\na\nb\n")
	if v, _, err := d.Put(parse(t, ambiguous), Options{Strip: 1, Fuzz: 3}); v != Present && (v != Ambiguous || conflictsIn(err) == nil) {
		t.Errorf("what may be in already: %s, %v", v, err)
	}
}

// TestPutLooselySomeMails: of several mails only those that are not in are tried
// loosely, whichever way the patch goes, and the report tells all in their order.
func TestPutLooselySomeMails(t *testing.T) {
	change := func(name, from, to string) string {
		return strings.NewReplacer("NAME", name, "FROM", from, "TO", to).Replace(mailLine + "--- a/NAME\n+++ b/NAME\n@@ -2,5 +2,5 @@\n 2\n 3\n-FROM\n+TO\n 5\n 6\n")
	}
	p := parse(t, change("x", "4", "b")+change("y", "4", "b")+change("z", "4", "b"))
	back := parse(t, change("z", "b", "4")+change("y", "b", "4")+change("x", "b", "4"))
	done, todo, loose := lines(9, map[int]string{4: "b"}), numbered(9), lines(9, map[int]string{2: "two"})
	for what, c := range map[string]struct {
		x, y, z string
		want    string
	}{
		"the last":            {done, done, loose, "present present needed"},
		"the first":           {loose, done, done, "needed present present"},
		"the middle, and one": {done, loose, todo, "present needed needed"},
		"all":                 {loose, loose, loose, "needed needed needed"},
	} {
		for _, reverse := range []bool{false, true} {
			files := map[string]string{"x": c.x, "y": c.y, "z": c.z}
			d := draftOf(t, open(t, nil), files)
			q := p
			if reverse {
				q = back
			}
			v, r, err := d.Put(q, Options{Strip: 1, Fuzz: 1, Reverse: reverse})
			var got []string
			for _, m := range r.Mails {
				got = append(got, string(m.Verdict))
			}
			if v != Needed || err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%s, reverse %v: %s %v, %v; want %s", what, reverse, v, got, err, c.want)
			}
			for name, text := range files {
				if f, err := d.Read(name); err != nil || string(f.Data) != strings.Replace(text, "\n4\n", "\nb\n", 1) {
					t.Errorf("%s, reverse %v: %s has %q, %v", what, reverse, name, f.Data, err)
				}
			}
			if reverse {
				continue
			}
			again := parse(t, q.Refresh(r))
			strict := draftOf(t, open(t, nil), files)
			if v, _, err := strict.Put(again, Options{Strip: 1, Strict: true}); v != Needed || err != nil {
				t.Errorf("%s: refreshed: %s, %v", what, v, err)
			}
			if diff := differ(held(strict), held(d)); diff != "" {
				t.Errorf("%s: refreshed:\n%s", what, diff)
			}
		}
	}
}

// TestRemoveEmptyAgainstGNU: with Options.RemoveEmpty files go as with patch -E.
func TestRemoveEmptyAgainstGNU(t *testing.T) {
	tool(t, "diff")
	tool(t, "patch")
	const size = 500
	classes, empty := tally{}, open(t, nil)
	gone := 0
	for seed := range uint64(cases(t, 1000) / size) {
		c := newCrowd(t, newForge(seed+10000), size, seed%2 == 1)
		theirs := c.gnu(t, "-F0", "-N", "-t", "-E")
		for _, name := range c.names() {
			if o := theirs[name]; o.ok && !o.exists && c.file(name).Kind != Delete {
				gone++
			}
			c.compare(t, empty, name, reference{removeEmpty: true}, theirs[name], classes)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
	t.Logf("%d became empty and are gone; classes:%s", gone, classes)
	if gone == 0 {
		t.Error("no file became empty")
	}
}

// TestRemoveEmptyGit: git's header makes no empty file either then, and what was not
// made need not be there to be removed.
func TestRemoveEmptyGit(t *testing.T) {
	text := "diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\ndiff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n"
	for _, o := range []Options{{Strip: 1}, {Strip: 1, RemoveEmpty: true}} {
		d := draftOf(t, open(t, nil), map[string]string{"x": "a\n"})
		_, err := d.Apply(parse(t, text), o)
		check(t, err)
		if _, err := d.Read("e"); errors.Is(err, fs.ErrNotExist) != o.RemoveEmpty {
			t.Errorf("%+v: %v", o, err)
		}
		if _, err := d.Read("l"); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
		o.Reverse = true
		_, err = d.Apply(parse(t, text), o)
		check(t, err)
		if diff := differ(held(d), map[string]string{"x": "a\n"}); diff != "" {
			t.Errorf("%+v, taken out:\n%s", o, diff)
		}
	}
}

// TestFileOption: with Options.File all changes are for one file, whatever their names.
func TestFileOption(t *testing.T) {
	twice := plainOf("one") + "--- p/q/two.orig\n+++ p/q/two\n@@ -1 +1,2 @@\n b\n+c\n"
	for _, c := range []struct {
		what, text, file string
		before, after    string // of the file; "" for none
		want             string // of the error
	}{
		{"another name", plain, "d/z", "a\n", "b\n", ""},
		{"two names, one after the other", twice, "z", "a\n", "b\nc\n", ""},
		{"made", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", "d/z", "", "b\n", ""},
		{"removed", "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "z", "a\n", "", ""},
		{"not there", plain, "z", "", "", "z: the change does not fit; it is not there"},
		{"does not fit", plain, "z", "c\n", "c\n", "hunk 1"},
		{"a rename", "diff --git a/x b/y\nrename from x\nrename to y\n", "z", "a\n", "a\n", "two names of its own"},
		{"a copy", "diff --git a/x b/y\ncopy from x\ncopy to y\n", "z", "a\n", "a\n", "two names of its own"},
		{"outside", plain, "../z", "", "", "refused"},
		{"absolute", plain, "/z", "", "", "refused"},
		{"git's folder", plain, "d/.git/config", "", "", "refused"},
	} {
		for _, strip := range []int{0, 1, 9, ChooseStrip} {
			files := map[string]string{"one": "a\n", "x": "a\n"}
			if c.before != "" {
				files[c.file] = c.before
			}
			d := draftOf(t, open(t, nil), files)
			_, err := d.Apply(parse(t, c.text), Options{File: c.file, Strip: strip})
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, strip %d: %v, want %q", c.what, strip, err, c.want)
			}
			if delete(files, c.file); c.after != "" {
				files[c.file] = c.after
			}
			if diff := differ(held(d), files); diff != "" {
				t.Errorf("%s, strip %d:\n%s", c.what, strip, diff)
			}
		}
	}
}

// TestParseFor: hunks that stand without a name are for the file that is asked for;
// others keep theirs.
func TestParseFor(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"one hunk", one, "modify z z 1"},
		{"two hunks", one + "@@ -9,2 +9 @@ int f(void)\n c\n-d\n", "modify z z 2"},
		{"behind text", "Fix it.\n\n" + one, "modify z z 1"},
		{"behind another change", plain + "text\n" + one, "modify a/x b/x 1, modify z z 1"},
		{"before another change", one + plain, "modify z z 1, modify a/x b/x 1"},
		{"of an empty file", "@@ -0,0 +1 @@\n+a\n", "modify z z 1"},
		{"with names", plain, "modify a/x b/x 1"},
	} {
		p, err := ParseFor(strings.NewReader(c.text), "z")
		if err != nil || summary(p) != c.want {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
			continue
		}
		if len(p.IDs()) != 1 || p.IDs()[0] == "" {
			t.Errorf("%s: the ids are %v", c.what, p.IDs())
		}
	}
	for what, text := range map[string]string{"nothing": "", "damaged": "@@ -1 +1\n-a\n+b\n", "cut off": "@@ -1,3 +1 @@\n-a\n+b\n", "prose": "Hello.\n"} {
		if _, err := ParseFor(strings.NewReader(text), "z"); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", what, err)
		}
	}
	text := "Fix it.\n\n@@ -1,3 +1,3 @@\n 1\n-2\n+b\n 3\n"
	p, err := ParseFor(strings.NewReader(text), "d/z")
	check(t, err)
	d := draftOf(t, open(t, nil), map[string]string{"d/z": "0\n1\n2\n3\n"})
	r, err := d.Apply(p, Options{})
	check(t, err)
	if f, err := d.Read("d/z"); err != nil || string(f.Data) != "0\n1\nb\n3\n" {
		t.Errorf("%q, %v", f.Data, err)
	}
	if got := p.Refresh(r); got != strings.Replace(text, "@@ -1,3 +1,3 @@", "@@ -2,3 +2,3 @@", 1) {
		t.Errorf("refreshed, it is %q", got)
	}
	d = draftOf(t, open(t, nil), nil)
	made, err := ParseFor(strings.NewReader("@@ -0,0 +1 @@\n+a\n"), "d/z")
	check(t, err)
	_, err = d.Apply(made, Options{})
	check(t, err)
	if f, err := d.Read("d/z"); err != nil || string(f.Data) != "a\n" {
		t.Errorf("made: %q, %v", f.Data, err)
	}
}

// TestDraftNames: a draft takes no name that a tree does not.
func TestDraftNames(t *testing.T) {
	tr := open(t, map[string]string{"x": "a\n", "d/y": "", "in": "link -> d", "out": "link -> .."})
	d := NewDraft(tr)
	check(t, d.Write(tree.File{Name: "l", Mode: fs.ModeSymlink | 0o777, Data: []byte("d")}))
	for _, name := range []string{"", "..", "../x", "/x", "d/../x", ".git/x", "d//y", "in/y", "out/x", "l/y", "x\n"} {
		_, err := d.Read(name)
		for what, err := range map[string]error{"read": err, "written": d.Write(tree.File{Name: name, Mode: 0o644}), "removed": d.Remove(name)} {
			if !errors.Is(err, tree.ErrRefused) {
				t.Errorf("%q is %s: %v", name, what, err)
			}
		}
		if _, err := d.Same(d, name); !errors.Is(err, tree.ErrRefused) {
			t.Errorf("%q is compared: %v", name, err)
		}
	}
	if d.Changed("x") || !d.Changed("l") || d.Changed("none") {
		t.Error("what has changed is not known")
	}
	if f, err := d.Read("in"); err != nil || !f.IsLink() || string(f.Data) != "d" {
		t.Errorf("a link: %+v, %v", f, err)
	}
	if _, err := d.Read("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	sized(t, d)
}

// TestAbsorb: whatever a mail makes of a link or folder, all of it arrives.
func TestAbsorb(t *testing.T) {
	const link, file = "diff --git a/foo b/foo\n%s file mode 120000\n--- %s\n+++ %s\n@@ -%s +%s @@\n%cbar\n\\ No newline at end of file\n", "diff --git a/foo/baz b/foo/baz\n%s file mode 100644\n--- %s\n+++ %s\n@@ -%s +%s @@\n%cknew\n"
	out := []any{"deleted", "a/foo", "/dev/null", "1", "0,0", '-'}
	in := []any{"new", "/dev/null", "b/foo/baz", "0,0", "1", '+'}
	p := parse(t, fmt.Sprintf(link, out...)+fmt.Sprintf(file, in...))
	for range 40 { // maps have no order
		d := NewDraft(open(t, map[string]string{"foo": "link -> bar", "bar": "b\n"}))
		if v, _, err := d.Put(p, Options{Strip: 1}); v != Needed || err != nil {
			t.Fatalf("%s, %v", v, err)
		}
		if v, _, err := d.Put(p, Options{Strip: 1, Reverse: true}); v != Needed || err != nil {
			t.Fatalf("and back: %s, %v", v, err)
		}
	}
}
