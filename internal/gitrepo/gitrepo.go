// Package gitrepo reads a local git repository, without a work tree and without a git
// program.
//
// A commit is a source tree: it gives the files that it has, one by one, and nothing
// is checked out. Tags are how upstreams name their releases:
//
//	repo, err := gitrepo.Open("server.git")
//	…
//	defer repo.Close()
//	c, err := repo.Tag("v1.0")
//	…
//	f, err := c.Read("src/main.c")
//
// Any repository that git made can be opened: a bare one, the folder of a work tree, a
// linked work tree, one that borrows objects. Of a shallow or partial clone it reads
// what is there, and says what is not. It writes nothing.
//
// Names and contents come from strangers. They are checked as those of a source tree
// on disk are, by package tree, and errors are alike.
package gitrepo

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	// largeObject is the size from which on a file is not read into memory as a
	// whole by go-git, in bytes.
	largeObject = 1 << 20
	// maxObject bounds a tree or commit object, in bytes.
	maxObject = 64 << 20
	// maxEntries bounds the entries of trees that are remembered.
	maxEntries = 400_000
	// cached is how many bytes of objects go-git remembers.
	cached = 16 << 20
)

// ErrNotHere is wrapped by errors about an object that the repository lacks, as
// shallow and partial clones do.
var ErrNotHere = errors.New("the repository lacks an object, as a shallow or partial clone does")

// ErrNoCommit is wrapped by errors about a tag of something else than a commit.
var ErrNoCommit = errors.New("does not lead to a commit")

// A Repo is an open repository. It is not safe for use by several goroutines.
type Repo struct {
	dir     string
	git     *gogit.Repository
	storage *filesystem.Storage
	commits map[plumbing.Hash]*Commit
	trees   map[plumbing.Hash][]entry
	entries int // in trees
}

// Open opens the repository at dir.
func Open(dir string) (*Repo, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	plain, err := gogit.PlainOpenWithOptions(abs, &gogit.PlainOpenOptions{EnableDotGitCommonDir: true})
	if err != nil {
		return nil, fmt.Errorf("git repository %s: %w", dir, err)
	}
	found, ok := plain.Storer.(*filesystem.Storage)
	if !ok {
		return nil, fmt.Errorf("git repository %s: its objects are not in files", dir)
	}
	storage := filesystem.NewStorageWithOptions(found.Filesystem(), cache.NewObjectLRU(cached),
		filesystem.Options{AlternatesFS: osfs.New("/"), LargeObjectThreshold: largeObject, KeepDescriptors: true})
	git, err := gogit.Open(storage, nil)
	if err != nil {
		return nil, fmt.Errorf("git repository %s: %w", dir, err)
	}
	return &Repo{dir: dir, git: git, storage: storage, commits: map[plumbing.Hash]*Commit{}, trees: map[plumbing.Hash][]entry{}}, nil
}

// Close gives the open files back.
func (r *Repo) Close() error { return r.storage.Close() }

// Dir is the name by which the repository was opened.
func (r *Repo) Dir() string { return r.dir }

// Git is the repository as go-git has it.
func (r *Repo) Git() *gogit.Repository { return r.git }

// Tags lists the names of all tags, sorted.
func (r *Repo) Tags() ([]string, error) {
	refs, err := r.git.Tags()
	if err != nil {
		return nil, err
	}
	var names []string
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		names = append(names, ref.Name().Short())
		return nil
	})
	slices.Sort(names)
	return names, err
}

// Tag gives the commit that a tag means, through annotated tags and tags of tags.
// The error equals fs.ErrNotExist when there is no such tag.
func (r *Repo) Tag(name string) (*Commit, error) {
	commit, err := Tagged(r.git, name)
	if err != nil {
		return nil, fmt.Errorf("tag %s: %w", name, err)
	}
	return r.Commit(commit.Hash.String())
}

// Tagged gives the commit that a tag of a repository means.
func Tagged(git *gogit.Repository, name string) (*object.Commit, error) {
	ref, err := git.Reference(plumbing.NewTagReferenceName(name), true)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, &noTagError{}
	}
	if err != nil {
		return nil, err
	}
	hash := ref.Hash()
	for range 8 {
		tag, err := git.TagObject(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			break // not a tag object, so it should be a commit
		}
		if err != nil {
			return nil, err
		}
		hash = tag.Target
	}
	commit, err := git.CommitObject(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, ErrNoCommit
	}
	return commit, err
}

// A noTagError says that there is no such tag. It equals fs.ErrNotExist.
type noTagError struct{}

func (*noTagError) Error() string { return "there is no such tag" }

func (*noTagError) Is(target error) bool { return target == fs.ErrNotExist }

// Commit gives a commit by its full id, 40 hex digits.
func (r *Repo) Commit(id string) (*Commit, error) {
	hash := plumbing.NewHash(id)
	if c := r.commits[hash]; c != nil {
		return c, nil
	}
	found, err := r.git.CommitObject(hash)
	if err != nil {
		return nil, lacking("commit "+id, err)
	}
	c := &Commit{ID: id, Time: found.Committer.When, Subject: subject(found.Message), r: r, tree: found.TreeHash}
	for _, parent := range found.ParentHashes {
		c.Parents = append(c.Parents, parent.String())
	}
	r.commits[hash] = c
	return c, nil
}

// subject is the first line of a message.
func subject(message string) string {
	const most = 200
	for i, c := range message {
		if c == '\n' || i >= most {
			return message[:i]
		}
	}
	return message
}

// lacking words the error about an object.
func lacking(what string, err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%s: %w", what, ErrNotHere)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// A Commit is a source tree, and its place in the history.
type Commit struct {
	ID      string    // 40 hex digits
	Time    time.Time // when it was committed
	Subject string    // the first line of its message
	Parents []string  // ids

	r    *Repo
	tree plumbing.Hash
}

// object reads a tree or commit object.
func (r *Repo) object(kind plumbing.ObjectType, hash plumbing.Hash) ([]byte, error) {
	encoded, err := r.storage.EncodedObject(kind, hash)
	if err != nil {
		return nil, lacking(kind.String()+" "+hash.String(), err)
	}
	if encoded.Size() > maxObject {
		return nil, fmt.Errorf("%s %s has %d bytes; the largest read here has %d", kind, hash, encoded.Size(), maxObject)
	}
	reader, err := encoded.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}
