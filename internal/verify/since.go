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
	if c.Known != nil || c.Catalogue && upTo == event.LevelBuild {
		whole, err := v.Plan(ctx, Selection{Level: upTo})
		if err != nil {
			return m, err
		}
		m.Whole = whole.Whole
		if c.Catalogue && upTo == event.LevelBuild {
			m.add(whole.Cells, "its log is held against the catalogue, which has changed", v.kept)
		}
		if c.Known != nil {
			m.add(whole.Cells, "the baseline, which lists it, has changed", v.listed(c.Known))
		}
	}
	m.seal()
	return m, nil
}

// add adds those of some cells that are not there yet.
func (m *Matrix) add(cells []Cell, because string, which func(Cell) bool) {
	here := map[string]bool{}
	for _, c := range m.Cells {
		here[c.ID] = true
	}
	for _, c := range cells {
		if !here[c.ID] && which(c) {
			c.Because = because
			m.Cells = append(m.Cells, c)
		}
	}
}

// listed tells of cells whether the baseline lists them, or has listed them.
func (v *Verifier) listed(before []Known) func(Cell) bool {
	entries := before
	if v.Baseline != nil {
		entries = slices.Concat(before, v.Baseline.Known)
	}
	return func(c Cell) bool {
		return slices.ContainsFunc(entries, func(k Known) bool { return k.matches(c.Cell) })
	}
}

// kept reports whether the logs of a build are in the store, to be held against a catalogue that
// has changed: for that nothing is built.
func (v *Verifier) kept(c Cell) bool {
	if c.Level != event.LevelBuild {
		return false
	}
	_, with := v.Store.Made(c.with)
	_, without := v.Store.Made(c.without)
	return with && (without || c.without == "")
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
