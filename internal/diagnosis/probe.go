package diagnosis

import (
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/signature"
)

// A trait is something that lines may have: one of some words, and the form.
type trait struct {
	words []string // one of which each such line has
	form  *regexp.Regexp
}

// of reports whether a line has it.
func (t trait) of(line string) bool {
	return slices.ContainsFunc(t.words, func(word string) bool { return strings.Contains(line, word) }) && t.form.MatchString(line)
}

var (
	// The traces of what configure and its like make to try something out: that it does not
	// compile is an answer. They stand in their logs, beside the error.
	probed = trait{
		[]string{"conftest", "configure:", "cmTC_", "CMakeTmp", "CMakeScratch", "TryCompile", "/testfile.c"},
		regexp.MustCompile(`\bconftest\b|^configure:\d+: (?:\$\? =|checking|result:|.*>&)|\bcmTC_[0-9a-f]+\b|CMakeTmp|CMakeScratch|TryCompile|/tmp\w+/testfile\.c`),
	}
	// How make says that a command has failed and that it does not matter, in some languages.
	ignored = trait{[]string{")", "）"}, regexp.MustCompile(`(?:\] \S+ \d+|^\*\*\* .*[Ee]rror code \d+) ?[(（].*[)）]\s*$`)}
	// A line of a test's output as ctest -V gives it, with the number of the test; ctest says
	// itself which of them failed.
	tested = trait{[]string{": "}, regexp.MustCompile(`^\d+: `)}
	// How automake's test driver ends the output of a test that did as it should.
	passed = trait{[]string{"(exit status"}, regexp.MustCompile(`^(?:PASS|XFAIL|SKIP):? \S+ \(exit status`)}
	// What stands above the lines that differ, as a test shows them by diff.
	differ = trait{[]string{"@@ -", "--- ", "+++ "}, regexp.MustCompile(`^(?:@@ -\d|--- \S|\+\+\+ \S)`)}
	// What configure itself calls an error, which is no probe.
	ownError = trait{[]string{"error: "}, regexp.MustCompile(`^(?:checking .*\.\.\. )?(?:\S*/)?configure(?::\d+)?: error: `)}
)

// isProbe reports whether a match is about a probe, of a test that passed, or of a command
// that make was told may fail.
func isProbe(m signature.Match) bool {
	switch {
	case ownError.of(m.Text):
		return false
	case isDifference(m), ignored.of(m.Text), slices.ContainsFunc(m.After, ignored.of), tested.of(m.Text), slices.ContainsFunc(m.After, passed.of):
		return true
	case slices.ContainsFunc(m.After, isAnswer) && (isQuestion(m.Text) || slices.ContainsFunc(m.Before, isQuestion)):
		return true
	}
	return probed.of(m.File) || probed.of(m.Text) || slices.ContainsFunc(m.Before, probed.of) || slices.ContainsFunc(m.After, probed.of)
}

// isDifference reports whether a match is in the output of diff, and so is what somebody should have
// said, or has said to a test.
func isDifference(m signature.Match) bool {
	if !strings.HasPrefix(m.Text, "-") && !strings.HasPrefix(m.Text, "+") {
		return false
	}
	for _, line := range slices.Backward(m.Before) {
		if differ.of(line) {
			return true
		}
		if line == "" || !strings.Contains("+- ", line[:1]) {
			return false
		}
	}
	return false
}

// isQuestion reports whether configure says in a line what it tries.
func isQuestion(line string) bool { return strings.HasPrefix(line, "checking ") }

// isAnswer reports whether a line is configure's answer to what it has tried.
func isAnswer(line string) bool {
	return slices.Contains([]string{"yes", "no", "none", "none needed", "not found", "unknown"}, strings.TrimSpace(line))
}
