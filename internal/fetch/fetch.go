package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"srcmend/internal/distfile"
	"srcmend/internal/event"
)

// step is the name of this work in progress events.
const step = "fetch"

// A Fetcher gets distfiles. It may be used by several goroutines at once.
type Fetcher struct {
	Store  *distfile.Store // required
	Events event.Sink

	// Offline keeps the Fetcher from opening any connection. The store,
	// Distdirs, file URLs and local git repositories are still used.
	Offline bool

	// Distdirs are folders that may have the file under its name. They are
	// only read. Empty names are skipped.
	Distdirs []string

	// Mirrors are tried before the URLs that they stand for.
	Mirrors []Mirror

	// SiteOverride and SiteBackup are base URLs, with spaces between them,
	// to which the file's name is appended. They are tried before and after
	// the request's own sources.
	SiteOverride, SiteBackup string

	// UserAgent is sent with HTTP requests; "srcmend" if empty.
	UserAgent string

	// Client is used for HTTP; nil means one with the proxies of the
	// environment. Its CheckRedirect and Timeout are not used.
	Client *http.Client

	// AptDir is the folder for the package lists that a [Debian] source
	// needs; if empty, one inside the store. Processes can share it.
	AptDir string

	// Silent is what is known of hosts that gave no answer; nil remembers nothing.
	Silent *Silent

	// Retries is how often a broken download is taken up again without
	// getting on, 4 if it is 0.
	Retries int

	// IdleTimeout is how long a source may send nothing, a minute if it
	// is 0.
	IdleTimeout time.Duration

	// Now and Wait are the clock, the real one if they are nil. Wait returns
	// early, with an error, when the context is done.
	Now  func() time.Time
	Wait func(context.Context, time.Duration) error

	etc string // stands for /etc in tests
}

// A Request says what is wanted.
type Request struct {
	// Name is what the file is called in the store, and in Distdirs and on
	// override and backup sites. Archives of git commits end in ".tar".
	Name     string
	Identity distfile.Identity
	Sources  []Source // in the order in which they are to be tried
}

// Get returns the requested file, from the store or from the first source that
// has it. When no source has it the error is a [*NoSourceError]. A full disk
// (*distfile.FullError) and the end of ctx end the search at once.
func (f *Fetcher) Get(ctx context.Context, req Request) (distfile.Item, error) {
	item, found, err := f.Store.Get(req.Identity)
	f.warn(item.Warning)
	if err != nil {
		return distfile.Item{}, err
	}
	if found {
		f.tried(req, "the store", nil, "")
		return item, nil
	}
	p, err := f.begin(ctx, req)
	var stored *distfile.StoredError
	if errors.As(err, &stored) {
		f.tried(req, "the store", nil, "another process put it there")
		return stored.Item, nil
	}
	if err != nil {
		return distfile.Item{}, err
	}
	defer p.Close()
	f.warn(p.Warning)
	return f.search(ctx, p, req)
}

// begin opens the partial, and tells the user if that takes waiting for
// somebody else.
func (f *Fetcher) begin(ctx context.Context, req Request) (*distfile.Partial, error) {
	p, err := f.Store.TryBegin(req.Identity, req.Name)
	if !errors.Is(err, distfile.ErrBusy) {
		return p, err
	}
	f.Events.Send(event.Note{Text: fmt.Sprintf("waiting for another srcmend that is fetching %s", req.Name)})
	return f.Store.Begin(ctx, req.Identity, req.Name)
}

// A candidate is a source as it is going to be tried.
type candidate struct {
	Source
	path string // of a file in one of the Distdirs; empty for a Source
}

func (c candidate) String() string {
	if c.path != "" {
		return c.path
	}
	return c.Source.String()
}

// candidates returns what there is to try, in that order and without
// repetitions.
func (f *Fetcher) candidates(req Request) []candidate {
	var list []candidate
	add := func(c candidate) {
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	for _, dir := range f.Distdirs {
		path := filepath.Join(dir, req.Name)
		if _, err := os.Stat(path); dir != "" && !errors.Is(err, fs.ErrNotExist) {
			add(candidate{path: path})
		}
	}
	for _, u := range onSites(f.SiteOverride, req.Name) {
		add(candidate{Source: Source{URL: u}})
	}
	for _, source := range req.Sources {
		for _, s := range f.withMirrors(source) {
			add(candidate{Source: s})
		}
	}
	for _, u := range onSites(f.SiteBackup, req.Name) {
		add(candidate{Source: Source{URL: u}})
	}
	return list
}

// withMirrors returns the source's mirrors and the source.
func (f *Fetcher) withMirrors(s Source) []Source {
	var list []Source
	switch {
	case s.check() != nil:
		return []Source{s}
	case s.URL != "":
		for _, u := range mirrored(f.Mirrors, s.URL) {
			list = append(list, Source{URL: u})
		}
	case s.Git != Git{}:
		for _, u := range mirrored(f.Mirrors, s.Git.URL) {
			list = append(list, Source{Git: Git{URL: u, Tag: s.Git.Tag, Commit: s.Git.Commit}})
		}
	default:
		return []Source{s}
	}
	return list
}

// search tries one candidate after the other.
func (f *Fetcher) search(ctx context.Context, p *distfile.Partial, req Request) (distfile.Item, error) {
	var tries []Try
	for _, c := range f.candidates(req) {
		item, how, err := f.try(ctx, p, req, c)
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%s: %w", c, context.Cause(ctx))
		}
		f.tried(req, c.String(), err, how)
		if err == nil {
			return item, nil
		}
		var full *distfile.FullError
		if ctx.Err() != nil || errors.As(err, &full) {
			return distfile.Item{}, err
		}
		tries = append(tries, Try{Source: c.String(), Err: err})
	}
	missing := &NoSourceError{Name: req.Name, Want: req.Identity.Key(), Tries: tries}
	missing.Hint = f.hint(req, missing)
	return distfile.Item{}, missing
}

