package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"srcmend/internal/build"
	"srcmend/internal/buildlog"
	"srcmend/internal/distfile"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/history"
	"srcmend/internal/patch"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/relay"
	"srcmend/internal/series"
	"srcmend/internal/tree"
	"srcmend/internal/work"
	"srcmend/internal/yamlfile"
)

// Exit statuses, the same for all verbs.
const (
	exitGreen       = 0
	exitFailed      = 1
	exitUsage       = 2
	exitRed         = 3
	exitNeeded      = 4
	exitInterrupted = 130
)

// usageError is a mistake in how srcmend was called.
type usageError struct{ text, try string }

func (e *usageError) Error() string { return e.text }

// reportError says that a result could not be written.
type reportError struct {
	err  error
	done bool // something was changed
}

func (e *reportError) Error() string {
	if e.done {
		return "what was done could not be reported, but it was done: " + e.err.Error()
	}
	return "the result could not be written: " + e.err.Error()
}

func (e *reportError) Unwrap() error { return e.err }

// refreshError says that a patch could not be written anew.
type refreshError struct{ err error }

func (e *refreshError) Error() string {
	return "the tree was changed, but the patch was not written anew: " + e.err.Error()
}

func (e *refreshError) Unwrap() error { return e.err }

// errRed says that the verb's result is red, and has been reported.
var errRed = errors.New("red")

// errNeeded says that a fix is needed, and that this has been reported.
var errNeeded = errors.New("needed")

// errReported says that srcmend failed, and that this has been reported.
var errReported = errors.New("failed")

// exit reports err, unless that was done, and returns the exit status.
func (a *app) exit(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitGreen
	case errors.As(err, new(exitStatus)):
		code, _ := errors.AsType[exitStatus](err)
		return int(code)
	case errors.Is(err, errInterrupted):
		relay.Die(syscall.SIGINT)
	case errors.As(err, new(*reportError)): // goes before what could not be reported
	case errors.Is(err, errRed):
		return exitRed
	case errors.Is(err, errNeeded):
		return exitNeeded
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.Is(err, errReported):
		return exitFailed
	}
	status := exitFailed
	if badInput(err) {
		status = exitUsage
	}
	a.show(err, status)
	return status
}

// badInput reports whether it is the user's words or files that are wrong.
func badInput(err error) bool {
	var (
		usage    *usageError
		pkg      *recipe.UnknownPackage
		release  *recipe.UnknownRelease
		mistakes yamlfile.Mistakes
	)
	return errors.As(err, &usage) || errors.As(err, &pkg) || errors.As(err, &release) ||
		errors.As(err, &mistakes) || errors.Is(err, history.ErrUnknown) || errors.Is(err, plan.ErrArguments) ||
		errors.Is(err, patch.ErrFormat) || errors.Is(err, patch.ErrOptions) || errors.Is(err, tree.ErrRefused) ||
		errors.Is(err, series.ErrFormat) || errors.Is(err, series.ErrStack) || errors.Is(err, series.ErrUnknown) ||
		errors.Is(err, series.ErrBase)
}

// show writes an error for people or for programs.
func (a *app) show(err error, status int) {
	var mistakes yamlfile.Mistakes
	errors.As(err, &mistakes)
	if a.json {
		if json.NewEncoder(a.out).Encode(map[string]any{
			"event": "error", "text": err.Error(), "hint": hint(err), "exit": status, "mistakes": mistakes,
		}) == nil {
			return
		} // otherwise it has to be said elsewhere
	}
	if mistakes != nil {
		for _, m := range mistakes {
			fmt.Fprint(a.err, m.Show())
		}
		fmt.Fprintf(a.err, "srcmend: %s\n", count(len(mistakes), "mistake"))
		return
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			line = "srcmend: " + line
		}
		fmt.Fprintln(a.err, buildlog.Clean(line))
	}
	if h := hint(err); h != "" {
		fmt.Fprintf(a.err, "try: %s\n", buildlog.Clean(h))
	}
}

// failed is an error as the end of a stream of events.
func failed(err error) event.Ended {
	text, rest, more := strings.Cut(err.Error(), "\n")
	e := event.Ended{Outcome: event.Failed, Text: text, Hint: hint(err)}
	if more {
		e.Detail = strings.Split(rest, "\n")
	}
	return e
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// hint says what to try after an error, "" when there is nothing to say.
func hint(err error) string {
	var usage *usageError
	var noSource *fetch.NoSourceError
	var foreign *work.ForeignError
	var pathErr *fs.PathError
	switch {
	case errors.As(err, &usage):
		return usage.try
	case errors.As(err, new(*refreshError)):
		return "take it out with -R, see to what is in the way, and run the same command again"
	case errors.As(err, &foreign):
		return "give --work-dir a folder of its own, or move " + foreign.Dir + " away"
	case errors.Is(err, tree.ErrChanged):
		return "run the same command again; somebody else has worked in the tree meanwhile"
	case errors.As(err, &noSource):
		return noSource.Hint
	case errors.As(err, new(*reportError)):
		return ""
	case distfile.NoRoom(err):
		return "make room (df -h shows where), then run the same command again: it goes on where it stopped"
	case errors.Is(err, fs.ErrPermission) && errors.As(err, &pathErr):
		return "run as a user who may do that, or choose another folder (--prefix, --work-dir, XDG_CACHE_HOME, XDG_STATE_HOME)"
	case errors.Is(err, build.ErrLost):
		return "run the same command again; if it was killed for want of memory, with fewer --jobs"
	}
	return ""
}
