package patch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Report says what a patch does to a tree, or would do.
type Report struct {
	// Strip is how many leading components were taken off the names.
	Strip int `json:"strip"`
	// Mails are in the order in which they were looked at: that of the patch, or
	// with Options.Reverse from the last to the first.
	Mails []MailReport `json:"mails"`
}

// A MailReport is about one mail.
type MailReport struct {
	Subject string `json:"subject,omitempty"`
	ID      string `json:"patch_id"`
	// Verdict is what the tree says of this mail. It is "" in the report of
	// Apply.
	Verdict Verdict `json:"verdict,omitempty"`
	// Files say where the hunks stand: the old lines of a mail that is needed,
	// the new lines of one that is present.
	Files []FileReport `json:"files,omitempty"`
	// Conflicts are the places where the mail does not fit, of one that is
	// superseded or in conflict.
	Conflicts Conflicts `json:"conflicts,omitempty"`
	// Added is how many lines with a word or number in them the mail adds, and
	// Found how many of these the tree has. They are counted only when the
	// mail fits neither way.
	Added int `json:"added,omitempty"`
	Found int `json:"found,omitempty"`
	// Stands says where the first lines of the added ones are, of a mail that is
	// superseded.
	Stands []Place `json:"stands,omitempty"`
}

// A Place is a line of a file in the tree, from 1.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// A FileReport is about one file.
type FileReport struct {
	Name  string       `json:"name"`           // in the tree, after the change
	From  string       `json:"from,omitempty"` // in the tree, before a rename or copy
	Kind  Kind         `json:"kind"`
	Hunks []HunkReport `json:"hunks,omitempty"` // those that were placed
	// Merged says that the change was not placed but merged, by the report of
	// how it stands in another tree.
	Merged bool `json:"merged,omitempty"`

	kept   bool   // before is there
	before *text  // the content the change was made to
	stood  []Hunk // the hunks as they would have to be written to fit exactly
}

// A HunkReport is about one hunk. Lines count from 1, in the file as it is when
// the file's change begins.
type HunkReport struct {
	Number int `json:"number"`           // in its file, from 1
	Asked  int `json:"asked"`            // the line its header names
	Found  int `json:"found"`            // the line where it stands
	Offset int `json:"offset,omitempty"` // Found less Asked
	Fuzz   int `json:"fuzz,omitempty"`   // how many lines of outer context did not count
	// Others are the first other lines where it could stand. They are looked for
	// only when the hunk was not found at once.
	Others []int `json:"others,omitempty"`
}

