package tree

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"
)

// TempPrefix begins the name of every file an edit puts into the tree for a
// while. What follows is a hash of the target's name, then ".new" for a content
// to come or ".old" for a file kept aside. Nothing else in a tree has this
// prefix, so leftovers of a killed process can be found by it.
const TempPrefix = ".srcmend-edit-"

// An Edit is a set of changes to a tree that happen together. It is not safe
// for use by several goroutines.
type Edit struct {
	t   *Tree
	ops map[string]op
}

// An op is what shall become of one name.
type op struct {
	file   File
	remove bool
}

// Begin makes an empty edit. Nothing happens before Commit.
func (t *Tree) Begin() *Edit { return &Edit{t: t, ops: map[string]op{}} }

// Write plans a file or link. Its Data must not change before Commit.
//
// A file that is there keeps its permission bits, unless Mode asks for another
// owner-execute bit; a Mode of 0 asks for nothing. New files, and those whose
// execute bit changes, get 0644 or 0755 by that bit, whatever the umask. There
// is no way to set-user-ID. Folders on the way are made with 0755.
func (e *Edit) Write(f File) { e.ops[f.Name] = op{file: f} }

// Remove plans that a file or link goes. Folders which become empty by that go
// too. A file may make room for a folder of its name in one edit; a folder does
// not make room for a file.
func (e *Edit) Remove(name string) { e.ops[name] = op{file: File{Name: name}, remove: true} }

// Check does everything that Commit does before it touches the tree.
func (e *Edit) Check() error {
	_, err := e.plan()
	return err
}

// Commit carries the edit out. When it returns an error the tree is as it was,
// times included, or the error says which file could not be put back and under
// which name its former content lies. Either way the edit is empty afterwards.
func (e *Edit) Commit() error {
	steps, err := e.plan()
	clear(e.ops)
	if err != nil {
		return err
	}
	c := &commit{t: e.t, steps: steps, times: map[string]time.Time{}}
	if err := c.stage(); err != nil {
		return err
	}
	if err := c.swap(); err != nil {
		return err
	}
	c.finish()
	return nil
}

// A step is one change, looked at and found possible.
type step struct {
	op
	old     fs.FileInfo // what stands there, nil if nothing
	mode    fs.FileMode // permission bits the new file gets
	folders []string    // folders to make, the outermost first
	temp    string      // the new content until it is renamed
	backup  string      // the old file while the edit can still fail

	made  []string // folders that were made
	moved move     // what has been done with the old and the new file
}

// A move says how far the swap of one step has come.
type move int

const (
	untouched move = iota
	linked         // backup is a second name of the old file
	aside          // the old file was renamed to backup
	swapped        // the new file is in place, or the old one gone
)

