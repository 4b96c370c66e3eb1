package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// evil are archives that try to leave dst, or to put something into it that
// would lead out later. Each is refused.
func evil() map[string][]item {
	victim := reg("a/x", "evil")
	long := strings.Repeat("n/", DefaultMaxDepth) + "n"
	return map[string][]item{
		"name leads upwards":                {victim, reg("../outside", "evil")},
		"name leads upwards in the middle":  {victim, reg("a/../../outside", "evil")},
		"name leads upwards and comes back": {victim, reg("a/../b", "evil")},
		"folder leads upwards":              {victim, dir("../secret/new")},
		"folder of a change on its way":     {victim, reg("a/.srcmend-edit-stage/journal", "evil")},
		"absolute name":                     {victim, reg("/tmp/outside", "evil")},
		"absolute folder":                   {victim, dir("/tmp/secret")},
		"link out, then a file through it":  {victim, sym("a/l", "../../secret"), reg("a/l/f", "evil")},
		"absolute link, file through it":    {victim, sym("a/l", "/tmp"), reg("a/l/f", "evil")},
		"chain of links":                    {victim, dir("a/d"), sym("a/d/up", ".."), sym("a/m", "d/up/.."), reg("a/m/outside", "evil")},
		"link as a parent, inside":          {victim, dir("a/d"), sym("a/l", "d"), reg("a/l/f", "evil")},
		"link as a parent of a folder":      {victim, dir("a/d"), sym("a/l", "d"), dir("a/l/f")},
		"link as a parent of a link":        {victim, dir("a/d"), sym("a/l", "d"), sym("a/l/f", "x")},
		"link takes the place of a folder":  {victim, dir("a/d"), sym("a/d", "."), reg("a/d/f", "evil")},
		"file over a link":                  {victim, sym("a/l", "x"), reg("a/l", "evil")},
		"link over a file":                  {victim, sym("a/x", "y")},
		"folder over a link":                {victim, sym("a/l", "."), dir("a/l")},
		"folder over a file":                {victim, dir("a/x")},
		"file over a folder":                {victim, dir("a/d"), reg("a/d", "evil")},
		"file as a parent":                  {victim, reg("a/x/y", "evil")},
		"link out, never used":              {victim, sym("a/l", "../../outside")},
		"link out of the top folder":        {victim, sym("a/l", "../outside")},
		"link up and down again":            {victim, sym("a/l", "../a/x")},
		"absolute link":                     {victim, sym("a/l", "/etc/passwd")},
		"link to nothing":                   {victim, sym("a/l", "")},
		"absolute link, two folders":        {victim, sym("b/l", "/etc/passwd")},
		"link out, two folders":             {victim, sym("b/l", "../../outside")},
		"link to nothing, two folders":      {victim, sym("b/l", "")},
		"hard link out":                     {victim, hard("a/h", "../outside")},
		"absolute hard link":                {victim, hard("a/h", "/etc/passwd")},
		"hard link to nothing":              {victim, hard("a/h", "a/none")},
		"hard link to the root":             {victim, hard("a/h", ".")},
		"hard link to a folder":             {victim, dir("a/d"), hard("a/h", "a/d")},
		"hard link to a link":               {victim, sym("a/l", "x"), hard("a/h", "a/l")},
		"hard link through a link":          {victim, dir("a/d"), reg("a/d/f", "1"), sym("a/l", "d"), hard("a/h", "a/l/f")},
		"hard link over a folder":           {victim, dir("a/d"), hard("a/d", "a/x")},
		"character device":                  {victim, special("a/null", tar.TypeChar)},
		"block device":                      {victim, special("a/disk", tar.TypeBlock)},
		"pipe":                              {victim, special("a/pipe", tar.TypeFifo)},
		"newline in a name":                 {victim, reg("a/x\n/etc", "evil")},
		"escape sequence in a name":         {victim, reg("a/\x1b[2J", "evil")},
		"delete character in a name":        {victim, reg("a/\x7f", "evil")},
		"newline in a hard link":            {victim, hard("a/h", "a/x\n")},
		"name too long":                     {victim, reg("a/"+strings.Repeat("n", DefaultMaxName), "evil")},
		"component too long":                {victim, reg("a/"+strings.Repeat("n", maxComponent+1), "evil")},
		"link too long":                     {victim, sym("a/l", strings.Repeat("n", DefaultMaxName+1))},
		"name too deep":                     {victim, reg(long, "evil")},
	}
}

