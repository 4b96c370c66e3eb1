package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/tree"
)

// everything wants all files.
func everything(string) bool { return true }

// these wants the files of these names.
func these(names ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}

// look writes data to a file and looks into it.
func (p place) look(data []byte, o Options, want func(string) bool) (*View, error) {
	p.t.Helper()
	f := p.file(data)
	defer f.Close()
	return look(p.t.Context(), f, o, maxKept, want)
}

// reason is what an error wraps of what callers of this package and of tree ask for.
func reason(err error) error {
	for _, known := range []error{ErrFormat, ErrTruncated, ErrUnsafe, ErrLimit, tree.ErrRefused, fs.ErrNotExist} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

// compare unpacks an archive and looks into it. Both must fail, for the same reason, or
// the view must be what was unpacked. It reports whether they did not fail.
func (p place) compare(what string, data []byte, o Options) bool {
	p.t.Helper()
	_, unpackErr := p.unpack(data, o)
	v, err := p.look(data, o, everything)
	if (err == nil) != (unpackErr == nil) || err != nil && reason(err) != reason(unpackErr) && reason(unpackErr) != unpackErr {
		p.t.Errorf("%s: Look gives %v, Unpack %v", what, err, unpackErr)
	}
	if err != nil || unpackErr != nil {
		return false
	}
	p.same(what, v, everything)
	some := func(name string) bool { return len(name)%2 == 0 }
	if v, err = p.look(data, o, some); err != nil {
		p.t.Errorf("%s: some of the files: %v", what, err)
		return false
	}
	p.same(what+", some of the files", v, some)
	return true
}

// same compares a view with what was unpacked to dst, under each of its names and under
// names that nothing has.
func (p place) same(what string, v *View, want func(string) bool) {
	p.t.Helper()
	if _, err := os.Lstat(p.join("dst/" + tree.TempPrefix + "stage")); err == nil {
		return // a tree would take it for an edit that was cut short
	}
	t, err := tree.Open(p.join("dst"))
	check(p.t, err)
	defer t.Close()
	files := []string{}
	odd := []string{"", ".", "..", "../outside", "/", "/etc", "none", "none/x", "x/", "a//x", "a\n", ".git/x"}
	for _, name := range append(sortedKeys(p.list()), odd...) {
		info, err := t.Lstat(name)
		if err == nil && !info.IsDir() {
			files = append(files, name)
		}
		p.sameLstat(what, v, t, name)
		p.sameRead(what, v, t, name, want(name))
		if tree.CheckName(name) == nil {
			for _, below := range []string{name + "/none", name + "/d/none"} {
				p.sameLstat(what, v, t, below)
				p.sameRead(what, v, t, below, want(below))
			}
		}
	}
	if slices.Sort(files); !slices.Equal(files, slices.Collect(v.Names())) {
		p.t.Errorf("%s: the names are %q, of the tree %q", what, slices.Collect(v.Names()), files)
	}
}

func (p place) sameRead(what string, v *View, t *tree.Tree, name string, wanted bool) {
	p.t.Helper()
	mine, err := v.Read(name)
	its, itsErr := t.Read(name)
	if !wanted && itsErr == nil && !its.IsLink() {
		if err == nil || reason(err) != err || !strings.Contains(err.Error(), "not asked for") {
			p.t.Errorf("%s: Read(%q), which nobody wanted: %q, %v", what, name, mine.Data, err)
		}
		return
	}
	if reason(err) != reason(itsErr) {
		p.t.Errorf("%s: Read(%q): %v, of the tree %v", what, name, err, itsErr)
	}
	if mine.Name != its.Name || mine.Mode != its.Mode || !bytes.Equal(mine.Data, its.Data) {
		p.t.Errorf("%s: Read(%q): %q %v %.60q, of the tree %q %v %.60q", what, name, mine.Name, mine.Mode, mine.Data, its.Name, its.Mode, its.Data)
	}
}

func (p place) sameLstat(what string, v *View, t *tree.Tree, name string) {
	p.t.Helper()
	mine, err := v.Lstat(name)
	its, itsErr := t.Lstat(name)
	if reason(err) != reason(itsErr) {
		p.t.Errorf("%s: Lstat(%q): %v, of the tree %v", what, name, err, itsErr)
	}
	if err != nil || itsErr != nil {
		return
	}
	if mine.Name() != its.Name() || mine.Mode().Type() != its.Mode().Type() || mine.IsDir() != its.IsDir() {
		p.t.Errorf("%s: Lstat(%q): %s %v, of the tree %s %v", what, name, mine.Name(), mine.Mode(), its.Name(), its.Mode())
	}
	if mine.Mode()&fs.ModeSymlink == 0 && mine.Mode() != its.Mode() || !mine.IsDir() && mine.Size() != its.Size() {
		p.t.Errorf("%s: Lstat(%q): %v, %d bytes; of the tree %v, %d bytes", what, name, mine.Mode(), mine.Size(), its.Mode(), its.Size())
	}
}

// lookCases are archives that Unpack takes.
func lookCases() map[string][]item {
	modes := []item{}
	for _, mode := range []int64{0, 0o400, 0o644, 0o666, 0o755, 0o777, 0o4755, 0o711} {
		f, d := reg(fmt.Sprintf("a/f%o", mode), "1"), dir(fmt.Sprintf("a/d%o/", mode))
		f.header.Mode, d.header.Mode = mode, mode
		modes = append(modes, f, d, reg(d.header.Name+"f", "2"))
	}
	shut := dir("a/d")
	shut.header.Mode = 0
	return map[string][]item{
		"release":                      release(),
		"modes":                        modes,
		"two folders":                  {reg("a/x", "1"), reg("b/y", "2"), reg("b/x", "3")},
		"a late file beside it":        {reg("a/x", "1"), reg("a/y", "2"), reg("y", "3")},
		"a single file":                {reg("x", "1")},
		"a single link":                {sym("l", "a")},
		"a single empty folder":        {dir("a/")},
		"dots":                         {dir("./"), reg("./a/./x", "1"), reg("a//y", "2")},
		"its name inside it":           {reg("a/a/a", "1"), reg("a/top", "2")},
		"links":                        {reg("a/d/f", "1"), sym("a/l", "d"), sym("a/d/l", "../x"), sym("a/m", "l"), sym("a/self", "self")},
		"links in a circle":            {sym("a/l", "m"), sym("a/m", "l"), sym("a/n", "n/x")},
		"link out of one of two":       {reg("a/x", "1"), sym("b/l", "../a/x")},
		"hard links":                   {reg("a/x", "1"), hard("a/d/y", "a/x"), hard("a/x", "a/x"), hard("a/xx", "./a/d/y")},
		"hard link to itself, nothing": {reg("a/x", "1"), hard("a/d/y", "a/d/y")},
		"target is replaced":           {reg("a/x", "1"), hard("a/yy", "a/x"), reg("a/x", "22"), hard("a/z", "a/x")},
		"second name is replaced":      {reg("a/x", "1"), hard("a/y", "a/x"), reg("a/y", "22")},
		"twice":                        {reg("a/x", "1"), reg("a/x", "22"), sym("a/l", "x"), sym("a/l", "y"), dir("a/d"), shut},
		"folder after what is in it":   {reg("a/d/x", "1"), shut},
		"git's":                        {reg("a/x", "1"), reg("a/.git/config", "2"), reg("a/.GIT", "3"), reg("a/.gitignore", "4")},
		"empty":                        {reg("a/x", ""), reg("a/yy", "")},
		"longest name":                 {reg("a/"+strings.Repeat("n", maxComponent), "1"), reg("a/x", "2")},
	}
}

// TestLookAsUnpack: a view is the tree that is unpacked.
func TestLookAsUnpack(t *testing.T) {
	cases := lookCases()
	for _, what := range sortedKeys(cases) {
		plain := tarOf(t, cases[what]...)
		for format, data := range map[string][]byte{"tar": plain, "tar.gz": gz(t, plain)} {
			if !newPlace(t).compare(format+", "+what, data, Options{}) {
				t.Errorf("%s, %s: not unpacked", format, what)
			}
		}
	}
	plain := tarOf(t, release()...)
	for format, data := range map[string][]byte{
		"zip": zipOf(t, release()...), "tar.zst": zst(t, plain), "two folders, zip": zipOf(t, cases["two folders"]...),
		"tar.xz": pack(t, plain, "xz", "-c"), "tar.bz2": pack(t, plain, "bzip2", "-c"),
	} {
		if !newPlace(t).compare(format, data, Options{}) {
			t.Errorf("%s: not unpacked", format)
		}
	}
}

// TestLookIntoRealOnes looks into the source packages that "make corpus" has left, if
// it has. Some have links that only make sense elsewhere: those both refuse.
func TestLookIntoRealOnes(t *testing.T) {
	names, _ := filepath.Glob(filepath.Join(os.Getenv(corpusVariable), "sources", "*.tar.*z*"))
	unpacked, refused := 0, 0
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Size() > 12<<20 || strings.HasSuffix(name, ".asc") {
			continue
		}
		data, err := os.ReadFile(name)
		check(t, err)
		p := newPlace(t)
		if p.compare(filepath.Base(name), data, Options{}) {
			unpacked++
		} else {
			refused++
		}
		check(t, os.RemoveAll(p.join("dst")))
	}
	if unpacked+refused == 0 {
		t.Skipf("needs what make corpus fetches, in the folder sources of $%s", corpusVariable)
	}
	if t.Logf("%d archives, and %d refused", unpacked, refused); refused > unpacked/10 {
		t.Error("many are refused")
	}
}

