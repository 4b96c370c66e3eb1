package tree

import "errors"

// ErrChanged is wrapped by the error of a Commit that found another file than
// Read had seen.
var ErrChanged = errors.New("changed meanwhile")

// An Edit is a set of changes to a tree that happen together. It is not safe
// for use by several goroutines.
type Edit struct {
	t    *Tree
	ops  map[string]*op
	seen map[string]sight // what else is expected than by a File to write
}

// An op is what shall become of one name.
type op struct {
	file   File
	remove bool
	from   string // the name whose old file comes here, if not file
}

// Begin makes an empty edit. Nothing happens before Commit.
func (t *Tree) Begin() *Edit { return &Edit{t: t, ops: map[string]*op{}, seen: map[string]sight{}} }

// Write plans a file or link. Its Data must not change before Commit.
//
// A file that is there keeps its permission bits, unless Mode asks for another
// owner-execute bit; a Mode of 0 asks for nothing. New files, and those whose
// execute bit changes, get 0644 or 0755 by that bit, whatever the umask. Only
// with Exact does the file get just the bits of Mode. There is no way to
// set-user-ID. Folders on the way are made with 0755.
//
// A File that Read gave for this name is expected to be there still; see Expect.
func (e *Edit) Write(f File) { e.ops[f.Name] = &op{file: f} }

// Remove plans that a file or link goes. Folders which become empty by that go
// too. A file may make room for a folder of its name in one edit; a folder does
// not make room for a file.
func (e *Edit) Remove(name string) { e.ops[name] = &op{remove: true} }

// Keep plans that the old file of name, which this edit also writes or removes,
// stays under the name as, in place of a file that may be there. It is that very
// file, with its mode, time and owner; where the system gives no second name to
// a file of somebody else, or none at all, it is a copy with mode and time.
func (e *Edit) Keep(name, as string) { e.ops[as] = &op{from: name} }

// Move plans that a file or link gets another name, in place of a file that may
// be there. It is what Remove of one name and Keep under the other do together.
func (e *Edit) Move(from, to string) {
	e.Remove(from)
	e.Keep(from, to)
}

// Expect has Commit check that what Read has seen under f's name is still there:
// the same file, of the same size and time, or nothing, if f came with
// fs.ErrNotExist. Commit refuses otherwise. The name need not be one that the
// edit changes. A File that is not from Read, or has another name since, is let
// pass.
func (e *Edit) Expect(f File) {
	if f.isSeen() {
		e.seen[f.Name] = f.seen.as
	}
}

// Check does everything that Commit does before it touches the tree.
func (e *Edit) Check() error {
	_, err := e.plan()
	return err
}

// Commit carries the edit out. When it returns an error the tree is as it was,
// times included, or the error says which file could not be put back and where
// its former content lies. Either way the edit is empty afterwards.
func (e *Edit) Commit() error {
	defer clear(e.ops)
	defer clear(e.seen)
	if len(e.ops)+len(e.seen) == 0 {
		return nil
	}
	unlock, err := e.t.lockBriefly()
	if err != nil {
		return err
	}
	defer unlock()
	p, err := e.plan()
	if err != nil || len(p.steps) == 0 {
		return err
	}
	return e.t.carryOut(p)
}
