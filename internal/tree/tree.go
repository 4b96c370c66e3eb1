// Package tree reads and changes the files of one source tree, and nothing
// outside it.
//
// A source tree comes from strangers, and so do the patches that change it. So
// every name is checked by [CheckName], every access starts at the open folder
// of the tree, and a symbolic link is never followed: not at the end of a name,
// where [Tree.Read] gives the link itself, and not on the way, where it is
// refused.
//
// Changes are made by an [Edit], all of them or none:
//
//	t, err := tree.Open("server-1.0")
//	…
//	f, err := t.Read("src/main.c")
//	…
//	f.Data = patched
//	e := t.Begin()
//	e.Write(f)
//	e.Keep("src/main.c", ".pc/fix/src/main.c")
//	e.Remove("src/unused.c")
//	err = e.Commit()
//
// Commit first checks everything, then writes the new contents and a journal of
// what it will do into one folder at the top of the tree, then swaps old and new
// files, and throws the old ones away at last. When something fails on the way
// it puts back what was changed: contents, modes, times and hard links are those
// from before, because the old file itself was kept aside, not a copy of it. A
// tree that make has worked in depends on the times.
//
// Names are slash-separated and relative to the tree on every system. Errors
// about what this package will not touch wrap [ErrRefused]; a file that is not
// there gives [fs.ErrNotExist]; one that somebody else has changed between Read
// and Commit gives [ErrChanged].
//
// # What survives what
//
// A process killed in the middle of Commit leaves the folder with its journal
// behind. The next [Open], [Tree.Lock] or Commit of that tree, by whichever
// process, finds it and takes the edit back, or, if all files were in place
// already, brings it to its end. The times of folders are the exception: those
// of an edit that is taken back are restored where the system lets us.
//
// A loss of power is another matter. Nothing is flushed to the disk: that would
// cost many times what the edit costs. What was changed in the last half minute
// may be lost, and files may be empty, as with any program that does not flush.
// The journal ends with a checksum, so a torn one is recognised; then Open says
// where the folder lies and changes nothing.
//
// # Several processes
//
// [Tree.Lock] holds off other processes that use this package for a sequence of
// reading, changing and committing. Commit takes the lock by itself if need be.
// Programs that don't know of the lock are not held off. What they change is
// noticed if it was read before, up to the moment in which Commit begins.
//
// # What this package does not do
//
// It does not keep owners: a changed file belongs to whoever runs this process.
// It does not change a tree across file systems: a file below a mount point
// inside the tree cannot be renamed together with the others, and the edit fails
// as a whole.
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// MaxFile is the largest file that is read or written, in bytes. Larger ones
// are refused, so that a patch's memory stays bounded.
const MaxFile = 64 << 20

// A Tree is one folder and what is below it. Several goroutines may read it at
// once; locking and editing is for one at a time.
type Tree struct {
	dir  string
	root *os.Root
	file *os.File // holds the descriptor of top, and with it the lock
	top  folder

	locks    int           // how many unlocks are to come
	lockless bool          // the lock holds off nobody
	patience time.Duration // how long a commit waits for the lock

	gathered []byte // memory for what is written next

	// For tests: what is called before each change, and whether the kernel shall
	// seem to know only the slower ways.
	hook func(op, path string) error
	slow bool
}

// A File is a regular file or a symbolic link.
type File struct {
	// Name is the path in the tree, as CheckName takes it.
	Name string
	// Mode is the permission bits. For a symbolic link fs.ModeSymlink is set.
	Mode fs.FileMode
	// Data is the content, or the target of the link.
	Data []byte
	// Parts, one after the other, are the content in place of Data, for who does not
	// have it in one piece. Read does not set them.
	Parts [][]byte

	// Exact asks Write for exactly the permission bits of Mode, be they none.
	// Read does not set it.
	Exact bool
	// ModTime asks Write for this time of the last change; zero is now. Read
	// does not set it: a changed file must look new to make.
	ModTime time.Time

	seen seen
}

// A seen is what Read saw, and under which name: a File may be written under
// another one.
type seen struct {
	name string // empty if the File is not from Read
	as   sight
}

// isSeen reports whether the file is from Read, and still has its name.
func (f File) isSeen() bool { return f.seen.name != "" && f.seen.name == f.Name }

// Size is how many bytes the content has.
func (f File) Size() int {
	n := 0
	for _, part := range f.parts() {
		n += len(part)
	}
	return n
}

// Content is the content, in whichever way it is given, in one piece.
func (f File) Content() []byte {
	if f.Parts == nil {
		return f.Data
	}
	return bytes.Join(f.Parts, nil)
}

// parts is the content, in whichever way it is given.
func (f File) parts() [][]byte {
	if f.Parts == nil {
		return [][]byte{f.Data}
	}
	return f.Parts
}

// IsLink reports whether the file is a symbolic link.
func (f File) IsLink() bool { return f.Mode&fs.ModeSymlink != 0 }

// Open opens the folder dir, which must be there. A link at dir itself is
// followed, since the caller has named it. If an edit of this tree was cut
// short, its leftovers are cleared away first; see the package comment. If another
// process has the lock, it may be about to change the tree, and nothing is cleared
// away before Lock or Commit.
func Open(dir string) (*Tree, error) { return open(dir, lockWait) }