// TestLookRefuses: what Unpack refuses, Look refuses.
func TestLookRefuses(t *testing.T) {
	cases := evil()
	cases["nothing"] = nil
	cases["only its root"] = []item{dir("./")}
	for _, what := range sortedKeys(cases) {
		for format, data := range map[string][]byte{"tar": tarOf(t, cases[what]...), "tar.gz": gz(t, tarOf(t, cases[what]...))} {
			p := newPlace(t)
			if p.compare(format+", "+what, data, Options{}) {
				t.Errorf("%s, %s: not refused", format, what)
			}
			v, err := p.look(data, Options{}, these())
			if err == nil || v != nil || strings.ContainsAny(err.Error(), "\n\x1b\x7f") {
				t.Errorf("%s, %s, without contents: %v", format, what, err)
			}
			p.untouched(what)
		}
	}
	for _, data := range [][]byte{nil, []byte("<!DOCTYPE html><title>Moved</title>"), gz(t, []byte("text"))} {
		newPlace(t).compare(fmt.Sprintf("%.20q", data), data, Options{})
	}
}

// TestLookAsks: want is asked for names of the tree, and what it wants can be read.
func TestLookAsks(t *testing.T) {
	for _, c := range []struct {
		what  string
		items []item
		want  []string
		gives map[string]string // "" is the error of a mistake
	}{
		{"top left out", []item{reg("a/x", "1"), reg("a/a/x", "2")}, []string{"a/x"}, map[string]string{"a/x": "2", "x": ""}},
		{"top left out, both", []item{reg("a/x", "1"), reg("a/a/x", "2")}, []string{"a/x", "x"}, map[string]string{"a/x": "2", "x": "1"}},
		{"top stays", []item{reg("a/x", "1"), reg("a/b/y", "2"), reg("b/y", "3")}, []string{"a/x", "b/y"}, map[string]string{"a/x": "1", "b/y": "3", "a/b/y": ""}},
		{"second name", []item{reg("a/x", "1"), hard("a/y", "a/x"), hard("a/z", "a/y")}, []string{"z"}, map[string]string{"z": "1", "y": "", "x": ""}},
		{"second name of what is gone", []item{reg("a/x", "1"), hard("a/y", "a/x"), reg("a/x", "2"), hard("a/z", "a/x"), reg("a/x", "3")}, []string{"y", "z"}, map[string]string{"y": "1", "z": "2", "x": ""}},
		{"second name, top stays", []item{reg("a/x", "1"), hard("b/y", "a/x")}, []string{"b/y", "y"}, map[string]string{"b/y": "1", "a/x": ""}},
		{"first name", []item{reg("a/x", "1"), hard("a/y", "a/x")}, []string{"x"}, map[string]string{"x": "1", "y": ""}},
		{"the last counts", []item{reg("a/x", "1"), reg("a/x", "2")}, []string{"x"}, map[string]string{"x": "2"}},
	} {
		for format, data := range map[string][]byte{"tar": tarOf(t, c.items...), "tar.gz": gz(t, tarOf(t, c.items...))} {
			v, err := newPlace(t).look(data, Options{}, these(c.want...))
			if err != nil {
				t.Errorf("%s, %s: %v", format, c.what, err)
				continue
			}
			for name, want := range c.gives {
				f, err := v.Read(name)
				if string(f.Data) != want || (err != nil) != (want == "") || reason(err) != err {
					t.Errorf("%s, %s: Read(%q) gives %q, %v", format, c.what, name, f.Data, err)
				}
			}
		}
	}
}

