package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"srcmend/internal/distfile"
	"srcmend/internal/event"
)

func TestDownload(t *testing.T) {
	w, b := newWorld(t), content()
	s := serve(t, whole(b, `"1"`))
	w.wantGot(b, s.at("/a.tar.gz"))
	for name, want := range map[string]string{"Accept-Encoding": "identity", "User-Agent": "srcmend", "Range": ""} {
		if got := s.header(name); len(got) != 1 || got[0] != want {
			t.Errorf("header %s: %q, want once %q", name, got, want)
		}
	}
	if got := w.tries(); len(got) != 1 || got[0] != "green "+s.URL+"/a.tar.gz " {
		t.Errorf("events: %q", got)
	}
	w.wantGot(b, s.at("/a.tar.gz"))
	if s.count() != 1 {
		t.Errorf("what is in the store was asked for again: %d requests", s.count())
	}
}

func TestThreeCutsAreResumed(t *testing.T) {
	w, b := newWorld(t), content()
	full := whole(b, `"1"`)
	s := serve(t, cut(full, 1000), cut(full, 100_000), cut(full, 50_000), full)
	w.wantGot(b, s.at("/a.tar.gz"))
	if got, want := s.header("Range"), []string{"", "bytes=1000-", "bytes=101000-", "bytes=151000-"}; !slices.Equal(got, want) {
		t.Errorf("Range: %q, want %q", got, want)
	}
	if got, want := s.header("If-Range"), []string{"", `"1"`, `"1"`, `"1"`}; !slices.Equal(got, want) {
		t.Errorf("If-Range: %q, want %q", got, want)
	}
	if len(w.waits) != 3 {
		t.Fatalf("%d waits, want 3", len(w.waits))
	}
	for i, got := range w.waits {
		base := firstWait << i
		if got < base/2 || got >= base/2+base {
			t.Errorf("wait %d is %v, want about %v", i+1, got, base)
		}
	}
}

// TestGettingOnIsRewarded has a server break every connection, but only after
// it has sent a good deal. There is no reason to give up then.
func TestGettingOnIsRewarded(t *testing.T) {
	w := newWorld(t)
	w.Retries = 1
	b := bytes.Repeat(content(), 20) // 6 MiB in five pieces
	s := serve(t, cut(whole(b, `"1"`), gettingOn+200_000))
	w.wantGot(b, s.at("/a.tar.gz"))
}

func TestGivesUp(t *testing.T) {
	w, b := newWorld(t), content()
	s := serve(t, cut(whole(b, `"1"`), 1000))
	_, err := w.get(b, s.at("/a.tar.gz"))
	w.wantError(err, s.URL+"/a.tar.gz", "gave up after 5 tries", "broke off after 5000 bytes")
	w.wantPartial(5000) // for the next run
	if s.count() != 5 {
		t.Errorf("%d requests, want 5", s.count())
	}
}

// TestResumeInALaterRun breaks off one run and goes on in the next, from
// another server and without a validator.
func TestResumeInALaterRun(t *testing.T) {
	w, b := newWorld(t), content()
	w.Retries = 1
	_, err := w.get(b, serve(t, cut(whole(b, ""), 70_000), status(503, "")).at("/a.tar.gz"))
	w.wantError(err, "503")
	w.wantPartial(70_000)
	s := serve(t, whole(b, `"2"`))
	w.wantGot(b, s.at("/other/place"))
	if got := s.header("Range"); !slices.Equal(got, []string{"bytes=70000-"}) {
		t.Errorf("Range: %q", got)
	}
}

// TestWrongHeadStartsOver resumes a partial whose bytes are not those of the
// file. The sum shows it, and the file is fetched once more as a whole.
func TestWrongHeadStartsOver(t *testing.T) {
	w, b := newWorld(t), content()
	w.leave(b, bytes.Repeat([]byte("x"), 4000))
	s := serve(t, whole(b, ""))
	w.wantGot(b, s.at("/a.tar.gz"))
	if got := s.header("Range"); !slices.Equal(got, []string{"bytes=4000-", ""}) {
		t.Errorf("Range: %q", got)
	}
}

