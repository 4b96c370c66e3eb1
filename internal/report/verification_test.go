package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"srcmend/internal/event"
	"srcmend/internal/report"
)

// evil is what a log or a recipe may hold: what ends a text, a line, a cell of a table or a
// comment in one of the forms, and what no form may hold.
const evil = "evil\x1b[31m ]]> </script><script>alert(1)</script> <img src=x onerror=alert(2)> | `a` ``` [x](y) &amp; \x00\xff\u202e\u2028\ufffe {{.}} %0A::error::forged\n::error file=forged::forged\n\n# forged"

// verification is a run with every outcome, and hostile text in every field that may hold any.
func verification() []event.Event {
	cell := func(id string, c event.CellEnded) event.CellEnded {
		c.ID = id
		return c
	}
	claim := func(pkg, release, fix string, level event.Level) event.Cell {
		return event.Cell{Package: pkg, Release: release, Fix: fix, Level: level, Platform: "linux/12/amd64"}
	}
	cells := []event.CellEnded{
		cell("hello:lint", event.CellEnded{Cell: claim("hello", "", "", event.LevelLint), Outcome: event.Green, Stored: true}),
		cell("hello@2.12:fetch", event.CellEnded{Cell: claim("hello", "2.12", "", event.LevelFetch), Outcome: event.Green, Stored: true}),
		cell("hello@2.12/one:verdict", event.CellEnded{Cell: claim("hello", "2.12", "one", event.LevelVerdict), Outcome: event.Red, Why: "the patch does not fit", Start: 0.5, Seconds: 0.2}),
		cell("hello@2.12:build", event.CellEnded{Cell: claim("hello", "2.12", "", event.LevelBuild), Outcome: event.Green, Builds: 2, Start: 1, Seconds: 75.5, CPU: 120}),
		cell("hello@2.11/one:verdict", event.CellEnded{Cell: claim("hello", "2.11", "one", event.LevelVerdict), Outcome: event.Red, Why: "so it is", Known: "upstream " + evil, Start: 1, Seconds: 0.1}),
		cell("hello@2.11:build", event.CellEnded{Cell: claim("hello", "2.11", "", event.LevelBuild), Outcome: event.Skipped, Why: "its verdict is red"}),
		cell("other@1:fetch", event.CellEnded{Cell: claim("other", "1", "", event.LevelFetch), Outcome: event.Failed, Why: "no answer: " + evil, Start: 2, Seconds: 30}),
		cell("other@1/two:verdict", event.CellEnded{Cell: claim("other", "1", "two", event.LevelVerdict), Outcome: event.Red, Why: evil, Start: 3, Seconds: 0.3}),
		cell(evil+":lint", event.CellEnded{Cell: claim(evil, evil, evil, event.LevelLint), Outcome: event.Red, Why: evil, Start: 0.1, Seconds: 0.1}),
	}
	m := event.Matrix{Plan: "0123456789abcdef", Platform: "linux/12/amd64", Since: "v1.0", Mine: len(cells)}
	all := []event.Event{nil}
	for _, c := range cells {
		m.Cells = append(m.Cells, c.ID)
		all = append(all, c)
	}
	all[0] = m
	for i, p := range []event.Problem{
		{Rule: "stale-patch", Level: "error", File: "recipes/hello.yaml", Line: 12, Column: 5, Text: "the patch one does not fit 2.12", Hint: "make it anew\nor say that 2.12 does not need it", Cells: []string{"hello@2.12/one:verdict", "other@1/two:verdict"}, Excerpt: []string{"before", "Hunk #1 FAILED", "after"}, At: 1, Log: "logs/one.log"},
		{Rule: "wrong-range", Level: "error", File: "recipes/hello.yaml", Line: 14, Text: "the range has 2.11", Known: "upstream has it open", Cells: []string{"hello@2.11/one:verdict"}},
		{Rule: "old-link", Level: "warning", File: "recipes/hello.yaml", Text: "the link has moved", Cells: []string{"hello:lint"}},
		{Rule: "unused", Level: "error", File: "patches/hello/left.patch", Text: "no recipe takes it"},
		{Rule: "no-file", Level: "warning", Text: "there are no recipes besides"},
		{Rule: "unused", Level: "warning", File: "patches/x", Text: "known and of no cell", Known: "it is for later"},
		{Rule: evil, Level: "error", File: "::error file=forged::" + evil, Line: 1 << 40, Column: -3, Text: evil, Hint: evil, Cells: []string{evil + ":lint", "nowhere"}, Known: "", Excerpt: []string{evil, "::error::forged"}, At: 17, Log: evil},
	} {
		p.Text += fmt.Sprintf(" marker%dmarker", i)
		all = append(all, p)
	}
	return append(all,
		event.Warning("careful: "+evil, evil), event.Note{Text: "by the way"},
		event.Verified{Outcome: event.Failed, Text: "not all could be verified " + evil, Hint: evil, Green: 3, Red: 3, Known: 1, Failed: 1, Skipped: 1, Stored: 2, Builds: 2, Seconds: 76.5, CPU: 121})
}