// TestLookReadsOnce: that the top folder may stay or go is no reason to read twice, and
// once it is known to stay, names below it are not asked for.
func TestLookReadsOnce(t *testing.T) {
	for _, c := range []struct {
		what  string
		items []item
		kept  []string
	}{
		{"it goes", []item{reg("a/x", "1"), reg("a/y", "2")}, []string{"a/x", "a/y"}},
		{"it stays", []item{reg("a/y", "1"), reg("b/x", "2"), reg("b/y", "3")}, []string{"a/y"}},
	} {
		l := &looker{view: &View{nodes: map[string]*node{".": {mode: fs.ModeDir}}, want: these("x", "a/y")}, room: maxKept}
		f := newPlace(t).file(tarOf(t, c.items...))
		_, err := scanRelease(t.Context(), f, Options{}.withDefaults(), l.add)
		check(t, err)
		check(t, f.Close())
		gone, err := l.top.leave()
		check(t, err)
		if missing := l.view.settle(gone); len(missing) > 0 {
			t.Errorf("%s: %d files have to be read again", c.what, len(missing))
		}
		for name, n := range l.view.nodes {
			if n.kept != slices.Contains(c.kept, name) {
				t.Errorf("%s: that %s is kept is %v", c.what, name, n.kept)
			}
		}
	}
}

