package report

import (
	"fmt"
	"io"
	"strings"

	"srcmend/internal/patch"
)

// A Patch is what became of one patch, or what would.
type Patch struct {
	Event   string         `json:"event"` // "patch"
	Name    string         `json:"patch"`
	Verdict patch.Verdict  `json:"verdict"`           // with reverse, on taking it out: present means that it is out
	Applied bool           `json:"applied"`           // it was put in, or with reverse taken out
	Reverse bool           `json:"reverse,omitempty"` // it was to be taken out
	DryRun  bool           `json:"dry_run,omitempty"` // nothing was written
	Why     string         `json:"why,omitempty"`
	Twin    string         `json:"twin,omitempty"`
	Repairs []patch.Repair `json:"repairs,omitempty"`
	Report  patch.Report   `json:"report"`
}

// Text writes the patch for people: a line for each file, and each place where it
// does not fit. With quiet only the latter.
func (p Patch) Text(w io.Writer, quiet bool) error {
	var b strings.Builder
	if !quiet {
		p.head(&b)
	}
	for i, m := range p.Report.Mails {
		if len(p.Report.Mails) > 1 && !quiet {
			fmt.Fprintf(&b, "  mail %d %s: %s\n", i+1, clean(quoted(m.Subject)), m.Verdict)
		}
		for _, f := range m.Files {
			if !quiet && m.Conflicts == nil {
				fmt.Fprintf(&b, "  %s: %s\n", clean(f.Name), file(f))
			}
		}
		switch {
		case m.Verdict != patch.Superseded:
			for _, c := range m.Conflicts {
				conflict(&b, c)
			}
		case !quiet:
			fmt.Fprintf(&b, "  the lines it adds are there already: %s\n", Places(m.Stands))
		}
	}
	if b.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Places names lines of files.
func Places(all []patch.Place) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = fmt.Sprintf("%s:%d", clean(p.File), p.Line)
	}
	return strings.Join(names, ", ")
}

// quoted puts a subject in quotes.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return `"` + s + `"`
}

// head writes what became of the whole.
func (p Patch) head(b *strings.Builder) {
	what := string(p.Verdict)
	switch {
	case p.Reverse && !p.Applied && (p.Verdict == patch.Present || p.Verdict == patch.Superseded):
		what = "not in"
	case p.Applied && p.Reverse:
		what = "taken out"
	case p.Applied:
		what = "put in"
	}
	if p.Applied && p.DryRun {
		what = "would be " + what
	}
	fmt.Fprintf(b, "%s: %s", clean(p.Name), what)
	for _, text := range []string{p.Why, twin(p.Twin)} {
		if text != "" {
			b.WriteString("; " + clean(text))
		}
	}
	b.WriteByte('\n')
	for _, r := range p.Repairs {
		fmt.Fprintf(b, "  mended in line %d of the patch: %s\n", r.Line, r.What)
	}
}

// twin names a patch that does the same.
func twin(name string) string {
	if name == "" {
		return ""
	}
	return "the same change as " + name
}

// file says what happens to one file.
func file(f patch.FileReport) string {
	var parts []string
	switch f.Kind {
	case patch.Create:
		parts = append(parts, "new file")
	case patch.Delete:
		parts = append(parts, "removed")
	case patch.Rename:
		parts = append(parts, "was "+clean(f.From))
	case patch.Copy:
		parts = append(parts, "copy of "+clean(f.From))
	}
	if n := len(f.Hunks); n > 0 && f.Kind != patch.Create && f.Kind != patch.Delete {
		parts = append(parts, hunkCount(n)+hunks(f.Hunks))
	}
	if f.Merged {
		parts = append(parts, "merged by the base")
	}
	if len(parts) == 0 {
		return "changed"
	}
	return strings.Join(parts, ", ")
}

// hunks tells of those that are not where their headers say; neighbours that were
// moved alike are told of together.
func hunks(all []patch.HunkReport) string {
	var parts []string
	for i := 0; i < len(all); {
		n := 1
		for i+n < len(all) && all[i+n].Offset == all[i].Offset && all[i+n].Fuzz == all[i].Fuzz && all[i+n].Others == nil {
			n++
		}
		if text := moved(all[i]); text != "" {
			which := fmt.Sprintf("%d to %d with ", i+1, i+n)
			switch n {
			case len(all):
				which = "with "
			case 1:
				which = fmt.Sprintf("%d at line %d with ", i+1, all[i].Found)
			}
			parts = append(parts, which+text)
		}
		i += n
	}
	if parts == nil {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}

// farOffset is how many lines a hunk may be moved without a warning. Nearly all real
// ones are nearer.
const farOffset = 500

// moved says how a hunk was placed, "" if exactly.
func moved(h patch.HunkReport) string {
	var parts []string
	if h.Offset != 0 {
		parts = append(parts, fmt.Sprintf("offset %d", h.Offset))
	}
	if h.Offset > farOffset || h.Offset < -farOffset {
		parts = append(parts, "so far away that it may be another place")
	}
	if h.Fuzz != 0 {
		parts = append(parts, fmt.Sprintf("fuzz %d", h.Fuzz))
	}
	if h.Others != nil {
		parts = append(parts, fmt.Sprintf("would fit at line %d too", h.Others[0]))
	}
	return strings.Join(parts, ", ")
}

// hunkCount counts hunks.
func hunkCount(n int) string {
	if n == 1 {
		return "1 hunk"
	}
	return fmt.Sprintf("%d hunks", n)
}

// conflict shows a hunk against the place in the file where most of it is: lines
// that both have, and those that only the patch expects (-) or only the file has
// (+).
func conflict(b *strings.Builder, c *patch.ConflictError) {
	if c.Hunk == 0 {
		fmt.Fprintf(b, "%s\n", c)
		return
	}
	fmt.Fprintf(b, "%s: hunk %d does not fit (line %d of the patch, made for line %d of the file)\n", clean(c.File), c.Hunk, c.PatchLine, c.Line)
	if c.Why != "" {
		fmt.Fprintf(b, "  %s\n", c.Why)
	}
	same := 0
	for _, d := range c.Compared {
		if d.Op == patch.Context {
			same++
		}
	}
	if same == 0 {
		fmt.Fprintf(b, "  none of its lines is where it should be\n")
	} else {
		fmt.Fprintf(b, "  where most of it is (- only the patch has, + only the file):\n")
	}
	for _, d := range around(c.Compared) {
		number := "     "
		if d.Line > 0 {
			number = fmt.Sprintf("%5d", d.Line)
		}
		fmt.Fprintf(b, "  %s %c %s\n", number, d.Op, clean(d.Text))
	}
}

// around cuts out the part of a comparison with the differences.
func around(all []patch.Difference) []patch.Difference {
	const context, most = 3, 40
	first, last := len(all), -1
	for i, d := range all {
		if d.Op != patch.Context {
			first, last = min(first, i), i
		}
	}
	if last < 0 {
		return all[:min(len(all), most)]
	}
	part := all[max(0, first-context):min(len(all), last+context+1)]
	return part[:min(len(part), most)]
}
