// Package verify proves what recipes claim.
//
// A recipe says of a release what its archive is; of a fix, which releases need it, that its
// patch fits them, which error it cures. Each of these claims is a [Cell]: of a package, a
// release or a fix, on a platform, at one of four levels, of which each rests on those before.
//
//	lint     the recipe is well made
//	fetch    the archive can be had, and is what the checksum says; so is a patch from a URL
//	verdict  the release says of the patch what the recipe does
//	build    without the fix the build is red, by the error that the fix cures; with it, green
//
// All cells of a collection are its [Matrix]. A cell is a value: its key is made of everything
// that can change what becomes of it, the toolchain too, so that what is known of a key in the
// [Store] is known, on any machine that has it. The store keeps the logs of builds as well: a
// signature that has changed is held against them, and nothing is built again.
//
//	m, err := v.Plan(ctx, verify.Selection{Level: event.LevelBuild})
//	…
//	results, err := v.Run(ctx, m)
//
// A build that is red is a result, and is kept. That one could not be carried out, since the
// disk is full or it was killed, is not: the cell has failed, and is tried again the next time.
//
// Who carries out a build is an [Engine]. What it gets, an [Action], is all that there is to
// know: the plan, the texts of patches, the identity of the toolchain. It returns a value and
// files, and has no effect elsewhere. The one that there is uses this machine.
package verify
