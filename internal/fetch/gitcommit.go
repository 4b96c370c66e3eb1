package fetch

import (
	"archive/tar"
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"srcmend/internal/distfile"
)

const (
	// maxEntries and maxDepth bound a tree, in files and folders, and in
	// folders inside folders. The largest public ones have some 500,000
	// files.
	maxEntries = 1 << 21
	maxDepth   = 128
	// maxCommit bounds a commit object, in bytes. Readers of tar refuse a
	// header that is larger.
	maxCommit = 1 << 19
)

// A GitCommit is the identity of a tar that holds the tree of a git commit.
//
// The tar is what [Fetcher.Get] makes for a [Git] source, and has the same
// bytes whoever makes it: the entries come in git's order below one top
// folder, owned by nobody, with the modes 0644 and 0755 and the time of the
// commit. In front stand two comments (pax global headers): the commit's id,
// where git get-tar-commit-id looks for it, and the commit object itself. That
// is why the tar can be checked without the repository: the commit object has
// the id, it names the hash of the tree, and the entries have this hash.
//
// It is comparable. The time, owner and top folder of the entries are not part
// of the identity.
type GitCommit [20]byte

// ParseGitCommit reads a commit's full id, 40 lower-case hex digits.
func ParseGitCommit(s string) (GitCommit, error) {
	var c GitCommit
	if len(s) != 2*len(c) {
		return GitCommit{}, fmt.Errorf("git commit %s: has %d characters, must have all 40 hex digits", oneLine(fmt.Sprintf("%q", s), 72), len(s))
	}
	if _, err := hex.Decode(c[:], []byte(s)); err != nil || strings.ToLower(s) != s {
		return GitCommit{}, fmt.Errorf("git commit %q: has a character that is no lower-case hex digit", s)
	}
	return c, nil
}

// String returns the 40 hex digits.
func (c GitCommit) String() string { return hex.EncodeToString(c[:]) }

// Key implements [distfile.Identity]: "git/" and the hex digits.
func (c GitCommit) Key() string { return "git/" + c.String() }

// Check implements [distfile.Identity].
func (c GitCommit) Check(r io.Reader) error {
	err, broken := checkContent(r, c.check)
	if broken != nil || err == nil {
		return broken
	}
	return &distfile.MismatchError{Want: "the tree of git commit " + c.String(), Got: err.Error()}
}

// checkContent runs check on r and tells its error apart from one of r's own:
// what cannot be read says nothing about the content.
func checkContent(r io.Reader, check func(io.Reader) error) (err, broken error) {
	err = check(readerFunc(func(b []byte) (int, error) {
		n, err := r.Read(b)
		if err != nil && err != io.EOF {
			broken = err
		}
		return n, err
	}))
	return err, broken
}

// check returns what is wrong with a tar, in words that follow "got".
func (c GitCommit) check(r io.Reader) error {
	archive := tar.NewReader(r)
	object, err := commitObject(archive)
	if err != nil {
		return err
	}
	if got := plumbing.ComputeHash(plumbing.CommitObject, []byte(object)); GitCommit(got) != c {
		return fmt.Errorf("that of commit %s", got)
	}
	line, _, _ := strings.Cut(object, "\n")
	want, ok := strings.CutPrefix(line, "tree ")
	if !ok {
		return errors.New("a commit without a tree")
	}
	root := &folder{}
	if err := root.addAll(archive); err != nil {
		return err
	}
	if got := root.hash(); got.String() != want {
		return fmt.Errorf("files with the tree hash %s, the commit's is %s", got, want)
	}
	return onlyZeros(r)
}

// commitObject reads the two comments at the beginning of the tar and returns
// the second, the commit object.
func commitObject(archive *tar.Reader) (string, error) {
	var object string
	for range 2 {
		h, err := archive.Next()
		if err != nil || h.Typeflag != tar.TypeXGlobalHeader {
			return "", errors.New("no tar that srcmend made from git")
		}
		object = h.PAXRecords["comment"]
	}
	return object, nil
}

// onlyZeros makes sure that nothing stands behind the end of the tar.
func onlyZeros(r io.Reader) error {
	buf := make([]byte, 4<<10)
	for {
		n, err := r.Read(buf)
		if slices.ContainsFunc(buf[:n], func(b byte) bool { return b != 0 }) {
			return errors.New("something more behind the end of the tar")
		}
		if err != nil {
			return nil
		}
	}
}

// A folder is a tree object in the making. The keys of both maps together are
// its entries' names.
type folder struct {
	files   map[string]gitFile
	folders map[string]*folder
}

// A gitFile is what an entry of a tree object points to.
type gitFile struct {
	mode filemode.FileMode
	hash plumbing.Hash
}

// A treeEntry is an entry of a tree object.
type treeEntry struct {
	name string
	gitFile
}

// appendTo appends the entry in the form of tree objects.
func (e treeEntry) appendTo(object []byte) []byte {
	object = fmt.Appendf(object, "%o %s\x00", uint32(e.mode), e.name)
	return append(object, e.hash[:]...)
}

