// Package report renders the stream of events: as text for people, as JSON
// lines for programs.
//
// A renderer is a sink. It gets every event in the order it happened and
// writes what its readers need, and nothing reads its output back:
//
//	text := &report.Text{Out: os.Stdout, Err: os.Stderr}
//	text.Send(event.Note{Text: "reading the recipe"})
//	text.Send(event.Ended{Outcome: event.Green, Text: "installed"})
//
// Text writes the result to Out and everything that leads to it to Err. On a
// terminal the last line is a live one: the step, its time, what the build
// printed last. Elsewhere there are plain lines, and one every now and then
// during a long step, so that a silent CI job is not taken for dead. What
// comes from a log was cleaned of escape sequences before it became an event.
package report
