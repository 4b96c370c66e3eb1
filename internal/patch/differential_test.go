package patch

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"srcmend/internal/tree"
)

// A crowd is many cases in one patch, so that one run of GNU patch answers for all
// of them: names of files to what is in the tree, and to what the patch does.
type crowd struct {
	from     map[string]string // what the patch was made for
	now      map[string]string
	files    map[string]File
	sections []string // of the patch
	reverse  bool
}

// An outcome is what became of one file of a crowd.
type outcome struct {
	ok     bool
	exists bool
	text   string
	crash  bool // the program ended by a signal
}

func (o outcome) String() string {
	switch {
	case o.crash:
		return "a crash"
	case !o.ok:
		return "refused"
	}
	if !o.exists {
		return "gone"
	}
	return strconv.Quote(o.text)
}

// newCrowd makes n files, later versions of them, and a tree that has moved on from
// the one side of the patch or, if it is to be taken out, from the other.
func newCrowd(t testing.TB, f forge, n int, reverse bool) *crowd {
	t.Helper()
	c := &crowd{from: map[string]string{}, now: map[string]string{}, files: map[string]File{}, reverse: reverse}
	dir := t.TempDir()
	before, after := map[string]string{}, map[string]string{}
	for i := range n {
		name := fmt.Sprintf("u%d/f%04d", f.IntN(5), i)
		text := f.text(f.IntN(40))
		changed := f.change(text, 1+f.IntN(4))
		switch f.IntN(20) {
		case 0:
			text = ""
		case 1:
			changed = ""
		}
		switch f.IntN(25) {
		case 0:
			after["b/"+name] = changed
		case 1:
			before["a/"+name] = text
		default:
			before["a/"+name], after["b/"+name] = text, changed
		}
		from, exists := before["a/"+name]
		if c.reverse {
			from, exists = after["b/"+name]
		}
		if exists {
			c.from[name] = from
		}
		c.move(f, name, from, exists)
	}
	write(t, dir, before)
	write(t, dir, after)
	write(t, dir, map[string]string{"a/keep": "", "b/keep": ""})
	var text strings.Builder
	for i := range 5 {
		for _, side := range []string{"a", "b"} {
			check(t, os.MkdirAll(filepath.Join(dir, fmt.Sprintf("%s/u%d", side, i)), 0o755))
		}
		out, _ := run(t, dir, nil, "diff", "-rN", fmt.Sprintf("-U%d", i), fmt.Sprintf("a/u%d", i), fmt.Sprintf("b/u%d", i))
		text.WriteString(out)
	}
	c.shape(t, f, text.String(), before)
	return c
}

// move says what the tree has of a file.
func (c *crowd) move(f forge, name, from string, exists bool) {
	switch n := f.IntN(20); {
	case n == 0 && exists: // it has gone
	case n == 0:
		c.now[name] = f.text(f.IntN(3))
	case !exists:
	case n < 5:
		c.now[name] = from
	default:
		c.now[name] = f.change(from, 1+f.IntN(3))
	}
}

// shape takes context off some hunks, as careless hands do, gives some more, so that
// they overlap, and puts the patch together.
func (c *crowd) shape(t testing.TB, f forge, text string, before map[string]string) {
	t.Helper()
	for _, file := range parse(t, text).Mails[0].Files {
		lines := slices.Collect(strings.Lines(before[file.OldName]))
		switch f.IntN(8) {
		case 0, 1:
			for i, h := range file.Hunks {
				file.Hunks[i] = f.trim(h)
			}
		case 2:
			for i, h := range file.Hunks {
				file.Hunks[i] = h.wider(lines, f.IntN(4), f.IntN(4))
			}
		}
		if file.Kind == Modify && f.IntN(50) == 0 && len(file.Hunks) > 1 {
			slices.Reverse(file.Hunks)
		}
		c.sections = append(c.sections, render(file))
	}
	for _, file := range parse(t, strings.Join(c.sections, "")).Mails[0].Files {
		c.files[sectionName(render(file))] = file
	}
}

// wider gives the hunk more context, from the lines of the file.
func (h Hunk) wider(lines []string, top, bottom int) Hunk {
	from := h.nominal()
	end := from + h.OldLines
	if end > len(lines) {
		return h
	}
	top, bottom = min(top, from), min(bottom, len(lines)-end)
	if top+bottom == 0 {
		return h
	}
	var body []Line
	for _, line := range lines[from-top : from] {
		body = append(body, Line{Context, line})
	}
	body = append(body, h.Body...)
	for _, line := range lines[end : end+bottom] {
		body = append(body, Line{Context, line})
	}
	if h.NewLines == 0 {
		h.NewStart++ // it named the line before
	}
	h.Body = body
	h.OldLines, h.NewLines = h.OldLines+top+bottom, h.NewLines+top+bottom
	h.OldStart, h.NewStart = from-top+1, max(1, h.NewStart-top) // less is there where a hunk before it removes lines
	return h
}

