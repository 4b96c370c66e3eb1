package archive

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"

	"srcmend/internal/tree"
)

// deepest is how many components names may have on the average of as many entries as
// are allowed: each can be a folder that has to be made.
const deepest = 8

// A kind is what an entry becomes.
type kind int

const (
	file kind = iota
	folder
	symlink
	hardlink
)

// An entry is one thing in an archive, with its name checked.
type entry struct {
	name  string // slash-separated, without a slash at its end; never ""
	kind  kind
	mode  fs.FileMode // permissions, at most 0755
	size  int64       // bytes of a file's content
	mtime time.Time   // zero when the archive has none
	link  string      // a link's target; of a hard link, a name like name
}

// visitor gets the entries of an archive in their order.
type visitor func(e entry, r io.Reader) error

// A scanner reads one archive and holds it against the bounds.
type scanner struct {
	ended func() error // why the caller's context has ended, if it has
	o     Options
	stats Stats
	raw   atomic.Int64 // bytes read from the file
	plain int64        // bytes that came out of the decompressor
	visit visitor

	components int // of all names
}

// scan finds out what f is and visits its entries.
func scan(ctx context.Context, f *os.File, o Options, visit visitor) (Stats, error) {
	info, err := f.Stat()
	if err != nil {
		return Stats{}, err
	}
	if !info.Mode().IsRegular() {
		return Stats{}, errors.New("an archive is read from a regular file, not from a pipe or folder")
	}
	s := &scanner{ended: ctx.Err, o: o, visit: visit}
	body := io.NewSectionReader(f, 0, info.Size())
	head := make([]byte, headSize)
	n, err := io.ReadFull(body, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return Stats{}, err
	}
	head = head[:n]
	_, _ = body.Seek(0, io.SeekStart)
	packed := compression(head)
	switch {
	case isZip(head):
		s.stats.Format = "zip"
		err = s.scanZip(f, info.Size())
	case packed != "":
		s.stats.Format = "tar." + packed
		err = s.scanPacked(packed, body)
	case isTar(head):
		s.stats.Format = "tar"
		err = s.scanTar(bufio.NewReaderSize(&counter{r: body, n: &s.raw}, 256<<10), true)
	default:
		err = fmt.Errorf("this is %s, %w", Describe(head), ErrFormat)
	}
	return s.stats, err
}

// scanRelease is scan for an archive that must have something in it.
func scanRelease(ctx context.Context, f *os.File, o Options, visit visitor) (Stats, error) {
	stats, err := scan(ctx, f, o, visit)
	if err == nil && stats.Entries == 0 {
		err = fmt.Errorf("%w of a release: nothing is in it", ErrFormat)
	}
	return stats, err
}

// scanPacked decompresses in a second goroutine while the entries are visited.
func (s *scanner) scanPacked(packed string, body io.Reader) error {
	r, err := decompress(packed, bufio.NewReaderSize(&counter{r: body, n: &s.raw}, 256<<10))
	if err != nil {
		return s.explain(err)
	}
	if c, ok := r.(interface{ Close() }); ok {
		defer c.Close()
	}
	a := newAhead(r)
	defer a.stop() // before the decompressor is closed
	head, err := a.peek()
	switch {
	case err != nil && len(head) < blockSize && err != io.EOF:
		return s.explain(err)
	case !isTar(head):
		return fmt.Errorf("this is compressed (.%s), with %s inside, %w", packed, Describe(head), ErrFormat)
	}
	if err := s.scanTar(a, false); err != nil {
		return err
	}
	// Read on to the end, where the check sum stands.
	_, err = io.Copy(io.Discard, &meter{r: a, s: s})
	return s.explain(err)
}

// decompress opens the stream of one compressor.
func decompress(packed string, r io.Reader) (io.Reader, error) {
	switch packed {
	case "gz":
		return gzip.NewReader(r)
	case "bz2":
		return bzip2.NewReader(r), nil
	case "xz":
		return xz.NewReader(r, maxWindow)
	}
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
}

