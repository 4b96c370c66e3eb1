package patch

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// evidence looks at the lines of a mail, wherever they are.
func (d *Draft) evidence(m Mail, o Options) (evidence, error) {
	var sum evidence
	changes, err := m.changes(o)
	if err != nil {
		return sum, err
	}
	for _, c := range changes {
		e, err := d.weigh(c)
		if err != nil {
			return sum, err
		}
		sum.changed += e.changed
		sum.missing += e.missing
		sum.added += e.added
		sum.found += e.found
		sum.against = sum.against || e.against
		sum.adding += e.adding
		sum.telling += e.telling
		sum.stands = append(sum.stands, e.stands[:min(len(e.stands), maxStands-len(sum.stands))]...)
	}
	return sum, nil
}

// verdict is that on a mail that fits neither way.
func (e evidence) verdict() Verdict {
	switch {
	case e.changed > 0 && e.missing == e.changed:
		return Absent
	case e.added > 0 && e.found == e.added && 2*e.telling >= e.adding && !e.against:
		return Superseded
	}
	return Conflict
}

// evidence is what the files say of a mail that fits neither way.
type evidence struct {
	changed, missing int  // files the mail changes, and those not there
	added, found     int  // lines the mail adds, and those there
	against          bool // something speaks against the mail being in
	adding, telling  int  // hunks that add lines, and those with a line that tells something
	stands           []Place
}

// maxStands is how many places are named.
const maxStands = 8

// weigh looks at one change.
func (d *Draft) weigh(c change) (evidence, error) {
	var e evidence
	states := map[string]state{}
	for _, name := range []string{c.old, c.new} {
		if name == "" {
			continue
		}
		s, err := d.get(name)
		if err != nil {
			return e, err
		}
		states[name] = s
	}
	old, after, name := states[c.old], states[c.new], c.new
	if c.Kind != Create && !(c.Kind == Modify && c.mayCreate()) {
		e.changed = 1
		if !old.exists && !after.exists {
			e.missing = 1
		}
	}
	switch c.Kind {
	case Delete, uncopy:
		e.against = old.exists
		if folder := path.Dir(c.old); !old.exists {
			_, err := d.src.Lstat(folder)
			if folder == "." || err == nil { // it can have been there
				e.changed, e.missing = 0, 0
			}
		}
		return e, nil
	case Rename:
		e.against = old.exists || !after.exists
	case Create, Copy:
		e.against = !after.exists
	case Modify:
		if !after.exists {
			after, name = old, c.old
		}
		e.against = !after.exists || c.onlyMode() && c.modeAfter(after) != after.mode
	}
	if c.binary != nil {
		e.against = e.against || !c.binary.isContent(c.binary.newID, after.text.String())
	}
	c.count(name, after.text, &e)
	return e, nil
}

// onlyIncludes reports whether all that a mail does is to add #include lines.
func (m Mail) onlyIncludes() bool {
	adds := false
	for _, f := range m.Files {
		if f.Kind != Modify || f.binary != nil || f.onlyMode() {
			return false
		}
		for _, h := range f.Hunks {
			for _, line := range h.Body {
				switch {
				case line.Op == Remove:
					return false
				case line.Op == Add && proves(line.Text):
					directive, _ := strings.CutPrefix(strings.TrimLeft(line.Text, " \t"), "#")
					if !strings.HasPrefix(strings.TrimLeft(directive, " \t"), "include") {
						return false
					}
					adds = true
				}
			}
		}
	}
	return adds
}

// nearby is how many lines, besides those of the hunk, may lie between lines that are
// there already and the context they belong to.
const nearby = 20