// recorded is a run as it was sent.
func recorded(t *testing.T, events []event.Event) *report.Verification {
	t.Helper()
	c := &clock{at: time.Unix(1000, 5000)}
	v := &report.Verification{Now: c.now}
	for _, e := range events {
		c.at = c.at.Add(time.Second)
		v.Send(e)
	}
	if v.Err() != nil {
		t.Fatal(v.Err())
	}
	return v
}

// written is a run in one form.
func written(t *testing.T, form string, v *report.Verification) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.VerificationForms[form](&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// forms are the names of all forms.
func forms() []string { return slices.Sorted(maps.Keys(report.VerificationForms)) }

// TestProblemsOnce: each problem is in every form, and only once.
func TestProblemsOnce(t *testing.T) {
	v := recorded(t, verification())
	for _, form := range forms() {
		text := written(t, form, v)
		for i := range v.Problems() {
			if n := strings.Count(text, fmt.Sprintf("marker%dmarker", i)); n != 1 {
				t.Errorf("%s tells problem %d %d times", form, i, n)
			}
		}
	}
}

// command is a command of a workflow, whole, and of which srcmend has chosen the properties.
var command = regexp.MustCompile(`^::(error|warning|notice) (file=[^,:]*,(line=\d+,(col=\d+,)?)?)?title=[^,:]*::`)

// TestNothingOfStrangersIsObeyed: no form has what a terminal, a browser, GitHub or a reader
// of XML would obey.
func TestNothingOfStrangersIsObeyed(t *testing.T) {
	v := recorded(t, verification())
	for _, form := range forms() {
		text := written(t, form, v)
		if strings.ContainsAny(text, "\x1b\x00\x07") || form != "json" && strings.Contains(text, "\u202e") {
			t.Errorf("%s has control characters", form)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			switch {
			case form == "github":
				if !command.MatchString(line) {
					t.Errorf("GitHub gets the line %s", line)
				}
			case form != "html" && form != "junit" && strings.HasPrefix(line, "::"):
				t.Errorf("%s has the command %s", form, line)
			case form == "summary" && strings.HasPrefix(line, "# "):
				t.Errorf("the summary has the heading %s", line)
			}
		}
		if form == "html" && (strings.Contains(text, "<img") || strings.Count(text, "<script") != 1 || strings.Contains(text, "alert(1)</")) {
			t.Error("the page has tags of strangers")
		}
		if form == "summary" {
			text = regexp.MustCompile(`(?s)<pre>.*?</pre>`).ReplaceAllStringFunc(text, func(pre string) string { return strings.ReplaceAll(pre, "`", "") })
			for _, bad := range []string{"<img", "<script", " `a`", "[x](y)\n"} {
				if strings.Contains(text, bad) {
					t.Errorf("the summary has %s", bad)
				}
			}
		}
	}
}

// TestReadVerification: what was written as JSON is the same in every form when it is read, and
// JSON has written it to the byte.
func TestReadVerification(t *testing.T) {
	events := verification()
	v := recorded(t, events)
	c := &clock{at: time.Unix(1000, 5000)}
	var lines bytes.Buffer
	j := &report.JSON{W: &lines, Now: c.now}
	for _, e := range events {
		c.at = c.at.Add(time.Second)
		j.Send(e)
	}
	if diff := cmp.Diff(lines.String(), written(t, "json", v)); diff != "" {
		t.Errorf("(-JSON +form)\n%s", diff)
	}
	text := strings.Replace(lines.String(), "\n", "\n\n{\"event\":\"of.tomorrow\",\"x\":{}}\n{\"event\":\"progress\",\"step\":\"x\",\"done\":1}\n", 1)
	read, err := report.ReadVerification(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range forms() {
		if diff := cmp.Diff(written(t, form, v), written(t, form, read)); diff != "" {
			t.Errorf("%s: (-sent +read)\n%s", form, diff)
		}
	}
}

// TestReadBroken: what is no run is refused, with the line.
func TestReadBroken(t *testing.T) {
	const head, matrix, end = "{\"event\":\"stream\",\"version\":1}\n", "{\"event\":\"matrix\",\"plan\":\"p\"}\n", "{\"event\":\"verified\",\"outcome\":\"green\"}\n"
	for _, test := range []struct{ text, want string }{
		{"", "it is empty"},
		{"\n\n", "it is empty"},
		{"hello\n", "line 1: it is no event"},
		{"{}", "line 1: it does not begin"},
		{matrix, "line 1: it does not begin"},
		{"{\"event\":\"stream\",\"version\":2}\n", "line 1: it is of version 2"},
		{head, "line 1: it ends, and no matrix"},
		{head + matrix, "line 2: it ends before the verification does"},
		{head + matrix + "\n{\"event\":", "line 4: it is no event"},
		{head + matrix + "null\n" + end, "line 3: it is no event: it has no name"},
		{head + matrix + "[]\n" + end, "line 3: it is no event"},
		{head + matrix + matrix + end, "line 3: the event \"matrix\": it is there twice"},
		{head + matrix + end + end, "line 4: the event \"verified\": it is there twice"},
		{head + matrix + end + head, "line 4: another run begins here"},
		{head + "{\"event\":\"matrix\"}\n", "line 2: the event \"matrix\": it does not say"},
		{head + matrix + "{\"event\":\"cell.ended\",\"outcome\":\"fine\"}\n", "line 3: the event \"cell.ended\": there is no outcome \"fine\""},
		{head + matrix + "{\"event\":\"verified\",\"outcome\":\"\"}\n", "line 3: the event \"verified\": there is no outcome"},
		{head + matrix + "{\"event\":\"problem\",\"line\":\"x\"}\n", "line 3: the event \"problem\""},
		{head + matrix + "{\"event\":\"note\",\"text\":\"\xff\"}\n", "line 3: it is not UTF-8"},
		{head + matrix + "{\"event\":\"note\",\"text\":\"" + strings.Repeat("x", 17<<20) + "\"}\n", "line 3: it is longer than 16 MB"},
		{head + matrix + end, ""},
	} {
		_, err := report.ReadVerification(strings.NewReader(test.text))
		switch {
		case test.want == "" && err != nil:
			t.Error(err)
		case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)):
			t.Errorf("%.80q: %v, want %s", test.text, err, test.want)
		}
	}
	broken := io.MultiReader(strings.NewReader(head+matrix), new(breaking))
	if _, err := report.ReadVerification(broken); err == nil || !strings.Contains(err.Error(), "line 3: no more") {
		t.Error(err)
	}
}

