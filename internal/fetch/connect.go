package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// client returns the HTTP client to use, and what to call when it is no longer
// needed.
func (f *Fetcher) client() (*http.Client, func()) {
	var client http.Client
	if f.Client != nil {
		client = *f.Client
	}
	done := func() {}
	if client.Transport == nil {
		// Go would ask for gzip, and unpack a tarball of which the server
		// says "Content-Encoding: gzip". Our own Accept-Encoding in each
		// request keeps other people's clients from that, too.
		t := &http.Transport{
			Proxy:              http.ProxyFromEnvironment,
			ForceAttemptHTTP2:  true,
			DisableCompression: true,
			DialContext:        (&net.Dialer{Timeout: connectTimeout}).DialContext,
		}
		client.Transport, done = t, t.CloseIdleConnections
	}
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if err := f.Silent.check(req.URL.Host, f.now()); err != nil {
			return &redirectError{err.Error()}
		}
		return checkRedirect(req, via)
	}
	client.Timeout = 0
	return &client, done
}

// A redirectError says why a redirect was not followed.
type redirectError struct{ why string }

func (e *redirectError) Error() string { return e.why }

// checkRedirect decides whether a redirect is followed.
func checkRedirect(req *http.Request, via []*http.Request) error {
	last := via[len(via)-1]
	to := redactURL(req.URL)
	switch {
	case len(via) > maxRedirects:
		return &redirectError{fmt.Sprintf("more than %d redirects, the last one to %s", maxRedirects, to)}
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return &redirectError{fmt.Sprintf("redirected to %s, which is not HTTP", to)}
	case last.URL.Scheme == "https" && req.URL.Scheme == "http":
		return &redirectError{fmt.Sprintf("redirected from https to %s, which anybody on the way could change", to)}
	}
	// The query may be a secret of the server we come from.
	req.Header.Del("Referer")
	return nil
}

// connectError decides whether a request that got no answer is worth another.
func (d *download) connectError(ctx context.Context, err error) error {
	// The text of a *url.Error has the whole URL in it.
	var wrapper *url.Error
	host := d.url.Host
	if errors.As(err, &wrapper) {
		err = wrapper.Err
		if u, err := url.Parse(wrapper.URL); err == nil { // where it was redirected to
			host = u.Host
		}
	}
	if errors.Is(context.Cause(ctx), errIdle) {
		return &retryError{err: d.errorf("no answer in %v", d.f.idleTimeout())}
	}
	shown := d.errorf("%w", scrubError(err, d.url.String()))
	if permanent(err) {
		return shown
	}
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "dial" {
		host = "" // it was there
	}
	return &retryError{err: shown, host: host}
}

// permanent reports whether a connection will fail the same way again.
func permanent(err error) bool {
	var redirect *redirectError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &redirect) || errors.As(err, &cert) || errors.As(err, &record) ||
		errors.As(err, &dns) && dns.IsNotFound || errors.Is(err, http.ErrSchemeMismatch)
}