func TestEvilTar(t *testing.T) {
	cases := evil()
	for _, what := range sortedKeys(cases) {
		for packed, data := range map[string][]byte{"tar": tarOf(t, cases[what]...), "tar.gz": gz(t, tarOf(t, cases[what]...))} {
			p := newPlace(t)
			_, err := p.unpack(data, Options{})
			if !errors.Is(err, ErrUnsafe) && !errors.Is(err, ErrLimit) {
				t.Errorf("%s, %s: not refused: %v", packed, what, err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\n\x1b\x7f") {
				t.Errorf("%s, %s: control characters in the message %q", packed, what, err)
			}
			p.untouched(what)
		}
	}
}

func TestEvilZip(t *testing.T) {
	cases := evil()
	for _, what := range sortedKeys(cases) {
		known := true
		for _, i := range cases[what] {
			known = known && strings.IndexByte("025\x00"+string(rune(tar.TypeFifo)), i.header.Typeflag) >= 0
		}
		if !known {
			continue
		}
		p := newPlace(t)
		_, err := p.unpack(zipOf(t, cases[what]...), Options{})
		if !errors.Is(err, ErrUnsafe) && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: not refused: %v", what, err)
		}
		p.untouched(what)
	}
}

// TestRawHeaders are entries that no tar writer makes.
func TestRawHeaders(t *testing.T) {
	for what, change := range map[string]func(block []byte){
		"volume label":  func(b []byte) { b[156] = 'V' },
		"multi-volume":  func(b []byte) { b[156] = 'M' },
		"vendor's own":  func(b []byte) { b[156] = 'Z' },
		"NUL in a name": func(b []byte) { copy(b, "a/x\x00/../../outside") },
		"set-user-ID":   func(b []byte) { copy(b[100:], "0104755\x00") },
		"negative size": func(b []byte) { copy(b[124:136], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0") },
		"enormous size": func(b []byte) { copy(b[124:136], "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff") },
		"bad check sum": func(b []byte) { b[0] = 'b'; b[148] = '7' },
		"no magic, v7":  func(b []byte) { clear(b[257:265]) },
		"old slash name": func(b []byte) {
			copy(b, "a/x/\x00")
			b[156] = 0
			copy(b[124:136], "00000000000\x00")
			clear(b[257:265])
		},
	} {
		data := tarOf(t, dir("a/"), reg("a/x", ""))
		block := data[blockSize : 2*blockSize]
		change(block)
		if what != "bad check sum" {
			seal(block)
		}
		p := newPlace(t)
		_, err := p.unpack(data, Options{})
		p.untouched(what)
		switch what {
		case "set-user-ID":
			p.wants(what, "x: -rwxr-xr-x ")
		case "NUL in a name", "no magic, v7":
			p.wants(what, "x: -rw-r--r-- ")
		case "old slash name":
			p.wants(what, "x: drwxr--r--")
		default:
			if err == nil {
				t.Errorf("%s: not refused", what)
			}
		}
	}
}

func TestSparse(t *testing.T) {
	// A GNU sparse entry of 20 GB in one block, as "tar --sparse" writes it.
	data := tarOf(t, reg("a/x", ""), reg("a/sparse", ""))
	block := data[blockSize : 2*blockSize]
	block[156] = tar.TypeGNUSparse
	copy(block[257:], "ustar  \x00")
	copy(block[386:], "00000000000\x0000000000000\x00") // one piece of nothing
	copy(block[483:], "240000000000\x00")               // the real size
	seal(block)
	p := newPlace(t)
	if _, err := p.unpack(data, Options{}); !errors.Is(err, ErrLimit) {
		t.Errorf("20 GB in a few hundred bytes: %v", err)
	}
	if info, err := os.Stat(p.join("dst/a/sparse")); err == nil && info.Size() > 0 {
		t.Errorf("%d bytes were written", info.Size())
	}
}

func TestLimits(t *testing.T) {
	zeros := reg("a/zeros", strings.Repeat("\x00", 3<<20))
	var many []item
	for i := range 20 {
		many = append(many, reg(fmt.Sprintf("a/f%d", i), "1"))
	}
	for _, c := range []struct {
		what  string
		items []item
		o     Options
		ok    bool
	}{
		{"as many bytes as allowed", []item{zeros}, Options{MaxFile: 3 << 20}, true},
		{"one byte too many in a file", []item{zeros}, Options{MaxFile: 3<<20 - 1}, false},
		{"too many bytes", []item{zeros, zeros}, Options{MaxBytes: 4 << 20}, false},
		{"as many entries as allowed", many, Options{MaxEntries: 20}, true},
		{"one entry too many", many, Options{MaxEntries: 19}, false},
		{"long name", []item{reg("a/1234567", "1")}, Options{MaxName: 8}, false},
		{"name that just fits", []item{reg("a/123456", "1")}, Options{MaxName: 8}, true},
		{"folders on the way", []item{reg("a/1/2/3/4/5/6/7/x", "1"), reg("a/8/x", "1")}, Options{MaxEntries: 2}, true},
		{"too many folders on the way", []item{reg("a/1/2/3/4/5/6/7/x", "1"), reg("a/8/9/x/y/z/1/2/3/x", "1")}, Options{MaxEntries: 2}, false},
		{"deep name", []item{reg("a/b/c", "1")}, Options{MaxDepth: 2}, false},
		{"name that is just deep enough", []item{reg("a/b/c", "1")}, Options{MaxDepth: 3}, true},
	} {
		for format, data := range map[string][]byte{"tar.gz": gz(t, tarOf(t, c.items...)), "zip": zipOf(t, c.items...)} {
			p := newPlace(t)
			_, err := p.unpack(data, c.o)
			if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrLimit) {
				t.Errorf("%s: %s: %v", format, c.what, err)
			}
		}
	}
}

// TestRatio: what is small may be all zeros, what is large may not.
func TestRatio(t *testing.T) {
	for _, c := range []struct {
		size int
		ok   bool
	}{{ratioFrom - 1<<20, true}, {ratioFrom + 16<<20, false}} {
		data := zst(t, tarOf(t, reg("a/zeros", strings.Repeat("\x00", c.size))))
		p := newPlace(t)
		_, err := p.unpack(data, Options{})
		if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrLimit) {
			t.Errorf("%d zeros in %d bytes: %v", c.size, len(data), err)
		}
	}
	s := &scanner{o: Options{MaxRatio: 100}.withDefaults()}
	s.raw.Store(ratioFrom / 50)
	for n, ok := range map[int64]bool{ratioFrom: true, 2*ratioFrom - 50: true, 2 * ratioFrom: false} {
		if err := s.checkVolume(n); ok != (err == nil) {
			t.Errorf("%d bytes of %d at 100 to 1: %v", n, s.raw.Load(), err)
		}
	}
}

