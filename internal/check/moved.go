package check

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// moved judges a mail whose files are not there by those that have their names in other
// folders, if there is just one of each name. A mail that is in there, is in; one that
// would be needed there does not fit as it is.
func moved(m patch.Mail, why string, content *Content, o patch.Options) (patch.Verdict, string) {
	to, found := whereNow(m, content, o)
	if !found {
		return patch.Absent, why
	}
	single := &patch.Patch{Mails: []patch.Mail{m}}
	verdict, _, err := single.Verdict(renamed{content.Source, to}, o)
	was := slices.Min(slices.Collect(maps.Keys(to)))
	is := fmt.Sprintf("%s is %s now", was, to[was])
	switch {
	case err != nil:
	case verdict == patch.Present:
		return patch.Present, is + ", and taking it out fits there"
	case verdict == patch.Superseded:
		return patch.Superseded, is + ", and its lines are there"
	case verdict == patch.Needed:
		return patch.Conflict, is + ", where it would fit; make the patch anew for that name"
	}
	return patch.Absent, why
}

// whereNow finds the files of a mail in other folders.
func whereNow(m patch.Mail, content *Content, o patch.Options) (to map[string]string, found bool) {
	to = map[string]string{} // by where they were
	for _, f := range m.Files {
		name, ok := patch.Strip(f.OldName, o.Strip)
		if f.Kind != patch.Modify || !ok {
			return nil, false
		}
		to[name] = ""
	}
	if content.Names == nil || len(to) == 0 {
		return nil, false
	}
	for name := range content.Names {
		for was, now := range to {
			if path.Base(was) != path.Base(name) {
				continue
			}
			if now != "" {
				return nil, false
			}
			to[was] = name
		}
	}
	for _, now := range to {
		if now == "" {
			return nil, false
		}
	}
	return to, true
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
