package tree

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// reopen opens a tree once more.
func reopen(t *testing.T, tree *Tree) *Tree {
	t.Helper()
	other, err := open(tree.Dir(), time.Millisecond)
	check(t, err)
	t.Cleanup(func() { check(t, other.Close()) })
	return other
}

// briefly is a context that ends while a lock is waited for.
func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestLock(t *testing.T) {
	tree := makeTree(t, "a: 1")
	before := state(t, tree.Dir(), true)
	unlock, err := tree.Lock(t.Context())
	check(t, err)
	other := reopen(t, tree)
	if _, err := other.Lock(briefly(t)); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another process changes") {
		t.Errorf("a locked tree is locked by another: %v", err)
	}
	if err := planOps(other, "a: 2").Commit(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a locked tree is changed by another: %v", err)
	}
	same(t, "while it is locked", before, state(t, tree.Dir(), true))
	check(t, planOps(tree, "a: 3").Commit())
	if _, err := other.Lock(briefly(t)); err == nil {
		t.Error("Commit has unlocked the tree")
	}
	unlock()
	unlock()
	check(t, planOps(other, "a: 4").Commit())
}

func TestLockTwice(t *testing.T) {
	tree := makeTree(t)
	other := reopen(t, tree)
	first, err := tree.Lock(t.Context())
	check(t, err)
	second, err := tree.Lock(t.Context())
	check(t, err)
	first()
	if _, err := other.Lock(briefly(t)); err == nil {
		t.Error("one of two unlocks was enough")
	}
	second()
	third, err := other.Lock(t.Context())
	check(t, err)
	third()
}

// TestLockIsWaitedFor: whoever waits gets the lock when it is free.
func TestLockIsWaitedFor(t *testing.T) {
	tree := makeTree(t)
	other := reopen(t, tree)
	unlock, err := tree.Lock(t.Context())
	check(t, err)
	got := make(chan error)
	go func() {
		done, err := other.Lock(t.Context())
		if err == nil {
			done()
		}
		got <- err
	}()
	time.Sleep(3 * time.Millisecond)
	unlock()
	check(t, <-got)
}

// TestLockOfAnotherProcess: it holds as long as the process lives, and no longer.
func TestLockOfAnotherProcess(t *testing.T) {
	tree := makeTree(t, "a: 1")
	tree.patience = time.Millisecond
	child, lines, _ := startChild(t, "lock", tree.Dir())
	if !lines.Scan() || lines.Text() != "done" {
		t.Fatalf("the child says %q", lines.Text())
	}
	if err := planOps(tree, "a: 2").Commit(); err == nil || !strings.Contains(err.Error(), tree.Dir()) {
		t.Errorf("a tree that another process has locked is changed: %v", err)
	}
	check(t, child.Process.Kill())
	_ = child.Wait()
	check(t, planOps(tree, "a: 2").Commit())
}

// TestLivingEdit: leftovers of somebody who is at work are no leftovers.
func TestLivingEdit(t *testing.T) {
	tree := makeTree(t, "a: 1")
	unlock, err := tree.Lock(t.Context())
	check(t, err)
	check(t, tree.top.mkdir(stageName, 0o700))
	before := state(t, tree.Dir(), true)
	other, err := open(tree.Dir(), time.Millisecond)
	check(t, err)
	defer other.Close()
	same(t, "while it is being changed", before, state(t, tree.Dir(), true))
	if _, err := other.Lock(expired(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a tree that is being changed is locked: %v", err)
	}
	same(t, "while it is being changed", before, state(t, tree.Dir(), true))
	unlock() // and dies
	done, err := other.Lock(t.Context())
	check(t, err)
	done()
	if there, err := other.leftovers(); there || err != nil {
		t.Errorf("leftovers are there after a lock: %t, %v", there, err)
	}
}

// expired is a context that will not wait.
func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	t.Cleanup(cancel)
	return ctx
}

// TestLeftoversAreFoundLate: the process that held the lock has died since Open.
func TestLeftoversAreFoundLate(t *testing.T) {
	goal := after(t, 0)
	tree := makeTheTree(t, 0)
	late := reopen(t, tree)
	dieAt(tree, 35, false)
	if err := theEdit(tree, 0).Commit(); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	if there, err := late.leftovers(); !there || err != nil {
		t.Fatalf("there are no leftovers: %v", err)
	}
	check(t, theEdit(late, 0).Commit())
	same(t, "after the second edit", goal, whole(t, tree.Dir()))
}

// TestReadOnly: leftovers in a tree that cannot be written.
func TestReadOnly(t *testing.T) {
	tree := makeTheTree(t, 0)
	dieAt(tree, 35, false)
	_ = theEdit(tree, 0).Commit()
	before := state(t, tree.Dir(), true)
	tree.hook = func(string, string) error { return syscall.EROFS }
	err := tree.mend()
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), filepath.Join(tree.Dir(), stageName)) {
		t.Errorf("a tree that cannot be mended is opened: %v", err)
	}
	same(t, "read-only", before, state(t, tree.Dir(), true))
}

// TestLockless: without locks, nobody knows whether leftovers are any.
func TestLockless(t *testing.T) {
	for err, want := range map[error]bool{unix.EOPNOTSUPP: true, unix.EBADF: true, unix.ENOLCK: true, unix.EWOULDBLOCK: false, unix.EIO: false} {
		if lockless(err) != want {
			t.Errorf("%v", err)
		}
	}
	tree := makeTree(t, "a: 1")
	check(t, os.Mkdir(filepath.Join(tree.Dir(), stageName), 0o700))
	tree.locks, tree.lockless = 1, true
	if err := tree.recover(); err == nil || !strings.Contains(err.Error(), "no locks") {
		t.Errorf("leftovers of somebody who may be alive: %v", err)
	}
}

func TestClosed(t *testing.T) {
	tree := makeTree(t, "a: 1")
	check(t, tree.Close())
	if _, err := tree.Read("a"); err == nil {
		t.Error("a closed tree is read")
	}
	if err := planOps(tree, "a: 2").Commit(); err == nil {
		t.Error("a closed tree is changed")
	}
	if data, err := os.ReadFile(filepath.Join(tree.Dir(), "a")); string(data) != "1" || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a is %q, %v", data, err)
	}
}