// plan looks at every change and gives them in the order of their names.
func (e *Edit) plan() ([]*step, error) {
	var steps []*step
	for _, o := range e.ops {
		s, err := e.look(o)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	slices.SortFunc(steps, func(a, b *step) int { return cmp.Compare(a.file.Name, b.file.Name) })
	return steps, nil
}

// look finds out whether one change is possible.
func (e *Edit) look(o op) (*step, error) {
	name := o.file.Name
	if err := CheckName(name); err != nil {
		return nil, err
	}
	s := &step{op: o}
	anchor, err := e.lookAtParents(s)
	if err != nil {
		return nil, err
	}
	if len(s.folders) == 0 {
		s.old, err = e.t.root.Lstat(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	switch {
	case s.old == nil && o.remove:
		return nil, fmt.Errorf("cannot remove: %w", &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist})
	case s.old != nil && !s.old.Mode().IsRegular() && s.old.Mode()&fs.ModeSymlink == 0:
		return nil, refuseKind(name, s.old)
	}
	hash := sha256.Sum256([]byte(name))
	base := TempPrefix + hex.EncodeToString(hash[:8])
	s.temp = path.Join(anchor, base+".new")
	s.backup = path.Join(path.Dir(name), base+".old")
	if s.old != nil {
		if _, err := e.t.root.Lstat(s.backup); err == nil {
			return nil, fmt.Errorf("%s: an earlier change of this tree was cut short; "+
				"%s holds the file from before it: put it back, or remove it if %s is as it should be", name, s.backup, name)
		}
	}
	if o.remove {
		return s, nil
	}
	s.mode, err = modeFor(o.file, s.old)
	return s, err
}

// lookAtParents finds the folders that must be made for a step, and the deepest
// one that is there. What the edit removes counts as gone.
func (e *Edit) lookAtParents(s *step) (anchor string, err error) {
	name := s.file.Name
	anchor = "."
	for _, folder := range parents(name) {
		o, pending := e.ops[folder]
		if pending && !o.remove {
			return "", fmt.Errorf("%w: the same change makes %s a file and puts %s into it", ErrRefused, folder, name)
		}
		if pending || len(s.folders) > 0 {
			s.folders = append(s.folders, folder)
			continue
		}
		info, err := e.t.root.Lstat(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			s.folders = append(s.folders, folder)
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink != 0:
			return "", refuseLink(name, folder)
		case !info.IsDir():
			return "", fmt.Errorf("%w: %s is a file, so %s cannot lie in it", ErrRefused, folder, name)
		default:
			anchor = folder
		}
	}
	return anchor, nil
}

// modeFor checks the new content and gives the permission bits it gets.
func modeFor(f File, old fs.FileInfo) (fs.FileMode, error) {
	switch f.Mode.Type() {
	case fs.ModeSymlink:
		return 0, CheckLink(f.Name, string(f.Data))
	case 0:
	default:
		return 0, fmt.Errorf("%w: %s shall become something else than a file or link (%s)", ErrRefused, f.Name, f.Mode.Type())
	}
	if len(f.Data) > MaxFile {
		return 0, fmt.Errorf("%w: %s would have %d bytes; the largest file written here has %d", ErrRefused, f.Name, len(f.Data), MaxFile)
	}
	const execute = 0o100
	if old != nil && old.Mode().IsRegular() && (f.Mode == 0 || f.Mode&execute == old.Mode()&execute) {
		return old.Mode().Perm(), nil
	}
	if f.Mode&execute != 0 {
		return 0o755, nil
	}
	return 0o644, nil
}

// A commit carries steps out and can take them back.
type commit struct {
	t     *Tree
	steps []*step
	times map[string]time.Time // of the folders, from before
}

// stage writes all new contents into temporary files.
func (c *commit) stage() error {
	for _, s := range c.steps {
		c.remember(path.Dir(s.temp))
		c.remember(path.Dir(s.backup))
		if s.remove {
			continue
		}
		if err := c.t.writeTemp(s); err != nil {
			return c.undo(fmt.Errorf("change of %s: %w", s.file.Name, err))
		}
	}
	return nil
}

// remember notes a folder's modification time.
func (c *commit) remember(folder string) {
	if _, known := c.times[folder]; known {
		return
	}
	if info, err := c.t.root.Lstat(folder); err == nil && info.IsDir() {
		c.times[folder] = info.ModTime()
	}
}

// writeTemp writes the new content of one step. What stands under the temporary
// name is of no use to anybody: a process died before it was renamed.
func (t *Tree) writeTemp(s *step) error {
	if err := t.root.Remove(s.temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if s.file.IsLink() {
		return t.root.Symlink(string(s.file.Data), s.temp)
	}
	f, err := t.root.OpenFile(s.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(s.file.Data)
	return errors.Join(err, f.Chmod(s.mode), f.Close())
}

// swap renames: what goes first, since a folder may come in its place, then
// what comes.
func (c *commit) swap() error {
	for _, s := range c.steps {
		if s.remove {
			if err := c.t.putAside(s); err != nil {
				return c.undo(fmt.Errorf("change of %s: %w", s.file.Name, err))
			}
		}
	}
	for _, s := range c.steps {
		if !s.remove {
			if err := c.t.putInPlace(s); err != nil {
				return c.undo(fmt.Errorf("change of %s: %w", s.file.Name, err))
			}
		}
	}
	return nil
}

// putAside takes the old file of a step away.
func (t *Tree) putAside(s *step) error {
	if err := t.root.Rename(s.file.Name, s.backup); err != nil {
		return err
	}
	s.moved = swapped
	return nil
}

// putInPlace gives the new file of a step its name. A second name is made for
// the old file first, so that the target is there at any time; where the file
// system has no hard links, the old file is moved.
func (t *Tree) putInPlace(s *step) error {
	for _, folder := range s.folders {
		made, err := t.makeFolder(folder)
		if made {
			s.made = append(s.made, folder)
		}
		if err != nil {
			return err
		}
	}
	if s.old != nil {
		if t.root.Link(s.file.Name, s.backup) == nil {
			s.moved = linked
		} else if err := t.root.Rename(s.file.Name, s.backup); err != nil {
			return err
		} else {
			s.moved = aside
		}
	}
	if err := t.root.Rename(s.temp, s.file.Name); err != nil {
		return err
	}
	s.moved = swapped
	return nil
}

// makeFolder makes a folder, unless an earlier step has made it.
func (t *Tree) makeFolder(folder string) (made bool, err error) {
	err = t.root.Mkdir(folder, 0o755)
	if err == nil {
		return true, t.root.Chmod(folder, 0o755)
	}
	if info, e := t.root.Lstat(folder); e == nil && info.IsDir() {
		return false, nil
	}
	return false, err
}

// undo takes everything back, the last change first, and gives the cause with
// what went wrong on the way.
func (c *commit) undo(cause error) error {
	var errs []error
	for _, s := range slices.Backward(c.steps) {
		if !s.remove {
			errs = append(errs, c.t.takeBack(s))
		}
	}
	for _, s := range slices.Backward(c.steps) {
		if s.remove {
			errs = append(errs, c.t.takeBack(s))
		}
	}
	for folder, when := range c.times {
		errs = append(errs, c.t.root.Chtimes(folder, time.Time{}, when))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w; and the tree is not as it was before: %w", cause, err)
	}
	return fmt.Errorf("%w; the tree is as it was before", cause)
}

// takeBack undoes one step.
func (t *Tree) takeBack(s *step) error {
	var err error
	switch {
	case s.moved == linked:
		err = t.root.Remove(s.backup)
	case s.old != nil && s.moved != untouched:
		err = t.root.Rename(s.backup, s.file.Name)
	case s.moved == swapped:
		err = t.root.Remove(s.file.Name)
	}
	if err != nil {
		err = fmt.Errorf("%s could not be put back (%w); its former content is in %s", s.file.Name, err, s.backup)
	}
	if !s.remove && s.moved != swapped {
		if e := t.root.Remove(s.temp); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	for _, folder := range slices.Backward(s.made) {
		err = errors.Join(err, t.root.Remove(folder))
	}
	return err
}

// finish removes what was kept aside, and folders that are empty now. Nothing
// that fails here changes the outcome.
func (c *commit) finish() {
	for _, s := range c.steps {
		if s.old != nil {
			_ = c.t.root.Remove(s.backup)
		}
	}
	for _, s := range c.steps {
		if !s.remove {
			continue
		}
		folder := path.Dir(s.file.Name)
		for folder != "." && c.t.root.Remove(folder) == nil {
			folder = path.Dir(folder)
		}
	}
}
