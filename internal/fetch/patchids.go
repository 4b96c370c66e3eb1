package fetch

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"srcmend/internal/distfile"
	"srcmend/internal/patch"
)

// PatchIDs is the identity of a patch: git's stable patch-id of each of its
// mails, 40 hex digits, in order. The bytes that a server sends for the same
// patch change over the years, in index lines and signatures; what the patch
// does is what counts.
type PatchIDs []string

// Key implements [distfile.Identity]: "patch-id/" and a hash of the ids.
func (ids PatchIDs) Key() string {
	return fmt.Sprintf("patch-id/%x", sha256.Sum256([]byte(strings.Join(ids, "\n"))))
}

// Check implements [distfile.Identity].
func (ids PatchIDs) Check(r io.Reader) error {
	var got PatchIDs
	err, broken := checkContent(r, func(r io.Reader) error {
		p, err := patch.Parse(r)
		if err == nil {
			got = p.IDs()
		}
		return err
	})
	switch {
	case broken != nil:
		return broken
	case err != nil:
		return &distfile.MismatchError{Want: ids.String(), Got: "no patch (" + oneLine(err.Error(), 200) + ")"}
	case !slices.Equal(got, ids):
		return &distfile.MismatchError{Want: ids.String(), Got: got.String()}
	}
	return nil
}

// String lists the ids.
func (ids PatchIDs) String() string { return "patch-id " + strings.Join(ids, " ") }
