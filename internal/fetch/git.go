package fetch

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"srcmend/internal/distfile"
	"srcmend/internal/gitrepo"
)

const (
	// largeObject is the size from which on a file is not read into memory
	// as a whole, in bytes.
	largeObject = 1 << 20
	// maxTree bounds a tree object, in bytes. It holds a folder's names.
	maxTree = 64 << 20
)

// fromGit makes the tar of a tag and commits it.
func (f *Fetcher) fromGit(ctx context.Context, p *distfile.Partial, req Request, g Git) (distfile.Item, error) {
	want, err := ParseGitCommit(g.Commit)
	if err != nil {
		return distfile.Item{}, fmt.Errorf("%w: correct the recipe", err)
	}
	if id, ok := req.Identity.(GitCommit); ok && id != want {
		return distfile.Item{}, unsuitable("gives commit %s, wanted is %s: correct the recipe", want, id)
	}
	top, ok := strings.CutSuffix(p.Name(), ".tar")
	if !ok {
		return distfile.Item{}, unsuitable("a git source gives a tar, so the file's name must end in .tar, not be %s", p.Name())
	}
	repo, done, err := f.repository(ctx, p, g)
	if err != nil {
		return distfile.Item{}, err
	}
	defer done()
	commit, err := tagged(repo, g)
	if err != nil {
		return distfile.Item{}, err
	}
	if GitCommit(commit.Hash) != want {
		return distfile.Item{}, fmt.Errorf("%s: the tag was moved, or the recipe is wrong: %w", g,
			&distfile.MismatchError{Want: "commit " + want.String(), Got: "commit " + commit.Hash.String()})
	}
	if err := p.Reset(); err != nil {
		return distfile.Item{}, err
	}
	if err := writeTar(ctx, p, repo, commit, top); err != nil {
		// Half a tar is nothing that another source could go on from.
		return distfile.Item{}, errors.Join(fmt.Errorf("%s: %w", g, err), p.Reset())
	}
	return p.Commit()
}

// repository opens the source's repository if it is a local one, and else
// fetches the tag, and nothing but the tag, into the partial's scratch folder.
func (f *Fetcher) repository(ctx context.Context, p *distfile.Partial, g Git) (repo *gogit.Repository, done func(), err error) {
	done = func() {}
	if path, ok := localPath(g.URL); ok {
		local, err := gitrepo.Open(path)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", g, err)
		}
		return local.Git(), func() { _ = local.Close() }, nil
	}
	if !remoteGit(g.URL) {
		return nil, nil, fmt.Errorf("%s: not an http, https, ssh or git URL, nor a path that starts with / or ./: correct the recipe", g)
	}
	dir, err := p.Scratch()
	if err != nil {
		return nil, nil, err
	}
	repo, err = gogit.Init(filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRUDefault(),
		filesystem.Options{LargeObjectThreshold: largeObject}), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", g, err)
	}
	bar := f.progress(p.Name())
	w := watch{
		dir: dir, limit: f.Store.Limit, idle: f.idleTimeout(),
		tooLarge: &distfile.TooLargeError{Name: "the repository", Limit: f.Store.Limit},
		report:   func(size int64) { bar.report(size, 0) },
	}
	err = watched(ctx, w, func(ctx context.Context, alive func()) error {
		return fetchTag(ctx, repo, g, alive)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", g, err)
	}
	return repo, done, nil
}

// fetchTag gets one tag with its commit and tree, without history. It asks
// for the tag alone: a clone would want to know the remote's HEAD, which some
// repositories have not got.
func fetchTag(ctx context.Context, repo *gogit.Repository, g Git, alive func()) error {
	remote, err := repo.CreateRemoteAnonymous(&config.RemoteConfig{Name: "anonymous", URLs: []string{g.URL}})
	if err != nil {
		return scrubError(err, g.URL)
	}
	ref := plumbing.NewTagReferenceName(g.Tag)
	err = remote.FetchContext(ctx, &gogit.FetchOptions{
		RefSpecs: []config.RefSpec{config.RefSpec("+" + ref + ":" + ref)},
		Depth:    1,
		Tags:     gogit.NoTags,
		Progress: aliveWriter(alive),
	})
	if noMatch := (gogit.NoMatchingRefSpecError{}); errors.As(err, &noMatch) {
		return &missingError{"there is no such tag"}
	}
	return scrubError(err, g.URL)
}

// aliveWriter is called for each message of the other side.
type aliveWriter func()

func (w aliveWriter) Write(b []byte) (int, error) {
	w()
	return len(b), nil
}

// tagged returns the commit that a tag means.
func tagged(repo *gogit.Repository, g Git) (*object.Commit, error) {
	commit, err := gitrepo.Tagged(repo, g.Tag)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g, err)
	}
	return commit, nil
}

