package fetch

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"srcmend/internal/distfile"
)

// A debianArchive is an archive of source packages on a server of its own. The
// real apt-get fetches from it.
type debianArchive struct {
	*server
	t        *testing.T
	mu       sync.Mutex
	files    map[string][]byte // by path
	sources  []string          // the index's paragraphs
	requests map[string]int    // by path
}

// newDebianArchive makes an empty archive for the release "rel", and has the
// world's machine use it.
func newDebianArchive(t *testing.T, w *world, extra ...string) *debianArchive {
	t.Helper()
	if _, err := lookPaths("apt-get", "apt-cache"); err != nil {
		t.Skip("no apt-get here")
	}
	t.Setenv("no_proxy", "127.0.0.1,127.0.0.2")
	a := &debianArchive{t: t, files: map[string][]byte{}, requests: map[string]int{}}
	a.server = serve(t, a.answer)
	w.etc = t.TempDir()
	check(t, os.MkdirAll(filepath.Join(w.etc, "apt"), 0o755))
	check(t, os.WriteFile(filepath.Join(w.etc, "os-release"), []byte("ID=test\nVERSION_CODENAME=rel\n"), 0o644))
	list := "deb [trusted=yes arch=amd64] " + a.URL + " rel main\n" + strings.Join(extra, "\n")
	check(t, os.WriteFile(filepath.Join(w.etc, "apt", "sources.list"), []byte(list), 0o644))
	a.publish()
	return a
}

func (a *debianArchive) answer(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.requests[r.URL.Path]++
	b, ok := a.files[r.URL.Path]
	a.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	whole(b, "")(w, r)
}

// asked is how often a path was asked for.
func (a *debianArchive) asked(path string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests[path]
}

// add adds a version of a package with these tarballs, by name.
func (a *debianArchive) add(pkg, version string, tarballs map[string][]byte) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	dir := fmt.Sprintf("pool/%s-%d", pkg, len(a.sources))
	files := map[string][]byte{pkg + "_" + version + ".dsc": []byte("a description")}
	maps.Copy(files, tarballs)
	var sums, md5s string
	for name, b := range files {
		a.files["/"+dir+"/"+name] = b
		sums += fmt.Sprintf("\n %x %d %s", sha256.Sum256(b), len(b), name)
		md5s += fmt.Sprintf("\n %x %d %s", md5.Sum(b), len(b), name)
	}
	a.sources = append(a.sources, fmt.Sprintf(
		"Package: %s\nBinary: %s-bin\nVersion: %s\nFormat: 3.0 (quilt)\nDirectory: %s\nFiles:%s\nChecksums-Sha256:%s\n",
		pkg, pkg, version, dir, md5s, sums))
	a.publishLocked()
}

// lose has the server answer 404 for all files of this name.
func (a *debianArchive) lose(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for path := range a.files {
		if strings.HasPrefix(path, "/pool/") && strings.HasSuffix(path, "/"+name) {
			delete(a.files, path)
		}
	}
}

// publish writes the index.
func (a *debianArchive) publish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.publishLocked()
}

func (a *debianArchive) publishLocked() {
	index := []byte(strings.Join(a.sources, "\n"))
	a.files["/dists/rel/main/source/Sources"] = index
	a.files["/dists/rel/Release"] = fmt.Appendf(nil,
		"Origin: Test\nLabel: Test\nSuite: rel\nCodename: rel\nDate: %s\nArchitectures: amd64\nComponents: main\nSHA256:\n %x %d main/source/Sources\n",
		time.Now().UTC().Format(time.RFC1123), sha256.Sum256(index), len(index))
}

const releasePath = "/dists/rel/Release"

// getDebian asks for the file with the content b of a package.
func (w *world) getDebian(b []byte, pkg string) (distfile.Item, error) {
	return w.get(b, Source{Debian: Debian{Package: pkg}})
}

