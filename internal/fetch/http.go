package fetch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"srcmend/internal/distfile"
)

const (
	defaultRetries = 4
	maxRedirects   = 10

	// gettingOn is how many bytes a connection must have brought so that
	// its breaking is not held against the server.
	gettingOn = 1 << 20

	// The first wait before a retry, and the longest. A server that asks
	// for more by Retry-After is passed over.
	firstWait = 500 * time.Millisecond
	maxWait   = time.Minute

	// How long a host may take to accept a connection.
	connectTimeout = 20 * time.Second

	// What is read of a web page to find its title, in bytes.
	maxPage = 16 << 10
)

// fromHTTP downloads u and commits it.
func (f *Fetcher) fromHTTP(ctx context.Context, p *distfile.Partial, u *url.URL) (distfile.Item, error) {
	if err := f.Silent.check(u.Host, f.now()); err != nil {
		return distfile.Item{}, fmt.Errorf("%s: %w", redactURL(u), err)
	}
	client, done := f.client()
	defer done()
	d := &download{f: f, client: client, p: p, url: u, guessed: p.Size() > 0, progress: f.progress(p.Name())}
	for restarted := false; ; restarted = true {
		if err := d.run(ctx); err != nil {
			return distfile.Item{}, err
		}
		item, err := p.Commit()
		if err == nil || !isMismatch(err) {
			return item, err
		}
		if !d.guessed || restarted {
			return item, d.mismatch(err)
		}
		d.forget()
	}
}

// A download gets one URL into a partial.
//
// It asks for the bytes from the end of the partial on, and takes up again
// after a broken connection. What the head of the partial is worth is not
// always known: bytes of an earlier run, of another source, or of a server
// that gives no validator are a guess. If the sum is wrong in the end, and a
// guess was involved, the whole is done once more from the first byte.
type download struct {
	f        *Fetcher
	client   *http.Client
	p        *distfile.Partial
	url      *url.URL
	progress *progress

	validator string // ETag or date of what was begun in this run
	etag      string // ETag alone, to compare
	guessed   bool   // the partial was resumed without a validator
	encoding  string // Content-Encoding of the last answer
	answered  bool   // at least one request was
}

// forget makes the download start over.
func (d *download) forget() {
	d.validator, d.etag, d.guessed, d.encoding = "", "", false, ""
}

// mismatch adds to a wrong sum what the reader needs to find out why.
func (d *download) mismatch(err error) error {
	note := ""
	if d.encoding != "" {
		note = fmt.Sprintf(" (the server sent it with Content-Encoding %q)", d.encoding)
	}
	return fmt.Errorf("%s%s: %w", redactURL(d.url), note, err)
}

