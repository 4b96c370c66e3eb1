package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"srcmend/internal/event"
)

// heartbeat is how long a step may be silent off a terminal.
const heartbeat = 30 * time.Second

// Text renders events for people.
type Text struct {
	Out   io.Writer        // the result
	Err   io.Writer        // everything before it
	Width func() int       // of the terminal Err is; nil: it is none
	Color bool             // on both
	Quiet bool             // only warnings, findings and the result
	Now   func() time.Time // nil is the real clock

	mu      sync.Mutex
	step    string
	pending string // the line that opens a step, until there is more to tell of it
	started time.Time
	spoke   time.Time // when a line was written last
	status  bool      // a live line is on the screen
	closed  bool
}

// Send renders one event. It may be called by several goroutines.
func (t *Text) Send(e event.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	switch e := e.(type) {
	case event.Progress:
		t.live(e.Step, progress(e))
	case event.Output:
		t.live(e.Step, e.Line)
	case event.StepStarted:
		t.stepStarted(e)
	case event.StepEnded:
		t.stepEnded(e)
	case event.Planned:
		t.info("%s %s into %s", t.paint(bold, e.Package), e.Release, e.Prefix)
	case event.SourceTried:
		t.sourceTried(e)
	case event.Patched:
		t.info("  %-10s %s: %s%s", "patch", e.Fix, e.Verdict, patched(e))
	case event.Note:
		t.note(e)
	case event.Finding:
		t.finding(e)
	case event.Ended:
		t.ended(e)
	}
}

func (t *Text) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

// line writes one whole line to Err.
func (t *Text) line(format string, args ...any) {
	t.wipe()
	if t.pending != "" && !t.Quiet {
		fmt.Fprintln(t.Err, t.pending)
		t.pending = ""
	}
	t.spoke = t.now()
	fmt.Fprintf(t.Err, format+"\n", args...)
}

func (t *Text) info(format string, args ...any) {
	if !t.Quiet {
		t.line(format, args...)
	}
}

// wipe takes the live line off the screen.
func (t *Text) wipe() {
	if t.status {
		fmt.Fprint(t.Err, "\r\x1b[K")
		t.status = false
	}
}

// live shows what is going on: on the live line of a terminal, else as a
// plain line once in a while.
func (t *Text) live(step, what string) {
	if t.Quiet {
		return
	}
	text := fmt.Sprintf("  %-10s %s  %s", step, clock(t.now().Sub(t.started)), what)
	if t.Width == nil {
		if t.now().Sub(t.spoke) >= heartbeat {
			t.line("%s", strings.TrimRight(cut(text, 120), " "))
		}
		return
	}
	fmt.Fprint(t.Err, "\r\x1b[K"+cut(text, t.Width()-1))
	t.status = true
}

// cut shortens text to so many columns, taking every character for one.
func cut(text string, columns int) string {
	text = strings.ReplaceAll(text, "\t", " ")
	runes := []rune(text)
	if len(runes) <= columns || columns < 1 {
		return text
	}
	return string(runes[:columns-1]) + "…"
}

func progress(e event.Progress) string {
	if e.Total > 0 {
		return fmt.Sprintf("%s %.1f of %.1f MB (%d%%)", e.What, mega(e.Done), mega(e.Total), e.Done*100/e.Total)
	}
	return fmt.Sprintf("%s %.1f MB", e.What, mega(e.Done))
}

func mega(n int64) float64 { return float64(n) / 1e6 }

func clock(d time.Duration) string {
	d = d.Round(time.Second)
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}

func (t *Text) stepStarted(e event.StepStarted) {
	if e.Step != t.step {
		t.step, t.started = e.Step, t.now()
	}
	t.pending = fmt.Sprintf("  %-10s %s", e.Step, e.What)
	if e.Log != "" { // a command, which may take long
		pending := t.pending
		t.pending = ""
		t.info("%s", pending)
	}
}

func (t *Text) stepEnded(e event.StepEnded) {
	t.step, t.pending = "", ""
	words := []string{fmt.Sprintf("  %-10s %s", e.Step, t.outcome(e.Outcome))}
	if e.Seconds >= 0.05 {
		words = append(words, fmt.Sprintf("%.1fs", e.Seconds))
	}
	if e.Why != "" {
		words = append(words, e.Why)
	}
	t.info("%s", strings.Join(words, "  "))
}

func (t *Text) sourceTried(e event.SourceTried) {
	if e.Outcome == event.Green {
		t.info("  %-10s from %s", "", e.Source)
		return
	}
	t.info("  %-10s not from %s: %s", "", e.Source, e.Why)
}

func patched(e event.Patched) string {
	switch {
	case e.Applied && e.Offset != 0:
		return fmt.Sprintf(", applied to %s (%d hunks, largest offset %d)", strings.Join(e.Files, ", "), e.Hunks, e.Offset)
	case e.Applied:
		return fmt.Sprintf(", applied to %s (%d hunks)", strings.Join(e.Files, ", "), e.Hunks)
	case e.Why != "":
		return ", " + e.Why
	}
	return ""
}

func (t *Text) note(e event.Note) {
	show, prefix := t.info, "  "
	if e.Level == "warning" {
		show, prefix = t.line, t.paint(yellow, "warning: ")
	}
	show("%s%s", prefix, e.Text)
	if e.Hint != "" {
		show("  %s", e.Hint)
	}
}

func (t *Text) finding(e event.Finding) {
	t.line("")
	where := ""
	if e.File != "" {
		where = e.File
		if e.Line > 0 {
			where += fmt.Sprintf(":%d", e.Line)
		}
		where += ": "
	}
	t.line("%s %s%s", t.paint(red, "cause:"), t.paint(bold, where), e.Cause)
	for i, line := range e.Excerpt {
		mark := " "
		if i == e.At {
			mark = t.paint(red, ">")
		}
		t.line("  %s %s", mark, cut(line, 160))
	}
	for i, r := range e.Remedy {
		label := "remedy:"
		if i > 0 {
			label = "    or:"
		}
		t.line("%s %s", label, r)
	}
	t.line("   log: %s, line %d (signature %s)", e.Log, e.LogLine, e.Signature)
}

func (t *Text) ended(e event.Ended) {
	t.wipe()
	for _, line := range e.Detail {
		fmt.Fprintln(t.Err, "  | "+cut(line, 500))
	}
	if e.Log != "" {
		fmt.Fprintln(t.Err, "log: "+e.Log)
	}
	fmt.Fprintf(t.Out, "%s: %s\n", t.outcome(e.Outcome), e.Text)
	if e.Hint != "" {
		fmt.Fprintln(t.Err, "try: "+e.Hint)
	}
}

// Close takes the live line away. What is sent later is dropped.
func (t *Text) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wipe()
	t.closed = true
}

// Colours of a terminal, as the parameter of an escape sequence.
const (
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (t *Text) paint(color, text string) string {
	if !t.Color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (t *Text) outcome(o event.Outcome) string {
	switch o {
	case event.Green:
		return t.paint(green, string(o))
	case event.Red, event.Failed:
		return t.paint(red, string(o))
	case event.Interrupted:
		return t.paint(yellow, string(o))
	}
	return string(o)
}
