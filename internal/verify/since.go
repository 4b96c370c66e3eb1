package verify

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"

	"srcmend/internal/event"
	"srcmend/internal/recipe"
)

// A Change is what has changed of a collection since an earlier state of it.
type Change struct {
	Before  *recipe.Collection // as it was
	Recipes []string           // names of packages whose recipes have changed
	Files   []string           // that recipes name: patches and logs
	// Signatures are the ids of those that were changed, are new or gone; and whether anything of
	// the catalogue has changed, or of the table of headers.
	Signatures         []string
	Catalogue, Headers bool
	// Known is what the baseline had listed; nil if it has not changed.
	Known []Known
}

// Since makes the matrix of the cells that a change can affect, each with the reason.
func (v *Verifier) Since(ctx context.Context, c Change, upTo event.Level) (Matrix, error) {
	names, err := v.touched(ctx, c)
	if err != nil {
		return Matrix{}, err
	}
	var m Matrix
	for _, t := range names {
		cells, err := v.differing(t, c, upTo)
		if err != nil {
			return m, err
		}
		m.Cells = append(m.Cells, cells...)
	}
	for _, cell := range v.additions() {
		switch {
		case cell.Package == signatures && c.Catalogue:
			cell.Because = "the catalogue has changed"
		case cell.Package == headers && c.Headers:
			cell.Because = "the table of headers has changed"
		default:
			continue
		}
		m.Cells = append(m.Cells, cell)
	}
	if c.Catalogue && upTo == event.LevelBuild {
		kept, err := v.kept(ctx, m)
		if err != nil {
			return m, err
		}
		m.Cells = append(m.Cells, kept...)
	}
	if c.Known != nil {
		listed, err := v.listed(ctx, m, c.Known, upTo)
		if err != nil {
			return m, err
		}
		m.Cells = append(m.Cells, listed...)
	}
	m.seal()
	return m, nil
}

// listed are further cells that the baseline lists, or has listed.
func (v *Verifier) listed(ctx context.Context, m Matrix, before []Known, upTo event.Level) ([]Cell, error) {
	entries := before
	if v.Baseline != nil {
		entries = slices.Concat(before, v.Baseline.Known)
	}
	whole, err := v.Plan(ctx, Selection{Level: upTo})
	if err != nil {
		return nil, err
	}
	here := map[string]bool{}
	for _, c := range m.Cells {
		here[c.ID] = true
	}
	var all []Cell
	for _, c := range whole.Cells {
		if !here[c.ID] && slices.ContainsFunc(entries, func(k Known) bool { return k.matches(c.Cell) }) {
			c.Because = "the baseline, which lists it, has changed"
			all = append(all, c)
		}
	}
	return all, nil
}

// A touch is a package that a change may affect.
type touch struct {
	name    string
	because string
	cites   []string // signatures that have changed
}

// touched are the packages whose cells can be others now: their recipe has changed, or it names
// something that has. A recipe is not parsed to see that it names nothing of it.
func (v *Verifier) touched(ctx context.Context, c Change) ([]touch, error) {
	all := map[string]touch{}
	for _, name := range c.Recipes {
		all[name] = touch{name: name, because: "its recipe has changed"}
	}
	words := slices.Concat(c.Signatures, c.Files)
	if len(words) > 0 {
		names := v.Packages
		if names == nil {
			var err error
			if names, err = v.Recipes.Names(); err != nil {
				return nil, err
			}
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		var errs []error
		workers := runtime.GOMAXPROCS(0)
		for k := range workers {
			wg.Go(func() {
				for i := k; i < len(names) && ctx.Err() == nil; i += workers {
					t, err := v.naming(names[i], words, c)
					mu.Lock()
					if err != nil {
						errs = append(errs, err)
					} else if old, known := all[names[i]]; t != nil && known {
						old.cites = t.cites
						all[names[i]] = old
					} else if t != nil {
						all[names[i]] = *t
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if err := errors.Join(append(errs, ctx.Err())...); err != nil {
			return nil, err
		}
	}
	var out []touch
	for _, t := range all {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b touch) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// naming looks whether a recipe names something that has changed; nil if not.
func (v *Verifier) naming(name string, words []string, c Change) (*touch, error) {
	_, text, err := v.Recipes.Text(name)
	if err != nil {
		return nil, err
	}
	some := bytes.IndexByte(text, '\\') >= 0 // a name may be written with escapes
	for _, word := range words {
		some = some || bytes.Contains(text, []byte(word))
	}
	if !some {
		return nil, nil
	}
	r, err := v.Recipes.Load(name)
	if err != nil {
		return nil, nil // what is wrong with it was so before
	}
	t := touch{name: name}
	for _, f := range r.Fixes {
		for _, file := range filesOf(f) {
			if slices.Contains(c.Files, file) {
				t.because = file + " has changed"
			}
		}
		if f.Cures != nil && slices.Contains(c.Signatures, f.Cures.Signature) {
			t.cites = append(t.cites, f.Cures.Signature)
		}
	}
	if t.because == "" && t.cites == nil {
		return nil, nil
	}
	return &t, nil
}

// differing are the cells of a package that claim something else than before, or the same of
// something that has changed.
func (v *Verifier) differing(t touch, c Change, upTo event.Level) ([]Cell, error) {
	if !v.Recipes.Has(t.name) {
		return nil, nil // it is gone
	}
	now, err := v.cells(v.Recipes, t.name, "", upTo)
	if err != nil {
		return nil, err
	}
	before := map[string]string{}
	if c.Before.Has(t.name) {
		old, err := v.cells(c.Before, t.name, "", upTo)
		if err != nil {
			return nil, err
		}
		for _, cell := range old {
			before[cell.ID] = cell.Claim
		}
	}
	var cited map[string]string
	if len(t.cites) > 0 {
		r, err := v.Recipes.Load(t.name)
		if err != nil {
			return nil, err
		}
		cited = map[string]string{}
		for _, f := range r.Fixes {
			if f.Cures != nil && slices.Contains(t.cites, f.Cures.Signature) {
				cited[f.ID] = f.Cures.Signature
			}
		}
	}
	var all []Cell
	for _, cell := range now {
		was, known := before[cell.ID]
		signature, cites := cited[cell.Fix]
		switch {
		case !known:
			cell.Because = "it is new"
		case was != cell.Claim && t.because != "":
			cell.Because = t.because
		case cell.Level == event.LevelBuild && cites:
			cell.Because = "signature " + signature + " has changed"
		case cell.Level == event.LevelLint && len(t.cites) > 0:
			cell.Because = "signature " + t.cites[0] + " has changed"
		default:
			continue
		}
		all = append(all, cell)
	}
	return all, nil
}

// kept are further cells whose logs are in the store, to be held against a catalogue that has
// changed: for that nothing is built.
func (v *Verifier) kept(ctx context.Context, m Matrix) ([]Cell, error) {
	whole, err := v.Plan(ctx, Selection{Level: event.LevelBuild})
	if err != nil {
		return nil, err
	}
	var all []Cell
	for _, cell := range whole.Cells {
		if cell.Level != event.LevelBuild || slices.ContainsFunc(m.Cells, func(c Cell) bool { return c.ID == cell.ID }) {
			continue
		}
		_, with := v.Store.Made(cell.with)
		_, without := v.Store.Made(cell.without)
		if with && (without || cell.without == "") {
			cell.Because = "its log is held against the catalogue, which has changed"
			all = append(all, cell)
		}
	}
	return all, nil
}
