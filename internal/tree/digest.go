package tree

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// Digest is a fingerprint of the tree, 64 hexadecimal digits. Two trees have the
// same one when they have the same files and links, by name, content or target,
// and the owner-execute bit. Times, other permissions, owners and empty
// folders do not count, nor does anything called ".git" in any letter case.
// Sockets, pipes and devices count by name and kind; they are not opened.
func (t *Tree) Digest() (string, error) {
	names, err := t.names()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, name := range names {
		if err := t.digestOne(h, name); err != nil {
			return "", fmt.Errorf("fingerprint of %s: %s: %w", t.dir, name, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// names lists everything in the tree that is no folder, sorted by bytes.
func (t *Tree) names() ([]string, error) {
	var names []string
	err := fs.WalkDir(t.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.EqualFold(d.Name(), ".git") && d.IsDir():
			return fs.SkipDir
		case d.IsDir() || strings.EqualFold(d.Name(), ".git"):
			return nil
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fingerprint of %s: %w", t.dir, err)
	}
	slices.Sort(names)
	return names, nil
}

// digestOne adds one file to the fingerprint. Lengths stand before texts, and
// contents are hashed by themselves, so that no two lists of files give the
// same bytes.
func (t *Tree) digestOne(h hash.Hash, name string) error {
	info, err := t.root.Lstat(name)
	if err != nil {
		return err
	}
	kind := "file"
	content := sha256.New()
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		kind = "link"
		target, err := t.root.Readlink(name)
		if err != nil {
			return err
		}
		_, _ = io.WriteString(content, target)
	case !mode.IsRegular():
		kind = mode.Type().String()
	default:
		if mode&0o100 != 0 {
			kind = "exec"
		}
		if info.Size() == 0 {
			break // there may be no permission to read it, and no need
		}
		f, err := t.root.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(content, f)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	for _, text := range []string{kind, name, string(content.Sum(nil))} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(text)))
		_, _ = io.WriteString(h, text)
	}
	return nil
}
