package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"srcmend/internal/tree"
)

// A writer puts entries below one folder.
type writer struct {
	ended func() error // why the caller's context has ended, if it has
	root  *os.Root
	// folders are all that were made, by name. Each is a real folder and stays
	// one, so what lies in it can be named without looking at it again.
	folders map[string]*stamp
	// here is the folder of the last file, open, so that one system call makes
	// the next file in it.
	here     *os.Root
	hereName string
	buf      []byte
	exact    map[fs.FileMode]bool // permissions that the umask leaves alone
	top      top
}

// A stamp is what a folder gets in the end, when no more files are put into it.
// A mode of 0 and a zero time leave it as it is.
type stamp struct {
	mode  fs.FileMode
	mtime time.Time
}

// newWriter opens or makes the folder dst.
func newWriter(ctx context.Context, dst string) (*writer, error) {
	if err := os.Mkdir(dst, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	root, err := os.OpenRoot(dst)
	if err != nil {
		return nil, err
	}
	names, err := fs.ReadDir(root.FS(), ".")
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%s is not empty", dst)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &writer{
		ended: ctx.Err, root: root, here: root, hereName: ".",
		folders: map[string]*stamp{".": {}},
		buf:     make([]byte, 128<<10),
		exact:   map[fs.FileMode]bool{},
	}, nil
}

// close gives the handles back.
func (w *writer) close() {
	if w.here != w.root {
		_ = w.here.Close()
	}
	_ = w.root.Close()
}

// add writes one entry.
func (w *writer) add(e entry, r io.Reader) error {
	w.top.note(e)
	if e.kind == folder {
		return w.addFolder(e)
	}
	if err := w.enter(path.Dir(e.name)); err != nil {
		return fmt.Errorf("%s: %w", quote(e.name), err)
	}
	var err error
	switch e.kind {
	case symlink:
		err = w.addSymlink(e)
	case hardlink:
		err = w.addHardlink(e)
	default:
		err = w.addFile(e, r)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", quote(e.name), err)
	}
	return nil
}

// addFolder makes a folder, and the ones it lies in.
func (w *writer) addFolder(e entry) error {
	if err := w.makeFolder(e.name); err != nil {
		return fmt.Errorf("%s: %w", quote(e.name), err)
	}
	*w.folders[e.name] = stamp{mode: e.mode | 0o700, mtime: e.mtime}
	return nil
}

// makeFolder makes name unless it was made before. Where something else stands,
// a link above all, it is refused.
func (w *writer) makeFolder(name string) error {
	if w.folders[name] != nil {
		return nil
	}
	if err := w.makeFolder(path.Dir(name)); err != nil {
		return err
	}
	if err := w.root.Mkdir(name, 0o700); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s is a file or a link and cannot be a folder as well", ErrUnsafe, quote(name))
	} else if err != nil {
		return err
	}
	w.folders[name] = &stamp{mode: 0o755}
	return nil
}

// enter makes the folder name the one at hand.
func (w *writer) enter(name string) error {
	if name == w.hereName {
		return nil
	}
	if err := w.makeFolder(name); err != nil {
		return err
	}
	next := w.root
	if name != "." {
		var err error
		if next, err = w.root.OpenRoot(name); err != nil {
			return err
		}
	}
	if w.here != w.root {
		_ = w.here.Close()
	}
	w.here, w.hereName = next, name
	return nil
}

// vacant calls create, and once more if an entry of the same name and kind was
// in its way; the later entry counts.
func (w *writer) vacant(base string, isKind func(fs.FileMode) bool, create func() error) error {
	err := create()
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := w.here.Lstat(base)
	if err != nil {
		return err
	}
	if !isKind(info.Mode()) {
		return fmt.Errorf("%w: it is in the archive twice, as different kinds of file", ErrUnsafe)
	}
	if err := w.here.Remove(base); err != nil {
		return err
	}
	return create()
}

