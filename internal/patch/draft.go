package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"srcmend/internal/tree"
)

// maxWorked bounds the contents that are gone through for one draft, in bytes: a
// patch may change one large file any number of times.
const maxWorked = 16 << 30

// maxDraft bounds the contents held in memory for one draft, in bytes.
const maxDraft = 512 << 20

// A state is what stands under a name: nothing, a file, or a link with its target
// as text.
type state struct {
	exists bool
	mode   fs.FileMode
	text   *text
}

// equal reports whether two states are alike.
func (s state) equal(other state) bool {
	return s.exists == other.exists && s.mode == other.mode && s.text.equal(other.text)
}

// isLink reports whether the state is a symbolic link.
func (s state) isLink() bool { return s.mode&fs.ModeSymlink != 0 }

// An onDisk is a file as the tree has it. The file's Data is not kept; the text
// has it.
type onDisk struct {
	state
	file tree.File
}

// A Source is what a draft is made over: a *tree.Tree, or anything else that has the
// files of one, such as an archive or a commit. Its methods do what those of tree.Tree
// do, with the same errors.
type Source interface {
	// Read gives a regular file or a symbolic link.
	Read(name string) (tree.File, error)
	// Lstat looks at a name without following a link.
	Lstat(name string) (fs.FileInfo, error)
}

// A Draft is a tree with changes that nobody else can see yet. Several patches
// can be put on top of each other in it, and written together at the end, or
// never:
//
//	d := patch.NewDraft(t)
//	for _, p := range series {
//		if _, err := d.Apply(p, patch.Options{Strip: 1}); err != nil {
//			return err // the draft holds what was put in before
//		}
//	}
//	return d.Edit().Commit()
//
// It reads each file of the tree once. It is not safe for use by several
// goroutines, and nobody else should change the tree meanwhile; tree.Tree.Lock is
// for that.
type Draft struct {
	src   Source
	below *Draft // what it is a fork of, nil for the tree
	disk  map[string]onDisk
	now   map[string]state // of names that are known; others as below
	size  int
	last  map[string]state // what the names had that the last patch changed
	mail  mailDraft

	worked *int64 // bytes of contents that changes were made to; forks share it
	probed *int   // lines that were compared to find places; forks share it

	links bool // a link was made, so names that are known may lie behind it
}

// A mailDraft is what must be known while the changes of one mail are made.
type mailDraft struct {
	before map[string]state // what changed names had at its beginning
	placed map[string]bool  // names that got another file, rather than a changed one
	leaves map[string]bool  // names of files that this mail renames or removes
	copies []copied         // what must hold in the end
	rules  rules
}

// A copied says that a file which is gone was a copy of another.
type copied struct {
	of, copy string // names
	text     *text  // what the other should have
}

// NewDraft begins with the tree as it is.
func NewDraft(src Source) *Draft {
	return &Draft{src: src, disk: map[string]onDisk{}, now: map[string]state{}, last: map[string]state{}, worked: new(int64), probed: new(int)}
}

// Fork gives a draft on top of d, which changes nothing in d. While it is used, d
// must not be changed.
func (d *Draft) Fork() *Draft {
	return &Draft{
		src: d.src, below: d, disk: d.disk, now: map[string]state{}, size: d.size, last: map[string]state{},
		worked: d.worked, probed: d.probed, links: d.links,
	}
}

