package patch

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// chooseStrip gives the number of components to take off: o.Strip, or for
// ChooseStrip the one with which the patch, or with both the patch that takes it
// back, fits the names in the tree. If none does, it is the one with which most
// files are there, so that the conflict to come names a file that is missing.
func (d *Draft) chooseStrip(o Options, p *Patch, both bool) (int, error) {
	if o.Strip != ChooseStrip || o.File != "" {
		return max(o.Strip, 0), nil
	}
	if p.onlyMakes() && d.hasFolders(p) {
		return 0, nil
	}
	var fitting []int
	best, most := 1, -1
	for _, strip := range []int{1, 0, 2, 3} {
		all, there := p.namesFit(d, strip)
		if !all && both {
			back, some := p.reversed().namesFit(d, strip)
			all, there = back, max(there, some)
		}
		if all && strip == 1 {
			return 1, nil
		}
		if all {
			fitting = append(fitting, strip)
		}
		if there > most {
			best, most = strip, there
		}
	}
	switch len(fitting) {
	case 0:
		return best, nil
	case 1:
		return fitting[0], nil
	}
	slices.Sort(fitting)
	return 0, fmt.Errorf("%w: the names of the patch fit the tree in several ways; say how many leading components to take off, one of %v", ErrOptions, fitting)
}

// onlyMakes reports whether the patch only makes files, under names without the
// prefix that git and many people give them. Nothing has to be there for it.
func (p *Patch) onlyMakes() bool {
	for _, m := range p.Mails {
		for _, f := range m.Files {
			if f.Kind != Create && !f.mayCreate() || hasPrefix(f.NewName) {
				return false
			}
		}
	}
	return true
}

// hasPrefix reports whether a name begins with one of the letters that git puts before
// names, most often a and b.
func hasPrefix(name string) bool {
	return len(name) > 1 && name[1] == '/' && strings.IndexByte("abciow", name[0]) >= 0
}

// hasFolders reports whether the folders of all files are there, with their names as
// they are written.
func (d *Draft) hasFolders(p *Patch) bool {
	for _, m := range p.Mails {
		for _, f := range m.Files {
			name, _ := Strip(f.NewName, 0)
			if folder := path.Dir(name); folder != "." {
				if info, err := d.src.Lstat(folder); err != nil || !info.IsDir() {
					return false
				}
			}
		}
	}
	return true
}

// namesFit follows which files come and go, and reports whether all that the
// patch changes are there, and how many are; -1 when a name has not enough
// components.
func (p *Patch) namesFit(d *Draft, strip int) (all bool, there int) {
	made := map[string]bool{} // false: taken away
	exists := func(name string) bool {
		if is, known := made[name]; known {
			return is
		}
		return d.has(name)
	}
	all = true
	for _, m := range p.Mails {
		changes, err := m.changes(Options{Strip: strip})
		if err != nil {
			return false, -1
		}
		for _, c := range changes {
			if !c.needs(exists) {
				all = false
			} else if c.Kind != Create {
				there++
			}
			if c.Kind == Delete || c.Kind == Rename || c.Kind == uncopy {
				made[c.old] = false
			}
			if c.new != "" && c.Kind != uncopy {
				made[c.new] = made[c.new] || c.Kind != Modify || exists(c.new)
			}
		}
	}
	return all, there
}

// needs reports whether the file that a change begins with is there.
func (c change) needs(exists func(string) bool) bool {
	switch c.Kind {
	case Create:
		return true
	case Modify:
		return exists(c.old) || exists(c.new) || c.mayCreate()
	}
	return exists(c.old)
}
