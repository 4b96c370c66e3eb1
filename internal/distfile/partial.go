package distfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
)

// Names inside the folder of a partial.
const (
	dataName    = "data"    // the bytes that are there so far
	stageName   = "item"    // the item's folder before it is moved into place
	scratchName = "scratch" // see Partial.Scratch
)

// A StoredError is what [Store.Begin] returns when the file is in the store
// already: another process had the lock, and left the item behind.
type StoredError struct {
	Item Item
}

// Error says what is stored where.
func (e *StoredError) Error() string {
	return fmt.Sprintf("%s is in the store already: %s", e.Item.Name, e.Item.Path)
}

// A TooLargeError says that a file is larger than [Store.Limit].
type TooLargeError struct {
	Name  string
	Limit int64 // bytes
}

// Error says what the limit is.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s is larger than the limit of %d bytes", e.Name, e.Limit)
}

// A FullError says that there was no room for a file. Its partial has been
// removed, so the disk is as full as before.
type FullError struct {
	Dir string // the store's folder
	Err error  // what the system said
}

// Error names the folder and what to do.
func (e *FullError) Error() string {
	return fmt.Sprintf("no room left in the distfile store %s: make room there, or choose a folder on a larger disk (%v)", e.Dir, e.Err)
}

// Unwrap returns what the system said.
func (e *FullError) Unwrap() error { return e.Err }

// A Partial is a file on its way into the store. Whoever has it holds the
// lock of its identity. It is an [io.Writer] that appends, and it outlives its
// process: the next [Store.Begin] for the same identity goes on with the bytes
// that are there. What they are worth is not known before Commit.
//
// A Partial is used by one goroutine at a time.
type Partial struct {
	// Warning is what Item.Warning is: set when a damaged item was moved
	// aside on the way here.
	Warning string

	store *Store
	id    Identity
	name  string
	dir   string
	lock  *flock.Flock // nil when the partial is closed
	file  *os.File     // nil when the partial is closed
	size  int64
	had   *Item // that is in the store; see Afresh
}

// Begin takes the lock of id and opens its partial, to be stored as name. It
// waits for a process that holds the lock until ctx is done, and then looks
// into the store again: the error is a [*StoredError] if the file is there by
// now. The caller must end the partial with Close, Commit or Discard.
func (s *Store) Begin(ctx context.Context, id Identity, name string) (*Partial, error) {
	if err := errors.Join(checkKey(id.Key()), checkName(name)); err != nil {
		return nil, err
	}
	lock, err := s.lock(ctx, id.Key())
	if err != nil {
		return nil, err
	}
	return s.begin(lock, id, name)
}

// TryBegin is [Store.Begin] for those who do not want to wait, or want to say
// something before they do: it returns [ErrBusy] at once when another holds
// the lock.
func (s *Store) TryBegin(id Identity, name string) (*Partial, error) {
	if err := errors.Join(checkKey(id.Key()), checkName(name)); err != nil {
		return nil, err
	}
	lock, err := s.tryLock(id.Key())
	if err != nil {
		return nil, err
	}
	return s.begin(lock, id, name)
}

// begin opens the partial of id for the one who holds its lock, which is
// given back if that fails.
func (s *Store) begin(lock *flock.Flock, id Identity, name string) (*Partial, error) {
	item, found, err := s.getLocked(id)
	if found && !s.afresh {
		err = &StoredError{Item: item}
	}
	p := &Partial{
		Warning: item.Warning,
		store:   s, id: id, name: name, lock: lock,
		dir: filepath.Join(s.dir, ".partial", filepath.FromSlash(id.Key())),
	}
	if err == nil {
		err = p.open()
	}
	if err == nil && s.afresh { // nothing but what comes now counts
		err = p.Reset()
	}
	if found {
		p.had = &item
	}
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return p, nil
}

// open opens the data file, after clearing up what a killed process left.
func (p *Partial) open() error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return p.fault(err)
	}
	if err := p.recover(); err != nil {
		return p.fault(err)
	}
	f, err := os.OpenFile(filepath.Join(p.dir, dataName), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return p.fault(err)
	}
	st, err := f.Stat()
	if err != nil {
		return p.fault(errors.Join(err, f.Close()))
	}
	p.file, p.size = f, st.Size()
	if p.size > p.store.Limit {
		if err := p.Reset(); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return nil
}

// recover brings the folder back into the state before Commit or Scratch. A
// process that was killed between the two renames of Commit left the whole
// file in the staging folder.
func (p *Partial) recover() error {
	if err := os.RemoveAll(filepath.Join(p.dir, scratchName)); err != nil {
		return err
	}
	stage := filepath.Join(p.dir, stageName)
	entries, err := os.ReadDir(stage)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == infoName || !entry.Type().IsRegular() {
			continue
		}
		staged := filepath.Join(stage, entry.Name())
		// The mode first: what is called data must always be writable.
		if err := os.Chmod(staged, 0o644); err != nil {
			return err
		}
		if err := os.Rename(staged, filepath.Join(p.dir, dataName)); err != nil {
			return err
		}
	}
	return os.RemoveAll(stage)
}

// Name returns the name the file is going to have in the store.
func (p *Partial) Name() string { return p.name }

// Size returns how many bytes are there, those of earlier runs included.
func (p *Partial) Size() int64 { return p.size }

