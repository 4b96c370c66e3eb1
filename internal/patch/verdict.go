package patch

import (
	"errors"
	"slices"

	"srcmend/internal/tree"
)

// A Verdict is what a source tree says of a patch.
type Verdict string

// The verdicts.
const (
	Needed     Verdict = "needed"     // it fits, and is not in yet
	Present    Verdict = "present"    // it is in: taking it out would fit
	Superseded Verdict = "superseded" // neither fits, and the tree has its lines
	Absent     Verdict = "absent"     // the files it changes are not there
	Conflict   Verdict = "conflict"   // neither fits
	Ambiguous  Verdict = "ambiguous"  // both fit, and equally well
)

// Verdict asks the tree, and changes nothing. o.DryRun has no meaning here; with
// o.Reverse the question is about the patch that takes p back.
//
// Each mail is judged by itself, since upstream may have taken one of several:
// putting it in on top of the mails before it that are needed, and taking it out
// after the mails behind it that are present. What fits is the verdict. If both
// fit, as a mail that only adds lines can, it is the one for which some line of the
// tree was needed, then the one that fits without an offset, or ambiguous. If neither fits, the mail is absent when none of the
// files it changes is there; otherwise superseded when all lines it adds stand
// in their files, as often as it adds them, half of its hunks or more add one that not
// any file could have, and the lines it removes are gone;
// otherwise in conflict. A mail that only adds #include lines is superseded, too, if
// these stand near where it would fit: twice does no more than once. Lines without a letter or digit prove nothing and are
// left out of that; so are removed lines that the mail also adds or keeps.
//
// The patch is in conflict if a mail is, or if some mails are absent and others
// are not; ambiguous if a mail is; needed if a mail is, so that the mails to put
// in are those the report calls needed; superseded if a mail is; otherwise all
// mails agree.
//
// A verdict is a result. The error says that the patch is not usable, touches
// what no patch may, or that the tree could not be read.
//
// o.Strict, o.Fuzz and o.Base have no meaning here: a verdict is found with all of
// the context, at any offset.
func (p *Patch) Verdict(src Source, o Options) (Verdict, Report, error) {
	return NewDraft(src).Verdict(p, o)
}

// Verdict does what Patch.Verdict does, and does not change the draft.
func (d *Draft) Verdict(p *Patch, o Options) (Verdict, Report, error) {
	reports, _, err := d.judge([]*Patch{p}, []Options{o})
	if err != nil {
		return "", Report{}, err
	}
	return reports[0].Verdict(), reports[0], nil
}

// Verdicts judges patches that stand on top of each other, as Verdict does with
// the mails of one: each on top of those before it that are needed, and below
// those behind it that are present. There are as many options as patches.
func (d *Draft) Verdicts(patches []*Patch, options []Options) ([]Verdict, []Report, error) {
	reports, _, err := d.judge(patches, options)
	verdicts := make([]Verdict, len(reports))
	for i, r := range reports {
		verdicts[i] = r.Verdict()
	}
	return verdicts, reports, err
}

// Put asks for the verdict, and puts in those mails that are needed. What is
// present or superseded is left alone. If the patch is in conflict and o has Fuzz or
// Base, it is put in as Apply does it; so it is with Base if it is superseded, since a
// merge knows better. The verdict is Needed then. Otherwise
// Conflicts say why it can't be put in, which includes that it is absent or
// ambiguous. After an error the draft is as before.
func (d *Draft) Put(p *Patch, o Options) (Verdict, Report, error) {
	d.begin()
	reports, next, err := d.judge([]*Patch{p}, []Options{o})
	if err != nil {
		return "", Report{}, err
	}
	r := reports[0]
	v := r.Verdict()
	loose := o.Fuzz > 0 || o.Base != nil
	switch {
	case v == Needed && o.Strict && !r.needed().Exact(), v == Conflict && loose, v == Superseded && o.Base != nil:
		return d.putLoosely(p, o, v, r)
	case v == Needed:
		return v, r, d.absorb(next)
	case v == Present, v == Superseded:
		return v, r, nil
	case v == Ambiguous:
		return v, r, Conflicts{{File: r.Files()[0], Why: "putting it in fits, and so does taking it out; so it may be in already"}}
	}
	return v, r, r.Conflicts()
}

