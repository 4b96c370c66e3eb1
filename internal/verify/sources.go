package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"srcmend/internal/check"
	"srcmend/internal/distfile"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/patch"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/version"
	"srcmend/internal/work"
)

// anew calls get with a fetcher that finds nothing in the store, so that the sources are asked;
// but where no connection may be opened, with one that finds all that is here. tried says what the
// sources have answered.
func (v *Verifier) anew(get func(f *fetch.Fetcher) error) (tried []event.SourceTried, err error) {
	f := *v.Fetcher
	f.Events = func(e event.Event) {
		if t, ok := e.(event.SourceTried); ok {
			tried = append(tried, t)
		}
	}
	if !f.Offline {
		f.Store = f.Store.Afresh()
	}
	err = get(&f)
	return tried, err
}

// archive asks the sources of a release for its archive.
func (v *Verifier) archive(ctx context.Context, res *Result) error {
	r, release, err := v.release(res.Cell)
	if err != nil {
		return err
	}
	a, err := plan.ArchiveOf(r, release)
	if err != nil {
		return err
	}
	tried, err := v.anew(func(f *fetch.Fetcher) error {
		_, err := work.Source(ctx, f, a)
		return err
	})
	if err != nil {
		return v.refused(res, err, "drifted-archive", "lost-archive", release.String()+": ")
	}
	res.Why = "as its checksum says"
	for _, t := range tried {
		if t.Outcome != event.Red {
			continue
		}
		i := slices.IndexFunc(a.Sources, func(s recipe.Source) bool { return s.String() == t.Source })
		res.Faults = append(res.Faults, Fault{Rule: "poor-source", Warning: true, Index: max(i, 0), Text: fmt.Sprintf("%s: %s does not have it: %s", release, t.Source, t.Why), Hint: "another source has; take this one out, or correct it"})
	}
	return nil
}

// refused sorts why something is not to be had: there is another thing in its place, there is
// nothing any more, or nobody knows.
func (v *Verifier) refused(res *Result, err error, drifted, lost, what string) error {
	var none *fetch.NoSourceError
	var mismatch *distfile.MismatchError
	switch {
	case errors.As(err, &mismatch):
		res.Why = "another file is in its place"
		res.Faults = append(res.Faults, Fault{
			Rule: drifted, Text: what + "what the sources have is not what the recipe means: " + mismatch.Error(),
			Hint: "compare with what upstream announces: it may have been made anew there, or somebody has tampered with it",
		})
		return nil
	case errors.As(err, &none) && errors.Is(err, fs.ErrNotExist):
		res.Why = "no source has it"
		res.Faults = append(res.Faults, Fault{Rule: lost, Text: what + "no source of the recipe has it any more", Hint: "add a source that has it; the checksum proves it"})
		return nil
	case errors.As(err, &none):
		return v.unreachable(err)
	}
	return err
}

// release loads the recipe of a cell, and its version.
func (v *Verifier) release(c Cell) (*recipe.Recipe, version.Version, error) {
	r, err := v.Recipes.Load(c.Package)
	if err != nil {
		return nil, version.Version{}, err
	}
	release, _, err := r.Release(c.Release)
	return r, release, err
}

// fixOf is a fix of a recipe.
func fixOf(r *recipe.Recipe, id string) (recipe.Fix, error) {
	i := slices.IndexFunc(r.Fixes, func(f recipe.Fix) bool { return f.ID == id })
	if i < 0 {
		return recipe.Fix{}, fmt.Errorf("%s has no fix %s any more", r.File(), id)
	}
	return r.Fixes[i], nil
}

// patch asks each place of a patch that is not beside the recipes.
func (v *Verifier) patch(ctx context.Context, res *Result) error {
	r, err := v.Recipes.Load(res.Package)
	if err != nil {
		return err
	}
	f, err := fixOf(r, res.Fix)
	if err != nil {
		return err
	}
	c := cells{v: v, r: r, known: r.Known()}
	release := r.Newest()
	if name := c.affected(f); name != "" {
		if release, _, err = r.Release(name); err != nil {
			return err
		}
	}
	planned, err := plan.PatchOf(r, f, release, v.Recipes.File)
	if err != nil {
		return err
	}
	var unreached []error
	had := false
	for i, place := range planned.Patch {
		if place.File != "" {
			had = true
			continue
		}
		one := planned
		one.Patch = []plan.Patch{place}
		_, err := v.anew(func(f *fetch.Fetcher) error {
			_, err := work.Patch(ctx, f, v.Recipes.File, one)
			return err
		})
		before := len(res.Faults)
		if err != nil {
			if err = v.refused(res, err, "drifted-patch", "lost-patch", f.ID+": "); err != nil {
				unreached = append(unreached, err)
			}
		} else {
			had = true
		}
		for j := before; j < len(res.Faults); j++ {
			res.Faults[j].Index = i
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(unreached) > 0 && had:
		res.Why = "not every place could be asked"
		return nil
	case len(unreached) > 0:
		return unreached[0]
	}
	return nil
}

// verdict asks a release about the patch of a fix.
func (v *Verifier) verdict(ctx context.Context, res *Result) error {
	r, release, err := v.release(res.Cell)
	if err != nil {
		return err
	}
	f, err := fixOf(r, res.Fix)
	if err != nil {
		return err
	}
	a, err := plan.ArchiveOf(r, release)
	if err != nil {
		return err
	}
	quiet := *v.Fetcher
	quiet.Events = nil
	item, err := work.Source(ctx, &quiet, a)
	if err != nil {
		return v.unreachable(err)
	}
	planned, err := plan.PatchOf(r, f, release, v.Recipes.File)
	if err != nil {
		return err
	}
	text, err := work.Patch(ctx, &quiet, v.Recipes.File, planned)
	if err != nil {
		return v.unreachable(err)
	}
	p, err := patch.Parse(bytes.NewReader(text))
	if err != nil {
		return err
	}
	content, err := check.Look(ctx, item.Path, item.Name, []*patch.Patch{p})
	if err != nil {
		return err
	}
	one := *r
	one.Fixes = []recipe.Fix{f}
	asker := check.Checker{Recipe: &one, Platform: v.Platform, Patch: func(context.Context, recipe.Fix, version.Version) (*patch.Patch, error) { return p, nil }}
	answers, err := asker.Ask(ctx, release, content)
	if err != nil {
		return err
	}
	judgeVerdict(res, f, answers.Fixes[0])
	return nil
}
