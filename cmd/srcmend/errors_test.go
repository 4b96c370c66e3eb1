package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"srcmend/internal/build"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/history"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/work"
	"srcmend/internal/yamlfile"
)

// TestExit holds every kind of error against the exit status that the help
// promises, and against a hint where there is something to try.
func TestExit(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		err    error
		status int
		hint   string // in what is written; "" for nothing to try
	}{
		{"none", t.Context(), nil, exitGreen, ""},
		{"red", t.Context(), errRed, exitRed, ""},
		{"reported", t.Context(), errReported, exitFailed, ""},
		{"red although interrupted", done, errRed, exitRed, ""},
		{"interrupted", done, context.Canceled, exitInterrupted, ""},
		{"usage", t.Context(), &usageError{"no such flag", "srcmend --help"}, exitUsage, "try: srcmend --help"},
		{"package", t.Context(), &recipe.UnknownPackage{Want: "helo", Known: []string{"hello"}}, exitUsage, `did you mean "hello"?`},
		{"release", t.Context(), &recipe.UnknownRelease{Package: "hello", Want: "9", Near: []string{"2.12"}}, exitUsage, "2.12"},
		{"mistakes", t.Context(), yamlfile.Mistakes{{Pos: yamlfile.Pos{File: "a.yaml", Line: 3}, Text: "bad"}}, exitUsage, "a.yaml:3: bad"},
		{"arguments", t.Context(), fmt.Errorf("%w: no", plan.ErrArguments), exitUsage, ""},
		{"attempt", t.Context(), fmt.Errorf("%w: 7", history.ErrUnknown), exitUsage, ""},
		{"no source", t.Context(), &fetch.NoSourceError{Name: "a.tar.gz", Hint: "get it by hand"}, exitFailed, "try: get it by hand"},
		{"full disk", t.Context(), fmt.Errorf("writing: %w", syscall.ENOSPC), exitFailed, "make room"},
		{"quota", t.Context(), fmt.Errorf("writing: %w", syscall.EDQUOT), exitFailed, "make room"},
		{"permission", t.Context(), &fs.PathError{Op: "mkdir", Path: "/x", Err: syscall.EACCES}, exitFailed, "run as a user who may"},
		{"foreign folder", t.Context(), &work.ForeignError{Dir: "/src/hello"}, exitFailed, "move /src/hello away"},
		{"lost", t.Context(), build.ErrLost, exitFailed, "fewer --jobs"},
		{"any other", t.Context(), errors.New("odd"), exitFailed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			a := &app{out: &out, err: &errs}
			if got := a.exit(test.ctx, test.err); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			if out.Len() > 0 {
				t.Errorf("an error is on the standard output: %s", out.String())
			}
			if !strings.Contains(errs.String(), test.hint) || test.hint == "" && strings.Contains(errs.String(), "try:") {
				t.Errorf("written is\n%swant %q in it", errs.String(), test.hint)
			}
		})
	}
}

func TestFailedHasItsLinesApart(t *testing.T) {
	e := failed(errors.New("first line\nsecond\nthird"))
	if e.Outcome != event.Failed || e.Text != "first line" || len(e.Detail) != 2 {
		t.Errorf("event is %+v", e)
	}
}
