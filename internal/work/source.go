package work

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"srcmend/internal/archive"
	"srcmend/internal/distfile"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/history"
	"srcmend/internal/patch"
	"srcmend/internal/plan"
	"srcmend/internal/tree"
)

// fetch gets the release's archive into the store.
func (w *Work) fetch(ctx context.Context) (end, error) {
	a := w.Plan.Archive
	w.Events.Send(event.StepStarted{Step: plan.Fetch, What: a.Name})
	item, err := Source(ctx, w.Fetcher, a)
	w.item = item.Path
	return end{why: fmt.Sprintf("%s, %.1f MB, verified", a.Name, float64(item.Size)/1e6)}, err
}

// Source gets a release's archive into the store.
func Source(ctx context.Context, f *fetch.Fetcher, a plan.Archive) (distfile.Item, error) {
	requests, err := requests(a)
	if err != nil {
		return distfile.Item{}, err
	}
	var errs []error
	for _, r := range requests {
		item, err := f.Get(ctx, r)
		if err == nil {
			return item, nil
		}
		errs = append(errs, err)
	}
	return distfile.Item{}, errors.Join(errs...)
}

// requests makes what is asked of the fetcher: the archive by its checksum,
// then the tagged commit.
func requests(a plan.Archive) ([]fetch.Request, error) {
	archive := fetch.Request{Name: a.Name}
	tagged := fetch.Request{Name: strings.TrimSuffix(a.Name, ".tar.gz") + ".tar"}
	for _, s := range a.Sources {
		switch {
		case s.Git != "":
			tagged.Sources = append(tagged.Sources, fetch.Source{Git: fetch.Git{URL: s.Git, Tag: s.Tag, Commit: a.Commit}})
		case s.Debian != "":
			archive.Sources = append(archive.Sources, fetch.Source{Debian: fetch.Debian{Package: s.Debian}})
		default:
			archive.Sources = append(archive.Sources, fetch.Source{URL: s.URL})
		}
	}
	var out []fetch.Request
	if len(archive.Sources) > 0 {
		sum, err := distfile.ParseSum(a.SHA256)
		if err != nil {
			return nil, err
		}
		archive.Identity = sum
		out = append(out, archive)
	}
	if len(tagged.Sources) > 0 {
		commit, err := fetch.ParseGitCommit(a.Commit)
		if err != nil {
			return nil, err
		}
		tagged.Identity = commit
		out = append(out, tagged)
	}
	return out, nil
}

// unpack makes the source tree appear, whole.
func (w *Work) unpack(ctx context.Context) (end, error) {
	w.Events.Send(event.StepStarted{Step: plan.Unpack, What: w.Plan.Archive.Name})
	for _, dir := range []string{"source", "unpacking"} {
		if err := os.RemoveAll(w.path(dir)); err != nil {
			return end{}, err
		}
	}
	f, err := os.Open(w.item)
	if err != nil {
		return end{}, err
	}
	defer f.Close()
	stats, err := archive.Unpack(ctx, f, w.path("unpacking"), archive.Options{})
	if err != nil {
		return end{}, errors.Join(err, os.RemoveAll(w.path("unpacking")))
	}
	if w.state.Epoch, err = newest(w.path("unpacking")); err != nil {
		return end{}, err
	}
	return end{why: fmt.Sprintf("files: %d, %.1f MB", stats.Entries, float64(stats.Bytes)/1e6)},
		os.Rename(w.path("unpacking"), w.path("source"))
}

// newest returns the time of the newest file below dir, in Unix seconds: what
// the release would have been built at.
func newest(dir string) (int64, error) {
	var at time.Time
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
		return err
	})
	return max(0, at.Unix()), err
}

// patch applies the plan's fixes that the tree needs.
func (w *Work) patch(ctx context.Context) (end, error) {
	t, err := tree.Open(w.path("source"))
	if err != nil {
		return end{}, err
	}
	defer t.Close()
	w.state.Fixes = nil
	applied := 0
	for _, f := range w.Plan.Fixes {
		if len(f.Patch) == 0 {
			continue
		}
		w.Events.Send(event.StepStarted{Step: plan.Apply, What: f.ID})
		text, err := Patch(ctx, w.Fetcher, w.File, f)
		if err != nil {
			return end{}, fmt.Errorf("fix %s: %w", f.ID, err)
		}
		done, red, err := w.apply(t, f, text)
		if err != nil {
			return end{}, fmt.Errorf("fix %s: %w", f.ID, err)
		}
		if red != nil {
			return end{red: red}, nil
		}
		if done.Applied {
			applied++
		}
		w.state.Fixes = append(w.state.Fixes, done)
	}
	return end{why: fmt.Sprintf("applied: %d of %d", applied, len(w.state.Fixes))}, nil
}

