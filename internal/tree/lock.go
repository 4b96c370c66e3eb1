package tree

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lockWait is how long Commit waits for another process to be done.
const lockWait = 10 * time.Second

// Lock holds off everybody else who locks this tree, in this process by another
// Tree or in another one, until unlock is called, and clears away what an edit
// that was cut short has left. It waits until ctx ends; the error wraps the
// cause of that. A Tree that has the lock gets it once more without waiting.
//
// The lock is advisory and leaves nothing behind: it ends with the process at
// the latest. On a file system that has no locks for folders, as NFS, Lock holds
// off nobody, and leftovers are not cleared away, since who made them may be
// alive.
func (t *Tree) Lock(ctx context.Context) (unlock func(), err error) {
	if t.locks == 0 {
		if err := t.flock(ctx); err != nil {
			return nil, err
		}
	}
	t.locks++
	unlock = sync.OnceFunc(t.unlock)
	if err := t.recover(); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

func (t *Tree) unlock() {
	if t.locks--; t.locks == 0 {
		_ = unix.Flock(t.top.fd, unix.LOCK_UN)
	}
}

// flock takes the system's lock on the tree's folder. There is no way to wait
// for it and for ctx at once, so it asks again and again.
func (t *Tree) flock(ctx context.Context) error {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		if busy, err := t.tryLock(); !busy {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another process changes the source tree %s; try again when it is done (%w)", t.dir, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// tryLock takes the system's lock, unless somebody else has it.
func (t *Tree) tryLock() (busy bool, err error) {
	err = again(func() error { return unix.Flock(t.top.fd, unix.LOCK_EX|unix.LOCK_NB) })
	switch {
	case err == nil || lockless(err):
		t.lockless = err != nil
		return false, nil
	case err == unix.EWOULDBLOCK:
		return true, nil
	}
	return false, fmt.Errorf("source tree %s cannot be locked: %w", t.dir, err)
}

// lockless tells the errors of file systems that cannot lock an open folder.
func lockless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || err == unix.EBADF || err == unix.ENOLCK
}

// lockBriefly is Lock for those who have no context.
func (t *Tree) lockBriefly() (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), t.patience)
	defer cancel()
	return t.Lock(ctx)
}
