package distfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func begin(t *testing.T, store *Store, id Identity) *Partial {
	t.Helper()
	p, err := store.Begin(t.Context(), id, "hello.tar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func write(t *testing.T, p *Partial, text string) {
	t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		t.Fatal(err)
	}
}

func TestResume(t *testing.T) {
	store, sum := must(Open(t.TempDir())), sumOf([]byte("hello, world"))
	first := begin(t, store, sum)
	write(t, first, "hello, ")
	check0(t, first.Close())

	second := begin(t, store, sum)
	if second.Size() != 7 {
		t.Fatalf("the second run finds %d bytes, want 7", second.Size())
	}
	write(t, second, "world")
	if _, err := second.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestResumeAfterKillInCommit(t *testing.T) {
	store, sum := must(Open(t.TempDir())), sumOf([]byte("hello"))
	p := begin(t, store, sum)
	write(t, p, "hello")
	// What a kill between the two renames leaves:
	check0(t, p.stage(Info{Name: "hello.tar", Sum: sum, Size: 5}))
	check0(t, p.Close())

	again := begin(t, store, sum)
	if again.Size() != 5 {
		t.Fatalf("%d bytes are left, want 5", again.Size())
	}
	if _, err := again.Commit(); err != nil {
		t.Fatal(err)
	}
	wantNoPartial(t, store)
}

func TestMismatchStoresNothing(t *testing.T) {
	store, sum := must(Open(t.TempDir())), sumOf([]byte("hello"))
	p := begin(t, store, sum)
	write(t, p, "jello")
	_, err := p.Commit()
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) {
		t.Fatalf("Commit: %v, want a *MismatchError", err)
	}
	if want := (MismatchError{sum.String(), sumOf([]byte("jello")).String()}); *mismatch != want {
		t.Errorf("got %+v, want %+v", *mismatch, want)
	}
	for _, part := range []string{"hello.tar", mismatch.Want, mismatch.Got} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in the error: %v", part, err)
		}
	}
	if p.Size() != 0 {
		t.Errorf("%d wrong bytes are left", p.Size())
	}
	if _, found, err := store.Get(sum); found || err != nil {
		t.Errorf("stored all the same: %v %v", found, err)
	}
	// The lock is still held, and the partial good for the next source.
	write(t, p, "hello")
	if _, err := p.Commit(); err != nil {
		t.Error(err)
	}
}

func TestCloseKeepsDiscardRemoves(t *testing.T) {
	store, sum := must(Open(t.TempDir())), sumOf([]byte("hello"))
	p := begin(t, store, sum)
	write(t, p, "he")
	check0(t, p.Close())
	check0(t, p.Close()) // once more is no error
	p = begin(t, store, sum)
	if p.Size() != 2 {
		t.Errorf("%d bytes after Close, want 2", p.Size())
	}
	check0(t, p.Discard())
	wantNoPartial(t, store)
	p = begin(t, store, sum)
	if p.Size() != 0 {
		t.Errorf("%d bytes after Discard, want 0", p.Size())
	}
	check0(t, p.Close())
	wantNoPartial(t, store) // an empty one is not worth keeping
}

func TestUseAfterEnd(t *testing.T) {
	store, sum := must(Open(t.TempDir())), sumOf([]byte("hello"))
	p := begin(t, store, sum)
	check0(t, p.Close())
	_, writeErr := p.Write([]byte("x"))
	_, commitErr := p.Commit()
	_, scratchErr := p.Scratch()
	for name, err := range map[string]error{
		"Write": writeErr, "Commit": commitErr, "Scratch": scratchErr,
		"Reset": p.Reset(), "Fill": p.Fill(t.Context(), os.DevNull),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s after Close: %v, want fs.ErrClosed", name, err)
		}
	}
}

func TestLimit(t *testing.T) {
	store := must(Open(t.TempDir()))
	store.Limit = 5
	sum := sumOf([]byte("hello"))
	p := begin(t, store, sum)
	write(t, p, "hell")
	_, err := io.WriteString(p, "oo")
	var large *TooLargeError
	if !errors.As(err, &large) || large.Limit != 5 || !strings.Contains(err.Error(), "hello.tar") {
		t.Fatalf("Write: %v, want a *TooLargeError", err)
	}
	if p.Size() != 0 {
		t.Errorf("%d bytes are left", p.Size())
	}
	write(t, p, "hello") // just as large as may be
	check0(t, p.Close())

	store.Limit = 4 // somebody lowers it between two runs
	if p := begin(t, store, sum); p.Size() != 0 {
		t.Errorf("a partial of %d bytes was taken over", p.Size())
	}
	big := filepath.Join(t.TempDir(), "big")
	check0(t, os.WriteFile(big, []byte("hello"), 0o644))
	if _, err := store.Import(t.Context(), Sum{1}, "big", big); !errors.As(err, &large) {
		t.Errorf("Import: %v, want a *TooLargeError", err)
	}
}

