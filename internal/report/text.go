package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"srcmend/internal/buildlog"
	"srcmend/internal/event"
)

// heartbeat is how long a step may be silent off a terminal.
const heartbeat = 30 * time.Second

// Text renders events for people.
type Text struct {
	Out      io.Writer        // the result
	Err      io.Writer        // everything before it
	Width    func() int       // of the terminal Err is; nil: it is none
	Color    bool             // on Err
	OutColor bool             // on Out
	Quiet    bool             // only warnings, findings and the result
	Now      func() time.Time // nil is the real clock

	mu      sync.Mutex
	step    string
	pending string // the line that opens a step, until there is more to tell of it
	started time.Time
	spoke   time.Time // when a line was written last
	cells   verifying
	status  bool  // a live line is on the screen
	err     error // the first of writing
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
		t.info("%s %s into %s", t.paint(bold, clean(e.Package)), clean(e.Release), clean(e.Prefix))
	case event.SourceTried:
		t.sourceTried(e)
	case event.Patched:
		t.info("  %-10s %s: %s%s", "patch", e.Fix, e.Verdict, clean(patched(e)))
	case event.Attempted:
		t.attempted(e)
	case event.Ablated:
		t.line("  %-10s %s: %s", "ablate", clean(e.Fix), clean(ablated(e)))
	case event.Note:
		t.note(e)
	case event.Finding:
		t.finding(e)
	case event.Matrix:
		t.matrix(e)
	case event.CellEnded:
		t.cellEnded(e)
	case event.Problem:
		t.problem(e)
	case event.Verified:
		t.verified(e)
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
		t.write(t.Err, t.pending+"\n")
		t.pending = ""
	}
	t.spoke = t.now()
	t.write(t.Err, fmt.Sprintf(format, args...)+"\n")
}

// write writes a line, and keeps the first error of it.
func (t *Text) write(w io.Writer, line string) {
	if _, err := io.WriteString(w, line); err != nil && t.err == nil {
		t.err = err
	}
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
	text := fmt.Sprintf("  %-10s %s  %s", step, clock(t.now().Sub(t.started)), clean(what))
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
	t.pending = fmt.Sprintf("  %-10s %s", e.Step, clean(e.What))
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
		words = append(words, clean(e.Why))
	}
	t.info("%s", strings.Join(words, "  "))
}

func (t *Text) sourceTried(e event.SourceTried) {
	if e.Outcome == event.Green {
		t.info("  %-10s from %s", "", clean(e.Source))
		return
	}
	t.info("  %-10s not from %s: %s", "", clean(e.Source), clean(e.Why))
}

// attempted tells of an attempt to mend; of one that helped, all that was changed.
func (t *Text) attempted(e event.Attempted) {
	line := fmt.Sprintf("  %-10s %s: %s", "mend", clean(e.What), e.Outcome)
	if e.Outcome == event.Likely {
		line = fmt.Sprintf("  %-10s %d. would be tried: %s (%s)", "mend", e.Number, clean(e.What), e.From)
	}
	if e.Why != "" {
		line += ", " + clean(e.Why)
	}
	if e.Outcome != event.Helped && e.Outcome != event.Likely {
		t.info("%s", line)
		return
	}
	t.line("%s", line)
	for text := range strings.Lines(e.Diff) {
		t.line("    %s", clean(strings.TrimSuffix(text, "\n")))
	}
}

func ablated(e event.Ablated) string {
	switch {
	case e.Needed && e.Why != "":
		return fmt.Sprintf("needed: without it %s is red: %s", e.Step, e.Why)
	case e.Needed:
		return fmt.Sprintf("needed: without it %s is red", e.Step)
	case e.Why != "":
		return "not needed here: " + e.Why
	case e.Differs == 1:
		return "green without it, but 1 installed file is another one then"
	case e.Differs > 0:
		return fmt.Sprintf("green without it, but %d installed files are others then", e.Differs)
	}
	return "not needed here: green without it, and the same files are installed"
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
	show("%s%s", prefix, clean(e.Text))
	if e.Hint != "" {
		show("  %s", clean(e.Hint))
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
	t.line("%s %s%s", t.paint(red, "cause:"), t.paint(bold, clean(where)), clean(e.Cause))
	for i, line := range e.Excerpt {
		mark := "|" // so that no line of a log stands alone, and means something to whoever reads this
		if i == e.At {
			mark = t.paint(red, ">")
		}
		t.line("  %s %s", mark, cut(clean(line), 160))
	}
	for i, r := range e.Remedy {
		label := "remedy:"
		if i > 0 {
			label = "    or:"
		}
		t.line("%s %s", label, clean(r))
	}
	t.line("   log: %s, line %d (signature %s)", e.Log, e.LogLine, e.Signature)
}

func (t *Text) ended(e event.Ended) {
	t.wipe()
	for _, line := range e.Detail {
		t.write(t.Err, "  | "+cut(clean(line), 500)+"\n")
	}
	if e.Log != "" {
		t.write(t.Err, "log: "+clean(e.Log)+"\n")
	}
	outcome := string(e.Outcome)
	if t.OutColor {
		outcome = painted(e.Outcome)
	}
	t.write(t.Out, outcome+": "+clean(e.Text)+"\n")
	if e.Hint != "" {
		t.write(t.Err, "try: "+clean(e.Hint)+"\n")
	}
}

// Close takes the live line away and returns the first error of writing. What
// is sent later is dropped.
func (t *Text) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wipe()
	t.closed = true
	return t.err
}

// clean makes a text fit for a terminal: names of files and texts of recipes
// come from strangers.
func clean(text string) string { return buildlog.Clean(strings.ReplaceAll(text, "\n", " ")) }

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
	if !t.Color {
		return string(o)
	}
	return painted(o)
}

// painted is an outcome in its colour.
func painted(o event.Outcome) string {
	color := map[event.Outcome]string{event.Green: green, event.Red: red, event.Failed: red, event.Interrupted: yellow}[o]
	if color == "" {
		return string(o)
	}
	return "\x1b[" + color + "m" + string(o) + "\x1b[0m"
}
