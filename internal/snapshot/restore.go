package snapshot

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Changed lists what is not as it was kept: names that were changed, are gone, or have come,
// sorted.
func (s *Snapshot) Changed(ctx context.Context) ([]string, error) {
	root, err := os.OpenRoot(s.list.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	changed, come, err := s.compare(ctx, root)
	for _, e := range changed {
		come = append(come, e.Name)
	}
	slices.Sort(come)
	return come, err
}

// compare gives what is to be put back, and the names that were not there, a folder after
// what is in it.
func (s *Snapshot) compare(ctx context.Context, root *os.Root) (changed []entry, come []string, err error) {
	now := map[string]entry{}
	if err := walk(ctx, root, s.list.Except, func(e entry) error { now[e.Name] = e; return nil }); err != nil {
		return nil, nil, err
	}
	for _, was := range s.list.Entries {
		is, there := now[was.Name]
		if !there || !was.same(is) {
			changed = append(changed, was)
		}
		delete(now, was.Name)
	}
	for name := range now {
		come = append(come, name)
	}
	slices.SortFunc(come, func(a, b string) int { return strings.Compare(b, a) })
	return changed, come, nil
}

// Restore puts back what was kept: contents, modes and times, and nothing else is there
// afterwards. What was not changed is not touched.
func (s *Snapshot) Restore(ctx context.Context) error {
	root, err := os.OpenRoot(s.list.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	kept, err := os.OpenRoot(filepath.Join(s.into, copyName))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer kept.Close()
	changed, come, err := s.compare(ctx, root)
	if err != nil {
		return fmt.Errorf("putting back %s: %w", s.list.Dir, err)
	}
	for _, name := range come {
		if err := remove(root, name); err != nil {
			return fmt.Errorf("putting back %s: %w", s.list.Dir, err)
		}
	}
	for _, e := range changed {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := put(kept, root, e); err != nil {
			return fmt.Errorf("putting back %s: %w", filepath.Join(s.list.Dir, e.Name), err)
		}
	}
	for _, e := range slices.Backward(s.list.Entries) { // what is in a folder has its time before it
		if err := s.finishFolder(root, e); err != nil {
			return fmt.Errorf("putting back %s: %w", filepath.Join(s.list.Dir, e.Name), err)
		}
	}
	return s.know(root, changed)
}

// know notes what was put back, so that it does not count as changed.
func (s *Snapshot) know(root *os.Root, changed []entry) error {
	if len(changed) == 0 {
		return nil
	}
	at := map[string]int{}
	for i, e := range s.list.Entries {
		at[e.Name] = i
	}
	for _, e := range changed {
		now, err := look(root, e.Name)
		if err != nil {
			return err
		}
		e.Inode, e.Change = now.Inode, now.Change
		s.list.Entries[at[e.Name]] = e
	}
	return s.save()
}

// finishFolder gives a folder its mode and time.
func (s *Snapshot) finishFolder(root *os.Root, e entry) error {
	if !e.Mode.IsDir() {
		return nil
	}
	now, err := look(root, e.Name)
	if err != nil {
		return err
	}
	if now.Mode != e.Mode {
		if err := root.Chmod(e.Name, e.Mode.Perm()|e.Mode&(fs.ModeSetgid|fs.ModeSticky)); err != nil {
			return err
		}
	}
	if now.Time != e.Time {
		return setTime(root, e.Name, e.Time)
	}
	return nil
}

// remove takes away what was not there, in a folder that may not be writable.
func remove(root *os.Root, name string) error {
	err := root.Remove(name)
	if errors.Is(err, fs.ErrPermission) {
		if err := writable(root, path.Dir(name)); err != nil {
			return err
		}
		return root.Remove(name)
	}
	return err
}

// writable makes a folder writable; it gets its mode at the end.
func writable(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	return root.Chmod(name, info.Mode().Perm()|0o700)
}

// put puts back one entry.
func put(kept, root *os.Root, e entry) error {
	now, err := look(root, e.Name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	another := e.Mode.IsRegular() && now.Inode != e.Inode // which may have other names, with other contents
	if err == nil && (another || now.Mode.Type() != e.Mode.Type() || !e.Mode.IsRegular() && !e.Mode.IsDir()) {
		if err := remove(root, e.Name); err != nil {
			return err
		}
	}
	if parent := path.Dir(e.Name); e.Name != "." {
		if err := writable(root, parent); err != nil {
			return err
		}
	}
	switch {
	case e.Mode.IsDir():
		if err := root.Mkdir(e.Name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	case e.Mode&fs.ModeSymlink != 0:
		if err := root.Symlink(e.Link, e.Name); err != nil {
			return err
		}
	case e.Mode.IsRegular():
		if err := putFile(kept, root, e); err != nil {
			return err
		}
	default:
		return fmt.Errorf("it was %s, and can't be made again", e.Mode.Type())
	}
	return setTime(root, e.Name, e.Time)
}

// putFile puts back the content of a file into the file itself, so that its other names have
// it too.
func putFile(kept, root *os.Root, e entry) error {
	sum, err := copyFile(kept, root, e.Name, e.Name, os.O_CREATE|os.O_TRUNC, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		if err = root.Chmod(e.Name, 0o600); err == nil {
			sum, err = copyFile(kept, root, e.Name, e.Name, os.O_CREATE|os.O_TRUNC, 0o600)
		}
	}
	if err != nil {
		return err
	}
	if sum != e.Sum {
		return ErrDamaged
	}
	return root.Chmod(e.Name, e.Mode&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// copyFile copies the content of a file and gives its sum.
func copyFile(from, to *os.Root, name, as string, flag int, mode fs.FileMode) (uint32, error) {
	in, err := from.Open(name)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := to.OpenFile(as, os.O_WRONLY|flag, mode)
	if err != nil {
		return 0, err
	}
	sum := crc32.New(castagnoli)
	_, err = io.Copy(io.MultiWriter(out, sum), in)
	return sum.Sum32(), errors.Join(err, out.Close())
}
