package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"strings"
	"sync"

	"srcmend/internal/event"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/version"
	"srcmend/internal/yamlfile"
)

// A Selection says which cells are wanted.
type Selection struct {
	Packages []string    // names, or names and releases, PKG@VERSION; none for all
	Level    event.Level // and those before
}

// A Matrix is the cells of a collection, in the order of their names.
type Matrix struct {
	Cells []Cell
	// Plan is the identity of the cells and of what the recipes claim, hex; it is the same on all
	// machines that take part.
	Plan  string
	Whole []Cell // all cells of the collection; nil if they were not planned
}

// Additions of the collection, which have no recipe: a cell each.
const (
	signatures = "signatures"
	headers    = "headers"
)

// Plan makes the matrix.
func (v *Verifier) Plan(ctx context.Context, want Selection) (Matrix, error) {
	targets, err := v.targets(want)
	if err != nil {
		return Matrix{}, err
	}
	all := make([][]Cell, len(targets))
	errs := make([]error, len(targets))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				all[i], errs[i] = v.cells(v.Recipes, targets[i].name, targets[i].release, want.Level)
			}
		})
	}
	for i := range targets {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return Matrix{}, err
	}
	m := Matrix{Cells: slices.Concat(all...)}
	if len(want.Packages) == 0 {
		m.Cells = append(m.Cells, v.additions()...)
		if want.Level == event.LevelBuild {
			m.Whole = m.Cells
		}
	}
	m.seal()
	return m, nil
}

// seal gives the matrix its identity.
func (m *Matrix) seal() {
	parts := make([]any, 0, 2*len(m.Cells))
	for _, c := range m.Cells {
		parts = append(parts, c.ID, c.Claim)
	}
	m.Plan = sum(parts...)
}

// IDs names the cells.
func (m Matrix) IDs() []string {
	ids := make([]string, len(m.Cells))
	for i, c := range m.Cells {
		ids[i] = c.ID
	}
	return ids
}

