package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"srcmend/internal/distfile"
	"srcmend/internal/event"
)

// TestOrder has every kind of place answer "not here" and looks at who was
// asked when.
func TestOrder(t *testing.T) {
	w := newWorld(t)
	s := serve(t, status(404, "not here"))
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "a.tar.gz"), []byte("another"), 0o444))
	w.Distdirs = []string{"", t.TempDir(), dir}
	w.SiteOverride = s.URL + "/override1 " + s.URL + "/override2/"
	w.SiteBackup = "  " + s.URL + "/backup/\n"
	w.Mirrors = []Mirror{
		{Prefix: s.URL + "/one/", Base: s.URL + "/mirror-of-one/"},
		{Prefix: s.URL + "/two/", Base: s.URL + "/mirror-of-two/"},
		{Prefix: s.URL + "/", Base: s.URL + "/mirror-of-all/"},
	}
	_, err := w.get(content(), s.at("/one/x/a.tgz"), s.at("/two/a.tgz"), s.at("/one/x/a.tgz"))
	w.wantError(err)
	want := []string{
		"/override1/a.tar.gz", "/override2/a.tar.gz",
		"/mirror-of-one/x/a.tgz", "/mirror-of-all/one/x/a.tgz", "/one/x/a.tgz",
		"/mirror-of-two/a.tgz", "/mirror-of-all/two/a.tgz", "/two/a.tgz",
		"/backup/a.tar.gz",
	}
	var got []string
	for _, r := range s.requests {
		got = append(got, r.URL.Path)
	}
	if !slices.Equal(got, want) {
		t.Errorf("asked for\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	tries := w.tries()
	if len(tries) != 1+len(want) || !strings.HasPrefix(tries[0], "red "+dir+"/a.tar.gz wrong checksum") {
		t.Errorf("events:\n%s", strings.Join(tries, "\n"))
	}
}

func TestFirstThatWorks(t *testing.T) {
	w, b := newWorld(t), content()
	missing, good, never := serve(t, status(404, "")), serve(t, whole(b, "")), serve(t, whole(b, ""))
	w.wantGot(b, missing.at("/a"), good.at("/b"), never.at("/c"))
	if never.count() != 0 {
		t.Error("went on after a source that worked")
	}
	want := []string{
		"red " + missing.URL + "/a 404 Not Found",
		"green " + good.URL + "/b ",
	}
	if got := w.tries(); !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
}

func TestDistdir(t *testing.T) {
	w, b, dir := newWorld(t), content(), t.TempDir()
	path := filepath.Join(dir, "a.tar.gz")
	check(t, os.WriteFile(path, b, 0o444))
	check(t, os.Chmod(dir, 0o555))
	t.Cleanup(func() { check(t, os.Chmod(dir, 0o755)) })
	w.Distdirs, w.Offline = []string{dir}, true
	s := serve(t, whole(b, ""))
	w.wantGot(b, s.at("/a.tar.gz"))
	if s.count() != 0 {
		t.Error("a connection was opened")
	}
	if got, want := w.tries(), []string{"green " + path + " "}; !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder has now %v, %v", entries, err)
	}
}

// TestWrongSumThenRight goes on after a source with another file, which the
// user is told of.
func TestWrongSumThenRight(t *testing.T) {
	w, b := newWorld(t), content()
	other := []byte("re-rolled")
	bad, good := serve(t, whole(other, "")), serve(t, whole(b, ""))
	w.wantGot(b, bad.at("/a"), good.at("/a"))
	tries := w.tries()
	if len(tries) != 2 || !strings.HasPrefix(tries[1], "green") {
		t.Fatalf("events: %q", tries)
	}
	for _, part := range []string{"red ", bad.URL, "wrong checksum", sumOf(t, b).String(), sumOf(t, other).String()} {
		if !strings.Contains(tries[0], part) {
			t.Errorf("%q is not in %q", part, tries[0])
		}
	}
}