// putLoosely puts in what is not there already, by other rules than a verdict has.
func (d *Draft) putLoosely(p *Patch, o Options, v Verdict, judged Report) (Verdict, Report, error) {
	part := *p
	part.Mails = nil
	if o.Base != nil { // a merge knows what is there already
		part.Mails = p.Mails
	}
	for i, m := range p.Mails {
		if o.Reverse {
			i = len(p.Mails) - 1 - i
		}
		if done := judged.Mails[i].Verdict; o.Base == nil && done != Present && done != Superseded {
			part.Mails = append(part.Mails, m)
		}
	}
	r, err := d.Apply(&part, o)
	if err != nil {
		return v, r, err
	}
	for i := range r.Mails {
		r.Mails[i].Verdict = Needed
	}
	for i, m := range judged.Mails { // all of them again, in their order
		if len(part.Mails) < len(p.Mails) && (m.Verdict == Present || m.Verdict == Superseded) {
			r.Mails = slices.Insert(r.Mails, i, m)
		}
	}
	return Needed, r, nil
}

// needed is the report of the mails that are needed.
func (r Report) needed() Report {
	r.Mails = slices.DeleteFunc(slices.Clone(r.Mails), func(m MailReport) bool { return m.Verdict != Needed })
	return r
}

// judge finds the verdicts on the mails of patches. next is the draft with the
// needed mails put in.
func (d *Draft) judge(patches []*Patch, options []Options) (reports []Report, next *Draft, err error) {
	patches, options = slices.Clone(patches), slices.Clone(options)
	for i, o := range options {
		if err := o.check(); err != nil {
			return nil, nil, err
		}
		o.Strict, o.Fuzz, o.Base = false, 0, nil
		if o.Reverse {
			patches[i] = patches[i].reversed()
		}
		if o.Strip, err = d.chooseStrip(o, patches[i], true); err != nil {
			return nil, nil, err
		}
		options[i] = o
	}
	if len(patches) == 1 && len(patches[0].Mails) == 1 {
		r, next, err := d.judgeOne(patches[0], options[0])
		return []Report{r}, next, err
	}
	out, err := d.takeOut(patches, options)
	if err != nil {
		return nil, nil, err
	}
	next = d.Fork()
	for i, p := range patches {
		r, err := next.judgePatch(p, options[i], out[i])
		if err != nil {
			return nil, nil, err
		}
		reports = append(reports, r)
	}
	return reports, next, nil
}

// judgePatch finds the verdicts on the mails of one patch, where d is the tree it
// would be put into, and puts in those that are needed.
func (d *Draft) judgePatch(p *Patch, o Options, out []trial) (r Report, err error) {
	r.Strip = o.Strip
	for i, m := range p.Mails {
		with := d.Fork()
		in, err := with.try(m, rules{Options: o})
		if err != nil {
			return Report{}, err
		}
		mail, err := d.judgeMail(m, o, in, out[i])
		if err != nil {
			return Report{}, err
		}
		for _, c := range mail.Conflicts {
			c.Mail = p.number(i, o)
		}
		r.Mails = append(r.Mails, mail)
		if mail.Verdict == Needed {
			if err := d.absorb(with); err != nil {
				return Report{}, err
			}
		}
	}
	return r, nil
}

// judgeOne is judge for a patch of one mail. Where it fits without an offset, only
// taking it out without one could cast doubt on that, which is soon tried.
func (d *Draft) judgeOne(p *Patch, o Options) (r Report, next *Draft, err error) {
	next = d.Fork()
	in, err := next.try(p.Mails[0], rules{Options: o})
	if err != nil {
		return Report{}, nil, err
	}
	back := rules{Options: o, first: true}
	back.Strict = in.fits() && in.matched && in.offset() == 0
	out, err := d.Fork().tryBack(p.Mails[0], back)
	if err != nil {
		return Report{}, nil, err
	}
	mail, err := d.judgeMail(p.Mails[0], o, in, out)
	for _, c := range mail.Conflicts {
		c.Mail = 1
	}
	if mail.Verdict != Needed {
		next = d.Fork()
	}
	return Report{Strip: o.Strip, Mails: []MailReport{mail}}, next, err
}

// A trial is how an attempt to make the changes of a mail went.
type trial struct {
	files     []FileReport
	conflicts Conflicts // none if it fits
	matched   bool      // something of the tree was held against it
}

// fits reports whether there was no conflict.
func (t trial) fits() bool { return len(t.conflicts) == 0 }

// offset is the largest distance of a hunk from where it was asked for.
func (t trial) offset() int { return MailReport{Files: t.files}.maxOffset() }

