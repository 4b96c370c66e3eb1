package archive

import (
	"fmt"
	"strings"

	"srcmend/internal/tree"
)

// A top finds out whether a release has everything in one folder, which is left
// out then.
type top struct {
	name    string // the first component of all names so far
	several bool   // names differ in it, or it is not a folder
	outward string // a link that leads out of the folder, though not out of the archive
}

// note takes one more entry into account.
func (t *top) note(e entry) {
	first, below, isBelow := strings.Cut(e.name, "/")
	if t.name == "" {
		t.name = first
	}
	t.several = t.several || first != t.name || !isBelow && e.kind != folder
	if e.kind == symlink && isBelow && t.outward == "" && tree.CheckLink(below, e.link) != nil {
		t.outward = e.name
	}
}

// leave says which folder is left out, "" for none, when all entries were noted.
func (t *top) leave() (string, error) {
	if t.several {
		return "", nil
	}
	if t.outward != "" {
		return "", fmt.Errorf("%w: the link %s leads out of the folder %s, which is to become the source tree", ErrUnsafe, quote(t.outward), quote(t.name))
	}
	return t.name, nil
}
