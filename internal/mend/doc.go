// Package mend makes a failed build go on, in the same tree.
//
// It is handed what failed, and its log:
//
//	m := mend.Mender{Top: "server-1.0", Keep: keep, Catalogue: cat, …}
//	res, err := m.Mend(ctx, mend.Failure{Argv: argv, Dir: "server-1.0", Env: env, Log: "make.log"})
//	if res.Mended {
//		argv, env = mend.With(res.Changes, argv, env) // and the build is run on
//	}
//
// # The loop
//
// First a snapshot of the tree is taken. Then what could not be made is made again, alone and
// unchanged: where that does well, other jobs were in its way, and nothing needs mending;
// where it does not, its own log says why, without what other jobs said. The remedies that are
// known for this error are tried one after the other: first the fixes of the package's recipe,
// then what the catalogue says, in its order. An attempt begins with the tree as it was. It is
// right if the very thing is made that could not be made; another error in its place is a step
// on the way, if that has a remedy in its turn, and else no success. What an attempt has done,
// but for the remedy itself, is undone; if none is right, all of it.
//
// A source that is corrected, and shows another error, is corrected to the end before flags
// that only quiet the compiler are tried. When all of that was in vain, upstream's history is
// asked, where somebody has said how ([Mender.Hunt]).
//
// Where a change can only show when more is made anew, because a header was changed that no
// rule knows of or because of flags of the compiler, what the error names is removed first,
// and at last all that was made.
//
// # Being killed
//
// The snapshot lies outside of the tree, and is dropped when the tree is as it should be. Who
// begins later calls [Mender.Recover], which puts back what a killed one has left.
//
// # What it does not do
//
// It does not change files outside of the tree and the folder that is built in, nor the
// machine: what has to be installed is only said. It does not know what a remedy does to a
// program that compiles: it tells by [Mender.Past] what was done, and whoever runs the
// package's own tests can say so.
package mend
