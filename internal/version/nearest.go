package version

import (
	"cmp"
	"slices"
)

// Nearest picks up to n of the known versions for a message that says want is
// unknown, the nearest first. The known versions are of one scheme.
//
// When want is a version of that scheme, near means near in order: its equals
// first, then the neighbour that shares more of its leading numbers, and of two
// alike the earlier one. When it is not, near means spelt alike: the fewest
// letters to insert, delete or replace. known is left as it is.
func Nearest(want string, known []Version, n int) []Version {
	if n <= 0 || len(known) == 0 {
		return nil
	}
	sorted := slices.Clone(known)
	slices.SortStableFunc(sorted, Version.Compare)
	n = min(n, len(sorted))
	w, err := Parse(sorted[0].scheme, want)
	if err != nil {
		return bySpelling(want, sorted)[:n]
	}
	hi, _ := slices.BinarySearchFunc(sorted, w, Version.Compare)
	lo := hi - 1
	near := make([]Version, 0, n)
	for len(near) < n {
		if hi < len(sorted) && (lo < 0 || sorted[hi].Compare(w) == 0 || shared(sorted[hi], w) > shared(sorted[lo], w)) {
			near = append(near, sorted[hi])
			hi++
		} else {
			near = append(near, sorted[lo])
			lo--
		}
	}
	return near
}

// shared is how many leading components v and w have in common.
func shared(v, w Version) int {
	i := 0
	for i < len(v.segments) && i < len(w.segments) && v.segments[i] == w.segments[i] {
		i++
	}
	return i
}

// bySpelling orders versions by their distance from want.
func bySpelling(want string, known []Version) []Version {
	want = clip(want)
	distances := make(map[string]int, len(known))
	for _, v := range known {
		distances[v.text] = distance(want, v.text)
	}
	slices.SortStableFunc(known, func(v, w Version) int {
		return cmp.Compare(distances[v.text], distances[w.text])
	})
	return known
}

// distance is how many bytes must be inserted, deleted or replaced to turn a
// into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
