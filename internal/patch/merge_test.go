package patch

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/tree"
)

// A threeWay is a file, what a patch makes of it, and what has become of it
// meanwhile.
type threeWay struct{ base, theirs, ours string }

// put writes one file into a draft of an empty tree.
func put(t testing.TB, empty *tree.Tree, name, text string) *Draft {
	t.Helper()
	d := NewDraft(empty)
	check(t, d.Write(tree.File{Name: name, Mode: 0o644, Data: []byte(text)}))
	return d
}

// change is the patch of x, with hunks that this package has made.
func (w threeWay) change() File {
	return File{Line: 1, Kind: Modify, OldName: "a/x", NewName: "b/x", Hunks: Diff(w.base, w.theirs)}
}

// based is the report of the patch in the tree it was made for.
func (w threeWay) based(t testing.TB, empty *tree.Tree) Report {
	t.Helper()
	d := put(t, empty, "x", w.base)
	r, err := d.Apply(alone(w.change()), Options{Strip: 1, AsBase: true})
	check(t, err)
	if f, err := d.Read("x"); err != nil || string(f.Data) != w.theirs {
		t.Fatalf("the patch makes %q of %q, %v; want %q", f.Data, w.base, err, w.theirs)
	}
	return r
}

// merge does the merge by itself, whether or not the patch could be placed.
func (w threeWay) merge(t testing.TB, empty *tree.Tree) (string, bool, FileReport) {
	t.Helper()
	base := w.based(t, empty)
	c := change{File: w.change(), base: &base.Mails[0].Files[0]}
	var r FileReport
	text, ok := c.merge(cut(w.ours), &r)
	return text.String(), ok, r
}

// git merges with git.
func (w threeWay) git(t testing.TB, dir string) (string, bool) {
	t.Helper()
	write(t, dir, map[string]string{"base": w.base, "ours": w.ours, "theirs": w.theirs})
	out, err := run(t, dir, nil, "git", "merge-file", "-p", "ours", "base", "theirs")
	if code := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &code) || code.ExitCode() > 127) {
		t.Fatal(err)
	}
	return out, err == nil
}

// A kind of merge is a way to make the three texts.
var mergeKinds = []struct {
	what string
	make func(f forge) threeWay
	// alike says that lines are, so that there are several ways to say what has
	// changed.
	alike bool
}{
	{"lines all different, edits apart", editsApart, false},
	{"lines all different, edits anywhere", func(f forge) threeWay {
		base := numbered(5 + f.IntN(60))
		return threeWay{base, unique(f, base, "theirs", 1+f.IntN(3)), unique(f, base, "ours", 1+f.IntN(3))}
	}, false},
	{"lines all different, edits that touch", func(f forge) threeWay { return touching(f, numbered(5+f.IntN(9))) }, false},
	{"lines often alike, edits anywhere", func(f forge) threeWay {
		base := f.text(5 + f.IntN(60))
		return threeWay{base, f.change(base, 1+f.IntN(3)), f.change(base, 1+f.IntN(3))}
	}, true},
	{"lines often alike, edits that touch", func(f forge) threeWay { return touching(f, f.text(5+f.IntN(9))) }, true},
	{"three kinds of lines", func(f forge) threeWay {
		few := func(n int) string {
			var b strings.Builder
			for range n {
				b.WriteString([]string{"{\n", "}\n", "\n"}[f.IntN(3)])
			}
			return b.String()
		}
		base := few(f.IntN(30))
		at := func() string {
			lines := slices.Collect(strings.Lines(base))
			from := f.IntN(len(lines) + 1)
			return strings.Join(slices.Replace(lines, from, min(len(lines), from+f.IntN(3)), slices.Collect(strings.Lines(few(f.IntN(3))))...), "")
		}
		return threeWay{base, at(), at()}
	}, true},
	{"the same edit in both, and more", func(f forge) threeWay {
		base := f.text(20 + f.IntN(20))
		both := f.change(base, 1)
		return threeWay{base, f.change(both, f.IntN(2)), f.change(both, f.IntN(2))}
	}, true},
}

// editsApart edits every sixth line, one side here and the other there.
func editsApart(f forge) threeWay {
	n := 12 + f.IntN(60)
	theirs, ours := map[int]string{}, map[int]string{}
	for i := 3; i <= n-3; i += 6 {
		text := []string{"-", "changed", "one\ntwo", fmt.Sprintf("%d\nmore", i)}[f.IntN(4)]
		switch f.IntN(3) {
		case 0:
			theirs[i] = text
		case 1:
			ours[i] = text
		}
	}
	return threeWay{numbered(n), lines(n, theirs), lines(n, ours)}
}

