package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// corpusVariable names a folder that "make corpus" has put real archives into.
const corpusVariable = "SRCMEND_CORPUS"

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// when is the time of all entries that do not say another.
func when() time.Time { return time.Date(2018, 11, 23, 12, 0, 0, 0, time.UTC) }

// reg, dir, sym and hard make tar headers; Size is set when they are written.
func reg(name, content string) item {
	return item{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, ModTime: when()}, content}
}

func dir(name string) item {
	return item{tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755, ModTime: when()}, ""}
}

func sym(name, target string) item {
	return item{tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeSymlink, Mode: 0o777, ModTime: when()}, ""}
}

func hard(name, target string) item {
	return item{tar.Header{Name: name, Linkname: target, Typeflag: tar.TypeLink, Mode: 0o644, ModTime: when()}, ""}
}

func special(name string, kind byte) item {
	return item{tar.Header{Name: name, Typeflag: kind, Mode: 0o644, ModTime: when()}, ""}
}

// An item is one entry of an archive in the making.
type item struct {
	header  tar.Header
	content string
}

// tarOf writes a tar archive.
func tarOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		if i.header.Typeflag == tar.TypeReg {
			i.header.Size = int64(len(i.content))
		}
		check(t, w.WriteHeader(&i.header))
		_, err := w.Write([]byte(i.content))
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// seal gives the header of a tar entry its check sum.
func seal(block []byte) {
	sum := 8 * int(' ')
	for i, c := range block[:blockSize] {
		if i < 148 || i >= 156 {
			sum += int(c)
		}
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

// zipOf writes the same as a zip file.
func zipOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.header.Name, Method: zip.Deflate, Modified: i.header.ModTime}
		mode := fs.FileMode(i.header.Mode).Perm()
		content := i.content
		switch i.header.Typeflag {
		case tar.TypeDir:
			mode |= fs.ModeDir
		case tar.TypeSymlink:
			mode |= fs.ModeSymlink
			content = i.header.Linkname
		case tar.TypeFifo:
			mode |= fs.ModeNamedPipe
		}
		h.SetMode(mode)
		f, err := w.CreateHeader(h)
		check(t, err)
		if mode.IsDir() {
			continue
		}
		_, err = f.Write([]byte(content))
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}

// gz compresses with gzip.
func gz(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

// zst compresses with zstd.
func zst(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	check(t, err)
	return w.EncodeAll(data, nil)
}

// pack runs a compressor; the test is skipped where it is not installed.
func pack(t testing.TB, data []byte, argv ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(argv[0]); err != nil {
		t.Skipf("%s is not installed", argv[0])
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	check(t, err)
	return out
}

// A place is a folder with room for an archive, and dst to unpack it to. What is
// in the folder beside them must not change.
type place struct {
	t   testing.TB
	dir string
}

func newPlace(t testing.TB) place {
	t.Helper()
	p := place{t, t.TempDir()}
	check(t, os.WriteFile(p.join("outside"), []byte("untouched"), 0o644))
	check(t, os.Mkdir(p.join("secret"), 0o755))
	return p
}

func (p place) join(name string) string { return filepath.Join(p.dir, name) }

// unpack writes data to a file and unpacks it.
func (p place) unpack(data []byte, o Options) (Stats, error) {
	p.t.Helper()
	f := p.file(data)
	defer f.Close()
	return Unpack(p.t.Context(), f, p.join("dst"), o)
}

// file opens a file that holds data.
func (p place) file(data []byte) *os.File {
	p.t.Helper()
	check(p.t, os.WriteFile(p.join("archive"), data, 0o644))
	f, err := os.Open(p.join("archive"))
	check(p.t, err)
	return f
}

// untouched fails the test when something changed outside dst, or when a link in
// dst leads out of it.
func (p place) untouched(what string) {
	p.t.Helper()
	names, err := os.ReadDir(p.dir)
	check(p.t, err)
	for _, d := range names {
		if !slices.Contains([]string{"archive", "dst", "outside", "secret"}, d.Name()) {
			p.t.Errorf("%s: made %s outside", what, d.Name())
		}
	}
	if data, err := os.ReadFile(p.join("outside")); err != nil || string(data) != "untouched" {
		p.t.Errorf("%s: the file outside is %q, %v", what, data, err)
	}
	if inside, err := os.ReadDir(p.join("secret")); err != nil || len(inside) > 0 {
		p.t.Errorf("%s: the folder outside has %v, %v", what, inside, err)
	}
	for name, text := range p.list() {
		_, target, isLink := strings.Cut(text, " -> ")
		if at := filepath.Join(filepath.Dir(name), target); isLink && (filepath.IsAbs(target) || !filepath.IsLocal(at)) {
			p.t.Errorf("%s: %s leads out, to %s", what, name, target)
		}
	}
}

// list describes what is in dst: "-rw-r--r-- content", "Lrwxrwxrwx -> target" or
// "drwxr-xr-x".
func (p place) list() map[string]string {
	p.t.Helper()
	all := map[string]string{}
	root := p.join("dst")
	check(p.t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + string(data)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text = "link -> " + target
		}
		name, _ := filepath.Rel(root, path)
		all[name] = text
		return nil
	}))
	return all
}

// wants compares list with "name: text" lines.
func (p place) wants(what string, lines ...string) {
	p.t.Helper()
	var got []string
	for name, text := range p.list() {
		got = append(got, name+": "+text)
	}
	slices.Sort(got)
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		p.t.Errorf("%s: unpacked\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

// sortedKeys is for messages that do not change from run to run.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
