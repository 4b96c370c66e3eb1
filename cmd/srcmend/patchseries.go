package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"srcmend/internal/patch"
	"srcmend/internal/report"
	"srcmend/internal/series"
	"srcmend/internal/tree"
)

// patchSeries puts a series in, or takes it out.
func (a *app) patchSeries(ctx context.Context, t *tree.Tree, o patchOptions) error {
	list, err := series.Read(o.series)
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{err.Error(), "--series FILE names the list of patches"}
	}
	if err != nil {
		return err
	}
	if o.check {
		return a.checkSeries(t, list, o)
	}
	stack, err := series.Open(t)
	if err != nil {
		return err
	}
	options := series.Options{Strict: o.strict, Fuzz: o.fuzz, RemoveEmpty: o.dropEmpty, Force: o.force}
	if o.base != "" {
		if options.Base, err = tree.Open(o.base); err != nil {
			return &usageError{err.Error(), "--base DIR names the source that the series was made for"}
		}
		defer options.Base.Close()
	}
	push := stack.Push
	if o.reverse {
		push = stack.Pop
	}
	change, err := push(list, o.to, options)
	if stop, ok := errors.AsType[*series.StopError](err); ok {
		return a.stopped(stop, o)
	}
	if err != nil {
		return err
	}
	if err := a.commit(ctx, t, change, list.Dir, change.Rewritten, o); err != nil {
		return err
	}
	return a.tellSteps(change.Steps, o)
}

// tellSteps writes what became of the patches of a series.
func (a *app) tellSteps(steps []series.Step, o patchOptions) error {
	applied := 0
	for _, s := range steps {
		p := fromStep(s)
		if p.Applied = s.Why == ""; p.Applied {
			applied++
		}
		if err := a.tell(p, o); err != nil {
			return err
		}
	}
	if a.json || o.silent || a.quiet {
		return nil
	}
	what := "put in"
	if o.reverse {
		what = "taken out"
	}
	if o.dryRun {
		what = "would be " + what
	}
	result := fmt.Sprintf("%d of %d patches %s", applied, len(steps), what)
	if len(steps) == 0 {
		result = "nothing to do"
	}
	if _, err := fmt.Fprintln(a.out, result); err != nil {
		return &reportError{err, applied > 0 && !o.dryRun}
	}
	return nil
}

// fromStep makes a step a report.
func fromStep(s series.Step) report.Patch {
	return report.Patch{Name: s.Name, Verdict: s.Verdict, Why: s.Why, Twin: s.Twin, Repairs: s.Repairs, Report: s.Report}
}

// stopped tells of the patch of a series that does not fit.
func (a *app) stopped(stop *series.StopError, o patchOptions) error {
	p := fromStep(stop.Step)
	hint := unfitHint(stop.Verdict, o)
	if o.reverse {
		hint = "undo the edits, or take it out with -f: the files become what they were before it, and edits are lost"
	}
	if p.Report.Conflicts() == nil {
		var conflicts patch.Conflicts
		errors.As(stop.Err, &conflicts)
		p.Report.Mails = append(p.Report.Mails, patch.MailReport{Conflicts: conflicts})
	}
	return a.unfit(p, o, hint)
}

// checkSeries tells of each patch of a series whether the tree has it.
func (a *app) checkSeries(t *tree.Tree, list *series.Series, o patchOptions) error {
	steps, err := series.Check(t, list)
	if err != nil {
		return err
	}
	status := error(nil)
	for _, s := range steps {
		if err := a.tell(fromStep(s), o); err != nil {
			return err
		}
		if v := verdictStatus(s.Verdict); v != nil && status != errRed {
			status = v
		}
	}
	return status
}