// Needs are the packages of this system that the builds of the cells that are wanted need.
func (v *Verifier) Needs(want Selection) ([]string, error) {
	targets, err := v.targets(want)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, t := range targets {
		r, err := v.Recipes.Load(t.name)
		if err == nil { // otherwise its own cell says what is wrong
			all = append(all, r.Needs[v.Platform.Family]...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// A target is a package, or one release of it.
type target struct{ name, release string }

// targets are the packages that are wanted.
func (v *Verifier) targets(want Selection) ([]target, error) {
	if len(want.Packages) == 0 {
		names := v.Packages
		if names == nil {
			var err error
			if names, err = v.Recipes.Names(); err != nil {
				return nil, err
			}
		}
		all := make([]target, len(names))
		for i, name := range names {
			all[i].name = name
		}
		return all, nil
	}
	var all []target
	for _, p := range want.Packages {
		var t target
		t.name, t.release, _ = strings.Cut(p, "@")
		if !v.Recipes.Has(t.name) {
			known, err := v.Recipes.Names()
			return nil, cmp.Or(err, error(&recipe.UnknownPackage{Want: t.name, Known: known}))
		}
		if t.release == "" { // all of them
			all = slices.DeleteFunc(all, func(one target) bool { return one.name == t.name })
		}
		if !slices.Contains(all, t) && !slices.Contains(all, target{name: t.name}) {
			all = append(all, t)
		}
	}
	return all, nil
}

// cells are those of one package. A recipe that can't be read has the one that says so.
func (v *Verifier) cells(from *recipe.Collection, name, release string, upTo event.Level) ([]Cell, error) {
	r, text, err := from.LoadText(name)
	var mistakes yamlfile.Mistakes
	if err != nil && !errors.As(err, &mistakes) {
		return nil, err
	}
	c := cells{v: v, r: r, from: from, upTo: upTo}
	c.lint(name, text)
	if mistakes != nil {
		return c.all, nil
	}
	known := r.Known()
	if release != "" {
		only, _, err := r.Release(release)
		if err != nil {
			return nil, err
		}
		known, c.only = []version.Version{only}, true
	}
	c.known = known
	c.archives()
	c.patches()
	if err := c.verdicts(); err != nil {
		return nil, err
	}
	if err := c.builds(); err != nil {
		return nil, err
	}
	return c.all, nil
}

// cells makes the cells of a recipe.
type cells struct {
	v     *Verifier
	r     *recipe.Recipe
	from  *recipe.Collection
	upTo  event.Level
	known []version.Version
	only  bool // one release, that somebody has asked for
	all   []Cell
}

func (c *cells) wants(level event.Level) bool {
	return slices.Index(levels, level) <= slices.Index(levels, c.upTo)
}

// add adds a cell that rests on others, as far as there are such.
func (c *cells) add(cell Cell, after ...string) {
	for _, id := range after {
		if slices.ContainsFunc(c.all, func(a Cell) bool { return a.ID == id }) {
			cell.After = append(cell.After, id)
		}
	}
	c.all = append(c.all, cell)
}

func (c *cells) lint(name string, text []byte) {
	cell := newCell(name, "", "", event.LevelLint)
	parts := []any{"lint", text}
	cites := false
	if c.r != nil {
		for _, f := range c.r.Fixes {
			cites = cites || f.Cures != nil
			for _, file := range filesOf(f) {
				beside, err := c.from.File(file)
				parts = append(parts, file, beside, err == nil)
			}
		}
	}
	if cites {
		parts = append(parts, c.v.CatalogueSum)
	}
	cell.Key = sum(parts...)
	cell.Claim = cell.Key
	c.add(cell)
}

// filesOf names the files beside the recipes that belong to a fix.
func filesOf(f recipe.Fix) (all []string) {
	for _, p := range f.Patch {
		if p.File != "" {
			all = append(all, p.File)
		}
	}
	if f.Proof != nil && f.Proof.Log != "" {
		all = append(all, f.Proof.Log)
	}
	return all
}

// archives makes a cell for each release.
func (c *cells) archives() {
	if !c.wants(event.LevelFetch) || c.r.Advises() {
		return
	}
	for _, v := range c.known {
		cell := newCell(c.r.Name, v.String(), "", event.LevelFetch)
		a, err := plan.ArchiveOf(c.r, v)
		cell.Key = sum("fetch", a, err == nil)
		cell.Claim = cell.Key
		c.add(cell, id(c.r.Name, "", "", event.LevelLint))
	}
}

// patches makes a cell for each fix whose patch comes from elsewhere.
func (c *cells) patches() {
	if !c.wants(event.LevelFetch) {
		return
	}
	for _, f := range c.r.Fixes {
		if !slices.ContainsFunc(f.Patch, func(p recipe.PatchSource) bool { return p.URL != "" }) {
			continue
		}
		cell := newCell(c.r.Name, "", f.ID, event.LevelFetch)
		cell.Key = sum("patch", f.Patch, c.affected(f))
		cell.Claim = cell.Key
		c.add(cell, id(c.r.Name, "", "", event.LevelLint))
	}
}

// affected is the newest of the known releases that a fix affects, "" for none.
func (c *cells) affected(f recipe.Fix) string {
	r, err := version.ParseRange(c.r.Versions.Scheme, f.Affects)
	if err != nil {
		return ""
	}
	for _, v := range slices.Backward(c.known) {
		if r.Contains(v) {
			return v.String()
		}
	}
	return ""
}

// verdicts makes a cell for each fix that has a patch, in each release.
func (c *cells) verdicts() error {
	if !c.wants(event.LevelVerdict) {
		return nil
	}
	for _, f := range c.r.Fixes {
		if len(f.Patch) == 0 {
			continue
		}
		for _, v := range c.known {
			cell := newCell(c.r.Name, v.String(), f.ID, event.LevelVerdict)
			_, rel, err := c.r.Release(v.String())
			if err != nil {
				return err
			}
			want := ""
			if f.Proof != nil {
				want = f.Proof.Verdicts[v.String()]
			}
			cell.Key = sum("verdict", rel, c.identity(f, v), f.Affects, c.r.Versions.Scheme, v.String(), want)
			cell.Claim = cell.Key
			c.add(cell, id(c.r.Name, v.String(), "", event.LevelFetch), id(c.r.Name, "", f.ID, event.LevelFetch))
		}
	}
	return nil
}

// identity is what a patch is, wherever it comes from: by its contents, or by what proves them.
func (c *cells) identity(f recipe.Fix, v version.Version) any {
	p, err := plan.PatchOf(c.r, f, v, c.from.File)
	if err != nil {
		return err.Error() // lint tells
	}
	for i := range p.Patch {
		p.Patch[i].URL = ""
	}
	return p.Patch
}

// builds makes a cell for each release that is built, and for each of its fixes that cures an
// error here.
func (c *cells) builds() error {
	if !c.wants(event.LevelBuild) || c.r.Advises() {
		return nil
	}
	for _, v := range c.known {
		if !slices.Contains(c.built(), v.String()) {
			continue
		}
		with, err := c.v.plan(c.r, c.from, v.String())
		if err != nil {
			continue // lint tells: a file beside the recipes is not there
		}
		after := []string{id(c.r.Name, v.String(), "", event.LevelFetch)}
		for _, f := range with.Fixes {
			after = append(after, id(c.r.Name, v.String(), f.ID, event.LevelVerdict))
		}
		cell := c.build(v.String(), "")
		cell.with = c.v.buildKey(with, c.r.Verify.Check)
		cell.Key = sum("build", cell.with, c.v.CatalogueSum)
		cell.Claim = sum("build", c.v.claim(with, c.r.Verify.Check))
		c.add(cell, after...)
		for _, f := range c.r.Fixes {
			if f.Cures == nil || !slices.ContainsFunc(with.Fixes, func(taken plan.Fix) bool { return taken.ID == f.ID && taken.Advisory == "" }) {
				continue
			}
			without, err := c.v.plan(c.r, c.from, v.String(), f.ID)
			if err != nil {
				return err
			}
			one := c.build(v.String(), f.ID)
			one.with, one.without = cell.with, c.v.buildKey(without, false)
			one.Key = sum("fix", one.with, one.without, f.Cures, c.v.CatalogueSum)
			one.Claim = sum("fix", cell.Claim, c.v.claim(without, false), f.Cures)
			c.add(one, cell.ID, id(c.r.Name, v.String(), f.ID, event.LevelVerdict))
		}
	}
	return nil
}

func (c *cells) build(release, fix string) Cell {
	cell := newCell(c.r.Name, release, fix, event.LevelBuild)
	cell.Platform = c.v.Platform.OS + "/" + c.v.Platform.Version + "/" + c.v.Platform.Arch
	return cell
}

// built lists the releases that are built.
func (c *cells) built() []string {
	if c.only {
		return []string{c.known[0].String()}
	}
	if c.r.Verify.Build != nil {
		return c.r.Verify.Build
	}
	all := []string{c.r.Newest().String()}
	for _, f := range c.r.Fixes {
		here, _ := f.Where.Match(c.v.Platform)
		if v := c.affected(f); f.Cures != nil && here && v != "" {
			all = append(all, v)
		}
	}
	return all
}

// additions are the cells of what stands beside the recipes.
func (v *Verifier) additions() []Cell {
	all := []Cell{newCell(signatures, "", "", event.LevelLint), newCell(headers, "", "", event.LevelLint)}
	all[0].Key, all[1].Key = sum(signatures, v.CatalogueSum), sum(headers, v.HeadersSum)
	for i := range all {
		all[i].Claim = all[i].Key
	}
	return all
}

// Shard is the part of a matrix that the i-th of n machines runs, counted from 1: whole packages,
// so that as much as can be is left in balance. It is the same on all machines.
func (m Matrix) Shard(i, n int) (Matrix, error) {
	if n < 1 || i < 1 || i > n {
		return m, fmt.Errorf("%d/%d is no part: the first of three is 1/3", i, n)
	}
	weight := map[string]int{}
	for _, c := range m.Cells {
		weight[c.Package] += map[event.Level]int{event.LevelLint: 1, event.LevelFetch: 2, event.LevelVerdict: 2, event.LevelBuild: 40}[c.Level]
	}
	packages := make([]string, 0, len(weight))
	for name := range weight {
		packages = append(packages, name)
	}
	slices.SortFunc(packages, func(a, b string) int {
		return cmp.Or(cmp.Compare(weight[b], weight[a]), cmp.Compare(mixed(a), mixed(b)), cmp.Compare(a, b))
	})
	loads, mine := make([]int, n), map[string]bool{}
	for _, name := range packages {
		least := 0
		for j, load := range loads {
			if load < loads[least] {
				least = j
			}
		}
		loads[least] += weight[name]
		mine[name] = least == i-1
	}
	part := Matrix{Plan: m.Plan}
	for _, c := range m.Cells {
		if mine[c.Package] {
			part.Cells = append(part.Cells, c)
		}
	}
	return part, nil
}

// mixed is a hash: what has names alike does not end up together.
func mixed(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
