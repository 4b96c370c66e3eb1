package check

import (
	"fmt"
	"slices"
	"strings"

	"srcmend/internal/patch"
)

// A Range is a run of versions that need a fix: from the one that introduced the need up
// to, and without, the one in which it is fixed. The words are those of the OSV format,
// where "0" is before all versions.
type Range struct {
	Introduced string `json:"introduced"`
	Fixed      string `json:"fixed,omitempty"` // "" if the newest version needs it
}

// A Summary is what many releases say of one fix.
type Summary struct {
	Fix     string   `json:"fix"`
	Ranges  []Range  `json:"ranges"`
	Affects string   `json:"affects"` // the ranges as a recipe says them; "" for none
	Needed  []string `json:"needed"`  // the versions that need it
	// Wrong lists the versions of which the recipe claims something else.
	Wrong []string `json:"wrong,omitempty"`
	// Unknown lists the versions of which only the claim is known, or which the patch
	// fits neither way.
	Unknown []string `json:"unknown,omitempty"`
}

// Sum puts together what releases say of one fix. They come in the order of their
// versions. Of those that can't tell, the claim is taken.
func Sum(releases []Release, fix string) Summary {
	s := Summary{Fix: fix, Ranges: []Range{}, Needed: []string{}}
	open, first := false, ""
	for _, r := range releases {
		i := slices.IndexFunc(r.Fixes, func(a Answer) bool { return a.Fix == fix })
		if i < 0 || r.Version == "" {
			continue
		}
		a := r.Fixes[i]
		needed := a.Verdict == patch.Needed
		if !settled(a.Verdict) || a.Gone {
			s.Unknown = append(s.Unknown, r.Version)
			needed = a.Claimed
		}
		if a.Disagrees {
			s.Wrong = append(s.Wrong, r.Version)
		}
		switch {
		case needed && !open && first == "":
			s.Ranges = append(s.Ranges, Range{Introduced: "0"})
		case needed && !open:
			s.Ranges = append(s.Ranges, Range{Introduced: r.Version})
		case !needed && open:
			s.Ranges[len(s.Ranges)-1].Fixed = r.Version
		}
		if needed {
			s.Needed = append(s.Needed, r.Version)
		}
		if open = needed; first == "" {
			first = r.Version
		}
	}
	s.Affects = affects(s.Ranges, first)
	return s
}

// affects writes ranges as a recipe does; first is the first version that is known.
func affects(ranges []Range, first string) string {
	var all []string
	for _, r := range ranges {
		switch {
		case r.Introduced == "0" && r.Fixed != "":
			all = append(all, "< "+r.Fixed)
		case r.Introduced == "0":
			all = append(all, ">= "+first)
		case r.Fixed == "":
			all = append(all, ">= "+r.Introduced)
		default:
			all = append(all, fmt.Sprintf(">= %s, < %s", r.Introduced, r.Fixed))
		}
	}
	return strings.Join(all, " || ")
}