// try makes the changes of a mail. A conflict is no error here.
func (d *Draft) try(m Mail, r rules) (trial, error) {
	files, err := d.applyMail(m, r, nil)
	t := trial{files: files, conflicts: conflictsIn(err), matched: m.matches()}
	if !t.fits() {
		err = nil
	}
	return t, err
}

// tryBack takes a mail out. What no patch may touch does not fit. Most often the last
// file tells already that it does not.
func (d *Draft) tryBack(m Mail, r rules) (trial, error) {
	if last := m.Files[len(m.Files)-1:]; len(m.Files) > 1 && last[0].Kind == Modify {
		if t, err := d.Fork().try(Mail{Files: last}.reversed(), r); err == nil && !t.fits() {
			t.matched = true
			return t, nil
		}
	}
	t, err := d.try(m.reversed(), r)
	if errors.Is(err, tree.ErrRefused) {
		t.conflicts, err = Conflicts{{Why: err.Error()}}, nil
	}
	return t, err
}

// matches reports whether what a mail changes must be there: lines, or a file as a
// whole. Lines that go in without any context fit everywhere, so that they fit
// proves nothing.
func (m Mail) matches() bool {
	return slices.ContainsFunc(m.Files, func(f File) bool {
		return len(f.Hunks) == 0 || slices.ContainsFunc(f.Hunks, func(h Hunk) bool { return h.OldLines > 0 })
	})
}

// takeOut tries to take out each mail of each patch, the last first, where those
// that came out stay out.
func (d *Draft) takeOut(patches []*Patch, options []Options) ([][]trial, error) {
	trials := make([][]trial, len(patches))
	d = d.Fork()
	for i, p := range slices.Backward(patches) {
		trials[i] = make([]trial, len(p.Mails))
		for j, m := range slices.Backward(p.Mails) {
			without := d.Fork()
			out, err := without.tryBack(m, rules{Options: options[i], first: true})
			if err != nil {
				return nil, err
			}
			if trials[i][j] = out; out.fits() {
				if err := d.absorb(without); err != nil {
					return nil, err
				}
			}
		}
	}
	return trials, nil
}

// judgeMail makes the verdict on one mail. d is the tree it would be put into.
func (d *Draft) judgeMail(m Mail, o Options, in, out trial) (MailReport, error) {
	r := MailReport{Subject: m.Header.Subject, ID: m.id, Files: in.files}
	switch {
	case in.fits() && !out.fits():
		r.Verdict = Needed
		if m.onlyIncludes() {
			return r, d.doubt(m, o, in, &r)
		}
	case !in.fits() && out.fits():
		r.Verdict, r.Files = Present, out.files
	case !in.fits():
		r.Conflicts = in.conflicts
		e, err := d.evidence(m, o)
		r.weighed(e)
		return r, err
	case in.matched && !out.matched, in.matched == out.matched && in.offset() == 0 && out.offset() != 0:
		r.Verdict = Needed
	case out.matched && !in.matched, in.offset() != 0 && out.offset() == 0:
		r.Verdict, r.Files = Present, out.files
	default:
		r.Verdict = Ambiguous
	}
	if r.Verdict == Needed && !in.matched || r.Verdict == Present && !out.matched {
		return r, d.doubt(m, o, in, &r)
	}
	return r, nil
}

// weighed notes what was found out by the content alone.
func (r *MailReport) weighed(e evidence) {
	r.Verdict, r.Added, r.Found = e.verdict(), e.added, e.found
	if r.Verdict == Superseded {
		r.Stands = e.stands
	}
}

// doubt looks at the content where a mail fits only because it would fit anywhere.
func (d *Draft) doubt(m Mail, o Options, in trial, r *MailReport) error {
	e, err := d.evidence(m, o)
	switch {
	case r.Verdict == Needed && e.verdict() == Superseded:
		r.weighed(e)
	case r.Verdict == Present && (e.against || e.verdict() == Absent):
		r.Verdict, r.Files, r.Conflicts = e.verdict(), in.files, in.conflicts
	}
	return err
}

// Verdict sums up the verdicts on the mails.
func (r Report) Verdict() Verdict {
	n := map[Verdict]int{}
	for _, m := range r.Mails {
		n[m.Verdict]++
	}
	switch {
	case n[Conflict] > 0 || n[Absent] > 0 && n[Absent] < len(r.Mails):
		return Conflict
	case n[Ambiguous] > 0:
		return Ambiguous
	case n[Absent] > 0:
		return Absent
	case n[Needed] > 0:
		return Needed
	case n[Superseded] > 0:
		return Superseded
	}
	return Present
}
