package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"srcmend/internal/event"
)

// all is one of each event.
var all = []event.Event{
	event.Planned{},
	event.StepStarted{},
	event.StepEnded{},
	event.SourceTried{},
	event.Progress{},
	event.Output{},
	event.Patched{},
	event.Finding{},
	event.Note{},
	event.Ended{},
	event.Matrix{},
	event.CellEnded{},
	event.Problem{},
	event.Verified{},
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range all {
		if e.Name() == "" || seen[e.Name()] {
			t.Errorf("%T has the name %q, which is not its own", e, e.Name())
		}
		seen[e.Name()] = true
	}
}

// TestJSONForm pins the names of the fields that readers rely on.
func TestJSONForm(t *testing.T) {
	for _, test := range []struct {
		event event.Event
		want  string
	}{
		{event.StepEnded{Step: "make", Outcome: event.Red, Why: "exit status 2", Seconds: 1.5, CPU: 2}, `{"step":"make","outcome":"red","why":"exit status 2","seconds":1.5,"cpu_seconds":2}`},
		{event.Warning("careful", "look"), `{"level":"warning","text":"careful","hint":"look"}`},
		{event.Note{Text: "x"}, `{"text":"x"}`},
		{event.Progress{Step: "fetch", Done: 1, Total: 2}, `{"step":"fetch","done":1,"total":2}`},
		{event.SourceTried{File: "f", Source: "s", Outcome: event.Green}, `{"file":"f","source":"s","outcome":"green"}`},
	} {
		got, err := json.Marshal(test.event)
		if err != nil || string(got) != test.want {
			t.Errorf("%T is %s, %v; want %s", test.event, got, err, test.want)
		}
	}
	for _, e := range all {
		text, err := json.Marshal(e)
		if err != nil || strings.ContainsAny(string(text[2:3]), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") || strings.Contains(string(text), `"Step"`) {
			t.Errorf("%T is %s, %v", e, text, err)
		}
	}
}

func TestNilSink(t *testing.T) {
	var none event.Sink
	none.Send(event.Note{Text: "nobody listens"}) // must not panic
}

func ExampleSink() {
	var events event.Sink = func(e event.Event) { fmt.Println(e.Name()) }
	events.Send(event.Note{Text: "reading the recipe"})
	// Output: note
}
