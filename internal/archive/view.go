package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"srcmend/internal/tree"
)

// A View is the source tree that Unpack would make of an archive, with the contents
// of some of its files. It is made by Look, and does not change. Several goroutines
// may use it at once.
//
// Read and Lstat do what those of tree.Tree do, with the same errors.
type View struct {
	nodes map[string]*node // by their names in the archive; "." is its root
	top   string           // what begins the name of all that is in the tree: "", or a folder and a slash
	names []string         // of files and links in the tree, sorted
	want  func(name string) bool
}

// A node is what stands under a name, or, for hard links, under several.
type node struct {
	mode  fs.FileMode // of a file, a folder or a symbolic link
	size  int64       // in bytes
	mtime time.Time   // zero when the archive has none
	data  []byte      // the target of a link; the content of a file
	kept  bool        // data is there
	entry int         // the entry of the archive that the content comes with
}

// Read gives a regular file or a symbolic link. The error wraps fs.ErrNotExist when
// nothing is there, and tree.ErrRefused when the name is not one for tree.CheckName,
// a folder on the way is a link, a folder is there, or the file is larger than
// tree.MaxFile. To ask for the content of a file that Look was not told to keep is a
// mistake of the caller, and an error of no such kind.
//
// The File is the caller's to change.
func (v *View) Read(name string) (tree.File, error) {
	n, err := v.find(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return tree.File{Name: name}, err
	case err != nil:
		return tree.File{}, err
	case n.mode.IsDir():
		return tree.File{}, fmt.Errorf("%w: %s is neither a file nor a link (%s)", tree.ErrRefused, name, n.mode.Type())
	case n.size > tree.MaxFile:
		return tree.File{}, fmt.Errorf("%w: %s has %d bytes; the largest file read here has %d", tree.ErrRefused, name, n.size, tree.MaxFile)
	case !n.kept || n.mode.IsRegular() && !v.want(name):
		return tree.File{}, fmt.Errorf("the content of %s was not asked for when the archive was read", name)
	}
	return tree.File{Name: name, Mode: n.mode, Data: bytes.Clone(n.data)}, nil
}

// Lstat looks at name without following a link. The error wraps fs.ErrNotExist or
// tree.ErrRefused as that of Read does. What the archive does not tell is zero: the
// time of a folder that is only part of a name, the size of any folder.
func (v *View) Lstat(name string) (fs.FileInfo, error) {
	n, err := v.find(name)
	if err != nil {
		return nil, err
	}
	return nodeInfo{path.Base(name), n}, nil
}

// Names gives the names of all files and links that tree.CheckName takes, sorted.
func (v *View) Names() iter.Seq[string] { return slices.Values(v.names) }

// find gives what stands under a name. No node lies below anything but folders, so
// what is on the way matters only when there is none.
func (v *View) find(name string) (*node, error) {
	if err := tree.CheckName(name); err != nil {
		return nil, err
	}
	if n := v.nodes[v.top+name]; n != nil {
		return n, nil
	}
	for i := range len(name) {
		if name[i] != '/' {
			continue
		}
		if n := v.nodes[v.top+name[:i]]; n != nil && n.mode&fs.ModeSymlink != 0 {
			return nil, fmt.Errorf("%w: %s lies behind the symbolic link %s", tree.ErrRefused, name, name[:i])
		}
	}
	return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
}

// settle is called when all nodes are there. It leaves the folder top out, and gives
// the files by their entries whose content is wanted and not there: second names of
// files that nobody wanted under the first.
func (v *View) settle(top string) map[int]*node {
	if top != "" {
		v.top = top + "/"
	}
	missing := map[int]*node{}
	for name, n := range v.nodes {
		name, ok := strings.CutPrefix(name, v.top)
		if !ok || n.mode.IsDir() || tree.CheckName(name) != nil {
			continue
		}
		v.names = append(v.names, name)
		if !n.kept && n.size <= tree.MaxFile && v.want(name) {
			missing[n.entry] = n
		}
	}
	slices.Sort(v.names)
	return missing
}

// A nodeInfo is the fs.FileInfo of a node.
type nodeInfo struct {
	name string
	n    *node
}

// Name is the last component.
func (i nodeInfo) Name() string { return i.name }

// Size is the length of a file's content or of a link's target, in bytes.
func (i nodeInfo) Size() int64 { return i.n.size }

// Mode is the kind and the permissions.
func (i nodeInfo) Mode() fs.FileMode { return i.n.mode }

// ModTime is the time that the archive tells.
func (i nodeInfo) ModTime() time.Time { return i.n.mtime }

// IsDir reports whether it is a folder.
func (i nodeInfo) IsDir() bool { return i.n.mode.IsDir() }

// Sys has nothing to give.
func (i nodeInfo) Sys() any { return nil }