// leave makes a partial for want that holds the given bytes.
func (w *world) leave(want, have []byte) {
	w.t.Helper()
	p, err := w.Store.Begin(w.t.Context(), sumOf(w.t, want), "a.tar.gz")
	check(w.t, err)
	_, err = p.Write(have)
	check(w.t, errors.Join(err, p.Close()))
}

// TestWrongHeadStartsOverOnce gives the same to a server that has the wrong
// file: there must be an end.
func TestWrongHeadStartsOverOnce(t *testing.T) {
	w, b := newWorld(t), content()
	w.leave(b, b[:4000])
	s := serve(t, whole(bytes.ToUpper(b), ""))
	_, err := w.get(b, s.at("/a.tar.gz"))
	w.wantError(err, "wrong checksum")
	w.wantPartial(0)
	if got := s.header("Range"); !slices.Equal(got, []string{"bytes=4000-", ""}) {
		t.Errorf("Range: %q", got)
	}
}

// TestGuessesEnd gives the second pass a reason for a guess, too.
func TestGuessesEnd(t *testing.T) {
	w, b := newWorld(t), content()
	w.leave(b, b[:4000])
	other := whole(bytes.ToUpper(b), "")
	s := serve(t, other, cut(other, 1000), other)
	_, err := w.get(b, s.at("/a.tar.gz"))
	w.wantError(err, "wrong checksum")
	if got := s.header("Range"); !slices.Equal(got, []string{"bytes=4000-", "", "bytes=1000-"}) {
		t.Errorf("Range: %q", got)
	}
}

func TestRangeIgnored(t *testing.T) {
	w, b := newWorld(t), content()
	s := serve(t, cut(plain(b), 100_000), plain(b))
	w.wantGot(b, s.at("/a.tar.gz"))
	if got := s.header("Range"); !slices.Equal(got, []string{"", "bytes=100000-"}) {
		t.Errorf("Range: %q", got)
	}
}

// TestChangedBetween has the file change while it is fetched, with a server
// that honours If-Range, one that does not, and one that gives no validator.
func TestChangedBetween(t *testing.T) {
	old, b := bytes.Repeat([]byte("old"), 100_000), content()
	ignoresIfRange := func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("If-Range")
		whole(b, `"2"`)(w, r)
	}
	for name, test := range map[string]struct {
		etag   string
		second http.HandlerFunc
	}{"honoured": {`"1"`, whole(b, `"2"`)}, "ignored": {`"1"`, ignoresIfRange}, "none": {"", whole(b, "")}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := serve(t, cut(whole(old, test.etag), 50_000), test.second)
			w.wantGot(b, s.at("/a.tar.gz"))
			if got := s.header("If-Range")[1]; got != test.etag {
				t.Errorf("If-Range: %q", got)
			}
		})
	}
}

// TestWrongRange has the right file at hand, but sends another part of it than
// was asked for. No guess is involved, so a wrong sum would end it.
func TestWrongRange(t *testing.T) {
	w, b := newWorld(t), content()
	wrong := func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Set("Range", "bytes=60000-")
		whole(b, `"1"`)(w, r)
	}
	s := serve(t, cut(whole(b, `"1"`), 50_000), wrong, whole(b, `"1"`))
	w.wantGot(b, s.at("/a.tar.gz"))
	if got := s.header("Range"); !slices.Equal(got, []string{"", "bytes=50000-", ""}) {
		t.Errorf("Range: %q", got)
	}
}

// TestServedInPieces has a server send less than it was asked for, and say so.
func TestServedInPieces(t *testing.T) {
	w, b := newWorld(t), content()
	const piece = 100 << 10
	s := serve(t, cut(whole(b, `"1"`), piece), func(w http.ResponseWriter, r *http.Request) {
		var first int
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first)
		r = r.Clone(r.Context())
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, first+piece-1))
		whole(b, `"1"`)(w, r)
	})
	w.wantGot(b, s.at("/a.tar.gz"))
	if s.count() != 3 {
		t.Errorf("%d requests, want 3", s.count())
	}
}

func TestWeakETagIsNotUsedForRanges(t *testing.T) {
	w, b := newWorld(t), content()
	s := serve(t, cut(whole(b, `W/"1"`), 1000), whole(b, `W/"1"`))
	w.wantGot(b, s.at("/a.tar.gz"))
	if got := s.header("If-Range"); !slices.Equal(got, []string{"", ""}) {
		t.Errorf("If-Range: %q", got)
	}
}

