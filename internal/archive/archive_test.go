package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// release is what a source release looks like.
func release() []item {
	script := reg("rel-1.0/configure", "#!/bin/sh\n")
	script.header.Mode = 0o755
	return []item{
		dir("rel-1.0/"), reg("rel-1.0/README", "hello\n"), script,
		dir("rel-1.0/src/"), reg("rel-1.0/src/main.c", "int main;\n"), sym("rel-1.0/src/r", "../README"),
	}
}

func TestFormats(t *testing.T) {
	plain := tarOf(t, release()...)
	for _, c := range []struct {
		format string
		data   func(t *testing.T) []byte
	}{
		{"tar", func(*testing.T) []byte { return plain }},
		{"tar.gz", func(t *testing.T) []byte { return gz(t, plain) }},
		{"tar.gz", func(t *testing.T) []byte { return append(gz(t, plain[:700]), gz(t, plain[700:])...) }},
		{"tar.bz2", func(t *testing.T) []byte { return pack(t, plain, "bzip2", "-c") }},
		{"tar.xz", func(t *testing.T) []byte { return pack(t, plain, "xz", "-c") }},
		{"tar.xz", func(t *testing.T) []byte { return pack(t, plain, "xz", "-c", "--check=sha256", "--x86", "--lzma2") }},
		{"tar.zst", func(t *testing.T) []byte { return zst(t, plain) }},
		{"zip", func(t *testing.T) []byte { return zipOf(t, release()...) }},
	} {
		t.Run(c.format, func(t *testing.T) {
			p := newPlace(t)
			stats, err := p.unpack(c.data(t), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if want := (Stats{Format: c.format, Entries: 6, Bytes: 26}); stats != want {
				t.Errorf("stats %+v, want %+v", stats, want)
			}
			p.wants("release", "README: -rw-r--r-- hello\n", "configure: -rwxr-xr-x #!/bin/sh\n", "src: drwxr-xr-x",
				"src/main.c: -rw-r--r-- int main;\n", "src/r: link -> ../README")
		})
	}
}

// TestAgainstTar: what GNU or BSD tar unpacks, Unpack unpacks, to the same
// names, contents, permissions and times.
func TestAgainstTar(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("tar is not installed")
	}
	p := newPlace(t)
	_, err := p.unpack(gz(t, sourceTar(t, 170, 1<<20)), Options{KeepTop: true})
	check(t, err)
	ours := p.list()
	other := filepath.Join(t.TempDir(), "dst")
	check(t, os.Mkdir(other, 0o755))
	check(t, exec.Command("tar", "xpzf", p.join("archive"), "-C", other).Run())
	theirs := place{t, filepath.Dir(other)}.list()
	if len(ours) != len(theirs) || len(ours) < 170 {
		t.Errorf("%d entries, tar has %d", len(ours), len(theirs))
	}
	for name, text := range theirs {
		if ours[name] != text {
			t.Errorf("%s is %.60q, of tar %.60q", name, ours[name], text)
		}
		mine, err := os.Lstat(p.join("dst/" + name))
		check(t, err)
		its, err := os.Lstat(filepath.Join(other, name))
		check(t, err)
		implied := name == "release-1.0" || name == "release-1.0/src" // not in the archive
		if !implied && !mine.ModTime().Equal(its.ModTime()) {
			t.Errorf("%s has %v, of tar %v", name, mine.ModTime(), its.ModTime())
		}
	}
}

func TestTopFolder(t *testing.T) {
	for _, c := range []struct {
		what  string
		items []item
		o     Options
		want  []string
	}{
		{"one folder", []item{reg("a/x", "1"), reg("a/b/y", "2")}, Options{}, []string{"x: -rw-r--r-- 1", "b: drwxr-xr-x", "b/y: -rw-r--r-- 2"}},
		{"kept", []item{reg("a/x", "1")}, Options{KeepTop: true}, []string{"a: drwxr-xr-x", "a/x: -rw-r--r-- 1"}},
		{"dot before it", []item{dir("./"), dir("./a/"), reg("./a/./x", "1")}, Options{}, []string{"x: -rw-r--r-- 1"}},
		{"two folders", []item{reg("a/x", "1"), reg("b/y", "2")}, Options{}, []string{"a: drwxr-xr-x", "a/x: -rw-r--r-- 1", "b: drwxr-xr-x", "b/y: -rw-r--r-- 2"}},
		{"a late file beside it", []item{reg("a/x", "1"), reg("y", "2")}, Options{}, []string{"a: drwxr-xr-x", "a/x: -rw-r--r-- 1", "y: -rw-r--r-- 2"}},
		{"a single file", []item{reg("x", "1")}, Options{}, []string{"x: -rw-r--r-- 1"}},
		{"a single empty folder", []item{dir("a/")}, Options{}, nil},
		{"its name inside it", []item{reg("a/a/a", "1"), reg("a/top", "2"), reg("a/top-", "3")}, Options{}, []string{"a: drwxr-xr-x", "a/a: -rw-r--r-- 1", "top: -rw-r--r-- 2", "top-: -rw-r--r-- 3"}},
		{"called top", []item{reg("top/top/top", "1")}, Options{}, []string{"top: drwxr-xr-x", "top/top: -rw-r--r-- 1"}},
		{"link beside files", []item{reg("a", "1"), sym("l", "a")}, Options{}, []string{"a: -rw-r--r-- 1", "l: link -> a"}},
		{"a single link", []item{sym("l", "a")}, Options{}, []string{"l: link -> a"}},
		{"link between two folders", []item{reg("a/x", "1"), sym("b/l", "../a/x")}, Options{}, []string{"a: drwxr-xr-x", "a/x: -rw-r--r-- 1", "b: drwxr-xr-x", "b/l: link -> ../a/x"}},
	} {
		p := newPlace(t)
		if _, err := p.unpack(tarOf(t, c.items...), c.o); err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		p.wants(c.what, c.want...)
		p.untouched(c.what)
	}
}