// names lists the cases.
func (c *crowd) names() []string { return slices.Sorted(maps.Keys(c.files)) }

// file is what is to be done to a file.
func (c *crowd) file(name string) File {
	if c.reverse {
		return c.files[name].reversed()
	}
	return c.files[name]
}

// alone is a patch of one file.
func alone(f File) *Patch { return &Patch{Mails: []Mail{{Files: []File{f}}}} }

// ours applies one section. A conflict must leave the draft as it was.
func (c *crowd) ours(t testing.TB, empty *tree.Tree, name string, o Options) (outcome, Report, error) {
	t.Helper()
	d := NewDraft(empty)
	before, exists := c.now[name]
	if exists {
		check(t, d.Write(tree.File{Name: name, Mode: 0o644, Data: []byte(before)}))
	}
	o.Strip, o.Reverse = 1, c.reverse
	r, err := d.Apply(alone(c.files[name]), o)
	if err != nil && conflictsIn(err) == nil {
		t.Fatalf("%s: %v", name, err)
	}
	f, readErr := d.Read(name)
	if err != nil {
		if string(f.Data) != before || (readErr == nil) != exists {
			t.Errorf("%s: %v changed the draft", name, err)
		}
		return outcome{}, r, err
	}
	return outcome{ok: true, exists: readErr == nil, text: string(f.Data)}, r, nil
}

// gnu runs GNU patch for all files and gives what it says of each. Of a file that it
// does not speak of, it has done nothing. If it crashes, it is run again for the files
// behind, and for those it would have removed at its end.
func (c *crowd) gnu(t testing.TB, argv ...string) map[string]outcome {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gnu")
	check(t, os.Mkdir(dir, 0o755))
	write(t, dir, c.now)
	argv = append([]string{"patch", "-p1", "--no-backup-if-mismatch", "-r", "-"}, argv...)
	if c.reverse {
		argv = append(argv, "-R")
	}
	said := map[string]outcome{}
	for rest := c.sections; len(rest) > 0; {
		out, err := run(t, dir, []byte(strings.Join(rest, "")), argv...)
		last := outcomes(t, dir, out, said)
		if code := (*exec.ExitError)(nil); err == nil || errors.As(err, &code) && code.ExitCode() == 1 {
			break
		} else if code == nil || code.ExitCode() != -1 {
			t.Fatal(err)
		}
		said[last] = outcome{crash: true}
		at := slices.IndexFunc(rest, func(s string) bool { return sectionName(s) == last })
		rest = slices.Concat(slices.DeleteFunc(slices.Clone(rest[:at]), func(s string) bool {
			o := said[sectionName(s)]
			return !o.ok || !o.exists || o.text != c.now[sectionName(s)]
		}), rest[at+1:])
	}
	return said
}

// sectionName is the name of the file that a section is about.
func sectionName(section string) string {
	names := strings.Fields(section)
	if name, ok := strings.CutPrefix(names[3], "b/"); ok {
		return name
	}
	return strings.TrimPrefix(names[1], "a/")
}

// outcomes reads what GNU patch prints, and gives the file it spoke of last.
func outcomes(t testing.TB, dir, out string, said map[string]outcome) (last string) {
	t.Helper()
	for line := range strings.Lines(out) {
		switch {
		case strings.HasPrefix(line, "patching file "):
			last = strings.Fields(line)[2]
			data, err := os.ReadFile(filepath.Join(dir, last))
			said[last] = outcome{ok: true, exists: err == nil, text: string(data)}
		case strings.HasPrefix(line, "The next patch"), strings.HasPrefix(line, "can't find file"):
			last = ""
		case strings.HasPrefix(line, "|"):
		case strings.Contains(line, "FAILED"), strings.Contains(line, "ignored"), strings.Contains(line, "Skipping patch"), strings.Contains(line, "Not deleting"):
			delete(said, last)
		}
	}
	return last
}

// explain finds the fewest switches with which the reference does what GNU patch
// has done.
func (c *crowd) explain(name string, r reference, theirs outcome) (switches, bool) {
	f := c.file(name)
	before, exists := c.now[name]
	all := make([]switches, allSwitches+1)
	for i := range all {
		all[i] = switches(i)
	}
	slices.SortStableFunc(all, func(a, b switches) int {
		return bits.OnesCount(uint(a)) - bits.OnesCount(uint(b))
	})
	for _, s := range all {
		r.switches = s
		got, _ := r.outcome(f, before, exists)
		if got == theirs {
			return s, true
		}
	}
	return 0, false
}