// scanTar visits the entries of a tar stream. When nothing but the archive's own
// end tells that it is whole, needEnd is true.
func (s *scanner) scanTar(r io.Reader, needEnd bool) error {
	m := &meter{r: r, s: s}
	tr := tar.NewReader(m)
	for {
		before := (s.plain + blockSize - 1) / blockSize * blockSize
		h, err := tr.Next()
		if err == io.EOF {
			if needEnd && s.plain < before+blockSize {
				return s.explain(io.ErrUnexpectedEOF)
			}
			return nil
		}
		if err != nil {
			return s.explain(err)
		}
		e, skip, err := tarEntry(h)
		if err == nil && !skip {
			err = s.one(e, tr)
		}
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, tr); err != nil {
			return s.explain(err)
		}
	}
}

// tarEntry says what a header stands for. Headers that describe the archive
// itself are skipped.
func tarEntry(h *tar.Header) (e entry, skip bool, err error) {
	e = entry{name: h.Name, mode: fs.FileMode(h.Mode) & 0o777, mtime: h.ModTime, link: h.Linkname}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		e.kind, e.size, e.link = file, h.Size, ""
	case tar.TypeDir:
		e.kind, e.link = folder, ""
	case tar.TypeSymlink:
		e.kind = symlink
	case tar.TypeLink:
		e.kind = hardlink
	case tar.TypeXGlobalHeader:
		return e, true, nil
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return e, false, fmt.Errorf("%w: %s is a device or a pipe", ErrUnsafe, quote(h.Name))
	default:
		return e, false, fmt.Errorf("%w: %s is an entry of type %q, which no source release needs", ErrUnsafe, quote(h.Name), h.Typeflag)
	}
	return e, false, nil
}

// scanZip visits the entries of a zip file.
func (s *scanner) scanZip(f io.ReaderAt, size int64) error {
	s.raw.Store(size)
	directory := &boundedAt{r: f, left: maxZipDirectory}
	zr, err := zip.NewReader(directory, size)
	if errors.Is(err, zip.ErrFormat) {
		return fmt.Errorf("zip archive %w: its directory, which stands at its end, is missing or damaged", ErrTruncated)
	}
	if err != nil {
		return err
	}
	directory.left = -1
	zr.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser { return flate.NewReader(r) })
	for _, zf := range zr.File {
		if err := s.oneOfZip(zf); err != nil {
			return err
		}
	}
	return nil
}

// oneOfZip visits one entry of a zip file.
func (s *scanner) oneOfZip(zf *zip.File) error {
	mode := zf.Mode()
	e := entry{name: zf.Name, mode: mode.Perm(), mtime: zf.Modified, size: int64(min(zf.UncompressedSize64, 1<<62))}
	const encrypted = 1
	switch {
	case zf.Flags&encrypted != 0:
		return fmt.Errorf("%w: %s is encrypted", ErrFormat, quote(zf.Name))
	case strings.HasSuffix(zf.Name, "/") || mode.IsDir():
		e.kind, e.size = folder, 0
		return s.one(e, strings.NewReader(""))
	case mode&fs.ModeSymlink != 0:
		e.kind = symlink
	case !mode.IsRegular():
		return fmt.Errorf("%w: %s is a device or a pipe", ErrUnsafe, quote(zf.Name))
	}
	r, err := zf.Open()
	if err != nil {
		return s.explain(fmt.Errorf("%s: %w", quote(zf.Name), err))
	}
	defer r.Close()
	m := &meter{r: r, s: s}
	if e.kind == symlink {
		target, err := io.ReadAll(io.LimitReader(m, int64(s.o.MaxName)+1))
		if err != nil {
			return s.explain(fmt.Errorf("%s: %w", quote(zf.Name), err))
		}
		e.link, e.size = string(target), 0
	}
	if err := s.one(e, m); err != nil {
		return err
	}
	// The check sum is compared at the end of the content.
	if _, err := io.Copy(io.Discard, m); err != nil {
		return s.explain(fmt.Errorf("%s: %w", quote(zf.Name), err))
	}
	return nil
}

