package check

import (
	"fmt"
	"slices"
	"strings"

	"srcmend/internal/patch"
	"srcmend/internal/upstream"
)

// because says what the verdict on a mail rests on.
func because(m patch.MailReport) string {
	switch m.Verdict {
	case patch.Needed:
		return "it fits" + spot(m)
	case patch.Present:
		return "taking it out fits" + spot(m)
	case patch.Superseded:
		return "its lines are there: " + places(m.Stands)
	case patch.Absent:
		return missing(m)
	case patch.Ambiguous:
		return "putting it in fits, and so does taking it out"
	}
	if len(m.Conflicts) > 0 {
		return m.Conflicts[0].Error()
	}
	return "it fits neither way"
}

// byTwin is the verdict on a mail that fits neither way, by what the history says.
func byTwin(t *upstream.Twin, why string) (patch.Verdict, string) {
	if t.Reverted {
		return patch.Conflict, fmt.Sprintf("commit %s took it back, and %s", upstream.Short(t.Commit.ID), why)
	}
	return patch.Superseded, fmt.Sprintf("commit %s makes the same change, and its lines were changed since", upstream.Short(t.Commit.ID))
}

// spot says where the first hunk stands.
func spot(m patch.MailReport) string {
	if len(m.Files) == 0 {
		return ""
	}
	f := m.Files[0]
	if len(f.Hunks) == 0 {
		return " " + f.Name
	}
	text := fmt.Sprintf(" %s:%d", f.Name, f.Hunks[0].Found)
	if offset := (patch.Report{Mails: []patch.MailReport{m}}).MaxOffset(); offset != 0 {
		text += fmt.Sprintf(", offset %+d", offset)
	}
	return text
}

// places names lines of files.
func places(all []patch.Place) string {
	const most = 3
	var names []string
	for _, p := range all[:min(len(all), most)] {
		names = append(names, fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	if len(all) > most {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// missing names a file that is not there.
func missing(m patch.MailReport) string {
	var names []string
	for _, c := range m.Conflicts {
		if c.File != "" && !slices.Contains(names, c.File) {
			names = append(names, c.File)
		}
	}
	switch len(names) {
	case 0:
		return "none of its files is there"
	case 1:
		return names[0] + " is not there"
	}
	return fmt.Sprintf("%s and %d more of its files are not there", names[0], len(names)-1)
}
