package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"srcmend/internal/check"
	"srcmend/internal/patch"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/signature"
	"srcmend/internal/yamlfile"
	"srcmend/recipes"
)

func (a *app) recipeVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "recipe",
		Short:   "List, show and check recipes",
		Example: "  srcmend recipe list\n  srcmend recipe show dovecot\n  srcmend recipe lint my-recipes/hello.yaml",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return a.unknownVerb(cmd, args[0])
		},
	}
	deep := deepOptions{}
	lint := &cobra.Command{
		Use:   "lint [FILE|PKG]...",
		Short: "Check recipes, the catalogue of signatures and the table of headers",
		Long: `Check recipes: their shape, their meaning, the files and signatures they name,
and that each fix has a proof. Every mistake is shown with its place. Without
arguments all recipes, the catalogue of signatures and the table of headers are checked. A
file of signatures is checked with the catalogue that it adds to: each proof is tried,
whether one entry takes what another is for, and whether a pattern would be slow. A file of
headers is checked for the form of all names, and for names that stand twice.

With --deep the releases themselves are asked, from the archives and the upstream's
repository that are at hand: whether the range of each fix is right, and which would
be; whether the table of verdicts is; whether a patch is for this package at all, and is
the one that its patch-ids name.

Exit status: 0 no mistakes; 2 mistakes.`,
		Example: "  srcmend recipe lint\n  srcmend recipe lint my-recipes/hello.yaml\n  srcmend recipe lint my-recipes/signatures/mine.yaml\n  srcmend recipe lint --deep dovecot",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.recipeLint(cmd.Context(), args, deep) },
	}
	lint.Flags().BoolVar(&deep.on, "deep", false, "ask the releases whether what the recipe claims is true")
	lint.Flags().BoolVar(&deep.get, "fetch", false, "with --deep: fetch what is not here")
	lint.Flags().StringVar(&deep.git, "git", "", "with --deep and one recipe: the upstream's repository is in the folder `DIR`")
	cmd.AddCommand(
		lint,
		&cobra.Command{
			Use:   "list",
			Short: "List the packages that have a recipe",
			Args:  exactly(0, "no arguments"),
			RunE:  func(*cobra.Command, []string) error { return a.recipeList() },
		},
		&cobra.Command{
			Use:               "show PKG[@VERSION]",
			Short:             "Show a recipe: its releases, sources, commands and fixes",
			Args:              exactly(1, "one PKG[@VERSION]"),
			ValidArgsFunction: a.completePackage,
			RunE:              func(cmd *cobra.Command, args []string) error { return a.recipeShow(cmd.Context(), args[0]) },
		},
		&cobra.Command{
			Use:   "schema",
			Short: "Print the JSON Schema of a recipe, for editors",
			Args:  exactly(0, "no arguments"),
			RunE: func(*cobra.Command, []string) error {
				text, err := recipes.FS.ReadFile("schema.json")
				if err == nil {
					_, err = a.out.Write(text)
				}
				return err
			},
		},
	)
	return cmd
}

// completePackage offers the names of packages to the shell.
func (a *app) completePackage(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	recipes, err := a.collection()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, _ := recipes.Names()
	return names, cobra.ShellCompDirectiveNoFileComp
}

// listed is a recipe in recipe list --json.
type listed struct {
	Name     string `json:"name"`
	Summary  string `json:"summary"`
	Newest   string `json:"newest"`
	Releases int    `json:"releases"`
	Fixes    int    `json:"fixes"`
	File     string `json:"file"`
}

func (a *app) recipeList() error {
	recipes, err := a.collection()
	if err != nil {
		return err
	}
	names, err := recipes.Names()
	if err != nil {
		return err
	}
	var all []listed
	var wrong yamlfile.Mistakes
	for _, name := range names {
		r, err := recipes.Load(name)
		var mistakes yamlfile.Mistakes
		if errors.As(err, &mistakes) {
			wrong = append(wrong, mistakes...)
			continue
		}
		if err != nil {
			return err
		}
		all = append(all, listed{r.Name, r.Summary, dash(r.Newest().String()), len(r.Releases), len(r.Fixes), r.File()})
	}
	if len(wrong) > 0 && a.json {
		return wrong.Err() // one JSON value, not two
	}
	if err := a.showList(all); err != nil {
		return err
	}
	return wrong.Err()
}

