package patch

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"

	"srcmend/internal/tree"
)

// ChooseStrip as Options.Strip lets the tree decide: 1 if with that every file
// is there which the patch does not make, otherwise the only one of 0, 2 and 3
// with which it is so.
const ChooseStrip = -1

// Options say how a patch is meant.
type Options struct {
	// Strip is how many leading components to take off the names, or
	// ChooseStrip. Git's names have one, "a/" or "b/"; note that the zero
	// Options take off none, as patch -p0.
	Strip int
	// Reverse takes the patch out in place of putting it in.
	Reverse bool
	// DryRun does everything but write.
	DryRun bool
}

// Apply puts the patch into the tree, or takes it out; all of it or, after an
// error, nothing.
//
// A *ConflictError says that it does not fit. An error that wraps
// tree.ErrRefused says that it touches what no patch may: names that lead out,
// git's own folder, anything behind a symbolic link. The report says where the
// hunks stand, as far as they were placed.
func (p *Patch) Apply(t *tree.Tree, o Options) (Report, error) {
	if o.Reverse {
		p = p.reversed()
	}
	strip, err := chooseStrip(t, o.Strip, p)
	if err != nil {
		return Report{}, err
	}
	w := newWork(t)
	r := Report{Strip: strip}
	for i, m := range p.Mails {
		files, err := w.applyMail(m, strip)
		var conflict *ConflictError
		if errors.As(err, &conflict) {
			conflict.Mail = p.number(i, o)
		}
		r.Mails = append(r.Mails, MailReport{Subject: m.Header.Subject, ID: m.id, Files: files, Conflict: conflict})
		if err != nil {
			return r, err
		}
	}
	if o.DryRun {
		return r, w.edit().Check()
	}
	return r, w.edit().Commit()
}

// A change is a File with names for this tree.
type change struct {
	File
	old, new string // stripped; "" for no file
}

