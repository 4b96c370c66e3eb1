// Package snapshot keeps what a folder holds, so that it can be put back exactly.
//
// A build changes its tree in more places than anybody has asked it to. Whoever tries
// something there, and wants to have the tree as it was if that does not help, takes a
// snapshot first:
//
//	s, err := snapshot.Take(ctx, "server-1.0", keep)
//	…
//	if err := try(); err != nil {
//		err = s.Restore(ctx)
//	}
//	err = s.Drop()
//
// The contents are copied into another folder, and with the last of them the list of all
// names is written, with modes and times. Only what has changed since is put back; that is
// seen by size, times and inode, which no program can set all of.
//
// Killed while a snapshot is taken, it is none: [Open] does not find it. Killed while one is
// put back, it is put back by the next call of Restore.
//
// # What it does not do
//
// Whatever is called .git is neither kept nor put back. Owners and extended attributes are
// not kept. Sockets, pipes and devices are not made again. Nobody else may write into the
// folder meanwhile.
package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// Bounds of a folder of which a snapshot is taken.
const (
	MaxNames = 1_000_000
	MaxBytes = 16 << 30
)

// ErrBounds is wrapped by the error of Take about a folder that is too large.
var ErrBounds = errors.New("too large for a snapshot")

// ErrDamaged is wrapped by errors about a snapshot that can't be put back, since it is not
// what it was when it was taken.
var ErrDamaged = errors.New("the snapshot is damaged")

// A Snapshot is what a folder held at a moment.
type Snapshot struct {
	into string
	list list
}

// list is what is kept beside the contents.
type list struct {
	Dir     string  `json:"dir"`              // absolute
	Except  string  `json:"except,omitempty"` // a folder below it that is left alone, by its name there
	Entries []entry `json:"entries"`          // a folder before what is in it
}

// An entry is one name below the folder, or "." for the folder itself.
type entry struct {
	Name   string      `json:"name"`
	Mode   fs.FileMode `json:"mode"`
	Size   int64       `json:"size,omitempty"`
	Inode  uint64      `json:"inode"`
	Time   int64       `json:"time"` // of the last change of the content, in nanoseconds
	Change int64       `json:"change"`
	Link   string      `json:"link,omitempty"`
	Sum    uint32      `json:"sum,omitempty"` // CRC-32C of a file
}

// Names in the folder of a snapshot.
const (
	listName = "list.json"
	copyName = "files"
)

// Take keeps what is in the folder dir in a new folder at into. What a snapshot that was not
// finished has left there is removed. If into is below dir, the folder that it is in is left
// alone.
func Take(ctx context.Context, dir, into string) (*Snapshot, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := Remove(into); err != nil {
		return nil, err
	}
	s, err := take(ctx, dir, into)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("keeping %s: %w", dir, err), Remove(into))
	}
	return s, nil
}

func take(ctx context.Context, dir, into string) (*Snapshot, error) {
	if err := os.MkdirAll(filepath.Join(into, copyName), 0o700); err != nil {
		return nil, err
	}
	from, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to, err := os.OpenRoot(filepath.Join(into, copyName))
	if err != nil {
		return nil, err
	}
	defer to.Close()
	s := &Snapshot{into, list{Dir: dir}}
	if rel, err := filepath.Rel(dir, filepath.Dir(into)); err == nil && filepath.IsLocal(rel) {
		s.list.Except = filepath.ToSlash(rel)
	}
	var bytes int64
	err = walk(ctx, from, s.list.Except, func(e entry) error {
		if bytes += e.Size; len(s.list.Entries) >= MaxNames || bytes > MaxBytes {
			return fmt.Errorf("%w: more than %d names or %d GiB", ErrBounds, MaxNames, MaxBytes>>30)
		}
		switch {
		case e.Name == ".":
		case e.Mode.IsDir():
			err = to.Mkdir(e.Name, 0o700)
		case e.Mode.IsRegular():
			e.Sum, err = copyFile(from, to, e.Name, e.Name, os.O_CREATE|os.O_EXCL, 0o600)
		}
		s.list.Entries = append(s.list.Entries, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, s.save()
}

// save writes the list; from then on the snapshot is found.
func (s *Snapshot) save() error {
	text, err := json.Marshal(s.list)
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(s.into, listName), text, 0o600)
}

// Open finds the snapshot that was taken at into. The error wraps fs.ErrNotExist if there is
// none.
func Open(into string) (*Snapshot, error) {
	text, err := os.ReadFile(filepath.Join(into, listName))
	if err != nil {
		return nil, err
	}
	s := &Snapshot{into: into}
	if err := json.Unmarshal(text, &s.list); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, into, err)
	}
	return s, nil
}

// Dir is the folder that the snapshot was taken of.
func (s *Snapshot) Dir() string { return s.list.Dir }

// Drop removes the snapshot.
func (s *Snapshot) Drop() error { return Remove(s.into) }

// Remove removes a snapshot that was taken at into, or begun. The list goes first: one that
// is half removed is none.
func Remove(into string) error {
	if err := os.Remove(filepath.Join(into, listName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(into)
}

// walk calls visit for the folder and each name below it, in order, but for those of git and
// for one folder.
func walk(ctx context.Context, root *os.Root, except string, visit func(entry) error) error {
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if strings.EqualFold(path.Base(name), ".git") || except != "" && name == except {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		e, err := look(root, name)
		if err != nil {
			return err
		}
		return visit(e)
	})
}

// look describes what is under a name, without the sum.
func look(root *os.Root, name string) (entry, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return entry{}, err
	}
	e := entry{Name: name, Mode: info.Mode(), Time: info.ModTime().UnixNano()}
	e.Inode, e.Change = identity(info)
	if info.Mode().IsRegular() {
		e.Size = info.Size()
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		e.Link, err = root.Readlink(name)
	}
	return e, err
}

// same reports whether nothing has been done to what an entry describes.
func (e entry) same(now entry) bool {
	now.Sum = e.Sum
	if e.Mode.IsDir() { // what is in it counts by itself
		return e.Mode == now.Mode
	}
	return e == now
}

// setTime sets the time of the last change, of a link that of the link itself.
func setTime(root *os.Root, name string, nanoseconds int64) error {
	dir, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	t := unix.NsecToTimespec(nanoseconds)
	return unix.UtimesNanoAt(int(dir.Fd()), path.Base(name), []unix.Timespec{{Nsec: unix.UTIME_OMIT}, t}, unix.AT_SYMLINK_NOFOLLOW)
}