func TestScratchGoesWithThePartial(t *testing.T) {
	store, sum := must(Open(t.TempDir())), sumOf([]byte("hello"))
	use := func(end func(*Partial) error) {
		p := begin(t, store, sum)
		dir, err := p.Scratch()
		check0(t, err)
		check0(t, os.WriteFile(filepath.Join(dir, "x"), nil, 0o644))
		again, err := p.Scratch()
		check0(t, err)
		if left, err := os.ReadDir(again); again != dir || err != nil || len(left) > 0 {
			t.Errorf("the second Scratch: %s with %v, %v", again, left, err)
		}
		write(t, p, "h")
		check0(t, end(p))
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the scratch folder is still there: %v", err)
		}
	}
	use((*Partial).Close)
	use((*Partial).Discard)

	p := begin(t, store, sum)
	dir, err := p.Scratch()
	check0(t, err)
	check0(t, errors.Join(p.file.Close(), p.lock.Unlock())) // killed
	p.lock, p.file = nil, nil
	begin(t, store, sum)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the scratch folder of a killed process is still there: %v", err)
	}
}

func TestImport(t *testing.T) {
	store, dir := must(Open(t.TempDir())), t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	check0(t, os.WriteFile(good, []byte("hello"), 0o400))
	check0(t, os.WriteFile(bad, []byte("jello"), 0o400))
	fifo := filepath.Join(dir, "fifo")
	check0(t, syscall.Mkfifo(fifo, 0o600))
	sum := sumOf([]byte("hello"))

	_, err := store.Import(t.Context(), sum, "a.tar", bad)
	if mismatch := (*MismatchError)(nil); !errors.As(err, &mismatch) || !strings.Contains(err.Error(), bad) {
		t.Errorf("Import of another file: %v, want a *MismatchError naming it", err)
	}
	for _, path := range []string{dir, fifo, filepath.Join(dir, "nothing")} {
		if _, err := store.Import(t.Context(), sum, "a.tar", path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Import of %s: %v", path, err)
		}
	}
	wantNoPartial(t, store)
	item, err := store.Import(t.Context(), sum, "a.tar", good)
	if err != nil || item.Name != "a.tar" || item.Sum != sum {
		t.Fatalf("Import: %+v %v", item, err)
	}
	again, err := store.Import(t.Context(), sum, "b.tar", "/nowhere")
	if err != nil || again != item {
		t.Errorf("Import of what is there: %+v %v, want %+v", again, err, item)
	}
	if b, err := os.ReadFile(good); string(b) != "hello" || err != nil {
		t.Errorf("the original: %q %v", b, err)
	}
}

// TestFillKeepsWhatIsThere asserts that a wrong local file does not cost the
// bytes of a download that is under way.
func TestFillKeepsWhatIsThere(t *testing.T) {
	store, sum := must(Open(t.TempDir())), sumOf([]byte("hello"))
	wrong := filepath.Join(t.TempDir(), "wrong")
	check0(t, os.WriteFile(wrong, []byte("jello"), 0o644))
	p := begin(t, store, sum)
	write(t, p, "he")
	if err := p.Fill(t.Context(), wrong); err == nil {
		t.Fatal("a wrong file was taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Fill(ctx, wrong); !errors.Is(err, context.Canceled) {
		t.Errorf("Fill with a done context: %v", err)
	}
	if string(readPartial(p)) != "he" {
		t.Errorf("the partial is %q now", readPartial(p))
	}
}

// TestCommitThatCannotPlace puts a file where the folder of all sums should
// be. Commit must fail, keep the bytes, and work once the way is free.
func TestCommitThatCannotPlace(t *testing.T) {
	store, sum := must(Open(t.TempDir())), sumOf([]byte("hello"))
	p := begin(t, store, sum)
	write(t, p, "hello")
	inTheWay := filepath.Join(store.Dir(), "sha256")
	check0(t, os.WriteFile(inTheWay, nil, 0o644))
	if _, err := p.Commit(); err == nil {
		t.Fatal("Commit says it worked")
	}
	if p.Size() != 5 {
		t.Errorf("%d bytes are left, want 5", p.Size())
	}
	check0(t, os.Remove(inTheWay))
	if _, err := p.Commit(); err != nil {
		t.Error(err)
	}
	if _, found, err := store.Get(sum); !found || err != nil {
		t.Errorf("Get: %v %v", found, err)
	}
}
