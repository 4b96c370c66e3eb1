package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/history"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/report"
	"srcmend/internal/verify"
	"srcmend/internal/work"
)

// writeReceipts writes what was built, for each build that is green, into a folder: as a bill of
// materials, and as a statement of where it comes from.
func (a *app) writeReceipts(ctx context.Context, dir string, v *verify.Verifier, results []verify.Result) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &reportError{err: err}
	}
	var errs []error
	for _, r := range results {
		if r.Level != event.LevelBuild || r.Fix != "" || r.Outcome != event.Green {
			continue
		}
		receipt, p, loaded, err := v.Receipt(r)
		if err == nil {
			err = writeReceipt(filepath.Join(dir, r.Package+"-"+r.Release), receipt, factsOf(ctx, loaded, p, v.Fetcher, v.Recipes.File))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("the receipt of %s %s: %w", r.Package, r.Release, err))
		}
	}
	return errors.Join(errs...)
}

func writeReceipt(path string, r history.Receipt, f report.Facts) error {
	for _, form := range []struct {
		ending string
		write  func(io.Writer, history.Receipt, report.Facts) error
	}{{".cdx.json", report.CycloneDX}, {".intoto.json", report.Statement}} {
		var b bytes.Buffer
		if err := form.write(&b, r, f); err != nil {
			return err
		}
		if err := put(path+form.ending, b.Bytes()); err != nil {
			return &reportError{err: err}
		}
	}
	return nil
}

// factsOf are what a recipe knows beyond what a receipt has.
func factsOf(ctx context.Context, r *recipe.Recipe, p plan.Plan, f *fetch.Fetcher, file func(string) ([]byte, error)) report.Facts {
	facts := report.Facts{Version: builtFrom(), Summary: r.Summary, Homepage: r.Homepage, License: r.License}
	if len(p.Archive.Sources) > 0 {
		facts.Source = p.Archive.Sources[0].URL
	}
	if r.Upstream != nil {
		facts.Upstream = r.Upstream.Git
	}
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		facts.Epoch = time.Unix(seconds, 0).UTC()
	}
	quiet := *f
	quiet.Events = nil
	for _, fix := range p.Fixes {
		one := report.FixFacts{ID: fix.ID, Summary: fix.Summary}
		for _, known := range r.Fixes {
			if known.ID == fix.ID && known.Origin != nil {
				one.Origin = known.Origin.Type
			}
		}
		for _, place := range fix.Patch {
			if place.URL != "" {
				one.URL = place.URL
				break
			}
		}
		if len(fix.Patch) > 0 {
			if text, err := work.Patch(ctx, &quiet, file, fix); err == nil { // it was had for the build
				one.Patch = text
			}
		}
		facts.Fixes = append(facts.Fixes, one)
	}
	return facts
}
