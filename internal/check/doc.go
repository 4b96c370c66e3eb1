// Package check answers which fixes a release needs, and on which platform.
//
// What a recipe says of versions is a claim, which can be wrong from the beginning, or
// become so. The answer comes from the release itself, from the strongest source that
// is at hand: an unpacked tree, the release's archive, the upstream's repository. Each
// patch is put in and taken out in memory, with all of its context, and that is the
// verdict; see package patch. Where the release has changed too much for that, the
// upstream's history is asked for a twin of the patch. Only when nothing is at hand is
// the claim the answer, and is called so.
//
//	c := check.Checker{Recipe: r, Platform: here, Patch: get, History: history}
//	release, err := c.Ask(ctx, v, &check.Content{Source: t, From: check.From{Kind: check.Tree, Name: dir}})
//	…
//	for _, a := range release.Fixes {
//		fmt.Println(a.Fix, a.Verdict, a.Why, a.Needed)
//	}
//
// Sum puts the answers for many releases together, and Identify says of which package a
// tree is.
//
// This package reads; it fetches nothing and changes nothing.
package check
