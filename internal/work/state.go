package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"srcmend/internal/build"
	"srcmend/internal/history"
	"srcmend/internal/plan"
	"srcmend/internal/platform"
)

// state is what state.json holds: how far the plan has come.
type state struct {
	Plan    string               `json:"plan"`              // hash
	Boot    string               `json:"boot"`              // of the machine, when this was written
	Done    []string             `json:"done"`              // steps
	Running string               `json:"running,omitempty"` // the step under way
	Epoch   int64                `json:"epoch,omitempty"`   // the newest file of the release, Unix time
	Fixes   []history.ReceiptFix `json:"fixes,omitempty"`   // that have a patch
}

func (w *Work) path(name ...string) string {
	return filepath.Join(append([]string{w.Dir}, name...)...)
}

func (s *state) done(step string) bool { return slices.Contains(s.Done, step) }

// save writes the state; from then on it is what a later run finds.
func (w *Work) save() error {
	w.state.Boot = platform.BootID()
	text, err := json.MarshalIndent(w.state, "", "  ")
	if err != nil {
		return err
	}
	return renameio.WriteFile(w.path("state.json"), append(text, '\n'), 0o644)
}

// load finds out how far an earlier run came, and makes the work folder fit
// for going on from there. The text says what was found, for people.
func (w *Work) load() (note string, err error) {
	fresh := &state{Plan: w.Plan.Hash()}
	text, err := os.ReadFile(w.path("state.json"))
	if err == nil {
		old := new(state)
		if json.Unmarshal(text, old) == nil {
			note = w.resume(old)
		} else {
			note = "the work folder's state can't be read; starting anew"
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if w.state == nil {
		w.state = fresh
		if err := os.RemoveAll(w.Dir); err != nil {
			return "", fmt.Errorf("emptying the work folder: %w", err)
		}
	}
	for _, dir := range []string{"tmp", "status"} {
		if err := os.MkdirAll(w.path(dir), 0o755); err != nil {
			return "", fmt.Errorf("making the work folder: %w", err)
		}
	}
	return note, w.save()
}

// resume takes an earlier run's state over when its tree can be trusted.
func (w *Work) resume(old *state) (note string) {
	switch {
	case old.Plan != w.Plan.Hash():
		return "the plan has changed since the last run; starting anew"
	case !old.done(plan.Unpack) || old.Running == plan.Apply:
		return ""
	case old.Boot != platform.BootID():
		return "the machine was started anew since the last run, so files may not have reached the disk; starting anew"
	case old.Running != "" && !w.trusted(old.Running):
		return fmt.Sprintf("the last run was killed during %s, so files may be half written; starting anew", old.Running)
	}
	w.state = old
	if old.Running == "" {
		return "going on where the last run stopped"
	}
	return fmt.Sprintf("going on with %s, where the last run stopped", old.Running)
}

// trusted reports whether the step that an earlier run died in left a tree
// that can be worked on.
func (w *Work) trusted(step string) bool {
	statuses, err := filepath.Glob(w.path("status", step+"-*.json"))
	if err != nil || len(statuses) == 0 {
		return false
	}
	for _, file := range statuses {
		r, err := build.ReadStatus(file)
		if err != nil || r.Ended == build.Killed || r.Signal == "killed" {
			return false
		}
		if step == plan.Configure && r.Ended != "" {
			return false // configure has no notion of being continued
		}
	}
	return true
}
