package check

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// moved judges a patch none of whose files is there by those that have their names in
// other folders, if there is just one of each name. A mail that is in there, is in; one
// that would be needed there does not fit as it is. It gives nothing if that tells nothing.
func moved(p *patch.Patch, report patch.Report, content *Content, o patch.Options) []Mail {
	if slices.ContainsFunc(report.Mails, func(m patch.MailReport) bool { return m.Verdict != patch.Absent }) {
		return nil
	}
	to, found := whereNow(p, content, o)
	if !found {
		return nil
	}
	_, now, err := p.Verdict(renamed{content.Source, to}, o)
	if err != nil {
		return nil
	}
	was := slices.Min(slices.Collect(maps.Keys(to)))
	is := fmt.Sprintf("%s stands at %s in this release", was, to[was])
	mails := make([]Mail, len(now.Mails))
	for i, m := range now.Mails {
		switch m.Verdict {
		case patch.Present:
			mails[i] = Mail{Verdict: patch.Present, Why: is + ", where taking it out fits"}
		case patch.Superseded:
			mails[i] = Mail{Verdict: patch.Superseded, Why: is + ", and has its lines"}
		case patch.Needed:
			mails[i] = Mail{Verdict: patch.Conflict, Why: is + ", where it would fit; make the patch anew for that name"}
		default:
			return nil
		}
	}
	return mails
}

// whereNow finds the files of a patch in other folders.
func whereNow(p *patch.Patch, content *Content, o patch.Options) (to map[string]string, found bool) {
	to = map[string]string{} // by where they were
	bases := map[string]string{}
	for _, m := range p.Mails {
		for _, f := range m.Files {
			name, ok := patch.Strip(f.OldName, o.Strip)
			if f.Kind != patch.Modify || !ok || bases[path.Base(name)] != "" && bases[path.Base(name)] != name {
				return nil, false
			}
			to[name], bases[path.Base(name)] = "", name
		}
	}
	if content.Names == nil || len(to) == 0 {
		return nil, false
	}
	for name := range content.Names {
		was := bases[path.Base(name)]
		if was == "" {
			continue
		}
		if to[was] != "" {
			return nil, false
		}
		to[was] = name
	}
	for _, now := range to {
		if now == "" {
			return nil, false
		}
	}
	return to, true
}

// unshipped judges a mail that is in conflict by those of its files that are there: upstreams
// do not ship all that they keep, tests and change logs above all. One that is needed but
// for those does not fit as it is. why is "" if that tells nothing.
func unshipped(m patch.Mail, verdict patch.Verdict, content *Content, o patch.Options) (_ patch.Verdict, why string) {
	if verdict != patch.Conflict {
		return verdict, ""
	}
	var there []patch.File
	missing := ""
	for _, f := range m.Files {
		name, ok := patch.Strip(f.OldName, max(o.Strip, 0))
		if f.Kind != patch.Modify || !ok {
			there = append(there, f)
			continue
		}
		if _, err := content.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			missing = name
			continue
		}
		there = append(there, f)
	}
	if missing == "" || len(there) == 0 {
		return verdict, ""
	}
	m.Files = there
	_, r, err := (&patch.Patch{Mails: []patch.Mail{m}}).Verdict(content, o)
	if err != nil {
		return verdict, ""
	}
	switch v := r.Verdict(); v {
	case patch.Present, patch.Superseded:
		return v, because(r.Mails[0]) + "; " + missing + " is not there"
	case patch.Needed:
		return patch.Conflict, "it would fit but for " + missing + ", which is not there: make the patch anew without that"
	}
	return verdict, ""
}

// A renamed source has files under the names that they had.
type renamed struct {
	patch.Source
	to map[string]string
}

// Read gives a file by its former name.
func (r renamed) Read(name string) (tree.File, error) {
	now, is := r.to[name]
	if !is {
		return r.Source.Read(name)
	}
	f, err := r.Source.Read(now)
	f.Name = name
	return f, err
}