func (a *app) showList(all []listed) error {
	if a.json {
		return a.encode(all)
	}
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PACKAGE\tNEWEST\tRELEASES\tFIXES\tSUMMARY")
	for _, l := range all {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", l.Name, l.Newest, l.Releases, l.Fixes, l.Summary)
	}
	return table.Flush()
}

func (a *app) recipeShow(ctx context.Context, target string) error {
	recipes, r, release, err := a.load(target)
	if err != nil {
		return err
	}
	if release != "" {
		if _, _, err := r.Release(release); err != nil {
			return err
		}
	}
	if a.json {
		return a.encode(r)
	}
	here, err := platform.Here(ctx)
	if err != nil {
		return err
	}
	known := make([]string, 0, len(r.Releases))
	for _, v := range r.Known() {
		known = append(known, v.String())
	}
	b := &strings.Builder{}
	fmt.Fprintf(b, "%s: %s\n", r.Name, r.Summary)
	fmt.Fprintf(b, "homepage  %s\nrecipe    %s\n", dash(r.Homepage), r.File())
	if release == "" {
		fmt.Fprintf(b, "releases  %s\n", strings.Join(known, " "))
	} else {
		v, rel, err := r.Release(release)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "release   %s\nsha256    %s\n", v, dash(string(rel.SHA256)))
	}
	for _, s := range r.Sources {
		fmt.Fprintf(b, "source    %s\n", s)
	}
	for _, family := range slices.Sorted(maps.Keys(r.Needs)) {
		fmt.Fprintf(b, "needs     on %s: %s\n", family, strings.Join(r.Needs[family], " "))
	}
	for _, step := range []struct {
		name     string
		commands recipe.Commands
	}{{"configure", r.Build.Configure}, {"make", r.Build.Make}, {"check", r.Build.Check}, {"install", r.Build.Install}} {
		for _, c := range step.commands {
			fmt.Fprintf(b, "%-9s %s\n", step.name, strings.Join(c.Run, " "))
		}
	}
	sums, err := a.summaries(ctx, recipes, r)
	if err != nil {
		return err
	}
	for _, f := range r.Fixes {
		showFix(b, f, here)
		if s, ok := sums[f.ID]; ok {
			fmt.Fprintf(b, "          by content: %s\n", neededBy(s))
		}
	}
	_, err = a.out.Write([]byte(b.String()))
	return err
}

// summaries asks the upstream's repository which versions need each patch, if it is at
// hand. What it can't tell is left out.
func (a *app) summaries(ctx context.Context, recipes *recipe.Collection, r *recipe.Recipe) (map[string]check.Summary, error) {
	c := &checking{app: a, recipes: recipes, r: r, checkOptions: checkOptions{all: true}}
	if err := c.begin(); err != nil || c.repo == nil {
		return nil, err
	}
	defer c.close()
	releases, err := c.releases(ctx)
	if err != nil {
		return nil, err
	}
	sums := map[string]check.Summary{}
	for _, f := range r.Fixes {
		if s := check.Sum(releases, f.ID); len(f.Patch) > 0 && len(s.Unknown) < len(releases) {
			sums[f.ID] = s
		}
	}
	return sums, nil
}

