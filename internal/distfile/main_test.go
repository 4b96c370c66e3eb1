package distfile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childVar names what a re-executed test binary is to do instead of testing.
const childVar = "DISTFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVar) {
	case "":
		os.Exit(m.Run())
	case "store":
		os.Exit(childStores(os.Args[1]))
	case "hold":
		os.Exit(childHolds(os.Args[1]))
	case "fsize":
		os.Exit(childMeetsFileSizeLimit(os.Args[1]))
	}
	fmt.Fprintln(os.Stderr, "unknown child")
	os.Exit(2)
}

// child prepares a run of this test binary as the named child.
func child(t *testing.T, what, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, dir)
	// The race detector would have each child sleep for a second at its end.
	cmd.Env = append(os.Environ(), childVar+"="+what, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

// chunk is what the children write at a time, in bytes.
const chunk = 4 << 10

// childContent is the file that all children store: 256 KiB.
func childContent() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 64*chunk)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// childStores resumes and commits childContent, with a line of output for each
// step, so that the parent can kill it after a number of them.
func childStores(dir string) int {
	content := childContent()
	store, err := Open(dir)
	if err != nil {
		return complain(err)
	}
	p, err := store.Begin(context.Background(), sumOf(content), "a.tar")
	if stored := (*StoredError)(nil); errors.As(err, &stored) {
		fmt.Println("stored")
		return 0
	}
	if err != nil {
		return complain(err)
	}
	defer p.Close()
	if !bytes.HasPrefix(content, readPartial(p)) {
		return complain(errors.New("the partial is no part of the file"))
	}
	fmt.Println("resumed", p.Size())
	for p.Size() < int64(len(content)) {
		if _, err := p.Write(content[p.Size() : p.Size()+chunk]); err != nil {
			return complain(err)
		}
		fmt.Println("wrote", p.Size())
	}
	if _, err := p.Commit(); err != nil {
		return complain(err)
	}
	fmt.Println("stored")
	return 0
}

// childHolds takes the lock, writes one chunk and waits to be killed.
func childHolds(dir string) int {
	store, err := Open(dir)
	if err != nil {
		return complain(err)
	}
	content := childContent()
	p, err := store.Begin(context.Background(), sumOf(content), "a.tar")
	if err != nil {
		return complain(err)
	}
	if _, err := p.Write(content[:chunk]); err != nil {
		return complain(err)
	}
	fmt.Println("holding")
	time.Sleep(time.Hour)
	return 1
}

// childMeetsFileSizeLimit writes more than the system lets it, which is the
// nearest thing to a full disk that needs no privileges.
func childMeetsFileSizeLimit(dir string) int {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 8 * chunk, Max: 8 * chunk}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("skip", err)
		return 0
	}
	store, err := Open(dir)
	if err != nil {
		return complain(err)
	}
	err = storeAll(store, childContent())
	var full *FullError
	if !errors.As(err, &full) {
		return complain(fmt.Errorf("no *FullError: %v", err))
	}
	fmt.Println("full", err)
	return 0
}

// storeAll begins, writes and commits content.
func storeAll(store *Store, content []byte) error {
	p, err := store.Begin(context.Background(), sumOf(content), "a.tar")
	if err != nil {
		return err
	}
	defer p.Close()
	for b := range slices.Chunk(content, chunk) {
		if _, err := p.Write(b); err != nil {
			return err
		}
	}
	_, err = p.Commit()
	return err
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "child:", err)
	return 1
}

func readPartial(p *Partial) []byte {
	b := make([]byte, p.size)
	n, _ := p.file.ReadAt(b, 0)
	return b[:n]
}