// breaking can't be read.
type breaking struct{}

func (breaking) Read([]byte) (int, error) { return 0, fmt.Errorf("no more") }

// FuzzReadVerification: what can be read can be written in every form, and what is written as
// JSON is read as the same.
func FuzzReadVerification(f *testing.F) {
	var b bytes.Buffer
	j := &report.JSON{W: &b}
	for _, e := range verification() {
		j.Send(e)
	}
	f.Add(b.Bytes())
	f.Add([]byte("{\"event\":\"stream\",\"version\":1}\n{\"event\":\"matrix\",\"plan\":\"p\",\"cells\":[\"a\"]}\n{\"event\":\"cell.ended\",\"id\":\"a\",\"level\":\"x\",\"outcome\":\"red\",\"seconds\":1e300,\"start\":-1}\n{\"event\":\"problem\",\"at\":-1,\"excerpt\":[\"\"]}\n{\"event\":\"verified\",\"outcome\":\"red\"}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := report.ReadVerification(bytes.NewReader(text))
		if err != nil {
			return
		}
		for _, form := range forms() {
			written(t, form, v)
		}
		lines := written(t, "json", v)
		again, err := report.ReadVerification(strings.NewReader(lines))
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if written(t, "json", again) != lines || written(t, "html", again) != written(t, "html", v) {
			t.Error("what was read twice is not the same")
		}
		if merged, err := report.Merge([]*report.Verification{v, again}); err == nil {
			for _, form := range forms() {
				written(t, form, merged)
			}
		}
	})
}