// TestWrongSumCounts asserts that a wrong sum is what is reported in the end,
// whatever else went wrong.
func TestWrongSumCounts(t *testing.T) {
	w, b := newWorld(t), content()
	bad, missing := serve(t, whole([]byte("re-rolled"), "")), serve(t, status(404, ""))
	_, err := w.get(b, missing.at("/1"), bad.at("/2"), missing.at("/3"))
	w.wantError(err, "a.tar.gz: wrong checksum: no source has the file with sha256/", missing.URL+"/1", bad.URL+"/2",
		"re-rolled upstream", "announcement", "correct the recipe")
	var mismatch *distfile.MismatchError
	if !errors.As(err, &mismatch) || mismatch.Want != sumOf(t, b).String() || mismatch.Got != sumOf(t, []byte("re-rolled")).String() {
		t.Errorf("errors.As finds %+v", mismatch)
	}
	if errors.Is(err, fs.ErrNotExist) {
		t.Error("it passes for a missing file")
	}
	w.wantPartial(0)
}

func TestMissingEverywhere(t *testing.T) {
	w := newWorld(t)
	w.Mirrors = []Mirror{{Prefix: "http://", Base: "http://"}}
	s := serve(t, status(404, "nothing here"), status(410, "gone"))
	_, err := w.get(content(), s.at("/1"), s.at("/2"))
	w.wantError(err, "a.tar.gz: no source has it", "/1: 404 Not Found: nothing here", "/2: 410 Gone: gone",
		"from "+s.URL+"/1 or "+s.URL+"/2 and name the folder it is in with DISTDIR")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("it is not fs.ErrNotExist")
	}
	var refused *HTTPError
	if !errors.As(err, &refused) || refused.Code != 404 {
		t.Errorf("errors.As finds %+v", refused)
	}
	w.wantPartial(0)
}

// TestMissingSomewhere asserts that one 404 does not make it a missing file
// when another server could not be asked.
func TestMissingSomewhere(t *testing.T) {
	w := newWorld(t)
	s := serve(t, status(404, ""), status(403, ""))
	_, err := w.get(content(), s.at("/1"), s.at("/2"))
	w.wantError(err, "404", "403")
	if errors.Is(err, fs.ErrNotExist) {
		t.Error("it passes for a missing file")
	}
}

func TestOffline(t *testing.T) {
	w, b := newWorld(t), content()
	dir := t.TempDir()
	w.Offline, w.Distdirs = true, []string{"", dir}
	s := serve(t, whole(b, ""))
	_, err := w.get(b, s.at("/a?secret=tellnobody"), Source{Git: Git{URL: s.URL, Tag: "v1"}}, Source{Debian: Debian{Package: "hello"}})
	w.wantError(err, "a.tar.gz: not in the store, and srcmend is offline",
		"get a.tar.gz (sha256/"+sumOf(t, b).String()+") by hand from "+s.URL+"/a?secret=xxxxx and put it into "+dir)
	w.wantNoSecret(err, "tellnobody")
	if !errors.Is(err, ErrOffline) {
		t.Error("it is not ErrOffline")
	}
	if s.count() != 0 {
		t.Error("a connection was opened")
	}
	for _, try := range w.tries() {
		if !strings.HasPrefix(try, "skipped ") {
			t.Errorf("event: %s", try)
		}
	}
}

func TestFileURL(t *testing.T) {
	w, b, dir := newWorld(t), content(), t.TempDir()
	w.Offline = true
	path := filepath.Join(dir, "b c.tar.gz")
	check(t, os.WriteFile(path, b, 0o444))
	w.wantGot(b, Source{URL: "file://localhost" + strings.ReplaceAll(path, " ", "%20")})

	w = newWorld(t)
	_, err := w.get(b, Source{URL: "file://" + dir + "/nothing"}, Source{URL: "file://elsewhere/x"}, Source{URL: "file:x"}, Source{URL: "file://" + dir})
	w.wantError(err, "nothing: no such file", "file://elsewhere/x: a file URL must be", "file:x: a file URL must be", "not a regular file")
}

func TestUselessSources(t *testing.T) {
	w := newWorld(t)
	_, err := w.get(content(),
		Source{},
		Source{URL: "http://x.invalid/", Debian: Debian{Package: "hello"}},
		Source{URL: "ftp://user:geheim@x.invalid/a"},
		Source{URL: "http://user:geheim@[::1/a"},
		Source{URL: "a.tar.gz"},
		Source{URL: "http:///a"},
	)
	w.wantError(err, "exactly one of url, git and debian, this has 0", "this has 2",
		`cannot fetch "ftp" URLs`, "not a URL", `cannot fetch "" URLs`, "no Host")
	w.wantNoSecret(err, "geheim")
}

