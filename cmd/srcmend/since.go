package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/gitrepo"
	"srcmend/internal/recipe"
	"srcmend/internal/signature"
	"srcmend/internal/verify"
	"srcmend/patches"
	"srcmend/recipes"
)

// since finds out what has changed of the user's folders of recipes since a revision of the git
// repository that they are in, what was not committed included. The repositories stay open
// until done is called.
func (a *app) since(ctx context.Context, rev string) (c verify.Change, done func(), err error) {
	var open []*gitrepo.Repo
	done = func() {
		for _, r := range open {
			_ = r.Close()
		}
	}
	if len(a.folders()) == 0 {
		return c, done, &usageError{"--since is about recipes in a git work tree, and no folder of recipes is given", "srcmend --recipes DIR verify --since " + rev}
	}
	layers := []recipe.Layer{{Name: "shipped", Recipes: recipes.FS, Files: patches.FS}}
	for _, dir := range a.folders() {
		top, err := gitrepo.Around(dir)
		if err != nil {
			return c, done, &usageError{err.Error(), "--since wants the folder of recipes to be in one"}
		}
		repo, err := gitrepo.Open(top)
		if err != nil {
			return c, done, err
		}
		open = append(open, repo)
		commit, err := repo.Fork(rev)
		if err != nil {
			return c, done, &usageError{err.Error(), "--since HEAD, or the name of a branch; a shallow clone may lack it"}
		}
		f := recipeFolder{dir: dir, commit: commit}
		if f.at, err = below(top, dir); err != nil {
			return c, done, err
		}
		if f.patches, err = below(top, patchesOf(dir)); err != nil {
			return c, done, err
		}
		layers = append(layers, recipe.Layer{Name: dir, Recipes: commit.FS(f.at), Files: commit.FS(f.patches)})
		if err := f.sort(ctx, &c); err != nil {
			return c, done, err
		}
	}
	c.Before = recipe.NewCollection(layers...)
	return c, done, nil
}

// below is the path of a folder from the top of its work tree.
func below(top, dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	rel, err := filepath.Rel(top, abs)
	if err == nil && !filepath.IsLocal(rel) {
		err = fmt.Errorf("%s lies outside of the git work tree %s", dir, top)
	}
	return filepath.ToSlash(rel), err
}

// A recipeFolder is a folder of recipes in a work tree, and the commit that it is held against.
type recipeFolder struct {
	dir         string
	at, patches string // from the top of the work tree
	commit      *gitrepo.Commit
}

// sort adds what has changed in the folder to a change.
func (f recipeFolder) sort(ctx context.Context, c *verify.Change) error {
	changed, err := f.commit.Changed(ctx, f.at, f.patches)
	if err != nil {
		return err
	}
	for _, name := range changed {
		if file, ok := within(f.patches, name); ok {
			c.Files = append(c.Files, file)
			continue
		}
		file, ok := within(f.at, name)
		pkg, isYAML := strings.CutSuffix(file, ".yaml")
		switch {
		case !ok || !isYAML:
		case path.Dir(file) == ".":
			c.Recipes = append(c.Recipes, pkg)
		case file == baselineFile:
			if err := f.baseline(c); err != nil {
				return err
			}
		case path.Dir(file) == "headers":
			c.Headers = true
		case path.Dir(file) == "signatures":
			c.Catalogue = true
			ids, err := f.signatures(file)
			if err != nil {
				return err
			}
			c.Signatures = append(c.Signatures, ids...)
		}
	}
	slices.Sort(c.Signatures)
	c.Signatures = slices.Compact(c.Signatures)
	return nil
}

// baselineFile is where a folder of recipes has the list of what is known to be red.
const baselineFile = "verify/baseline.yaml"

// baseline adds what that list had.
func (f recipeFolder) baseline(c *verify.Change) error {
	if c.Known == nil {
		c.Known = []verify.Known{} // it has changed, whatever it had
	}
	text, err := fs.ReadFile(f.commit.FS(f.at), baselineFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if old, _ := verify.ParseBaseline(baselineFile, text); old != nil { // what was wrong with it is over
		c.Known = append(c.Known, old.Known...)
	}
	return nil
}

// within is the rest of a path below a folder.
func within(dir, name string) (string, bool) {
	if dir == "." {
		return name, true
	}
	return strings.CutPrefix(name, dir+"/")
}

// signatures are the ids of those of a file that are others than before.
func (f recipeFolder) signatures(file string) ([]string, error) {
	before, err := fs.ReadFile(f.commit.FS(f.at), file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	now, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(file)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return signature.Differing(before, now), nil
}
