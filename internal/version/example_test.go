package version_test

import (
	"fmt"

	"srcmend/internal/version"
)

// A recipe says which versions a fix is for; the engine asks whether the one at
// hand is among them.
func Example() {
	affects, err := version.ParseRange(version.Dotted, ">= 2.3.4, < 2.3.5")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range []string{"2.3.3", "2.3.4", "2.3.4.1", "2.3.5"} {
		v, err := version.Parse(version.Dotted, s)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(v, v.Segment(0)+"."+v.Segment(1), affects.Contains(v))
	}

	_, err = version.Parse(version.Dotted, "3.3a")
	fmt.Println(err)
	// Output:
	// 2.3.3 2.3 false
	// 2.3.4 2.3 true
	// 2.3.4.1 2.3 true
	// 2.3.5 2.3 false
	// version "3.3a": suffix "a" means nothing in scheme dotted; scheme letter orders letter suffixes
}