// Scratch returns an empty folder on the store's disk, for what a source needs
// beside the file itself. It goes when the partial is ended, and when the
// process is killed the next Begin removes it. A second call empties it.
func (p *Partial) Scratch() (string, error) {
	if p.file == nil {
		return "", fs.ErrClosed
	}
	dir := filepath.Join(p.dir, scratchName)
	if err := os.RemoveAll(dir); err != nil {
		return "", p.fault(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", p.fault(err)
	}
	return dir, nil
}

// Write appends b. When the file would exceed the store's limit, or when there
// is no room, everything is removed, and the error is a [*TooLargeError] or a
// [*FullError].
func (p *Partial) Write(b []byte) (int, error) {
	if p.file == nil {
		return 0, fs.ErrClosed
	}
	if int64(len(b)) > p.store.Limit-p.size {
		return 0, errors.Join(&TooLargeError{Name: p.name, Limit: p.store.Limit}, p.Reset())
	}
	n, err := p.file.Write(b)
	p.size += int64(n)
	if err != nil {
		return n, p.fault(err)
	}
	return n, nil
}

// Reset removes all bytes that are there.
func (p *Partial) Reset() error {
	if p.file == nil {
		return fs.ErrClosed
	}
	if err := p.file.Truncate(0); err != nil {
		return fmt.Errorf("distfile store: %w", err)
	}
	p.size = 0
	return nil
}

// Fill replaces what is there with a copy of the local file at path, which is
// checked before anything is given up for it. The error is a [*MismatchError]
// naming path when it is not the right file.
func (p *Partial) Fill(ctx context.Context, path string) error {
	if p.file == nil {
		return fs.ErrClosed
	}
	// A fifo would block in Open, so look first.
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if st.Size() > p.store.Limit {
		return &TooLargeError{Name: path, Limit: p.store.Limit}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, _, err := verify(p.id, untilDone(ctx, f)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := p.Reset(); err != nil {
		return err
	}
	_, err = io.Copy(p, untilDone(ctx, f))
	return err
}

// Commit checks the bytes against the identity and makes them an item of the
// store. When they are not the right ones they are removed and nothing is
// stored; the partial is empty then and can be used for another try. The
// error is what the identity's Check returned.
//
// After a Commit that worked the partial is closed.
func (p *Partial) Commit() (Item, error) {
	if p.file == nil {
		return Item{}, fs.ErrClosed
	}
	sum, size, err := verify(p.id, io.NewSectionReader(p.file, 0, p.size))
	if err != nil {
		return Item{}, errors.Join(fmt.Errorf("%s: %w", p.name, err), p.Reset())
	}
	if p.had != nil {
		return *p.had, p.end(true)
	}
	info := Info{Name: p.name, Sum: sum, Size: size}
	if err := p.stage(info); err != nil {
		return Item{}, errors.Join(p.fault(err), p.reopen())
	}
	if err := p.place(); err != nil {
		return Item{}, errors.Join(p.fault(err), p.reopen())
	}
	item := Item{Path: filepath.Join(p.store.itemDir(p.id.Key()), p.name), Name: p.name, Sum: sum, Size: size}
	return item, p.end(true)
}

// stage makes the item's folder inside the partial's and flushes it.
func (p *Partial) stage(info Info) error {
	// Once the item is in place nobody has a reason to come back here, so the
	// scratch folder must be gone before.
	stage := filepath.Join(p.dir, stageName)
	for _, dir := range []string{stage, filepath.Join(p.dir, scratchName)} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.Mkdir(stage, 0o755); err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(stage, infoName), info.String()); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(p.dir, dataName), filepath.Join(stage, info.Name)); err != nil {
		return err
	}
	if err := p.file.Chmod(0o444); err != nil {
		return err
	}
	return errors.Join(p.file.Sync(), syncDir(stage))
}

// place moves the item's folder to where it is looked for. Nothing is there:
// Begin has looked, and we hold the lock.
func (p *Partial) place() error {
	dir := p.store.itemDir(p.id.Key())
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(p.dir, stageName), dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// reopen makes the partial usable after a Commit that broke off midway.
func (p *Partial) reopen() error {
	err := p.file.Close()
	p.file = nil
	if err != nil {
		return err
	}
	return p.open()
}

// Close ends the work and gives the lock back. The bytes stay, to be resumed.
// Closing a partial that was ended is no error, so that it can be deferred.
func (p *Partial) Close() error { return p.end(p.size == 0) }

// Discard ends the work, removes the bytes and gives the lock back.
func (p *Partial) Discard() error { return p.end(true) }

// end closes the partial, with or without its folder.
func (p *Partial) end(remove bool) error {
	if p.lock == nil {
		return nil
	}
	var errs []error
	if p.file != nil {
		errs = append(errs, p.file.Close())
	}
	if remove {
		errs = append(errs, os.RemoveAll(p.dir))
	} else {
		errs = append(errs, os.RemoveAll(filepath.Join(p.dir, scratchName)))
	}
	errs = append(errs, p.lock.Unlock())
	p.file, p.lock = nil, nil
	return errors.Join(errs...)
}

// fault makes an error of the system one of the store. When it is for want of
// room, the partial gives back what it has.
func (p *Partial) fault(err error) error {
	if !NoRoom(err) {
		return fmt.Errorf("distfile store: %w", err)
	}
	full := &FullError{Dir: p.store.dir, Err: err}
	if p.file == nil {
		return full
	}
	if err := p.Reset(); err != nil {
		return errors.Join(full, err)
	}
	return full
}

// NoRoom reports whether err means that the disk, the quota, or the size the
// system lets this process write is used up.
func NoRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// writeSynced writes a new file and flushes it to the disk.
func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir flushes a folder, and with it the names of what is in it.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// readerFunc is a function that is an [io.Reader].
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// untilDone returns a reader of r that fails once ctx is done.
func untilDone(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(b []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, context.Cause(ctx)
		}
		return r.Read(b)
	})
}