// TestLookGivesCopies: what somebody does to a file that was read is nothing to others.
func TestLookGivesCopies(t *testing.T) {
	v, err := newPlace(t).look(tarOf(t, release()...), Options{}, everything)
	check(t, err)
	for _, name := range []string{"README", "src/r"} {
		f, err := v.Read(name)
		check(t, err)
		was := string(f.Data)
		f.Data[0] = '#'
		if f, err = v.Read(name); err != nil || string(f.Data) != was {
			t.Errorf("%s is now %q, %v", name, f.Data, err)
		}
	}
	if info, err := v.Lstat("src/main.c"); err != nil || !info.ModTime().Equal(when()) || info.Sys() != nil {
		t.Errorf("%v, %v", info, err)
	}
}

// TestLookAtLargeFiles: one larger than a tree reads is no reason to fail, but is not
// kept either.
func TestLookAtLargeFiles(t *testing.T) {
	data := tarOf(t, reg("a/large", strings.Repeat("x", tree.MaxFile+1)), reg("a/x", "1"), hard("a/too", "a/large"))
	p := newPlace(t)
	if !p.compare("a large file", data, Options{}) {
		t.Error("not unpacked")
	}
	f := p.file(data)
	defer f.Close()
	_, err := look(t.Context(), f, Options{}, 1<<20, everything)
	check(t, err)
}