// try gets the file from one candidate and commits it. How is a remark on a
// success, for people.
func (f *Fetcher) try(ctx context.Context, p *distfile.Partial, req Request, c candidate) (item distfile.Item, how string, err error) {
	if c.path != "" {
		item, err = fill(ctx, p, c.path)
		return item, "", err
	}
	if err := c.check(); err != nil {
		return distfile.Item{}, "", err
	}
	if f.Offline && !c.local() {
		return distfile.Item{}, "", ErrOffline
	}
	switch {
	case c.Git != Git{}:
		item, err = f.fromGit(ctx, p, req, c.Git)
	case c.Debian != Debian{}:
		item, how, err = f.fromDebian(ctx, p, req, c.Debian)
	default:
		item, err = f.fromURL(ctx, p, c.URL)
	}
	return item, how, err
}

// fromURL gets the file from a URL of any kind.
func (f *Fetcher) fromURL(ctx context.Context, p *distfile.Partial, raw string) (distfile.Item, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return distfile.Item{}, fmt.Errorf("%s is not a URL: correct the recipe", redact(raw))
	}
	switch u.Scheme {
	case "http", "https":
		return f.fromHTTP(ctx, p, u)
	case "file":
		path, ok := localPath(raw)
		if !ok {
			return distfile.Item{}, fmt.Errorf("%s: a file URL must be of the form file:///path", redactURL(u))
		}
		return fill(ctx, p, path)
	}
	return distfile.Item{}, fmt.Errorf("%s: srcmend cannot fetch %q URLs: give an http or https one, or put the file into DISTDIR", redactURL(u), u.Scheme)
}

// fill commits a local file.
func fill(ctx context.Context, p *distfile.Partial, path string) (distfile.Item, error) {
	if err := p.Fill(ctx, path); err != nil {
		return distfile.Item{}, err
	}
	return p.Commit()
}

// tried tells what became of a source.
func (f *Fetcher) tried(req Request, source string, err error, how string) {
	e := event.SourceTried{File: req.Name, Source: source, Outcome: event.Green, Why: how}
	if err != nil {
		why := strings.ReplaceAll(err.Error(), "\n", "; ")
		e.Outcome, e.Why = outcome(err), strings.TrimPrefix(why, source+": ")
	}
	f.Events.Send(e)
}

// outcome sorts the reasons why a source is no good. Red is an answer, Failed
// means that there was none.
func outcome(err error) event.Outcome {
	var refused *HTTPError
	var page *HTMLError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return event.Interrupted
	case errors.Is(err, ErrOffline), errors.Is(err, errUnsuitable):
		return event.Skipped
	case isMismatch(err), errors.As(err, &refused), errors.As(err, &page), errors.Is(err, fs.ErrNotExist):
		return event.Red
	}
	return event.Failed
}

// errUnsuitable marks a source that cannot serve this request, or not here.
var errUnsuitable = errors.New("unsuitable source")

// unsuitable returns an error that is errUnsuitable.
func unsuitable(format string, args ...any) error {
	return &scrubbedError{text: fmt.Sprintf(format, args...), err: errUnsuitable}
}

// hint says what to do when no source had the file.
func (f *Fetcher) hint(req Request, e *NoSourceError) string {
	if len(e.mismatches()) > 0 {
		return "The release may have been re-rolled upstream, or a mirror is damaged or was tampered with. " +
			"Compare the sum with the upstream's announcement: if that has the new one, correct the recipe; " +
			"if it has the old one, report the server that sends something else."
	}
	var b strings.Builder
	if f.Offline {
		b.WriteString("Run again with a network, or get")
	} else {
		b.WriteString("Check the network and the URLs, or get")
	}
	fmt.Fprintf(&b, " %s (%s) by hand", req.Name, e.Want)
	if urls := f.byHand(req); len(urls) > 0 {
		fmt.Fprintf(&b, " from %s", strings.Join(urls, " or "))
	}
	dirs := slices.DeleteFunc(slices.Clone(f.Distdirs), func(dir string) bool { return dir == "" })
	if len(dirs) > 0 {
		fmt.Fprintf(&b, " and put it into %s.", dirs[0])
	} else {
		b.WriteString(" and name the folder it is in with DISTDIR.")
	}
	return b.String()
}

// byHand returns the URLs where a person can get the file.
func (f *Fetcher) byHand(req Request) []string {
	var urls []string
	for _, c := range f.candidates(req) {
		if c.URL != "" && !c.local() {
			urls = append(urls, c.String())
		}
	}
	return urls
}

// warn passes a warning of the store on.
func (f *Fetcher) warn(text string) {
	if text != "" {
		f.Events.Send(event.Warning(text, "the file is fetched again"))
	}
}

// now is the time of the injected clock.
func (f *Fetcher) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}

// wait sleeps on the injected clock.
func (f *Fetcher) wait(ctx context.Context, d time.Duration) error {
	if f.Wait != nil {
		return f.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// idleTimeout is how long a source may send nothing.
func (f *Fetcher) idleTimeout() time.Duration {
	if f.IdleTimeout > 0 {
		return f.IdleTimeout
	}
	return time.Minute
}
