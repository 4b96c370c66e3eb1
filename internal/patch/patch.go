// Package patch reads patches, tells them apart, and puts them into a source
// tree or takes them out again.
//
// A patch is what people send each other: one mail or several, each with
// changes to several files, written by diff or by git. [Parse] reads the
// unified format only; a web page, a context, normal or ed diff, and a patch
// that says a binary file differs without saying how, are refused by name.
//
//	p, err := patch.Parse(r)
//	…
//	fmt.Println(p.IDs()) // the same wherever git sent it from
//	d := patch.NewDraft(t)
//	verdict, report, err := d.Put(p, patch.Options{Strip: patch.ChooseStrip})
//	if verdict == patch.Needed && err == nil {
//		err = d.Edit().Commit()
//	}
//
// [Patch.Apply] puts a patch in without asking whether it is in already,
// [Patch.Verdict] only asks, and a [Draft] does both, for one patch or for many on
// top of each other, in memory.
//
// # Placing
//
// A hunk is looked for where its header says, moved by as many lines as the hunk
// before it was, then farther and farther away, nearest first, forward before
// backward. That is the order of GNU patch. All of its context must be there. A
// hunk never starts before the end of the one before it. One with less context at
// its end than at its beginning stands at the end of the file; one with less at its
// beginning, if its header says line 1, at the beginning. A hunk without any context
// stands where its header says, moved like the hunk before it, and nowhere else.
//
// Who wants less says so in [Options]. With Fuzz, outer lines of context need not be
// there, but then there must be only one such place. With Base, the report of how
// the patch stands in the tree it was made for, a file that does not fit is merged.
// [Patch.Refresh] then writes the patch so that it fits exactly.
//
// # All or nothing
//
// All files are worked out in memory and written together, by an edit of package
// tree. A patch that does not fit changes nothing and gives [Conflicts]: each place
// that differs, held against the part of the file that is most like it. A conflict
// is a result; other errors say that the patch is not usable or the tree could not
// be read or written.
//
// # Verdicts
//
// Whether a tree needs a patch is found by trying both ways with all of the context,
// never with fuzz; see [Patch.Verdict].
//
// # What this package does not do
//
// It runs no commands, writes no .rej or .orig files and no conflict markers,
// follows no symbolic links, sets no file modes but 0644 and 0755, and does not
// guess at context that has changed.
package patch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// MaxPatch is the largest patch that is read, in bytes.
const MaxPatch = 64 << 20

// maxLine is the largest line number and line count a hunk may have.
const maxLine = 1<<31 - 1

// ErrFormat is wrapped by errors about a text that is not a usable patch.
var ErrFormat = errors.New("not a usable patch")

// ErrNothing is wrapped by errors about a text that changes no file. It wraps
// ErrFormat.
var ErrNothing = fmt.Errorf("%w", ErrFormat)

// DevNull stands in a header for a file that is not there.
const DevNull = "/dev/null"

// A Patch is one text with changes to a tree, in their order.
type Patch struct {
	// Mails are the parts that have a header of their own, or the whole text.
	// Parts without a change, such as a cover letter, are left out.
	Mails []Mail
	// Repairs are the small damages that were mended while reading.
	Repairs []Repair

	lines []string // the text
}

// A Repair says what was mended.
type Repair struct {
	Line int    `json:"line"` // in the patch, from 1
	What string `json:"what"`
}

// A Mail is a header and the changes below it.
type Mail struct {
	Header Header
	Files  []File
	id     string
}

// A Kind says what happens to a file.
type Kind string

// The kinds.
const (
	Modify Kind = "modify"
	Create Kind = "create"
	Delete Kind = "delete"
	Rename Kind = "rename"
	Copy   Kind = "copy"
)

// A File is the change of one file.
type File struct {
	Line int // of the patch, from 1, where the change begins
	Kind Kind
	// Git says that the change has a header of git's, which can speak of modes,
	// renames and empty files.
	Git bool
	// OldName and NewName are the names as they are written, without quotes
	// and dates, with whatever prefix they have; DevNull for no file.
	OldName, NewName string
	// OldMode and NewMode are 0644, 0755 or fs.ModeSymlink|0777, and 0 where the
	// patch does not say.
	OldMode, NewMode fs.FileMode
	Hunks            []Hunk

	binary             *binary
	oldEmpty, newEmpty bool // git's header says that the file is there, and empty
	span               lineSpan
	crlf               bool // its lines ended with carriage returns, which were taken off
}

