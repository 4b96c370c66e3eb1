package tree

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
)

// A plan is an edit, looked at and found possible.
type plan struct {
	journal
	changes []change // one for each step of the journal
}

// A change is what a step of the journal does not say of it.
type change struct {
	*op
	old    sight       // what stands there
	mode   fs.FileMode // permission bits the new file gets
	source int         // of which change the old file comes here, if op.from says so
}

// plan looks at every change, in the order of names.
func (e *Edit) plan() (*plan, error) {
	p := &planning{plan: &plan{}, e: e, at: cursor{t: e.t}, fresh: map[string]bool{}}
	defer p.at.close()
	p.steps, p.changes = make([]step, 0, len(e.ops)), make([]change, 0, len(e.ops))
	for _, name := range slices.Sorted(maps.Keys(e.ops)) {
		if err := p.add(name, e.ops[name]); err != nil {
			return nil, err
		}
	}
	if err := p.pair(); err != nil {
		return nil, err
	}
	return p.plan, p.checkOthers()
}

// A planning is a plan in the making.
type planning struct {
	*plan
	e     *Edit
	at    cursor
	fresh map[string]bool // the folders looked at: does the edit make them?
}

// add finds out whether one change is possible.
func (p *planning) add(name string, o *op) error {
	if err := CheckName(name); err != nil {
		return err
	}
	old, there, err := p.old(name)
	if err != nil {
		return err
	}
	c, s := change{op: o}, step{name: name, kind: create}
	if there {
		c.old, s.kind = old.sight(), replace
	}
	switch {
	case there && !old.isFile():
		return refuseKind(name, old.Mode())
	case o.remove && !there:
		return fmt.Errorf("cannot remove: %w", &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist})
	case o.remove:
		s.kind = remove
	case o.from == "":
		c.mode, err = modeFor(o.file, old.Mode(), there)
	}
	if err == nil && !p.expected(name, o, c.old) {
		err = changed(name)
	}
	p.steps, p.changes = append(p.steps, s), append(p.changes, c)
	return err
}

// expected reports whether what stands under a name is what the caller has read.
func (p *planning) expected(name string, o *op, now sight) bool {
	want, known := p.e.seen[name]
	return (!known || want == now) && (!o.file.isSeen() || o.file.seen.as == now)
}

// old looks at what stands under a name before the edit.
func (p *planning) old(name string) (i info, there bool, err error) {
	dir := path.Dir(name)
	if err := p.enter(dir, name); err != nil || p.fresh[dir] {
		return info{}, false, err
	}
	d, base, err := p.at.parent(name)
	if err != nil {
		return info{}, false, err
	}
	i, err = d.look(base)
	if errors.Is(err, fs.ErrNotExist) {
		return info{}, false, nil
	}
	return i, err == nil, err
}

// enter looks at the folder that name shall lie in, and at those above it. What
// the edit removes counts as gone.
func (p *planning) enter(dir, name string) error {
	if _, known := p.fresh[dir]; known {
		return nil
	}
	parent := path.Dir(dir)
	if dir != "." {
		if err := p.enter(parent, name); err != nil {
			return err
		}
	}
	o, pending := p.e.ops[dir]
	if pending && !o.remove {
		return fmt.Errorf("%w: the same change makes %s a file and puts %s into it", ErrRefused, dir, name)
	}
	var i info
	err := fs.ErrNotExist
	if !pending && !p.fresh[parent] {
		i, err = p.e.t.look(dir)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fresh[dir] = true
		p.made = append(p.made, dir)
		return nil
	case err != nil:
		return err
	case i.isLink():
		return refuseLink(name, dir)
	case !i.IsDir():
		return fmt.Errorf("%w: %s is a file, so %s cannot lie in it", ErrRefused, dir, name)
	}
	p.fresh[dir] = false
	p.times = append(p.times, stamp{folder: dir, time: i.sight().time})
	return nil
}

// pair finds the files that stay under another name.
func (p *planning) pair() error {
	taken := map[int]bool{}
	for i := range p.changes {
		c, as := &p.changes[i], p.steps[i].name
		if c.from == "" {
			continue
		}
		source, found := slices.BinarySearchFunc(p.steps, c.from, func(s step, name string) int { return cmp.Compare(s.name, name) })
		switch {
		case !found:
			return fmt.Errorf("%w: %s cannot be kept as %s, since the same change neither writes nor removes it", ErrRefused, c.from, as)
		case p.steps[source].kind == create:
			return fmt.Errorf("cannot keep as %s: %w", as, &fs.PathError{Op: "lstat", Path: c.from, Err: fs.ErrNotExist})
		case source == i || taken[source]:
			return fmt.Errorf("%w: %s cannot be kept as %s too", ErrRefused, c.from, as)
		}
		c.source, taken[source] = source, true
	}
	return nil
}

// checkOthers looks at the expected files that the edit does not change.
func (p *planning) checkOthers() error {
	for _, name := range slices.Sorted(maps.Keys(p.e.seen)) {
		if _, planned := p.e.ops[name]; planned {
			continue
		}
		i, err := p.e.t.look(name)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case i.sight() != p.e.seen[name]:
			return changed(name)
		}
	}
	return nil
}

func changed(name string) error {
	return fmt.Errorf("%s is not what it was when it was read: %w; nothing was done, try again", name, ErrChanged)
}

// modeFor checks the new content and gives the permission bits it gets.
func modeFor(f File, old fs.FileMode, there bool) (fs.FileMode, error) {
	switch f.Mode.Type() {
	case fs.ModeSymlink:
		return 0, CheckLink(f.Name, string(f.Data))
	case 0:
	default:
		return 0, fmt.Errorf("%w: %s shall become something else than a file or link (%s)", ErrRefused, f.Name, f.Mode.Type())
	}
	if f.Size() > MaxFile {
		return 0, fmt.Errorf("%w: %s would have %d bytes; the largest file written here has %d", ErrRefused, f.Name, f.Size(), MaxFile)
	}
	const execute = 0o100
	switch {
	case f.Exact:
		return f.Mode.Perm(), nil
	case there && old.IsRegular() && (f.Mode == 0 || f.Mode&execute == old&execute):
		return old.Perm(), nil
	case f.Mode&execute != 0:
		return 0o755, nil
	}
	return 0o644, nil
}