func sumOf(b []byte) Sum {
	sum, _, err := Hash(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	return sum
}

// killAfter starts the storing child and kills it after so many lines of
// output, and a random moment, so that the kill may fall into Commit too.
func killAfter(t *testing.T, dir string, lines int, moment time.Duration) {
	t.Helper()
	cmd := child(t, "store", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for sc := bufio.NewScanner(out); lines > 0 && sc.Scan(); lines-- {
	}
	time.Sleep(moment)
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.Exited() {
		t.Errorf("child failed by itself: %v", err)
	}
}

// TestKilledAtAnyMoment kills a process that is storing a file at various
// moments. After each the store must be in order, the partial a part of the
// file; and in the end somebody must get it done.
func TestKilledAtAnyMoment(t *testing.T) {
	content := childContent()
	steps := len(content)/chunk + 2
	for _, lines := range []int{0, 1, 2, steps / 2, steps - 2, steps - 1, steps - 1, steps - 1, steps} {
		t.Run(strconv.Itoa(lines), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			killAfter(t, dir, lines, rand.N(3*time.Millisecond))
			wantConsistent(t, dir, content)
			killAfter(t, dir, lines, rand.N(3*time.Millisecond))
			wantConsistent(t, dir, content)
			finish(t, dir, content)
		})
	}
}

// wantConsistent asserts that the file is in the store whole or not at all.
func wantConsistent(t *testing.T, dir string, content []byte) {
	t.Helper()
	store, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	item, found, err := store.Get(sumOf(content))
	if err != nil || item.Warning != "" {
		t.Fatalf("after the kill: %v %s", err, item.Warning)
	}
	if !found {
		return
	}
	b, err := os.ReadFile(item.Path)
	if err != nil || !bytes.Equal(b, content) {
		t.Fatalf("the stored file is not the right one: %v", err)
	}
}

// finish stores the file by one more child and asserts that nothing is left
// over in the folder of partials.
func finish(t *testing.T, dir string, content []byte) {
	t.Helper()
	out, err := child(t, "store", dir).Output()
	if err != nil || !strings.HasSuffix(string(out), "stored\n") {
		t.Fatalf("the last child: %v\n%s", err, out)
	}
	wantConsistent(t, dir, content)
	if _, found, _ := must(Open(dir)).Get(sumOf(content)); !found {
		t.Error("not stored in the end")
	}
	wantNoBytes(t, filepath.Join(dir, ".partial"))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestTwoAtOnceOneKilled has two processes store the same file and kills one.
func TestTwoAtOnceOneKilled(t *testing.T) {
	content := childContent()
	for range 4 {
		dir := t.TempDir()
		other := child(t, "store", dir)
		var out bytes.Buffer
		other.Stdout = &out
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		killAfter(t, dir, rand.N(20), 0)
		if err := other.Wait(); err != nil {
			t.Errorf("the survivor: %v", err)
		}
		if !strings.HasSuffix(out.String(), "stored\n") {
			t.Errorf("the survivor said %q", out.String())
		}
		wantConsistent(t, dir, content)
		finish(t, dir, content)
	}
}

// TestLockOfAnotherProcess asserts that the lock keeps out another process,
// and that it goes with the process while its bytes stay.
func TestLockOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	holder := child(t, "hold", dir)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "holding\n" {
		t.Fatalf("the holder said %q, %v", line, err)
	}
	store, content := must(Open(dir)), childContent()
	if _, err := store.TryBegin(sumOf(content), "a.tar"); !errors.Is(err, ErrBusy) {
		t.Errorf("TryBegin beside a holder: %v, want ErrBusy", err)
	}
	if _, found, err := store.Get(sumOf(content)); found || err != nil {
		t.Errorf("Get beside a holder: %v %v, want not found", found, err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	p, err := store.Begin(t.Context(), sumOf(content), "a.tar")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Size() != chunk || !bytes.Equal(readPartial(p), content[:chunk]) {
		t.Errorf("the partial has %d bytes after the kill, want %d of the file", p.Size(), chunk)
	}
}

// TestFileSizeLimit asserts that a file the system does not let us write is
// reported like a full disk, and leaves nothing behind.
func TestFileSizeLimit(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "fsize", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(string(out), "skip") {
		t.Skip(string(out))
	}
	if !strings.Contains(string(out), dir) {
		t.Errorf("the error does not name the folder: %s", out)
	}
	wantNoBytes(t, dir)
}

// TestFullDisk does the same with a real full disk, a small tmpfs.
func TestFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mount := exec.Command("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", dir)
	if out, err := mount.CombinedOutput(); err != nil {
		t.Skipf("no small disk to be had here: %v %s", err, out)
	}
	t.Cleanup(func() {
		if err := exec.Command("umount", dir).Run(); err != nil {
			t.Error(err)
		}
	})
	store := must(Open(dir))
	small := []byte("this one has room")
	if err := storeAll(store, small); err != nil {
		t.Fatal(err)
	}
	err := storeAll(store, childContent())
	var full *FullError
	if !errors.As(err, &full) || full.Dir != dir || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want a *FullError of %s", err, dir)
	}
	wantNoBytes(t, filepath.Join(dir, ".partial"))
	if _, found, err := store.Get(sumOf(small)); !found || err != nil {
		t.Errorf("the other item: %v %v", found, err)
	}
}

// wantNoBytes asserts that no file under dir holds a byte.
func wantNoBytes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err == nil && st.Mode().IsRegular() && st.Size() > 0 {
			t.Errorf("%s has %d bytes", path, st.Size())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
