package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"srcmend/internal/build"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/jobserver"
	"srcmend/internal/plan"
	"srcmend/internal/work"
)

// An Action is one build, as a value: everything that can change what becomes of it.
type Action struct {
	Key       string // identity of the rest, hex
	Plan      plan.Plan
	Files     map[string][]byte // texts of the patches that lie beside the recipes, by their names
	Tests     bool              // the package's own tests are run as well
	Toolchain string            // see [platform.Platform.Toolchain]
}

// An Engine carries out builds. A build that is red is a value; an error means that it is not
// known what would become of it: the disk is full, the time is up.
type Engine interface {
	// Build carries out an action, and leaves the logs that the result names in a folder. It
	// may be called by several goroutines, and for the same action by several processes.
	Build(ctx context.Context, a Action, logs string) (Made, error)
}

// Local builds on this machine, each action in a folder of its own that is gone afterwards.
type Local struct {
	Dir        string            // for the folders
	Supervisor *build.Supervisor // runs the commands
	Fetcher    *fetch.Fetcher
	Path       string   // PATH of the commands
	Env        []string // that helps compilers, and changes nothing of what they make
	Make       string   // path of GNU make
	MakeName   string
	Jobs       *jobserver.Server
	Time       time.Duration // for the commands of one build; an hour if it is 0
	// Events gets what the builds say, as long as they go on.
	Events event.Sink
}

// Build implements [Engine].
func (l *Local) Build(ctx context.Context, a Action, logs string) (Made, error) {
	w := &work.Work{
		Supervisor: l.Supervisor, Plan: a.Plan, Dir: filepath.Join(l.Dir, a.Key[:32]), Logs: logs, Path: l.Path, Env: l.Env, Make: l.Make, MakeName: l.MakeName,
		Jobserver: l.Jobs, Fetcher: l.Fetcher, Check: work.CheckNever, Trial: true, Time: cmp.Or(l.Time, time.Hour),
		File: func(name string) ([]byte, error) {
			if text, ok := a.Files[name]; ok {
				return text, nil
			}
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		},
	}
	if a.Tests {
		w.Check = work.CheckAlways
	}
	m := Made{Outcome: event.Green}
	w.Events = func(e event.Event) {
		if ended, ok := e.(event.StepEnded); ok {
			m.CPU += ended.CPU
		}
	}
	started := time.Now()
	res, err := w.Run(ctx)
	m.Seconds, m.Logs, m.Receipt = time.Since(started).Seconds(), res.Logs, res.Made
	switch {
	case errors.Is(err, work.ErrTime):
		return m, fmt.Errorf("%w (--time gives them more)", err)
	case err != nil:
		return m, err
	case res.Red != nil:
		m.Outcome, m.Step, m.Text, m.Hint = event.Red, res.Step, res.Red.Text, res.Red.Hint
	}
	return m, nil
}

// Clean removes what killed runs have left in the folder of the builds.
func (l *Local) Clean() error {
	entries, err := os.ReadDir(l.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	dirs := map[string]bool{}
	for _, e := range entries {
		dirs[filepath.Join(l.Dir, strings.TrimSuffix(e.Name(), ".lock"))] = true
	}
	for dir := range dirs {
		lock, err := work.Lock(dir + ".lock")
		if errors.Is(err, work.ErrLocked) {
			continue // somebody is at work, or what somebody has started
		}
		if err == nil {
			err = errors.Join(work.RemoveAll(dir), os.Remove(dir+".lock"), lock.Close())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