// A retryError is a fault that may pass.
type retryError struct {
	err   error
	after time.Duration // what the server asked for
	now   bool          // no need to wait
	host  string        // that could not be connected to; "" if it could
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// run downloads until everything is there, or there is no hope.
func (d *download) run(ctx context.Context) error {
	retries := d.f.Retries
	if retries == 0 {
		retries = defaultRetries
	}
	failures := 0
	for {
		before := d.p.Size()
		err := d.attempt(ctx)
		var again *retryError
		if err == nil || ctx.Err() != nil || !errors.As(err, &again) {
			return err
		}
		if d.p.Size()-before >= gettingOn {
			failures = 0
		}
		if failures++; failures > retries {
			if again.host != "" && !d.answered {
				d.f.Silent.note(again.host, d.f.now())
			}
			return fmt.Errorf("%w (gave up after %d tries)", again.err, failures)
		}
		if again.after > maxWait {
			return fmt.Errorf("%w (asks to come back in %v)", again.err, again.after.Round(time.Second))
		}
		if again.now {
			continue
		}
		if err := d.f.wait(ctx, max(backoff(failures), again.after)); err != nil {
			return err
		}
		if d.f.Silent.check(again.host, d.f.now()) != nil { // another download has found that out
			return fmt.Errorf("%w (gave up after %d tries)", again.err, failures)
		}
	}
}

// backoff is how long to wait before a retry: twice as long each time, give or
// take half of it, so that many clients do not come back at the same moment.
func backoff(failures int) time.Duration {
	d := maxWait
	if failures < 8 {
		d = min(firstWait<<(failures-1), maxWait)
	}
	return d/2 + rand.N(d)
}

// attempt makes one request and takes what comes.
func (d *download) attempt(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	limit := d.f.idleTimeout()
	idle := time.AfterFunc(limit, func() { cancel(errIdle) })
	defer idle.Stop()

	req, err := d.request(ctx)
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return d.connectError(ctx, err)
	}
	d.answered = true
	if resp.Request != nil {
		d.f.Silent.heard(resp.Request.URL.Host)
	}
	defer resp.Body.Close()
	var broken error // sticks: after a Peek that failed there is a Read
	body := readerFunc(func(b []byte) (int, error) {
		if broken != nil {
			return 0, broken
		}
		n, err := resp.Body.Read(b)
		if n > 0 {
			idle.Reset(limit)
		}
		if err != nil && errors.Is(context.Cause(ctx), errIdle) {
			err = errIdle
		}
		broken = err
		return n, err
	})
	return d.take(resp, body)
}

// readerFunc is a function that is an io.Reader.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// request asks for what is missing.
func (d *download) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url.String(), nil)
	if err != nil {
		return nil, d.errorf("%w", scrubError(err, d.url.String()))
	}
	agent := d.f.UserAgent
	if agent == "" {
		agent = "srcmend"
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept-Encoding", "identity")
	if have := d.p.Size(); have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		if d.validator != "" {
			req.Header.Set("If-Range", d.validator)
		} else {
			d.guessed = true
		}
	}
	return req, nil
}

// errorf makes an error that names the URL.
func (d *download) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", redactURL(d.url), fmt.Errorf(format, args...))
}

// take deals with an answer.
func (d *download) take(resp *http.Response, body io.Reader) error {
	d.encoding = resp.Header.Get("Content-Encoding")
	switch resp.StatusCode {
	case http.StatusOK:
		return d.whole(resp, body)
	case http.StatusPartialContent:
		return d.part(resp, body)
	case http.StatusRequestedRangeNotSatisfiable:
		return d.beyond()
	}
	return d.refused(resp, body)
}

// whole takes a file that is sent from its first byte on.
func (d *download) whole(resp *http.Response, body io.Reader) error {
	br := bufio.NewReaderSize(body, maxPage)
	if err := d.rejectPage(resp, br); err != nil {
		return err
	}
	if err := d.p.Reset(); err != nil {
		return err
	}
	d.forget()
	d.encoding = resp.Header.Get("Content-Encoding")
	d.validator, d.etag = validator(resp.Header)
	return d.copy(br, max(resp.ContentLength, 0))
}

// rejectPage returns an error if a web page comes where an archive or a patch
// should. Nothing of it has been written by then.
func (d *download) rejectPage(resp *http.Response, br *bufio.Reader) error {
	if mayBeHTML(d.p.Name()) {
		return nil
	}
	head, _ := br.Peek(512)
	if !looksLikeHTML(head) {
		return nil
	}
	page, _ := br.Peek(maxPage)
	return &HTMLError{URL: redactURL(resp.Request.URL), Name: d.p.Name(), Title: d.scrub(htmlTitle(page))}
}

// part takes the rest of a file.
func (d *download) part(resp *http.Response, body io.Reader) error {
	r, ok := parseContentRange(resp.Header.Get("Content-Range"))
	changed := d.etag != "" && resp.Header.Get("ETag") != "" && resp.Header.Get("ETag") != d.etag
	if !ok || r.first != d.p.Size() || changed {
		return d.restart("got another part of the file than was asked for")
	}
	if d.validator == "" {
		d.validator, d.etag = validator(resp.Header)
	}
	return d.copy(body, r.total)
}

