package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"srcmend/internal/buildlog"
	"srcmend/internal/patch"
	"srcmend/internal/report"
	"srcmend/internal/tree"
)

// patchOptions is the flags of the verb.
type patchOptions struct {
	input, dir        string
	strip, fuzz       int
	reverse, strict   bool
	forward, force    bool
	silent, dropEmpty bool
	dryRun, check     bool
	series, to, base  string
	refresh           bool
	original          string // operands
	in                io.Reader
	stripGiven        bool
}

const patchHelp = `Put a patch, or a series of patches, into a source tree, or take it out.

The words are those of patch(1), the rules are stricter. All of it is done or
nothing. A hunk may stand at any distance from the line it was made for, but all
of its context must be there, unless --fuzz is given, and then there must be just
one place for it. What is in the tree already is left alone, and nothing is ever
taken out without -R. No .rej or .orig files are written: what does not fit is
shown against the place in the file where most of it is. Nothing is written
outside the folder, or through a symbolic link.

The patch is read from standard input, or from -i FILE or PATCHFILE, named from
where you are, not from -d. With ORIGINALFILE all of it is for that file, whatever
names it has.

With --series the patches of a quilt or Debian series file go in, those that are
not in yet; -R takes them out again. What is in is recorded in the folder .pc, as
quilt does. --to NAME stops there; with -R, NAME is the one that stays.

With --base DIR, the tree that the patches were made for, what does not fit is
merged: where the tree differs from DIR in other places than the patch does. With
--refresh the patch files are written anew, so that they fit exactly.

Exit status: 0 done, or nothing to do; 1 srcmend itself failed; 2 usage, or no
usable patch; 3 it does not fit, and nothing was changed; with --check: 0 nothing
to do, 3 in conflict or ambiguous, 4 needed.`

