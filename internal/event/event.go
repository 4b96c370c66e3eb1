// Package event is the one stream of what happened.
//
// Everything srcmend has to tell is an [Event]: a small value with a name.
// The packages that do the work send events to a [Sink]; what a person, a
// script or a CI system sees is a rendering of that stream, made by package
// report. Nothing else prints.
//
// An event tells what was observed. It is not a control signal: a sink cannot
// answer, and work goes on the same with no sink at all.
//
//	var events event.Sink = func(e event.Event) { fmt.Println(e.Name()) }
//	events.Send(event.Note{Text: "reading the recipe"})
//
// The JSON forms of the events are an interface: a field may be added, but
// never renamed or given another meaning without raising [Version].
package event

// Version is the version of the JSON forms of all events.
const Version = 1

// An Event is one observation. The types in this package are all there are.
type Event interface {
	// Name is the event's type in the JSON stream, "step.ended" for example.
	Name() string
}

// A Sink takes events in the order they happened. It is called by several
// goroutines at once, so it locks what it shares. The nil Sink drops them.
type Sink func(Event)

// Send gives e to the sink, if there is one.
func (s Sink) Send(e Event) {
	if s != nil {
		s(e)
	}
}

// An Outcome says how a step, or everything, ended.
type Outcome string

// The outcomes. A red build is a result: something upstream or in the recipe
// did not work. Failed means that srcmend itself could not find out.
const (
	Green       Outcome = "green"
	Red         Outcome = "red"
	Failed      Outcome = "failed"
	Skipped     Outcome = "skipped" // nothing to do, or done by an earlier run
	Interrupted Outcome = "interrupted"
)

// Planned says what is about to be carried out.
type Planned struct {
	Package string   `json:"package"`
	Release string   `json:"release"`
	Plan    string   `json:"plan"` // the plan's hash, hex
	Prefix  string   `json:"prefix"`
	Steps   []string `json:"steps"`             // their names, in order
	Work    string   `json:"work,omitempty"`    // the work folder
	Attempt int      `json:"attempt,omitempty"` // number in the history; 0 when none is kept
}

// StepStarted opens a step of the plan.
type StepStarted struct {
	Step string `json:"step"`           // "configure"
	What string `json:"what,omitempty"` // the command line or the file, for people
	Log  string `json:"log,omitempty"`  // where its output is being written
}

// StepEnded closes the step that was started last.
type StepEnded struct {
	Step    string  `json:"step"`
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"`     // "done by an earlier run", "exit status 2"
	Seconds float64 `json:"seconds,omitempty"` // wall-clock time
	CPU     float64 `json:"cpu_seconds,omitempty"`
}

// SourceTried says what one source of a distfile answered.
type SourceTried struct {
	File    string  `json:"file"`   // the distfile's name
	Source  string  `json:"source"` // its URL, without secrets
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"`
}

// Progress is how far a long piece of work has come. It may be dropped at
// will: nothing else depends on it.
type Progress struct {
	Step  string `json:"step"`
	What  string `json:"what,omitempty"`
	Done  int64  `json:"done"`            // bytes
	Total int64  `json:"total,omitempty"` // bytes; 0 when unknown
}

// Output is the newest line a running command wrote, cleaned for a terminal.
// Only the line that happens to be last when somebody looks is sent; the
// whole output is in the step's log.
type Output struct {
	Step string `json:"step"`
	Line string `json:"line"`
}

// Patched is what became of one fix of the plan.
type Patched struct {
	Fix     string   `json:"fix"`
	Verdict string   `json:"verdict"` // needed, present, …
	Applied bool     `json:"applied"`
	Files   []string `json:"files,omitempty"`
	Hunks   int      `json:"hunks,omitempty"`
	Offset  int      `json:"offset,omitempty"` // the largest, in lines
	Why     string   `json:"why,omitempty"`
}

// Finding is a known error recognised in a build's output.
type Finding struct {
	Signature string   `json:"signature"`
	Log       string   `json:"log,omitempty"`
	LogLine   int      `json:"log_line"` // 1-based
	File      string   `json:"file,omitempty"`
	Line      int      `json:"line,omitempty"`
	Symbol    string   `json:"symbol,omitempty"`
	Excerpt   []string `json:"excerpt"`
	At        int      `json:"at"` // index of the matched line in Excerpt
	Cause     string   `json:"cause"`
	Remedy    []string `json:"remedy,omitempty"`
}

// Attempted is one attempt to cure a failure.
type Attempted struct {
	Number  int     `json:"number"`
	What    string  `json:"what"` // "include <signal.h> in src/stats.c"
	From    string  `json:"from"` // where the remedy is from: recipe, catalogue, synthesis
	Fix     string  `json:"fix,omitempty"`
	Outcome Helping `json:"outcome"`
	Why     string  `json:"why,omitempty"`
	Diff    string  `json:"diff,omitempty"` // what it changed, as a patch
	Log     string  `json:"log,omitempty"`  // of the proof
}

// Ablated says what became of a build without one of the fixes that it takes.
type Ablated struct {
	Fix     string `json:"fix"`
	Summary string `json:"summary,omitempty"`
	Needed  bool   `json:"needed"`
	Step    string `json:"step,omitempty"`    // that is red without it
	Why     string `json:"why,omitempty"`     // the cause of that, or why no build was needed to know
	Differs int    `json:"differs,omitempty"` // how many installed files are others without it
}

// Helping says what an attempt was good for.
type Helping string

// What an attempt can be good for.
const (
	Helped  Helping = "helped"
	NoHelp  Helping = "no help" // it is undone
	Further Helping = "further" // another error came up, which may have a remedy of its own
	Refused Helping = "refused" // it was not tried
	Likely  Helping = "likely"  // it would be tried
)

// Note is one sentence that fits nowhere else, and what the reader may do.
type Note struct {
	Level string `json:"level,omitempty"` // "" or "warning"
	Text  string `json:"text"`
	Hint  string `json:"hint,omitempty"`
}

// Warning makes a Note of level "warning".
func Warning(text, hint string) Note { return Note{Level: "warning", Text: text, Hint: hint} }

// Ended is the last event of a stream.
type Ended struct {
	Outcome Outcome  `json:"outcome"`
	Text    string   `json:"text"`             // one line for people
	Hint    string   `json:"hint,omitempty"`   // what to try next
	Detail  []string `json:"detail,omitempty"` // last lines of the log, or the error's parts
	Log     string   `json:"log,omitempty"`
	Receipt string   `json:"receipt,omitempty"` // path of the installed receipt
	Seconds float64  `json:"seconds"`
}

// Name implements [Event].
func (Planned) Name() string { return "planned" }

// Name implements [Event].
func (StepStarted) Name() string { return "step.started" }

// Name implements [Event].
func (StepEnded) Name() string { return "step.ended" }

// Name implements [Event].
func (SourceTried) Name() string { return "source.tried" }

// Name implements [Event].
func (Progress) Name() string { return "progress" }

// Name implements [Event].
func (Output) Name() string { return "output" }

// Name implements [Event].
func (Patched) Name() string { return "patched" }

// Name implements [Event].
func (Finding) Name() string { return "finding" }

// Name implements [Event].
func (Ablated) Name() string { return "ablated" }

// Name implements [Event].
func (Attempted) Name() string { return "attempted" }

// Name implements [Event].
func (Note) Name() string { return "note" }

// Name implements [Event].
func (Ended) Name() string { return "ended" }