// absorb takes the changes of a fork. What goes makes room first: a folder may come in
// the place of a link, and the other way round.
func (d *Draft) absorb(fork *Draft) error {
	for _, comes := range []bool{false, true} {
		for _, name := range slices.Sorted(maps.Keys(fork.now)) {
			s := fork.now[name]
			if s.exists != comes {
				continue
			}
			now, err := d.get(name)
			if err == nil && !now.equal(s) {
				err = d.put(name, s)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// known gives the state of a name that was asked for before.
func (d *Draft) known(name string) (state, bool) {
	for ; d != nil; d = d.below {
		if s, known := d.now[name]; known {
			return s, true
		}
	}
	return state{}, false
}

// begin makes what follows one step, for rollback and Before.
func (d *Draft) begin() { d.last = map[string]state{} }

// rollback takes back everything since begin.
func (d *Draft) rollback() {
	for name, s := range d.last {
		d.size += s.text.bytes() - d.now[name].text.bytes()
		d.now[name] = s
	}
	d.begin()
}

// beginMail notes which files a mail renames or removes: another may take the
// place of one before it goes.
func (d *Draft) beginMail(changes []change, r rules) {
	r.probed = d.probed
	d.mail = mailDraft{before: map[string]state{}, placed: map[string]bool{}, leaves: map[string]bool{}, rules: r}
	for _, c := range changes {
		if c.Kind == Rename || c.Kind == Delete {
			d.mail.leaves[c.old] = true
		}
	}
}

// endMail checks what could not be checked before all changes were made.
func (d *Draft) endMail() error {
	for _, c := range d.mail.copies {
		s, err := d.get(c.of)
		if err != nil {
			return err
		}
		if !s.exists || !s.text.equal(c.text) {
			return refuse(c.copy, "it is no copy of "+c.of)
		}
	}
	return nil
}

// get gives the state of a name. What leads over a symbolic link, one that the
// patch makes included, is refused.
func (d *Draft) get(name string) (state, error) {
	if s, known := d.known(name); known && !d.links {
		return s, nil
	}
	if err := tree.CheckName(name); err != nil {
		return state{}, err
	}
	gone := false // a file or link that had this place has made room
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		s, known := d.known(name[:i])
		gone = gone || known && !s.exists
		if known && s.isLink() {
			return state{}, fmt.Errorf("%w: %s lies behind the symbolic link %s, which the patch makes", tree.ErrRefused, name, name[:i])
		} else if known && s.exists {
			return state{}, nil
		}
	}
	if s, known := d.known(name); known {
		return s, nil
	}
	if gone {
		return state{}, nil
	}
	s, err := d.read(name)
	if err != nil {
		return state{}, err
	}
	if d.size+s.text.bytes() > maxDraft {
		return state{}, fmt.Errorf("the patch touches more than %d bytes of files", maxDraft)
	}
	d.size += s.text.bytes()
	d.now[name] = s
	return s, nil
}

// read reads a name from the tree, once.
func (d *Draft) read(name string) (state, error) {
	if s, known := d.disk[name]; known {
		return s.state, nil
	}
	f, err := d.src.Read(name)
	var s onDisk
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.file = f // it knows that nothing was there
	case err != nil:
		return state{}, err
	default:
		s = onDisk{state{exists: true, mode: f.Mode, text: cut(textOf(f.Data))}, f}
		s.file.Data = nil
	}
	d.disk[name] = s
	return s.state, nil
}

// textOf is data as a text, without a copy. Nobody else has the data of a file that
// was just read.
func textOf(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// bytesOf is a text as data, without a copy, for those who only read it.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// base gives the state of a name for a rename or copy from it. Git writes these
// against the tree before the commit, so what another file has taken the place
// of, or, for a copy, what has been changed, counts as it was.
func (d *Draft) base(name string, kind Kind) (state, error) {
	if s, changed := d.mail.before[name]; changed && (kind == Copy || d.mail.placed[name]) {
		return s, nil
	}
	return d.get(name)
}

// set changes the state of a name. placed says that it is another file.
func (d *Draft) set(name string, s state, placed bool) error {
	old, err := d.get(name)
	if err != nil {
		return err
	}
	if _, known := d.mail.before[name]; !known {
		d.mail.before[name] = old
	}
	d.mail.placed[name] = placed
	if d.mail.rules.RemoveEmpty && s.text.len() == 0 && !s.isLink() {
		s = state{}
	}
	return d.put(name, s)
}

// put changes a state and remembers the one from before.
func (d *Draft) put(name string, s state) error {
	old, _ := d.known(name)
	more := s.text.bytes() - old.text.bytes()
	if d.size+more > maxDraft {
		return fmt.Errorf("the patch makes more than %d bytes of files", maxDraft)
	}
	d.size += more
	if _, known := d.last[name]; !known {
		d.last[name] = old
	}
	d.now[name] = s
	d.links = d.links || s.isLink()
	return nil
}

// Read gives a file or link as it is in the draft. The error wraps
// fs.ErrNotExist when there is none, and tree.ErrRefused as that of
// tree.Tree.Read does.
func (d *Draft) Read(name string) (tree.File, error) {
	s, err := d.get(name)
	if err != nil {
		return tree.File{}, err
	}
	if !s.exists {
		return tree.File{}, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return tree.File{Name: name, Mode: s.mode, Data: []byte(s.text.String())}, nil
}

// Write puts a file or link into the draft.
func (d *Draft) Write(f tree.File) error {
	if _, err := d.get(f.Name); err != nil {
		return err
	}
	return d.put(f.Name, state{exists: true, mode: f.Mode, text: cut(string(f.Content()))})
}

// Remove takes a file or link out of the draft.
func (d *Draft) Remove(name string) error {
	if _, err := d.get(name); err != nil {
		return err
	}
	return d.put(name, state{})
}

// Before gives the files that the last patch changed, as they were before it: nil
// for one that was not there. Their content must not be changed.
func (d *Draft) Before() map[string]*tree.File {
	files := map[string]*tree.File{}
	for name, s := range d.last {
		if now, _ := d.known(name); s.equal(now) {
			continue
		}
		files[name] = nil
		if s.exists {
			f := s.file(tree.File{Name: name})
			files[name] = &f
		}
	}
	return files
}

// Same reports whether a name has the same content and kind in both drafts, and
// may be executed in both or in none.
func (d *Draft) Same(other *Draft, name string) (bool, error) {
	a, err := d.get(name)
	if err != nil {
		return false, err
	}
	b, err := other.get(name)
	const told = fs.ModeSymlink | 0o100
	return a.exists == b.exists && a.text.equal(b.text) && a.mode&told == b.mode&told, err
}

// Changed reports whether the draft has something else under a name than the tree.
func (d *Draft) Changed(name string) bool {
	s, _ := d.known(name)
	return !s.equal(d.disk[name].state)
}

// Edit plans to write what has changed. It is for drafts of a *tree.Tree; others can't
// be written, and Edit panics.
func (d *Draft) Edit() *tree.Edit {
	e := d.src.(*tree.Tree).Begin()
	all := map[string]bool{}
	for x := d; x != nil; x = x.below {
		for name := range x.now {
			all[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s, _ := d.known(name)
		old := d.disk[name]
		switch {
		case s.equal(old.state):
		case s.exists:
			old.file.Name = name
			e.Write(s.file(old.file))
		case old.exists:
			e.Expect(old.file)
			e.Remove(name)
		}
	}
	return e
}

// file puts the state into a file, which may be one that was read.
func (s state) file(f tree.File) tree.File {
	f.Mode = s.mode
	if s.isLink() {
		f.Data = bytesOf(s.text.String())
	} else {
		f.Parts = s.text.parts()
	}
	return f
}

// has reports whether a file or link stands under a name. What cannot be looked
// at does not; whoever uses it will be told why.
func (d *Draft) has(name string) bool {
	s, err := d.get(name)
	return err == nil && s.exists
}

// best picks one of two names for a change, as GNU patch does: one that exists,
// then the one with fewer components, the shorter last component, the shorter
// name.
func best(a, b string, exists func(string) bool) string {
	if a == b {
		return a
	}
	for _, measure := range []func(string) int{
		func(s string) int {
			if exists(s) {
				return 0
			}
			return 1
		},
		func(s string) int { return strings.Count(s, "/") },
		func(s string) int { return len(s) - 1 - strings.LastIndexByte(s, '/') },
		func(s string) int { return len(s) },
	} {
		if x, y := measure(a), measure(b); x != y {
			if x < y {
				return a
			}
			return b
		}
	}
	return a
}
