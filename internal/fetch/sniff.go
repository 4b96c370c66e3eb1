package fetch

import (
	"bytes"
	"mime"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mayBeHTML reports whether a file of this name may be a web page.
func mayBeHTML(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".html", ".htm", ".xhtml":
		return true
	}
	return false
}

// looksLikeHTML reports whether a file that starts with head is a web page.
// Comments and an XML declaration may stand in front.
func looksLikeHTML(head []byte) bool {
	rest := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for {
		rest = bytes.TrimLeftFunc(rest, unicode.IsSpace)
		opening, closing := "<!--", "-->"
		if bytes.HasPrefix(rest, []byte("<?xml")) {
			opening, closing = "<?xml", "?>"
		}
		if !bytes.HasPrefix(rest, []byte(opening)) {
			break
		}
		_, after, ok := bytes.Cut(rest, []byte(closing))
		if !ok {
			return opening == "<!--"
		}
		rest = after
	}
	for _, tag := range []string{"<!doctype html", "<html", "<head", "<title", "<body", "<script", "<meta"} {
		if len(rest) >= len(tag) && strings.EqualFold(string(rest[:len(tag)]), tag) {
			return true
		}
	}
	return false
}

// titleTag matches the title of a web page.
var titleTag = regexp.MustCompile(`(?is)<title[^>]*>(.*?)(?:</title|$)`)

// htmlTitle returns the title of a web page of which the beginning is given,
// on one line and not too long. It is empty if there is none.
func htmlTitle(page []byte) string {
	m := titleTag.FindSubmatch(page)
	if m == nil {
		return ""
	}
	return oneLine(string(m[1]), 80)
}

// excerpt returns what is worth showing of a text that came with an error.
func excerpt(contentType string, text []byte) string {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	switch kind {
	case "text/html", "application/xhtml+xml":
		return htmlTitle(text)
	case "text/plain":
		charset := strings.ToLower(params["charset"])
		if charset == "" || charset == "utf-8" || charset == "us-ascii" {
			return oneLine(string(text), 300)
		}
	}
	return ""
}

// oneLine makes one line of text that cannot do harm to a terminal, of at most
// so many characters.
func oneLine(text string, most int) string {
	text = strings.ToValidUTF8(text, "?")
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}
