package fetch

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLooksLikeHTML(t *testing.T) {
	for _, page := range []string{
		"<!DOCTYPE html><html>", "<html>", "\xef\xbb\xbf\n\t <HTML lang=en>", "<!-- moved --> <!-- x --><head>", "<!-- never closed",
		`<?xml version="1.0"?><!DOCTYPE html PUBLIC "x">`, "<title>x", "<script>location=", "<meta http-equiv=refresh>", "<body>",
	} {
		if !looksLikeHTML([]byte(page)) {
			t.Errorf("%q is HTML", page)
		}
	}
	for _, file := range []string{"", "\x1f\x8b\x08", "diff --git a/x b/x", "--- a/x.html", "<stdio.h>", "<", "<?xml version=", "From 0123 Mon Sep", "<?xml?><svg>"} {
		if looksLikeHTML([]byte(file)) {
			t.Errorf("%q is not HTML", file)
		}
	}
}

func TestMayBeHTML(t *testing.T) {
	for name, want := range map[string]bool{"a.tar.gz": false, "a.patch": false, "a": false, "a.HTML": true, "a.htm": true} {
		if mayBeHTML(name) != want {
			t.Errorf("mayBeHTML(%q) is not %v", name, want)
		}
	}
}

func TestHTMLTitle(t *testing.T) {
	for page, want := range map[string]string{
		"<title>Sign in</title>":                          "Sign in",
		"<html><TITLE id=x>\n a\n  b </TITLE>":            "a b",
		"<title>cut off by the limit":                     "cut off by the limit",
		"<title>bad \x1b[31m\xff bytes</title>":           "bad ?[31m? bytes",
		"<title>" + strings.Repeat("é", 100) + "</title>": strings.Repeat("é", 80) + "…",
		"<h1>none</h1>":                                   "",
	} {
		if got := htmlTitle([]byte(page)); got != want {
			t.Errorf("htmlTitle(%q): %q, want %q", page, got, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	for _, test := range []struct{ contentType, text, want string }{
		{"text/plain; charset=UTF-8", " not\nfound\n", "not found"},
		{"text/plain", "x", "x"},
		{"text/plain; charset=koi8-r", "x", ""},
		{"text/html; charset=x", "<title>Not Found</title><p>x", "Not Found"},
		{"application/octet-stream", "x", ""},
		{"", "x", ""},
		{"text/plain", strings.Repeat("x", 1000), strings.Repeat("x", 300) + "…"},
	} {
		if got := excerpt(test.contentType, []byte(test.text)); got != test.want {
			t.Errorf("excerpt(%q, %q): %q, want %q", test.contentType, test.text, got, test.want)
		}
	}
}

// FuzzSniff asserts that whatever a server sends, what is shown of it is one
// short line without control characters.
func FuzzSniff(f *testing.F) {
	f.Add("text/plain", []byte("not\nfound"))
	f.Add("text/html", []byte("<!doctype html><title>\x1b]0;x\x07</title>"))
	f.Add("text/html", []byte("<!----><?xml ?><!--"))
	f.Fuzz(func(t *testing.T, contentType string, text []byte) {
		looksLikeHTML(text)
		for what, shown := range map[string]string{"title": htmlTitle(text), "excerpt": excerpt(contentType, text)} {
			bad := strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) })
			if bad || !utf8.ValidString(shown) || utf8.RuneCountInString(shown) > 301 {
				t.Errorf("the %s of %q is %q", what, text, shown)
			}
		}
	})
}
