package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"srcmend/internal/tree"
)

// errChanged says that the second reading of an archive gave something else.
var errChanged = errors.New("it was changed while it was read")

const (
	// maxKept bounds what a View holds in memory, in bytes.
	maxKept = 512 << 20
	// nodeBytes is what a View holds for a name beside its text and content, rounded
	// up: the node, and its place in a map and in a list.
	nodeBytes = 256
)

// Look reads the archive in f as Unpack does, with the default bounds and the same
// checks, and writes nothing. Of the files that want reports true for it keeps the
// contents, as far as tree.Tree would read them, and of everything else the names and
// kinds, so that a few files of a release can be had without unpacking it. More than
// 512 MiB of all that is an error that wraps ErrLimit.
//
// want gets names of the tree, without the top folder if that is left out. It may be
// asked for the same name again, also by Read, and must then say the same; and, before
// it is known whether the top folder is left out, for names that no file has.
//
// f is read to its end, and a second time where a wanted file is a hard link to one
// that is not.
func Look(ctx context.Context, f *os.File, want func(name string) bool) (*View, error) {
	return look(ctx, f, Options{}, maxKept, want)
}

// look is Look with other bounds.
func look(ctx context.Context, f *os.File, o Options, room int64, want func(name string) bool) (*View, error) {
	l := &looker{
		view: &View{nodes: map[string]*node{".": {mode: fs.ModeDir | 0o755}}, want: want},
		room: room,
	}
	if err := l.read(ctx, f, o.withDefaults()); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(f.Name()), err)
	}
	return l.view, nil
}

// A looker makes a View. It refuses what a writer refuses, without a file system that
// tells it.
type looker struct {
	view    *View
	top     top
	room    int64 // how many bytes more may be kept; what is kept no longer is not given back
	entries int   // how many there were
}

// read makes the view of what is in f.
func (l *looker) read(ctx context.Context, f *os.File, o Options) error {
	if _, err := scanRelease(ctx, f, o, l.add); err != nil {
		return err
	}
	top, err := l.top.leave()
	if err != nil {
		return err
	}
	missing := l.view.settle(top)
	if len(missing) == 0 {
		return nil
	}
	return l.readAgain(ctx, f, o, missing)
}

// readAgain reads the contents that are missing. All else was checked before, so it
// need not go on when they are there.
func (l *looker) readAgain(ctx context.Context, f *os.File, o Options, missing map[int]*node) error {
	at := 0
	_, err := scan(ctx, f, o, func(e entry, r io.Reader) error {
		at++
		n := missing[at]
		if n == nil {
			return nil
		}
		delete(missing, at)
		if e.kind != file || e.size != n.size {
			return errChanged
		}
		if err := l.fill(n, r); err != nil || len(missing) > 0 {
			return err
		}
		return fs.SkipAll
	})
	if errors.Is(err, fs.SkipAll) {
		return nil
	}
	if err == nil {
		err = errChanged
	}
	return err
}

// add puts one entry into the view.
func (l *looker) add(e entry, r io.Reader) error {
	l.entries++
	l.top.note(e)
	if err := l.place(e, r); err != nil {
		return fmt.Errorf("%s: %w", quote(e.name), err)
	}
	return nil
}

// place makes a node for an entry, or gives a node another name.
func (l *looker) place(e entry, r io.Reader) error {
	if e.kind == folder {
		n, err := l.folder(e.name)
		if err == nil {
			n.mode, n.mtime = fs.ModeDir|e.mode|0o700, e.mtime
		}
		return err
	}
	if _, err := l.folder(path.Dir(e.name)); err != nil {
		return err
	}
	switch e.kind {
	case symlink:
		return l.placeSymlink(e)
	case hardlink:
		return l.placeHardlink(e)
	}
	n := &node{mode: e.mode | 0o600, size: e.size, mtime: e.mtime, entry: l.entries}
	if err := l.put(e.name, n); err != nil || e.size > tree.MaxFile || !l.wanted(e.name) {
		return err
	}
	return l.fill(n, r)
}

// placeSymlink makes the node of a link that stays in the tree.
func (l *looker) placeSymlink(e entry) error {
	if err := tree.CheckLink(e.name, e.link); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsafe, err)
	}
	return l.put(e.name, &node{
		mode: fs.ModeSymlink | fs.ModePerm, size: int64(len(e.link)), mtime: e.mtime, data: []byte(e.link), kept: true,
	})
}

// placeHardlink gives an earlier file a second name.
func (l *looker) placeHardlink(e entry) error {
	if e.link == e.name {
		return nil
	}
	n := l.view.nodes[e.link]
	if n == nil || !n.mode.IsRegular() {
		return fmt.Errorf("%w: it is a second name of %s, which is no file in the archive before it", ErrUnsafe, quote(e.link))
	}
	return l.put(e.name, n)
}

// folder gives the folder of that name. It is made, with those it lies in, unless it
// was made before.
func (l *looker) folder(name string) (*node, error) {
	if n := l.view.nodes[name]; n != nil && n.mode.IsDir() {
		return n, nil
	} else if n != nil {
		return nil, fmt.Errorf("%w: %s is a file or a link and cannot be a folder as well", ErrUnsafe, quote(name))
	}
	if _, err := l.folder(path.Dir(name)); err != nil {
		return nil, err
	}
	n := &node{mode: fs.ModeDir | 0o755}
	return n, l.put(name, n)
}

// put gives a node a name. Of several of one kind the last counts.
func (l *looker) put(name string, n *node) error {
	if old := l.view.nodes[name]; old != nil && old.mode.Type() != n.mode.Type() {
		return fmt.Errorf("%w: it is in the archive twice, as different kinds of file", ErrUnsafe)
	}
	bytes := nodeBytes + int64(len(name))
	if n.mode&fs.ModeSymlink != 0 {
		bytes += n.size
	}
	if err := l.take(bytes); err != nil {
		return err
	}
	l.view.nodes[strings.Clone(name)] = n // it may be a part of a much longer one
	return nil
}

// fill keeps the content of a file.
func (l *looker) fill(n *node, r io.Reader) error {
	if err := l.take(n.size); err != nil {
		return err
	}
	n.data = make([]byte, n.size)
	n.kept = true
	_, err := io.ReadFull(r, n.data)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// take makes sure that so many bytes more may be kept.
func (l *looker) take(bytes int64) error {
	if l.room -= bytes; l.room < 0 {
		return fmt.Errorf("%w: its names, and the files wanted of it, are more than is kept in memory", ErrLimit)
	}
	return nil
}

// wanted reports whether the file under a name of the archive is wanted, or may be:
// as long as everything lies in one folder, nobody knows whether it will be left out.
func (l *looker) wanted(name string) bool {
	_, below, _ := strings.Cut(name, "/")
	return l.view.want(name) || !l.top.several && l.view.want(below)
}