// TestWindow: a dictionary that needs gigabytes is refused before it is made.
func TestWindow(t *testing.T) {
	plain := tarOf(t, release()...)
	data := pack(t, plain, "xz", "-c", "--lzma2=dict=1536MiB,mode=fast,mf=hc3,nice=16")
	p := newPlace(t)
	if _, err := p.unpack(data, Options{}); !errors.Is(err, ErrLimit) {
		t.Errorf("xz with a dictionary of 1.5 GiB: %v", err)
	}
	// A zstd frame header that asks for a window of 2 GiB.
	p = newPlace(t)
	if _, err := p.unpack([]byte("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"), Options{}); !errors.Is(err, ErrLimit) {
		t.Errorf("zstd with a window of 2 GiB: %v", err)
	}
}

// TestTruncated cuts archives everywhere. Whatever is missing, it is an error,
// and never one about what the archive contains.
func TestTruncated(t *testing.T) {
	plain := tarOf(t, release()...)
	for format, data := range map[string][]byte{
		"tar": plain, "tar.gz": gz(t, plain), "tar.zst": zst(t, plain), "zip": zipOf(t, release()...),
		"tar.xz": pack(t, plain, "xz", "-c"), "tar.bz2": pack(t, plain, "bzip2", "-c"),
	} {
		end := len(data)
		if format == "tar" {
			end -= blockSize // one block of zeros is enough of an end
		}
		step := max(1, end/150)
		for n := 1; n < end; n += step {
			p := newPlace(t)
			_, err := p.unpack(data[:n], Options{})
			if err == nil {
				t.Errorf("%s: %d of %d bytes were enough", format, n, len(data))
				continue
			}
			if n >= blockSize && format == "tar" || n > 20 && format != "tar" {
				if !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), "cut short") {
					t.Errorf("%s: %d of %d bytes: %v", format, n, len(data), err)
				}
			}
		}
	}
}