// touching edits lines that are near each other.
func touching(f forge, base string) threeWay {
	at := f.IntN(strings.Count(base, "\n") + 1)
	edit := func(word string) string {
		lines := slices.Collect(strings.Lines(base))
		from := min(max(0, at+f.IntN(5)-2), len(lines))
		end := min(len(lines), from+f.IntN(3))
		var added []string
		for i := range f.IntN(3) {
			added = append(added, fmt.Sprintf("%s %d\n", word, i))
		}
		if from > 0 && !strings.HasSuffix(lines[from-1], "\n") {
			lines[from-1] += "\n"
		}
		return f.end(strings.Join(slices.Replace(lines, from, end, added...), ""))
	}
	return threeWay{base, edit([]string{"same", "theirs"}[f.IntN(2)]), edit([]string{"same", "ours"}[f.IntN(2)])}
}

// other merges in another way: with diff3, or with git and another way to find out
// what has changed. Where lines are alike, what has changed is a matter of taste.
func (w threeWay) other(t testing.TB, want string) bool {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"base": w.base, "ours": w.ours, "theirs": w.theirs})
	if out, err := run(t, dir, nil, "diff3", "-m", "ours", "base", "theirs"); err == nil && out == want {
		return true
	}
	repo := history(t, map[string]string{"x": w.base}, map[string]string{"x": w.theirs})
	must(t, repo, "git", "checkout", "-q", "-b", "ours", "HEAD~")
	write(t, repo, map[string]string{"x": w.ours})
	must(t, repo, "git", "commit", "-qa", "--allow-empty", "-m", "ours")
	for _, way := range []string{"patience", "histogram", "minimal", "myers"} {
		if _, err := run(t, repo, nil, "git", "merge", "-q", "--no-edit", "-Xdiff-algorithm="+way, "main"); err == nil && read(t, repo)["x"] == want {
			return true
		}
		must(t, repo, "git", "reset", "-q", "--hard", "ours")
	}
	return false
}

// TestMergeAgainstGit: what is merged here, git merges to the same text.
func TestMergeAgainstGit(t *testing.T) {
	tool(t, "diff3")
	empty, dir := open(t, nil), t.TempDir()
	classes := tally{}
	total := cases(t, 1050)
	for seed := range uint64(total) {
		k := mergeKinds[int(seed)%len(mergeKinds)]
		w := k.make(newForge(seed + 30000))
		if w.base == w.theirs {
			continue
		}
		ours, merged, r := w.merge(t, empty)
		theirs, clean := w.git(t, dir)
		story := fmt.Sprintf("seed %d, %s: base %q, theirs %q, ours %q", seed, k.what, w.base, w.theirs, w.ours)
		switch {
		case merged && clean && ours != theirs:
			t.Errorf("%s\nmerged to %q\ngit merges to %q", story, ours, theirs)
		case merged && clean:
			classes["both merge: "+k.what]++
		case merged && k.alike && w.other(t, ours):
			classes["git merges it only if asked to look otherwise for what has changed"]++
		case merged && k.alike:
			classes["only this package merges it: "+k.what]++
			t.Logf("only here: %s\nmerged to %q", story, ours)
		case merged:
			t.Errorf("%s\nmerged to %q\ngit has a conflict:\n%s", story, ours, theirs)
		case clean && !k.alike:
			t.Errorf("%s\nrefused, and git merges it to %q", story, theirs)
		case clean:
			classes["only git merges it: "+k.what]++
		default:
			classes["both refuse it: "+k.what]++
		}
		if merged {
			mergedHunks(t, w, ours, r)
			w.swapped(t, empty, ours)
		}
		if t.Failed() {
			t.FailNow() // one story is enough
		}
	}
	t.Logf("classes:%s", classes)
	both, git, here := classes.sum("both merge"), classes.sum("only git"), classes.sum("only this")
	if both < total/3 || classes.sum("both refuse") < total/10 || git > total/100 || here > total/1000 {
		t.Errorf("both merge %d, only git %d, only this package %d of %d", both, git, here, total)
	}
}

