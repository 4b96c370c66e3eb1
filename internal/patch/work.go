package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"srcmend/internal/tree"
)

// maxWork bounds the contents held in memory for one patch, in bytes.
const maxWork = 512 << 20

// A state is what stands under a name: nothing, a file, or a link with its target
// as text.
type state struct {
	exists bool
	mode   fs.FileMode
	text   string
}

// isLink reports whether the state is a symbolic link.
func (s state) isLink() bool { return s.mode&fs.ModeSymlink != 0 }

// A work holds the files a patch touches, as they are after the changes made so
// far. Nothing of it is in the tree before commit.
type work struct {
	t    *tree.Tree
	disk map[string]state // as the tree has them
	now  map[string]state
	size int

	// Of the mail at hand:
	before map[string]state // what changed names had at its beginning
	placed map[string]bool  // names that got another file, rather than a changed one
	leaves map[string]bool  // names of files that this mail renames or removes
	copies []copied         // what must hold in the end
}

// A copied says that a file which is gone was a copy of another.
type copied struct {
	of, copy string // names
	text     string // what the other should have
}

// newWork begins with the tree as it is.
func newWork(t *tree.Tree) *work {
	return &work{t: t, disk: map[string]state{}, now: map[string]state{}}
}

// fork gives a copy that can be changed without changing w. Both read the tree
// for each other.
func (w *work) fork() *work {
	return &work{t: w.t, disk: w.disk, now: maps.Clone(w.now), size: w.size}
}

// beginMail notes which files a mail renames or removes: another may take the
// place of one before it goes.
func (w *work) beginMail(changes []change) {
	w.before, w.placed, w.leaves, w.copies = map[string]state{}, map[string]bool{}, map[string]bool{}, nil
	for _, c := range changes {
		if c.Kind == Rename || c.Kind == Delete {
			w.leaves[c.old] = true
		}
	}
}

// endMail checks what could not be checked before all changes were made.
func (w *work) endMail() error {
	for _, c := range w.copies {
		s, err := w.get(c.of)
		if err != nil {
			return err
		}
		if !s.exists || s.text != c.text {
			return refuse(c.copy, "it is no copy of "+c.of)
		}
	}
	return nil
}

// get gives the state of a name. What leads over a symbolic link, one that the
// patch makes included, is refused.
func (w *work) get(name string) (state, error) {
	if err := tree.CheckName(name); err != nil {
		return state{}, err
	}
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		if s, known := w.now[name[:i]]; known && s.isLink() {
			return state{}, fmt.Errorf("%w: %s lies behind the symbolic link %s, which the patch makes", tree.ErrRefused, name, name[:i])
		} else if known && s.exists {
			return state{}, nil
		}
	}
	if s, known := w.now[name]; known {
		return s, nil
	}
	s, err := w.onDisk(name)
	if err != nil {
		return state{}, err
	}
	if w.size += len(s.text); w.size > maxWork {
		return state{}, fmt.Errorf("the patch touches more than %d bytes of files", maxWork)
	}
	w.now[name] = s
	return s, nil
}

// onDisk reads a name from the tree, once.
func (w *work) onDisk(name string) (state, error) {
	if s, known := w.disk[name]; known {
		return s, nil
	}
	f, err := w.t.Read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.disk[name] = state{}
	case err != nil:
		return state{}, err
	default:
		w.disk[name] = state{exists: true, mode: f.Mode, text: string(f.Data)}
	}
	return w.disk[name], nil
}

// base gives the state of a name for a rename or copy from it. Git writes these
// against the tree before the commit, so what another file has taken the place
// of, or, for a copy, what has been changed, counts as it was.
func (w *work) base(name string, kind Kind) (state, error) {
	if s, changed := w.before[name]; changed && (kind == Copy || w.placed[name]) {
		return s, nil
	}
	return w.get(name)
}

// set changes the state of a name. placed says that it is another file.
func (w *work) set(name string, s state, placed bool) error {
	old, err := w.get(name)
	if err != nil {
		return err
	}
	if _, known := w.before[name]; !known {
		w.before[name] = old
	}
	w.placed[name] = placed
	if w.size += len(s.text) - len(old.text); w.size > maxWork {
		return fmt.Errorf("the patch makes more than %d bytes of files", maxWork)
	}
	w.now[name] = s
	return nil
}

// edit plans what has changed.
func (w *work) edit() *tree.Edit {
	e := w.t.Begin()
	for _, name := range slices.Sorted(maps.Keys(w.now)) {
		s, old := w.now[name], w.disk[name]
		switch {
		case s == old:
		case s.exists:
			e.Write(tree.File{Name: name, Mode: s.mode, Data: []byte(s.text)})
		default:
			e.Remove(name)
		}
	}
	return e
}

// has reports whether a file or link stands under a name in the tree. What cannot
// be looked at does not; whoever uses it will be told why.
func has(t *tree.Tree, name string) bool {
	info, err := t.Lstat(name)
	return err == nil && !info.IsDir()
}

// best picks one of two names for a change, as GNU patch does: one that exists,
// then the one with fewer components, the shorter last component, the shorter
// name.
func best(a, b string, exists func(string) bool) string {
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
