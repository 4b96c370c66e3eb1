package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"srcmend/internal/event"
	"srcmend/internal/report"
)

// A copyOf is a further report of a verification: in a form, into a file.
type copyOf struct{ form, file string }

// copies are the values of --report.
type copies struct{ texts []string }

func (c *copies) flags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&c.texts, "report", nil, "write a report into a file as well, or to the output if it is -, `FORM=FILE`: json, junit, sarif, html, summary or text; or github, which goes to the output; may be given again")
}

// summaryFile is the variable with the name of the file that GitHub shows as a job's summary.
const summaryFile = "GITHUB_STEP_SUMMARY"

// parse reads the values.
func (c *copies) parse() (all []copyOf, err error) {
	for _, text := range c.texts {
		var one copyOf
		one.form, one.file, _ = strings.Cut(text, "=")
		known := strings.Join(slices.Sorted(maps.Keys(report.VerificationForms)), ", ")
		switch {
		case report.VerificationForms[one.form] == nil:
			return nil, &usageError{fmt.Sprintf("there is no form %q", one.form), "--report FORM=FILE, where FORM is one of: " + known}
		case one.file == "" && one.form == "summary":
			if one.file = os.Getenv(summaryFile); one.file == "" {
				return nil, &usageError{"--report summary names no file, and " + summaryFile + " is not set", "--report summary=FILE"}
			}
		case one.file == "" && one.form != "github":
			return nil, &usageError{"--report " + one.form + " names no file", "--report " + one.form + "=FILE"}
		}
		if slices.ContainsFunc(all, func(c copyOf) bool { return c.file == one.file && one.file != "" && one.file != "-" }) {
			return nil, &usageError{"two reports are to go to " + one.file, "--report " + one.form + "=ANOTHER"}
		}
		if dir := filepath.Dir(one.file); one.file != "" {
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return nil, &usageError{fmt.Sprintf("--report %s: there is no folder %s", text, dir), "mkdir -p " + dir}
			}
		}
		if info, err := os.Stat(one.file); err == nil && info.IsDir() {
			return nil, &usageError{fmt.Sprintf("--report %s: that is a folder", text), "--report " + one.form + "=" + filepath.Join(one.file, "FILE")}
		}
		all = append(all, one)
	}
	return all, nil
}

// write writes the reports. A summary is added to what the file has.
func (a *app) writeCopies(all []copyOf, v *report.Verification) error {
	var errs []error
	for _, c := range all {
		var b bytes.Buffer
		err := report.VerificationForms[c.form](&b, v)
		switch {
		case err != nil:
		case c.file == "" || c.file == "-":
			_, err = a.out.Write(b.Bytes())
		case c.form == "summary":
			err = appendTo(c.file, b.Bytes())
		default:
			err = put(c.file, b.Bytes())
		}
		if err != nil {
			errs = append(errs, &reportError{err: err})
		}
	}
	return errors.Join(errs...)
}

func appendTo(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// both sends events to a renderer, and keeps those of a verification.
type both struct {
	renderer
	kept *report.Verification
}

// Send implements [renderer].
func (b both) Send(e event.Event) {
	b.kept.Send(e)
	b.renderer.Send(e)
}

// readVerifications reads what "srcmend verify --json" has written.
func (a *app) readVerifications(in io.Reader, files []string) ([]*report.Verification, error) {
	var all []*report.Verification
	for _, name := range files {
		one, err := readVerification(in, name)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("%s: %v", name, err), "what srcmend verify --json has written"}
		}
		all = append(all, one)
	}
	return all, nil
}

func readVerification(in io.Reader, name string) (*report.Verification, error) {
	if name == "-" {
		return report.ReadVerification(in)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return report.ReadVerification(f)
}

const reportHelp = `Write the report of a verification in another form, from what "srcmend verify --json"
has written.

Exit status: 0 it is written; 1 it could not be; 2 usage, or what is read is something
else.`

func (a *app) reportVerb() *cobra.Command {
	form := ""
	cmd := &cobra.Command{
		Use:   "report [FILE|-]",
		Short: "Write the report of a verification in another form",
		Long:  reportHelp,
		Example: `  srcmend verify --json > verify.jsonl; srcmend report verify.jsonl --format html > verify.html
  srcmend verify --json | srcmend report --format junit > verify.xml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"-"}
			}
			if form == "" && a.json {
				form = "json"
			} else if form == "" {
				form = "text"
			}
			write := report.VerificationForms[form]
			if write == nil {
				return &usageError{fmt.Sprintf("there is no form %q", form), "--format " + strings.Join(slices.Sorted(maps.Keys(report.VerificationForms)), ", --format ")}
			}
			all, err := a.readVerifications(cmd.InOrStdin(), args)
			if err != nil {
				return err
			}
			if err := write(a.out, all[0]); err != nil {
				return &reportError{err: err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&form, "format", "", "write it as `FORM`: text, json, junit, sarif, github, summary or html")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(slices.Sorted(maps.Keys(report.VerificationForms)), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

const mergeHelp = `Put the parts of a verification together that several machines have run, each with
--shard, and report on the whole. A cell that no part has is a failure: nobody has
verified it.

Exit status: as of verify; 2 where a part is of another plan, or a cell is missing.`

func (a *app) mergeVerb() *cobra.Command {
	var c copies
	cmd := &cobra.Command{
		Use:     "merge FILE...",
		Short:   "Put the parts of a verification together",
		Long:    mergeHelp,
		Example: "  srcmend verify --shard 1/2 --json > 1.jsonl    # on one machine\n  srcmend verify --shard 2/2 --json > 2.jsonl    # on another\n  srcmend verify merge 1.jsonl 2.jsonl --report junit=verify.xml",
		Args:    atLeastOne("file that srcmend verify --json has written"),
		RunE: func(cmd *cobra.Command, args []string) error {
			reports, err := c.parse()
			if err != nil {
				return err
			}
			return a.merge(cmd.InOrStdin(), args, reports)
		},
	}
	c.flags(cmd.Flags())
	return cmd
}

func (a *app) merge(in io.Reader, files []string, reports []copyOf) error {
	all, err := a.readVerifications(in, files)
	if err != nil {
		return err
	}
	whole, err := report.Merge(all)
	if err != nil {
		return &usageError{err.Error(), "give all parts of one plan: srcmend verify merge 1.jsonl 2.jsonl"}
	}
	form := "text"
	if a.json {
		form = "json"
	}
	if err := report.VerificationForms[form](a.out, whole); err != nil {
		return &reportError{err: err}
	}
	return errors.Join(a.writeCopies(reports, whole), verified(whole.Verified()))
}
