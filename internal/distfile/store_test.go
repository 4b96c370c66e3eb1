package distfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// put stores text and returns its item.
func put(t *testing.T, store *Store, text, name string) Item {
	t.Helper()
	p, err := store.Begin(t.Context(), sumOf([]byte(text)), name)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := io.WriteString(p, text); err != nil {
		t.Fatal(err)
	}
	item, err := p.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func TestStoreAndGet(t *testing.T) {
	store := must(Open(t.TempDir()))
	sum := sumOf([]byte("hello"))
	if _, found, err := store.Get(sum); found || err != nil {
		t.Fatalf("an empty store has it: %v %v", found, err)
	}
	item := put(t, store, "hello", "hello.tar")
	want := Item{
		Path: filepath.Join(store.Dir(), "sha256", sum.String(), "hello.tar"),
		Name: "hello.tar", Sum: sum, Size: 5,
	}
	if item != want {
		t.Errorf("Commit: %+v, want %+v", item, want)
	}
	got, found, err := store.Get(sum)
	if got != want || !found || err != nil {
		t.Errorf("Get: %+v %v %v, want %+v", got, found, err, want)
	}
	info, err := os.ReadFile(filepath.Join(filepath.Dir(item.Path), "distinfo"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "SHA256 (hello.tar) = " + sum.String() + "\nSIZE (hello.tar) = 5\n"; string(info) != want {
		t.Errorf("distinfo:\n%s\nwant:\n%s", info, want)
	}
	if st, err := os.Stat(item.Path); err != nil || st.Mode().Perm() != 0o444 {
		t.Errorf("the file's mode: %v %v, want read-only", st.Mode(), err)
	}
	wantNoPartial(t, store)
}

// wantNoPartial asserts that nothing is under way.
func wantNoPartial(t *testing.T, store *Store) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(store.Dir(), ".partial", "*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func TestBeginFindsStored(t *testing.T) {
	store := must(Open(t.TempDir()))
	item := put(t, store, "hello", "hello.tar")
	_, err := store.Begin(t.Context(), item.Sum, "other-name.tar")
	var stored *StoredError
	if !errors.As(err, &stored) || stored.Item != item {
		t.Fatalf("Begin: %v, want a *StoredError with %+v", err, item)
	}
	if !strings.Contains(err.Error(), item.Path) {
		t.Errorf("the error does not say where: %v", err)
	}
	// And the lock was given back.
	if _, err := store.TryBegin(item.Sum, "x"); errors.Is(err, ErrBusy) {
		t.Error("the lock is still held")
	}
}

// TestWaitersSeeWhatWasStored has many goroutines want the same file; one
// writes it, all get it.
func TestWaitersSeeWhatWasStored(t *testing.T) {
	store := must(Open(t.TempDir()))
	var wg sync.WaitGroup
	var mu sync.Mutex
	commits, stored := 0, 0
	for range 8 {
		wg.Go(func() {
			err := storeAll(store, []byte("the file"))
			mu.Lock()
			defer mu.Unlock()
			var already *StoredError
			switch {
			case err == nil:
				commits++
			case errors.As(err, &already):
				stored++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if commits != 1 || stored != 7 {
		t.Errorf("%d commits and %d found stored, want 1 and 7", commits, stored)
	}
}

func TestBeginGivesUpWithItsContext(t *testing.T) {
	store := must(Open(t.TempDir()))
	sum := sumOf([]byte("x"))
	holder, err := store.Begin(t.Context(), sum, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if _, err := store.TryBegin(sum, "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("TryBegin: %v, want ErrBusy", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := store.Begin(ctx, sum, "x")
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Begin: %v, want context.Canceled", err)
	}
}

// TestDamage damages an item in every way we could think of. Each time it must
// count as not there, with a warning, be moved aside, and be replaceable.
func TestDamage(t *testing.T) {
	damages := map[string]func(t *testing.T, item Item){
		"a byte changed":          func(t *testing.T, i Item) { overwrite(t, i.Path, "jello") },
		"truncated":               func(t *testing.T, i Item) { overwrite(t, i.Path, "hell") },
		"file gone":               func(t *testing.T, i Item) { check0(t, os.Remove(i.Path)) },
		"distinfo gone":           func(t *testing.T, i Item) { check0(t, os.Remove(infoOf(i))) },
		"distinfo empty":          func(t *testing.T, i Item) { overwrite(t, infoOf(i), "") },
		"distinfo nonsense":       func(t *testing.T, i Item) { overwrite(t, infoOf(i), "\x00\x01") },
		"distinfo without size":   func(t *testing.T, i Item) { overwrite(t, infoOf(i), (Info{i.Name, i.Sum, -1}).String()) },
		"distinfo names a path":   func(t *testing.T, i Item) { overwrite(t, infoOf(i), (Info{"../x", i.Sum, 5}).String()) },
		"distinfo has other sum":  func(t *testing.T, i Item) { overwrite(t, infoOf(i), (Info{i.Name, Sum{1}, 5}).String()) },
		"distinfo is a folder":    func(t *testing.T, i Item) { replaceByDir(t, infoOf(i)) },
		"file is a folder":        func(t *testing.T, i Item) { replaceByDir(t, i.Path) },
		"file is a symbolic link": replaceByLink,
		"item is a file":          func(t *testing.T, i Item) { replaceByFile(t, filepath.Dir(i.Path)) },
		"consistently another":    replaceByAnother,
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			store := must(Open(t.TempDir()))
			item := put(t, store, "hello", "hello.tar")
			damage(t, item)
			got, found, err := store.Get(item.Sum)
			if found || err != nil {
				t.Fatalf("Get: %v %v, want not found", found, err)
			}
			aside := filepath.Join(store.Dir(), ".damaged", "sha256", item.Sum.String())
			if !strings.Contains(got.Warning, aside) {
				t.Errorf("the warning %q does not name %s", got.Warning, aside)
			}
			if _, err := os.Lstat(aside); err != nil {
				t.Error(err)
			}
			if got, found, err := store.Get(item.Sum); got.Warning != "" || found || err != nil {
				t.Errorf("the second Get: %+v %v %v, want plainly not found", got, found, err)
			}
			if again := put(t, store, "hello", "hello.tar"); again != item {
				t.Errorf("stored again: %+v, want %+v", again, item)
			}
		})
	}
}

func infoOf(i Item) string { return filepath.Join(filepath.Dir(i.Path), infoName) }

func check0(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, path, text string) {
	t.Helper()
	check0(t, os.Chmod(path, 0o644))
	check0(t, os.WriteFile(path, []byte(text), 0o644))
}

func replaceByDir(t *testing.T, path string) {
	check0(t, os.Remove(path))
	check0(t, os.Mkdir(path, 0o755))
}

func replaceByFile(t *testing.T, path string) {
	check0(t, os.RemoveAll(path))
	check0(t, os.WriteFile(path, []byte("hello"), 0o644))
}

func replaceByLink(t *testing.T, i Item) {
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	check0(t, os.Rename(i.Path, elsewhere))
	check0(t, os.Symlink(elsewhere, i.Path))
}

// replaceByAnother puts a file there that agrees with its distinfo, but not
// with its key.
func replaceByAnother(t *testing.T, i Item) {
	overwrite(t, i.Path, "other")
	overwrite(t, infoOf(i), (Info{i.Name, sumOf([]byte("other")), 5}).String())
}

// TestDamageFoundByBegin asserts that Begin, too, moves damage aside.
func TestDamageFoundByBegin(t *testing.T) {
	store := must(Open(t.TempDir()))
	item := put(t, store, "hello", "hello.tar")
	overwrite(t, item.Path, "jello")
	p, err := store.Begin(t.Context(), item.Sum, "hello.tar")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if !strings.Contains(p.Warning, ".damaged") {
		t.Errorf("Warning is %q", p.Warning)
	}
}

// TestDamageBesideAWorker asserts that damage stays where it is while somebody
// else holds the lock: that one may be replacing it.
func TestDamageBesideAWorker(t *testing.T) {
	store := must(Open(t.TempDir()))
	sum := sumOf([]byte("hello"))
	p, err := store.Begin(t.Context(), sum, "hello.tar")
	check0(t, err)
	defer p.Close()
	dir := filepath.Join(store.Dir(), "sha256", sum.String())
	check0(t, os.MkdirAll(dir, 0o755))
	got, found, err := store.Get(sum)
	if found || err != nil || got.Warning == "" {
		t.Errorf("Get: %+v %v %v, want a warning", got, found, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("it was moved: %v", err)
	}
}

func TestUnreadableIsNotDamage(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	store := must(Open(t.TempDir()))
	item := put(t, store, "hello", "hello.tar")
	check0(t, os.Chmod(item.Path, 0))
	if _, _, err := store.Get(item.Sum); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Get: %v, want a permission error", err)
	}
	if _, err := os.Lstat(item.Path); err != nil {
		t.Errorf("it was moved: %v", err)
	}
}

// evenLength is an identity that is no checksum.
type evenLength struct{ key string }

func (e evenLength) Key() string { return e.key }

func (e evenLength) Check(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err == nil && len(b)%2 != 0 {
		return &MismatchError{Want: "an even length", Got: "an odd one"}
	}
	return err
}

func TestAnotherKindOfIdentity(t *testing.T) {
	store := must(Open(t.TempDir()))
	id := evenLength{"length/even"}
	p, err := store.Begin(t.Context(), id, "even.patch")
	check0(t, err)
	defer p.Close()
	_, err = io.WriteString(p, "odd")
	check0(t, err)
	_, err = p.Commit()
	if mismatch := (*MismatchError)(nil); !errors.As(err, &mismatch) {
		t.Fatalf("Commit: %v, want a *MismatchError", err)
	}
	_, err = io.WriteString(p, "even")
	check0(t, err)
	item, err := p.Commit()
	check0(t, err)
	got, found, err := store.Get(id)
	if got != item || !found || err != nil {
		t.Errorf("Get: %+v %v %v, want %+v", got, found, err, item)
	}
	// Still right for the identity, but no longer what was stored.
	overwrite(t, item.Path, "evil")
	if _, found, _ := store.Get(id); found {
		t.Error("a changed file passes, as its identity does not look at every byte")
	}
}

func TestKeys(t *testing.T) {
	store := must(Open(t.TempDir()))
	for _, key := range []string{
		"", "sha256", "/x", "x/", "../x", "x/..", "x/../y", "x//y", ".partial/x", "a/b\x00", "a/b c", "a/é", "a/" + strings.Repeat("b", 300),
	} {
		if _, _, err := store.Get(evenLength{key}); err == nil {
			t.Errorf("Get took the key %q", key)
		}
		if _, err := store.Begin(t.Context(), evenLength{key}, "x"); err == nil {
			t.Errorf("Begin took the key %q", key)
		}
		if _, err := store.TryBegin(evenLength{key}, "x"); err == nil {
			t.Errorf("TryBegin took the key %q", key)
		}
	}
	if err := checkKey("patch-ids/0a_b+c=d.e/F"); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	store := must(Open(t.TempDir()))
	for _, name := range []string{"", ".", "..", ".x", "-x", "a/b", `a\b`, "distinfo", "a\nb", "a\x7f", strings.Repeat("x", 256)} {
		if _, err := store.Begin(t.Context(), Sum{}, name); err == nil {
			t.Errorf("Begin took the name %q", name)
		}
	}
	for _, name := range []string{"data", "item", "scratch", "foo_1.0+dfsg~rc1.orig.tar.xz", "größe.patch"} {
		put(t, store, name, name)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	check0(t, os.WriteFile(file, nil, 0o644))
	if _, err := Open(filepath.Join(file, "store")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Open below a file: %v", err)
	}
}

// TestAfresh gets a file once more that is not there, there, or there and damaged, with what an
// earlier run has left on the way; and another file in its place.
func TestAfresh(t *testing.T) {
	store := must(Open(t.TempDir()))
	sum := sumOf([]byte("hello"))
	again := func(text string) (Item, string, error) {
		p, err := store.Afresh().Begin(t.Context(), sum, "hello.tar")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if p.Size() != 0 {
			t.Errorf("%d bytes of an earlier run are taken for those of this one", p.Size())
		}
		if _, err := io.WriteString(p, text); err != nil {
			t.Fatal(err)
		}
		item, err := p.Commit()
		return item, p.Warning, err
	}
	p, err := store.Begin(t.Context(), sum, "hello.tar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(p, "hel"); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	first, _, err := again("hello")
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := store.Afresh().Get(sum); found || err != nil {
		t.Errorf("it is found: %v, %v", found, err)
	}
	if item, _, err := again("hello"); err != nil || item != first {
		t.Errorf("the second time: %+v, %v", item, err)
	}
	var mismatch *MismatchError
	if _, _, err := again("hullo"); !errors.As(err, &mismatch) {
		t.Errorf("another file: %v", err)
	}
	if item, found, err := store.Get(sum); !found || err != nil || item != first {
		t.Errorf("what was there is now %+v, %v, %v", item, found, err)
	}
	if err := os.Chmod(first.Path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(first.Path, []byte("hellO"), 0o644); err != nil {
		t.Fatal(err)
	}
	if item, warning, err := again("hello"); err != nil || item != first || !strings.Contains(warning, "damaged") {
		t.Errorf("in the place of a damaged one: %+v, %q, %v", item, warning, err)
	}
	if item, found, err := store.Get(sum); !found || err != nil || item != first {
		t.Errorf("then there is %+v, %v, %v", item, found, err)
	}
}
