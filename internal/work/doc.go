// Package work carries out one plan, once.
//
// The work folder holds all of it until it is done:
//
//	dovecot-2.3.4.lock   whoever works here holds it
//	dovecot-2.3.4/
//	  state.json         how far the plan has come
//	  source/            the unpacked, patched tree
//	  stage/             what install wrote
//	  unmended/          the same without what has mended it, while its tests are run
//	  tmp/               TMPDIR and HOME of the commands
//	  status/            how each command ended
//
// Steps go in order: fetch, unpack, patch, the recipe's commands, install.
// Each is either done, and recorded as done, or not done: the source tree
// appears whole by a rename, patches are applied all or none, install stages
// into a folder and only then puts file after file in place.
//
//	w := work.Work{Plan: p, Dir: dir, Fetcher: f, …}
//	res, err := w.Run(ctx)
//	// err: srcmend failed. res.Outcome Red: the build did, res.Red says why.
//
// Killed at any moment and started again, it goes on where that is safe:
// make is resumed in the same tree when its processes ended in good order.
// When they did not, or the machine went down meanwhile, files may be half
// written and the tree is unpacked anew. A plan that differs from the one in
// the folder starts anew as well.
//
// A trial ([Work.Trial]) has no state.json and no status: whatever became of it, the folder and its
// lock are gone afterwards, and only the logs and the [Result] stay.
//
// It does not decide anything about the plan, and it does not mend by itself: a
// red step ends the work and leaves the tree as it is, unless who was asked to
// mend it says that its command is to be run on.
package work
