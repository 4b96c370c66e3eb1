package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// gnuPatch is the release whose suite is run.
var gnuPatch = peer{
	debian: "patch", file: "patch_2.7.6.orig.tar.xz",
	sum:   "ac610bda97abe0d9f6b7c963255a11dcb196c25e337c61f94e4778d632f1d8fd",
	quick: true,
}

// TestGNUPatchSuite runs GNU patch's own suite with "srcmend patch" behind a
// front end that takes patch(1)'s arguments.
//
// A check of the suite runs a command and compares what it writes. Those that
// run patch(1) itself compare its messages, and ours are others; so they are
// run, and only the checks that look at files afterwards count. A check that
// fails with this machine's patch(1) counts neither.
func TestGNUPatchSuite(t *testing.T) {
	s := gnuSuite{
		tests: filepath.Join(gnuPatch.source(t), "tests"), shell: program(t, "bash"), work: t.TempDir(),
		theirs: program(t, "patch"), ours: filepath.Join(t.TempDir(), "patch"), srcmend: program(t, "srcmend"),
	}
	standIn(t, "front.sh", s.ours)
	var findings []finding
	ran, messages, broken := 0, 0, 0
	for _, file := range s.files(t) {
		want, got := s.run(t, file, s.theirs), s.run(t, file, s.ours)
		ran += len(want)
		for _, c := range want {
			switch {
			case !c.looksAtFiles():
				messages++
			case !c.good:
				broken++
			default:
				findings = append(findings, c.against(got))
			}
		}
	}
	if len(findings) < 100 {
		t.Fatalf("only %d checks that look at files were found: the suite was not read right", len(findings))
	}
	t.Logf("%d checks; left out: %d that compare patch(1)'s messages or prepare others, %d that fail with patch(1) here", ran, messages, broken)
	settle(t, "gnupatch.txt", findings)
}

// A gnuSuite is the suite and the two programs to run it with.
type gnuSuite struct {
	tests, shell, work    string
	theirs, ours, srcmend string
}

// files lists the suite's scripts.
func (s gnuSuite) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(s.tests)
	need(t, err)
	var files []string
	for _, e := range entries {
		if e.Name() != "test-lib.sh" && !strings.HasPrefix(e.Name(), "Makefile") {
			files = append(files, e.Name())
		}
	}
	return files
}

// run runs one script with a program in the place of patch(1).
func (s gnuSuite) run(t *testing.T, file, patch string) []gnuCheck {
	t.Helper()
	need(t, os.MkdirAll(filepath.Join(s.work, "tests"), 0o755))
	out := runScript(t, filepath.Join(s.work, "output"), []string{s.shell, file}, s.tests,
		"srcdir="+s.tests, "abs_top_builddir="+s.work, "PATCH="+patch, "SRCMEND="+s.srcmend)
	return readGNUChecks(file, out)
}

// A gnuCheck is a check of the suite, and how it went.
type gnuCheck struct {
	file    string
	line    int
	command string
	good    bool
	details string // what was written and what should have been
}

// gnuLine matches what the suite writes for a check: the line of its script, the
// command, how it went. The command may have written something in between.
var gnuLine = regexp.MustCompile(`(?m)^\[(\d+)\] (.*) -- (ok|FAILED)$`)

// readGNUChecks reads the output of a script.
func readGNUChecks(file, out string) []gnuCheck {
	var checks []gnuCheck
	places := gnuLine.FindAllStringSubmatchIndex(out, -1)
	for i, p := range places {
		end := len(out)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		line, _ := strconv.Atoi(out[p[2]:p[3]])
		checks = append(checks, gnuCheck{
			file: file, line: line, command: out[p[4]:p[5]],
			good: out[p[6]:p[7]] == "ok", details: strings.TrimSpace(out[p[1]:end]),
		})
	}
	return checks
}

var (
	// callsPatch matches a command that runs patch(1). x is what the script
	// about merging calls its function that does.
	callsPatch = regexp.MustCompile(`\bpatch |^x `)
	// asksForFiles matches a command that reads what is there.
	asksForFiles = regexp.MustCompile(`\b(cat|ls|test)\b`)
)

// looksAtFiles reports whether the check is about files and not about messages.
func (c gnuCheck) looksAtFiles() bool {
	return asksForFiles.MatchString(c.command) && !callsPatch.MatchString(c.command)
}

// against finds out how the check went in another run. One that it did not get to
// went wrong.
func (c gnuCheck) against(other []gnuCheck) finding {
	f := finding{name: c.file + ":" + strconv.Itoa(c.line)}
	i := slices.IndexFunc(other, func(o gnuCheck) bool { return o.line == c.line && o.command == c.command })
	if i < 0 {
		f.what = c.command + ": the script did not get so far"
		return f
	}
	f.good = other[i].good
	f.what = c.command + "\n" + other[i].details
	return f
}
