package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"srcmend/internal/distfile"
)

// ErrOffline is why a source was not asked when [Fetcher.Offline] is set.
var ErrOffline = errors.New("offline: not asked")

// A Try is one source that was tried, and why it is no good.
type Try struct {
	Source string // without secrets
	Err    error
}

// A NoSourceError says that no source had the right file. errors.As finds a
// [*distfile.MismatchError] in it if one of them had another file under that
// name. errors.Is finds fs.ErrNotExist only if all of them said that there is
// no such file.
type NoSourceError struct {
	Name  string // the distfile's name
	Want  string // the key of its identity, "sha256/<hex>"
	Tries []Try
	// Hint is what the user can do, a sentence or a few.
	Hint string
}

// Error says in its first line what is missing, then on a line each what the
// sources answered. What may be done is in Hint.
func (e *NoSourceError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Name, e.summary())
	for _, try := range e.Tries {
		fmt.Fprintf(&b, "\n\t%s", describe(try))
	}
	return b.String()
}

// summary is the first line.
func (e *NoSourceError) summary() string {
	switch {
	case len(e.Tries) == 0:
		return "there is no source to get it from"
	case len(e.mismatches()) > 0:
		return fmt.Sprintf("wrong checksum: no source has the file with %s", e.Want)
	case all(e.Tries, ErrOffline):
		return "not in the store, and srcmend is offline"
	}
	return "no source has it"
}

// describe puts a try on one line. Most errors name their URL themselves.
func describe(t Try) string {
	text := strings.ReplaceAll(t.Err.Error(), "\n", "; ")
	if strings.HasPrefix(text, t.Source) {
		return text
	}
	return t.Source + ": " + text
}

// Unwrap returns the errors that say something about the whole. A wrong
// checksum goes before everything. That one source has not got the file means
// little while another one could not be asked.
func (e *NoSourceError) Unwrap() []error {
	if wrong := e.mismatches(); len(wrong) > 0 {
		return wrong
	}
	missing := all(e.Tries, fs.ErrNotExist)
	var errs []error
	for _, try := range e.Tries {
		if missing || !errors.Is(try.Err, fs.ErrNotExist) {
			errs = append(errs, try.Err)
		}
	}
	return errs
}

// mismatches returns the errors of the tries that brought another file.
func (e *NoSourceError) mismatches() []error {
	var errs []error
	for _, try := range e.Tries {
		if isMismatch(try.Err) {
			errs = append(errs, try.Err)
		}
	}
	return errs
}

// all reports whether there are tries, and all failed with target.
func all(tries []Try, target error) bool {
	for _, try := range tries {
		if !errors.Is(try.Err, target) {
			return false
		}
	}
	return len(tries) > 0
}

// isMismatch reports whether err says that there was a file, but another one.
func isMismatch(err error) bool {
	var mismatch *distfile.MismatchError
	return errors.As(err, &mismatch)
}

// A missingError says that a source was asked and has not got the file. It
// equals fs.ErrNotExist.
type missingError struct{ text string }

func (e *missingError) Error() string { return e.text }

func (e *missingError) Is(target error) bool { return target == fs.ErrNotExist }

// An HTTPError is an answer that brings no file.
type HTTPError struct {
	URL    string // without secrets; the last one when there were redirects
	Code   int
	Detail string // what the server says about it, some lines at most
}

// Error shows the URL, the status and what the server said.
func (e *HTTPError) Error() string {
	text := fmt.Sprintf("%s: %d %s", e.URL, e.Code, http.StatusText(e.Code))
	text = strings.TrimSuffix(text, " ")
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Is makes an answer that there is no such file equal fs.ErrNotExist.
func (e *HTTPError) Is(target error) bool {
	return target == fs.ErrNotExist && (e.Code == http.StatusNotFound || e.Code == http.StatusGone)
}

// An HTMLError says that a server sent a web page where a file should be. Such
// pages come with status 200: a login, a download button, a notice that the
// project has moved.
type HTMLError struct {
	URL   string // without secrets
	Name  string // of the file that was wanted
	Title string // of the page; may be empty
}

// Error shows the page's title, which usually says what has happened.
func (e *HTMLError) Error() string {
	page := "an HTML page without a title"
	if e.Title != "" {
		page = fmt.Sprintf("an HTML page titled %q", e.Title)
	}
	return fmt.Sprintf("%s: got %s instead of %s: look at it in a browser, and correct the URL", e.URL, page, e.Name)
}