// parseTree reads the content of a tree object. Only what is in the very form
// that appendTo writes is taken, as another form has another hash.
func parseTree(raw []byte) ([]treeEntry, error) {
	var entries []treeEntry
	for len(raw) > 0 {
		head, rest, ok := bytes.Cut(raw, []byte{0})
		mode, name, ok2 := strings.Cut(string(head), " ")
		bits, err := strconv.ParseUint(mode, 8, 32)
		if !ok || !ok2 || err != nil || len(rest) < 20 {
			return nil, fmt.Errorf("damaged tree object, after %d entries", len(entries))
		}
		e := treeEntry{name, gitFile{filemode.FileMode(bits), plumbing.Hash(rest[:20])}}
		if size := len(head) + 1 + 20; !bytes.Equal(e.appendTo(nil), raw[:size]) {
			return nil, fmt.Errorf("odd mode %q in a tree object", mode)
		}
		entries = append(entries, e)
		raw = rest[20:]
	}
	return entries, nil
}

// addAll adds all entries of a tar, without their top folder.
func (f *folder) addAll(archive *tar.Reader) error {
	top := ""
	for n := 0; ; n++ {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("a damaged tar (%s)", oneLine(err.Error(), 80))
		}
		first, rest, _ := strings.Cut(strings.TrimSuffix(h.Name, "/"), "/")
		if n == 0 {
			top = first
		}
		if first != top || n > maxEntries {
			return errors.New("entries in more than one top folder, or too many")
		}
		if rest == "" && h.Typeflag == tar.TypeDir {
			continue
		}
		if err := f.add(archive, h, rest); err != nil {
			return err
		}
	}
}

// add adds the entry at path.
func (f *folder) add(archive *tar.Reader, h *tar.Header, path string) error {
	names := strings.Split(path, "/")
	if len(names) > maxDepth || slices.ContainsFunc(names, badEntryName) || strange(h) {
		return fmt.Errorf("an entry %s that git cannot have made", oneLine(fmt.Sprintf("%q", h.Name), 80))
	}
	last := len(names) - 1
	if h.Typeflag == tar.TypeDir {
		last++ // all names are folders
	}
	for _, name := range names[:last] {
		if _, isFile := f.files[name]; isFile {
			return fmt.Errorf("a file and a folder called %s", oneLine(fmt.Sprintf("%q", name), 80))
		}
		f = f.folder(name)
	}
	if last == len(names) {
		return nil
	}
	return f.addFile(archive, h, names[last])
}

// folder returns the folder called name, a new one if there is none.
func (f *folder) folder(name string) *folder {
	if sub := f.folders[name]; sub != nil {
		return sub
	}
	if f.folders == nil {
		f.folders = map[string]*folder{}
	}
	f.folders[name] = &folder{}
	return f.folders[name]
}

// addFile adds a file or a symbolic link.
func (f *folder) addFile(archive *tar.Reader, h *tar.Header, name string) error {
	_, isFile := f.files[name]
	_, isFolder := f.folders[name]
	if isFile || isFolder {
		return fmt.Errorf("two entries called %s", oneLine(fmt.Sprintf("%q", name), 80))
	}
	file := gitFile{mode: filemode.Symlink}
	if h.Typeflag == tar.TypeSymlink {
		file.hash = plumbing.ComputeHash(plumbing.BlobObject, []byte(h.Linkname))
	} else {
		switch h.Mode {
		case 0o644:
			file.mode = filemode.Regular
		case 0o664:
			file.mode = filemode.Deprecated
		case 0o755:
			file.mode = filemode.Executable
		}
		hasher := plumbing.NewHasher(plumbing.BlobObject, h.Size)
		if _, err := io.Copy(hasher, archive); err != nil {
			return fmt.Errorf("a damaged tar (%s)", oneLine(err.Error(), 80))
		}
		file.hash = hasher.Sum()
	}
	if f.files == nil {
		f.files = map[string]gitFile{}
	}
	f.files[name] = file
	return nil
}

// strange reports whether a tar entry is of a kind that a tar made from git
// does not have. Sparse files are among them, whose size has no bounds.
func strange(h *tar.Header) bool {
	for record := range h.PAXRecords {
		if !slices.Contains([]string{"path", "linkpath", "size", "mtime"}, record) {
			return true
		}
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return h.Mode != 0o644 && h.Mode != 0o664 && h.Mode != 0o755
	case tar.TypeDir, tar.TypeSymlink:
		return false
	}
	return true
}

// badEntryName reports whether git would not check out an entry of this name,
// as it could lead out of the tree or into the repository.
func badEntryName(name string) bool {
	return name == "" || name == "." || name == ".." || strings.EqualFold(name, ".git") || strings.ContainsAny(name, "/\x00")
}

// hash returns the hash of the tree object. Its entries are sorted by name,
// where a folder's name counts as if it ended in a slash.
func (f *folder) hash() plumbing.Hash {
	var entries []treeEntry
	for name, file := range f.files {
		entries = append(entries, treeEntry{name, file})
	}
	for name, sub := range f.folders {
		entries = append(entries, treeEntry{name, gitFile{filemode.Dir, sub.hash()}})
	}
	sortKey := func(e treeEntry) string {
		if e.mode == filemode.Dir {
			return e.name + "/"
		}
		return e.name
	}
	slices.SortFunc(entries, func(a, b treeEntry) int { return cmp.Compare(sortKey(a), sortKey(b)) })
	var object []byte
	for _, e := range entries {
		object = e.appendTo(object)
	}
	return plumbing.ComputeHash(plumbing.TreeObject, object)
}
