package fetch

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestParseMirror(t *testing.T) {
	for in, want := range map[string]Mirror{
		"https://foo.example/=http://m.example/foo/":    {"https://foo.example/", "http://m.example/foo/"},
		"http://a.example/?f==file:///srv/":             {"http://a.example/?f=", "file:///srv/"},
		"https://a.example/x=y/=https://b.example/?c=d": {"https://a.example/x=y/", "https://b.example/?c=d"},
	} {
		got, err := ParseMirror(in)
		if err != nil || got != want || got.String() != in {
			t.Errorf("ParseMirror(%q): %+v %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "=", "https://a.example/", "a=b", "https://a.example/=b", "=https://a.example/", "ftp://a/=http://b/", "http://=http://b/", "file:x=file:///y"} {
		if got, err := ParseMirror(in); err == nil || !strings.Contains(err.Error(), "PREFIX=BASE") {
			t.Errorf("ParseMirror(%q): %+v %v", in, got, err)
		}
	}
	if _, err := ParseMirror("http://user:geheim@foo.example/"); strings.Contains(err.Error(), "geheim") {
		t.Errorf("a password is shown: %v", err)
	}
}

// FuzzParseMirror asserts that a mirror prints as it was read, and that both
// its sides are URLs.
func FuzzParseMirror(f *testing.F) {
	f.Add("https://foo.example/=http://m.example/foo/")
	f.Add("http://a.example/?f==file:///srv/")
	f.Add("http://a=http://b=http://c")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMirror(s)
		if err != nil {
			return
		}
		again, err := ParseMirror(m.String())
		if err != nil || again != m || m.String() != s || !isURL(m.Prefix) || !isURL(m.Base) {
			t.Errorf("%q: %+v, then %+v %v", s, m, again, err)
		}
	})
}

func TestOnSites(t *testing.T) {
	got := onSites(" http://a.example/x  file:///srv/ ", "foo 1#2.tar")
	want := []string{"http://a.example/x/foo%201%232.tar", "file:///srv/foo%201%232.tar"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{
		"/srv/git": "/srv/git", "./x": "./x", "../x": "../x", "file:///srv/a%20b": "/srv/a b", "file://localhost/x": "/x",
		"file://other/x": "", "file:x": "", "https://a/b": "", "a/b": "", "git@a:b": "",
	} {
		if got, ok := localPath(in); got != want || ok != (want != "") {
			t.Errorf("localPath(%q): %q %v, want %q", in, got, ok, want)
		}
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.example/b?c=d":                                "https://a.example/b?c=d",
		"https://user@a.example/":                                "https://xxxxx@a.example/",
		"https://user:geheim@a.example/":                         "https://xxxxx@a.example/",
		"https://a.example/?X-Amz-Signature=geheim&file=b.tar":   "https://a.example/?X-Amz-Signature=xxxxx&file=b.tar",
		"https://a.example/?access%5Ftoken=geheim":               "https://a.example/?access%5Ftoken=xxxxx",
		"https://a.example/?a%zz=geheim":                         "https://a.example/?a%zz=xxxxx",
		"https://a.example/?id=0123456789abcdef&PASSWORD=geheim": "https://a.example/?id=0123456789abcdef&PASSWORD=xxxxx",
		"https://user:geheim@a.example:port/":                    "https://xxxxx@a.example:port/",
		"https://a.example/#geheim":                              "https://a.example/",
		"git@a.example:b.git":                                    "git@a.example:b.git",
	} {
		if got := redact(in); got != want {
			t.Errorf("redact(%q): %q, want %q", in, got, want)
		}
	}
}

func TestScrub(t *testing.T) {
	raw := "https://user:ge%2Bheim@a.example/?token=tell%20nobody&v=1"
	text := `Get "https://user:ge%2Bheim@a.example/": password ge+heim, token "tell nobody" (tell%20nobody), see http://x:y@b.example/, v=1`
	got := scrub(text, raw)
	for _, secret := range []string{"ge+heim", "ge%2Bheim", "tell nobody", "tell%20nobody", "x:y"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is shown: %s", secret, got)
		}
	}
	if !strings.Contains(got, "v=1") {
		t.Errorf("too much is hidden: %s", got)
	}
}

func TestScrubbedError(t *testing.T) {
	inner := errors.New("no geheim at https://user:geheim@a.example/")
	err := scrubError(fmt.Errorf("outer: %w", inner), "https://user:geheim@a.example/")
	if !errors.Is(err, inner) {
		t.Error("it cannot be compared with its cause")
	}
	if errors.Unwrap(err) != nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), "geheim") {
		t.Errorf("a secret can be had: %v", err)
	}
	if scrubError(nil, "") != nil {
		t.Error("no error became one")
	}
}

// FuzzRedact asserts that a password never shows, wherever it stands.
func FuzzRedact(f *testing.F) {
	f.Add("https", "a.example", "path", "v=1")
	f.Add("http", "[::1]:80", "a//b@c", "token=1;2")
	f.Add("git+ssh", "", "%zz", "&&=")
	f.Fuzz(func(t *testing.T, scheme, host, path, query string) {
		const secret = "ge-heim-nis"
		raw := scheme + "://user:" + secret + "@" + host + "/" + path + "?token=" + secret + "&" + query
		u, err := url.Parse(raw)
		if err != nil || u.User == nil || u.User.String() != "user:"+secret || u.Query().Get("token") != secret {
			return // something else than it seems
		}
		// The fuzzer may not put the secret itself somewhere else.
		if strings.Contains(scheme+host+path+query, "heim") {
			return
		}
		if got := redact(raw); strings.Contains(got, secret) {
			t.Errorf("redact(%q) is %q", raw, got)
		}
		if got := scrub("see "+raw+" for more", raw); strings.Contains(got, secret) {
			t.Errorf("scrub of %q is %q", raw, got)
		}
	})
}