// Patch gets a fix's patch from the first place that has it. file reads what lies beside
// the recipes.
func Patch(ctx context.Context, f *fetch.Fetcher, file func(name string) ([]byte, error), fix plan.Fix) ([]byte, error) {
	var errs []error
	for _, p := range fix.Patch {
		text, err := patchFrom(ctx, f, file, fix.ID, p)
		if err == nil {
			return text, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func patchFrom(ctx context.Context, f *fetch.Fetcher, file func(string) ([]byte, error), fix string, p plan.Patch) ([]byte, error) {
	if p.File != "" {
		return patchFile(file, p)
	}
	r := fetch.Request{Name: fix + ".patch", Sources: []fetch.Source{{URL: p.URL}}, Identity: fetch.PatchIDs(p.PatchIDs)}
	if p.SHA256 != "" {
		sum, err := distfile.ParseSum(p.SHA256)
		if err != nil {
			return nil, err
		}
		r.Identity = sum
	}
	item, err := f.Get(ctx, r)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(item.Path)
}

// patchFile reads a patch from beside the recipes. It must be the one that was
// planned with, and the one that the recipe means.
func patchFile(file func(string) ([]byte, error), p plan.Patch) ([]byte, error) {
	text, err := file(p.File)
	if err != nil {
		return nil, err
	}
	if is := fmt.Sprintf("%x", sha256.Sum256(text)); is != p.SHA256 {
		return nil, fmt.Errorf("%s was changed while this was waiting; run the same command again", p.File)
	}
	if len(p.PatchIDs) > 0 {
		if err := fetch.PatchIDs(p.PatchIDs).Check(bytes.NewReader(text)); err != nil {
			return nil, fmt.Errorf("%s is not the patch that the recipe means: %w", p.File, err)
		}
	}
	return text, nil
}

// Patches gets the patches of a plan that are not here yet into the store.
func Patches(ctx context.Context, f *fetch.Fetcher, p plan.Plan) error {
	for _, fix := range p.Fixes {
		var errs []error
		for _, place := range fix.Patch {
			if place.File != "" {
				errs = nil
				break
			}
			_, err := patchFrom(ctx, f, nil, fix.ID, place)
			if err == nil {
				errs = nil
				break
			}
			errs = append(errs, err)
		}
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("fix %s: %w", fix.ID, err)
		}
	}
	return nil
}

// apply asks the tree whether it needs the patch, and applies it then: of
// several mails those that it lacks.
func (w *Work) apply(t *tree.Tree, f plan.Fix, text []byte) (history.ReceiptFix, *Red, error) {
	done := history.ReceiptFix{ID: f.ID, SHA256: fmt.Sprintf("%x", sha256.Sum256(text))}
	p, err := patch.Parse(bytes.NewReader(text))
	if err != nil {
		return done, nil, err
	}
	draft := patch.NewDraft(t)
	verdict, report, err := draft.Put(p, patch.Options{Strip: patch.ChooseStrip})
	done.Verdict = string(verdict)
	e := event.Patched{Fix: f.ID, Verdict: string(verdict)}
	switch {
	case errors.As(err, new(patch.Conflicts)):
		w.Events.Send(e)
		return done, &Red{
			Text:   fmt.Sprintf("fix %s does not fit this source: %s", f.ID, verdict),
			Hint:   fmt.Sprintf("the recipe says that %s %s needs it; check its range, or the patch", w.Plan.Package, w.Plan.Release),
			Detail: places(report),
		}, nil
	case err != nil:
		return done, nil, err
	case verdict == patch.Needed:
		if err := draft.Edit().Commit(); err != nil {
			return done, nil, err
		}
		done.Applied, e.Applied = true, true
		e.Files, e.Hunks, e.Offset = report.Files(), report.Hunks(), report.MaxOffset()
	default:
		e.Why = "the source has it already"
	}
	w.Events.Send(e)
	return done, nil, nil
}

// places says of each mail that does not fit where it does not.
func places(r patch.Report) []string {
	var lines []string
	for _, m := range r.Mails {
		if m.Verdict == patch.Absent {
			lines = append(lines, "none of the files is there that it changes")
			continue
		}
		for _, c := range m.Conflicts {
			lines = append(lines, c.Error())
		}
	}
	return lines
}