func TestCompletePartial(t *testing.T) {
	b := content()
	silent := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(416) }
	for name, h := range map[string]http.HandlerFunc{"with size": whole(b, ""), "without size": silent} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.leave(b, b)
			s := serve(t, h)
			w.wantGot(b, s.at("/a.tar.gz"))
			if s.count() != 1 {
				t.Errorf("%d requests, want 1", s.count())
			}
		})
	}
}

// TestNothingToAdd has a server break off and then deny that there is more.
func TestNothingToAdd(t *testing.T) {
	w, b := newWorld(t), content()
	s := serve(t, cut(whole(b, `"1"`), 1000), status(416, ""), whole(b, `"1"`))
	w.wantGot(b, s.at("/a.tar.gz"))
	if got := s.header("Range"); !slices.Equal(got, []string{"", "bytes=1000-", ""}) {
		t.Errorf("Range: %q", got)
	}
}

func TestPartialLongerThanTheFile(t *testing.T) {
	w, b := newWorld(t), content()
	w.leave(b, append(slices.Clone(b), b...))
	w.wantGot(b, serve(t, whole(b, "")).at("/a.tar.gz"))
}

// TestUselessRanges has servers answer a range with nonsense.
func TestUselessRanges(t *testing.T) {
	b := content()
	answer := func(contentRange string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				plain(b)(w, r)
				return
			}
			w.Header().Set("Content-Range", contentRange)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(b)
		}
	}
	for _, contentRange := range []string{"", "bytes 0-10/307200", "bytes 5-4/3", "nonsense"} {
		t.Run(contentRange, func(t *testing.T) {
			w := newWorld(t)
			w.leave(b, b[:1000])
			s := serve(t, answer(contentRange))
			w.wantGot(b, s.at("/a.tar.gz"))
			if s.count() != 2 {
				t.Errorf("%d requests, want 2", s.count())
			}
		})
	}
}

// TestRangeNobodyAskedFor must not go on for ever.
func TestRangeNobodyAskedFor(t *testing.T) {
	for _, code := range []int{206, 416} {
		w := newWorld(t)
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		_, err := w.get(content(), s.at("/a.tar.gz"))
		w.wantError(err, s.URL)
		if s.count() != 1 {
			t.Errorf("%d requests after status %d, want 1", s.count(), code)
		}
	}
}

func TestContentLengthTooLarge(t *testing.T) {
	w, b := newWorld(t), content()
	lie := func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", fmt.Sprint(len(b)+1000))
		_, _ = rw.Write(b)
	}
	_, err := w.get(b, serve(t, lie).at("/a.tar.gz"))
	w.wantError(err, "broke off after")
	// The bytes are all there; an honest server finishes it without more.
	s := serve(t, whole(b, ""))
	w.wantGot(b, s.at("/a.tar.gz"))
	if got := s.header("Range"); !slices.Equal(got, []string{fmt.Sprintf("bytes=%d-", len(b))}) {
		t.Errorf("Range: %q", got)
	}
}

func TestContentLengthTooSmall(t *testing.T) {
	w, b := newWorld(t), content()
	lie := func(rw http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n%s", b)
		buf.Flush()
	}
	_, err := w.get(b, serve(t, lie).at("/a.tar.gz"))
	w.wantError(err, "wrong checksum", sumOf(t, b[:100]).String())
	w.wantPartial(0)
}

// TestContentEncoding has a server call a tarball's own compression a content
// encoding, as some do. The bytes must arrive as they are.
func TestContentEncoding(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(content())
	check(t, errors.Join(err, z.Close()))
	label := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		plain(packed.Bytes())(rw, r)
	}
	for name, client := range map[string]*http.Client{"own client": nil, "client of the caller": {Transport: &http.Transport{}}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Client = client
			w.wantGot(packed.Bytes(), serve(t, label).at("/a.tar.gz"))
		})
	}
	w := newWorld(t)
	_, err = w.get(content(), serve(t, label).at("/a.tar.gz"))
	w.wantError(err, "wrong checksum", `Content-Encoding "gzip"`)
}

