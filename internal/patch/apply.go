package patch

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"srcmend/internal/tree"
)

// Apply puts the patch into the tree, or takes it out; all of it or, after an
// error, nothing.
//
// Conflicts say that it does not fit. An error that wraps tree.ErrRefused says
// that it touches what no patch may: names that lead out, git's own folder,
// anything behind a symbolic link. The report says where the hunks stand, as far
// as they were placed.
func (p *Patch) Apply(t *tree.Tree, o Options) (Report, error) {
	d := NewDraft(t)
	r, err := d.Apply(p, o)
	switch {
	case err != nil:
		return r, err
	case o.DryRun:
		return r, d.Edit().Check()
	}
	return r, d.Edit().Commit()
}

// Apply does what Patch.Apply does to a draft; o.DryRun has no meaning here.
// After an error the draft is as before.
func (d *Draft) Apply(p *Patch, o Options) (Report, error) {
	if err := o.check(); err != nil {
		return Report{}, err
	}
	if o.Reverse {
		p = p.reversed()
	}
	strip, err := d.chooseStrip(o, p, false)
	if err != nil {
		return Report{}, err
	}
	d.begin()
	r := Report{Strip: strip}
	for i, m := range p.Mails {
		o.Strip = strip
		files, err := d.applyMail(m, rules{Options: o}, o.Base.mail(i))
		report := MailReport{Subject: m.Header.Subject, ID: m.id, Files: files, Conflicts: conflictsIn(err)}
		for _, c := range report.Conflicts {
			c.Mail = p.number(i, o)
		}
		r.Mails = append(r.Mails, report)
		if err != nil {
			d.rollback()
			return r, err
		}
	}
	return r, nil
}

// mail gives what the report says of the changes of a mail, if there is one.
func (r *Report) mail(i int) []FileReport {
	if r == nil || i >= len(r.Mails) {
		return nil
	}
	return r.Mails[i].Files
}

// A change is a File with names for this tree.
type change struct {
	File
	old, new string // stripped; "" for no file
	base     *FileReport
}