// swapped merges the other way round: which side is the patch makes no difference.
func (w threeWay) swapped(t testing.TB, empty *tree.Tree, want string) {
	t.Helper()
	if w.ours == w.base {
		return // no patch
	}
	if out, ok, _ := (threeWay{w.base, w.ours, w.theirs}).merge(t, empty); !ok || out != want {
		t.Errorf("%+v is merged to %q, and the other way round to %q, %v", w, want, out, ok)
	}
}

// sum adds up the classes whose names begin so.
func (c tally) sum(prefix string) int {
	n := 0
	for class, count := range c {
		if strings.HasPrefix(class, prefix) {
			n += count
		}
	}
	return n
}

// mergedHunks checks that the hunks of a merge are a patch of what is there now.
func mergedHunks(t testing.TB, w threeWay, want string, r FileReport) {
	t.Helper()
	if _, out, ok := (reference{strict: true}).apply(w.ours, r.stood); !ok || out != want {
		t.Errorf("%+v: the hunks of the merge make %q, %v; want %q", w, out, ok, want)
	}
	if !r.Merged || len(r.Hunks) > 0 || r.exact() {
		t.Errorf("reported %+v", r)
	}
}

// TestMergeSlides: what is put in or taken out between lines that are alike can be said
// to stand at several places. However the two sides say it, it is done once.
func TestMergeSlides(t *testing.T) {
	empty := open(t, nil)
	function := func(name string) string { return "int " + name + "(void)\n{\n}\n\n" }
	abc := function("a") + function("b") + function("c")
	with := function("a") + function("new") + function("b") + function("c")
	for _, c := range []struct {
		what string
		w    threeWay
		want string // "" for a conflict
	}{
		{"both put in the same", threeWay{abc, with, with}, with},
		{"and one side does more, above", threeWay{abc, with, "/* text */\n" + with}, "/* text */\n" + with},
		{"and one side does more, below", threeWay{abc, with, with + function("d")}, with + function("d")},
		{"and one side takes another out, which looks like two new names", threeWay{abc, with, strings.Replace(with, function("c"), "", 1)}, ""},
		{"both put in something else", threeWay{abc, with, strings.Replace(with, "new", "other", 1)}, ""},
		{"both take out one of two", threeWay{"a\nb\nb\nc\n", "a\nb\nc\n", "a\nb\nc\n"}, "a\nb\nc\n"},
		{"one takes out what the other doubles", threeWay{"a\nb\nb\nc\n", "a\nb\nc\n", "a\nb\nb\nb\nc\n"}, ""},
		{"one puts in what the other changes beside it", threeWay{"-- \nx\n-- \ny\n", "-- \nx\n-- \nz\n-- \ny\n", "-- \nX\n-- \ny\n"}, ""},
		{"a line with a line between", threeWay{"a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n"}, "A\nb\nC\n"},
		{"a line beside another", threeWay{"a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n"}, ""},
		{"at the beginning and at the end of one line", threeWay{"a\n", "0\na\n", "a\n1\n"}, "0\na\n1\n"},
		{"into nothing", threeWay{"", "a\n", "b\n"}, ""},
		{"the last newline, and the last line", threeWay{"a\nb\nc", "a\nb\nc\n", "a\nB\nc"}, ""},
		{"the last newline, and another line", threeWay{"a\nb\nc", "a\nb\nc\n", "A\nb\nc"}, "A\nb\nc\n"},
	} {
		for _, w := range []threeWay{c.w, {c.w.base, c.w.ours, c.w.theirs}} {
			got, ok, _ := w.merge(t, empty)
			if got != c.want || ok != (c.want != "") {
				t.Errorf("%s: %q, %v; want %q", c.what, got, ok, c.want)
			}
		}
	}
	// A patch may say it otherwise than Diff, and with lines that do not change.
	w := threeWay{"P\nD\nE\nD\nE\nY\n", "P\nD\nE\nD\nE\n28\nD\nE\nY\n", "P\nD\nE\n28\nD\nE\nD\nE\nY\n"}
	for _, text := range []string{
		"@@ -4,3 +4,6 @@\n D\n-E\n+E\n+28\n+D\n+E\n Y\n",
		"@@ -4,3 +4,6 @@\n D\n E\n+28\n+D\n+E\n Y\n",
		"@@ -4,3 +4,6 @@\n D\n+E\n+28\n+D\n E\n Y\n",
		"@@ -3,4 +3,7 @@\n E\n+D\n+E\n+28\n D\n E\n Y\n",
	} {
		p := parse(t, plainHead+text)
		r, err := put(t, empty, "x", w.base).Apply(p, Options{Strip: 1, AsBase: true})
		check(t, err)
		for _, ours := range []string{w.theirs, w.ours} {
			var report FileReport
			c := change{File: p.Mails[0].Files[0], base: &r.Mails[0].Files[0]}
			if got, ok := c.merge(cut(ours), &report); ok && (ours != w.theirs || got.String() != ours) {
				t.Errorf("%s\ninto %q is merged to %q", text, ours, got)
			}
		}
	}
}

