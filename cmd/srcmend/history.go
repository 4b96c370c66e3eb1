package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"srcmend/internal/history"
)

const historyHelp = `List every attempt, the newest first.

history show ID tells one attempt's steps and where its logs are.`

func (a *app) historyVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "Show what was tried, and how it ended",
		Long:    historyHelp,
		Example: "  srcmend history\n  srcmend history show 12",
		Args:    exactly(0, "no arguments (or: history show ID)"),
		RunE:    func(*cobra.Command, []string) error { return a.historyList() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "show ID",
		Short:   "Show one attempt",
		Example: "  srcmend history show 12",
		Args:    exactly(1, "the number of one attempt"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.historyShow(args[0]) },
	})
	return cmd
}

// encode writes one JSON value to the standard output.
func (a *app) encode(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (a *app) historyList() error {
	h, err := openHistory()
	if err != nil {
		return err
	}
	all, err := h.List()
	if err != nil {
		return err
	}
	if a.json {
		if all == nil {
			all = []history.Record{}
		}
		return a.encode(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(a.err, "nothing was tried yet")
		return nil
	}
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tWHEN\tWHAT\tOUTCOME\tSTOPPED AT\tTIME")
	for _, r := range all {
		fmt.Fprintf(table, "%d\t%s\t%s %s@%s\t%s\t%s\t%s\n", r.ID, r.Started.Local().Format("2006-01-02 15:04"),
			r.Verb, r.Package, r.Release, r.Outcome, dash(r.Step), took(r))
	}
	return table.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func took(r history.Record) string {
	if r.Ended.IsZero() {
		return "-"
	}
	return r.Ended.Sub(r.Started).Round(time.Second).String()
}

func (a *app) historyShow(arg string) error {
	id, err := strconv.Atoi(arg)
	if err != nil {
		return &usageError{fmt.Sprintf("%q is not the number of an attempt", arg), "srcmend history lists them"}
	}
	h, err := openHistory()
	if err != nil {
		return err
	}
	r, dir, err := h.Show(id)
	if err != nil {
		return err
	}
	if a.json {
		return a.encode(struct {
			history.Record
			Dir string `json:"dir"`
		}{r, dir})
	}
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "attempt\t%d\n", r.ID)
	fmt.Fprintf(table, "what\t%s %s@%s\n", r.Verb, r.Package, r.Release)
	fmt.Fprintf(table, "prefix\t%s\n", dash(r.Prefix))
	fmt.Fprintf(table, "plan\t%s\n", r.Plan)
	fmt.Fprintf(table, "started\t%s\n", r.Started.Local().Format(time.RFC1123))
	fmt.Fprintf(table, "outcome\t%s\n", r.Outcome)
	fmt.Fprintf(table, "result\t%s\n", dash(r.Text))
	if r.Cause != "" {
		fmt.Fprintf(table, "cause\t%s\n", r.Cause)
	}
	for _, fix := range r.Fixes {
		fmt.Fprintf(table, "fix\t%s\n", fix)
	}
	for _, s := range r.Steps {
		fmt.Fprintf(table, "step\t%s\t%s\t%.1fs\t%s\n", s.Name, s.Outcome, s.Seconds, s.Why)
	}
	fmt.Fprintf(table, "logs\t%s\n", dir)
	return table.Flush()
}
