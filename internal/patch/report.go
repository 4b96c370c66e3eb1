package patch

import (
	"fmt"
	"slices"
	"strings"
)

// A Report says what a patch does to a tree, or would do.
type Report struct {
	// Strip is how many leading components were taken off the names.
	Strip int
	// Mails are in the order in which they were looked at: that of the patch, or
	// with Options.Reverse from the last to the first.
	Mails []MailReport
}

// A MailReport is about one mail.
type MailReport struct {
	Subject string
	ID      string
	// Verdict is what the tree says of this mail. It is "" in the report of
	// Apply.
	Verdict Verdict
	// Files say where the hunks stand: the old lines of a mail that is needed,
	// the new lines of one that is present. They end with the file that has a
	// conflict, if one has.
	Files []FileReport
	// Conflict is the first place where the mail does not fit, of one that is
	// superseded or in conflict.
	Conflict *ConflictError
	// Added is how many lines with a word or number in them the mail adds, and
	// Found how many of these the tree has. They are counted only when the
	// mail fits neither way.
	Added, Found int
}

// A FileReport is about one file.
type FileReport struct {
	Name  string // in the tree, after the change
	From  string // in the tree, before a rename or copy
	Kind  Kind
	Hunks []HunkReport
}

// A HunkReport is about one hunk. Lines count from 1, in the file as it is when
// the file's change begins.
type HunkReport struct {
	Number int // in its file, from 1
	Asked  int // the line its header names
	Found  int // the line where it stands
	Offset int // Found less Asked
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
	Mail     int    // number of the mail, from 1
	File     string // name in the tree
	Hunk     int    // number in the file, from 1; 0 when the file as a whole does not fit
	Line     int    // the line the hunk's header names
	Near     int    // the line in the file that differs, where the hunk fits best
	Expected string // that line as the patch has it, without newline; "" for none
	Found    string // that line as the file has it; "" for none
	Why      string // what else there is to say, in words
}

// maxExcerpt bounds Expected and Found, in bytes.
const maxExcerpt = 200

// Error says all of it in one line without control characters.
func (e *ConflictError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", e.File)
	if e.Hunk > 0 {
		fmt.Fprintf(&b, "hunk %d for line %d does not fit", e.Hunk, e.Line)
	} else {
		b.WriteString("the change does not fit")
	}
	if e.Expected != "" || e.Found != "" {
		fmt.Fprintf(&b, "; line %d should be %q and is %q", e.Near, e.Expected, e.Found)
	}
	if e.Why != "" {
		fmt.Fprintf(&b, "; %s", e.Why)
	}
	return b.String()
}

// conflict words a misfit.
func (m *misfit) conflict(file string, number int, h Hunk) *ConflictError {
	return &ConflictError{
		File: file, Hunk: number, Line: h.asked(), Near: m.near + 1,
		Expected: excerpt(m.expected), Found: excerpt(m.found), Why: m.why,
	}
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