func TestModes(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for mode, want := range map[int64]string{
		0o644: "-rw-r--r--", 0o755: "-rwxr-xr-x", 0o777: "-rwxr-xr-x", 0o666: "-rw-r--r--", 0o600: "-rw-------",
		0o400: "-rw-------", 0o444: "-rw-r--r--", 0o555: "-rwxr-xr-x", 0o4755: "-rwxr-xr-x", 0o2755: "-rwxr-xr-x",
		0o1644: "-rw-r--r--", 0o640: "-rw-r-----", 0o711: "-rwx--x--x", 0: "-rw-------",
	} {
		p := newPlace(t)
		i, d := reg("a/x", "1"), dir("a/d/")
		i.header.Mode, d.header.Mode = mode, mode
		_, err := p.unpack(tarOf(t, i, d), Options{})
		check(t, err)
		list := p.list()
		if got, _, _ := strings.Cut(list["x"], " "); got != want {
			t.Errorf("a file of %o gets %s, want %s", mode, got, want)
		}
		if !strings.HasPrefix(list["d"], "drwx") || strings.ContainsAny(list["d"][4:], "wst") {
			t.Errorf("a folder of %o gets %s", mode, list["d"])
		}
	}
}

func TestTimes(t *testing.T) {
	p := newPlace(t)
	items := release()
	for i := range items {
		items[i].header.ModTime = when().Add(time.Duration(i)*time.Second + time.Duration(i)*time.Nanosecond)
		items[i].header.Format = tar.FormatPAX
	}
	_, err := p.unpack(tarOf(t, items...), Options{})
	check(t, err)
	for i, name := range map[int]string{0: ".", 1: "README", 2: "configure", 3: "src", 4: "src/main.c"} {
		info, err := os.Stat(filepath.Join(p.join("dst"), name))
		check(t, err)
		if !info.ModTime().Equal(items[i].header.ModTime) {
			t.Errorf("%s has %v, want %v", name, info.ModTime().UTC(), items[i].header.ModTime)
		}
	}
	p = newPlace(t)
	_, err = p.unpack(zipOf(t, reg("a/x", "1"), reg("a/y", "2")), Options{})
	check(t, err)
	if info, err := os.Stat(p.join("dst/x")); err != nil || !info.ModTime().Equal(when()) {
		t.Errorf("from zip: %v, %v", info.ModTime(), err)
	}
}

func TestHardLinksAndDuplicates(t *testing.T) {
	p := newPlace(t)
	_, err := p.unpack(tarOf(t, reg("a/x", "1"), hard("a/d/y", "a/x"), hard("a/x", "a/x"), reg("a/z", "2"), reg("a/z", "3"),
		sym("a/l", "x"), sym("a/l", "z"), dir("a/d"), hard("a/z", "./a/x")), Options{})
	check(t, err)
	p.wants("links", "x: -rw-r--r-- 1", "d: drwxr-xr-x", "d/y: -rw-r--r-- 1", "z: -rw-r--r-- 1", "l: link -> z")
	x, err := os.Stat(p.join("dst/x"))
	check(t, err)
	for _, name := range []string{"d/y", "z"} {
		if y, err := os.Stat(p.join("dst/" + name)); err != nil || !os.SameFile(x, y) {
			t.Errorf("%s is not a second name of x: %v", name, err)
		}
	}
	// A later file of that name must not write through the second name.
	p = newPlace(t)
	_, err = p.unpack(tarOf(t, reg("a/x", "1"), hard("a/y", "a/x"), reg("a/y", "2")), Options{})
	check(t, err)
	p.wants("duplicate of a second name", "x: -rw-r--r-- 1", "y: -rw-r--r-- 2")
}

