package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"srcmend/internal/distfile"
)

// maxHistory is the largest repository that is fetched, in bytes.
const maxHistory = 16 << 30

// History gets a whole repository, every branch and tag with all that led to it, into the
// folder dir, or brings what is there up to date. url is what Git.URL is; one that is on
// this machine is not copied: open it where it is.
//
// The folder appears when everything is there. What is in it already stays usable while
// it is brought up to date. Two who do so at once do the work twice, and one of them
// wins.
func (f *Fetcher) History(ctx context.Context, url, dir string) error {
	fail := func(err error) error { return fmt.Errorf("the history at %s: %w", redact(url), err) }
	switch {
	case f.Offline:
		return fail(ErrOffline)
	case !remoteGit(url):
		return fail(errors.New("not an http, https, ssh or git URL"))
	}
	at := dir
	_, err := os.Stat(dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		parent := filepath.Dir(dir)
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return fail(err)
		}
		f.sweep(parent)
		if at, err = os.MkdirTemp(parent, unfinished); err != nil {
			return fail(err)
		}
		defer os.RemoveAll(at)
	}
	if err := f.bringUp(ctx, url, at, filepath.Base(dir)); err != nil {
		return fail(err)
	}
	if !fresh {
		return nil
	}
	if err := os.Rename(at, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return fail(err)
	}
	return nil
}

// unfinished begins the name of a folder that is being filled.
const unfinished = ".new-"

// sweep removes folders that nobody fills any more, since somebody was killed.
func (f *Fetcher) sweep(parent string) {
	const old = 24 * time.Hour
	left, _ := filepath.Glob(filepath.Join(parent, unfinished+"*"))
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && f.now().Sub(info.ModTime()) > old {
			_ = os.RemoveAll(dir)
		}
	}
}

// bringUp fetches into a folder what it lacks.
func (f *Fetcher) bringUp(ctx context.Context, url, dir, name string) error {
	storage := filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRUDefault(), filesystem.Options{LargeObjectThreshold: largeObject})
	repo, err := gogit.Init(storage, nil)
	if errors.Is(err, gogit.ErrRepositoryAlreadyExists) {
		repo, err = gogit.Open(storage, nil)
	}
	if err != nil {
		return err
	}
	remote, err := repo.CreateRemoteAnonymous(&config.RemoteConfig{Name: "anonymous", URLs: []string{url}})
	if err != nil {
		return scrubError(err, url)
	}
	bar := f.progress(name)
	w := watch{
		dir: dir, limit: maxHistory, idle: f.idleTimeout(),
		tooLarge: &distfile.TooLargeError{Name: "the repository", Limit: maxHistory},
		report:   func(size int64) { bar.report(size, 0) },
	}
	return watched(ctx, w, func(ctx context.Context, alive func()) error {
		err := remote.FetchContext(ctx, &gogit.FetchOptions{
			RefSpecs: []config.RefSpec{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"},
			Tags:     gogit.NoTags,
			Progress: aliveWriter(alive),
		})
		if errors.Is(err, gogit.NoErrAlreadyUpToDate) {
			return nil
		}
		return scrubError(err, url)
	})
}