// count looks for the lines of the hunks in the file. That all added lines are there
// says little if they are far from all context of their hunk: then they are other
// lines that happen to be alike.
func (f File) count(name string, t *text, e *evidence) {
	where, kept := map[string][]int{}, map[string]bool{}
	for _, h := range f.Hunks {
		for _, line := range h.Body {
			text := strings.TrimSuffix(line.Text, "\n")
			kept[text] = kept[text] || line.Op != Remove
			where[text] = nil
		}
	}
	for i, line := range t.each() {
		line = strings.TrimSuffix(line, "\n")
		if at, asked := where[line]; asked {
			where[line] = append(at, i)
		}
	}
	used, tells := map[string]int{}, f.telling(where)
	for _, h := range f.Hunks {
		told := false
		if adds, telling := h.tells(tells); adds {
			e.adding++
			if telling {
				e.telling++
			}
		}
		for _, line := range h.Body {
			text := strings.TrimSuffix(line.Text, "\n")
			switch {
			case !proves(text):
			case line.Op == Add:
				e.added++
				if used[text]++; used[text] <= len(where[text]) {
					e.found++
					if !told {
						told = true
						e.stands = append(e.stands, Place{name, where[text][used[text]-1] + 1})
					}
				}
			case line.Op == Remove && !kept[text] && len(where[text]) > 0:
				e.against = true
			}
		}
		e.against = e.against || h.isElsewhere(where)
	}
}

// everywhere are statements that a file can have anywhere, and just as well once.
var everywhere = regexp.MustCompile(`^[\s{}]*(?:return\b[\w\s-]{0,16}|break|continue|goto \w+|else|fi|done|esac|end|endif|#\s*(?:endif|else)|pass|default:|\w{1,3} ?= ?\w{1,5})[\s;{}]*$`)

// telling finds the added lines that tell something if a file has them: it has them as
// often as they are added, and not as often as "return;" stands anywhere. Lines that are
// only moved tell nothing.
func (f File) telling(where map[string][]int) map[string]bool {
	added, removed := map[string]int{}, map[string]int{}
	for _, h := range f.Hunks {
		for _, line := range h.Body {
			switch text := strings.TrimSuffix(line.Text, "\n"); line.Op {
			case Add:
				added[text]++
			case Remove:
				removed[text]++
			}
		}
	}
	tells := map[string]bool{}
	for text, n := range added {
		tells[text] = proves(text) && !everywhere.MatchString(text) && len(where[text]) == n && removed[text] < n
	}
	return tells
}

// tells reports whether a hunk adds lines that prove something, and whether one tells it.
func (h Hunk) tells(tells map[string]bool) (adds, telling bool) {
	for _, line := range h.Body {
		if text := strings.TrimSuffix(line.Text, "\n"); line.Op == Add && proves(text) {
			adds, telling = true, telling || tells[text]
		}
	}
	return adds, telling
}

// isElsewhere reports whether the file has the added lines of a hunk only far from all
// of its context. Where the hunk replaces lines, their being gone speaks for it.
func (h Hunk) isElsewhere(where map[string][]int) bool {
	var added, context []string
	for _, line := range h.Body {
		text := strings.TrimSuffix(line.Text, "\n")
		switch {
		case !proves(text):
		case line.Op == Add:
			added = append(added, text)
		case line.Op == Context:
			context = append(context, text)
		case len(where[text]) == 0:
			return false
		}
	}
	if len(added) == 0 || len(context) == 0 {
		return false
	}
	reach := len(h.Body) + nearby
	isNear := func(at int) func(string) bool {
		return func(text string) bool {
			places := where[text]
			i, _ := slices.BinarySearch(places, at-reach)
			return i < len(places) && places[i] <= at+reach
		}
	}
	const most = 1000 // places of one line that are tried
	for _, at := range where[added[0]][:min(most, len(where[added[0]]))] {
		is := isNear(at)
		if slices.ContainsFunc(context, is) && !slices.ContainsFunc(added, func(text string) bool { return !is(text) }) {
			return false
		}
	}
	return true
}

// proves reports whether a line has a letter or digit.
func proves(line string) bool {
	return strings.ContainsFunc(line, func(r rune) bool {
		return r >= 0x80 || 'a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9'
	})
}
