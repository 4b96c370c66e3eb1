package distfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// DefaultLimit is the size above which no file is taken, in bytes, unless
// [Store.Limit] says otherwise.
const DefaultLimit = 4 << 30

// maxName bounds a file's name, in bytes. Filesystems stop at 255.
const maxName = 200

// pollInterval is how often a lock that somebody else holds is tried again.
const pollInterval = 50 * time.Millisecond

// ErrBusy is what [Store.TryBegin] returns when another process, or another
// goroutine of this one, is at work on the same identity.
var ErrBusy = errors.New("another srcmend is fetching this file")

// A Store is a folder of items. Any number of processes may have one open on
// the same folder, and any number of goroutines may use one Store.
type Store struct {
	// Limit is the size above which no file is taken, in bytes. It is
	// [DefaultLimit] after [Open], and may be changed before the first use.
	Limit int64

	dir    string
	afresh bool // see Afresh
}

// An Item is a file in the store.
type Item struct {
	Path string // absolute; the file is read-only and must stay as it is
	Name string // the file's own name, the last element of Path
	Sum  Sum
	Size int64 // bytes

	// Warning is one sentence for the user when an item was there but is
	// damaged. All other fields are zero then, and the item counts as not
	// there.
	Warning string
}

// Open makes the store at dir ready for use. The folder is made if it is not
// there yet.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("distfile store %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return nil, fmt.Errorf("distfile store: %w; choose another folder, or make this one yours", err)
	}
	return &Store{Limit: DefaultLimit, dir: abs}, nil
}

// Afresh returns the same store, but one in which nothing is found: whoever wants a file has to
// get it once more. What is there stays as it is, if it is still what it should be.
func (s *Store) Afresh() *Store {
	again := *s
	again.afresh = true
	return &again
}

// Dir returns the store's folder, an absolute path.
func (s *Store) Dir() string { return s.dir }

// Get returns the item with this identity, and whether there is one.
//
// The file is read whole and compared with its distinfo and with id. An item
// that does not fit is moved aside and reported as not there; Item.Warning
// then says so and where it is now. The error is for what keeps Get from
// finding out, a folder that cannot be read for example.
func (s *Store) Get(id Identity) (Item, bool, error) {
	if err := checkKey(id.Key()); err != nil || s.afresh {
		return Item{}, false, err
	}
	item, err := s.read(id)
	if err == nil {
		return item, true, nil
	}
	if errors.Is(err, errAbsent) {
		return Item{}, false, nil
	}
	var damage *damageError
	if !errors.As(err, &damage) {
		return Item{}, false, fmt.Errorf("distfile store: %w", err)
	}
	lock, err := s.tryLock(id.Key())
	if err != nil {
		// Without the lock nothing may be moved: somebody may be about to
		// put a good item into this very place.
		return Item{Warning: fmt.Sprintf("%v; it is ignored", damage)}, false, nil
	}
	defer lock.Unlock()
	return s.getLocked(id)
}

// getLocked is Get for the one who holds the lock of id.
func (s *Store) getLocked(id Identity) (Item, bool, error) {
	item, err := s.read(id)
	var damage *damageError
	switch {
	case err == nil:
		return item, true, nil
	case errors.Is(err, errAbsent):
		return Item{}, false, nil
	case errors.As(err, &damage):
		aside, err := s.moveAside(id.Key())
		if err != nil {
			return Item{}, false, fmt.Errorf("distfile store: %w, and it cannot be moved aside: %w", damage, err)
		}
		return Item{Warning: fmt.Sprintf("%v; it was moved to %s and counts as not there", damage, aside)}, false, nil
	}
	return Item{}, false, fmt.Errorf("distfile store: %w", err)
}

// Import copies the local file at path into the store under name and returns
// the item. The file is only read. What is there already is returned without
// looking at path. Import waits for the lock as [Store.Begin] does.
func (s *Store) Import(ctx context.Context, id Identity, name, path string) (Item, error) {
	p, err := s.Begin(ctx, id, name)
	var stored *StoredError
	if errors.As(err, &stored) {
		return stored.Item, nil
	}
	if err != nil {
		return Item{}, err
	}
	defer p.Close()
	if err := p.Fill(ctx, path); err != nil {
		return Item{}, err
	}
	return p.Commit()
}

// errAbsent says that there is no item. It stays inside the package.
var errAbsent = errors.New("not in the store")

// damageError says what is wrong with an item. It stays inside the package.
type damageError struct {
	dir string
	why error
}

func (e *damageError) Error() string {
	return fmt.Sprintf("the stored file in %s is damaged: %v", e.dir, e.why)
}

