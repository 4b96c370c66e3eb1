package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"srcmend/internal/tree"
)

// An entry is one name in a tree object.
type entry struct {
	name string
	mode filemode.FileMode
	hash plumbing.Hash
}

// fileMode is the entry's mode as that of a file on disk.
func (e entry) fileMode() fs.FileMode {
	switch e.mode {
	case filemode.Dir:
		return fs.ModeDir | 0o755
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Submodule:
		return fs.ModeDir | fs.ModeIrregular
	case filemode.Executable:
		return 0o755
	}
	return 0o644
}

// folder gives the entries of a tree object.
func (r *Repo) folder(hash plumbing.Hash) ([]entry, error) {
	if entries, known := r.trees[hash]; known {
		return entries, nil
	}
	raw, err := r.object(plumbing.TreeObject, hash)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for len(raw) > 0 {
		head, rest, ok := bytes.Cut(raw, []byte{0})
		mode, name, ok2 := strings.Cut(string(head), " ")
		bits, err := strconv.ParseUint(mode, 8, 32)
		if !ok || !ok2 || err != nil || len(rest) < len(hash) {
			return nil, fmt.Errorf("tree %s is damaged, after %d entries", hash, len(entries))
		}
		entries = append(entries, entry{name, filemode.FileMode(bits), plumbing.Hash(rest[:len(hash)])})
		raw = rest[len(hash):]
	}
	if r.entries += len(entries); r.entries > maxEntries {
		clear(r.trees)
		r.entries = len(entries)
	}
	r.trees[hash] = entries
	return entries, nil
}

// find gives the entry of a name, as tree.Tree.Lstat looks at one.
func (c *Commit) find(name string) (entry, error) {
	if err := tree.CheckName(name); err != nil {
		return entry{}, err
	}
	at := entry{name: ".", mode: filemode.Dir, hash: c.tree}
	for component := range strings.SplitSeq(name, "/") {
		switch at.mode {
		case filemode.Dir:
		case filemode.Symlink:
			return entry{}, fmt.Errorf("%w: %s lies behind the symbolic link %s", tree.ErrRefused, name, at.name)
		default:
			return entry{}, notThere(name)
		}
		entries, err := c.r.folder(at.hash)
		if err != nil {
			return entry{}, err
		}
		found := false
		for _, e := range entries {
			if found = e.name == component; found {
				at = entry{path.Join(at.name, component), e.mode, e.hash}
				break
			}
		}
		if !found {
			return entry{}, notThere(name)
		}
	}
	return at, nil
}

func notThere(name string) error {
	return &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrNotExist}
}

// ContentID names what stands under a name: two commits have the same one if they have
// the same file there, "" if there is nothing.
func (c *Commit) ContentID(name string) (string, error) {
	e, err := c.find(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return "", err
	}
	return strconv.FormatUint(uint64(e.mode), 8) + " " + string(e.hash[:]), nil
}

// Read gives a regular file or a symbolic link, with the errors of tree.Tree.Read.
func (c *Commit) Read(name string) (tree.File, error) {
	e, err := c.find(name)
	if err != nil {
		return tree.File{}, err
	}
	mode := e.fileMode()
	if mode.IsDir() {
		return tree.File{}, fmt.Errorf("%w: %s is a folder", tree.ErrRefused, name)
	}
	blob, err := c.r.git.BlobObject(e.hash)
	if err != nil {
		return tree.File{}, lacking(name, err)
	}
	if blob.Size > tree.MaxFile {
		return tree.File{}, fmt.Errorf("%w: %s has %d bytes; the largest file read here has %d", tree.ErrRefused, name, blob.Size, tree.MaxFile)
	}
	reader, err := blob.Reader()
	if err != nil {
		return tree.File{}, err
	}
	defer reader.Close()
	data := make([]byte, blob.Size)
	if _, err := io.ReadFull(reader, data); err != nil {
		return tree.File{}, fmt.Errorf("%s: %w", name, err)
	}
	return tree.File{Name: name, Mode: mode, Data: data}, nil
}

// Lstat looks at a name without following a link, with the errors of tree.Tree.Lstat.
func (c *Commit) Lstat(name string) (fs.FileInfo, error) {
	e, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return info{name: path.Base(name), mode: e.fileMode(), time: c.Time, c: c, hash: e.hash}, nil
}

// Walk calls visit for every file and link of the commit, in git's order, until it
// returns false.
func (c *Commit) Walk(visit func(name string) bool) error {
	_, err := c.walk("", c.tree, 0, visit)
	return err
}

// maxDepth bounds how deep folders lie in each other.
const maxDepth = 128

func (c *Commit) walk(dir string, hash plumbing.Hash, depth int, visit func(name string) bool) (bool, error) {
	if depth > maxDepth {
		return false, fmt.Errorf("commit %s has folders more than %d deep", c.ID, maxDepth)
	}
	entries, err := c.r.folder(hash)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		name := path.Join(dir, e.name)
		more := true
		switch {
		case e.mode == filemode.Dir:
			more, err = c.walk(name, e.hash, depth+1, visit)
		case e.mode != filemode.Submodule:
			more = visit(name)
		}
		if !more || err != nil {
			return false, err
		}
	}
	return true, nil
}

// An info is the fs.FileInfo of Lstat.
type info struct {
	name string
	mode fs.FileMode
	time time.Time
	c    *Commit
	hash plumbing.Hash
}

// Name is the last component.
func (i info) Name() string { return i.name }

// Size is the length in bytes, 0 of a folder.
func (i info) Size() int64 {
	if i.IsDir() {
		return 0
	}
	blob, err := i.c.r.git.BlobObject(i.hash)
	if err != nil {
		return 0
	}
	return blob.Size
}

// Mode is the kind and the permissions.
func (i info) Mode() fs.FileMode { return i.mode }

// ModTime is the time of the commit.
func (i info) ModTime() time.Time { return i.time }

// IsDir reports whether it is a folder.
func (i info) IsDir() bool { return i.mode.IsDir() }

// Sys is nil.
func (i info) Sys() any { return nil }
