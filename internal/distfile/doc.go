// Package distfile is the checksummed store of archives and patches that all
// srcmend processes of a user share.
//
// A distfile, as FreeBSD's ports call it, is a file somebody else published: a
// release's archive, or a patch. It is worth something only when it is the
// right one, and what makes it the right one is an [Identity]: the sha256 of a
// tarball ([Sum]), and for other packages to define, the patch-ids of a patch
// or the commit a tree was taken from. The identity is the key. The file's
// name is remembered for people and says nothing about the content, and where
// the file came from does not matter at all.
//
// # What is on the disk
//
//	STORE/sha256/<64 hex digits>/foo-1.2.tar.gz   the file, read-only
//	STORE/sha256/<64 hex digits>/distinfo         its sum and size
//	STORE/.partial/sha256/<64 hex digits>/data    a download that is under way
//	STORE/.lock/sha256/<64 hex digits>            who is at work on it
//	STORE/.damaged/sha256/<64 hex digits>/…       what was found to be damaged
//
// The distinfo file has the form that FreeBSD's ports use, so that it can be
// read and checked without srcmend:
//
//	SHA256 (foo-1.2.tar.gz) = 6a0f…
//	SIZE (foo-1.2.tar.gz) = 7790851
//
// # What holds
//
//   - An item is in the store whole or not at all. It is collected in the
//     .partial folder, checked, flushed to the disk and moved into place with
//     one rename of its folder. A process that is killed at any moment leaves
//     at most a partial, and the next one goes on from there.
//   - [Store.Get] reads the whole file and compares it with its distinfo and
//     its identity each time. What does not fit is moved aside and counts as
//     not there.
//   - One process at a time works on one identity. [Store.Begin] waits for the
//     lock and looks again after it got it, so that two processes that want
//     the same file download it once. The lock is flock(2)'s: it goes with the
//     process that held it. Lock files are never removed, since removing one
//     that another process is about to lock would give the lock to both.
//   - No item is larger than [Store.Limit]. When the disk is full the partial
//     is removed to give the room back, and the error is a [*FullError].
//
// # What it does not do
//
// It opens no connection and knows no URL: that is package fetch. It unpacks
// nothing. It removes no item by itself: the folder of an item may be deleted
// at any time with rm -r, and so may the whole store while no srcmend runs.
// It does not defend the store against its own user, nor against a filesystem
// that lies about flock or rename.
//
// # Example
//
// Somebody wants a file, and has found bytes for it:
//
//	store, err := distfile.Open(dir)
//	…
//	sum, err := distfile.ParseSum("b8873e2c…")
//	…
//	item, found, err := store.Get(sum)
//	if err != nil || found {
//		return item, err
//	}
//	partial, err := store.Begin(ctx, sum, "foo-1.2.tar.gz")
//	var stored *distfile.StoredError
//	if errors.As(err, &stored) {
//		return stored.Item, nil // another process was faster
//	}
//	…
//	defer partial.Close() // what is not committed stays, to be resumed
//	_, err = io.Copy(partial, bytesFrom(partial.Size()))
//	…
//	return partial.Commit()
package distfile
