package patch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/tree"
)

// A reference puts hunks into a text by trying every place, without an index and
// without bounds. Its switches are what GNU patch does otherwise than this package;
// with all of them on it is GNU patch, with all of them off it is this package. So
// where the two come to different results, the switches tell why.
type reference struct {
	fuzz        int  // the most that is allowed
	strict      bool // only where the header says
	removeEmpty bool // a file without content goes
	switches    switches
}

// Switches are a set of what GNU patch does otherwise.
type switches int

const (
	overlap     switches = 1 << iota // a hunk may begin in the context behind the last change of the one before it
	bare                             // a hunk without context is looked for like any other
	joins                            // a line without a newline gets one when something follows it
	behind                           // lines that belong behind a line that is not there go to the end
	under                            // a guess before the end of the hunk before leads to places there, which may be refused then
	makes                            // a file that is not there is made if the first hunk is for an empty one, whatever follows
	again                            // with fuzz, what a hunk makes may stand in the file already
	closer                           // of several places with fuzz the nearest is good
	allSwitches = 1<<iota - 1
)

// String names the switches that are on.
func (s switches) String() string {
	var names []string
	for i, name := range []string{"overlap", "bare", "joins", "behind", "under", "makes", "again", "closer"} {
		if s>>i&1 == 1 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

func (r reference) has(s switches) bool { return r.switches&s != 0 }

// A place is where the reference puts a hunk.
type place struct {
	at, fuzz    int
	top, bottom int
	offset      int
	others      []int // indexes of all other places, where the hunk was not found at once
	twice       []int // all places, if there were several with fuzz
}

// A writer puts lines together as a reference does.
type writer struct {
	strings.Builder
	lines      []string
	done       int // lines that are written or left out
	incomplete bool
	joins      bool
	broken     bool // a line follows one without a newline
}

func (w *writer) add(line string) {
	if w.incomplete && w.joins {
		w.WriteByte('\n')
	}
	w.broken = w.broken || w.incomplete && !w.joins
	w.WriteString(line)
	w.incomplete = !strings.HasSuffix(line, "\n")
}

// upTo copies lines of the file.
func (w *writer) upTo(end int) {
	for ; w.done < min(end, len(w.lines)); w.done++ {
		w.add(w.lines[w.done])
	}
}

// put makes the changes of a hunk at a place, and gives the index of the line
// behind the last change, and of the one behind the hunk. The file's own context
// stays, whether it counted or not.
func (w *writer) put(h Hunk, at int) (changed, end int) {
	changed = at
	for _, line := range h.Body {
		switch line.Op {
		case Add:
			w.upTo(at)
			w.add(line.Text)
			changed = at
		case Remove:
			w.upTo(at)
			w.done++
			at++
			changed = at
		case Context:
			at++
		}
	}
	return changed, at
}

// apply gives the places of the hunks and the text after them. ok is false when a
// hunk has no place; then the last place says what is known about it.
func (r reference) apply(text string, hunks []Hunk) (places []place, out string, ok bool) {
	w := &writer{lines: slices.Collect(strings.Lines(text)), joins: r.has(joins)}
	drift, frozen := 0, 0
	for _, h := range hunks {
		p, found := r.place(w.lines, h, drift, frozen)
		places = append(places, p)
		if !found {
			return places, "", false
		}
		drift = p.offset
		changed, end := w.put(h, p.at)
		if frozen = end - p.bottom; r.has(overlap) {
			frozen = changed
		}
	}
	w.upTo(len(w.lines))
	return places, w.String(), !w.broken
}

// A search is for one hunk, with one fuzz.
type search struct {
	reference
	lines, old     []string
	start          int // the line that the header names, from 1
	prefix, suffix int // context
	guess, frozen  int
	top, bottom    int // lines that do not count; less than 0 where it must stand at an end of the file
}

// place looks for one hunk, with as little fuzz as will do.
func (r reference) place(lines []string, h Hunk, drift, frozen int) (place, bool) {
	s := search{reference: r, lines: lines, start: h.OldStart, guess: h.nominal() + drift, frozen: frozen}
	s.old, s.prefix, s.suffix = sides(h)
	if len(s.old) == 0 {
		return place{at: s.guess, offset: drift}, s.guess >= frozen && (s.guess <= len(lines) || r.has(behind))
	}
	context := max(s.prefix, s.suffix)
	for fuzz := 0; fuzz <= min(r.fuzz, context); fuzz++ {
		s.top, s.bottom = fuzz+s.prefix-context, fuzz+s.suffix-context
		all := s.all()
		if at, found := s.before(); found && at+s.prefix < frozen {
			return place{}, false
		} else if found {
			all = []int{at}
		}
		if len(all) == 0 {
			continue
		}
		at := closest(all, s.guess)
		p := place{at: at, fuzz: fuzz, top: max(0, s.top), bottom: max(0, s.bottom), offset: at - h.nominal()}
		if at != s.guess {
			p.others = slices.DeleteFunc(slices.Clone(all), func(other int) bool { return other == at })
		}
		if fuzz > 0 && len(all) > 1 && !r.has(closer) {
			p.twice = all // where it belongs is a guess
			return p, false
		}
		if fuzz > 0 && !r.has(again) && made(h, lines[min(frozen, len(lines)):]) {
			return place{}, false
		}
		return p, true
	}
	return place{}, false
}

// made reports whether what a hunk makes stands in some lines, if it makes any.
func made(h Hunk, lines []string) bool {
	adds := slices.ContainsFunc(h.Body, func(line Line) bool { return line.Op == Add })
	want, _, _ := sides(h.reversed())
	for at := range len(lines) {
		if adds && len(want) <= len(lines)-at && slices.Equal(lines[at:at+len(want)], want) {
			return true
		}
	}
	return false
}

// matches reports whether the lines that count stand at an index.
func (s search) matches(at int) bool {
	from, to := max(0, s.top), len(s.old)-max(0, s.bottom)
	if at < 0 || at+to > len(s.lines) {
		return false
	}
	return slices.Equal(s.lines[at+from:at+to], s.old[from:to])
}

// all tries all places.
func (s search) all() []int {
	var all []int
	counts := len(s.old) - max(0, s.top) - max(0, s.bottom) // lines that do
	for at := range len(s.lines) + 1 {
		atStart := s.top < 0 && s.start <= 1
		free := at >= s.frozen || atStart && s.has(overlap) && s.frozen <= s.prefix
		switch {
		case !free || !s.matches(at),
			atStart && at != 0,
			s.bottom < 0 && !atStart && at != len(s.lines)-len(s.old),
			s.prefix+s.suffix == 0 && !s.has(bare) && at != s.guess,
			s.strict && at != s.guess,
			counts == 0 && !s.has(closer): // nothing is left to look for
			continue
		}
		all = append(all, at)
	}
	return all
}

// before looks where GNU patch does if the guess is before the end of the hunk
// before: on both sides of that end. What it finds before it, it takes if the first
// change is behind.
func (s search) before() (at int, found bool) {
	if !s.has(under) || s.guess >= s.frozen || s.top < 0 && s.start <= 1 || s.bottom < 0 {
		return 0, false
	}
	for at := 2*s.guess - s.frozen; at < s.frozen; at++ {
		if s.matches(at) {
			return at, true
		}
		if s.matches(s.frozen) {
			break
		}
	}
	return 0, false
}

// closest picks the place closest to the guess, and of two the later.
func closest(all []int, guess int) int {
	best := all[0]
	for _, at := range all {
		if distance(at, guess) <= distance(best, guess) {
			best = at
		}
	}
	return best
}

// sides gives the old lines of a hunk and the length of its context at both ends.
func sides(h Hunk) (old []string, prefix, suffix int) {
	isContext := func(line Line) bool { return line.Op == Context }
	for _, line := range h.Body {
		if line.Op != Add {
			old = append(old, line.Text)
		}
	}
	for prefix < len(h.Body) && isContext(h.Body[prefix]) {
		prefix++
	}
	for suffix < len(h.Body) && isContext(h.Body[len(h.Body)-1-suffix]) {
		suffix++
	}
	return old, prefix, suffix
}

// outcome is what the reference makes of a change to one file.
func (r reference) outcome(f File, text string, exists bool) (outcome, []place) {
	switch {
	case f.Kind == Create && text != "",
		f.Kind == Delete && !exists,
		f.Kind == Modify && !exists && !f.mayCreate() && !(r.has(makes) && f.Hunks[0].OldStart == 0):
		return outcome{}, nil
	}
	places, after, ok := r.apply(text, f.Hunks)
	switch {
	case !ok, f.Kind == Delete && after != "":
		return outcome{}, places
	case f.Kind == Delete, r.removeEmpty && after == "":
		return outcome{ok: true}, places
	}
	return outcome{ok: true, exists: true, text: after}, places
}

// blur gives the tree files that differ from what the patch was made for in the
// outer context of its hunks, and are moved.
func (c *crowd) blur(f forge) {
	for _, name := range c.names() {
		file := c.file(name)
		text, exists := c.from[name]
		if !exists || file.Kind != Modify {
			delete(c.now, name)
			continue
		}
		lines := slices.Collect(strings.Lines(text))
		for _, h := range file.Hunks {
			_, prefix, suffix := sides(h)
			at, end := h.nominal(), h.nominal()+h.OldLines
			for i := range f.IntN(4) {
				switch above := f.IntN(2) == 0; {
				case above && i < prefix && at+i < len(lines):
					lines[at+i] = f.line()
				case !above && i < suffix && 0 < end-i && end-i <= len(lines):
					lines[end-1-i] = f.line()
				}
			}
		}
		if f.IntN(2) == 0 {
			at := f.IntN(len(lines) + 1)
			lines = slices.Insert(lines, at, slices.Collect(strings.Lines(f.text(f.IntN(3))+"\n"))...)
		}
		if f.IntN(4) == 0 {
			lines = lines[f.IntN(len(lines)/4+1):]
		}
		switch f.IntN(8) {
		case 0: // the same once more, so that there are several places
			lines = append(slices.Clone(lines), lines...)
		case 1: // and what the patch makes of it
			_, made, _ := reference{strict: true}.apply(text, file.Hunks)
			lines = append(lines, slices.Collect(strings.Lines("\n"+made))...)
		}
		c.now[name] = strings.Join(lines, "")
	}
}

// TestFuzzAgainstGNU: with fuzz a hunk goes where GNU patch puts it if that is the
// only place with so much of its context, and is a conflict that names two places
// otherwise.
func TestFuzzAgainstGNU(t *testing.T) {
	tool(t, "diff")
	tool(t, "patch")
	const size = 250
	classes, empty := tally{}, open(t, nil)
	total := cases(t, 2000)
	for seed := range uint64(total / size) {
		f := newForge(seed + 70000)
		c := newCrowd(t, f, size, seed%2 == 1)
		c.blur(f)
		r := reference{fuzz: 1 + f.IntN(maxFuzz)}
		theirs := c.gnu(t, fmt.Sprintf("-F%d", r.fuzz), "-f")
		for _, name := range c.names() {
			if _, exists := c.now[name]; !exists {
				continue
			}
			c.compare(t, empty, name, r, theirs[name], classes)
			c.exactly(t, empty, name, classes)
			if t.Failed() {
				t.Fatalf("seed %d, fuzz %d", seed, r.fuzz)
			}
		}
	}
	t.Logf("classes:%s", classes)
	for _, class := range []string{"put with fuzz 1", "put with fuzz 2", "put with fuzz 3", "only GNU patch puts it: closer", "only GNU patch puts it: again", "two places named", "exactly"} {
		if classes[class] < total/200 {
			t.Errorf("%d cases of %q: the cases are not what they should be", classes[class], class)
		}
	}
}

// exactly holds Options.Strict against the reference: nothing but the line the header
// names will do.
func (c *crowd) exactly(t *testing.T, empty *tree.Tree, name string, classes tally) {
	t.Helper()
	ours, report, err := c.ours(t, empty, name, Options{Strict: true})
	want, places := reference{strict: true}.outcome(c.file(name), c.now[name], true)
	if ours != want {
		t.Errorf("strictly: %v (%v), want %v\n%s", ours, err, want, c.story(name))
	}
	if !ours.ok {
		return
	}
	classes["exactly"]++
	reported(t, report, c.file(name), places)
	if !report.Exact() || report.MaxOffset() != 0 {
		t.Errorf("the report of a strict change has %+v", report)
	}
}

// namesBoth checks the conflict of a hunk that has several places with fuzz.
func namesBoth(t testing.TB, err error, p place) {
	t.Helper()
	want := fmt.Sprintf("with fuzz %d it fits at line %d and at line %d", p.fuzz, p.twice[0]+1, p.twice[1]+1)
	if !slices.ContainsFunc(conflictsIn(err), func(e *ConflictError) bool { return strings.Contains(e.Why, want) }) {
		t.Errorf("%v does not say that %s", err, want)
	}
}

// FuzzPlace: whatever the hunks, the file, the fuzz, the result is that of the
// reference, and what was put stands where the report says.
func FuzzPlace(f *testing.F) {
	f.Add("@@ -3,5 +3,5 @@\n 3\n 4\n-5\n+b\n 6\n 7\n", "new\n"+numbered(9), 0, false)
	f.Add("@@ -3,5 +3,5 @@\n 3\n 4\n-5\n+b\n 6\n 7\n", lines(9, map[int]string{3: "three", 7: "seven"}), 2, false)
	f.Add("@@ -1,3 +1,4 @@\n 1\n+b\n 2\n 3\n@@ -4,3 +5,2 @@\n 4\n-5\n 6\n", numbered(9)+numbered(9), 1, false)
	f.Add("@@ -2,3 +2,3 @@\n 2\n 3\n-4\n+b\n", numbered(9), 3, false)
	f.Add("@@ -2,0 +3 @@\n+b\n@@ -7 +8,0 @@\n-7\n", numbered(9), 0, true)
	f.Add("@@ -1,2 +1 @@\n 1\n-2\n\\ No newline at end of file\n", "1\n2", 1, true)
	f.Add("@@ -5,3 +5,3 @@\n 5\n-6\n+b\n 7\n@@ -1,3 +1,3 @@\n 1\n-2\n+c\n 3\n", numbered(9), 1, false)
	empty := open(f, nil)
	f.Fuzz(func(t *testing.T, hunks, text string, fuzz int, strict bool) {
		p, err := Parse(strings.NewReader("--- a/x\n+++ b/x\n" + hunks))
		if err != nil || len(text) > 3000 || fuzz < 0 || fuzz > maxFuzz || strict && fuzz > 0 {
			return
		}
		change := p.Mails[0].Files[0]
		if len(p.Mails) > 1 || len(p.Mails[0].Files) > 1 || change.crlf || change.Kind != Modify {
			return
		}
		if fuzz > 0 && slices.ContainsFunc(change.Hunks, func(h Hunk) bool { return h.cut }) {
			return // what was guessed takes no fuzz, of which the reference knows nothing
		}
		for _, reverse := range []bool{false, true} {
			d := put(t, empty, "x", text)
			r, err := d.Apply(p, Options{Strip: 1, Fuzz: fuzz, Strict: strict, Reverse: reverse})
			if err != nil && conflictsIn(err) == nil {
				t.Fatal(err)
			}
			got, readErr := d.Read("x")
			check(t, readErr)
			change := change
			if reverse {
				change = change.reversed()
			}
			want, places := reference{fuzz: fuzz, strict: strict}.outcome(change, text, true)
			switch {
			case want.ok != (err == nil):
				t.Fatalf("%v, and the reference: %v", err, want)
			case err == nil && string(got.Data) != want.text:
				t.Fatalf("%q, and the reference: %q", got.Data, want.text)
			case err == nil:
				reported(t, r, change, places)
			case string(got.Data) != text:
				t.Fatalf("%v, and the draft has %q", err, got.Data)
			}
			for _, e := range conflictsIn(err) {
				if e.Hunk > 0 && len(e.Compared) > 0 {
					aligned(t, e, change.Hunks[e.Hunk-1], text)
				}
			}
		}
	})
}
