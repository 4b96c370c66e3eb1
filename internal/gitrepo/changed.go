package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Around gives the top of the work tree that a folder is in. The error wraps
// [gogit.ErrRepositoryNotExists] if it is in none.
func Around(dir string) (top string, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", err
	}
	for at := abs; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, gogit.GitDirName)); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is in no git work tree: %w", dir, gogit.ErrRepositoryNotExists)
		}
	}
}

// Fork gives the commit that the work tree and a revision have come from: a branch may have
// gone on since. Where that is not known, as in a shallow clone, it is the revision itself.
func (r *Repo) Fork(rev string) (*Commit, error) {
	hash, err := r.git.ResolveRevision(plumbing.Revision(rev))
	if err != nil {
		return nil, fmt.Errorf("revision %s of %s: %w", rev, r.dir, err)
	}
	head, err := r.git.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) || err == nil && head.Hash() == *hash {
		return r.Commit(hash.String())
	}
	if err != nil {
		return nil, fmt.Errorf("the commit of the work tree %s: %w", r.dir, err)
	}
	ours, err := r.git.CommitObject(head.Hash())
	if err != nil {
		return nil, lacking("the commit of the work tree "+r.dir, err)
	}
	theirs, err := r.git.CommitObject(*hash)
	if err != nil {
		return nil, lacking("revision "+rev, err)
	}
	bases, err := ours.MergeBase(theirs)
	if err == nil && len(bases) > 0 {
		return r.Commit(bases[0].Hash.String())
	}
	return r.Commit(hash.String())
}

// Changed lists the files below some folders of the work tree, of which the names begin at its
// top, that are not what they are in a commit: changed, new, or gone; whether or not git has
// been told. A file that was not touched since git looked at it last is not read.
func (c *Commit) Changed(ctx context.Context, folders ...string) ([]string, error) {
	idx, err := c.r.git.Storer.Index()
	if err != nil {
		return nil, fmt.Errorf("the index of %s: %w", c.r.dir, err)
	}
	written := time.Time{}
	if info, err := c.r.storage.Filesystem().Stat("index"); err == nil {
		written = info.ModTime()
	}
	h := held{commit: c, index: map[string]*index.Entry{}, trees: remembered(idx), same: map[string]bool{}, base: map[string]plumbing.Hash{}, written: written}
	for _, e := range idx.Entries {
		h.index[e.Name] = e
	}
	changed := map[string]bool{}
	for i, folder := range folders {
		folder = path.Clean(filepath.ToSlash(folder))
		if slices.ContainsFunc(folders[:i], func(before string) bool {
			return before == "." || folder == before || strings.HasPrefix(folder, before+"/")
		}) {
			continue // it was looked through
		}
		if err := h.below(folder); err != nil {
			return nil, err
		}
		if err := h.disk(ctx, folder, changed); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(changed)), nil
}

// held is a commit held against the index.
type held struct {
	commit  *Commit
	index   map[string]*index.Entry
	written time.Time                // the index; what was changed at that time or later may have been since
	trees   map[string]plumbing.Hash // of folders, as the index knows them
	same    map[string]bool          // folders in which the index has what the commit has
	base    map[string]plumbing.Hash // the files of the commit in other folders
}

// remembered gives the trees that the index remembers, by the names of the folders.
func remembered(idx *index.Index) map[string]plumbing.Hash {
	all := map[string]plumbing.Hash{}
	if idx.Cache == nil {
		return all
	}
	entries := idx.Cache.Entries
	var read func(at string)
	read = func(at string) {
		e := entries[0]
		entries = entries[1:]
		at = path.Join(at, e.Path)
		if e.Entries >= 0 {
			all[at] = e.Hash
		}
		for range e.Trees {
			if len(entries) == 0 {
				return
			}
			read(at)
		}
	}
	if len(entries) > 0 {
		read("")
	}
	return all
}

// below reads what the commit has in a folder, as far as the index does not have the same.
func (h *held) below(folder string) error {
	top := entry{mode: filemode.Dir, hash: h.commit.tree}
	if folder != "." {
		found, err := h.commit.find(folder)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		top = found
	}
	if top.mode != filemode.Dir {
		h.base[folder] = top.hash
		return nil
	}
	return h.read(strings.TrimPrefix(folder, "."), top.hash, 0)
}

func (h *held) read(dir string, hash plumbing.Hash, depth int) error {
	if cached, known := h.trees[dir]; known && cached == hash {
		h.same[dir] = true
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("commit %s has folders more than %d deep", h.commit.ID, maxDepth)
	}
	entries, err := h.commit.r.folder(hash)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.name)
		switch e.mode {
		case filemode.Dir:
			err = h.read(name, e.hash, depth+1)
		case filemode.Submodule:
		default:
			h.base[name] = e.hash
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// in reports whether the index has the same as the commit in the folder of a file.
func (h *held) in(name string) bool {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if dir == "." {
			return h.same[""]
		}
		if h.same[dir] {
			return true
		}
	}
}

// was is the file of the commit, by its hash; the zero one if there was none.
func (h *held) was(name string) plumbing.Hash {
	if hash, known := h.base[name]; known || !h.in(name) {
		return hash
	}
	if e := h.index[name]; e != nil {
		return e.Hash
	}
	return plumbing.ZeroHash
}

// disk notes the files of a folder of the work tree that are others now.
func (h *held) disk(ctx context.Context, folder string, changed map[string]bool) error {
	seen := map[string]bool{}
	root := filepath.Join(h.commit.r.dir, filepath.FromSlash(folder))
	err := filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return errors.Join(err, ctx.Err())
		}
		if d.IsDir() {
			if d.Name() == gogit.GitDirName {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(h.commit.r.dir, at)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		seen[name] = true
		is, err := h.now(at, name, d)
		if err != nil {
			return err
		}
		if is != h.was(name) {
			changed[name] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking for what has changed: %w", err)
	}
	gone := func(name string) {
		if !seen[name] && (folder == "." || name == folder || strings.HasPrefix(name, folder+"/")) && h.was(name) != plumbing.ZeroHash {
			changed[name] = true
		}
	}
	for name := range h.base {
		gone(name)
	}
	for name := range h.index {
		gone(name)
	}
	return nil
}

// now is a file of the work tree, by its hash.
func (h *held) now(at, name string, d fs.DirEntry) (plumbing.Hash, error) {
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	e := h.index[name]
	if e != nil && info.Size() == int64(e.Size) && info.ModTime().Equal(e.ModifiedAt) && info.ModTime().Before(h.written) {
		return e.Hash, nil
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(at)
		return plumbing.ComputeHash(plumbing.BlobObject, []byte(to)), err
	}
	if !info.Mode().IsRegular() {
		return plumbing.ZeroHash, nil
	}
	text, err := os.ReadFile(at)
	return plumbing.ComputeHash(plumbing.BlobObject, text), err
}