func TestNoSources(t *testing.T) {
	w := newWorld(t)
	_, err := w.get(content())
	w.wantError(err, "a.tar.gz: there is no source to get it from")
	if errors.Is(err, fs.ErrNotExist) {
		t.Error("nobody said that it is missing")
	}
}

func TestBadRequest(t *testing.T) {
	w := newWorld(t)
	w.Distdirs = []string{t.TempDir()}
	_, err := w.Get(t.Context(), Request{Name: "../a", Identity: sumOf(t, nil)})
	w.wantError(err, `"../a" has a slash`)
}

// TestTwoAtOnce has two Fetchers want the same file. One downloads it, the
// other waits and says so.
func TestTwoAtOnce(t *testing.T) {
	w, b := newWorld(t), content()
	waiting := make(chan struct{})
	s := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		<-waiting // until the other one is known to wait
		whole(b, "")(rw, r)
	})
	w.Fetcher.Events = func(e event.Event) {
		if note, ok := e.(event.Note); ok && strings.Contains(note.Text, "waiting for another srcmend that is fetching a.tar.gz") {
			close(waiting)
		}
		w.take(e)
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			other := *w.Fetcher
			item, err := other.Get(t.Context(), Request{Name: "a.tar.gz", Identity: sumOf(t, b), Sources: []Source{s.at("/a")}})
			if err != nil || item.Size != int64(len(b)) {
				t.Errorf("%+v %v", item, err)
			}
		})
	}
	wg.Wait()
	if s.count() != 1 {
		t.Errorf("%d requests, want 1", s.count())
	}
	want := []string{"green " + s.URL + "/a ", "green the store another process put it there"}
	if got := w.tries(); !slices.Equal(got, want) {
		t.Errorf("events: %q, want %q", got, want)
	}
}

func TestDamagedItemIsFetchedAgain(t *testing.T) {
	w, b := newWorld(t), content()
	s := serve(t, whole(b, ""))
	w.wantGot(b, s.at("/a"))
	item, _, err := w.Store.Get(sumOf(t, b))
	check(t, err)
	check(t, os.Chmod(item.Path, 0o644))
	check(t, os.WriteFile(item.Path, bytes.ToUpper(b), 0o644))
	w.wantGot(b, s.at("/a"))
	if notes := w.notes(); s.count() != 2 || !strings.Contains(notes, "warning the stored file in "+filepath.Dir(item.Path)+" is damaged") {
		t.Errorf("%d requests, and %q", s.count(), notes)
	}
}

// TestFullDiskEndsTheSearch asserts that the next source is not asked when
// there is no room: it would not fit either.
func TestFullDiskEndsTheSearch(t *testing.T) {
	w := newWorld(t)
	full := &distfile.FullError{Dir: "/store", Err: errors.New("no space")}
	id := identityFunc(func() error { return full })
	s := serve(t, whole(content(), ""))
	_, err := w.Get(t.Context(), Request{Name: "a", Identity: id, Sources: []Source{s.at("/1"), s.at("/2")}})
	if !errors.Is(err, full) || s.count() != 1 {
		t.Errorf("%v after %d requests", err, s.count())
	}
}

func TestSourceAsValue(t *testing.T) {
	s := Source{URL: "https://user:geheim@foo.example/a?token=tellnobody&v=1#x"}
	if got, want := fmt.Sprint(s), "https://xxxxx@foo.example/a?token=xxxxx&v=1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	g := Source{Git: Git{URL: "https://user:geheim@foo.example/a.git", Tag: "v1", Commit: strings.Repeat("0", 40)}}
	if got, want := g.String(), "git https://xxxxx@foo.example/a.git tag v1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := (Source{Debian: Debian{Package: "foo"}}).String(), "debian source package foo"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := (Source{}).String(), "empty source"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// It can be a key, and compared.
	if m := map[Source]int{s: 1, g: 2}; m[s] != 1 || m[g] != 2 {
		t.Error(m)
	}
}