func TestDebian(t *testing.T) {
	w := newWorld(t)
	b := content()
	// One archive of the distribution cannot be reached, and neither can a
	// vendor's, which must not even be tried.
	vendor := serve(t, status(500, ""))
	a := newDebianArchive(t, w,
		"deb [trusted=yes] http://127.0.0.2:1/debian rel-updates main",
		"deb [trusted=yes] "+vendor.URL+" vendor main")
	a.add("foo", "1.2-1", map[string][]byte{"foo_1.2.orig.tar.gz": b, "foo_1.2.orig-more.tar.gz": []byte("more"), "foo_1.2-1.debian.tar.xz": []byte("debian")})
	a.add("foo", "1.1-1", map[string][]byte{"foo_1.1.orig.tar.gz": []byte("older")})
	item, err := w.getDebian(b, "foo")
	check(t, err)
	if item.Name != "a.tar.gz" || item.Sum != sumOf(t, b) {
		t.Errorf("got %+v", item)
	}
	if got, want := w.tries(), []string{"green debian source package foo foo=1.2-1"}; !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
	if notes := w.notes(); !strings.Contains(notes, "warning not all lists of source packages could be fetched: apt-get: E: ") {
		t.Errorf("nobody was told of the archive that cannot be reached: %s", notes)
	}
	if vendor.count() != 0 {
		t.Error("a vendor's archive was asked")
	}
	if left, err := filepath.Glob(filepath.Join(w.Store.Dir(), ".partial", "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

// TestDebianOtherVersionIsServed has the newest version's tarball missing on
// the server. The other version has the same one.
func TestDebianOtherVersionIsServed(t *testing.T) {
	w, b := newWorld(t), content()
	a := newDebianArchive(t, w)
	a.add("foo", "1.2+dfsg-1", map[string][]byte{"foo_1.2+dfsg.orig.tar.gz": b})
	a.add("foo", "1:0.9-1", map[string][]byte{"foo_0.9.orig.tar.gz": b})
	a.add("foo", "1.2+dfsg-1+deb2", map[string][]byte{"foo_1.2+dfsg.orig.tar.xz": b})
	a.lose("foo_0.9.orig.tar.gz")
	a.lose("foo_1.2+dfsg.orig.tar.xz")
	_, err := w.getDebian(b, "foo")
	check(t, err)
	if got, want := w.tries(), []string{"green debian source package foo foo=1.2+dfsg-1"}; !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
	for i, name := range []string{"foo-1/foo_0.9.orig.tar.gz", "foo-2/foo_1.2+dfsg.orig.tar.xz"} {
		if a.asked("/pool/"+name) == 0 {
			t.Errorf("version %d was not asked for", i)
		}
	}

	w = newWorld(t)
	b2 := []byte("lost everywhere")
	a = newDebianArchive(t, w)
	a.add("foo", "2", map[string][]byte{"foo_2.tar.gz": b2})
	a.lose("foo_2.tar.gz")
	_, err = w.getDebian(b2, "foo")
	w.wantError(err, "debian source package foo: foo=2: apt-get: E: ", "404")
	w.wantPartial(0)
}

func TestDebianWithoutTheTarball(t *testing.T) {
	w := newWorld(t)
	a := newDebianArchive(t, w)
	for i := range maxListed + 3 {
		name := fmt.Sprintf("foo_%d.orig.tar.gz", i)
		a.add("foo", fmt.Sprintf("%d-1", i), map[string][]byte{name: []byte(name), name + ".asc": content()})
	}
	_, err := w.getDebian(content(), "foo")
	w.wantError(err, "none of the 15 versions of source package foo has a tarball with sha256 "+sumOf(t, content()).String(),
		"foo_14.orig.tar.gz (14-1) has sha256 "+sumOf(t, []byte("foo_14.orig.tar.gz")).String(), "and 3 more")
	if strings.Contains(err.Error(), "foo_2.orig") {
		t.Errorf("all are listed: %v", err)
	}
	_, err = w.getDebian(content(), "bar")
	w.wantError(err, "has no source package bar")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("it is not fs.ErrNotExist")
	}
	// foo-bin is a binary package of foo, and that is not what was asked for.
	_, err = w.getDebian(content(), "foo-bin")
	w.wantError(err, "has no source package foo-bin")
}

// TestDebianIndexIsKept counts how often the index is fetched.
func TestDebianIndexIsKept(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	w.Now = func() time.Time { return now }
	w.AptDir = filepath.Join(t.TempDir(), "apt dir")
	one, two, three := []byte("one"), []byte("two"), []byte("three")
	a := newDebianArchive(t, w)
	wantIndex := func(want int, when string) {
		t.Helper()
		if got := a.asked(releasePath); got != want {
			t.Errorf("%s: the index was fetched %d times, want %d", when, got, want)
		}
	}
	get := func(b []byte) error {
		_, err := w.getDebian(b, "foo")
		return err
	}
	a.add("foo", "1", map[string][]byte{"foo_1.tar.gz": one})
	check(t, get(one))
	wantIndex(1, "at first")
	a.add("foo", "2", map[string][]byte{"foo_2.tar.gz": two})
	w.wantErrorOnly(get(two), "none of the 1 versions")
	wantIndex(1, "shortly after the first time")
	now = now.Add(indexPause + time.Second)
	check(t, get(two))
	wantIndex(2, "for what is not in it")
	a.add("foo", "3", map[string][]byte{"foo_3.tar.gz": three})
	now = now.Add(indexAge + time.Second)
	check(t, get(three))
	wantIndex(3, "after a day")
	// Another archive makes the index an old one.
	other := newDebianArchive(t, w)
	other.add("foo", "4", map[string][]byte{"foo_4.tar.gz": content()})
	check(t, get(content()))
	if other.asked(releasePath) != 1 {
		t.Error("the index of a new archive was not fetched")
	}
}

// wantErrorOnly is wantError for a store that has items.
func (w *world) wantErrorOnly(err error, part string) {
	w.t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		w.t.Errorf("%q is not in the error:\n%v", part, err)
	}
}

// TestDebianHooksAreNotRun gives APT a hook for updates, as systems have them
// to clear up after themselves.
func TestDebianHooksAreNotRun(t *testing.T) {
	w, b := newWorld(t), content()
	a := newDebianArchive(t, w)
	a.add("foo", "1", map[string][]byte{"foo_1.tar.gz": b})
	dir := t.TempDir()
	conf := filepath.Join(dir, "apt.conf")
	hook := filepath.Join(dir, "hook-was-run")
	var text strings.Builder
	for _, name := range []string{"Pre-Invoke", "Post-Invoke", "Post-Invoke-Success"} {
		text.WriteString(fmt.Sprintf("APT::Update::%s { \"touch '%s'\"; };\n", name, hook))
	}
	check(t, os.WriteFile(conf, []byte(text.String()), 0o644))
	t.Setenv("APT_CONFIG", conf)
	_, err := w.getDebian(b, "foo")
	check(t, err)
	if _, err := os.Stat(hook); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a hook of the system was run: %v", err)
	}
}