func TestSkipsGlobalHeader(t *testing.T) {
	p := newPlace(t)
	global := item{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "0123456789"}}, ""}
	stats, err := p.unpack(tarOf(t, global, reg("a/x", "1")), Options{})
	check(t, err)
	p.wants("global header", "x: -rw-r--r-- 1")
	if stats.Entries != 1 {
		t.Errorf("%d entries", stats.Entries)
	}
}

func TestDestination(t *testing.T) {
	data := tarOf(t, reg("a/x", "1"))
	p := newPlace(t)
	check(t, os.Mkdir(p.join("dst"), 0o700))
	if _, err := p.unpack(data, Options{}); err != nil {
		t.Errorf("into an empty folder: %v", err)
	}
	if _, err := p.unpack(data, Options{}); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("into a folder with a file: %v", err)
	}
	p = newPlace(t)
	check(t, os.WriteFile(p.join("dst"), nil, 0o644))
	if _, err := p.unpack(data, Options{}); err == nil {
		t.Error("into a file: no error")
	}
	f := p.file(data)
	defer f.Close()
	if _, err := Unpack(t.Context(), f, p.join("none/dst"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("below a folder that is not there: %v", err)
	}
	r, w, err := os.Pipe()
	check(t, err)
	defer r.Close()
	defer w.Close()
	if _, err := Unpack(t.Context(), r, filepath.Join(t.TempDir(), "dst"), Options{}); err == nil || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("from a pipe: %v", err)
	}
}

// TestScanEnds: an error of who looks at the entries is neither lost nor taken for one of
// the archive's.
func TestScanEnds(t *testing.T) {
	p := newPlace(t)
	mine := errors.New("mine")
	for _, data := range [][]byte{gz(t, tarOf(t, release()...)), tarOf(t, release()...), zipOf(t, release()...)} {
		for _, give := range []error{fs.SkipAll, mine, io.EOF, io.ErrUnexpectedEOF} {
			f := p.file(data)
			n := 0
			_, err := scan(t.Context(), f, Options{}.withDefaults(), func(entry, io.Reader) error { n++; return give })
			check(t, f.Close())
			if !errors.Is(err, give) || n != 1 || errors.Is(err, ErrTruncated) {
				t.Errorf("visit gave %v, scan gives %v after %d entries", give, err, n)
			}
		}
	}
}

func TestOffsetIsKept(t *testing.T) {
	p := newPlace(t)
	f := p.file(gz(t, tarOf(t, release()...)))
	defer f.Close()
	_, err := f.Seek(3, io.SeekStart)
	check(t, err)
	_, err = Unpack(t.Context(), f, p.join("dst"), Options{})
	check(t, err)
	if at, _ := f.Seek(0, io.SeekCurrent); at != 3 {
		t.Errorf("the offset became %d", at)
	}
}

// TestCancel ends the context at different moments; the goroutine that
// decompresses must be gone when Unpack returns.
func TestCancel(t *testing.T) {
	big := reg("a/zeros", strings.Repeat("0123456789abcdef", 1<<18))
	data := gz(t, tarOf(t, reg("a/x", "1"), big, big))
	for _, at := range []int{0, 1, 2} {
		p := newPlace(t)
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancel(t.Context())
		f := p.file(data)
		n := 0
		if at == 0 {
			cancel()
		}
		_, err := scan(ctx, f, Options{}.withDefaults(), func(_ entry, r io.Reader) error {
			if n++; n == at {
				cancel()
			}
			_, err := io.Copy(io.Discard, r)
			return err
		})
		cancel()
		if !errors.Is(err, context.Canceled) || n > at {
			t.Errorf("cancelled at %d: %v after %d entries", at, err, n)
		}
		if _, err := Unpack(ctx, f, p.join("dst"), Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Unpack with a context that has ended: %v", err)
		}
		check(t, f.Close())
		for range 1000 { // a goroutine that has done its work still needs a moment to go
			if runtime.NumGoroutine() <= before {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if after := runtime.NumGoroutine(); after > before {
			t.Errorf("%d goroutines more than before", after-before)
		}
	}
}

func TestAhead(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), aheadPieces*aheadSize/4)
	a := newAhead(bytes.NewReader(data))
	head, err := a.peek()
	if err != nil || !bytes.Equal(head, data[:aheadSize]) {
		t.Errorf("peek gives %d bytes, %v", len(head), err)
	}
	got, err := io.ReadAll(a)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes of %d, %v", len(got), len(data), err)
	}
	a.stop()
	mine := errors.New("mine")
	a = newAhead(io.MultiReader(strings.NewReader("abc"), brokenReader{mine}))
	if got, err := io.ReadAll(a); string(got) != "abc" || err != mine {
		t.Errorf("read %q, %v", got, err)
	}
	a.stop()
	a = newAhead(bytes.NewReader(data)) // stopped before anything was taken
	a.stop()
}

// A brokenReader has nothing but an error.
type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }
