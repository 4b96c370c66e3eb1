package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"srcmend/internal/distfile"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
	"srcmend/internal/plan"
	"srcmend/internal/platform"
	"srcmend/internal/work"
)

// fetchOptions is the flags that say where distfiles come from.
type fetchOptions struct {
	offline bool
	mirrors []string
}

func (o *fetchOptions) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.offline, "offline", false, "open no connection; use what is here already")
	flags.StringArrayVar(&o.mirrors, "mirror", nil, "PREFIX=BASE: ask BASE first for URLs that start with PREFIX; may be given again")
}

// fetcher makes a fetcher from the flags and the environment.
func (o *fetchOptions) fetcher() (*fetch.Fetcher, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	store, err := distfile.Open(filepath.Join(cache, "distfiles"))
	if err != nil {
		return nil, err
	}
	f := &fetch.Fetcher{
		Store: store, Offline: o.offline, Distdirs: filepath.SplitList(os.Getenv("DISTDIR")),
		SiteOverride: os.Getenv("MASTER_SITE_OVERRIDE"), SiteBackup: os.Getenv("MASTER_SITE_BACKUP"),
		AptDir: filepath.Join(cache, "apt"), Silent: new(fetch.Silent),
	}
	for _, text := range o.mirrors {
		m, err := fetch.ParseMirror(text)
		if err != nil {
			return nil, &usageError{err.Error(), "--mirror https://example.org/=https://mirror.example.net/example/"}
		}
		f.Mirrors = append(f.Mirrors, m)
	}
	return f, nil
}

const fetchHelp = `Fetch a release's archive, and the patches that it needs here, into the store.

The store is checksummed: what is in it was verified, and is verified again
when it is used. The path of the archive is printed.

With --history it is the git repository of the upstream that is fetched, or
brought up to date, for "srcmend check" to ask.

Exit status: 0 it is in the store; 1 it could not be had, or was not what the
recipe says; 2 usage or a bad recipe.`

func (a *app) fetchVerb() *cobra.Command {
	o := fetchOptions{}
	history := false
	cmd := &cobra.Command{
		Use:               "fetch PKG[@VERSION]",
		Short:             "Fetch and verify a release's source",
		Long:              fetchHelp,
		Example:           "  srcmend fetch dovecot@2.3.19.1\n  DISTDIR=/usr/ports/distfiles srcmend fetch dovecot --offline",
		Args:              exactly(1, "one PKG[@VERSION]"),
		ValidArgsFunction: a.completePackage,
		RunE: func(cmd *cobra.Command, args []string) error {
			if history {
				return a.fetchHistory(cmd.Context(), args[0], o)
			}
			return a.fetch(cmd.Context(), args[0], o)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().BoolVar(&history, "history", false, "fetch the upstream's git repository instead")
	return cmd
}

func (a *app) fetch(ctx context.Context, target string, o fetchOptions) error {
	recipes, r, release, err := a.load(target)
	if err != nil {
		return err
	}
	here, err := platform.Here(ctx)
	if err != nil {
		return err
	}
	p, err := plan.Make(r, release, here, plan.Options{Prefix: "/", File: recipes.File})
	if err != nil {
		return err
	}
	f, err := o.fetcher()
	if err != nil {
		return err
	}
	return a.fetching(ctx, f, p.Archive.Name, func() (string, error) {
		item, err := work.Source(ctx, f, p.Archive)
		if err == nil {
			err = work.Patches(ctx, f, p)
		}
		return item.Path, err
	})
}

// fetchHistory gets the repository of a package's upstream.
func (a *app) fetchHistory(ctx context.Context, target string, o fetchOptions) error {
	_, r, release, err := a.load(target)
	if err != nil {
		return err
	}
	switch {
	case release != "":
		return &usageError{"the history is of all releases", "srcmend fetch " + r.Name + " --history"}
	case r.Upstream == nil:
		return &usageError{"the recipe of " + r.Name + " does not say where its upstream is", "add upstream: with git and tag"}
	}
	f, err := o.fetcher()
	if err != nil {
		return err
	}
	cache, err := cacheDir()
	if err != nil {
		return err
	}
	return a.fetching(ctx, f, r.Upstream.Git, func() (string, error) {
		dir := historyOf(cache, r.Name)
		return dir, f.History(ctx, r.Upstream.Git, dir)
	})
}

// fetching fetches something, and tells of it.
func (a *app) fetching(ctx context.Context, f *fetch.Fetcher, what string, get func() (path string, err error)) error {
	out, done := a.render()
	f.Events = out.Send
	out.Send(event.StepStarted{Step: plan.Fetch, What: what})
	path, err := get()
	ended := event.Ended{Outcome: event.Green, Text: path}
	switch {
	case err != nil && ctx.Err() != nil:
		ended = event.Ended{Outcome: event.Interrupted, Text: "interrupted", Hint: "run the same command again to go on"}
	case err != nil:
		ended = failed(err)
	}
	out.Send(ended)
	if derr := done(); derr != nil {
		return derr
	}
	if err != nil {
		return errReported
	}
	return nil
}