// TestDebianLeavesTheSystemAlone compares the folders of the system's own
// package lists.
func TestDebianLeavesTheSystemAlone(t *testing.T) {
	w, b := newWorld(t), content()
	a := newDebianArchive(t, w)
	look := func() string {
		var seen strings.Builder
		for _, dir := range []string{"/var/lib/apt", "/var/cache/apt"} {
			_ = filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
				if err == nil {
					fmt.Fprintln(&seen, path, st.Size(), st.ModTime())
				}
				return nil
			})
		}
		return seen.String()
	}
	// Somebody else may be using APT at the same time, but hardly always.
	var before, after string
	for range 3 {
		before = look()
		w.AptDir = t.TempDir()
		a.add("foo", "1", map[string][]byte{"foo_1.tar.gz": b})
		_, err := w.getDebian(b, "foo")
		check(t, err)
		if after = look(); after == before {
			return
		}
		b = append(b, 'x')
	}
	t.Errorf("before:\n%s\nafter:\n%s", before, after)
}

func TestDebianRequestsThatCannotWork(t *testing.T) {
	w := newWorld(t)
	source := []Source{{Debian: Debian{Package: "foo"}}}
	_, err := w.Get(t.Context(), Request{Name: "a", Identity: identityFunc(func() error { return nil }), Sources: source})
	w.wantError(err, "only a file of which the sha256 is known")
	for _, pkg := range []string{"-o=x", "a b", "Foo", "f", "foo=1", "foo/bar"} {
		_, err := w.getDebian(content(), pkg)
		w.wantError(err, "is no name of a source package")
	}
	t.Run("no apt-get", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := w.getDebian(content(), "foo")
		w.wantError(err, "no apt-get here: this source works on Debian and its relatives")
		if got := w.tries(); !strings.HasPrefix(got[len(got)-1], "skipped ") {
			t.Errorf("events: %q", got)
		}
	})
}

func TestDebianWithoutArchives(t *testing.T) {
	w := newWorld(t)
	newDebianArchive(t, w)
	list := filepath.Join(w.etc, "apt", "sources.list")
	check(t, os.WriteFile(list, []byte("deb http://vendor.invalid/ vendor main\nnonsense\n"), 0o644))
	_, err := w.getDebian(content(), "foo")
	w.wantError(err, "none of the 1 archives in "+filepath.Join(w.etc, "apt"), list+": line 2")
	check(t, os.Remove(filepath.Join(w.etc, "os-release")))
	_, err = w.getDebian(content(), "foo")
	w.wantError(err, "cannot tell which distribution this is")
}