func TestStatusCodes(t *testing.T) {
	for code, requests := range map[int]int{
		404: 1, 410: 1, 403: 1, 401: 1, 400: 1, 501: 1, 204: 1, 304: 1,
		408: 3, 425: 3, 429: 3, 500: 3, 502: 3, 503: 3, 504: 3,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			w := newWorld(t)
			w.Retries = 2
			s := serve(t, status(code, "we are\n\x1b[31msorry"))
			_, err := w.get(content(), s.at("/a.tar.gz"))
			parts := []string{s.URL, fmt.Sprint(code)}
			if code >= 400 {
				parts = append(parts, "we are ?[31msorry")
			}
			w.wantError(err, parts...)
			if s.count() != requests {
				t.Errorf("%d requests, want %d", s.count(), requests)
			}
			if got, want := errors.Is(err, fs.ErrNotExist), code == 404 || code == 410; got != want {
				t.Errorf("is fs.ErrNotExist: %v, want %v", got, want)
			}
		})
	}
}

func TestOverloadPasses(t *testing.T) {
	w, b := newWorld(t), content()
	busy := func(after string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Retry-After", after)
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	s := serve(t, busy("17"), busy("Thu, 01 Jan 2026 00:00:40 GMT"), whole(b, ""))
	w.Now = func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	w.wantGot(b, s.at("/a.tar.gz"))
	if want := []time.Duration{17 * time.Second, 40 * time.Second}; !slices.Equal(w.waits, want) {
		t.Errorf("waits: %v, want %v", w.waits, want)
	}
}

func TestRetryAfterIsBounded(t *testing.T) {
	w := newWorld(t)
	s := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Retry-After", "3600")
		rw.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := w.get(content(), s.at("/a.tar.gz"))
	w.wantError(err, "429", "asks to come back in 1h0m0s")
	if s.count() != 1 || len(w.waits) != 0 {
		t.Errorf("%d requests and waits %v, want one and none", s.count(), w.waits)
	}
}

// TestIdle has a server go silent, in front of the answer and in the middle
// of the body.
func TestIdle(t *testing.T) {
	b := content()
	silence := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	stuck := func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Length", fmt.Sprint(len(b)))
		_, _ = rw.Write(b[:1000])
		rw.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, test := range map[string]struct {
		h    http.HandlerFunc
		want string
	}{
		"no answer":       {silence, "no answer in 20ms"},
		"stuck in a body": {stuck, "nothing came for too long"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.IdleTimeout, w.Retries = 20*time.Millisecond, 1
			s := serve(t, test.h)
			_, err := w.get(b, s.at("/a.tar.gz"))
			w.wantError(err, s.URL, test.want)
			if s.count() != 2 {
				t.Errorf("%d requests, want 2", s.count())
			}
		})
	}
}

// TestSlowIsNotIdle has a file drip in for several times the idle timeout.
func TestSlowIsNotIdle(t *testing.T) {
	w := newWorld(t)
	w.IdleTimeout = time.Second
	b := []byte("one byte at a time, and each of them in time")
	drip := func(rw http.ResponseWriter, _ *http.Request) {
		for i := range b {
			_, _ = rw.Write(b[i : i+1])
			rw.(http.Flusher).Flush()
			time.Sleep(w.IdleTimeout / 20)
		}
	}
	s := serve(t, drip)
	w.wantGot(b, s.at("/a.tar.gz"))
	if s.count() != 1 {
		t.Errorf("%d requests, want 1", s.count())
	}
}

func TestRedirects(t *testing.T) {
	w, b := newWorld(t), content()
	target := serve(t, whole(b, ""))
	s := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, target.URL+"/moved", http.StatusFound)
	})
	w.wantGot(b, Source{URL: s.URL + "/a.tar.gz?token=tellnobody"})
	if got := target.header("Referer"); !slices.Equal(got, []string{""}) {
		t.Errorf("the target of a redirect is told where from: %q", got)
	}
}

