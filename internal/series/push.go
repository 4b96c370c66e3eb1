package series

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// Options say how patches go in.
type Options struct {
	// Strict, Fuzz and RemoveEmpty are those of patch.Options.
	Strict      bool
	Fuzz        int
	RemoveEmpty bool
	// Base, unless nil, is a tree without the patches that the series was made
	// for. What does not fit is merged by it.
	Base *tree.Tree
	// Force takes patches out although files were changed since they went in.
	Force bool
}

// patch gives the options for one entry.
func (o Options) patch(e Entry) patch.Options {
	return patch.Options{Strip: e.Strip, Reverse: e.Reverse, Strict: o.Strict, Fuzz: o.Fuzz, RemoveEmpty: o.RemoveEmpty}
}

// Push plans to put in the patches of the series behind the last one that is in,
// up to and with the one named; "" is the last. One that the tree has already, in
// whatever way, is passed over, with Why in its step, and not recorded. A file with
// no changes is passed over, too.
//
// A *StopError says which patch does not fit, and that then nothing would be
// done; the steps say how far it went.
func (s *Stack) Push(list *Series, last string, o Options) (*Change, error) {
	todo, err := s.rest(list, last)
	if err != nil {
		return nil, err
	}
	p := &push{Change: s.change(), list: list, options: o, draft: patch.NewDraft(s.t), twins: map[string]string{}}
	if err := p.startBase(todo); err != nil {
		return nil, err
	}
	for _, e := range todo {
		step, err := p.put(e)
		p.Steps = append(p.Steps, step)
		if err != nil {
			return p.Change, err
		}
	}
	p.finish()
	return p.Change, nil
}

// rest lists the entries that are not in yet. Those that are must be the first of the
// series, in its order, but for what was passed over.
func (s *Stack) rest(list *Series, last string) ([]Entry, error) {
	from, end := 0, len(list.Entries)
	for _, name := range s.applied {
		at := list.Index(name)
		if at < 0 {
			return nil, fmt.Errorf("%w: %s is in the tree, and %s does not name it", ErrStack, name, list.Name)
		}
		for _, e := range list.Entries[min(from, at):at] {
			if slices.Contains(s.applied, e.Name) && at >= from {
				return nil, fmt.Errorf("%w: the order of %s is not that in which its patches went in: %s stands before %s now", ErrStack, list.Name, e.Name, name)
			}
			if !s.passed[e.Name] {
				return nil, fmt.Errorf("%w: %s is not in the tree, and %s is, which stands behind it; take the patches out as far as that", ErrStack, e.Name, name)
			}
		}
		from = at + 1
	}
	if last != "" {
		i := list.Index(last)
		if i < 0 {
			return nil, fmt.Errorf("%w: %s has no patch %s", ErrUnknown, list.Name, last)
		}
		end = i + 1
	}
	return list.Entries[min(from, end):end], nil
}

// ErrUnknown is wrapped by errors about the name of a patch that is not there.
var ErrUnknown = errors.New("no such patch")

// ErrBase is wrapped by errors about a tree that is not the one the series was made
// for.
var ErrBase = errors.New("the patch does not fit the base")

// A push is a Change that is being worked out.
type push struct {
	*Change
	list    *Series
	options Options
	draft   *patch.Draft
	base    *patch.Draft // nil when there is none
	twins   map[string]string
	olds    []old
}

// An old is what a file had before a patch.
type old struct {
	patch, name string
	file        *tree.File
}

// startBase puts into the base what is in the tree already.
func (p *push) startBase(todo []Entry) error {
	if p.options.Base == nil {
		return nil
	}
	p.base = patch.NewDraft(p.options.Base)
	for _, e := range p.list.Entries {
		if len(todo) > 0 && e == todo[0] {
			return nil
		}
		text, err := p.list.Patch(e)
		if err != nil {
			return err
		}
		if _, err := p.base.Apply(text, p.options.patch(e)); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrBase, e.Name, err)
		}
	}
	return nil
}

// put puts one patch into the draft.
func (p *push) put(e Entry) (Step, error) {
	step := Step{Name: e.Name}
	text, err := p.list.Patch(e)
	if errors.Is(err, patch.ErrNothing) {
		step.Verdict, step.Why = patch.Present, "it changes no file"
		p.next.applied = append(p.next.applied, e.Name)
		return step, nil
	}
	if err != nil {
		return step, err
	}
	step.Repairs = text.Repairs
	step.Twin = twin(p.twins, text, e.Name)
	step, err = p.apply(step, text, e)
	if err != nil || step.Why != "" {
		return step, err
	}
	if !e.Reverse && !step.Report.Exact() {
		p.Rewritten[e.Name] = text.Refresh(step.Report)
	}
	before := p.draft.Before()
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if name == stamp || name == folder || strings.HasPrefix(name, folder+"/") {
			return step, fmt.Errorf("%w: %s changes %s, which is kept for the record itself", ErrStack, e.Name, name)
		}
		p.olds = append(p.olds, old{e.Name, name, before[name]})
	}
	p.next.applied = append(p.next.applied, e.Name)
	return step, nil
}

// apply puts a patch into the draft, unless the tree has it.
func (p *push) apply(step Step, text *patch.Patch, e Entry) (Step, error) {
	o := p.options.patch(e)
	var err error
	if o.Base, err = p.putIntoBase(text, e); err != nil {
		return step, err
	}
	step.Verdict, step.Report, err = p.draft.Put(text, o)
	var conflicts patch.Conflicts
	switch {
	case errors.As(err, &conflicts):
		return step, &StopError{step, conflicts}
	case err != nil:
		return step, fmt.Errorf("%s: %w", e.Name, err)
	case step.Verdict != patch.Needed:
		step.Why = "the tree has it already"
		p.next.passed[e.Name] = true
	}
	return step, nil
}

// putIntoBase puts a patch into the tree it was made for.
func (p *push) putIntoBase(text *patch.Patch, e Entry) (*patch.Report, error) {
	if p.base == nil {
		return nil, nil
	}
	o := p.options.patch(e)
	o.AsBase = true
	r, err := p.base.Apply(text, o)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBase, e.Name, err)
	}
	return &r, nil
}

// finish plans the edit: the files, and those from before each patch.
func (p *push) finish() {
	p.edit = p.draft.Edit()
	kept := map[string]bool{}
	for _, o := range p.olds {
		first := !kept[o.name] && p.draft.Changed(o.name)
		kept[o.name] = true
		p.keep(o.name, o.file, first, o.patch)
	}
	p.write(p.list.Name, p.list.from(p.stack.t.Dir()))
}

// from is the folder of the series as seen from a tree, if it is in it.
func (s *Series) from(dir string) string {
	abs, err := filepath.Abs(s.Dir)
	if err != nil {
		return s.Dir
	}
	if rel, err := filepath.Rel(dir, abs); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return abs
}