// TestDebianUnreachable has no archive at all that answers.
func TestDebianUnreachable(t *testing.T) {
	w := newWorld(t)
	a := newDebianArchive(t, w)
	a.Close()
	_, err := w.getDebian(content(), "foo")
	w.wantError(err, "debian source package foo: ", "not all lists of source packages could be fetched: apt-get: ")
}

func TestDebianTooLarge(t *testing.T) {
	w, b := newWorld(t), content()
	a := newDebianArchive(t, w)
	a.add("foo", "1", map[string][]byte{"foo_1.tar.gz": b})
	w.Store.Limit = int64(len(b)) - 1
	_, err := w.getDebian(b, "foo")
	w.wantError(err, "foo=1 is larger than the limit")
	if n := a.asked("/pool/foo-0/foo_1.tar.gz"); n != 0 {
		t.Errorf("it was asked for %d times", n)
	}
}

// TestDebianDamagedTarball has the server send another file than its index
// says. APT notices.
func TestDebianDamagedTarball(t *testing.T) {
	w, b := newWorld(t), content()
	a := newDebianArchive(t, w)
	a.add("foo", "1", map[string][]byte{"foo_1.tar.gz": b})
	a.mu.Lock()
	a.files["/pool/foo-0/foo_1.tar.gz"] = bytes.ToUpper(b)
	a.mu.Unlock()
	_, err := w.getDebian(b, "foo")
	w.wantError(err, "foo=1: apt-get: E: ")
	w.wantPartial(0)
}

// TestDebianCancel cancels while the server holds the tarball back.
func TestDebianCancel(t *testing.T) {
	w, b := newWorld(t), content()
	a := newDebianArchive(t, w)
	a.add("foo", "1", map[string][]byte{"foo_1.tar.gz": b})
	ctx, cancel := context.WithCancel(t.Context())
	a.answers[0] = func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/pool/") {
			cancel()
			<-r.Context().Done()
			return
		}
		a.answer(rw, r)
	}
	_, err := w.Get(ctx, Request{Name: "a.tar.gz", Identity: sumOf(t, b), Sources: []Source{{Debian: Debian{Package: "foo"}}}})
	w.wantError(err, "debian source package foo")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	w.wantPartial(0)
}

// TestDebianReal fetches a small tarball from the distribution itself, one
// that the distribution's own index names.
func TestDebianReal(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode")
	}
	dpkg, err := exec.LookPath("dpkg-query")
	if err != nil {
		t.Skip("no dpkg-query here")
	}
	installed, err := exec.Command(dpkg, "-W", "-f", "${source:Package}\n").Output()
	check(t, err)
	w := newWorld(t)
	a, err := w.openApt(t.Context())
	if err != nil {
		t.Skipf("nothing to ask: %v", err)
	}
	a.update(t.Context())
	check(t, a.lock.Unlock())
	if a.updateErr != nil {
		t.Skipf("the archives cannot be reached: %v", a.updateErr)
	}
	// A mirror may lack some of what its index names, but not all.
	for pkg, file := range smallTarballs(t, a, slices.Compact(strings.Fields(string(installed)))) {
		item, err := w.Get(t.Context(), Request{
			Name: "small.tar", Identity: file.sum, Sources: []Source{{Debian: Debian{Package: pkg}}},
		})
		if err == nil && (item.Sum != file.sum || item.Size != file.size) {
			t.Errorf("got %+v, want %+v", item, file)
		}
		if err == nil {
			return
		}
		t.Log(err)
	}
	t.Error("none of them can be had")
}

// smallTarballs returns up to ten small tarballs of the named packages.
func smallTarballs(t *testing.T, a *apt, names []string) map[string]sourceFile {
	t.Helper()
	found := map[string]sourceFile{}
	for _, name := range names {
		versions, err := a.versions(t.Context(), name)
		check(t, err)
		for _, v := range versions {
			for _, file := range v.files {
				if file.isTarball() && v.tarSize() < 300_000 {
					found[name] = file
				}
			}
		}
		if len(found) == 10 {
			return found
		}
	}
	if len(found) == 0 {
		t.Skip("no small tarball in the index")
	}
	return found
}