// TestLookIsBounded: what is kept is bounded, be it contents, names or targets of links,
// and what is unpacked too.
func TestLookIsBounded(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 1<<12)
	deep := reg("a/"+strings.Repeat("d/", 120)+"x", "")
	long := []item{dir("a")}
	for i := range 40 {
		long = append(long, sym(fmt.Sprintf("a/l%d", i), strings.Repeat("n/", 1000)+"n"))
	}
	for _, c := range []struct {
		what  string
		items []item
		want  func(string) bool
		room  int64
		ok    bool
	}{
		{"two of two files", []item{reg("a/x", text), reg("a/y", text)}, everything, 100 << 10, false},
		{"one of two files", []item{reg("a/x", text), reg("a/y", text)}, these("y"), 100 << 10, true},
		{"the same file twice", []item{reg("a/x", text), hard("a/y", "a/x"), hard("a/z", "a/x")}, everything, 100 << 10, true},
		{"second names of two files", []item{reg("a/x", text), hard("a/xx", "a/x"), reg("a/y", text), hard("a/yy", "a/y")}, these("xx", "yy"), 100 << 10, false},
		{"deep folders", []item{deep}, these(), 20 << 10, false},
		{"deep folders, more room", []item{deep}, these(), 100 << 10, true},
		{"targets of links", long, these(), 60 << 10, false},
		{"targets of links, more room", long, these(), 160 << 10, true},
	} {
		f := newPlace(t).file(gz(t, tarOf(t, c.items...)))
		_, err := look(t.Context(), f, Options{}, c.room, c.want)
		check(t, f.Close())
		if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	zeros := reg("a/zeros", strings.Repeat("\x00", ratioFrom+16<<20))
	if _, err := newPlace(t).look(zst(t, tarOf(t, zeros)), Options{}, these()); !errors.Is(err, ErrLimit) {
		t.Errorf("a bomb: %v", err)
	}
	for _, o := range []Options{{MaxFile: 9}, {MaxBytes: 1 << 10}, {MaxEntries: 2}, {MaxName: 8}, {MaxDepth: 1}} {
		if _, err := newPlace(t).look(gz(t, tarOf(t, release()...)), o, these()); !errors.Is(err, ErrLimit) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestLookAtDamage: damage behind all that is wanted is noticed, and in what nobody
// wants.
func TestLookAtDamage(t *testing.T) {
	plain := tarOf(t, release()...)
	for format, data := range map[string][]byte{"tar": plain, "tar.gz": gz(t, plain), "tar.zst": zst(t, plain), "zip": zipOf(t, release()...)} {
		end := len(data)
		if format == "tar" {
			end -= blockSize // one block of zeros is enough of an end
		}
		for n := 1; n < end; n += max(1, end/60) {
			for _, want := range []func(string) bool{these(), everything} {
				if _, err := newPlace(t).look(data[:n], Options{}, want); err == nil {
					t.Errorf("%s: %d of %d bytes were enough", format, n, len(data))
				}
			}
		}
		if format == "tar.gz" {
			broken := bytes.Clone(data)
			broken[len(broken)-5] ^= 1
			newPlace(t).compare("wrong check sum", broken, Options{})
			if _, err := newPlace(t).look(broken, Options{}, these("README")); err == nil {
				t.Error("a wrong check sum went unnoticed")
			}
		}
	}
}

// TestLookWhileItChanges: an archive that is another one when it is read again gives an
// error, not the content of another file.
func TestLookWhileItChanges(t *testing.T) {
	before := reg("a/y", "1")
	first := []item{before, reg("a/x", "23"), hard("a/z", "a/x")}
	for what, other := range map[string][]item{
		"smaller":      {before, reg("a/x", "2"), hard("a/z", "a/x")},
		"larger":       {before, reg("a/x", "234"), hard("a/z", "a/x")},
		"a folder":     {before, dir("a/x"), reg("a/z", "23")},
		"fewer things": {before},
	} {
		p := newPlace(t)
		f := p.file(tarOf(t, first...))
		changed := false
		_, err := look(t.Context(), f, Options{}, maxKept, func(name string) bool {
			if name == "z" && !changed { // it is asked for when all was read once
				changed = true
				check(t, os.WriteFile(p.join("archive"), tarOf(t, other...), 0o644))
			}
			return name == "z"
		})
		check(t, f.Close())
		if err == nil || !changed {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestLookEnds(t *testing.T) {
	p := newPlace(t)
	f := p.file(gz(t, tarOf(t, release()...)))
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Look(ctx, f, func(string) bool { cancel(); return true })
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "archive") {
		t.Errorf("cancelled: %v", err)
	}
	r, w, err := os.Pipe()
	check(t, err)
	defer r.Close()
	defer w.Close()
	if _, err := Look(t.Context(), r, everything); err == nil {
		t.Error("a pipe was read")
	}
}

// FuzzLook: whatever the bytes, Look and Unpack both fail, or the view is what was
// unpacked.
func FuzzLook(f *testing.F) {
	for _, cases := range []map[string][]item{lookCases(), evil()} {
		for _, what := range sortedKeys(cases) {
			if data := tarOf(f, cases[what]...); len(data) < 1<<14 {
				f.Add(data, false)
			}
		}
	}
	f.Add(gz(f, tarOf(f, release()...)), false)
	f.Add(zipOf(f, release()...), false)
	f.Fuzz(func(t *testing.T, data []byte, sums bool) {
		if sums {
			data = bytes.Clone(data)
			mendSums(data)
		}
		p := newPlace(t)
		p.compare("fuzz", data, Options{MaxBytes: 1 << 20, MaxFile: 1 << 18, MaxEntries: 100})
		p.untouched("fuzz")
	})
}

// mendSums gives whatever may be a header in a tar archive the check sum it should have,
// so that changed ones are read.
func mendSums(data []byte) {
	for len(data) >= blockSize {
		block := data[:blockSize]
		data = data[blockSize:]
		if string(block[257:262]) == "ustar" {
			seal(block)
		}
	}
}

// TestNames: who looks for a file that moved goes through the names.
func TestNames(t *testing.T) {
	v, err := newPlace(t).look(gz(t, tarOf(t, release()...)), Options{}, these())
	check(t, err)
	for name := range v.Names() {
		if path.Base(name) == "main.c" {
			if name != "src/main.c" {
				t.Errorf("found %s", name)
			}
			return
		}
	}
	t.Error("not found")
}