func (a *app) patchVerb() *cobra.Command {
	o := patchOptions{}
	cmd := &cobra.Command{
		Use:   "patch [ORIGINALFILE [PATCHFILE]]",
		Short: "Put a patch or a series into a source tree, take it out, or ask whether it is in",
		Long:  patchHelp,
		Example: `  srcmend patch -p1 < fix.patch
  srcmend patch --check -d server-1.0 -i fix.patch
  srcmend patch --series debian/patches/series
  srcmend patch --series patches/series --base ../server-1.0 --refresh`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 2 {
				return &usageError{fmt.Sprintf("want at most ORIGINALFILE and PATCHFILE, got %d arguments", len(args)), "srcmend patch --help"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.in = cmd.InOrStdin()
			o.stripGiven = cmd.Flags().Changed("strip")
			return a.patch(cmd.Context(), args, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.input, "input", "i", "", "read the patch from this `FILE`; - is standard input")
	f.IntVarP(&o.strip, "strip", "p", patch.ChooseStrip, "take `N` leading components off the names (default: as fits the tree)")
	f.StringVarP(&o.dir, "directory", "d", ".", "the source tree, a folder `DIR`")
	f.Lookup("strip").DefValue = "0" // which leaves it out of the help
	f.BoolVarP(&o.reverse, "reverse", "R", false, "take the patch out")
	f.IntVarP(&o.fuzz, "fuzz", "F", 0, "let `N` outer lines of context differ, 0 to 3, where a hunk fits in one place only")
	f.BoolVar(&o.strict, "strict", false, "take hunks only exactly where their headers say")
	f.BoolVarP(&o.forward, "forward", "N", false, "leave a patch alone that is in already; this is so without it, too")
	f.BoolVarP(&o.force, "force", "f", false, "don't ask whether the patch is in already; take a series out although files were edited")
	f.BoolVarP(&o.silent, "silent", "s", false, "say nothing unless something does not fit")
	f.BoolVarP(&o.dropEmpty, "remove-empty-files", "E", false, "remove files that are empty afterwards")
	f.BoolP("unified", "u", false, "for patch(1)'s sake: nothing else is read")
	f.BoolP("batch", "t", false, "for patch(1)'s sake: nothing is ever asked")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and change nothing")
	f.BoolVar(&o.check, "check", false, "say whether the tree needs the patch, and change nothing")
	f.StringVar(&o.series, "series", "", "put in the patches of this series `FILE`")
	f.StringVar(&o.to, "to", "", "with --series: stop at the patch `NAME`")
	f.StringVar(&o.base, "base", "", "merge what does not fit, by the tree `DIR` that the patch was made for")
	f.BoolVar(&o.refresh, "refresh", false, "write the patch file anew, so that it fits exactly")
	return cmd
}

// usage refuses flags that do not go together.
func (o *patchOptions) usage(args []string) error {
	text := ""
	switch {
	case o.check && (o.dryRun || o.refresh):
		text = "--check changes nothing, so --dry-run and --refresh have no meaning with it"
	case o.series != "" && (len(args) > 0 || o.input != ""):
		text = "a series has its patches beside it, so there is nothing more to name"
	case o.series != "" && o.stripGiven:
		text = "the -p of a patch of a series stands in the series file, behind the patch's name"
	case o.series == "" && o.to != "":
		text = "--to needs --series"
	case o.input != "" && len(args) > 1:
		text = "the patch is named twice, by -i and by PATCHFILE"
	case o.check && o.series != "" && (o.to != "" || o.reverse || o.dropEmpty || o.force):
		text = "--check of a series is about all of it, and only asks"
	case o.series != "" && o.reverse && (o.fuzz != 0 || o.strict || o.base != "" || o.dropEmpty):
		text = "a series is taken out by its record, so --fuzz, --strict, --base and -E have no meaning with -R"
	case o.series != "" && !o.reverse && o.force:
		text = "with a series, -f is for taking it out"
	case o.refresh && o.reverse:
		text = "--refresh is for a patch that goes in"
	case o.refresh && o.series == "" && o.file(args) == "":
		text = "--refresh needs -i FILE, the file that is to be written anew"
	case o.force && o.forward:
		text = "-f and -N contradict each other"
	case o.check && (o.base != "" || o.fuzz != 0 || o.strict):
		text = "--check always asks with all of the context, at any offset"
	}
	if text != "" {
		return &usageError{text, "srcmend patch --help"}
	}
	return nil
}

// lock takes a tree for this process alone. Who has to wait is told so.
func (a *app) lock(ctx context.Context, t *tree.Tree) (unlock func(), err error) {
	soon, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	unlock, err = t.Lock(soon)
	if err == nil || ctx.Err() != nil || soon.Err() == nil {
		return unlock, err
	}
	fmt.Fprintf(a.err, "srcmend: waiting for another process that works in %s\n", buildlog.Clean(t.Dir()))
	return t.Lock(ctx)
}

// file is the patch file, "" for standard input.
func (o *patchOptions) file(args []string) string {
	name := o.input
	if len(args) > 1 {
		name = args[1]
	}
	if name == "-" {
		return ""
	}
	return name
}

// patch is the verb.
func (a *app) patch(ctx context.Context, args []string, o patchOptions) error {
	if err := o.usage(args); err != nil {
		return err
	}
	// The program lives for a moment, and holds what it reads to the end.
	debug.SetGCPercent(800)
	debug.SetMemoryLimit(512 << 20)
	if len(args) > 0 {
		o.original = args[0]
	}
	o.input = o.file(args)
	var text []byte
	var err error
	if o.refresh && o.input != "" { // not the link, but the file is written anew
		if o.input, err = filepath.EvalSymlinks(o.input); err != nil {
			return &usageError{fmt.Sprintf("the patch can't be read: %v", err), ""}
		}
	}
	if o.series == "" {
		if text, err = o.read(ctx); err != nil {
			return err
		}
	}
	dir := o.dir
	if o.original != "" {
		path := o.original
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		dir, o.original = filepath.Dir(path), filepath.Base(path)
	}
	t, err := tree.Open(dir)
	if err != nil {
		return &usageError{err.Error(), "-d DIR names the source tree"}
	}
	defer t.Close()
	if !o.dryRun && !o.check {
		unlock, err := a.lock(ctx, t)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if o.series != "" {
		return a.patchSeries(ctx, t, o)
	}
	return a.patchOne(ctx, t, text, o)
}

// read reads the patch.
func (o *patchOptions) read(ctx context.Context) ([]byte, error) {
	in := o.in
	if o.input != "" {
		f, err := os.Open(o.input)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("the patch can't be read: %v", err), ""}
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil || info.IsDir() || o.refresh && !info.Mode().IsRegular() {
			return nil, &usageError{o.input + " is no file", "-i FILE, the patch"}
		}
		in = f
	} else if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return nil, &usageError{"there is no patch", "-i FILE, or srcmend patch < FILE"}
	}
	return readAll(ctx, in)
}

// readAll reads a patch, unless that is interrupted: what is piped in may never end.
func readAll(ctx context.Context, in io.Reader) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(in, patch.MaxPatch+1))
		done <- result{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		if r.err != nil {
			return nil, fmt.Errorf("read the patch: %w", r.err)
		}
		return r.text, nil
	}
}

