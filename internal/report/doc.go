// Package report renders the stream of events: as text for people, as JSON
// lines for programs. What is told of a log, of a check, of a patch, and of a receipt has
// forms of its own.
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
//
// A [Verification] is a sink too. It keeps what a verification tells, and when that has ended
// writes it in any of [VerificationForms]. What JSON has written can be read back, and the
// shards of one plan be merged:
//
//	one, err := report.ReadVerification(file)
//	all, err := report.Merge([]*report.Verification{one, two})
//	err = report.VerificationForms["html"](os.Stdout, all)
//
// No form trusts what it is told: texts of logs and recipes may hold what a terminal, a
// browser, a shell of CI or a reader of XML would obey, and each form writes them so that
// they are only shown.
package report
