package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/mend"
	"srcmend/internal/plan"
	"srcmend/internal/work"
)

// ablate builds a package with all of its fixes, and then without each of them in turn, and
// says which are still needed. All of it goes into a folder of its own, and is gone afterwards.
func (a *app) ablate(ctx context.Context, target string, o buildOptions, out renderer, done func() error) error {
	x := ablation{app: a, target: target, o: o, out: out}
	err := x.prepare()
	if err == nil {
		defer x.close()
		err = x.run(ctx)
	}
	return errors.Join(done(), err)
}

// An ablation is that on its way.
type ablation struct {
	*app
	target string
	o      buildOptions
	out    renderer
	lock   *os.File
}

// prepare makes the folder for the builds.
func (x *ablation) prepare() error {
	if x.o.mend.learn {
		return &usageError{"--ablate learns nothing", "leave out --learn"}
	}
	if x.o.workDir == "" {
		cache, err := cacheDir()
		if err != nil {
			return err
		}
		x.o.workDir = filepath.Join(cache, "work")
	}
	dir, err := filepath.Abs(filepath.Join(x.o.workDir, "ablate-"+strings.ReplaceAll(filepath.Base(x.target), "@", "-")))
	if err != nil {
		return err
	}
	if x.lock, err = work.Lock(dir + ".lock"); errors.Is(err, work.ErrLocked) {
		return fmt.Errorf("another srcmend is at work in %s", dir)
	} else if err != nil {
		return err
	}
	if err := work.RemoveAll(dir); err != nil { // of one that was killed
		return errors.Join(err, x.lock.Close())
	}
	x.o.workDir = dir
	return nil
}

func (x *ablation) close() {
	if !x.o.keep {
		_ = work.RemoveAll(x.o.workDir)
	}
	_ = x.lock.Close()
}

// run does the builds.
func (x *ablation) run(ctx context.Context) error {
	whole, err := x.build(ctx, "all", nil, nil)
	if err != nil {
		return err
	}
	if whole.ended.Outcome != event.Green {
		x.out.Send(whole.ended)
		return outcome(whole.ended)
	}
	var needed, not []string
	for _, f := range whole.fixes {
		e := event.Ablated{Fix: f.id, Summary: f.summary, Why: f.idle}
		if f.idle == "" {
			x.out.Send(event.Note{Text: "now without " + f.id})
			one, err := x.build(ctx, "without-"+f.id, &f, whole.fixes)
			switch {
			case err != nil:
				return err
			case one.ended.Outcome == event.Red:
				e.Needed, e.Step, e.Why = true, one.res.Step, cmp.Or(one.res.Red.Cause, one.res.Red.Text)
			case one.ended.Outcome != event.Green:
				x.out.Send(one.ended)
				return outcome(one.ended)
			default:
				e.Differs = differing(whole.files, one.files)
			}
		}
		x.out.Send(e)
		if e.Needed || e.Differs > 0 {
			needed = append(needed, f.id)
		} else {
			not = append(not, f.id)
		}
	}
	name := whole.plan.Package + " " + whole.plan.Release
	ended := event.Ended{Outcome: event.Green, Text: name + ": each of its fixes is needed here: " + strings.Join(needed, ", ")}
	switch {
	case len(whole.fixes) == 0:
		ended.Text = name + " is green, and no fix is applied here"
	case len(not) > 0:
		ended.Text = fmt.Sprintf("%s: not needed here: %s", name, strings.Join(not, ", "))
		ended.Hint = "what is needed nowhere can go from the recipe; what is needed elsewhere may say so with affects: and where:"
	}
	x.out.Send(ended)
	return nil
}

// An applied fix is one of the recipe that the plan takes, or what has mended the build.
type applied struct {
	id, summary string
	mended      bool
	idle        string // why it does nothing here
}

// A trial is one of the builds.
type trial struct {
	plan  plan.Plan
	ended event.Ended
	res   work.Result
	fixes []applied
	files []history.File
}

// build builds in a folder of its own. Without a fix, nothing is tried to mend it but what has
// mended the whole.
func (x *ablation) build(ctx context.Context, name string, without *applied, whole []applied) (trial, error) {
	o := x.o
	o.workDir, o.root = filepath.Join(o.workDir, name), filepath.Join(o.workDir, name, "root")
	if without != nil {
		o.mend.mode = mendAuto
		o.mend.only = func(c mend.Change) bool {
			id := cmp.Or(c.Fix, c.What)
			return id != without.id && slices.ContainsFunc(whole, func(f applied) bool { return f.id == id })
		}
		if !without.mended {
			o.without = []string{without.id}
		}
	}
	p, file, err := x.plan(ctx, x.target, o)
	if err != nil {
		return trial{}, err
	}
	w, err := x.mendingWork(ctx, p, file, x.target, o)
	if err != nil {
		return trial{}, err
	}
	b := trial{plan: p}
	if b.ended, b.res, err = recorded(ctx, w, "ablate", x.out); err != nil || b.ended.Outcome != event.Green {
		return b, err
	}
	receipt, err := history.ReadReceipt(b.res.Receipt)
	if err != nil {
		return b, err
	}
	b.files = receipt.Files
	for _, f := range p.Fixes {
		if f.Advisory != "" {
			continue
		}
		one := applied{id: f.ID, summary: f.Summary}
		if len(f.Patch) > 0 && !slices.Contains(b.res.Fixes, f.ID) {
			one.idle = "the source has it already"
		}
		b.fixes = append(b.fixes, one)
	}
	for _, f := range receipt.Fixes {
		if f.Verdict == work.VerdictMended {
			b.fixes = append(b.fixes, applied{id: f.ID, mended: true})
		}
	}
	if !x.o.keep {
		_ = work.RemoveAll(o.workDir)
	}
	return b, nil
}

// differing counts the files of which only one list has the like.
func differing(a, b []history.File) (n int) {
	of := map[string]history.File{}
	for _, f := range a {
		of[f.Path] = f
	}
	for _, f := range b {
		if of[f.Path] != f {
			n++
		}
		delete(of, f.Path)
	}
	return n + len(of)
}
