package patch

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"

	"srcmend/internal/tree"
)

// A binary is a binary change of git's.
type binary struct {
	forward, reverse *gitdiff.BinaryFragment // reverse may be nil
	oldID, newID     string                  // full object ids
}

// binary takes the lines of a binary change: one or two pieces, each ended by an
// empty line.
func (s *scanner) binary(sec *section) {
	sec.data = append(sec.data, s.line(0))
	s.at++
	for range 2 {
		if !strings.HasPrefix(s.line(0), "literal ") && !strings.HasPrefix(s.line(0), "delta ") {
			return
		}
		for strings.TrimSpace(s.line(0)) != "" {
			sec.data = append(sec.data, strings.TrimRight(s.line(0), "\r\n")+"\n")
			s.at++
		}
		sec.data = append(sec.data, "\n")
		s.at++
	}
}

// readBinary gives the pieces of a binary change as go-gitdiff reads them.
func (sec *section) readBinary() (*binary, error) {
	h := sec.header
	if !isObjectID(h.oldID) || !isObjectID(h.newID) {
		return nil, syntaxError(sec.line, "a binary change without the full names of both contents; make it again with git diff --binary --full-index")
	}
	text := "diff --git a/x b/x\nindex " + h.oldID + ".." + h.newID + "\n" + strings.Join(sec.data, "")
	files, _, err := gitdiff.Parse(strings.NewReader(text))
	if err != nil {
		return nil, syntaxError(sec.line, "in the binary change that begins here: %v", err)
	}
	if len(files) != 1 || files[0].BinaryFragment == nil {
		return nil, syntaxError(sec.line, "a binary change without data")
	}
	b := &binary{forward: files[0].BinaryFragment, reverse: files[0].ReverseBinaryFragment, oldID: h.oldID, newID: h.newID}
	for _, fragment := range []*gitdiff.BinaryFragment{b.forward, b.reverse} {
		if fragment != nil && fragment.Size > tree.MaxFile {
			return nil, syntaxError(sec.line, "a binary change of %d bytes; the largest taken has %d", fragment.Size, tree.MaxFile)
		}
	}
	return b, nil
}

// apply gives the content after a binary change. The contents before and after
// are held against their names.
func (b *binary) apply(name, text string) (string, error) {
	if !b.isContent(b.oldID, text) {
		return "", refuse(name, "its content is not the one that the binary change was made from")
	}
	if b.forward == nil {
		return "", refuse(name, "the binary change has no data for this direction")
	}
	var out bytes.Buffer
	file := &gitdiff.File{IsBinary: true, BinaryFragment: b.forward}
	if err := gitdiff.Apply(&out, strings.NewReader(text), file, gitdiff.WithMaxBinaryFragmentBytes(tree.MaxFile)); err != nil {
		return "", fmt.Errorf("%w: the binary change of %s: %w", ErrFormat, name, err)
	}
	if !b.isContent(b.newID, out.String()) {
		return "", fmt.Errorf("%w: the binary change of %s does not give the content it names", ErrFormat, name)
	}
	return out.String(), nil
}

// isContent reports whether id names the text, as git names contents. Zeros are
// the name of no file.
func (b *binary) isContent(id, text string) bool {
	if strings.Trim(id, "0") == "" {
		return text == ""
	}
	var h hash.Hash = sha1.New()
	if len(id) == hex.EncodedLen(sha256.Size) {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00%s", len(text), text)
	return hex.EncodeToString(h.Sum(nil)) == id
}