// name is what the patch is called in messages.
func (o *patchOptions) name() string {
	if o.input == "" {
		return "patch"
	}
	return filepath.Base(o.input)
}

// options are those of the engine.
func (o *patchOptions) options() patch.Options {
	return patch.Options{
		Strip: o.strip, File: o.original, Reverse: o.reverse, Strict: o.strict, Fuzz: o.fuzz, RemoveEmpty: o.dropEmpty,
	}
}

// tell writes what became of a patch.
func (a *app) tell(p report.Patch, o patchOptions) error {
	p.Event, p.DryRun, p.Reverse = "patch", o.dryRun, o.reverse
	err := error(nil)
	if a.json {
		err = json.NewEncoder(a.out).Encode(p)
	} else {
		err = p.Text(a.out, o.silent || a.quiet)
	}
	if err != nil {
		return &reportError{err, p.Applied && !o.dryRun}
	}
	return nil
}

// unfit ends the verb when the patch does not fit.
func (a *app) unfit(p report.Patch, o patchOptions, hint string) error {
	if err := a.tell(p, o); err != nil {
		return err
	}
	if !a.json {
		what := "does not fit"
		if o.series != "" && o.reverse {
			what = "can't be taken out"
		}
		fmt.Fprintf(a.err, "srcmend: %s %s; nothing was changed\n", buildlog.Clean(p.Name), what)
		if hint != "" {
			fmt.Fprintf(a.err, "try: %s\n", hint)
		}
	}
	return errRed
}

// unfitHint says what to try when a patch does not fit.
func unfitHint(v patch.Verdict, o patchOptions) string {
	switch {
	case v == patch.Absent:
		return "-d DIR, the top of the source; or -p N, if the names have another prefix"
	case v == patch.Ambiguous && o.series != "":
		return "look at the place; if the patch is in, take it out of the series"
	case v == patch.Ambiguous:
		return "look at the places above; -f puts it in all the same"
	case o.strict:
		return "without --strict a hunk may stand elsewhere"
	case o.series == "" && o.base == "" && o.fuzz == 0:
		return "--base DIR, with the source that the patch was made for, merges; --fuzz 2 lets outer context differ"
	case o.base == "" && o.fuzz == 0:
		return "--to NAME stops before it; --base DIR, with the source that the series was made for, merges; --fuzz 2 lets outer context differ"
	}
	return ""
}

