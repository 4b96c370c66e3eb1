package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// mend clears away what an edit of this tree has left that was cut short. Who makes
// it may be alive, and has the lock then; it is left alone.
func (t *Tree) mend() error {
	if there, err := t.leftovers(); !there {
		return err
	}
	if busy, err := t.tryLock(); busy || err != nil {
		return err
	}
	t.locks++
	defer t.unlock()
	return t.recover()
}

func (t *Tree) leftovers() (bool, error) {
	_, err := t.top.look(stageName)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// recover brings an edit that was cut short to its end, or takes it back. It is
// called with the lock held.
//
// The folder may be a forgery: it may have come with an archive that another
// program has unpacked, or with a commit. What can it do? Its names are checked
// as all others are, and each file is moved by open folders of this tree, so it
// can move files about in the tree it came with, which it could have brought in
// any other order as well. It cannot reach a git hook or anything outside. So it
// is believed: no mark could be put on the folder that a forger could not copy.
// What this package unpacks cannot bring such a folder, since CheckName refuses
// its name.
func (t *Tree) recover() error {
	if there, err := t.leftovers(); !there {
		return err
	}
	if t.lockless {
		return t.stuck(errors.New("whether the process that makes it is alive cannot be found out, since this file system has no locks"))
	}
	stage, err := t.top.open(stageName)
	if err != nil {
		return t.stuck(err)
	}
	defer stage.close()
	if err := t.settle(stage); err != nil {
		return t.stuck(err)
	}
	return nil
}

// stuck says what to do about leftovers that cannot be cleared away.
func (t *Tree) stuck(err error) error {
	return fmt.Errorf("a change of this tree was cut short, and it can neither be taken back nor completed: %w; "+
		"its files lie in %s: with the right to write there, try again; "+
		"otherwise move what you miss to its place (the journal says which it is), and remove that folder", err, filepath.Join(t.dir, stageName))
}

// settle does what the journal asks for. Without one, nothing has happened.
func (t *Tree) settle(stage folder) error {
	j, err := readJournal(stage, doneName)
	if err == nil {
		return t.finish(stage, j)
	}
	if errors.Is(err, fs.ErrNotExist) {
		j, err = readJournal(stage, journalName)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return t.sweep(stage)
	case err != nil:
		return err
	}
	r := &reversal{t: t, stage: stage, at: cursor{t: t}}
	defer r.at.close()
	if err := r.check(j); err != nil {
		return fmt.Errorf("%w; nothing was done now", err)
	}
	if err := r.run(j); err != nil {
		return err
	}
	err = t.sweep(stage)
	t.resetTimes(j)
	return err
}

// readJournal reads the journal under one of its names.
func readJournal(stage folder, name string) (*journal, error) {
	i, err := stage.look(name)
	switch {
	case err != nil:
		return nil, err
	case !i.Mode().IsRegular() || i.Size() > MaxFile:
		return nil, fmt.Errorf("its %s is no file, or too large for one", name)
	}
	text, err := stage.read(name, i)
	if err != nil {
		return nil, err
	}
	j, err := parseJournal(text)
	if err != nil {
		return nil, fmt.Errorf("its %s cannot be read: %w", name, err)
	}
	return j, nil
}

// takeBack undoes all steps, whatever was done of each.
func (t *Tree) takeBack(stage folder, j *journal) error {
	r := &reversal{t: t, stage: stage, at: cursor{t: t}}
	defer r.at.close()
	return r.run(j)
}

// A reversal takes an edit back. It finds out from the files what was done, so
// it is the same whether Commit failed, the process died, or an earlier reversal
// was cut short.
type reversal struct {
	t     *Tree
	stage folder
	at    cursor
}

// An undoing is what has to be done about one step.
type undoing int

const (
	nothing undoing = iota
	drop            // remove the new file
	restore         // put the old file back
)

// check looks whether the edit can be taken back without harm to what somebody
// has done since.
func (r *reversal) check(j *journal) error {
	for i, s := range j.steps {
		if _, _, err := r.decide(i, s); err != nil {
			return err
		}
	}
	return nil
}

// run takes everything back, the last change first. What fails does not keep
// the others from going on.
func (r *reversal) run(j *journal) error {
	var errs []error
	undo := func(removals bool) {
		for i, s := range slices.Backward(j.steps) {
			if removals == (s.kind == remove) {
				errs = append(errs, r.undo(i, s))
			}
		}
	}
	undo(false)
	for _, dir := range slices.Backward(j.made) {
		errs = append(errs, r.unmake(dir))
	}
	undo(true)
	return errors.Join(errs...)
}

// undo undoes one step.
func (r *reversal) undo(i int, s step) error {
	what, from, err := r.decide(i, s)
	if err != nil || what == nothing {
		return err
	}
	d, base, err := r.at.parent(s.name)
	if err != nil {
		return err
	}
	if what == drop {
		return d.unlink(base)
	}
	return r.stage.rename(from, d, base)
}

// decide finds out what was done of a step, and so what is to be undone. A file
// that is neither the old nor the new one is somebody else's work.
func (r *reversal) decide(i int, s step) (what undoing, from string, err error) {
	from, old, err := r.old(i, s)
	if err != nil {
		return nothing, "", err
	}
	if what = restore; old == (sight{}) {
		if what, err = r.placed(i, s); what == nothing || err != nil {
			return nothing, "", err
		}
	}
	now, err := r.now(s.name)
	switch {
	case err != nil:
		return nothing, "", err
	case now == sight{} && what == drop:
		return nothing, "", nil
	case now != sight{} && now != s.is && now != old:
		return nothing, "", fmt.Errorf("%s was changed since: %w", s.name, ErrChanged)
	}
	return what, from, nil
}

// old finds the old file of a step in the stage.
func (r *reversal) old(i int, s step) (name string, is sight, err error) {
	if is, err = r.staged(oldName(i)); err != nil || is != (sight{}) || s.kind != replace {
		return oldName(i), is, err
	}
	if is, err = r.staged(newName(i)); is == s.is { // not exchanged yet
		is = sight{}
	}
	return newName(i), is, err
}

// placed says whether the new file of a creation has left the stage.
func (r *reversal) placed(i int, s step) (undoing, error) {
	is, err := r.staged(newName(i))
	if s.kind != create || is != (sight{}) {
		return nothing, err
	}
	return drop, err
}

// staged looks at a file in the stage.
func (r *reversal) staged(name string) (sight, error) {
	i, err := r.stage.look(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sight{}, nil
	case err == nil && !i.isFile():
		err = refuseKind(r.stage.join(name), i.Mode())
	}
	return i.sight(), err
}

// now looks at what stands under a name of the tree. A folder counts as nothing:
// it is one that the edit has made in place of a file, or the rename will fail.
func (r *reversal) now(name string) (sight, error) {
	d, base, err := r.at.parent(name)
	if err == nil {
		var i info
		if i, err = d.look(base); err == nil && !i.IsDir() {
			return i.sight(), nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return sight{}, err
}

// unmake removes a folder that the edit may have made, if nobody uses it.
func (r *reversal) unmake(dir string) error {
	d, base, err := r.at.parent(dir)
	if err == nil {
		err = d.rmdir(base)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, ErrRefused) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	return err
}

// resetTimes gives folders their times back. Those of somebody else's folders
// cannot be set; they are no reason to fail.
func (t *Tree) resetTimes(j *journal) {
	at := cursor{t: t}
	defer at.close()
	for _, s := range j.times {
		if d, base, err := at.parent(s.folder); err == nil {
			_ = d.touch(base, time.Unix(0, s.time))
		}
	}
}
