package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"srcmend/internal/event"
	"srcmend/internal/report"
)

// story is a build that goes red, as events, with what the clock says before
// each.
var story = []struct {
	after time.Duration
	event event.Event
}{
	{0, event.Planned{Package: "hello", Release: "2.12", Prefix: "/opt/hello", Plan: "abc", Steps: []string{"fetch", "make"}}},
	{0, event.Note{Text: "going on with make, where the last run stopped"}},
	{0, event.Warning("not installed here: libfoo-dev", "apt-get install libfoo-dev")},
	{0, event.StepStarted{Step: "fetch", What: "hello-2.12.tar.gz"}},
	{0, event.Progress{Step: "fetch", What: "hello-2.12.tar.gz", Done: 500_000, Total: 2_000_000}},
	{0, event.SourceTried{File: "hello-2.12.tar.gz", Source: "https://a.example/h.tar.gz", Outcome: event.Failed, Why: "404 Not Found"}},
	{0, event.SourceTried{File: "hello-2.12.tar.gz", Source: "https://b.example/h.tar.gz", Outcome: event.Green}},
	{2 * time.Second, event.StepEnded{Step: "fetch", Outcome: event.Green, Seconds: 2, Why: "2.0 MB, verified"}},
	{0, event.StepEnded{Step: "unpack", Outcome: event.Skipped, Why: "done by an earlier run"}},
	{0, event.Patched{Fix: "a-fix", Verdict: "needed", Applied: true, Files: []string{"a.c", "b.c"}, Hunks: 3, Offset: -17}},
	{0, event.Patched{Fix: "b-fix", Verdict: "present", Why: "the source has it already"}},
	{0, event.StepStarted{Step: "make", What: "gmake -j2", Log: "/l/make.log"}},
	{10 * time.Second, event.Output{Step: "make", Line: "CC early.o"}},
	{25 * time.Second, event.Output{Step: "make", Line: "CC late.o"}},
	{65 * time.Second, event.Finding{
		Signature: "missing-header", Log: "/l/make.log", LogLine: 7, File: "a.c", Line: 3, Symbol: "foo.h",
		Excerpt: []string{"cc -c a.c", "a.c:3: fatal error: foo.h: No such file"}, At: 1,
		Cause: "a.c includes foo.h.", Remedy: []string{"install libfoo", "do without"},
	}},
	{0, event.StepEnded{Step: "make", Outcome: event.Red, Seconds: 100, Why: "gmake: exit status 2"}},
	{0, event.Ended{Outcome: event.Red, Text: "hello 2.12: make: gmake: exit status 2", Hint: "run it again", Detail: []string{"make: *** Error"}, Log: "/l/make.log"}},
}

// clock is a clock that only goes when it is told to.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func tell(c *clock, send func(event.Event)) {
	for _, s := range story {
		c.at = c.at.Add(s.after)
		send(s.event)
	}
}

func TestTextOffATerminal(t *testing.T) {
	var out, errs bytes.Buffer
	c := &clock{at: time.Unix(1000, 0)}
	text := &report.Text{Out: &out, Err: &errs, Now: c.now}
	tell(c, text.Send)
	if err := text.Close(); err != nil {
		t.Error(err)
	}
	text.Send(event.Note{Text: "too late"})
	const want = `hello 2.12 into /opt/hello
  going on with make, where the last run stopped
warning: not installed here: libfoo-dev
  apt-get install libfoo-dev
  fetch      hello-2.12.tar.gz
             not from https://a.example/h.tar.gz: 404 Not Found
             from https://b.example/h.tar.gz
  fetch      green  2.0s  2.0 MB, verified
  unpack     skipped  done by an earlier run
  patch      a-fix: needed, applied to a.c, b.c (3 hunks, largest offset -17)
  patch      b-fix: present, the source has it already
  make       gmake -j2
  make       35s  CC late.o

cause: a.c:3: a.c includes foo.h.
  | cc -c a.c
  > a.c:3: fatal error: foo.h: No such file
remedy: install libfoo
    or: do without
   log: /l/make.log, line 7 (signature missing-header)
  make       red  100.0s  gmake: exit status 2
  | make: *** Error
log: /l/make.log
try: run it again
`
	if diff := cmp.Diff(want, errs.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := out.String(); got != "red: hello 2.12: make: gmake: exit status 2\n" {
		t.Errorf("the result is %q", got)
	}
}

func TestTextOnATerminal(t *testing.T) {
	var out, errs bytes.Buffer
	c := &clock{at: time.Unix(1000, 0)}
	text := &report.Text{Out: &out, Err: &errs, Now: c.now, Width: func() int { return 30 }, Color: true}
	tell(c, text.Send)
	got := errs.String()
	for _, want := range []string{
		"\r\x1b[K  make       10s  CC early.o",                 // the live line
		"\r\x1b[K  make       35s  CC late.o\r\x1b[K",          // wiped before the next whole line
		"  fetch      0s  hello-2.12.…",                        // cut to the terminal
		"\x1b[31mcause:\x1b[0m",                                // in colour
		"  make       \x1b[31mred\x1b[0m  100.0s  gmake: exit", // and so is the outcome
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%q", want, got)
		}
	}
	if strings.Contains(out.String(), "\x1b[K") {
		t.Errorf("the result holds cursor movements: %q", out.String())
	}
}