func TestRedirectLoop(t *testing.T) {
	w := newWorld(t)
	s := serve(t, func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/a.tar.gz", http.StatusFound) })
	_, err := w.get(content(), s.at("/a.tar.gz"))
	w.wantError(err, s.URL, "more than 10 redirects")
	if s.count() != maxRedirects+1 {
		t.Errorf("%d requests, want %d", s.count(), maxRedirects+1)
	}
}

func TestNoRedirectFromHTTPSToHTTP(t *testing.T) {
	w, b := newWorld(t), content()
	insecure := serve(t, whole(b, ""))
	secure := httptest.NewTLSServer(http.RedirectHandler(insecure.URL+"/x?sig=abcdef", http.StatusFound))
	t.Cleanup(secure.Close)
	w.Client = secure.Client()
	_, err := w.get(b, Source{URL: secure.URL + "/a.tar.gz"})
	w.wantError(err, secure.URL, "redirected from https to "+insecure.URL)
	if insecure.count() != 0 {
		t.Error("it was followed")
	}
	if strings.Contains(err.Error(), "abcdef") {
		t.Errorf("a secret is shown: %v", err)
	}
}

func TestRedirectToAnotherScheme(t *testing.T) {
	w := newWorld(t)
	s := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "file:///etc/passwd", http.StatusFound)
	})
	_, err := w.get(content(), s.at("/a.tar.gz"))
	w.wantError(err, "not HTTP")
}

func TestUntrustedCertificate(t *testing.T) {
	w := newWorld(t)
	s := httptest.NewUnstartedServer(status(200, ""))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains about us
	s.StartTLS()
	t.Cleanup(s.Close)
	_, err := w.get(content(), Source{URL: s.URL + "/a.tar.gz"})
	w.wantError(err, s.URL, "certificate")
	if len(w.waits) != 0 {
		t.Error("a certificate does not get better by trying again")
	}
}

func TestNobodyListens(t *testing.T) {
	w := newWorld(t)
	w.Retries = 2
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	check(t, l.Close())
	_, err = w.get(content(), Source{URL: "http://user:geheim@" + l.Addr().String() + "/a.tar.gz?access_token=tellnobody"})
	w.wantError(err, "refused", "gave up after 3 tries")
	w.wantNoSecret(err, "geheim", "tellnobody")
}

// TestUnwellHost has a host give nothing but errors, and break off: it is there.
func TestUnwellHost(t *testing.T) {
	w := newWorld(t)
	w.Silent = new(Silent)
	var n atomic.Int32
	s := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		if n.Add(1)%5 > 0 {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		panic(http.ErrAbortHandler)
	})
	for i := range 2 {
		_, err := w.get(content(), s.at(fmt.Sprintf("/%d.tar.gz", i)))
		w.wantError(err, "gave up after 5 tries")
	}
}

// TestSilentHost asks for several files of a host that does not answer, one of them by way of
// another host: only the first costs time.
func TestSilentHost(t *testing.T) {
	w := newWorld(t)
	w.Silent = new(Silent)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	check(t, l.Close())
	dead := "http://" + l.Addr().String()
	_, err = w.get(content(), Source{URL: dead + "/a.tar.gz"})
	w.wantError(err, "refused", "gave up after 5 tries")
	if len(w.waits) != 4 {
		t.Errorf("%d waits, want 4", len(w.waits))
	}
	s := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, dead+"/c.tar.gz", http.StatusFound)
	})
	for _, source := range []Source{{URL: dead + "/b.tar.gz"}, s.at("/c.tar.gz")} {
		_, err = w.get(content(), source)
		w.wantError(err, "not asked: "+l.Addr().String()+" gave no answer")
	}
	if len(w.waits) != 4 {
		t.Errorf("%d waits more for a host that does not answer", len(w.waits)-4)
	}
	now := time.Now()
	w.Now = func() time.Time { return now.Add(leftAlone) }
	_, err = w.get(content(), Source{URL: dead + "/b.tar.gz"})
	w.wantError(err, "refused", "gave up after 5 tries")
	l, err = net.Listen("tcp", l.Addr().String())
	check(t, err)
	back := httptest.NewUnstartedServer(whole(content(), ""))
	back.Listener.Close()
	back.Listener = l
	back.Start()
	t.Cleanup(back.Close)
	now = now.Add(leftAlone)
	w.wantGot(content(), Source{URL: dead + "/b.tar.gz"})
	if w.Silent.check(l.Addr().String(), now) != nil {
		t.Error("a host that answers again is still said to be silent")
	}
}

