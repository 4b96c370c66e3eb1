package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/buildlog"
	"srcmend/internal/check"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/report"
	"srcmend/internal/upstream"
	"srcmend/internal/version"
	"srcmend/internal/work"
)

// What a release consists of: its archive, or the commit of its tag, and its patches.

// versions are the releases that the recipe knows, and those that have a tag.
func (c *checking) versions() ([]version.Version, error) {
	all := c.r.Known()
	if c.repo == nil {
		return all, nil
	}
	tags, err := c.repo.Tags()
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		v, ok := c.r.Tagged(tag)
		if ok && !slices.ContainsFunc(all, func(known version.Version) bool { return known.String() == v.String() }) {
			all = append(all, v)
		}
	}
	slices.SortStableFunc(all, version.Version.Compare)
	return all, nil
}

// content finds the strongest source of a release.
func (c *checking) content(ctx context.Context, v version.Version) (*check.Content, error) {
	commit, err := c.commit(v)
	if err != nil {
		return nil, err
	}
	content, err := c.archive(ctx, v)
	switch {
	case err != nil:
		return nil, err
	case content == nil && commit != nil:
		return c.fromCommit(v, commit), nil
	case content != nil:
		content.Commit = commit
	}
	return content, nil
}

// archive reads a release's archive, if it is at hand, as far as the patches are about
// it: files with the names of those that they change, in whatever folder.
func (c *checking) archive(ctx context.Context, v version.Version) (*check.Content, error) {
	if _, _, err := c.r.Release(v.String()); err != nil {
		return nil, nil // it is only a tag
	}
	a, err := plan.ArchiveOf(c.r, v)
	if err != nil {
		return nil, err
	}
	if !c.get && !c.atHand(a) {
		return nil, nil
	}
	f, err := c.fetcher()
	if err != nil {
		return nil, err
	}
	item, err := work.Source(ctx, f, a)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, new(*fetch.NoSourceError)) && !c.get:
		first, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintf(c.app.err, "srcmend: %s\n", buildlog.Clean(first)) // another file has its name
		return nil, nil
	case err != nil:
		return nil, err
	}
	var patches []*patch.Patch
	for _, fix := range c.r.Fixes {
		if len(fix.Patch) == 0 {
			continue
		}
		if p, err := c.patch(ctx, fix, v); err == nil { // otherwise it will be said
			patches = append(patches, p)
		}
	}
	return check.Look(ctx, item.Path, item.Name, patches)
}

// atHand reports whether an archive is in the store, or in a folder of this machine.
func (c *checking) atHand(a plan.Archive) bool {
	there := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	for _, dir := range filepath.SplitList(os.Getenv("DISTDIR")) {
		if dir != "" && there(filepath.Join(dir, a.Name)) {
			return true
		}
	}
	for _, s := range a.Sources {
		if u, err := url.Parse(s.URL); err == nil && u.Scheme == "file" && there(u.Path) {
			return true
		}
	}
	cache, err := cacheDir()
	if err != nil {
		return false
	}
	for _, key := range []string{"sha256/" + a.SHA256, "git/" + a.Commit} {
		if there(filepath.Join(cache, "distfiles", key)) {
			return true
		}
	}
	return false
}

// fromCommit is a release by its tag.
func (c *checking) fromCommit(v version.Version, commit *gitrepo.Commit) *check.Content {
	tag, _ := c.r.Tag(v)
	return &check.Content{
		Source: commit, Commit: commit,
		From:  check.From{Kind: check.Git, Name: fmt.Sprintf("tag %s (commit %s) of %s", tag, upstream.Short(commit.ID), c.repo.Dir())},
		Names: func(yield func(string) bool) { _ = commit.Walk(yield) },
	}
}

// commit is the commit of a version, nil if there is none at hand.
func (c *checking) commit(v version.Version) (*gitrepo.Commit, error) {
	if c.repo == nil || v.String() == "" {
		return nil, nil
	}
	tag, err := c.r.Tag(v)
	if err != nil {
		return nil, err
	}
	commit, err := c.repo.Tag(tag)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !c.all && c.git != "":
		fmt.Fprintf(c.app.err, "srcmend: %s has no tag %s\n", buildlog.Clean(c.git), buildlog.Clean(tag))
		return nil, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, gitrepo.ErrNotHere), errors.Is(err, gitrepo.ErrNoCommit):
		return nil, nil // others are asked
	}
	return commit, err
}

// openHistory opens the upstream's repository, if it is at hand.
func (c *checking) openHistory() (*gitrepo.Repo, error) {
	if c.git != "" {
		r, err := gitrepo.Open(c.git)
		if err != nil {
			return nil, &usageError{err.Error(), "--git DIR, a repository of " + c.r.Name}
		}
		return r, nil
	}
	if c.r.Upstream == nil {
		return nil, nil
	}
	dirs := []string{}
	if u, err := url.Parse(c.r.Upstream.Git); err == nil && u.Scheme == "file" {
		dirs = append(dirs, u.Path)
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	for _, dir := range append(dirs, historyOf(cache, c.r.Name)) {
		if _, err := os.Stat(dir); err == nil {
			return gitrepo.Open(dir)
		}
	}
	return nil, nil
}

// historyOf is where the repository of a package is kept.
func historyOf(cache, pkg string) string { return filepath.Join(cache, "git", pkg+".git") }

// patch gets the patch of a fix, once.
func (c *checking) patch(ctx context.Context, f recipe.Fix, v version.Version) (*patch.Patch, error) {
	if v.String() == "" {
		v = c.r.Newest()
	}
	fix, err := plan.PatchOf(c.r, f, v, c.recipes.File)
	if err != nil {
		return nil, err
	}
	places := []string{f.ID}
	for _, p := range fix.Patch {
		places = append(places, p.URL)
	}
	key := strings.Join(places, " ")
	if p := c.patches[key]; p != nil {
		return p, nil
	}
	fetcher, err := c.fetcher()
	if err != nil { // without a store, what lies beside the recipes will do
		fix.Patch = slices.DeleteFunc(fix.Patch, func(p plan.Patch) bool { return p.File == "" })
	}
	if len(fix.Patch) == 0 {
		return nil, err
	}
	text, err := work.Patch(ctx, fetcher, c.recipes.File, fix)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(first)
	}
	p, err := patch.Parse(bytes.NewReader(text))
	c.patches[key] = p
	return p, err
}

// fetcher gets what is here, and with --fetch what is not.
func (c *checking) fetcher() (*fetch.Fetcher, error) {
	o := c.sources
	o.offline = o.offline || !c.get
	f, err := o.fetcher()
	if err != nil {
		return nil, err
	}
	f.Events = func(event.Event) {}
	if errs := c.app.err; c.get {
		out := &report.Text{Out: errs, Err: errs, Quiet: c.app.quiet || c.app.json, Width: terminalWidth(errs), Color: color(errs)}
		f.Events = out.Send
	}
	return f, nil
}
