// Package tree reads and changes the files of one source tree, and nothing
// outside it.
//
// A source tree comes from strangers, and so do the patches that change it. So
// every access goes through [os.Root], every name is checked by [CheckName]
// first, and a symbolic link is never followed: not at the end of a name, where
// [Tree.Read] gives the link itself, and not on the way, where it is refused.
//
// Changes are made by an [Edit], all of them or none:
//
//	t, err := tree.Open("server-1.0")
//	…
//	e := t.Begin()
//	e.Write(tree.File{Name: "src/main.c", Data: patched})
//	e.Remove("src/unused.c")
//	err = e.Commit()
//
// Commit first checks everything, then writes the new contents into temporary
// files beside their targets, and renames at last. When a rename fails it puts
// back what was renamed: contents, modes, times and hard links are those from
// before, because the old file itself was kept aside, not a copy of it. A tree
// that make has worked in depends on the times.
//
// Names are slash-separated and relative to the tree on every system. Errors
// about what this package will not touch wrap [ErrRefused]; a file that is not
// there gives [fs.ErrNotExist].
//
// # What this package does not do
//
// It does not lock: two processes that change one tree at once get in each
// other's way, though neither leaves it. It does not survive a kill in the
// middle of Commit without a trace: the files kept aside stay under names that
// begin with [TempPrefix], and the next edit of the same files says so and
// stops. It does not keep owners: a changed file belongs to whoever runs this
// process.
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MaxFile is the largest file that is read or written, in bytes. Larger ones
// are refused, so that a patch's memory stays bounded.
const MaxFile = 64 << 20

// MaxLink is the longest target of a symbolic link, in bytes.
const MaxLink = 4095

// ErrRefused is wrapped by errors about a name, a link or a kind of file that
// is not touched whatever the reason for asking.
var ErrRefused = errors.New("refused")

// A Tree is one folder and what is below it.
type Tree struct {
	dir  string
	root *os.Root
}

// A File is a regular file or a symbolic link.
type File struct {
	// Name is the path in the tree, as CheckName takes it.
	Name string
	// Mode is the permission bits. For a symbolic link fs.ModeSymlink is set.
	Mode fs.FileMode
	// Data is the content, or the target of the link.
	Data []byte
}

// IsLink reports whether the file is a symbolic link.
func (f File) IsLink() bool { return f.Mode&fs.ModeSymlink != 0 }

// Open opens the folder dir, which must be there. A link at dir itself is
// followed, since the caller has named it.
func Open(dir string) (*Tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("source tree %s: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("source tree: %w", err)
	}
	return &Tree{dir: abs, root: root}, nil
}

// Close gives the tree's handle back. Edits that are not committed are lost.
func (t *Tree) Close() error { return t.root.Close() }

// Dir is the tree's absolute path.
func (t *Tree) Dir() string { return t.dir }

// Root is the open folder, for packages that read the tree by other means. It
// follows links inside the tree, which Read does not.
func (t *Tree) Root() *os.Root { return t.root }

// CheckName says whether name may be read and written: components between
// single slashes, none of them empty, "." or ".."; no control character; no
// component that is ".git" in any letter case, since a hook there would be run;
// and none that begins with TempPrefix. An error wraps ErrRefused.
func CheckName(name string) error {
	refuse := func(why string) error { return fmt.Errorf("%w: file name %q: %s", ErrRefused, name, why) }
	switch {
	case name == "":
		return refuse("it is empty")
	case name[0] == '/':
		return refuse("it is absolute")
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] == 0x7f {
			return refuse("it has a control character")
		}
	}
	for component := range strings.SplitSeq(name, "/") {
		switch {
		case component == "" || component == ".":
			return refuse("it is not in its shortest form")
		case component == "..":
			return refuse("it leads upwards")
		case strings.EqualFold(component, ".git"):
			return refuse("it belongs to git")
		case strings.HasPrefix(component, TempPrefix):
			return refuse("such names are for files that are just being changed")
		}
	}
	return nil
}

// Read gives a regular file or a symbolic link. The error wraps fs.ErrNotExist
// when nothing is there, and ErrRefused when the name is not one for CheckName,
// a folder on the way is a link, something else than a file or link is there,
// or the file is larger than MaxFile.
func (t *Tree) Read(name string) (File, error) {
	info, err := t.Lstat(name)
	if err != nil {
		return File{}, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := t.root.Readlink(name)
		if err != nil {
			return File{}, err
		}
		return File{Name: name, Mode: fs.ModeSymlink | 0o777, Data: []byte(target)}, nil
	}
	if !info.Mode().IsRegular() {
		return File{}, refuseKind(name, info)
	}
	data, err := t.readRegular(name, info)
	if err != nil {
		return File{}, err
	}
	return File{Name: name, Mode: info.Mode().Perm(), Data: data}, nil
}

// readRegular reads the file that was seen as info, and no other that may
// have come in its place.
func (t *Tree) readRegular(name string, info fs.FileInfo) ([]byte, error) {
	if info.Size() > MaxFile {
		return nil, fmt.Errorf("%w: %s has %d bytes; the largest file read here has %d", ErrRefused, name, info.Size(), MaxFile)
	}
	f, err := t.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		return nil, fmt.Errorf("%s changed while it was opened: %w", name, errors.Join(err, fs.ErrInvalid))
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(f, MaxFile+1)); err != nil {
		return nil, err
	}
	if data.Len() > MaxFile {
		return nil, fmt.Errorf("%w: %s grew beyond %d bytes while it was read", ErrRefused, name, MaxFile)
	}
	return data.Bytes(), nil
}

// Lstat looks at name without following a link, neither at its end nor on the
// way to it. A file where a folder should be means that name is not there. The
// error wraps fs.ErrNotExist or ErrRefused as that of Read does.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	for _, folder := range parents(name) {
		info, err := t.root.Lstat(folder)
		switch {
		case err != nil:
			return nil, err
		case info.Mode()&fs.ModeSymlink != 0:
			return nil, refuseLink(name, folder)
		case !info.IsDir():
			return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
		}
	}
	return t.root.Lstat(name)
}

// parents lists the folders on the way to name, the outermost first.
func parents(name string) []string {
	var folders []string
	for i := range len(name) {
		if name[i] == '/' {
			folders = append(folders, name[:i])
		}
	}
	return folders
}

func refuseKind(name string, info fs.FileInfo) error {
	return fmt.Errorf("%w: %s is neither a file nor a link (%s)", ErrRefused, name, info.Mode().Type())
}

func refuseLink(name, link string) error {
	return fmt.Errorf("%w: %s lies behind the symbolic link %s", ErrRefused, name, link)
}

// CheckLink says whether a symbolic link at name may lead to target: the target
// is relative and, read as text, stays in the tree. An error wraps ErrRefused.
func CheckLink(name, target string) error {
	refuse := func(why string) error {
		return fmt.Errorf("%w: symbolic link %q to %q: %s", ErrRefused, name, target, why)
	}
	switch {
	case target == "" || len(target) > MaxLink:
		return refuse("its target has no bytes or too many")
	case strings.ContainsRune(target, 0):
		return refuse("its target has a NUL byte")
	case target[0] == '/':
		return refuse("its target is absolute")
	}
	depth := strings.Count(name, "/")
	for component := range strings.SplitSeq(target, "/") {
		switch component {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return refuse("its target is outside the tree")
			}
		default:
			depth++
		}
	}
	return nil
}