// TestMergeOfOneOfSeveral: which of several lines that are alike goes, or between which
// of them one is put, the two sides may say in any way.
func TestMergeOfOneOfSeveral(t *testing.T) {
	empty := open(t, nil)
	const base = "1\n2\nx\nx\nx\n3\n4\n"
	without := strings.Replace(base, "x\n", "", 1)
	added := strings.Replace(base, "x\n", "x\nx\n", 1)
	for _, c := range []struct{ text, after string }{
		{"@@ -1,7 +1,6 @@\n 1\n 2\n-x\n x\n x\n 3\n 4\n", without},
		{"@@ -1,7 +1,6 @@\n 1\n 2\n x\n-x\n x\n 3\n 4\n", without},
		{"@@ -1,7 +1,6 @@\n 1\n 2\n x\n x\n-x\n 3\n 4\n", without},
		{"@@ -1,7 +1,8 @@\n 1\n 2\n+x\n x\n x\n x\n 3\n 4\n", added},
		{"@@ -1,7 +1,8 @@\n 1\n 2\n x\n x\n+x\n x\n 3\n 4\n", added},
		{"@@ -1,7 +1,8 @@\n 1\n 2\n x\n x\n x\n+x\n 3\n 4\n", added},
	} {
		p := parse(t, plainHead+c.text)
		r, err := put(t, empty, "x", base).Apply(p, Options{Strip: 1, AsBase: true})
		check(t, err)
		into := change{File: p.Mails[0].Files[0], base: &r.Mails[0].Files[0]}
		for _, end := range []string{"", "5\n"} {
			var report FileReport
			if got, ok := into.merge(cut(c.after+end), &report); !ok || got.String() != c.after+end {
				t.Errorf("%s\nhad been done, and is merged to %q, %v", c.text, got, ok)
			}
			for _, other := range []string{strings.Replace(base, "2\n", "two\n", 1), strings.Replace(base, "3\n", "three\n", 1)} {
				if got, ok := into.merge(cut(other+end), &report); ok {
					t.Errorf("%s\nis merged into %q beside it: %q", c.text, other+end, got)
				}
			}
		}
	}
}

// TestMergeByApply: with Options.Base a change that has a place is placed, any other
// is merged, and only then fuzz is tried.
func TestMergeByApply(t *testing.T) {
	empty := open(t, nil)
	classes := tally{}
	for seed := range uint64(cases(t, 2100)) {
		k := mergeKinds[int(seed)%len(mergeKinds)]
		f := newForge(seed + 60000)
		w := k.make(f)
		if w.base == w.theirs {
			continue
		}
		fuzz := f.IntN(maxFuzz + 1)
		base := w.based(t, empty)
		merged, canMerge, _ := w.merge(t, empty)
		placed, canPlace := w.apply(t, empty, Options{})
		loose, canLoosely := w.apply(t, empty, Options{Fuzz: fuzz})
		got, done := w.apply(t, empty, Options{Fuzz: fuzz, Base: &base})
		var want outcome
		class := "conflict"
		switch {
		case canPlace:
			want, class = placed, "placed"
		case canMerge:
			want, class = outcome{true, true, merged, false}, "merged"
		case canLoosely:
			want, class = loose, "put with fuzz"
		}
		classes[class]++
		if got != want || done != (class != "conflict") {
			t.Errorf("seed %d, %s, %+v, fuzz %d: %v, %v; it should be %s, %v", seed, k.what, w, fuzz, got, done, class, want)
			return
		}
	}
	t.Logf("classes:%s", classes)
	for _, class := range []string{"placed", "merged", "put with fuzz", "conflict"} {
		if classes[class] == 0 {
			t.Errorf("no case of %q", class)
		}
	}
}

