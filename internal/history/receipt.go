package history

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// A Receipt says what was built and installed under a prefix. It lies beside
// the result. It holds no times and no paths of the build, so that the same
// plan gives the same receipt.
type Receipt struct {
	Schema   int               `json:"schema"` // 1
	Package  string            `json:"package"`
	Release  string            `json:"release"`
	Plan     string            `json:"plan"` // hash
	Prefix   string            `json:"prefix"`
	Archive  string            `json:"archive"`
	SHA256   string            `json:"sha256,omitempty"`
	Commit   string            `json:"commit,omitempty"`
	Platform any               `json:"platform"`
	Tools    map[string]string `json:"tools"`
	Fixes    []ReceiptFix      `json:"fixes,omitempty"`
	Commands [][]string        `json:"commands"`
	Env      []string          `json:"env,omitempty"` // of the user's, KEY=value
	Files    []File            `json:"files"`
}

// A ReceiptFix is a fix that the plan took, and what the tree said.
type ReceiptFix struct {
	ID      string `json:"id"`
	Verdict string `json:"verdict,omitempty"`
	Applied bool   `json:"applied"`
	SHA256  string `json:"sha256,omitempty"` // of the patch
}

// A File is one installed file, symbolic link or empty folder.
type File struct {
	Path   string `json:"path"` // below the prefix, with slashes
	Mode   string `json:"mode"` // "0755" of a file; "link"; "folder"
	SHA256 string `json:"sha256,omitempty"`
	Target string `json:"target,omitempty"` // of a link
	// Kept says that the user's changed file was left in its place; the one
	// described here lies beside it.
	Kept bool `json:"kept,omitempty"`
}

// What [File.Mode] is for what is not a file.
const (
	Link   = "link"
	Folder = "folder"
)

// ReceiptPath is where the receipt of a package lies; root is what the prefix
// is below, DESTDIR or "/".
func ReceiptPath(root, prefix, pkg string) string {
	return filepath.Join(root, prefix, ReceiptDir, pkg+".json")
}

// ReceiptDir is the folder of receipts below the prefix.
const ReceiptDir = "share/srcmend"

// ReadReceipt reads a receipt. The error wraps fs.ErrNotExist when there is
// none.
func ReadReceipt(path string) (Receipt, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Receipt{}, err
	}
	var r Receipt
	if err := json.Unmarshal(text, &r); err != nil {
		return Receipt{}, fmt.Errorf("%s is not a receipt: %w", path, err)
	}
	return r, nil
}

// Write puts the receipt at path, whole or not at all.
func (r Receipt) Write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(path, append(text, '\n'), 0o644, renameio.IgnoreUmask())
}

// Check compares what is installed under root with the receipt and returns
// the paths of the files that are missing and of those that were changed. A
// file that was kept may be anything.
func (r Receipt) Check(root string) (missing, changed []string, err error) {
	for _, want := range r.Files {
		is, err := Describe(filepath.Join(root, r.Prefix), want.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, want.Path)
		case err != nil:
			return nil, nil, err
		case is != want && !want.Kept:
			changed = append(changed, want.Path)
		}
	}
	return missing, changed, nil
}

// Describe returns the File at a path below the folder dir.
func Describe(dir, path string) (File, error) {
	full := filepath.Join(dir, filepath.FromSlash(path))
	info, err := os.Lstat(full)
	if err != nil {
		return File{}, err
	}
	f := File{Path: path}
	if info.Mode()&fs.ModeSymlink != 0 {
		f.Mode = Link
		f.Target, err = os.Readlink(full)
		return f, err
	}
	if info.IsDir() {
		f.Mode = Folder
		return f, nil
	}
	if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("%s is neither a file nor a symbolic link", full)
	}
	f.Mode = ModeText(info.Mode())
	f.SHA256, err = sum(full)
	return f, err
}

// ModeText is a file's permissions as chmod takes them, set-id bits included.
func ModeText(m fs.FileMode) string {
	bits := uint32(m.Perm())
	for _, b := range []struct {
		mode fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&b.mode != 0 {
			bits |= b.bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}

func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
