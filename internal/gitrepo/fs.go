package gitrepo

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// FS is the commit as a file system, for reading; of a link there is only the name.
func (c *Commit) FS(below string) fs.FS { return commitFS{c, below} }

type commitFS struct {
	c     *Commit
	below string
}

func (f commitFS) name(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return path.Join(f.below, name), nil
}

// Open implements [fs.FS]. A folder can only be listed.
func (f commitFS) Open(name string) (fs.File, error) {
	full, err := f.name("open", name)
	if err != nil {
		return nil, err
	}
	file, err := f.c.Read(full)
	if err != nil {
		return nil, err
	}
	is, err := f.c.Lstat(full)
	return &openFile{bytes.NewReader(file.Data), is}, err
}

// An openFile is a file of a commit.
type openFile struct {
	*bytes.Reader
	info fs.FileInfo
}

// Stat implements [fs.File].
func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close implements [fs.File].
func (f *openFile) Close() error { return nil }

// Stat implements [fs.StatFS].
func (f commitFS) Stat(name string) (fs.FileInfo, error) {
	full, err := f.name("stat", name)
	if err != nil {
		return nil, err
	}
	return f.c.Lstat(full)
}

// ReadDir implements [fs.ReadDirFS].
func (f commitFS) ReadDir(name string) ([]fs.DirEntry, error) {
	full, err := f.name("readdir", name)
	if err != nil {
		return nil, err
	}
	at := entry{mode: filemode.Dir, hash: f.c.tree}
	if full != "." {
		if at, err = f.c.find(full); err != nil {
			return nil, err
		}
	}
	if at.mode != filemode.Dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	entries, err := f.c.r.folder(at.hash)
	var all []fs.DirEntry
	for _, e := range entries {
		all = append(all, fs.FileInfoToDirEntry(info{name: e.name, mode: e.fileMode(), time: f.c.Time, c: f.c, hash: e.hash}))
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, err
}