// addFile writes a regular file into the folder at hand.
func (w *writer) addFile(e entry, r io.Reader) error {
	base := path.Base(e.name)
	perm := e.mode | 0o600
	var f *os.File
	err := w.vacant(base, fs.FileMode.IsRegular, func() (err error) {
		f, err = w.here.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		return err
	})
	if err != nil {
		return err
	}
	err = w.fill(f, e.size, r)
	if err == nil {
		err = w.setMode(f, perm)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && !e.mtime.IsZero() {
		err = w.here.Chtimes(base, time.Time{}, e.mtime)
	}
	return err
}

// fill copies size bytes from r to f.
func (w *writer) fill(f *os.File, size int64, r io.Reader) error {
	for left := size; left > 0; {
		if err := w.ended(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, w.buf[:min(left, int64(len(w.buf)))])
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if _, err := f.Write(w.buf[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

// setMode gives f its permissions. Whether the umask takes some away from
// files made with perm is found out once.
func (w *writer) setMode(f *os.File, perm fs.FileMode) error {
	exact, known := w.exact[perm]
	if !known {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		exact = info.Mode().Perm() == perm
		w.exact[perm] = exact
	}
	if exact {
		return nil
	}
	return f.Chmod(perm)
}

// addSymlink makes a symbolic link that stays in the tree.
func (w *writer) addSymlink(e entry) error {
	if err := tree.CheckLink(e.name, e.link); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsafe, err)
	}
	base := path.Base(e.name)
	isLink := func(m fs.FileMode) bool { return m&fs.ModeSymlink != 0 }
	return w.vacant(base, isLink, func() error { return w.here.Symlink(e.link, base) })
}

// addHardlink gives an earlier file a second name.
func (w *writer) addHardlink(e entry) error {
	if e.link == e.name {
		return nil
	}
	if w.folders[path.Dir(e.link)] == nil {
		return fmt.Errorf("%w: it is a second name of %s, which is not in the archive before it", ErrUnsafe, quote(e.link))
	}
	info, err := w.root.Lstat(e.link)
	if err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%w: it is a second name of %s, which is no file in the archive before it", ErrUnsafe, quote(e.link))
	}
	return w.vacant(path.Base(e.name), fs.FileMode.IsRegular, func() error { return w.root.Link(e.link, e.name) })
}

// finish leaves the top folder out if strip is true and there is one, and gives
// the folders their permissions and times.
func (w *writer) finish(strip bool) error {
	top := ""
	if strip {
		var err error
		if top, err = w.top.leave(); err != nil {
			return err
		}
	}
	if err := w.enter("."); err != nil {
		return err
	}
	if top != "" {
		if err := w.hoist(top); err != nil {
			return err
		}
	}
	for name, s := range w.folders {
		if top != "" {
			name = strings.TrimPrefix(strings.TrimPrefix(name, top), "/")
		}
		if err := w.finishFolder(name, s); err != nil {
			return err
		}
	}
	return nil
}

// finishFolder gives one folder its permissions and time; "" is the root.
func (w *writer) finishFolder(name string, s *stamp) error {
	if name == "" {
		name = "."
	}
	if s.mode != 0 {
		if err := w.root.Chmod(name, s.mode); err != nil {
			return err
		}
	}
	if s.mtime.IsZero() {
		return nil
	}
	return w.root.Chtimes(name, time.Time{}, s.mtime)
}

// hoist moves what is in the folder top up, and removes it. The folder gets
// another name first, because something in it may have its name.
func (w *writer) hoist(top string) error {
	names, err := fs.ReadDir(w.root.FS(), top)
	if err != nil {
		return err
	}
	taken := map[string]bool{top: true}
	for _, d := range names {
		taken[d.Name()] = true
	}
	emptied := "top"
	for taken[emptied] {
		emptied += "-"
	}
	if err := w.root.Rename(top, emptied); err != nil {
		return err
	}
	for _, d := range names {
		if err := w.root.Rename(emptied+"/"+d.Name(), d.Name()); err != nil {
			return err
		}
	}
	return w.root.Remove(emptied)
}