// TestDamaged turns bits in what is compressed: the check sums tell.
func TestDamaged(t *testing.T) {
	plain := tarOf(t, release()...)
	for format, data := range map[string][]byte{
		"tar.gz": gz(t, plain), "tar.zst": zst(t, plain),
		"tar.xz": pack(t, plain, "xz", "-c"), "tar.bz2": pack(t, plain, "bzip2", "-c"),
	} {
		for _, at := range []int{len(data) / 3, len(data) / 2} {
			broken := bytes.Clone(data)
			broken[at] ^= 0x24
			p := newPlace(t)
			if _, err := p.unpack(broken, Options{}); err == nil {
				t.Errorf("%s: a changed byte at %d of %d went unnoticed", format, at, len(data))
			}
			p.untouched(format)
		}
		if format == "tar.gz" {
			broken := bytes.Clone(data)
			broken[len(broken)-5] ^= 1
			p := newPlace(t)
			if _, err := p.unpack(broken, Options{}); err == nil || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("a wrong check sum: %v", err)
			}
		}
	}
}

// TestDamagedZip turns bits before the directory of a zip file, which is read
// instead of the headers there. What comes out is the same, or it is an error.
func TestDamagedZip(t *testing.T) {
	data := zipOf(t, release()...)
	whole := newPlace(t)
	_, err := whole.unpack(data, Options{})
	check(t, err)
	failed := 0
	for at := range bytes.Index(data, []byte("PK\x01\x02")) {
		broken := bytes.Clone(data)
		broken[at] ^= 0x24
		p := newPlace(t)
		if _, err := p.unpack(broken, Options{}); err != nil {
			failed++
		} else if fmt.Sprint(p.list()) != fmt.Sprint(whole.list()) {
			t.Errorf("a changed byte at %d changes the files unnoticed", at)
		}
	}
	if failed == 0 {
		t.Error("no change was noticed")
	}
}

func TestEncryptedZip(t *testing.T) {
	data := zipOf(t, reg("a/x", "1"))
	central := bytes.Index(data, []byte("PK\x01\x02"))
	data[central+8] |= 1
	p := newPlace(t)
	if _, err := p.unpack(data, Options{}); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("an encrypted entry: %v", err)
	}
}

func TestZipDirectoryBound(t *testing.T) {
	data := zipOf(t, release()...)
	b := &boundedAt{r: bytes.NewReader(data), left: 100}
	if _, err := zip.NewReader(b, int64(len(data))); !errors.Is(err, ErrLimit) {
		t.Errorf("reading past the bound: %v", err)
	}
}

// FuzzUnpack: whatever the bytes, nothing outside dst changes, no link leads
// out of it, and no file in it may set-user-ID.
func FuzzUnpack(f *testing.F) {
	f.Add(tarOf(f, release()...))
	f.Add(gz(f, tarOf(f, release()...)))
	f.Add(zst(f, tarOf(f, release()...)))
	f.Add(zipOf(f, release()...))
	f.Add([]byte("BZh91AY&SY"))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04"))
	cases := evil()
	for _, what := range sortedKeys(cases) {
		if data := tarOf(f, cases[what]...); len(data) < 1<<14 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := newPlace(t)
		o := Options{MaxBytes: 1 << 20, MaxFile: 1 << 18, MaxEntries: 100}
		stats, err := p.unpack(data, o)
		p.untouched("fuzz")
		if err == nil && (stats.Bytes > o.MaxBytes || stats.Entries > o.MaxEntries) {
			t.Errorf("over the bounds: %+v", stats)
		}
		for name, text := range p.list() {
			if mode, _, _ := strings.Cut(text, " "); mode != "link" && strings.ContainsAny(mode[1:], "stST") {
				t.Errorf("%s is %s", name, mode)
			}
		}
	})
}
