package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"srcmend/internal/diagnosis"
	"srcmend/internal/report"
	"srcmend/internal/signature"
)

const diagnoseHelp = `Say why a build failed, by its log.

The log can be of any tool. It is read once, and may be of any size; without an argument,
or for "-", standard input is read. The root cause comes first: the error in the unit that
make gave up on, not what followed from it. If configure, cmake or meson gave up and left
a log of its own beside the build, that is read as well.

When nothing in it is known, --draft makes an entry for the catalogue of it: complete it,
put it into signatures/NAME.yaml below a folder of recipes of yours, and let "srcmend
recipe lint" read it.

Exit status: 0 nothing failed in any of the logs; 3 something did; 1 a log could not be
read; 2 usage.`

// diagnosisForm is the form in which diagnoses are written.
type diagnosisForm struct{ name string }

func (f *diagnosisForm) flags(flags *pflag.FlagSet) {
	flags.StringVar(&f.name, "format", "", "write it as `FORM`: text, json, sarif, or github (annotations of a workflow)")
}

// write writes diagnoses in that form.
func (a *app) writeDiagnoses(w io.Writer, f diagnosisForm, all []report.Diagnosis) error {
	if err := report.Forms[f.name](w, all); err != nil {
		return &reportError{err: err}
	}
	return nil
}

// settle finds out which form is meant.
func (f *diagnosisForm) settle(a *app) error {
	switch {
	case f.name == "" && a.json:
		f.name = "json"
	case f.name == "":
		f.name = "text"
	case a.json && f.name != "json":
		return &usageError{"--json and --format " + f.name + " are two forms", ""}
	case report.Forms[f.name] == nil:
		return &usageError{fmt.Sprintf("there is no form %q", f.name), "--format " + strings.Join(slices.Sorted(maps.Keys(report.Forms)), ", --format ")}
	}
	return nil
}

func (a *app) diagnoseVerb() *cobra.Command {
	var form diagnosisForm
	var draft bool
	cmd := &cobra.Command{
		Use:   "diagnose [LOG|-]...",
		Short: "Say why a build failed, by its log",
		Long:  diagnoseHelp,
		Example: `  srcmend diagnose build.log
  gmake 2>&1 | srcmend diagnose
  srcmend diagnose --draft build.log > my-recipes/signatures/mine.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := form.settle(a); err != nil {
				return err
			}
			return a.diagnose(cmd.Context(), cmd.InOrStdin(), args, form, draft)
		},
	}
	form.flags(cmd.Flags())
	cmd.Flags().BoolVar(&draft, "draft", false, "write an entry for the catalogue, made from the first error that is not known")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(slices.Sorted(maps.Keys(report.Forms)), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) diagnose(ctx context.Context, in io.Reader, logs []string, form diagnosisForm, draft bool) error {
	if len(logs) == 0 {
		if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return &usageError{"there is no log", "srcmend diagnose build.log, or gmake 2>&1 | srcmend diagnose"}
		}
		logs = []string{"-"}
	}
	if draft && len(logs) > 1 {
		return &usageError{"--draft is for one log", "srcmend diagnose --draft LOG"}
	}
	cat, err := a.spareCatalogue()
	if err != nil {
		return err
	}
	red, unread := false, false
	all := []report.Diagnosis{}
	for _, name := range logs {
		scan, err := read(ctx, in, name, cat)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && len(logs) == 1:
			return err
		case err != nil: // the others are diagnosed all the same
			a.show(err, exitFailed)
			unread = true
			continue
		}
		d := diagnosis.Of(scan)
		red = red || d.Outcome != diagnosis.Green
		r := report.Diagnosis{Log: name, Diagnosis: d, Beside: beside(cat, scan, d, filepath.Dir(name), time.Time{})}
		if r.Fixes, err = a.known(d); err != nil {
			return err
		}
		if draft && d.Outcome == diagnosis.Unknown {
			r.Draft = signature.Draft(d.Telling())
		}
		all = append(all, r)
	}
	w := a.out
	if draft && form.name == "text" { // standard output has nothing but the draft
		w = a.err
		if _, err := io.WriteString(a.out, all[0].Draft); err != nil {
			return &reportError{err: err}
		}
		switch {
		case all[0].Draft != "":
		case all[0].Outcome == diagnosis.Unknown:
			fmt.Fprintln(a.err, "srcmend: no entry can be made of this log: it has no line that would be the same another time")
		default:
			fmt.Fprintln(a.err, "srcmend: there is nothing to draft: what the log says is known")
		}
	}
	if err := a.writeDiagnoses(w, form, all); err != nil {
		return err
	}
	switch {
	case unread:
		return errReported
	case red:
		return errRed
	}
	return nil
}

// read opens a log and searches it, or gives up when ctx ends: a pipe may keep one waiting
// for ever.
func read(ctx context.Context, in io.Reader, name string, cat *signature.Catalogue) (scan signature.Scan, err error) {
	done := make(chan struct{})
	var all signature.Scan
	var failed error
	go func() {
		defer close(done)
		all, failed = search(in, name, cat)
	}()
	select {
	case <-done:
		return all, failed
	case <-ctx.Done():
		return scan, ctx.Err()
	}
}

// search opens a log and searches it.
func search(in io.Reader, name string, cat *signature.Catalogue) (signature.Scan, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return signature.Scan{}, fmt.Errorf("the log can't be read: %w", err)
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || info.IsDir() {
			return signature.Scan{}, fmt.Errorf("the log can't be read: %s is a folder", name)
		}
		in = f
	}
	scan, err := cat.Scan(in)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return scan, err
}