// patchOne puts one patch in, or takes it out, or asks for its verdict.
func (a *app) patchOne(ctx context.Context, t *tree.Tree, text []byte, o patchOptions) error {
	p, err := patch.ParseFor(bytes.NewReader(text), o.original)
	if err != nil {
		return fmt.Errorf("%s: %w", o.name(), err)
	}
	d := patch.NewDraft(t)
	done := report.Patch{Name: o.name(), Repairs: p.Repairs}
	if o.check {
		done.Verdict, done.Report, err = d.Verdict(p, o.options())
		if err != nil {
			return err
		}
		return errors.Join(a.tell(done, o), verdictStatus(done.Verdict))
	}
	options := o.options()
	if options.Base, err = o.baseReport(p); err != nil {
		return err
	}
	if o.force {
		done.Verdict = patch.Needed
		done.Report, err = d.Apply(p, options)
	} else {
		done.Verdict, done.Report, err = d.Put(p, options)
	}
	if errors.As(err, new(patch.Conflicts)) {
		if done.Report.Conflicts() == nil {
			done.Why = err.Error()
		}
		return a.unfit(done, o, unfitHint(done.Verdict, o))
	}
	if err != nil {
		return err
	}
	done.Applied = done.Verdict == patch.Needed
	if !done.Applied {
		done.Why = "nothing to do"
	}
	texts := map[string]string{}
	if done.Applied && !done.Report.Exact() {
		texts[filepath.Base(o.input)] = p.Refresh(done.Report)
	}
	if err := a.commit(ctx, t, d.Edit(), filepath.Dir(o.input), texts, o); err != nil {
		return err
	}
	return a.tell(done, o)
}

// verdictStatus is the exit status of --check as an error.
func verdictStatus(v patch.Verdict) error {
	switch v {
	case patch.Needed:
		return errNeeded
	case patch.Conflict, patch.Ambiguous:
		return errRed
	}
	return nil
}

// baseReport puts the patch into the tree it was made for.
func (o *patchOptions) baseReport(p *patch.Patch) (*patch.Report, error) {
	if o.base == "" {
		return nil, nil
	}
	t, err := tree.Open(o.base)
	if err != nil {
		return nil, &usageError{err.Error(), "--base DIR names the source that the patch was made for"}
	}
	defer t.Close()
	options := o.options()
	options.Fuzz, options.Strict, options.AsBase = 0, false, true
	r, err := patch.NewDraft(t).Apply(p, options)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("the patch does not fit the base: %v", err), "--base DIR names the source that the patch was made for"}
	}
	return &r, nil
}

// A planned is an edit, or something that ends in one.
type planned interface {
	Check() error
	Commit() error
}

// commit writes the tree and, with --refresh, the texts of the patches in their
// folder, unless it is a dry run. Whether the texts can be written is found out first.
func (a *app) commit(ctx context.Context, t *tree.Tree, p planned, dir string, texts map[string]string, o patchOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Where nothing is left of a patch, it stays as it is.
	maps.DeleteFunc(texts, func(_, text string) bool { return text == "" })
	switch {
	case o.dryRun:
		return p.Check()
	case !o.refresh || len(texts) == 0:
		return p.Commit()
	}
	patches, err := openBeside(t, dir)
	if err != nil {
		return err
	}
	if patches != t {
		defer patches.Close()
	}
	e := patches.Begin()
	for name, text := range texts {
		if info, err := patches.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return &usageError{name + " is a symbolic link, which would become a file", "--refresh in the folder where the patch itself is"}
		}
		e.Write(tree.File{Name: name, Data: []byte(text)})
	}
	if err := errors.Join(e.Check(), writable(dir, texts)); err != nil {
		return fmt.Errorf("the patch can't be written anew, so nothing was done: %w", err)
	}
	if err := p.Commit(); err != nil {
		return err
	}
	if err := e.Commit(); err != nil {
		return &refreshError{err}
	}
	return nil
}

// openBeside opens a folder, unless it is the top of a tree that is open, and may be
// locked, already.
func openBeside(t *tree.Tree, dir string) (*tree.Tree, error) {
	top, err := t.Root().Stat(".")
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err == nil && os.SameFile(top, info) {
		return t, nil
	}
	return tree.Open(dir)
}

// writable tries to make a file in each folder below dir that has one of the files.
func writable[T any](dir string, files map[string]T) error {
	tried := map[string]bool{}
	for name := range files {
		folder := filepath.Join(dir, filepath.Dir(name))
		if tried[folder] {
			continue
		}
		tried[folder] = true
		f, err := os.CreateTemp(folder, tree.TempPrefix)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
			return err
		}
	}
	return nil
}