// writeTar writes the tar that [GitCommit] describes.
func writeTar(ctx context.Context, w io.Writer, repo *gogit.Repository, commit *object.Commit, top string) error {
	raw, err := rawCommit(repo, commit.Hash)
	if err != nil {
		return err
	}
	t := &tarWriter{repo: repo, out: tar.NewWriter(w), time: time.Unix(commit.Committer.When.Unix(), 0)}
	for _, comment := range []string{commit.Hash.String(), raw} {
		if err := t.comment(comment); err != nil {
			return err
		}
	}
	if err := t.folder(ctx, top, commit.TreeHash, 0); err != nil {
		return err
	}
	if len(t.submodules) > 0 {
		return fmt.Errorf("has submodules, which srcmend does not fetch: %s; take a release archive that contains them",
			oneLine(strings.Join(t.submodules, ", "), 300))
	}
	return t.out.Close()
}

// rawCommit returns the content of a commit object.
func rawCommit(repo *gogit.Repository, hash plumbing.Hash) (string, error) {
	encoded, err := repo.Storer.EncodedObject(plumbing.CommitObject, hash)
	if err != nil {
		return "", err
	}
	if encoded.Size() > maxCommit {
		return "", fmt.Errorf("the commit object has %d bytes, more than %d", encoded.Size(), maxCommit)
	}
	r, err := encoded.Reader()
	if err != nil {
		return "", err
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	return string(raw), err
}

// treeEntries reads a tree object. go-git's own reader makes one mode of
// several, and the hash of the tree is lost with that.
func treeEntries(repo *gogit.Repository, hash plumbing.Hash) ([]treeEntry, error) {
	encoded, err := repo.Storer.EncodedObject(plumbing.TreeObject, hash)
	if err != nil {
		return nil, err
	}
	if encoded.Size() > maxTree {
		return nil, fmt.Errorf("the tree object has %d bytes, more than %d", encoded.Size(), maxTree)
	}
	r, err := encoded.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return parseTree(raw)
}

// A tarWriter writes the folders of one commit.
type tarWriter struct {
	repo       *gogit.Repository
	out        *tar.Writer
	time       time.Time
	entries    int
	submodules []string // paths
}

// comment writes a comment on the whole tar.
func (t *tarWriter) comment(text string) error {
	return t.out.WriteHeader(&tar.Header{
		Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", Format: tar.FormatPAX,
		PAXRecords: map[string]string{"comment": text},
	})
}

// folder writes a folder and all that is in it.
func (t *tarWriter) folder(ctx context.Context, path string, hash plumbing.Hash, depth int) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if depth > maxDepth {
		return fmt.Errorf("has folders more than %d deep: %s", maxDepth, oneLine(path, 80))
	}
	entries, err := treeEntries(t.repo, hash)
	if err != nil {
		return fmt.Errorf("%s: %w", oneLine(path, 80), err)
	}
	err = t.out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path + "/", Mode: 0o755, ModTime: t.time})
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := t.entry(ctx, path, entry, depth); err != nil {
			return err
		}
	}
	return nil
}

// entry writes one entry of the folder at path.
func (t *tarWriter) entry(ctx context.Context, path string, entry treeEntry, depth int) error {
	if badEntryName(entry.name) {
		return fmt.Errorf("%s has an entry %q that leads out of the tree", oneLine(path, 80), entry.name)
	}
	if t.entries++; t.entries > maxEntries {
		return fmt.Errorf("has more than %d files", maxEntries)
	}
	path += "/" + entry.name
	header := &tar.Header{Typeflag: tar.TypeReg, Name: path, ModTime: t.time}
	switch entry.mode {
	case filemode.Dir:
		return t.folder(ctx, path, entry.hash, depth+1)
	case filemode.Submodule:
		_, inside, _ := strings.Cut(path, "/")
		t.submodules = append(t.submodules, inside)
		return nil
	case filemode.Symlink:
		header.Typeflag, header.Mode = tar.TypeSymlink, 0o777
	case filemode.Executable:
		header.Mode = 0o755
	case filemode.Deprecated:
		header.Mode = 0o664 // written by git before 2005; the tree's hash depends on it
	case filemode.Regular:
		header.Mode = 0o644
	default:
		return fmt.Errorf("%s has the mode %o, which no tar can hold", oneLine(path, 80), uint32(entry.mode))
	}
	if err := t.file(header, entry.hash); err != nil {
		return fmt.Errorf("%s: %w", oneLine(path, 80), err)
	}
	return nil
}

// file writes a file or a symbolic link. The header lacks only what the
// content tells.
func (t *tarWriter) file(header *tar.Header, hash plumbing.Hash) error {
	blob, err := t.repo.BlobObject(hash)
	if err != nil {
		return err
	}
	r, err := blob.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	if header.Typeflag != tar.TypeSymlink {
		header.Size = blob.Size
		if err := t.out.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.Copy(t.out, r)
		return err
	}
	target, err := io.ReadAll(io.LimitReader(r, 4<<10))
	if err != nil {
		return err
	}
	header.Linkname = string(target)
	return t.out.WriteHeader(header)
}