// changes strips the names of a mail.
func (m Mail) changes(o Options) ([]change, error) {
	changes := make([]change, 0, len(m.Files))
	for _, f := range m.Files {
		c := change{File: f}
		if o.File != "" && f.Kind != Modify && f.Kind != Create && f.Kind != Delete {
			return nil, fmt.Errorf("%w: patch line %d: a rename or copy has two names of its own, so it can't be for %s", ErrOptions, f.Line, printable(o.File))
		}
		for _, n := range []struct {
			written string
			to      *string
		}{{f.OldName, &c.old}, {f.NewName, &c.new}} {
			if n.written == DevNull {
				continue
			}
			if *n.to = o.File; o.File != "" {
				continue
			}
			stripped, ok := Strip(n.written, o.Strip)
			if !ok && f.Kind == Modify && (n.to == &c.old || c.old != "") {
				continue // the other name may do, as for GNU patch
			}
			if !ok {
				return nil, fmt.Errorf("%w: patch line %d: the name %s has fewer than %d leading components", ErrOptions, f.Line, quote(n.written), o.Strip)
			}
			*n.to = stripped
		}
		if f.Kind == Modify {
			c.old, c.new = cmp.Or(c.old, c.new), cmp.Or(c.new, c.old)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// applyMail makes the changes of one mail. Conflicts do not end it, so that all
// are found; nor is anything taken back after one.
func (d *Draft) applyMail(m Mail, r rules, base []FileReport) ([]FileReport, error) {
	changes, err := m.changes(r.Options)
	if err != nil {
		return nil, err
	}
	d.beginMail(changes, r)
	var reports []FileReport
	var conflicts Conflicts
	for i, c := range changes {
		if len(base) == len(changes) {
			c.base = &base[i]
		}
		report, err := d.apply(c)
		if report.Name != "" {
			reports = append(reports, report)
		}
		these := conflictsIn(err)
		if err != nil && these == nil {
			return reports, fmt.Errorf("patch line %d: %w", c.Line, err)
		}
		for _, conflict := range these {
			conflict.PatchLine = max(conflict.PatchLine, c.Line)
		}
		if conflicts = append(conflicts, these...); r.first && len(conflicts) > 0 {
			break
		}
	}
	if len(conflicts) > 0 {
		return reports, conflicts
	}
	return reports, d.endMail()
}

// apply makes the change of one file.
func (d *Draft) apply(c change) (FileReport, error) {
	switch c.Kind {
	case Create:
		return d.create(c)
	case Delete:
		return d.remove(c)
	case Rename, Copy:
		return d.move(c)
	case uncopy:
		return d.uncopy(c)
	}
	return d.modify(c)
}

// refuse makes a conflict about a whole file.
func refuse(name, why string) error { return &ConflictError{File: name, Why: why} }

// create makes a file that is not there, or that the same mail renames or removes.
func (d *Draft) create(c change) (FileReport, error) {
	r := FileReport{Name: c.new, Kind: Create}
	old, err := d.get(c.new)
	if err != nil {
		return r, err
	}
	emptyFile := !c.Git && old.text.len() == 0 && !old.isLink()
	if old.exists && !d.mail.leaves[c.new] && !emptyFile {
		return r, refuse(c.new, "it exists, and the patch makes it")
	}
	mode := c.NewMode
	if mode == 0 {
		mode = 0o644
	}
	text, err := d.content(c, state{exists: true, mode: mode}, &r)
	if err != nil {
		return r, err
	}
	return r, d.set(c.new, state{exists: true, mode: mode, text: text}, true)
}

// remove takes a file away. Nothing of it may be left over. Where another has taken
// its place, that one stays.
func (d *Draft) remove(c change) (FileReport, error) {
	r := FileReport{Name: c.old, Kind: Delete}
	s, err := d.get(c.old)
	if err != nil {
		return r, err
	}
	if !s.exists && d.mail.rules.RemoveEmpty && len(c.Hunks) == 0 && c.binary == nil {
		return r, nil // it was empty, so it was never made
	}
	replaced := d.mail.placed[c.old] && d.mail.before[c.old].exists
	if replaced {
		s = d.mail.before[c.old]
	}
	if err := c.checkState(c.old, s); err != nil {
		return r, err
	}
	text, err := d.content(c, s, &r)
	if err == nil && text.len() > 0 {
		err = &ConflictError{File: c.old, Near: 1, Found: excerpt(text.line(0)), Why: "the patch removes the file, and it has more than the patch knows of"}
	}
	if err != nil || replaced {
		return r, err
	}
	return r, d.set(c.old, state{}, false)
}

// move renames or copies a file and changes it.
func (d *Draft) move(c change) (FileReport, error) {
	r := FileReport{Name: c.new, From: c.old, Kind: c.Kind}
	if _, err := d.get(c.old); err != nil {
		return r, err
	}
	s, err := d.base(c.old, c.Kind)
	if err != nil {
		return r, err
	}
	target, err := d.get(c.new)
	if err != nil {
		return r, err
	}
	if err := c.checkState(c.old, s); err != nil {
		return r, err
	}
	if target.exists && !d.mail.leaves[c.new] {
		return r, refuse(c.new, "it exists, and the patch makes it")
	}
	text, err := d.content(c, s, &r)
	if err != nil {
		return r, err
	}
	if c.Kind == Rename && !d.mail.placed[c.old] {
		if err := d.set(c.old, state{}, false); err != nil {
			return r, err
		}
	}
	return r, d.set(c.new, state{exists: true, mode: c.modeAfter(s), text: text}, true)
}

// uncopy takes away a copy.
func (d *Draft) uncopy(c change) (FileReport, error) {
	r := FileReport{Name: c.old, Kind: Delete}
	s, err := d.existing(c.old, c)
	if err != nil {
		return r, err
	}
	text, err := d.content(c, s, &r)
	if err != nil {
		return r, err
	}
	d.mail.copies = append(d.mail.copies, copied{of: c.new, copy: c.old, text: text})
	return r, d.set(c.old, state{}, false)
}

// modify changes a file in its place. A plain diff from nothing may also make it.
func (d *Draft) modify(c change) (FileReport, error) {
	name, err := d.pick(c)
	r := FileReport{Name: name, Kind: Modify}
	if err != nil {
		return r, err
	}
	s, err := d.get(name)
	if err != nil {
		return r, err
	}
	if !s.exists && c.mayCreate() {
		c.new = name
		return d.create(c)
	}
	if s, err = d.existing(name, c); err != nil {
		return r, err
	}
	if c.onlyMode() && c.OldMode != c.NewMode && c.modeAfter(s) == s.mode {
		return r, refuse(name, "its mode is the new one already")
	}
	text, err := d.content(c, s, &r)
	if err != nil {
		return r, err
	}
	return r, d.set(name, state{exists: true, mode: c.modeAfter(s), text: text}, false)
}

// pick chooses between the two names of a change in place.
func (d *Draft) pick(c change) (string, error) {
	for _, name := range []string{c.old, c.new} {
		if _, err := d.get(name); err != nil {
			return name, err
		}
	}
	return best(c.old, c.new, d.has), nil
}

// mayCreate reports whether a plain diff could be one from an empty file.
func (f File) mayCreate() bool {
	return !f.Git && len(f.Hunks) == 1 && f.Hunks[0].OldLines == 0 && f.Hunks[0].OldStart == 0
}

// existing gives the state of a file that must be there.
func (d *Draft) existing(name string, c change) (state, error) {
	s, err := d.get(name)
	if err != nil {
		return state{}, err
	}
	return s, c.checkState(name, s)
}

// onlyMode reports whether nothing but the mode changes.
func (f File) onlyMode() bool {
	return f.Kind == Modify && len(f.Hunks) == 0 && f.binary == nil
}

// checkState refuses to change what is not there, and to change a link unless
// git's header says that it is one. A move that leaves the content alone needs no
// such word.
func (f File) checkState(name string, s state) error {
	said := f.OldMode | f.NewMode
	switch {
	case !s.exists:
		return refuse(name, "it is not there")
	case len(f.Hunks) == 0 && f.binary == nil && (f.Kind == Rename || f.Kind == Copy):
	case s.isLink() && said&fs.ModeSymlink == 0:
		return fmt.Errorf("%w: %s is a symbolic link, which a patch must not write through", tree.ErrRefused, name)
	case !s.isLink() && said&fs.ModeSymlink != 0:
		return refuse(name, "the patch changes a symbolic link, and it is a file")
	}
	return nil
}

// modeAfter gives the mode of a file after the change. A patch speaks of the
// execute bit only; where that stays, so do the other bits.
func (f File) modeAfter(s state) fs.FileMode {
	const spoken = fs.ModeSymlink | 0o100
	if f.NewMode == 0 || f.NewMode&spoken == s.mode&spoken {
		return s.mode
	}
	return f.NewMode
}

// content gives the content after the change, and notes where the hunks stand.
func (d *Draft) content(c change, s state, r *FileReport) (*text, error) {
	if *d.worked += int64(s.text.bytes()); *d.worked > maxWorked {
		return nil, fmt.Errorf("the patch goes through more than %d bytes of files", int64(maxWorked))
	}
	if r.kept = d.mail.rules.AsBase; r.kept {
		r.before = s.text
	}
	if c.binary != nil {
		after, err := c.binary.apply(r.Name, s.text.String())
		return cut(after), err
	}
	if len(c.Hunks) == 0 {
		return s.text, nil
	}
	if c.oldEmpty && s.text.len() > 0 {
		return nil, &ConflictError{File: r.Name, Near: 1, Found: excerpt(s.text.line(0)), Why: "the change was made from an empty file"}
	}
	text, err := d.place(c, s.text, r)
	if c.crlf && conflictsIn(err) != nil && strings.Contains(s.text.String(), "\r\n") {
		c.Hunks = withCR(c.Hunks)
		return d.place(c, s.text, r)
	}
	return text, err
}

// withCR gives hunks their carriage returns back.
func withCR(hunks []Hunk) []Hunk {
	hunks = slices.Clone(hunks)
	for i, h := range hunks {
		hunks[i].Body = slices.Clone(h.Body)
		for j, line := range h.Body {
			if text, ok := strings.CutSuffix(line.Text, "\n"); ok {
				hunks[i].Body[j].Text = text + "\r\n"
			}
		}
	}
	return hunks
}

// place goes down the ladder: all of the context; a merge, where the tree is known
// that the patch was made for; less context, in one place only.
func (d *Draft) place(c change, t *text, r *FileReport) (*text, error) {
	exact := d.mail.rules
	if c.base != nil {
		exact.Fuzz = 0
	}
	after, err := c.place(t, exact, r)
	if err == nil || c.base == nil || conflictsIn(err) == nil {
		return after, err
	}
	if merged, ok := c.merge(t, r); ok {
		return merged, nil
	}
	if d.mail.rules.Fuzz > 0 {
		return c.place(t, d.mail.rules, r)
	}
	return after, err
}

// place puts all hunks into a text.
func (c change) place(t *text, rules rules, r *FileReport) (*text, error) {
	p := newPlacer(t)
	if rules.probed != nil {
		p.probes = *rules.probed
		defer func() { *rules.probed = p.probes }()
	}
	r.Hunks, r.stood = nil, nil
	var conflicts Conflicts
	for i, h := range c.Hunks {
		s, bad, err := p.place(h, rules)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", printable(r.Name), err)
		}
		if bad == nil {
			r.stood = append(r.stood, p.stood(h, s))
			if bad = p.put(h, s); bad == nil {
				r.Hunks = append(r.Hunks, s.report(i, h))
				continue
			}
		}
		if rules.first {
			return nil, &ConflictError{File: r.Name, Hunk: i + 1}
		}
		if len(conflicts) < maxExplained {
			conflicts = append(conflicts, p.conflict(r.Name, i+1, h, bad))
		} else {
			conflicts = append(conflicts, &ConflictError{File: r.Name, Hunk: i + 1, PatchLine: h.Line, Line: h.asked(), Near: h.asked(), Why: bad.why})
		}
		if bad.why == whyNewline {
			return nil, conflicts // what comes next would not stand behind it either
		}
	}
	if len(conflicts) > 0 {
		return nil, conflicts
	}
	after, bad := p.finish()
	if bad != nil {
		last := len(c.Hunks)
		return nil, p.conflict(r.Name, last, c.Hunks[last-1], bad)
	}
	if slices.ContainsFunc(r.Hunks, func(h HunkReport) bool { return h.Fuzz > 0 }) {
		r.stood = spaced(r.stood, p.len())
	}
	return after, nil
}

// maxExplained is how many hunks of a file that fit nowhere are held against it.
const maxExplained = 20

// report says where the i-th hunk stands.
func (s spot) report(i int, h Hunk) HunkReport {
	r := HunkReport{Number: i + 1, Asked: h.asked(), Found: s.at + 1, Offset: s.at - h.nominal(), Fuzz: s.fuzz}
	for _, at := range s.others[:min(len(s.others), maxOthers)] {
		r.Others = append(r.Others, at+1)
	}
	return r
}