// TestDebianAsAnotherUser runs this test binary's tests of real downloads as a
// user without privileges, if we are root.
func TestDebianAsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("we are no root already")
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("no setpriv here")
	}
	exe, err := os.Executable()
	check(t, err)
	b, err := os.ReadFile(exe)
	check(t, err)
	// A folder that the other user may enter.
	dir, err := os.MkdirTemp("", "fetch-test")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	check(t, os.Chmod(dir, 0o755))
	copied := filepath.Join(dir, "fetch.test")
	check(t, os.WriteFile(copied, b, 0o755))
	home := filepath.Join(dir, "home")
	check(t, os.Mkdir(home, 0o755))
	check(t, os.Chown(home, 65534, 65534))
	cmd := exec.Command(setpriv, "--reuid=65534", "--regid=65534", "--clear-groups", copied, "-test.run=^(TestDebian|TestDebianIndexIsKept)$", "-test.v")
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+home)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestDebian ")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestParseShowsrc(t *testing.T) {
	sum := sumOf(t, content())
	in := "Package: foo\nVersion: 1.0-1\nChecksums-Sha256:\n " + sum.String() + " 5 foo_1.0.orig.tar.gz\n nonsense\n " + sum.String() + " 5 ../../x.tar.gz\n\n" +
		"Package: bar\nVersion: 9\n\n" +
		"Package: foo\nVersion: 1.0-1\n\n" +
		"Package: foo\nVersion: 1.0~rc1-1\nFiles:\n d41d8cd98f00b204e9800998ecf8427e 5 x.tar.gz\n\n" +
		"Package: foo\nVersion: 1:0.1-1\n\nPackage: foo\n\n"
	got, err := parseShowsrc(strings.NewReader(in), "foo")
	check(t, err)
	var versions []string
	for _, v := range got {
		versions = append(versions, v.version)
	}
	if want := []string{"1:0.1-1", "1.0-1", "1.0~rc1-1"}; !slices.Equal(versions, want) {
		t.Errorf("versions %v, want %v", versions, want)
	}
	want := []sourceFile{{sum, 5, "foo_1.0.orig.tar.gz"}}
	if !slices.Equal(got[1].files, want) {
		t.Errorf("files %+v, want %+v", got[1].files, want)
	}
	if _, err := parseShowsrc(strings.NewReader("hello"), "foo"); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("nonsense: %v", err)
	}
}

func TestIsTarball(t *testing.T) {
	for name, want := range map[string]bool{
		"foo_1.orig.tar.gz": true, "foo_1.orig-part.tar.bz2": true, "foo_1.tar.xz": true,
		"foo_1.orig.tar.gz.asc": false, "foo_1-1.debian.tar.xz": false, "foo_1.dsc": false, "foo_1.diff.gz": false,
	} {
		if got := (sourceFile{name: name}).isTarball(); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCompareDebian asks dpkg about the order, where it is present.
func TestCompareDebian(t *testing.T) {
	ordered := []string{
		"not a version!", "0", "1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-1+deb12u10", "1.0+dfsg-1", "1.0.1-1", "1.9-1", "1.10-1", "1:0.1-1", "2:0",
	}
	dpkg, err := exec.LookPath("dpkg")
	for i, a := range ordered {
		for j, b := range ordered {
			if got := compareDebian(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("compareDebian(%q, %q) is %d", a, b, got)
			}
			if err == nil && i > 0 && j > 0 && i < j && exec.Command(dpkg, "--compare-versions", a, "lt", b).Run() != nil {
				t.Errorf("dpkg does not find %q lower than %q", a, b)
			}
		}
	}
}

// FuzzParseShowsrc asserts that the versions come in falling order, each once,
// and that no file name leads out of a folder.
func FuzzParseShowsrc(f *testing.F) {
	f.Add("Package: foo\nVersion: 1.0-1\nChecksums-Sha256:\n " + strings.Repeat("0", 64) + " 5 foo.tar.gz\n")
	f.Add("Package: foo\nVersion: 1:2~\n\nPackage: foo\nVersion: 1:2\n")
	f.Fuzz(func(t *testing.T, in string) {
		versions, err := parseShowsrc(strings.NewReader(in), "foo")
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for i, v := range versions {
			if seen[v.version] || i > 0 && compareDebian(versions[i-1].version, v.version) < 0 {
				t.Errorf("%q is out of order or comes twice", v.version)
			}
			seen[v.version] = true
			for _, file := range v.files {
				if strings.Contains(file.name, "/") || file.name == ".." || file.size < 0 {
					t.Errorf("file %+v", file)
				}
			}
		}
	})
}
