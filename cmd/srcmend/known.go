package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/check"
	"srcmend/internal/diagnosis"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/report"
	"srcmend/internal/tree"
)

// known lists what recipes know about the root cause: what only advises, whatever was
// built; and what is of the package that a folder in the log's paths is named after.
func (a *app) known(d diagnosis.Diagnosis) ([]report.Offer, error) {
	return a.offers(d, func(r *recipe.Recipe, f recipe.Fix) (report.Offer, bool) {
		o := offer(r, f)
		if r.Advises() {
			return o, true
		}
		for part := range strings.SplitSeq(filepath.ToSlash(d.Findings[0].File), "/") {
			if g := check.ByFolder(part); g.Name == r.Name && g.Version != "" {
				o.Version, o.Try = g.Version, fmt.Sprintf("srcmend build %s@%s", r.Name, g.Version)
				return o, true
			}
		}
		return o, false
	})
}

// knownIn lists what recipes know about the root cause, and what the source tree in dir
// says of it.
func (a *app) knownIn(ctx context.Context, d diagnosis.Diagnosis, dir string) ([]report.Offer, error) {
	return a.offers(d, func(r *recipe.Recipe, f recipe.Fix) (report.Offer, bool) {
		o := offer(r, f)
		if r.Advises() {
			return o, true
		}
		verdict, v, ok := a.ask(ctx, r, f, dir)
		o.Verdict, o.Version = verdict, v
		if ok {
			o.Try = "srcmend check " + dir
		}
		return o, ok
	})
}

// offers goes through the fixes that cure the root cause.
func (a *app) offers(d diagnosis.Diagnosis, about func(*recipe.Recipe, recipe.Fix) (report.Offer, bool)) ([]report.Offer, error) {
	if d.Outcome != diagnosis.Failed {
		return nil, nil
	}
	recipes, err := a.collection()
	if err != nil {
		return nil, err
	}
	names, err := recipes.Names()
	if err != nil {
		return nil, err
	}
	root := d.Findings[0]
	var all []report.Offer
	for _, name := range names {
		r, err := recipes.Load(name)
		if err != nil {
			continue // lint tells what is wrong with it
		}
		for _, f := range r.Fixes {
			if !f.Cures.Match(root.Signature, root.Case, root.Symbol) {
				continue
			}
			if o, ok := about(r, f); ok {
				all = append(all, o)
			}
		}
	}
	return all, nil
}

func offer(r *recipe.Recipe, f recipe.Fix) report.Offer {
	return report.Offer{Package: r.Name, Fix: f.ID, Summary: f.Summary, Advisory: f.Advisory, Links: f.Links}
}

// ask asks a source tree about one fix, if it is of that package.
func (a *app) ask(ctx context.Context, r *recipe.Recipe, f recipe.Fix, dir string) (verdict, v string, ok bool) {
	t, err := tree.Open(dir)
	if err != nil {
		return "", "", false
	}
	defer t.Close()
	guesses := check.Identify(t, filepath.Base(t.Dir()))
	if !slices.ContainsFunc(guesses, func(g check.Guess) bool { return g.Name == r.Name }) {
		return "", "", false
	}
	recipes, err := a.collection()
	if err != nil {
		return "", "", false
	}
	c := &checking{app: a, recipes: recipes, r: r}
	if c.here, err = platform.Here(ctx); err != nil {
		return "", "", false
	}
	if err := c.begin(); err != nil {
		return "", "", false
	}
	defer c.close()
	release, _ := check.VersionIn(t, r, guesses)
	answers, err := c.asker.Ask(ctx, release, &check.Content{Source: t, From: check.From{Kind: check.Tree, Name: dir}, Names: namesOf(t)})
	if err != nil {
		return "", "", false
	}
	for _, answer := range answers.Fixes {
		if answer.Fix == f.ID {
			return string(answer.Verdict), release.String(), true
		}
	}
	return "", "", false
}