func TestQuiet(t *testing.T) {
	var out, errs bytes.Buffer
	c := &clock{}
	text := &report.Text{Out: &out, Err: &errs, Now: c.now, Quiet: true}
	tell(c, text.Send)
	for _, hidden := range []string{"hello 2.12 into", "fetch", "going on", "CC late"} {
		if strings.Contains(errs.String(), hidden) {
			t.Errorf("%q is told quietly", hidden)
		}
	}
	for _, shown := range []string{"warning: not installed", "cause:", "try: run it again"} {
		if !strings.Contains(errs.String(), shown) {
			t.Errorf("%q is not told", shown)
		}
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	c := &clock{at: time.Unix(1000, 0)}
	j := &report.JSON{W: &out, Now: c.now}
	tell(c, j.Send)
	if j.Err() != nil {
		t.Fatal(j.Err())
	}
	var names []string
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var got struct {
			Event   string
			Time    time.Time
			Version int
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("line %d: %v: %s", i, err, line)
		}
		if i == 0 && got.Version != event.Version {
			t.Errorf("the stream begins with %s", line)
		}
		if i > 0 && got.Time.Before(time.Unix(1000, 0)) {
			t.Errorf("no time in %s", line)
		}
		names = append(names, got.Event)
	}
	want := "stream planned note note step.started progress source.tried source.tried step.ended step.ended patched patched step.started output output finding step.ended ended"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("events are\n%s, want\n%s", got, want)
	}
	if !strings.Contains(out.String(), `"signature":"missing-header"`) || !strings.Contains(out.String(), `"log_line":7`) {
		t.Errorf("the finding's fields are not there:\n%s", out.String())
	}
}

func TestJSONDropsWhatMayBeDropped(t *testing.T) {
	var out bytes.Buffer
	c := &clock{at: time.Unix(1000, 0)}
	j := &report.JSON{W: &out, Now: c.now}
	for range 1000 {
		j.Send(event.Output{Step: "make", Line: "CC x.o"})
		c.at = c.at.Add(10 * time.Millisecond)
	}
	if n := strings.Count(out.String(), "\n"); n < 10 || n > 12 {
		t.Errorf("in ten seconds %d lines are written", n)
	}
}

// TestNothingOfStrangersReachesTheTerminal sends escape sequences in every
// field that comes from recipes, file names or logs.
func TestNothingOfStrangersReachesTheTerminal(t *testing.T) {
	var out, errs bytes.Buffer
	text := &report.Text{Out: &out, Err: &errs}
	const evil = "a\x1b[2Jb\x1b]0;t\x07\u009b1m\u202ec\nforged: line"
	for _, e := range []event.Event{
		event.Planned{Package: evil, Release: evil, Prefix: evil},
		event.StepStarted{Step: "make", What: evil, Log: evil},
		event.StepEnded{Step: "make", Outcome: event.Red, Why: evil},
		event.SourceTried{Source: evil, Outcome: event.Failed, Why: evil},
		event.SourceTried{Source: evil, Outcome: event.Green},
		event.Patched{Fix: "f", Verdict: "needed", Applied: true, Files: []string{evil}},
		event.Warning(evil, evil),
		event.Finding{File: evil, Cause: evil, Excerpt: []string{evil}, Remedy: []string{evil}},
		event.Ended{Outcome: event.Red, Text: evil, Hint: evil, Detail: []string{evil}, Log: evil},
	} {
		text.Send(e)
	}
	for _, s := range []string{out.String(), errs.String()} {
		if strings.ContainsAny(s, "\x1b\x07\u009b\u202e") || strings.Contains(s, "\nforged") {
			t.Errorf("shown is %q", s)
		}
	}
}

func TestTextTellsThatItCannotWrite(t *testing.T) {
	text := &report.Text{Out: full{}, Err: &bytes.Buffer{}}
	text.Send(event.Ended{Outcome: event.Green, Text: "done"})
	if text.Close() == nil {
		t.Error("writing the result failed and nobody says so")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestJSONTellsThatItCannotWrite(t *testing.T) {
	j := &report.JSON{W: full{}}
	j.Send(event.Note{Text: "x"})
	if j.Err() == nil {
		t.Error("writing failed and nobody says so")
	}
}

// TestManyAtOnce is for the race detector: sinks are called by several
// goroutines.
func TestManyAtOnce(t *testing.T) {
	var out, errs bytes.Buffer
	text := &report.Text{Out: &out, Err: &errs, Width: func() int { return 80 }}
	j := &report.JSON{W: &out}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				text.Send(event.Output{Step: "make", Line: fmt.Sprint(i)})
				text.Send(event.Note{Text: "whole line"})
				j.Send(event.Note{Text: "whole line"})
			}
		})
	}
	wg.Wait()
	if n := strings.Count(errs.String(), "  whole line\n"); n != 800 {
		t.Errorf("%d of 800 lines are whole", n)
	}
}

func Example() {
	text := &report.Text{Out: os.Stdout, Err: os.Stdout}
	text.Send(event.StepStarted{Step: "make", What: "gmake -j2", Log: "make.log"})
	text.Send(event.StepEnded{Step: "make", Outcome: event.Green, Seconds: 1.5})
	text.Send(event.Ended{Outcome: event.Green, Text: "hello 2.12 is installed"})
	// Output:
	//   make       gmake -j2
	//   make       green  1.5s
	// green: hello 2.12 is installed
}
