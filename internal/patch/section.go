package patch

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// The object ids of an empty file, in SHA-1 and SHA-256 repositories.
const (
	emptySHA1   = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
	emptySHA256 = "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
)

// complete refuses a git header that speaks of a change of content without giving
// one. A file to be made is made empty then, as git and GNU patch do: that much is
// said.
func (s *scanner) complete(sec *section) error {
	h := sec.header
	if len(sec.hunks) > 0 || sec.data != nil || h.oldID == h.newID {
		return nil
	}
	for _, id := range []string{h.oldID, h.newID} {
		switch {
		case strings.Trim(id, "0") == "" || isEmptyID(id):
		case h.kind == Create:
			s.repair(sec.line-1, "the content of the new file was missing; it is made empty")
		default:
			return sec.incomplete()
		}
	}
	return nil
}

// isEmptyID reports whether a name of a content, which may be cut off, is that of
// an empty file.
func isEmptyID(id string) bool {
	return len(id) >= 7 && (strings.HasPrefix(emptySHA1, id) || strings.HasPrefix(emptySHA256, id))
}

func (sec *section) incomplete() error {
	return syntaxError(sec.line, "git's header says that the content changes, and no change follows; the patch may be cut short")
}

// file makes a change of a section. Its lines have been looked at; hunks are what
// go-gitdiff reads in them, and the two must agree.
func (sec *section) file(hunks []Hunk) (File, error) {
	h := sec.header
	f := File{
		Line: sec.line, Git: h.git, Kind: h.kind,
		OldName: h.oldName, NewName: h.newName, OldMode: h.oldMode, NewMode: h.newMode,
		oldEmpty: isEmptyID(h.oldID), newEmpty: isEmptyID(h.newID), span: sec.span, crlf: sec.crlf,
		Hunks: hunks,
	}
	if sec.data != nil {
		var err error
		if f.binary, err = sec.readBinary(); err != nil {
			return File{}, err
		}
	}
	if err := sec.settleKind(&f); err != nil {
		return File{}, err
	}
	if strings.ContainsRune(f.OldName+f.NewName, 0) {
		return File{}, syntaxError(sec.line, "the name of a file has a NUL byte")
	}
	if f.OldMode&fs.ModeSymlink != f.NewMode&fs.ModeSymlink && f.OldMode != 0 && f.NewMode != 0 {
		return File{}, syntaxError(sec.line, "it makes a link of a file or a file of a link in one step")
	}
	return f, nil
}

// settleKind finds out whether a file comes or goes, where git's header does not
// say, and holds the hunks against it.
func (sec *section) settleKind(f *File) error {
	h := sec.header
	onlyNew := len(f.Hunks) == 1 && f.Hunks[0].OldLines == 0 && f.Hunks[0].OldStart == 0
	onlyOld := len(f.Hunks) == 1 && f.Hunks[0].NewLines == 0 && f.Hunks[0].NewStart == 0
	switch {
	case f.OldName == DevNull && f.NewName == DevNull:
		return syntaxError(sec.line, "both names are %s", DevNull)
	case f.Kind == "" && f.OldName == DevNull:
		f.Kind = Create
	case f.Kind == "" && f.NewName == DevNull:
		f.Kind = Delete
	case f.Kind == "" && !h.git && onlyNew && isEpoch(h.oldStamp):
		f.Kind, f.OldName = Create, DevNull
	case f.Kind == "" && !h.git && onlyOld && isEpoch(h.newStamp):
		f.Kind, f.NewName = Delete, DevNull
	case f.Kind == "":
		f.Kind = Modify
	}
	switch {
	case f.Kind == Create && len(f.Hunks) > 0 && !onlyNew:
		return syntaxError(sec.line, "the file is new, and a hunk speaks of old lines")
	case f.Kind == Delete && len(f.Hunks) > 0 && !onlyOld:
		return syntaxError(sec.line, "the file goes, and a hunk leaves lines in it")
	case f.Kind == Create && f.NewName == DevNull, f.Kind == Delete && f.OldName == DevNull:
		return syntaxError(sec.line, "the name of the file is missing")
	case (f.Kind == Rename || f.Kind == Copy) && (h.from == "" || h.to == "" || f.OldName == DevNull || f.NewName == DevNull):
		return syntaxError(sec.line, "a rename or copy without both names")
	}
	return nil
}

// readHunks gives the hunks of sections as go-gitdiff reads them. All are read at
// once; only when something is wrong, one by one, to tell where.
func readHunks(sections []*section) ([][]Hunk, error) {
	hunks, err := hunksAtOnce(sections)
	if err == nil || len(sections) == 0 {
		return hunks, nil
	}
	for i := range sections {
		if _, err := hunksAtOnce(sections[i : i+1]); err != nil {
			return nil, syntaxError(sections[i].line, "in the change that begins here: %v", err)
		}
	}
	return nil, syntaxError(sections[0].line, "in the changes that begin here: %v", err)
}

// errReading says that the scanner and go-gitdiff do not agree.
var errReading = errors.New("two ways of reading the hunks do not agree")

// hunksAtOnce gives the hunks of sections.
func hunksAtOnce(sections []*section) ([][]Hunk, error) {
	var with []int // sections that have hunks
	size := 0
	for i, sec := range sections {
		if len(sec.hunks) > 0 {
			with = append(with, i)
			size += sec.size()
		}
	}
	all := make([][]Hunk, len(sections))
	if with == nil {
		return all, nil
	}
	var text strings.Builder
	text.Grow(size)
	for _, i := range with {
		sections[i].write(&text)
	}
	files, _, err := gitdiff.Parse(strings.NewReader(text.String()))
	if err != nil {
		return nil, err
	}
	if len(files) != len(with) {
		return nil, errReading
	}
	for i, which := range with {
		if len(files[i].TextFragments) != len(sections[which].hunks) {
			return nil, errReading
		}
		all[which] = sections[which].take(files[i].TextFragments)
	}
	return all, nil
}

// size is about how many bytes write writes.
func (sec *section) size() int {
	const head = 50
	n := head
	for _, h := range sec.hunks {
		n += head
		for _, line := range h.body {
			n += len(line)
		}
	}
	return n
}

// write writes the hunks as a plain diff.
func (sec *section) write(b *strings.Builder) {
	b.WriteString("--- a/x\n+++ b/x\n")
	for _, h := range sec.hunks {
		fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", h.oldStart, h.oldLines, h.newStart, h.newLines)
		for _, line := range h.body {
			b.WriteString(line)
		}
	}
}

// take makes what was read our own.
func (sec *section) take(fragments []*gitdiff.TextFragment) []Hunk {
	hunks := make([]Hunk, len(sec.hunks))
	for i, fragment := range fragments {
		raw := sec.hunks[i]
		h := Hunk{
			Line: raw.line, Section: raw.section, cut: raw.cut,
			OldStart: raw.oldStart, OldLines: raw.oldLines, NewStart: raw.newStart, NewLines: raw.newLines,
		}
		h.Body = make([]Line, len(fragment.Lines))
		for j, line := range fragment.Lines {
			h.Body[j] = Line{Op: opOf(line.Op), Text: line.Line}
		}
		hunks[i] = h
	}
	return hunks
}

// opOf says the same in our words.
func opOf(op gitdiff.LineOp) Op {
	switch op {
	case gitdiff.OpAdd:
		return Add
	case gitdiff.OpDelete:
		return Remove
	}
	return Context
}