// story tells a case so that it can be run again.
func (c *crowd) story(name string) string {
	before, exists := c.now[name]
	return fmt.Sprintf("file %s (there: %v):\n%q\nreverse: %v, kind %s, patch:\n%s", name, exists, before, c.reverse, c.files[name].Kind, render(c.files[name]))
}

// cases is how many cases are tried: $SRCMEND_CASES, or a number that does for every
// day.
func cases(t testing.TB, usual int) int {
	t.Helper()
	text, ok := os.LookupEnv("SRCMEND_CASES")
	if !ok {
		return usual
	}
	n, err := strconv.Atoi(text)
	check(t, err)
	return n
}

// tally counts by class.
type tally map[string]int

// fuzz counts what was put with fuzz.
func (c tally) fuzz(places []place) {
	most := 0
	for _, p := range places {
		most = max(most, p.fuzz)
	}
	if most > 0 {
		c[fmt.Sprintf("put with fuzz %d", most)]++
	}
}

func (c tally) String() string {
	var b strings.Builder
	for _, class := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "\n%8d %s", c[class], class)
	}
	return b.String()
}

// TestDifferential: file by file, GNU patch without fuzz and this package do the
// same, or differ in a way that the reference knows.
func TestDifferential(t *testing.T) {
	tool(t, "diff")
	tool(t, "patch")
	const size = 500
	classes, empty := tally{}, open(t, nil)
	total := cases(t, 5000)
	for seed := range uint64(total / size) {
		c := newCrowd(t, newForge(seed+90000), size, seed%2 == 1)
		theirs := c.gnu(t, "-F0", "-N", "-t")
		for _, name := range c.names() {
			c.compare(t, empty, name, reference{}, theirs[name], classes)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
	t.Logf("classes:%s", classes)
	for _, class := range []string{"both put it", "both refuse it", "only GNU patch puts it: bare", "only GNU patch puts it: joins"} {
		if classes[class] < total/1000 {
			t.Errorf("%d cases of %q: the cases are not what they should be", classes[class], class)
		}
	}
}

// compare holds one case against GNU patch.
func (c *crowd) compare(t *testing.T, empty *tree.Tree, name string, r reference, theirs outcome, classes tally) {
	t.Helper()
	ours, report, err := c.ours(t, empty, name, Options{Fuzz: r.fuzz, RemoveEmpty: r.removeEmpty})
	f := c.file(name)
	before, exists := c.now[name]
	want, places := r.outcome(f, before, exists)
	if ours != want {
		t.Errorf("%v (%v), the reference %v, GNU patch %v\n%s", ours, err, want, theirs, c.story(name))
	}
	if ours.ok {
		reported(t, report, f, places)
		classes.fuzz(places)
	} else if n := len(places); n > 0 && places[n-1].twice != nil {
		namesBoth(t, err, places[n-1])
		classes["two places named"]++
	}
	why, known := c.explain(name, r, theirs)
	switch {
	case theirs.crash && !ours.ok && incomplete(f, before):
		classes["GNU patch crashes, behind a line without a newline"]++
	case !known:
		t.Errorf("%v (%v), and GNU patch %v, which nothing explains\n%s", ours, err, theirs, c.story(name))
	case why == 0 && ours.ok:
		classes["both put it"]++
	case why == 0:
		classes["both refuse it"]++
	case ours.ok && theirs.ok:
		classes["the results differ: "+why.String()]++
	case ours.ok:
		classes["only this package puts it: "+why.String()]++
	default:
		classes["only GNU patch puts it: "+why.String()]++
	}
}

// incomplete reports whether any line has no newline. GNU patch ends itself when it
// is to remove lines behind such a one.
func incomplete(f File, text string) bool {
	lacks := func(line string) bool { return line != "" && !strings.HasSuffix(line, "\n") }
	return lacks(text) || slices.ContainsFunc(f.Hunks, func(h Hunk) bool {
		return slices.ContainsFunc(h.Body, func(line Line) bool { return lacks(line.Text) })
	})
}

// reported checks that the report names the places.
func reported(t testing.TB, r Report, f File, places []place) {
	t.Helper()
	if len(f.Hunks) == 0 {
		return
	}
	hunks := r.Mails[0].Files[0].Hunks
	if len(hunks) != len(places) {
		t.Errorf("%d hunks are reported, %d were put", len(hunks), len(places))
		return
	}
	for i, p := range places {
		var others []int
		for _, at := range p.others[:min(len(p.others), maxOthers)] {
			others = append(others, at+1)
		}
		h := f.Hunks[i]
		want := HunkReport{Number: i + 1, Asked: h.nominal() + 1, Found: p.at + 1, Offset: p.offset, Fuzz: p.fuzz, Others: others}
		if !reflect.DeepEqual(hunks[i], want) {
			t.Errorf("reported %+v, want %+v", hunks[i], want)
		}
	}
}