// TestVerificationText holds what people see.
func TestVerificationText(t *testing.T) {
	var tame []event.Event
	for _, e := range verification() {
		if text, err := json.Marshal(e); err != nil || !strings.Contains(string(text), "evil") {
			tame = append(tame, e)
		}
	}
	tame = append(tame, event.Verified{Outcome: event.Red, Text: "2 problems", Hint: "look at them", Green: 3, Red: 1, Skipped: 1, Stored: 2, Builds: 2, Seconds: 76.5})
	m := event.Matrix{Plan: "p", Platform: "linux/12/amd64", Since: "v1.0", Shard: "1/2", Cells: make([]string, 9), Mine: 5}
	got := written(t, "text", recorded(t, append([]event.Event{m}, tame...)))
	const want = `9 cells on linux/12/amd64, what has changed since v1.0, 5 of them here, shard 1/2
  verdict    hello@2.12/one  red  0.2s  the patch does not fit
  build      hello@2.12  green  1m16s

recipes/hello.yaml:12:5: error: the patch one does not fit 2.12 marker0marker (stale-patch)
  | before
  > Hunk #1 FAILED
  | after
try: make it anew
try: or say that 2.12 does not need it
shown by hello@2.12/one:verdict, other@1/two:verdict
log: logs/one.log

recipes/hello.yaml:14: error: the range has 2.11 marker1marker (wrong-range)
known: upstream has it open
shown by hello@2.11/one:verdict

recipes/hello.yaml: warning: the link has moved marker2marker (old-link)
shown by hello:lint

patches/hello/left.patch: error: no recipe takes it marker3marker (unused)

warning: there are no recipes besides marker4marker (no-file)

patches/x: warning: known and of no cell marker5marker (unused)
known: it is for later
  by the way
  skipped    1 cell: its verdict is red
red: 2 problems (3 green, 1 red, 1 skipped; 2 from the store; 2 builds in 1m17s)
try: look at them
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestVerificationOnATerminal: the live line says how far it has come.
func TestVerificationOnATerminal(t *testing.T) {
	var out, errs bytes.Buffer
	c := &clock{at: time.Unix(1000, 0)}
	text := &report.Text{Out: &out, Err: &errs, Now: c.now, Width: func() int { return 70 }, Color: true, OutColor: true}
	for _, e := range verification() {
		c.at = c.at.Add(time.Second)
		text.Send(e)
	}
	for _, want := range []string{"\r\x1b[K  verify     3s  3 of 9 cells, 1 not green", "\r\x1b[K  verify     9s  9 of 9 cells, 4 not green\r\x1b[K"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("no %q in\n%q", want, errs.String())
		}
	}
	if !strings.HasPrefix(out.String(), "\x1b[31mfailed\x1b[0m: not all") || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("the result is %q", out.String())
	}
}

// TestSendAtOnce is for the race detector.
func TestSendAtOnce(t *testing.T) {
	v := new(report.Verification)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 50 {
				v.Send(event.CellEnded{Cell: event.Cell{ID: fmt.Sprint(i, k)}, Outcome: event.Green})
				v.Cells()
			}
		})
	}
	wg.Wait()
	if n := len(v.Cells()); n != 400 {
		t.Errorf("%d of 400 cells are kept", n)
	}
}

// shard is one of n parts of a plan of nine cells, with more told in it.
func shard(t *testing.T, i, n int, outcome event.Outcome, more ...event.Event) *report.Verification {
	m := event.Matrix{Plan: "abc", Platform: "p", Shard: fmt.Sprintf("%d/%d", i, n)}
	var mine []event.Event
	for k := range 9 {
		id := fmt.Sprintf("pkg@%d:build", k)
		m.Cells = append(m.Cells, id)
		if k%n == i-1 {
			mine = append(mine, event.CellEnded{Cell: event.Cell{ID: id, Package: "pkg", Release: fmt.Sprint(k), Level: event.LevelBuild}, Outcome: event.Green, Seconds: 1})
		}
	}
	m.Mine = len(mine)
	events := slices.Concat([]event.Event{m, event.Note{Text: "told by all"}}, mine, more)
	return recorded(t, append(events, event.Verified{Outcome: outcome, Text: "t", Hint: "hint of " + string(outcome), Seconds: float64(i), CPU: 1, Builds: i}))
}

func TestMerge(t *testing.T) {
	p := event.Problem{Rule: "r", Level: "warning", File: "b", Text: "x", Cells: []string{"pkg@0:build"}, Known: "for now"}
	q := p
	q.Level, q.Known, q.Cells, q.Excerpt, q.Hint = "error", "", []string{"pkg@0:build", "pkg@1:build"}, []string{"log"}, "do it"
	first := event.Problem{Rule: "r", Level: "warning", File: "a", Text: "x"}
	all := []*report.Verification{shard(t, 1, 2, event.Green, p), shard(t, 2, 2, event.Red, q, first)}
	v, err := report.Merge(all)
	if err != nil {
		t.Fatal(err)
	}
	if m := v.Matrix(); m.Shard != "" || m.Mine != 9 || len(v.Cells()) != 9 {
		t.Errorf("%+v, %d cells", m, len(v.Cells()))
	}
	q.Cells = []string{"pkg@0:build", "pkg@1:build"}
	if diff := cmp.Diff([]event.Problem{first, q}, v.Problems()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want := event.Verified{Outcome: event.Red, Text: "not all that the recipes claim is true, 1 problem", Hint: "hint of red", Green: 9, Builds: 3, Seconds: 2, CPU: 2}
	if diff := cmp.Diff(want, v.Verified()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := strings.Count(written(t, "json", v), "told by all"); n != 1 {
		t.Errorf("a note is told %d times", n)
	}
	slices.Reverse(all)
	other, err := report.Merge(all)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Problems(), other.Problems()); diff != "" {
		t.Errorf("the order of the shards matters: %s", diff)
	}
}

// TestMergeOutcomes: the whole is never better than a part.
func TestMergeOutcomes(t *testing.T) {
	cell := func(o event.Outcome, known string) event.CellEnded {
		return event.CellEnded{Cell: event.Cell{ID: "a"}, Outcome: o, Known: known}
	}
	for _, test := range []struct {
		cell    event.CellEnded
		problem event.Problem
		said    event.Outcome
		want    event.Outcome
	}{
		{cell(event.Green, ""), event.Problem{Level: "warning"}, event.Green, event.Green},
		{cell(event.Green, ""), event.Problem{Level: "error"}, event.Green, event.Red},
		{cell(event.Green, ""), event.Problem{Level: "error", Known: "k"}, event.Green, event.Green},
		{cell(event.Red, ""), event.Problem{}, event.Green, event.Red},
		{cell(event.Red, "k"), event.Problem{}, event.Green, event.Green},
		{cell(event.Skipped, ""), event.Problem{}, event.Green, event.Green},
		{cell(event.Failed, ""), event.Problem{Level: "error"}, event.Green, event.Red},
		{cell(event.Failed, ""), event.Problem{Level: "error", Rule: event.Unverified}, event.Green, event.Failed},
		{cell(event.Interrupted, ""), event.Problem{}, event.Green, event.Failed},
		{cell(event.Green, ""), event.Problem{}, event.Red, event.Red},
		{cell(event.Green, ""), event.Problem{}, event.Interrupted, event.Failed},
	} {
		v := recorded(t, []event.Event{event.Matrix{Plan: "p", Cells: []string{"a"}}, test.cell, test.problem, event.Verified{Outcome: test.said}})
		merged, err := report.Merge([]*report.Verification{v})
		if err != nil || merged.Verified().Outcome != test.want {
			t.Errorf("%+v: %v, %v", test, merged.Verified().Outcome, err)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	red := event.CellEnded{Cell: event.Cell{ID: "pkg@0:build"}, Outcome: event.Red}
	stray := event.CellEnded{Cell: event.Cell{ID: "stray"}, Outcome: event.Green}
	foreign := recorded(t, []event.Event{event.Matrix{Plan: "fff"}, event.Verified{Outcome: event.Green}})
	foreign.Name = "three.json"
	changed := recorded(t, []event.Event{event.Matrix{Plan: "abc"}, event.Verified{Outcome: event.Green}})
	long := recorded(t, []event.Event{event.Matrix{Plan: "p", Cells: strings.Split(strings.Repeat("x ", 29)+"x", " ")}, event.Verified{Outcome: event.Green}})
	one, two := shard(t, 1, 3, event.Green), shard(t, 2, 3, event.Green)
	one.Name = "one.json"
	for _, test := range []struct {
		all  []*report.Verification
		want string
	}{
		{nil, "there is nothing to merge"},
		{[]*report.Verification{one, foreign}, "three.json is of another plan (fff) than one.json (abc): "},
		{[]*report.Verification{one, changed}, "number 2 has the plan of one.json, but other cells"},
		{[]*report.Verification{one, two}, "3 of 9 cells are in no part: pkg@2:build, pkg@5:build, pkg@8:build; add"},
		{[]*report.Verification{long}, "30 of 30 cells are in no part: x, x, x, x, x, x, x, x, x, x and 20 more; add"},
		{[]*report.Verification{one, two, shard(t, 3, 3, event.Red, red)}, `the cell "pkg@0:build" is green in one.json and red in number 3: run it again`},
		{[]*report.Verification{shard(t, 1, 1, event.Green, stray)}, `number 1 has the cell "stray"`},
	} {
		if _, err := report.Merge(test.all); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
	again := event.CellEnded{Cell: event.Cell{ID: "pkg@0:build"}, Outcome: event.Green, Stored: true, Why: "stored"}
	v, err := report.Merge([]*report.Verification{shard(t, 2, 2, event.Green, again), shard(t, 1, 2, event.Green)})
	if err != nil || v.Cells()[0].Stored {
		t.Errorf("the cell that was run is not the one that is kept: %v", err)
	}
}

// TestSummaryIsBounded: GitHub takes no more than 1 MiB.
func TestSummaryIsBounded(t *testing.T) {
	const limit = 1 << 20
	long := strings.Repeat("|", 5000)
	problems := []event.Event{event.Matrix{Plan: "p"}}
	packages := []event.Event{event.Matrix{Plan: "p"}}
	for i := range 3000 {
		problems = append(problems, event.Problem{Rule: "r", Level: "error", Text: long, Hint: long})
		packages = append(packages, event.CellEnded{Cell: event.Cell{ID: fmt.Sprint(i), Package: fmt.Sprint(long, i), Level: event.Level(fmt.Sprint(i % 200))}, Outcome: event.Green})
	}
	for what, events := range map[string][]event.Event{"problems": problems, "packages": packages} {
		text := written(t, "summary", recorded(t, append(events, event.Verified{Outcome: event.Red})))
		if len(text) > limit || len(text) < limit/2 || !strings.Contains(text[len(text)-500:], "not shown: a summary has 1 MiB at most") {
			t.Errorf("%s: %d bytes, at the end %q", what, len(text), text[len(text)-200:])
		}
	}
}

// TestFormsTellThatTheyCannotWrite: no form is silent about it.
func TestFormsTellThatTheyCannotWrite(t *testing.T) {
	v := recorded(t, verification())
	for _, form := range forms() {
		if report.VerificationForms[form](full{}, v) == nil {
			t.Errorf("%s could not be written, and nobody says so", form)
		}
	}
}

// realistic is a run of about n cells of several packages, as people will see it.
func realistic(n int) []event.Event {
	m := event.Matrix{Plan: "5f1d2c3b4a5968778695a4b3c2d1e0f9", Platform: "linux/12/amd64"}
	var cells, problems []event.Event
	var sum event.Verified
	start := 0.0
	add := func(pkg, release, fix string, level event.Level, i int) {
		c := event.CellEnded{Cell: event.Cell{ID: pkg, Package: pkg, Release: release, Fix: fix, Platform: m.Platform, Level: level}, Outcome: event.Green, Stored: i/3%2 == 0 || n > 1000 && i%50 != 0}
		if release != "" {
			c.ID += "@" + release
		}
		if fix != "" {
			c.ID += "/" + fix
		}
		c.ID += ":" + string(level)
		if level == event.LevelBuild && !c.Stored {
			c.Builds, c.Seconds, c.CPU = 2, 20+float64(i*37%200), 80
		} else if !c.Stored {
			c.Seconds = 0.1 + float64(i%17)/3
		}
		c.Start = start
		start += c.Seconds / 3
		switch {
		case n < 1000 && i == 20 || n >= 1000 && i%997 == 400:
			c.Outcome, c.Why, c.Stored, c.Seconds, c.Builds = event.Red, "without the fix the build is green", false, 141, 2
			problems = append(problems, event.Problem{Rule: "needless-fix", Level: "error", File: "recipes/" + pkg + ".yaml", Line: 40 + i%50, Column: 5, Text: "the fix " + fix + " is claimed for " + release + ", but the build is green without it", Hint: "narrow affects: to \"< " + release + "\"", Cells: []string{c.ID}, Excerpt: []string{"gcc -DHAVE_CONFIG_H -I. -I../.. -O2 -c str-find.c -o str-find.o", "gcc -DHAVE_CONFIG_H -I. -I../.. -O2 -c str-sanitize.c -o str-sanitize.o", "gmake[3]: Leaving directory '/source/src/lib'", "gmake: nothing failed"}, At: 3, Log: "logs/needless.log"})
		case n < 1000 && i == 28 || n >= 1000 && i%1999 == 700:
			c.Outcome, c.Why, c.Stored, c.Seconds = event.Red, "the patch is in conflict", false, 0.4
			problems = append(problems, event.Problem{Rule: "stale-patch", Level: "error", File: "patches/" + pkg + "/" + pkg + "-openssl3.patch", Line: 17, Text: "hunk 2 does not fit " + release, Hint: "srcmend patch refresh makes it anew\nor say in the recipe that " + release + " does not need it", Cells: []string{c.ID}, Excerpt: []string{"src/lib-ssl-iostream/dcrypt-openssl.c:74", "  - #include <openssl/engine.h>", "  + #if OPENSSL_VERSION_NUMBER < 0x30000000L"}, At: 1})
		case i == 35:
			c.Outcome, c.Known, c.Why, c.Stored = event.Red, "upstream has no fix yet, see issue 12", "make: exit status 2", true
			problems = append(problems, event.Problem{Rule: "red-build", Level: "error", File: "recipes/" + pkg + ".yaml", Line: 12, Text: release + " does not build with the fixes that it takes", Known: c.Known, Cells: []string{c.ID}, Excerpt: []string{"auth-request.c:1021:17: error: implicit declaration of function 'crypt' [-Werror=implicit-function-declaration]"}})
		case i == 42:
			c.Outcome, c.Why, c.Stored = event.Failed, "no source of the archive has answered", false
			c.Seconds = 30
		case i == 43 || i == 44 || i == 46:
			c.Outcome, c.Why, c.Stored, c.Builds, c.Seconds = event.Skipped, "its archive could not be had", false, 0, 0
		}
		switch {
		case c.Outcome == event.Green:
			sum.Green++
		case c.Known != "":
			sum.Known++
		case c.Outcome == event.Red:
			sum.Red++
		case c.Outcome == event.Failed:
			sum.Failed++
		default:
			sum.Skipped++
		}
		if c.Stored {
			sum.Stored++
		}
		sum.Builds += c.Builds
		m.Cells = append(m.Cells, c.ID)
		cells = append(cells, c)
	}
	names := []string{"hello", "dovecot", "postfix-policyd", "libarchive", "perl"}
	for i := 0; len(cells) < n; {
		pkg := names[i%5]
		if i >= 60 {
			pkg = fmt.Sprintf("%s-%d", names[i%5], i%331)
		}
		release, fix := fmt.Sprintf("2.%d.%d", i/20, i%20), []string{"systemd-units-below-prefix-by-variable", "openssl3", ""}[i%3]
		if i < 5 {
			add(pkg, "", "", event.LevelLint, i)
		}
		for k, level := range []event.Level{event.LevelFetch, event.LevelVerdict, event.LevelBuild} {
			if level != event.LevelVerdict || fix != "" {
				add(pkg, release, map[bool]string{true: fix}[level != event.LevelFetch], level, i*3+k)
			}
		}
		i++
	}
	problems = append(problems, event.Problem{Rule: "moved", Level: "warning", File: "recipes/hello.yaml", Line: 3, Column: 11, Text: "the homepage has moved", Hint: "homepage: https://example.org/new", Cells: []string{"hello:lint"}})
	m.Mine = len(cells)
	sum.Outcome, sum.Text, sum.Hint, sum.Seconds, sum.CPU = event.Failed, "1 cell could not be verified, 2 problems", "srcmend verify --only failed, when the network is back", start+60, 900
	return slices.Concat([]event.Event{m, event.Warning("the store is nearly full", "srcmend cache prune")}, cells, problems, []event.Event{sum})
}

// allRed is a run of n cells that are all red, each by a problem of its own.
func allRed(n int) []event.Event {
	m := event.Matrix{Plan: "p", Platform: "linux/12/amd64"}
	all := []event.Event{nil}
	for i := range n {
		c := event.Cell{Package: fmt.Sprintf("package-%d", i%300), Release: fmt.Sprintf("2.3.%d", i), Fix: "some-fix-or-other", Level: event.LevelBuild}
		c.ID = c.Package + "@" + c.Release + "/" + c.Fix + ":build"
		m.Cells = append(m.Cells, c.ID)
		all = append(all, event.CellEnded{Cell: c, Outcome: event.Red, Why: "make: exit status 2", Start: float64(i), Seconds: 12, Builds: 1},
			event.Problem{Rule: "red-build", Level: "error", File: "recipes/" + c.Package + ".yaml", Line: i, Text: "the build of " + c.Release + " is red, and nobody knows why", Hint: "look at the log, and make the fix anew", Cells: []string{c.ID}, Excerpt: []string{"gcc -c x.c", strings.Repeat("x", 300), "gmake: *** [Makefile:12: x.o] Error 1"}, At: 1})
	}
	all[0] = m
	return append(all, event.Verified{Outcome: event.Red, Text: "all is red", Red: n})
}

// TestManyCells: what is shown of thousands of cells stays small. A folder that SRCMEND_PAGES
// names gets the pages, to be looked at.
func TestManyCells(t *testing.T) {
	for name, events := range map[string][]event.Event{"few": realistic(60), "many": realistic(10_000), "red": allRed(10_000), "hostile": verification()} {
		v := recorded(t, events)
		for form, most := range map[string]int{"html": 5 << 20, "summary": 1 << 20} {
			if text := written(t, form, v); len(text) > most {
				t.Errorf("%s: %s has %d bytes", name, form, len(text))
			}
		}
		if folder := os.Getenv("SRCMEND_PAGES"); folder != "" {
			if err := os.WriteFile(filepath.Join(folder, name+".html"), []byte(written(t, "html", v)), 0o644); err != nil {
				t.Error(err)
			}
		}
	}
}