// read returns the item if it is all right. Otherwise the error is errAbsent,
// a *damageError, or what kept it from finding out.
func (s *Store) read(id Identity) (Item, error) {
	dir := s.itemDir(id.Key())
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return Item{}, errAbsent
	}
	info, err := readInfo(filepath.Join(dir, infoName))
	if err != nil {
		return Item{}, damaged(dir, err)
	}
	item := Item{Path: filepath.Join(dir, info.Name), Name: info.Name, Sum: info.Sum, Size: info.Size}
	if err := check(id, item); err != nil {
		return Item{}, damaged(dir, err)
	}
	return item, nil
}

// damaged wraps err as damage, unless it is the system that does not let us
// look: what cannot be read may be in best order. That something is missing,
// or is a folder where a file should be, is damage too.
func damaged(dir string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) && !errors.Is(err, fs.ErrNotExist) &&
		!errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, syscall.EISDIR) {
		return err
	}
	return &damageError{dir: dir, why: err}
}

// readInfo reads the distinfo file of one item.
func readInfo(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	infos, err := ParseDistinfo(f)
	if err != nil {
		return Info{}, err
	}
	if len(infos) != 1 || infos[0].Size < 0 {
		return Info{}, fmt.Errorf("distinfo must tell the sum and size of one file, it tells of %d", len(infos))
	}
	return infos[0], checkName(infos[0].Name)
}

// check reads an item's file and compares it with what is known of it.
func check(id Identity, item Item) error {
	st, err := os.Lstat(item.Path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", item.Name)
	}
	if st.Size() != item.Size {
		return fmt.Errorf("%s has %d bytes, distinfo says %d", item.Name, st.Size(), item.Size)
	}
	f, err := os.Open(item.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum, _, err := verify(id, f)
	if err != nil {
		return err
	}
	if sum != item.Sum {
		return fmt.Errorf("distinfo and file differ: %w", &MismatchError{Want: item.Sum.String(), Got: sum.String()})
	}
	return nil
}

// moveAside moves a damaged item out of the way and returns where it is now.
// One damaged item is kept for each key, for somebody to look at.
func (s *Store) moveAside(key string) (string, error) {
	aside := filepath.Join(s.dir, ".damaged", filepath.FromSlash(key))
	if err := os.RemoveAll(aside); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(aside), 0o755); err != nil {
		return "", err
	}
	return aside, os.Rename(s.itemDir(key), aside)
}

// itemDir is the folder of the item with this key, which must be a good one.
func (s *Store) itemDir(key string) string {
	return filepath.Join(s.dir, filepath.FromSlash(key))
}

// lockFile makes the folder of a key's lock file and returns the lock, which
// is not taken yet.
func (s *Store) lockFile(key string) (*flock.Flock, error) {
	path := filepath.Join(s.dir, ".lock", filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("distfile store: %w", err)
	}
	return flock.New(path), nil
}

// lock waits for the lock of a key.
func (s *Store) lock(ctx context.Context, key string) (*flock.Flock, error) {
	lock, err := s.lockFile(key)
	if err != nil {
		return nil, err
	}
	if _, err := lock.TryLockContext(ctx, pollInterval); err != nil {
		return nil, fmt.Errorf("distfile store: lock %s: %w", lock.Path(), err)
	}
	return lock, nil
}

// tryLock takes the lock of a key if it is free, and else returns ErrBusy.
func (s *Store) tryLock(key string) (*flock.Flock, error) {
	lock, err := s.lockFile(key)
	if err != nil {
		return nil, err
	}
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("distfile store: lock %s: %w", lock.Path(), err)
	}
	if !got {
		return nil, ErrBusy
	}
	return lock, nil
}

// checkKey makes sure that a key is a relative path of at least two harmless
// elements, so that it can name a folder.
func checkKey(key string) error {
	parts := strings.Split(key, "/")
	bad := len(parts) < 2 || len(key) > maxName
	for _, part := range parts {
		bad = bad || part == "" || part[0] == '.' || strings.ContainsFunc(part, badInKey)
	}
	if bad {
		return fmt.Errorf("distfile store: the identity's key %s is not of the form kind/name", quote(key))
	}
	return nil
}

// badInKey reports whether r may not stand in an element of a key.
func badInKey(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	digit := '0' <= r && r <= '9'
	return !letter && !digit && !strings.ContainsRune("._+=-", r)
}

// checkName makes sure that name can be the name of a stored file.
func checkName(name string) error {
	why := ""
	switch {
	case name == "":
		why = "is empty"
	case len(name) > maxName:
		why = fmt.Sprintf("is longer than %d bytes", maxName)
	case strings.ContainsAny(name, "/\\"):
		why = "has a slash"
	case name[0] == '.' || name[0] == '-':
		why = "starts with a dot or a dash"
	case name == infoName:
		why = "is what the store calls its own file"
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		why = "has a control character"
	}
	if why != "" {
		return fmt.Errorf("distfile name %s %s: give the file another name", quote(name), why)
	}
	return nil
}
