package fetch

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// hidden stands where a secret was.
const hidden = "xxxxx"

// secretWords are parts of the names of query parameters whose values must not
// be shown. Other parameters stay, as they often name the very file.
func secretWords() []string {
	return []string{"token", "secret", "sig", "pass", "pwd", "auth", "cred", "session", "key", "jwt"}
}

// redact returns raw without name, password, and the values of query
// parameters that look like secrets. What cannot be parsed is treated as text.
func redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return redactText(raw)
	}
	return redactURL(u)
}

// redactURL is redact for a parsed URL.
func redactURL(u *url.URL) string {
	shown := *u
	shown.User = nil
	shown.Fragment, shown.RawFragment = "", ""
	shown.RawQuery = redactQuery(u.RawQuery)
	text := shown.String()
	if u.User != nil {
		text = strings.Replace(text, "://", "://"+hidden+"@", 1)
	}
	return text
}

// redactQuery hides the values of secret parameters and keeps the rest as it
// is.
func redactQuery(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if value != "" && secretName(name) {
			pairs[i] = name + "=" + hidden
		}
	}
	return strings.Join(pairs, "&")
}

// secretName reports whether a query parameter's name says that its value is
// not for everybody.
func secretName(name string) bool {
	plain, err := url.QueryUnescape(name)
	if err != nil {
		return true
	}
	plain = strings.ToLower(plain)
	return slices.ContainsFunc(secretWords(), func(word string) bool { return strings.Contains(plain, word) })
}

// userInfo matches the name and password of a URL inside a text.
var userInfo = regexp.MustCompile(`://[^/\s"'@]+(@[^/\s"'@]+)*@`)

// redactText hides names and passwords of all URLs in a text.
func redactText(text string) string {
	return userInfo.ReplaceAllLiteralString(text, "://"+hidden+"@")
}

// secretsOf returns the strings that must not be shown of a URL.
func secretsOf(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	var secrets []string
	if u.User != nil {
		password, _ := u.User.Password()
		secrets = append(secrets, u.User.String(), u.User.Username(), password, url.QueryEscape(password))
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(value); secretName(name) {
			secrets = append(secrets, value)
			if err == nil {
				secrets = append(secrets, plain)
			}
		}
	}
	// Something this short is no secret, and would be found everywhere.
	return slices.DeleteFunc(secrets, func(s string) bool { return len(s) < 3 })
}

// scrub hides the secrets of the URL raw in a text that somebody else wrote.
func scrub(text, raw string) string {
	text = redactText(text)
	for _, secret := range secretsOf(raw) {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

// A scrubbedError is an error of a library that may have secrets in its text.
// It shows the text without them. The error itself stays hidden: it can be
// compared with, but not taken out.
type scrubbedError struct {
	text string
	err  error
}

// scrubError hides the secrets of the URL raw in err.
func scrubError(err error, raw string) error {
	if err == nil {
		return nil
	}
	return &scrubbedError{text: scrub(err.Error(), raw), err: err}
}

func (e *scrubbedError) Error() string { return e.text }

func (e *scrubbedError) Is(target error) bool { return errors.Is(e.err, target) }