// Files lists the names of all files the patch touches, sorted, each once.
func (r Report) Files() []string {
	var names []string
	for _, m := range r.Mails {
		for _, f := range m.Files {
			names = append(names, f.Name)
			if f.Kind == Rename {
				names = append(names, f.From)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Hunks is how many hunks were placed.
func (r Report) Hunks() int {
	n := 0
	for _, m := range r.Mails {
		for _, f := range m.Files {
			n += len(f.Hunks)
		}
	}
	return n
}

// Exact reports whether all hunks stand where their headers say, with all of their
// context.
func (r Report) Exact() bool {
	for _, m := range r.Mails {
		if slices.ContainsFunc(m.Files, func(f FileReport) bool { return !f.exact() }) {
			return false
		}
	}
	return true
}

// exact is Exact of one file.
func (f FileReport) exact() bool {
	return !f.Merged && !slices.ContainsFunc(f.Hunks, func(h HunkReport) bool { return h.Offset != 0 || h.Fuzz != 0 })
}

// Conflicts are those of all mails.
func (r Report) Conflicts() Conflicts {
	var all Conflicts
	for _, m := range r.Mails {
		all = append(all, m.Conflicts...)
	}
	return all
}

// MaxOffset is the largest distance between where a hunk was asked for and where
// it was found, in lines, with its sign.
func (r Report) MaxOffset() int {
	largest := 0
	for _, m := range r.Mails {
		if o := m.maxOffset(); distance(o, 0) > distance(largest, 0) {
			largest = o
		}
	}
	return largest
}

// maxOffset is MaxOffset of one mail.
func (m MailReport) maxOffset() int {
	largest := 0
	for _, f := range m.Files {
		for _, h := range f.Hunks {
			if distance(h.Offset, 0) > distance(largest, 0) {
				largest = h.Offset
			}
		}
	}
	return largest
}

// A ConflictError says where a patch does not fit. It is a result, not a failure:
// the tree has been read, and it has something else.
type ConflictError struct {
	Mail      int    `json:"mail"`                 // number of the mail, from 1
	File      string `json:"file"`                 // name in the tree
	Hunk      int    `json:"hunk,omitempty"`       // number in the file, from 1; 0 when the file as a whole does not fit
	PatchLine int    `json:"patch_line,omitempty"` // where in the patch the hunk or the change begins, from 1
	Line      int    `json:"line,omitempty"`       // the line the hunk's header names
	Near      int    `json:"near,omitempty"`       // the line in the file that differs, where the hunk fits best
	Expected  string `json:"expected,omitempty"`   // that line as the patch has it, without newline; "" for none
	Found     string `json:"found,omitempty"`      // that line as the file has it; "" for none
	Why       string `json:"why,omitempty"`        // what else there is to say, in words
	// Compared is the hunk against the place in the file where most of it is.
	Compared []Difference `json:"compared,omitempty"`
}

// maxExcerpt bounds the lines in a report, in bytes.
const maxExcerpt = 200

// Error says all of it, but for Compared, in one line without control characters.
func (e *ConflictError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", printable(e.File))
	if e.Hunk > 0 {
		fmt.Fprintf(&b, "hunk %d for line %d does not fit", e.Hunk, e.Line)
	} else {
		b.WriteString("the change does not fit")
	}
	switch {
	case e.Expected != "" && e.Found != "":
		fmt.Fprintf(&b, "; line %d should be %q and is %q", e.Near, e.Expected, e.Found)
	case e.Expected != "":
		fmt.Fprintf(&b, "; %q is missing near line %d", e.Expected, e.Near)
	case e.Found != "":
		fmt.Fprintf(&b, "; line %d has %q, which it does not expect", e.Near, e.Found)
	}
	if e.Why != "" {
		fmt.Fprintf(&b, "; %s", e.Why)
	}
	return b.String()
}

// printable quotes a name that has anything unusual in it.
func printable(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}

// Conflicts are all places where a patch does not fit, in its order; there is at
// least one.
type Conflicts []*ConflictError

// Error words the first, and counts the others.
func (c Conflicts) Error() string {
	switch len(c) {
	case 0:
		return "no conflict"
	case 1:
		return c[0].Error()
	case 2:
		return c[0].Error() + "; and there is one more place"
	}
	return fmt.Sprintf("%v; and there are %d more places", c[0], len(c)-1)
}

// Unwrap makes errors.As find the first ConflictError.
func (c Conflicts) Unwrap() []error {
	errs := make([]error, len(c))
	for i, e := range c {
		errs[i] = e
	}
	return errs
}

// conflictsIn gives the conflicts an error is made of, if it is.
func conflictsIn(err error) Conflicts {
	if c, ok := errors.AsType[Conflicts](err); ok {
		return c
	}
	if c, ok := errors.AsType[*ConflictError](err); ok {
		return Conflicts{c}
	}
	return nil
}

// asked is the line a hunk's header names, counted as HunkReport does.
func (h Hunk) asked() int { return h.nominal() + 1 }

// excerpt shortens a line for a report.
func excerpt(line string) string {
	line = strings.TrimSuffix(line, "\n")
	if len(line) > maxExcerpt {
		line = line[:maxExcerpt] + "…"
	}
	return line
}