// Names lists the names of all files that the patch is about, as they are written, sorted.
func (p *Patch) Names() []string {
	var names []string
	for _, m := range p.Mails {
		for _, f := range m.Files {
			for _, name := range []string{f.OldName, f.NewName} {
				if name != DevNull {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Part gives the patch with one of its mails alone, counted from 0.
func (p *Patch) Part(mail int) *Patch {
	part := *p
	part.Mails = p.Mails[mail : mail+1]
	return &part
}

// IsBinary reports whether the change is a binary one of git's.
func (f File) IsBinary() bool { return f.binary != nil }

// A Hunk is a run of lines with a change in it.
type Hunk struct {
	Line               int // of the patch, from 1
	OldStart, OldLines int // the first line from 1, or the line before if there are none
	NewStart, NewLines int
	Section            string // what stands behind the second "@@"
	Body               []Line

	cut bool // its last lines were missing, and are a guess
}

// An Op says what happens to a line.
type Op byte

// The ops.
const (
	Context Op = ' '
	Remove  Op = '-'
	Add     Op = '+'
)

// A Line is one line of a hunk. Text ends with a newline unless the line is the
// last of a file that does not.
type Line struct {
	Op   Op
	Text string
}

// Parse reads a patch of at most MaxPatch bytes. It mends what can be mended
// without doubt and notes it in Repairs: a missing "---" line; up to three blank
// context lines cut off at the end; a context line that begins with a tab in
// place of a blank; a last line without newline; carriage returns where the
// hunk headers have them, which come back for a file that has them; blanks in place
// of the tab before a file's date; file modes of old repositories; a new file whose
// content is missing.
//
// The error names the line of the patch and wraps ErrFormat, unless reading
// failed.
func Parse(r io.Reader) (*Patch, error) { return ParseFor(r, "") }

// ParseFor reads a patch as Parse does. If file is not "", it is the name for
// hunks that stand without one.
func ParseFor(r io.Reader, file string) (*Patch, error) {
	var buffer bytes.Buffer
	buffer.Grow(sizeOf(r) + bytes.MinRead) // with less, it would grow to find the end
	if _, err := buffer.ReadFrom(io.LimitReader(r, MaxPatch+1)); err != nil {
		return nil, fmt.Errorf("read patch: %w", err)
	}
	data := buffer.Bytes()
	if len(data) > MaxPatch {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrFormat, MaxPatch)
	}
	if bytes.Count(data, []byte{'\n'}) > maxLines {
		return nil, fmt.Errorf("%w: it has more than %d lines", ErrFormat, maxLines)
	}
	s := newScanner(textOf(data))
	s.bare = file
	if err := s.refusePage(); err != nil {
		return nil, err
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	p := &Patch{Repairs: s.repairs, lines: s.lines}
	for _, raw := range s.mails {
		if len(raw.sections) == 0 {
			continue
		}
		mail, err := raw.mail()
		if err != nil {
			return nil, err
		}
		p.Mails = append(p.Mails, mail)
	}
	if len(p.Mails) == 0 {
		return nil, s.whyNothing()
	}
	return p, nil
}

// sizeOf is how many bytes a reader probably has, or 0.
func sizeOf(r io.Reader) int {
	var size int64
	switch r := r.(type) {
	case interface{ Len() int }:
		size = int64(r.Len())
	case fs.File:
		if info, err := r.Stat(); err == nil {
			size = info.Size()
		}
	}
	return int(max(0, min(size, MaxPatch)))
}

// mail makes the sections of a mail into changes.
func (raw *rawMail) mail() (Mail, error) {
	m := Mail{Header: readHeader(raw.preamble), id: patchID(raw.sections), Files: make([]File, 0, len(raw.sections))}
	switch code := strings.ToLower(m.Header.Field("Content-Transfer-Encoding")); code {
	case "", "7bit", "8bit", "binary":
	default:
		return Mail{}, syntaxError(raw.sections[0].line, "the mail is in %s; save it decoded, as git mailinfo does", quote(code))
	}
	hunks, err := readHunks(raw.sections)
	if err != nil {
		return Mail{}, err
	}
	for i, sec := range raw.sections {
		f, err := sec.file(hunks[i])
		if err != nil {
			return Mail{}, err
		}
		m.Files = append(m.Files, f)
	}
	return m, nil
}

// syntaxError says what is wrong at a line of the patch.
func syntaxError(line int, format string, args ...any) error {
	return fmt.Errorf("%w: line %d: %s", ErrFormat, line, fmt.Sprintf(format, args...))
}

// Strip takes the smallest prefix with n slashes off a name, as patch -pN does;
// slashes in a row count once. ok is false when the name has fewer. "./" at the
// beginning of what is left goes too.
func Strip(name string, n int) (stripped string, ok bool) {
	for range n {
		i := strings.IndexByte(name, '/')
		if i < 0 {
			return "", false
		}
		name = strings.TrimLeft(name[i:], "/")
	}
	for strings.HasPrefix(name, "./") {
		name = strings.TrimLeft(name[2:], "/")
	}
	return name, name != ""
}
