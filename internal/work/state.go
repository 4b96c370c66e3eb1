package work

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

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
	Command int                  `json:"command,omitempty"` // which of its commands, from 0
	Epoch   int64                `json:"epoch,omitempty"`   // the newest file of the release, Unix time
	Fixes   []history.ReceiptFix `json:"fixes,omitempty"`   // that have a patch
}

func (w *Work) path(name ...string) string {
	return filepath.Join(append([]string{w.Dir}, name...)...)
}

func (s *state) done(step string) bool { return slices.Contains(s.Done, step) }

// save writes the state; from then on it is what a later run finds.
func (w *Work) save() error {
	if w.Trial {
		return nil
	}
	w.state.Boot = platform.BootID()
	text, err := json.MarshalIndent(w.state, "", "  ")
	if err != nil {
		return err
	}
	return build.Replace(w.path("state.json"), append(text, '\n')) // see resume
}

// load finds out how far an earlier run came, and makes the work folder fit
// for going on from there. The text says what was found, for people.
func (w *Work) load() (note string, err error) {
	if w.Trial {
		if err := RemoveAll(w.Dir); err != nil { // of one that was killed
			return "", err
		}
	}
	text, err := os.ReadFile(w.path("state.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if inside, err := os.ReadDir(w.Dir); err == nil && len(inside) > 0 {
			return "", &ForeignError{w.Dir}
		}
	case err != nil:
		return "", err
	default:
		if note, err = w.take(text); err != nil {
			return "", err
		}
	}
	if w.state == nil {
		w.state = &state{Plan: w.Plan.Hash()}
	}
	if err := os.MkdirAll(w.Dir, 0o755); err != nil {
		return "", fmt.Errorf("making the work folder: %w", err)
	}
	if err := w.save(); err != nil { // first of all: it tells that the folder is ours
		return "", err
	}
	for _, dir := range []string{"tmp", "status"} {
		if err := os.MkdirAll(w.path(dir), 0o755); err != nil {
			return "", fmt.Errorf("making the work folder: %w", err)
		}
	}
	return note, nil
}

// ForeignError says that the work folder holds something that srcmend did not
// put there.
type ForeignError struct{ Dir string }

func (e *ForeignError) Error() string {
	return e.Dir + " is not empty, and srcmend did not make it"
}

// take goes on with an earlier run's state, or puts its folder out of the way.
// A tree that was left for another plan is kept aside: somebody may have
// worked in it.
func (w *Work) take(text []byte) (note string, err error) {
	old := new(state)
	if json.Unmarshal(text, old) != nil {
		return "the work folder's state can't be read; starting anew", w.discard()
	}
	note = w.resume(old)
	switch {
	case w.state != nil:
		return note, nil
	case old.Plan != w.Plan.Hash() && old.done(plan.Unpack):
		aside := w.Dir + ".old"
		if err := RemoveAll(aside); err != nil {
			return "", err
		}
		return note + "; the old tree is now in " + aside, os.Rename(w.Dir, aside)
	}
	return note, w.discard()
}

// discard removes the work folder. It is renamed first: one that is half
// removed must not be taken for a whole one.
func (w *Work) discard() error {
	gone := w.Dir + ".gone"
	if err := RemoveAll(gone); err != nil {
		return fmt.Errorf("emptying the work folder: %w", err)
	}
	if err := os.Rename(w.Dir, gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("emptying the work folder: %w", err)
	}
	if err := RemoveAll(gone); err != nil {
		return fmt.Errorf("emptying the work folder: %w", err)
	}
	return nil
}

// RemoveAll is os.RemoveAll that gets along with folders which a build made
// read-only.
func RemoveAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	return os.RemoveAll(dir)
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
	case old.Running != "" && !w.trusted(old.Running, old.Command):
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
func (w *Work) trusted(step string, command int) bool {
	r, err := build.ReadStatus(w.status(step, command))
	if err != nil || r.Ended == build.Killed || r.Signal == "killed" {
		return false
	}
	return step != plan.Configure || r.Ended == "" // configure has no notion of being continued
}

// status is where it is written how a command ended, "" where nobody will want to know.
func (w *Work) status(step string, command int) string {
	if w.Trial {
		return ""
	}
	return w.path("status", fmt.Sprintf("%s-%d.json", step, command))
}
