package series

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// Pop plans to take out the patches on top of the one named, which stays in; with
// "" all of them. The files from before each patch come back as they were, to the
// byte. Their times are new, since make would not see otherwise that what was built
// from them has to be built again. They are not what the patch says, but what was recorded; the
// patch is asked only whether a file was edited since: then a *StopError says so,
// unless o.Force.
func (s *Stack) Pop(list *Series, stay string, o Options) (*Change, error) {
	n := slices.Index(s.applied, stay) + 1
	if stay != "" && n == 0 {
		return nil, fmt.Errorf("%w: %s is not in the tree", ErrUnknown, stay)
	}
	c := s.change()
	c.edit = s.t.Begin()
	now := patch.NewDraft(s.t)
	restored := map[string]restore{}
	for _, name := range slices.Backward(s.applied[n:]) {
		files, err := s.backups(name)
		if err != nil {
			return nil, err
		}
		before := now.Fork()
		if err := put(before, files); err != nil {
			return nil, err
		}
		step := Step{Name: name, Verdict: patch.Needed}
		if err := check(list, name, before, now, files, o); err != nil && !o.Force {
			step.Verdict = patch.Conflict
			return c, &StopError{step, err}
		}
		c.Steps = append(c.Steps, step)
		for target, f := range files {
			backup := path.Join(record(name), target)
			if r, known := restored[target]; known {
				c.edit.Remove(r.backup)
			}
			restored[target] = restore{backup, f}
			delete(c.next.empty, backup)
		}
		c.unmark(name)
		now = before
	}
	c.next.applied = c.next.applied[:n]
	for name := range c.next.passed {
		if n == 0 || list.Index(name) > list.Index(stay) {
			delete(c.next.passed, name)
		}
	}
	if err := c.restore(restored); err != nil {
		return nil, err
	}
	c.write("", "")
	return c, nil
}

// A restore says where the content of a file is.
type restore struct {
	backup string
	file   *tree.File // nil: it was not there
}

// restore plans to bring files back. One that is as it was before stays, with its
// time: the patches have changed it to and fro, and it was never written.
func (c *Change) restore(files map[string]restore) error {
	for target, r := range files {
		now, err := c.stack.t.Read(target)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case r.file != nil && (err != nil || now.Mode != r.file.Mode || !bytes.Equal(now.Data, r.file.Data)):
			c.edit.Write(tree.File{Name: target, Mode: r.file.Mode, Data: r.file.Data, Exact: !r.file.IsLink()})
		case r.file == nil && err == nil:
			c.edit.Remove(target)
		}
		c.edit.Remove(r.backup)
	}
	return nil
}

// unmark plans that the time stamp goes.
func (c *Change) unmark(p string) {
	name := path.Join(record(p), stamp)
	if _, err := c.stack.t.Lstat(name); err == nil {
		c.edit.Remove(name)
	}
}

// put makes files in a draft what they were.
func put(d *patch.Draft, files map[string]*tree.File) error {
	for name, f := range files {
		var err error
		if f == nil {
			err = d.Remove(name)
		} else {
			err = d.Write(*f)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrStack, err)
		}
	}
	return nil
}

// check reports as conflicts which files are not what the patch has made.
func check(list *Series, name string, before, now *patch.Draft, files map[string]*tree.File, o Options) error {
	i := list.Index(name)
	if i < 0 {
		return patch.Conflicts{{File: name, Why: "the series does not name it, so whether files were edited since can't be told"}}
	}
	e := list.Entries[i]
	text, err := list.Patch(e)
	if errors.Is(err, patch.ErrNothing) && len(files) == 0 {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, patch.ErrFormat) {
		return patch.Conflicts{{File: name, Why: "the patch is not what was put in, so whether files were edited since can't be told"}}
	}
	if err != nil {
		return err
	}
	options := o.patch(e)
	options.Strict, options.Fuzz = false, 3
	var edited patch.Conflicts
	for _, dropEmpty := range []bool{options.RemoveEmpty, !options.RemoveEmpty} {
		options.RemoveEmpty = dropEmpty
		if edited, err = differences(name, text, options, before, now, files); err != nil {
			return err
		}
		if edited == nil {
			return nil
		}
	}
	return edited
}

// differences makes anew what a patch has made, and names the files that are
// something else now.
func differences(name string, text *patch.Patch, o patch.Options, before, now *patch.Draft, files map[string]*tree.File) (patch.Conflicts, error) {
	made := before.Fork()
	if _, err := made.Apply(text, o); errors.As(err, new(patch.Conflicts)) {
		return patch.Conflicts{{File: name, Why: "the patch is not what was put in, so whether files were edited since can't be told"}}, nil
	} else if err != nil {
		return nil, err
	}
	touched := maps.Clone(files)
	maps.Copy(touched, made.Before())
	var edited patch.Conflicts
	for _, file := range slices.Sorted(maps.Keys(touched)) {
		same, err := made.Same(now, file)
		if err != nil {
			return nil, err
		}
		if !same {
			edited = append(edited, &patch.ConflictError{File: file, Why: "it was edited since the patch went in"})
		}
	}
	return edited, nil
}