// neededBy says in one line which versions need a patch.
func neededBy(s check.Summary) string {
	if len(s.Ranges) == 0 {
		return "needed by no release"
	}
	var all []string
	for _, r := range s.Ranges {
		text := "needed since " + r.Introduced
		if r.Introduced == "0" {
			text = "needed from the beginning"
		}
		if r.Fixed != "" {
			text += ", fixed in " + r.Fixed
		} else {
			text += ", not fixed yet"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func showFix(b *strings.Builder, f recipe.Fix, here platform.Platform) {
	fmt.Fprintf(b, "fix       %s: %s\n", f.ID, f.Summary)
	fmt.Fprintf(b, "          affects %s\n", f.Affects)
	if ok, why := f.Where.Match(here); !ok {
		fmt.Fprintf(b, "          not here: %s\n", why)
	}
	for _, p := range f.Patch {
		fmt.Fprintf(b, "          patch %s\n", p.URL+p.File)
	}
	for _, line := range []struct{ name, text string }{{"advice", f.Advisory}, {"matters", f.When}, {"fixed in", f.Fixed}, {"see", strings.Join(f.Links, " ")}} {
		if line.text != "" {
			fmt.Fprintf(b, "          %s %s\n", line.name, line.text)
		}
	}
}

// deepOptions are the flags of lint.
type deepOptions struct {
	on, get bool
	git     string
}

func (a *app) recipeLint(ctx context.Context, args []string, deep deepOptions) error {
	if !deep.on && (deep.get || deep.git != "") || deep.git != "" && len(args) != 1 {
		return &usageError{"--fetch and --git are for --deep, and --git for one recipe", "srcmend recipe lint --help"}
	}
	recipes, err := a.collection()
	if err != nil {
		return err
	}
	var cat *signature.Catalogue // a recipe names signatures
	signatures, headers, files := 0, 0, args
	if len(args) == 0 {
		var wrong yamlfile.Mistakes
		if cat, err = a.catalogueWith(nil); err != nil && !errors.As(err, &wrong) {
			return err
		}
		wrong = append(slices.Clone(wrong), cat.Prove()...)
		table, err := a.headersWith(nil)
		var more yamlfile.Mistakes
		if err != nil && !errors.As(err, &more) {
			return err
		}
		if wrong = append(wrong, more...); len(wrong) > 0 {
			return wrong.Err()
		}
		signatures, headers = len(cat.Names()), len(table.Headers())
		if files, err = recipes.Names(); err != nil {
			return err
		}
	}
	var wrong yamlfile.Mistakes
	unjudged := []string{}
	for _, arg := range files {
		mistakes, is, err := a.lintBeside(arg)
		if err != nil {
			return err
		}
		if is {
			wrong = append(wrong, mistakes...)
			continue
		}
		if cat == nil {
			if cat, err = a.catalogueWith(nil); err != nil {
				return err
			}
		}
		r, all, mistakes, err := lint(recipes, cat, arg)
		if err != nil {
			return err
		}
		if deep.on && r != nil && len(mistakes) == 0 {
			more, dark, err := a.lintDeep(ctx, r, all, deep)
			if err != nil {
				return fmt.Errorf("%s: %w", r.File(), err)
			}
			mistakes, unjudged = more, append(unjudged, dark...)
		}
		wrong = append(wrong, mistakes...)
	}
	for _, fix := range unjudged {
		fmt.Fprintf(a.err, "srcmend: %s could not be judged: neither an archive nor a repository that has its files is here; try --fetch, or srcmend fetch PKG --history\n", fix)
	}
	if len(wrong) > 0 {
		return wrong.Err()
	}
	if a.json {
		return a.encode(map[string]any{"checked": len(files), "signatures": signatures, "headers": headers, "mistakes": []string{}, "unjudged": unjudged})
	}
	what := count(len(files), "file")
	if len(args) == 0 {
		what = fmt.Sprintf("%s, %s and %s", count(len(files), "recipe"), count(signatures, "signature"), count(headers, "header"))
	}
	end := "no mistakes"
	if n := len(unjudged); n > 0 {
		end += fmt.Sprintf(" found; %s could not be judged", count(n, "fix"))
	}
	_, err = fmt.Fprintf(a.out, "%s checked, %s\n", what, end)
	return err
}

// An addition is a kind of files that stand in a folder beside recipes.
type addition struct {
	folder string
	form   *regexp.Regexp // what a file of it has, and no recipe
}

var (
	signatureFiles = addition{"signatures", regexp.MustCompile(`(?m)^signatures:`)}
	headerFiles    = addition{"headers", regexp.MustCompile(`(?m)^(?:headers|libraries|instead):`)}
)

// has reports whether a file is one of the kind, by its text or its folder.
func (a addition) has(file string, text []byte) bool {
	return a.form.Match(text) || filepath.Base(filepath.Dir(filepath.Clean(file))) == a.folder
}

// lintBeside checks a file of signatures together with the catalogue that they come to, or
// one of headers with the table; is reports whether that is what the argument is.
func (a *app) lintBeside(file string) (wrong yamlfile.Mistakes, is bool, err error) {
	text, err := recipe.ReadFile(file)
	if err != nil {
		return nil, false, nil // it is a recipe, or that will be said of it
	}
	var kind addition
	switch {
	case signatureFiles.has(file, text):
		kind = signatureFiles
	case headerFiles.has(file, text):
		kind = headerFiles
	default:
		return nil, false, nil
	}
	dir, name := filepath.Split(filepath.Clean(file))
	if filepath.Base(filepath.Clean(dir)) != kind.folder && dir != "" || filepath.Ext(name) != ".yaml" {
		wrong = append(wrong, yamlfile.Mistake{Pos: yamlfile.Pos{File: file}, Text: kind.folder + " are not looked for in a file of this name", Hint: "put it into " + kind.folder + "/NAME.yaml, below a folder that --recipes or SRCMEND_RECIPES names"})
	}
	more := yamlfile.Layer{Name: filepath.Clean(dir), Files: os.DirFS(filepath.Join(".", dir)), Only: name}
	var proof yamlfile.Mistakes
	if kind.folder == headerFiles.folder {
		_, err = a.headersWith(&more)
	} else {
		var cat *signature.Catalogue
		if cat, err = a.catalogueWith(&more); cat != nil {
			proof = cat.Prove()
		}
	}
	var form yamlfile.Mistakes
	if err != nil && !errors.As(err, &form) {
		return nil, true, err
	}
	return slices.Concat(wrong, form, proof), true, nil
}

// lintDeep asks the releases of one recipe.
func (a *app) lintDeep(ctx context.Context, r *recipe.Recipe, all *recipe.Collection, o deepOptions) (wrong yamlfile.Mistakes, unjudged []string, err error) {
	c := &checking{app: a, recipes: all, r: r, checkOptions: checkOptions{all: true, get: o.get, git: o.git}}
	if err := c.begin(); err != nil {
		return nil, nil, err
	}
	defer c.close()
	if wrong, err = c.identities(ctx); err != nil || len(wrong) > 0 {
		return wrong, nil, err
	}
	releases, err := c.releases(ctx)
	if err != nil {
		return nil, nil, err
	}
	wrong, fixes := check.Lint(r, releases)
	for _, f := range fixes {
		unjudged = append(unjudged, r.Name+": "+f)
	}
	return wrong, unjudged, nil
}

// lint checks one recipe: a file when the argument looks like one, else a
// package of the collection. The collection it gives has the files of the recipe.
func lint(all *recipe.Collection, cat *signature.Catalogue, arg string) (*recipe.Recipe, *recipe.Collection, yamlfile.Mistakes, error) {
	var r *recipe.Recipe
	var err error
	if strings.ContainsRune(arg, filepath.Separator) || strings.HasSuffix(arg, ".yaml") {
		dir, file := filepath.Split(filepath.Clean(arg))
		here := recipe.Layer{Name: filepath.Clean(dir), Recipes: os.DirFS(filepath.Join(".", dir)), Files: os.DirFS(patchesOf(dir))}
		all = all.Under(here)
		text, rerr := recipe.ReadFile(arg)
		if rerr != nil {
			return nil, nil, nil, &usageError{rerr.Error(), "srcmend recipe list names the packages"}
		}
		r, err = recipe.ParseNamed(filepath.Clean(arg), strings.TrimSuffix(file, ".yaml"), text)
	} else {
		r, err = all.Load(arg)
	}
	var mistakes yamlfile.Mistakes
	if err != nil && !errors.As(err, &mistakes) {
		return nil, nil, nil, err
	}
	if r == nil {
		return nil, nil, mistakes, nil
	}
	return r, all, append(mistakes, r.Lint(surroundings(all, cat))...), nil
}

func patchIDs(text []byte) ([]string, error) {
	p, err := patch.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return p.IDs(), nil
}
