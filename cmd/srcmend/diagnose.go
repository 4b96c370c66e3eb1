package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"srcmend/internal/diagnosis"
	"srcmend/internal/report"
)

const diagnoseHelp = `Say why a build failed, by its log.

The log can be of any tool. It is read once, and may be of any size; without an argument,
or for "-", standard input is read. The root cause comes first: the error in the unit that
make gave up on, not what followed from it.

Exit status: 0 nothing failed in any of the logs; 3 something did; 1 a log could not be
read; 2 usage.`

func (a *app) diagnoseVerb() *cobra.Command {
	return &cobra.Command{
		Use:     "diagnose [LOG|-]...",
		Short:   "Say why a build failed, by its log",
		Long:    diagnoseHelp,
		Example: "  srcmend diagnose build.log\n  gmake 2>&1 | srcmend diagnose",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.diagnose(cmd.Context(), cmd.InOrStdin(), args) },
	}
}

func (a *app) diagnose(ctx context.Context, in io.Reader, logs []string) error {
	if len(logs) == 0 {
		if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return &usageError{"there is no log", "srcmend diagnose build.log, or gmake 2>&1 | srcmend diagnose"}
		}
		logs = []string{"-"}
	}
	cat, err := catalogue()
	if err != nil {
		return err
	}
	red := false
	all := []report.Diagnosis{}
	for _, name := range logs {
		d, err := read(ctx, in, name, func(log io.Reader) (diagnosis.Diagnosis, error) { return diagnosis.Read(cat, log) })
		if err != nil {
			return err
		}
		red = red || d.Outcome != diagnosis.Green
		all = append(all, report.Diagnosis{Log: name, Diagnosis: d})
		if !a.json {
			if err := all[len(all)-1].Text(a.out); err != nil {
				return &reportError{err: err}
			}
		}
	}
	if a.json {
		for _, d := range all {
			if err := a.encode(d); err != nil {
				return &reportError{err: err}
			}
		}
	}
	if red {
		return errRed
	}
	return nil
}

// read opens a log and has it diagnosed.
func read(ctx context.Context, in io.Reader, name string, diagnose func(io.Reader) (diagnosis.Diagnosis, error)) (diagnosis.Diagnosis, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return diagnosis.Diagnosis{}, &usageError{fmt.Sprintf("the log can't be read: %v", err), ""}
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || info.IsDir() {
			return diagnosis.Diagnosis{}, &usageError{name + " is a folder", "srcmend diagnose LOG"}
		}
		in = f
	}
	d, err := diagnose(&cancelled{ctx, in})
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return d, err
}

// A cancelled reader ends when its context does.
type cancelled struct {
	ctx context.Context
	in  io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.in.Read(p)
}