// one checks an entry and visits it.
func (s *scanner) one(e entry, r io.Reader) error {
	if err := s.ended(); err != nil {
		return err
	}
	raw := e.name
	name, err := s.cleanName(raw)
	if err != nil {
		return err
	}
	if name == "" { // the archive's own root
		return nil
	}
	e.name, e.mode = name, e.mode&0o755
	if e.kind == hardlink {
		if e.link, err = s.cleanName(e.link); err != nil {
			return fmt.Errorf("%s is a second name of another file: %w", quote(raw), err)
		}
	}
	if len(e.link) > s.o.MaxName {
		return fmt.Errorf("%w: the target of the link %s has more than %d bytes", ErrLimit, quote(raw), s.o.MaxName)
	}
	s.stats.Entries++
	s.components += strings.Count(name, "/") + 1
	switch {
	case s.components > deepest*s.o.MaxEntries:
		return fmt.Errorf("%w: the names have more than %d components in all", ErrLimit, deepest*s.o.MaxEntries)
	case s.stats.Entries > s.o.MaxEntries:
		return fmt.Errorf("%w: more than %d entries", ErrLimit, s.o.MaxEntries)
	case e.size > s.o.MaxFile:
		return fmt.Errorf("%w: %s has %d bytes, a single file may have %d", ErrLimit, quote(raw), e.size, s.o.MaxFile)
	}
	s.stats.Bytes += e.size
	if err := s.checkVolume(s.stats.Bytes); err != nil {
		return fmt.Errorf("%s: %w", quote(raw), err)
	}
	return s.visit(e, &explained{r: r, s: s})
}

// checkVolume holds n bytes that came out, or are about to, against the bounds.
func (s *scanner) checkVolume(n int64) error {
	raw := max(1, s.raw.Load())
	switch {
	case n > s.o.MaxBytes:
		return fmt.Errorf("%w: more than %d bytes come out", ErrLimit, s.o.MaxBytes)
	case n > ratioFrom && n/raw >= s.o.MaxRatio:
		return fmt.Errorf("%w: %d bytes come out of %d, which is more than %d to 1", ErrLimit, n, raw, s.o.MaxRatio)
	}
	return nil
}

// cleanName gives a name in its shortest form, "" for the root of the archive,
// or says why it is refused.
func (s *scanner) cleanName(name string) (string, error) {
	refuse := func(why string) error { return fmt.Errorf("%w: name %s %s", ErrUnsafe, quote(name), why) }
	if len(name) > s.o.MaxName {
		return "", fmt.Errorf("%w: name %s has more than %d bytes", ErrLimit, quote(name), s.o.MaxName)
	}
	if strings.HasPrefix(name, "/") {
		return "", refuse("is absolute")
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] == 0x7f {
			return "", refuse("has a control character")
		}
	}
	var kept []string
	for component := range strings.SplitSeq(name, "/") {
		switch component {
		case "", ".":
		case "..":
			return "", refuse("leads upwards")
		default:
			if strings.HasPrefix(component, tree.TempPrefix) {
				return "", refuse("is for changes of a source tree that are on their way")
			}
			if len(component) > maxComponent {
				return "", fmt.Errorf("%w: name %s has a component of more than %d bytes", ErrLimit, quote(name), maxComponent)
			}
			kept = append(kept, component)
		}
	}
	if len(kept) > s.o.MaxDepth {
		return "", fmt.Errorf("%w: name %s has more than %d components", ErrLimit, quote(name), s.o.MaxDepth)
	}
	return strings.Join(kept, "/"), nil
}

// explain tells an archive that ends too early from one that is damaged.
func (s *scanner) explain(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrLimit) || errors.Is(err, ErrUnsafe):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, xz.ErrBuf) || err == io.EOF:
		return fmt.Errorf("%s archive %w after %d entries: fetch it again", s.stats.Format, ErrTruncated, s.stats.Entries)
	case errors.Is(err, xz.ErrMemlimit) || errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("%w: it needs a dictionary of more than %d bytes", ErrLimit, maxWindow)
	case isDamage(err):
		return fmt.Errorf("%s archive is damaged after %d entries: %w", s.stats.Format, s.stats.Entries, err)
	}
	return err
}

// isDamage knows the errors of the decoders.
func isDamage(err error) bool {
	for _, known := range []error{
		tar.ErrHeader, zip.ErrChecksum, zip.ErrFormat, zip.ErrAlgorithm, gzip.ErrChecksum, gzip.ErrHeader,
		xz.ErrData, xz.ErrFormat, xz.ErrOptions, xz.ErrUnsupportedCheck, zstd.ErrCRCMismatch, zstd.ErrMagicMismatch,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	var corrupt flate.CorruptInputError
	var structure bzip2.StructuralError
	return errors.As(err, &corrupt) || errors.As(err, &structure)
}

// quote makes a name fit for a message.
func quote(name string) string {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	return fmt.Sprintf("%q", name)
}
