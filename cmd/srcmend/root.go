package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"srcmend/internal/build"
	"srcmend/internal/event"
	"srcmend/internal/header"
	"srcmend/internal/history"
	"srcmend/internal/recipe"
	"srcmend/internal/report"
	"srcmend/internal/signature"
	"srcmend/internal/yamlfile"
	"srcmend/patches"
	"srcmend/recipes"
)

// run is the whole program; it returns the exit status.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	a := &app{out: out, err: errs, supervisor: new(build.Supervisor)}
	defer a.supervisor.Close()
	root := a.root()
	root.SetArgs(args)
	help := &watched{Writer: out}
	root.SetOut(help)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil && help.err != nil {
		err = &reportError{err: help.err}
	}
	return a.exit(ctx, err)
}

// watched remembers that something could not be written.
type watched struct {
	io.Writer
	err error
}

func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

// app is what all verbs share: where to write, and the global flags.
type app struct {
	out, err   io.Writer
	supervisor *build.Supervisor // of the commands

	json    bool
	quiet   bool
	recipes []string
}

const rootHelp = `srcmend builds servers and tools from source.

It fetches a release and verifies it, applies the fixes that this version needs
on this platform, runs configure and gmake, installs, and leaves a receipt. When
something stops it, it says why and what to try.

Environment:
  DESTDIR              put the prefix below this folder
  DISTDIR              folders with archives that are already here
  MASTER_SITE_OVERRIDE sites that are asked before all others
  SRCMEND_RECIPES      folders with recipes of your own, separated by colons
  MAKE, CC, CFLAGS …   reach the build
  NO_COLOR             no colours
  XDG_CACHE_HOME, XDG_STATE_HOME

Exit status:
  0  green: done, or nothing to do
  1  srcmend itself failed: network, disk, permissions, a wrong checksum
  2  usage, an unknown package or version, or a bad recipe
  3  red: the build failed, or a patch does not fit
  4  check: a fix is needed here; patch --check: the patch is needed
  130 interrupted`

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "srcmend",
		Short:         "Build servers and tools from source, and mend what does not build",
		Long:          rootHelp,
		Version:       builtFrom(),
		Example:       "  srcmend build dovecot --prefix /usr/local\n  srcmend recipe list",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return a.unknownVerb(cmd, args[0])
		},
	}
	flags := cmd.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "write JSON instead of text")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "show only warnings, findings and the result")
	flags.StringArrayVar(&a.recipes, "recipes", nil, "folder with recipes of your own, and signatures/ and headers/ in it (also SRCMEND_RECIPES); may be given again")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err.Error(), cmd.CommandPath() + " --help"}
	})
	cmd.CompletionOptions.HiddenDefaultCmd = false
	cmd.AddCommand(a.buildVerb(), a.runVerb(), a.diagnoseVerb(), a.patchVerb(), a.checkVerb(), a.verifyVerb(), a.reportVerb(), a.fetchVerb(), a.recipeVerb(), a.historyVerb())
	return cmd
}

// builtFrom is what the program was built from, as far as the toolchain knows.
func builtFrom() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func (a *app) unknownVerb(cmd *cobra.Command, verb string) error {
	text := fmt.Sprintf("there is no verb %q", verb)
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(verb); len(near) > 0 {
		text += fmt.Sprintf("; did you mean %q?", near[0])
	}
	return &usageError{text, "srcmend --help"}
}

// exactly is cobra's positional check with an error of our own.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return &usageError{fmt.Sprintf("want %s, got %d arguments", what, len(args)), cmd.CommandPath() + " --help"}
	}
}

// atLeastOne is for verbs that want some arguments.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return &usageError{"want at least one " + what, cmd.CommandPath() + " --help"}
	}
}

// renderer is a report that events go to.
type renderer interface{ Send(event.Event) }

// render returns the report for the stream of a long-running verb, and what
// ends it.
func (a *app) render() (renderer, func() error) {
	if a.json {
		j := &report.JSON{W: a.out}
		return j, j.Err
	}
	t := &report.Text{
		Out: a.out, Err: a.err, Quiet: a.quiet, Width: terminalWidth(a.err),
		Color: color(a.err), OutColor: color(a.out),
	}
	return t, t.Close
}

// terminalWidth returns a function that tells the width of the terminal that
// w is, or nil when it is none.
func terminalWidth(w io.Writer) func() int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" || os.Getenv("CI") == "true" {
		return nil
	}
	return func() int {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
		return 80
	}
}

func color(w io.Writer) bool {
	switch {
	case os.Getenv("NO_COLOR") != "":
		return false
	case os.Getenv("CLICOLOR_FORCE") != "" && os.Getenv("CLICOLOR_FORCE") != "0":
		return true
	}
	return terminalWidth(w) != nil
}

// collection is the shipped recipes under those of the user.
func (a *app) collection() (*recipe.Collection, error) {
	layers := []recipe.Layer{{Name: "shipped", Recipes: recipes.FS, Files: patches.FS}}
	for _, dir := range a.folders() {
		info, err := os.Stat(dir)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("the folder of recipes can't be read: %v", err), ""}
		}
		if !info.IsDir() {
			return nil, &usageError{dir + " is not a folder of recipes", "--recipes takes the folder that holds NAME.yaml"}
		}
		layers = append(layers, recipe.Layer{Name: dir, Recipes: os.DirFS(dir), Files: os.DirFS(patchesOf(dir))})
	}
	return recipe.NewCollection(layers...), nil
}

// patchesOf is the folder with the patches of a folder of recipes: in it, or beside it.
func patchesOf(dir string) string {
	in, beside := filepath.Join(dir, "patches"), filepath.Join(dir, "..", "patches")
	if _, err := os.Stat(in); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	return in
}

// folders are those with recipes, signatures and headers of the user. An empty entry is
// none, as in a path.
func (a *app) folders() []string {
	all := append(filepath.SplitList(os.Getenv("SRCMEND_RECIPES")), a.recipes...)
	return slices.DeleteFunc(all, func(dir string) bool { return dir == "" })
}

// catalogue is the shipped signatures under those of the user, for a build or its log: the
// shipped ones are taken for proven.
func (a *app) catalogue() (*signature.Catalogue, error) {
	all, err := a.layers("signatures", nil)
	if err != nil {
		return nil, err
	}
	all[0].Skip = signature.ProofKey
	return signature.Load(all...)
}

// spareCatalogue is the catalogue for a program that stays small afterwards, beside a build
// which wants the memory: what is in use then is far below both bounds.
func (a *app) spareCatalogue() (*signature.Catalogue, error) {
	const loose, tight, most = 400, 40, 60 << 20
	debug.SetGCPercent(loose) // what is read once is soon done with
	defer debug.SetMemoryLimit(most)
	defer debug.SetGCPercent(tight)
	return a.catalogue()
}

// catalogueWith is the catalogue to be proven, with one layer more.
func (a *app) catalogueWith(more *yamlfile.Layer) (*signature.Catalogue, error) {
	all, err := a.layers("signatures", more)
	if err != nil {
		return nil, err
	}
	return signature.Load(all...)
}

// headersWith is the table of headers, the shipped one under those of the user, with one
// layer more.
func (a *app) headersWith(more *yamlfile.Layer) (*header.Table, error) {
	all, err := a.layers("headers", more)
	if err != nil {
		return nil, err
	}
	return header.Load(all...)
}

// layers are the shipped files of a folder beside the recipes under those of the user, with
// one layer more. If that is of a folder of the user's, it stands for that.
func (a *app) layers(folder string, more *yamlfile.Layer) ([]yamlfile.Layer, error) {
	shipped, err := fs.Sub(recipes.FS, folder)
	if err != nil {
		return nil, err
	}
	all := []yamlfile.Layer{{Name: folder, Files: shipped}}
	for _, dir := range a.folders() {
		dir = filepath.Join(dir, folder)
		if more != nil && sameFile(dir, more.Name) {
			more.Only = ""
			continue
		}
		all = append(all, yamlfile.Layer{Name: dir, Files: os.DirFS(dir)})
	}
	if more != nil {
		all = append(all, *more)
	}
	return all, nil
}

// sameFile reports whether two names are of one file or folder that is there.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// cacheDir is where what can be made again is kept.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for caches: %w; set XDG_CACHE_HOME or HOME", err)
	}
	return filepath.Join(dir, "srcmend"), nil
}

// stateDir is where the history is kept.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "srcmend"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the history: %w; set XDG_STATE_HOME or HOME", err)
	}
	return filepath.Join(home, ".local", "state", "srcmend"), nil
}

func openHistory() (*history.History, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	return history.Open(filepath.Join(dir, "history"), nil), nil
}

// load reads the recipe of PKG[@VERSION] and returns the version as it was
// given, "" for none.
func load(recipes *recipe.Collection, target string) (r *recipe.Recipe, release string, err error) {
	pkg, release, at := strings.Cut(target, "@")
	if at && release == "" {
		return nil, "", &usageError{fmt.Sprintf("no version stands after the @ of %q", target), "srcmend recipe show " + pkg + " lists the versions"}
	}
	r, err = recipes.Load(pkg)
	return r, release, err
}

// load reads the recipe of PKG[@VERSION], and says what all it was looked for in.
func (a *app) load(target string) (all *recipe.Collection, r *recipe.Recipe, release string, err error) {
	if all, err = a.collection(); err == nil {
		r, release, err = load(all, target)
	}
	return all, r, release, err
}