func open(dir string, patience time.Duration) (*Tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("source tree %s: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("source tree: %w", err)
	}
	file, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("source tree: %w", err), root.Close())
	}
	t := &Tree{dir: abs, root: root, file: file, patience: patience}
	t.top = folder{fd: int(file.Fd()), t: t}
	if err := t.mend(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close gives the tree's handles back, and the lock with them. Edits that are
// not committed are lost.
func (t *Tree) Close() error {
	t.top.fd = -1 // the number may soon be another file's
	_ = t.file.Close()
	return t.root.Close()
}

// Dir is the tree's absolute path.
func (t *Tree) Dir() string { return t.dir }

// Root is the open folder, for packages that read the tree by other means. It
// follows links inside the tree, which Read does not.
func (t *Tree) Root() *os.Root { return t.root }

// Read gives a regular file or a symbolic link. The error wraps fs.ErrNotExist
// when nothing is there, and ErrRefused when the name is not one for CheckName,
// a folder on the way is a link, something else than a file or link is there,
// or the file is larger than MaxFile.
//
// The File remembers what was seen, so that Edit.Write and Edit.Expect can tell
// whether it was changed since; the one that comes with fs.ErrNotExist remembers
// that nothing was there.
func (t *Tree) Read(name string) (File, error) {
	if err := CheckName(name); err != nil {
		return File{}, err
	}
	if f, ok := t.readQuickly(name); ok {
		return f, nil
	}
	d, base, err := t.parent(name)
	if err != nil {
		return missing(name, err), err
	}
	defer d.close()
	i, err := d.look(base)
	if err != nil {
		return missing(name, err), err
	}
	f := File{Name: name, Mode: i.Mode().Perm(), seen: seen{name, i.sight()}}
	switch {
	case i.isLink():
		f.Mode = fs.ModeSymlink | fs.ModePerm
		f.Data, err = d.target(base)
	case !i.isFile():
		err = refuseKind(name, i.Mode())
	case i.Size() > MaxFile:
		err = fmt.Errorf("%w: %s has %d bytes; the largest file read here has %d", ErrRefused, name, i.Size(), MaxFile)
	default:
		f.Data, err = d.read(base, i)
	}
	if len(f.Data) > MaxFile {
		err = fmt.Errorf("%w: %s grew beyond %d bytes while it was read", ErrRefused, name, MaxFile)
	}
	if err != nil {
		return File{}, err
	}
	return f, nil
}

// readQuickly reads a regular file by one walk along its path. All the rest, and
// finding out what is wrong, is left to the slower way.
func (t *Tree) readQuickly(name string) (File, bool) {
	fd, err := t.openBelow(name, fileFlags)
	if err != nil {
		return File{}, false
	}
	defer unix.Close(fd)
	var i info
	if unix.Fstat(fd, &i.stat) != nil || !i.isFile() || i.Size() > MaxFile {
		return File{}, false
	}
	data, err := readAll(fd, int(i.Size()))
	return File{Name: name, Mode: i.Mode().Perm(), Data: data, seen: seen{name, i.sight()}}, err == nil && len(data) <= MaxFile
}

// openBelow opens what can be reached without following links, if the kernel can
// do so by itself.
func (t *Tree) openBelow(name string, flags uint64) (int, error) {
	if t.slow {
		return -1, unix.ENOSYS
	}
	return openBelow(t.top.fd, name, flags)
}

// missing is what Read gives beside fs.ErrNotExist.
func missing(name string, err error) File {
	if !errors.Is(err, fs.ErrNotExist) {
		return File{}
	}
	return File{Name: name, seen: seen{name: name}}
}

// Lstat looks at name without following a link, neither at its end nor on the
// way to it. A file where a folder should be means that name is not there. The
// error wraps fs.ErrNotExist or ErrRefused as that of Read does.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	i, err := t.look(name)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// look says what stands under a name that was checked.
func (t *Tree) look(name string) (info, error) {
	d, base, err := t.parent(name)
	if err != nil {
		return info{}, err
	}
	defer d.close()
	return d.look(base)
}

// parent opens the folder that name lies in, and gives the last component.
func (t *Tree) parent(name string) (folder, string, error) {
	slash := strings.LastIndexByte(name, '/')
	if slash < 0 {
		return t.top, name, nil
	}
	dir, base := name[:slash], name[slash+1:]
	fd, err := t.openBelow(dir, folderFlags)
	if err == nil {
		return folder{fd: fd, path: dir, t: t}, base, nil
	}
	d, err := t.walk(name, dir)
	return d, base, err
}

// walk opens the folder dir, one component after the other, and says what is
// wrong with the one that can't be opened.
func (t *Tree) walk(name, dir string) (folder, error) {
	at := t.top
	for component := range strings.SplitSeq(dir, "/") {
		next, err := at.open(component)
		if err != nil {
			err = at.astray(name, component, err)
		}
		at.close()
		if err != nil {
			return folder{}, err
		}
		at = next
	}
	return at, nil
}

// astray describes why a folder in d, on the way to name, cannot be opened.
func (d folder) astray(name, component string, err error) error {
	i, fallen := d.look(component)
	switch {
	case fallen != nil || i.IsDir():
		return err
	case i.isLink():
		return refuseLink(name, d.join(component))
	default:
		return &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
	}
}
