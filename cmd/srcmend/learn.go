package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"srcmend/internal/event"
	"srcmend/internal/mend"
	"srcmend/internal/recipe"
	"srcmend/internal/version"
)

var errNoFolder = &usageError{"--learn needs a folder of recipes of your own to write to", "--recipes DIR, or SRCMEND_RECIPES"}

// learn writes what has mended a release into the user's first folder of recipes: each change
// as a fix, with its patch and its proof.
func (a *app) learn(all *recipe.Collection, r *recipe.Recipe, v version.Version, changes []mend.Change, events event.Sink) error {
	dir := a.folders()[0]
	text, err := os.ReadFile(filepath.Join(dir, r.Name+".yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		_, text, err = all.Text(r.Name)
	}
	if err != nil {
		return err
	}
	learnt := []string{}
	for _, c := range slices.Backward(changes) { // each goes before those that are there
		f, ok := fixOf(r, v, c)
		if !ok {
			continue
		}
		if err := writeBeside(dir, f, c); err != nil {
			return err
		}
		text = recipe.Learn(text, f)
		learnt = append(learnt, f.ID)
	}
	if len(learnt) == 0 {
		return nil
	}
	file := filepath.Join(dir, r.Name+".yaml")
	if _, err := recipe.ParseNamed(file, r.Name, text); err != nil {
		return fmt.Errorf("what was learnt can't be put into %s: %w", file, err)
	}
	if err := put(file, text); err != nil {
		return err
	}
	slices.Reverse(learnt)
	events.Send(event.Note{Text: "learnt for the next time: " + strings.Join(learnt, ", ") + ", in " + file, Hint: "srcmend recipe lint " + file})
	return nil
}

// fixOf makes a fix of a change. ok is false if a recipe has no words for it, or it came from
// one.
func fixOf(r *recipe.Recipe, v version.Version, c mend.Change) (f recipe.Fix, ok bool) {
	if c.From == mend.Recipe || c.Cures.Signature == "" {
		return f, false
	}
	f = recipe.Fix{
		Summary: c.What, Affects: "= " + v.String(), Where: recipe.Where{OS: runtime.GOOS},
		Cures: &recipe.Cures{Signature: c.Cures.Signature, Symbol: c.Cures.Symbol}, Origin: &recipe.Origin{Type: "other"},
	}
	f.ID = freeID(r, c.What)
	f.Proof = &recipe.Proof{Log: r.Name + "/" + f.ID + ".log"}
	switch {
	case c.Diff != "":
		f.Patch = []recipe.PatchSource{{File: r.Name + "/" + f.ID + ".patch"}}
	case len(c.Flags) > 0:
		f.Env = maps.Clone(c.Flags)
	case len(c.Env) > 0:
		f.Env = recipe.Env{}
		for _, kv := range c.Env {
			key, value, _ := strings.Cut(kv, "=")
			f.Env[key] = value
		}
	case len(c.Configure) > 0:
		f.Configure = c.Configure
	default:
		return f, false
	}
	return f, true
}

var notInID = regexp.MustCompile(`[^a-z0-9]+`)

// freeID is a name for a fix that the recipe does not have yet.
func freeID(r *recipe.Recipe, what string) string {
	id := strings.Trim(notInID.ReplaceAllString(strings.ToLower(what), "-"), "-")
	id = strings.Trim(id[:min(len(id), 60)], "-")
	free := id
	for n := 2; slices.ContainsFunc(r.Fixes, func(f recipe.Fix) bool { return f.ID == free }); n++ {
		free = fmt.Sprintf("%s-%d", id, n)
	}
	return free
}

// writeBeside writes the patch of a fix, with a header as DEP-3 has it, and the log that
// proves it.
func writeBeside(dir string, f recipe.Fix, c mend.Change) error {
	files := map[string]string{f.Proof.Log: strings.Join(c.Cures.Excerpt, "\n") + "\n"}
	if len(f.Patch) > 0 {
		files[f.Patch[0].File] = fmt.Sprintf("Description: %s\n It cures: %s\nOrigin: other\nForwarded: no\nLast-Update: %s\n---\n%s",
			c.What, strings.ReplaceAll(c.Cures.Cause, "\n", " "), time.Now().UTC().Format(time.DateOnly), c.Diff)
	}
	for name, text := range files {
		path := filepath.Join(dir, "patches", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := put(path, []byte(text)); err != nil {
			return err
		}
	}
	return nil
}