// changes strips the names of a mail.
func (m Mail) changes(strip int) ([]change, error) {
	changes := make([]change, 0, len(m.Files))
	for _, f := range m.Files {
		c := change{File: f}
		for _, n := range []struct {
			written string
			to      *string
		}{{f.OldName, &c.old}, {f.NewName, &c.new}} {
			if n.written == DevNull {
				continue
			}
			stripped, ok := Strip(n.written, strip)
			if !ok {
				return nil, fmt.Errorf("patch line %d: the name %q has fewer than %d leading components; try another -p", f.Line, n.written, strip)
			}
			*n.to = stripped
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// applyMail makes the changes of one mail.
func (w *work) applyMail(m Mail, strip int) ([]FileReport, error) {
	changes, err := m.changes(strip)
	if err != nil {
		return nil, err
	}
	w.beginMail(changes)
	var reports []FileReport
	for _, c := range changes {
		r, err := w.apply(c)
		if r.Name != "" {
			reports = append(reports, r)
		}
		if err != nil && !errors.As(err, new(*ConflictError)) {
			err = fmt.Errorf("patch line %d: %w", c.Line, err)
		}
		if err != nil {
			return reports, err
		}
	}
	return reports, w.endMail()
}

// apply makes the change of one file.
func (w *work) apply(c change) (FileReport, error) {
	switch c.Kind {
	case Create:
		return w.create(c)
	case Delete:
		return w.remove(c)
	case Rename, Copy:
		return w.move(c)
	case uncopy:
		return w.uncopy(c)
	}
	return w.modify(c)
}

// refuse makes a conflict about a whole file.
func refuse(name, why string) error { return &ConflictError{File: name, Why: why} }

// create makes a file that is not there, or that the same mail renames or removes.
func (w *work) create(c change) (FileReport, error) {
	r := FileReport{Name: c.new, Kind: Create}
	old, err := w.get(c.new)
	if err != nil {
		return r, err
	}
	emptyFile := !c.Git && old.text == "" && !old.isLink()
	if old.exists && !w.leaves[c.new] && !emptyFile {
		return r, refuse(c.new, "it exists, and the patch makes it")
	}
	mode := c.NewMode
	if mode == 0 {
		mode = 0o644
	}
	text, err := c.content(state{exists: true, mode: mode}, &r)
	if err != nil {
		return r, err
	}
	return r, w.set(c.new, state{exists: true, mode: mode, text: text}, true)
}

// remove takes a file away. Nothing of it may be left over. Where another has taken
// its place, that one stays.
func (w *work) remove(c change) (FileReport, error) {
	r := FileReport{Name: c.old, Kind: Delete}
	s, err := w.get(c.old)
	if err != nil {
		return r, err
	}
	replaced := w.placed[c.old] && w.before[c.old].exists
	if replaced {
		s = w.before[c.old]
	}
	if err := c.checkState(c.old, s); err != nil {
		return r, err
	}
	text, err := c.content(s, &r)
	if err == nil && text != "" {
		line, _, _ := strings.Cut(text, "\n")
		err = &ConflictError{File: c.old, Near: 1, Found: excerpt(line), Why: "the patch removes the file, and it has more than the patch knows of"}
	}
	if err != nil || replaced {
		return r, err
	}
	return r, w.set(c.old, state{}, false)
}

// move renames or copies a file and changes it.
func (w *work) move(c change) (FileReport, error) {
	r := FileReport{Name: c.new, From: c.old, Kind: c.Kind}
	if _, err := w.get(c.old); err != nil {
		return r, err
	}
	s, err := w.base(c.old, c.Kind)
	if err != nil {
		return r, err
	}
	target, err := w.get(c.new)
	if err != nil {
		return r, err
	}
	if err := c.checkState(c.old, s); err != nil {
		return r, err
	}
	if target.exists && !w.leaves[c.new] {
		return r, refuse(c.new, "it exists, and the patch makes it")
	}
	text, err := c.content(s, &r)
	if err != nil {
		return r, err
	}
	if c.Kind == Rename && !w.placed[c.old] {
		if err := w.set(c.old, state{}, false); err != nil {
			return r, err
		}
	}
	return r, w.set(c.new, state{exists: true, mode: c.modeAfter(s), text: text}, true)
}

// uncopy takes away a copy.
func (w *work) uncopy(c change) (FileReport, error) {
	r := FileReport{Name: c.old, Kind: Delete}
	s, err := w.existing(c.old, c)
	if err != nil {
		return r, err
	}
	text, err := c.content(s, &r)
	if err != nil {
		return r, err
	}
	w.copies = append(w.copies, copied{of: c.new, copy: c.old, text: text})
	return r, w.set(c.old, state{}, false)
}

// modify changes a file in its place. A plain diff from nothing may also make it.
func (w *work) modify(c change) (FileReport, error) {
	name, err := w.pick(c)
	r := FileReport{Name: name, Kind: Modify}
	if err != nil {
		return r, err
	}
	s, err := w.get(name)
	if err != nil {
		return r, err
	}
	if !s.exists && c.mayCreate() {
		c.new = name
		return w.create(c)
	}
	if s, err = w.existing(name, c); err != nil {
		return r, err
	}
	if c.onlyMode() && c.modeAfter(s) == s.mode {
		return r, refuse(name, "its mode is the new one already")
	}
	text, err := c.content(s, &r)
	if err != nil {
		return r, err
	}
	return r, w.set(name, state{exists: true, mode: c.modeAfter(s), text: text}, false)
}

// pick chooses between the two names of a change in place.
func (w *work) pick(c change) (string, error) {
	for _, name := range []string{c.old, c.new} {
		if _, err := w.get(name); err != nil {
			return name, err
		}
	}
	return best(c.old, c.new, func(name string) bool { return w.now[name].exists }), nil
}

// mayCreate reports whether a plain diff could be one from an empty file.
func (f File) mayCreate() bool {
	return !f.Git && len(f.Hunks) == 1 && f.Hunks[0].OldLines == 0 && f.Hunks[0].OldStart == 0
}

// existing gives the state of a file that must be there.
func (w *work) existing(name string, c change) (state, error) {
	s, err := w.get(name)
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
func (c change) content(s state, r *FileReport) (string, error) {
	if c.binary != nil {
		return c.binary.apply(r.Name, s.text)
	}
	if len(c.Hunks) == 0 {
		return s.text, nil
	}
	if c.oldEmpty && s.text != "" {
		line, _, _ := strings.Cut(s.text, "\n")
		return "", &ConflictError{File: r.Name, Near: 1, Found: excerpt(line), Why: "the change was made from an empty file"}
	}
	p := newPlacer(s.text)
	for i, h := range c.Hunks {
		at, bad, err := p.place(h)
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.Name, err)
		}
		if bad == nil {
			bad = p.put(h, at)
		}
		if bad != nil {
			return "", bad.conflict(r.Name, i+1, h)
		}
		r.Hunks = append(r.Hunks, HunkReport{Number: i + 1, Asked: h.asked(), Found: at + 1, Offset: at - h.nominal()})
	}
	text, bad := p.finish()
	if bad != nil {
		return "", bad.conflict(r.Name, len(c.Hunks), c.Hunks[len(c.Hunks)-1])
	}
	return text, nil
}

// apply gives the content after a binary change. The contents before and after
// are held against their names.
func (b *binary) apply(name, text string) (string, error) {
	if !b.isContent(b.oldID, text) {
		return "", refuse(name, "its content is not the one that the binary change was made from")
	}
	if b.forward == nil {
		return "", refuse(name, "the binary change has no data for this direction")
	}
	var out bytes.Buffer
	file := &gitdiff.File{IsBinary: true, BinaryFragment: b.forward}
	if err := gitdiff.Apply(&out, strings.NewReader(text), file, gitdiff.WithMaxBinaryFragmentBytes(tree.MaxFile)); err != nil {
		return "", fmt.Errorf("%w: the binary change of %s: %w", ErrFormat, name, err)
	}
	if !b.isContent(b.newID, out.String()) {
		return "", fmt.Errorf("%w: the binary change of %s does not give the content it names", ErrFormat, name)
	}
	return out.String(), nil
}

// isContent reports whether id names the text, as git names contents. Zeros are
// the name of no file.
func (b *binary) isContent(id, text string) bool {
	if strings.Trim(id, "0") == "" {
		return text == ""
	}
	var h hash.Hash = sha1.New()
	if len(id) == hex.EncodedLen(sha256.Size) {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00%s", len(text), text)
	return hex.EncodeToString(h.Sum(nil)) == id
}