// apply puts the patch into our text.
func (w threeWay) apply(t testing.TB, empty *tree.Tree, o Options) (outcome, bool) {
	t.Helper()
	d := put(t, empty, "x", w.ours)
	o.Strip = 1
	r, err := d.Apply(alone(w.change()), o)
	if err != nil && conflictsIn(err) == nil {
		t.Fatal(err)
	}
	f, readErr := d.Read("x")
	check(t, readErr)
	if err != nil {
		if string(f.Data) != w.ours {
			t.Errorf("%v, and the draft has %q", err, f.Data)
		}
		return outcome{}, false
	}
	if merged := r.Mails[0].Files[0].Merged; merged && o.Base == nil {
		t.Error("merged without a base")
	}
	return outcome{ok: true, exists: true, text: string(f.Data)}, true
}

// TestMergeOfOtherChanges: what has no lines is not merged, and a base that belongs to
// another patch is no help.
func TestMergeOfOtherChanges(t *testing.T) {
	empty := open(t, nil)
	w := threeWay{numbered(9), lines(9, map[int]string{5: "five"}), lines(9, map[int]string{4: "four"})}
	base := w.based(t, empty)
	for what, text := range map[string]string{
		"a new file":  "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n",
		"more files":  "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n" + one,
		"a lost file": "--- a/y\n+++ b/y\n" + one,
		"a mode":      "diff --git a/x b/x\nold mode 100755\nnew mode 100644\n",
	} {
		d := put(t, empty, "x", w.ours)
		if _, err := d.Apply(parse(t, text), Options{Strip: 1, Base: &base}); conflictsIn(err) == nil {
			t.Errorf("%s: %v", what, err)
		}
		if f, err := d.Read("x"); err != nil || string(f.Data) != w.ours {
			t.Errorf("%s: the draft has %q, %v", what, f.Data, err)
		}
	}
	plainly, err := put(t, empty, "x", w.base).Apply(alone(w.change()), Options{Strip: 1})
	check(t, err)
	for what, base := range map[string]*Report{"an empty report": {}, "one that was not asked for as base": &plainly} {
		if _, err := put(t, empty, "x", w.ours).Apply(alone(w.change()), Options{Strip: 1, Base: base}); conflictsIn(err) == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// lineTexts are two texts that have something in common, or nothing.
func lineTexts(f forge) (a, b string) {
	switch f.IntN(6) {
	case 0:
		return "", f.text(f.IntN(5))
	case 1:
		return f.text(f.IntN(5)), ""
	case 2:
		return strings.Repeat("same\n", f.IntN(90)), strings.Repeat("same\n", f.IntN(90)) + f.end("end\n")
	case 3:
		return f.text(f.IntN(90)), f.text(f.IntN(90))
	case 4:
		few := func() (s string) {
			for range f.IntN(60) {
				s += []string{"{\n", "}\n", "\n"}[f.IntN(3)]
			}
			return f.end(s)
		}
		return few(), few()
	}
	a = f.text(f.IntN(90))
	return a, f.change(a, f.IntN(6))
}

// TestCommon: stretches are equal lines, in rising order, as long as they can be; and
// what Diff makes of them turns the one text into the other and back.
func TestCommon(t *testing.T) {
	for seed := range uint64(cases(t, 2000)) {
		a, b := lineTexts(newForge(seed + 20000))
		if !diffHolds(t, a, b) {
			t.Fatalf("seed %d: %q and %q", seed, a, b)
		}
	}
	for what, c := range map[string][2]string{
		"nothing":                  {"", ""},
		"alike":                    {"a\nb", "a\nb"},
		"a newline comes":          {"a", "a\n"},
		"more edits than are made": {strings.Repeat("a\nb\n", 3*maxEdits), strings.Repeat("b\nc\n", 3*maxEdits)},
		"one in the middle of all": {strings.Repeat("a\n", 2*maxEdits) + "x\n" + strings.Repeat("b\n", 2*maxEdits), strings.Repeat("b\n", 2*maxEdits) + "x\n" + strings.Repeat("a\n", 2*maxEdits)},
		"lines that cross":         {numbered(500), strings.Join(reversed(strings.SplitAfter(numbered(500), "\n")), "")},
	} {
		if !diffHolds(t, c[0], c[1]) {
			t.Errorf("%s", what)
		}
	}
}

func reversed(lines []string) []string {
	slices.Reverse(lines)
	return lines
}

// diffHolds checks common and Diff.
func diffHolds(t testing.TB, a, b string) bool {
	t.Helper()
	old, now := slices.Collect(strings.Lines(a)), slices.Collect(strings.Lines(b))
	endA, endB := 0, 0
	for i, s := range common(old, now) {
		switch {
		case s.n <= 0 || s.a < endA || s.b < endB || s.a+s.n > len(old) || s.b+s.n > len(now):
			t.Errorf("stretch %+v behind %d, %d", s, endA, endB)
			return false
		case i > 0 && s.a == endA && s.b == endB:
			t.Errorf("stretch %+v goes on where the one before ends", s)
			return false
		case !slices.Equal(old[s.a:s.a+s.n], now[s.b:s.b+s.n]):
			t.Errorf("stretch %+v is not equal", s)
			return false
		}
		endA, endB = s.a+s.n, s.b+s.n
	}
	hunks := Diff(a, b)
	if (len(hunks) == 0) != (a == b) {
		t.Errorf("%d hunks", len(hunks))
		return false
	}
	if len(hunks) == 0 {
		return true
	}
	var text strings.Builder
	text.WriteString("--- a/x\n+++ b/x\n")
	for _, h := range hunks {
		text.WriteString(h.String())
	}
	f := parse(t, text.String()).Mails[0].Files[0]
	_, there, ok := (reference{strict: true}).apply(a, f.Hunks)
	_, back, okBack := (reference{strict: true}).apply(b, f.reversed().Hunks)
	if !ok || there != b || !okBack || back != a {
		t.Errorf("the hunks make %q, %v, and back %q, %v:\n%s", there, ok, back, okBack, text.String())
		return false
	}
	return true
}

// longest is how many lines two texts have in common at most, found by trying all.
func longest(a, b []string) int {
	below := make([]int, len(b)+1)
	for i := len(a) - 1; i >= 0; i-- {
		row := make([]int, len(b)+1)
		for j := len(b) - 1; j >= 0; j-- {
			if row[j] = max(below[j], row[j+1]); a[i] == b[j] {
				row[j] = below[j+1] + 1
			}
		}
		below = row
	}
	return below[0]
}

// TestDiffIsShort: between anchors no shorter way leads from one text to the other; and
// one change in a long text is one hunk.
func TestDiffIsShort(t *testing.T) {
	for seed := range uint64(cases(t, 1000)) {
		a, b := lineTexts(newForge(seed + 40000))
		c := commoner{a: slices.Collect(strings.Lines(a)), b: slices.Collect(strings.Lines(b))}
		c.between(0, len(c.a), 0, len(c.b), false)
		same := 0
		for _, s := range c.stretches {
			same += s.n
		}
		if want := longest(c.a, c.b); same != want {
			t.Fatalf("seed %d: %d lines in common, want %d, of\n%q and\n%q", seed, same, want, a, b)
		}
	}
	long := numbered(100_000)
	hunks := Diff(long, strings.Replace(long, "\n50000\n", "\nfifty\n", 1))
	if len(hunks) != 1 || hunks[0].OldStart != 50000-3 || len(hunks[0].Body) != 8 {
		t.Errorf("one line of many: %d hunks", len(hunks))
	}
}

// FuzzMerge: whatever the three texts, a merge has the lines of both sides and
// nothing else, and is the same as putting the hunks it reports.
func FuzzMerge(f *testing.F) {
	f.Add("a\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\n", "a\nb\nc\nD\ne\n")
	f.Add("a\nb\nc", "a\nb\nc\n", "a\nb\nc")
	f.Add("", "a\n", "")
	f.Add("-- \n31\n", "-- \n28\n-- \n31\n", "-- \n28\n-- \n31\nx\n")
	f.Add("a\na\na\na\n", "a\na\na\n", "a\na\nb\na\na\n")
	empty := open(f, nil)
	f.Fuzz(func(t *testing.T, base, theirs, ours string) {
		w := threeWay{base, theirs, ours}
		if base == theirs || len(base)+len(theirs)+len(ours) > 2000 {
			return
		}
		diffHolds(t, base, theirs)
		diffHolds(t, base, ours)
		out, ok, r := w.merge(t, empty)
		if !ok {
			return
		}
		mergedHunks(t, w, out, r)
		if (ours == base || ours == theirs) && out != theirs {
			t.Errorf("%q: %q", w, out)
		}
		had := map[string]int{}
		for _, text := range []string{base, theirs, ours} {
			for line := range strings.Lines(text) {
				had[line]++
			}
		}
		for line := range strings.Lines(out) {
			if had[line]--; had[line] < 0 {
				t.Errorf("%q: %q has %q too often", w, out, line)
			}
		}
	})
}
