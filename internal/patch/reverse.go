package patch

import "slices"

// reversed gives the patch that takes p back.
func (p *Patch) reversed() *Patch {
	r := &Patch{}
	for _, m := range slices.Backward(p.Mails) {
		r.Mails = append(r.Mails, m.reversed())
	}
	return r
}

// number is the place that the i-th mail has in the patch as it was read, from 1.
func (p *Patch) number(i int, o Options) int {
	if o.Reverse {
		return len(p.Mails) - i
	}
	return i + 1
}

// reversed gives the mail that takes m back.
func (m Mail) reversed() Mail {
	r := m
	r.Files = nil
	for _, f := range slices.Backward(m.Files) {
		r.Files = append(r.Files, f.reversed())
	}
	return r
}

// uncopy is what takes a copy back: the file goes, if with the change taken back
// it is what it was copied from.
const uncopy Kind = "uncopy"

// reversed gives the change that takes f back.
func (f File) reversed() File {
	r := f
	r.OldName, r.NewName = f.NewName, f.OldName
	r.oldEmpty, r.newEmpty = f.newEmpty, f.oldEmpty
	switch f.Kind {
	case Create:
		r.Kind = Delete
	case Delete:
		r.Kind = Create
	case Copy:
		r.Kind = uncopy
	case uncopy:
		r.Kind = Copy
	}
	if f.NewMode != 0 || f.Kind == Delete { // otherwise the mode stays what it is
		r.OldMode, r.NewMode = f.NewMode, f.OldMode
	}
	r.Hunks = make([]Hunk, len(f.Hunks))
	for i, h := range f.Hunks {
		r.Hunks[i] = h.reversed()
	}
	if f.binary != nil {
		b := *f.binary
		b.forward, b.reverse = b.reverse, b.forward
		b.oldID, b.newID = b.newID, b.oldID
		r.binary = &b
	}
	return r
}

// reversed gives the hunk that takes h back. In each run of changed lines the
// removed ones come first, as diff writes them.
func (h Hunk) reversed() Hunk {
	r := h
	r.OldStart, r.OldLines = h.NewStart, h.NewLines
	r.NewStart, r.NewLines = h.OldStart, h.OldLines
	r.Body = make([]Line, 0, len(h.Body))
	var added []Line
	for _, line := range h.Body {
		switch line.Op {
		case Context:
			r.Body = append(append(r.Body, added...), line)
			added = added[:0]
		case Remove:
			added = append(added, Line{Add, line.Text})
		case Add:
			r.Body = append(r.Body, Line{Remove, line.Text})
		}
	}
	r.Body = append(r.Body, added...)
	return r
}
