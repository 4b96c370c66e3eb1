package series

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// The record in a tree.
const (
	folder  = ".pc"
	applied = folder + "/applied-patches"
	version = folder + "/.version"
	empties = folder + "/.srcmend-empty"  // backups that are empty since the file was
	passed  = folder + "/.srcmend-passed" // patches that were passed over
	stamp   = ".timestamp"
)

// ErrStack is wrapped by errors about a record that can't be used, or does not
// belong to the series.
var ErrStack = errors.New("the record of applied patches")

// record is the folder in which the files from before a patch are.
func record(name string) string { return folder + "/" + name }

// A Stack is a tree and what it records of the patches that are in it.
type Stack struct {
	t       *tree.Tree
	applied []string
	empty   map[string]bool // names of backups
	passed  map[string]bool // names of patches that the tree had without them
}

// Open reads the record of a tree; a tree without one has no patches in it.
func Open(t *tree.Tree) (*Stack, error) {
	s := &Stack{t: t, empty: map[string]bool{}, passed: map[string]bool{}}
	v, err := s.lines(version)
	if err != nil {
		return nil, err
	}
	if len(v) > 0 && v[0] != "2" {
		return nil, fmt.Errorf("%w: %s has version %q, and 2 is what can be read", ErrStack, folder, v[0])
	}
	if s.applied, err = s.lines(applied); err != nil {
		return nil, err
	}
	for _, name := range s.applied {
		if err := tree.CheckName(record(name)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStack, err)
		}
	}
	for file, set := range map[string]map[string]bool{empties: s.empty, passed: s.passed} {
		names, err := s.lines(file)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			set[name] = true
		}
	}
	return s, nil
}

// lines reads a file of the record, if it is there.
func (s *Stack) lines(name string) ([]string, error) {
	f, err := s.t.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStack, err)
	}
	return strings.FieldsFunc(string(f.Data), func(r rune) bool { return r == '\n' }), nil
}

// Applied names the patches that are in the tree, the first one first.
func (s *Stack) Applied() []string { return slices.Clone(s.applied) }

// A Step is what became of one patch.
type Step struct {
	Name    string        `json:"patch"`
	Verdict patch.Verdict `json:"verdict"` // needed: it was put in, or taken out
	Report  patch.Report  `json:"report"`
	// Twin names a patch before it that makes the same change, by its patch-id.
	Twin string `json:"twin,omitempty"`
	// Why says why nothing was done.
	Why     string         `json:"why,omitempty"`
	Repairs []patch.Repair `json:"repairs,omitempty"`
}

// A StopError says which patch did not fit; the tree is as it was.
type StopError struct {
	Step
	Err error // patch.Conflicts
}

// Error names the patch.
func (e *StopError) Error() string {
	text := e.Name + ": " + e.Err.Error()
	if e.Twin != "" {
		text += "; it makes the same change as " + e.Twin
	}
	return text
}

// Unwrap gives the conflicts.
func (e *StopError) Unwrap() error { return e.Err }

// A Change is a plan to put patches in or take them out. Nothing has happened.
type Change struct {
	Steps []Step
	// Rewritten are the texts of patches that would have to be changed to stand
	// exactly where they were put, by name. A text is "" when nothing is left of
	// the patch.
	Rewritten map[string]string

	stack *Stack
	next  Stack // the record afterwards
	edit  *tree.Edit
}

// change begins a change.
func (s *Stack) change() *Change {
	next := Stack{t: s.t, applied: slices.Clone(s.applied), empty: maps.Clone(s.empty), passed: maps.Clone(s.passed)}
	return &Change{Rewritten: map[string]string{}, stack: s, next: next}
}

// Check does everything that Commit does before it touches the tree.
func (c *Change) Check() error { return c.edit.Check() }

// Commit carries the change out, all of it or nothing.
func (c *Change) Commit() error {
	if err := c.edit.Commit(); err != nil {
		return err
	}
	*c.stack = c.next
	return nil
}

// write plans the files of the record that are about the whole stack. Without
// patches there is no record.
func (c *Change) write(series, dir string) {
	for _, f := range []struct{ name, text string }{
		{applied, lines(c.next.applied)},
		{empties, lines(slices.Sorted(maps.Keys(c.next.empty)))},
		{passed, lines(slices.Sorted(maps.Keys(c.next.passed)))},
		{version, "2\n"},
		{folder + "/.quilt_patches", dir + "\n"},
		{folder + "/.quilt_series", series + "\n"},
	} {
		_, err := c.stack.t.Lstat(f.name)
		switch {
		case f.text != "" && len(c.next.applied) > 0 && (err != nil && series != "" || slices.Contains([]string{applied, empties, passed}, f.name)):
			c.edit.Write(tree.File{Name: f.name, Mode: 0o644, Data: []byte(f.text)})
		case err == nil && (len(c.next.applied) == 0 || f.text == ""):
			c.edit.Remove(f.name)
		}
	}
}

// lines writes words, one on each line.
func lines(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return strings.Join(words, "\n") + "\n"
}

// keep plans the backup of a file from before a patch: the file itself where it is
// only now replaced, otherwise a copy. For a file that was not there it is empty.
func (c *Change) keep(name string, before *tree.File, replaced bool, p string) {
	as := record(p) + "/" + name
	delete(c.next.empty, as)
	switch {
	case before == nil:
		c.edit.Write(tree.File{Name: as, Mode: 0o644})
		return
	case replaced:
		c.edit.Keep(name, as)
	default:
		c.edit.Write(tree.File{Name: as, Mode: before.Mode, Data: before.Data, Parts: before.Parts})
	}
	if before.Size() == 0 {
		c.next.empty[as] = true
	}
}

// backups reads the files from before a patch, nil for one that was not there.
func (s *Stack) backups(p string) (map[string]*tree.File, error) {
	files := map[string]*tree.File{}
	base := record(p)
	err := fs.WalkDir(s.t.Root().FS(), base, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == base: // a patch that changes nothing
			return nil
		case err != nil:
			return err
		case d.IsDir() || name == base+"/"+stamp:
			return nil
		}
		f, err := s.t.Read(name)
		if err != nil {
			return err
		}
		target := strings.TrimPrefix(name, base+"/")
		files[target] = nil
		if len(f.Data) > 0 || s.empty[name] {
			f.Name = target
			files[target] = &f
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrStack, p, err)
	}
	return files, nil
}