// wantNoSecret asserts that neither the error nor an event has a secret in it.
func (w *world) wantNoSecret(err error, secrets ...string) {
	w.t.Helper()
	var text strings.Builder
	text.WriteString(fmt.Sprintf("%v %+v %#v", err, err, err))
	for e := err; e != nil; e = errors.Unwrap(e) {
		text.WriteString(e.Error())
	}
	var missing *NoSourceError
	if errors.As(err, &missing) {
		for _, try := range missing.Tries {
			text.WriteString(fmt.Sprintf("%s %v %+v", try.Source, try.Err, try.Err))
		}
	}
	w.mu.Lock()
	text.WriteString(fmt.Sprintf("%+v", w.events))
	w.mu.Unlock()
	for _, secret := range secrets {
		if strings.Contains(text.String(), secret) {
			w.t.Errorf("%q is shown: %s", secret, text.String())
		}
	}
}

// TestSecretsInAnswers has a server repeat a secret in what it says.
func TestSecretsInAnswers(t *testing.T) {
	w := newWorld(t)
	s := serve(t,
		status(403, "bad password geheim or token tellnobody"),
		func(rw http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(rw, "<html><title>no such token: tellnobody</title>")
		})
	u := strings.Replace(s.URL, "://", "://user:geheim@", 1) + "/a.tar.gz?token=tellnobody&file=b"
	_, err := w.get(content(), Source{URL: u}, Source{URL: u + "&x=y"})
	w.wantError(err, "bad password xxxxx", "no such token: xxxxx", "file=b")
	w.wantNoSecret(err, "geheim", "tellnobody")
	user, password, _ := s.requests[0].BasicAuth()
	if user != "user" || password != "geheim" || s.requests[0].URL.Query().Get("token") != "tellnobody" {
		t.Error("the secrets were not used")
	}
}

func TestHTMLInsteadOfAnArchive(t *testing.T) {
	w, b := newWorld(t), content()
	w.leave(b, b[:1000]) // an innocent partial
	page := func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(rw, "<!DOCTYPE html>\n<html><head><title>\n Project has\n moved </title>"+strings.Repeat(" ", 1<<20))
	}
	s := serve(t, page)
	_, err := w.get(b, s.at("/a.tar.gz"))
	w.wantError(err, `got an HTML page titled "Project has moved" instead of a.tar.gz`)
	var html *HTMLError
	if !errors.As(err, &html) || html.Title != "Project has moved" {
		t.Errorf("no *HTMLError: %v", err)
	}
	w.wantPartial(1000)
	if s.count() != 1 {
		t.Errorf("%d requests, want 1", s.count())
	}
}

func TestTooLarge(t *testing.T) {
	b := content()
	chunked := func(rw http.ResponseWriter, _ *http.Request) {
		rw.(http.Flusher).Flush()
		_, _ = rw.Write(b)
	}
	for name, h := range map[string]http.HandlerFunc{"announced": whole(b, ""), "not announced": chunked} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Store.Limit = int64(len(b)) - 1
			_, err := w.get(b, serve(t, h).at("/a.tar.gz"))
			w.wantError(err, "larger than the limit")
			w.wantPartial(0)
			if large := (*distfile.TooLargeError)(nil); !errors.As(err, &large) {
				t.Errorf("no *TooLargeError: %v", err)
			}
		})
	}
}

// TestCancel stops in the middle of a body. The bytes stay.
func TestCancel(t *testing.T) {
	w, b := newWorld(t), content()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the user had enough")
	s := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = rw.Write(b[:1000])
		rw.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	w.Fetcher.Events = func(e event.Event) {
		if e, ok := e.(event.Progress); ok && e.Done == 1000 {
			cancel(why)
		}
		w.take(e)
	}
	_, err := w.Get(ctx, Request{Name: "a.tar.gz", Identity: sumOf(t, b), Sources: []Source{s.at("/1"), s.at("/2")}})
	w.wantError(err, s.URL)
	if !errors.Is(err, why) || s.count() != 1 {
		t.Errorf("%v after %d requests, want the cause of the cancellation after 1", err, s.count())
	}
	w.wantPartial(1000)
}