// restart gives up what is there. It is worth another try only if something
// was, since without a Range a server has no excuse.
func (d *download) restart(why string) error {
	had := d.p.Size()
	if err := d.p.Reset(); err != nil {
		return err
	}
	d.forget()
	err := d.errorf("%s", why)
	if had == 0 {
		return err
	}
	return &retryError{err: err, now: true}
}

// beyond deals with a server that has nothing to add. That is right if the
// partial is complete, and the sum tells whether it is.
func (d *download) beyond() error {
	if d.p.Size() == 0 {
		return d.restart("416 " + http.StatusText(http.StatusRequestedRangeNotSatisfiable))
	}
	d.guessed = true
	return nil
}

// copy appends body to the partial. Total is the whole file's size in bytes, 0
// when the server does not say.
func (d *download) copy(body io.Reader, total int64) error {
	if total > d.f.Store.Limit {
		return d.errorf("%w", &distfile.TooLargeError{Name: d.p.Name(), Limit: d.f.Store.Limit})
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := body.Read(buf)
		if _, werr := d.p.Write(buf[:n]); werr != nil {
			return d.errorf("%w", werr)
		}
		if n > 0 {
			d.progress.report(d.p.Size(), total)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return &retryError{err: d.errorf("broke off after %d bytes: %w", d.p.Size(), scrubError(err, d.url.String()))}
		}
	}
	if total > 0 && d.p.Size() < total {
		return &retryError{err: d.errorf("broke off after %d of %d bytes", d.p.Size(), total)}
	}
	return nil
}

// refused makes an error of an answer that brings no file.
func (d *download) refused(resp *http.Response, body io.Reader) error {
	err := &HTTPError{URL: redactURL(resp.Request.URL), Code: resp.StatusCode}
	text, _ := io.ReadAll(io.LimitReader(body, maxPage))
	err.Detail = d.scrub(excerpt(resp.Header.Get("Content-Type"), text))
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		after, _ := parseRetryAfter(resp.Header.Get("Retry-After"), d.f.now())
		return &retryError{err: err, after: after}
	}
	return err
}

// scrub hides the secrets of the URL in what a server said.
func (d *download) scrub(text string) string { return scrub(text, d.url.String()) }

// validator returns what If-Range may be given for a file that came with this
// header, and its ETag. A weak ETag must not be used for ranges.
func validator(h http.Header) (ifRange, etag string) {
	etag = h.Get("ETag")
	if strings.HasPrefix(etag, `"`) {
		return etag, etag
	}
	return h.Get("Last-Modified"), etag
}

// A contentRange is what a Content-Range header says.
type contentRange struct {
	first int64 // offset of the first byte that is sent; -1 for none
	total int64 // the whole file's size in bytes; 0 when unknown
}

// parseContentRange reads "bytes 7-9/10", "bytes 7-9/*" and "bytes */10".
func parseContentRange(s string) (contentRange, bool) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	span, size, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return contentRange{}, false
	}
	r := contentRange{first: -1}
	if size != "*" {
		if r.total, ok = parseSize(size); !ok {
			return contentRange{}, false
		}
	}
	if span == "*" {
		return r, size != "*"
	}
	from, to, _ := strings.Cut(span, "-")
	first, ok := parseSize(from)
	last, ok2 := parseSize(to)
	if !ok || !ok2 || last < first || size != "*" && last >= r.total {
		return contentRange{}, false
	}
	r.first = first
	return r, true
}

// parseSize reads a number of digits only, without a sign.
func parseSize(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && s[0] != '+' && s[0] != '-'
}

// parseRetryAfter reads the value of a Retry-After header, seconds or a date.
// The result is never negative.
func parseRetryAfter(s string, now time.Time) (time.Duration, bool) {
	if seconds, ok := parseSize(s); ok {
		const most = 365 * 24 * 3600
		return time.Duration(min(seconds, most)) * time.Second, true
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}