func TestProgressIsBounded(t *testing.T) {
	w, b := newWorld(t), content()
	clock := time.Unix(0, 0)
	w.Now = func() time.Time {
		clock = clock.Add(progressEvery / 4)
		return clock
	}
	s := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", fmt.Sprint(len(b)))
		for chunk := range slices.Chunk(b, 3<<10) {
			_, _ = rw.Write(chunk)
			rw.(http.Flusher).Flush()
		}
	})
	w.wantGot(b, s.at("/a.tar.gz"))
	var seen []event.Progress
	for _, e := range w.events {
		if e, ok := e.(event.Progress); ok {
			seen = append(seen, e)
		}
	}
	last := seen[len(seen)-1]
	if want := (event.Progress{Step: "fetch", What: "a.tar.gz", Done: int64(len(b)), Total: int64(len(b))}); last != want {
		t.Errorf("the last one: %+v, want %+v", last, want)
	}
	// At most 100 reads of 3 KiB, a quarter of an interval each.
	if len(seen) > 100/4+2 {
		t.Errorf("%d progress events", len(seen))
	}
	if !slices.IsSortedFunc(seen, func(a, b event.Progress) int { return int(a.Done - b.Done) }) {
		t.Error("progress goes backwards")
	}
}

func TestBackoff(t *testing.T) {
	for failures, base := range map[int]time.Duration{1: firstWait, 2: 2 * firstWait, 7: 64 * firstWait, 8: maxWait, 1000: maxWait} {
		base = min(base, maxWait)
		for range 50 {
			if d := backoff(failures); d < base/2 || d >= base/2+base {
				t.Errorf("backoff(%d) is %v, want about %v", failures, d, base)
			}
		}
	}
}

func TestParseContentRange(t *testing.T) {
	for in, want := range map[string]contentRange{
		"bytes 7-9/10": {7, 10}, "bytes 0-0/1": {0, 1}, "bytes 7-9/*": {7, 0}, "bytes */10": {-1, 10},
	} {
		if got, ok := parseContentRange(in); !ok || got != want {
			t.Errorf("parseContentRange(%q): %+v %v, want %+v", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "bytes", "bytes */*", "bytes 7-9", "bytes 9-7/10", "bytes 7-10/10", "bytes -9/10", "bytes +7-9/10", "bytes 7-9/-1",
		"bytes 7-/10", "octets 7-9/10", "bytes 7-9/99999999999999999999",
	} {
		if got, ok := parseContentRange(in); ok {
			t.Errorf("parseContentRange(%q): %+v", in, got)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	f.Add("bytes 7-9/10")
	f.Add("bytes */10")
	f.Add("bytes 7-9/*")
	f.Fuzz(func(t *testing.T, s string) {
		r, ok := parseContentRange(s)
		if ok && (r.first < -1 || r.total < 0 || r.total > 0 && r.first >= r.total) {
			t.Errorf("parseContentRange(%q) is %+v", s, r)
		}
	})
}

func FuzzParseRetryAfter(f *testing.F) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"0": 0, "120": 2 * time.Minute, "Thu, 01 Jan 2026 00:01:00 GMT": time.Minute, "Thu, 01 Jan 1970 00:00:00 GMT": 0,
	} {
		f.Add(s)
		if got, ok := parseRetryAfter(s, now); !ok || got != want {
			f.Errorf("parseRetryAfter(%q): %v %v, want %v", s, got, ok, want)
		}
	}
	f.Add("999999999999999999")
	f.Add("-1")
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := parseRetryAfter(s, now); d < 0 || !ok && d != 0 {
			t.Errorf("parseRetryAfter(%q): %v %v", s, d, ok)
		}
	})
}

// TestErrorSticks has a body report its error only once, inside the bytes that
// are looked at first. A reader may do that.
func TestErrorSticks(t *testing.T) {
	w, b := newWorld(t), []byte("a short file")
	requests := 0
	w.Client = &http.Client{Transport: roundTripper(func(req *http.Request) *http.Response {
		rec := httptest.NewRecorder()
		whole(b, "")(rec, req)
		resp := rec.Result()
		if requests++; requests == 1 {
			resp.ContentLength = -1
			once := io.MultiReader(strings.NewReader("a short"), iotest.ErrReader(io.ErrUnexpectedEOF))
			resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
				n, err := once.Read(p)
				if err != nil {
					once = strings.NewReader("")
				}
				return n, err
			}))
		}
		return resp
	})}
	w.wantGot(b, Source{URL: "http://test.invalid/a.tar.gz"})
	if requests != 2 {
		t.Errorf("%d requests, want 2", requests)
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req), nil }
