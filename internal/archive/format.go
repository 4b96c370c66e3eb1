package archive

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// headSize is how many bytes of a file are looked at to say what it is. The
// title of a web page is nearly always within.
const headSize = 64 << 10

// blockSize is the unit of a tar archive.
const blockSize = 512

// compression says by which program the file that begins with head was
// compressed: "gz", "bz2", "xz", "zst", or "" for none of them.
func compression(head []byte) string {
	for _, c := range []struct{ magic, name string }{
		{"\x1f\x8b", "gz"},
		{"BZh", "bz2"},
		{"\xfd7zXZ\x00", "xz"},
		{"\x28\xb5\x2f\xfd", "zst"},
	} {
		if bytes.HasPrefix(head, []byte(c.magic)) {
			return c.name
		}
	}
	return ""
}

// isZip knows a zip archive, also one with nothing in it.
func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06"))
}

// isTar reports whether head begins with the header of a tar entry. The check
// sum tells, since the oldest archives have no magic bytes.
func isTar(head []byte) bool {
	if len(head) < blockSize || head[0] == 0 {
		return false
	}
	const from, to = 148, 156 // the check sum counts itself as blanks
	var unsigned, signed int64
	for i, c := range head[:blockSize] {
		if from <= i && i < to {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	field := strings.Trim(string(head[from:to]), " \x00")
	sum, err := strconv.ParseInt(field, 8, 64)
	return err == nil && (sum == unsigned || sum == signed)
}

// Describe says in words what a file is that begins with head, as far as that
// can be seen: "an HTML page titled \"404 Not Found\"". At most 64 KiB of head
// are looked at. The words have no control characters.
func Describe(head []byte) string {
	head = head[:min(len(head), headSize)]
	if len(head) == 0 {
		return "an empty file"
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return "nothing but zero bytes"
	}
	for _, m := range []struct{ magic, what string }{
		{"\x7fELF", "an ELF program or library"},
		{"MZ", "a Windows program"},
		{"\xcf\xfa\xed\xfe", "a Mach-O program"},
		{"!<arch>\n", "an ar archive, such as a Debian package or a static library"},
		{"\xed\xab\xee\xdb", "an RPM package"},
		{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive, which is not supported"},
		{"Rar!\x1a\x07", "a RAR archive, which is not supported"},
		{"LZIP", "lzip data, which is not supported"},
		{"\x5d\x00\x00", "lzma data, which is not supported; .tar.xz is"},
		{"\x1f\x9d", "data of compress (.Z), which is not supported"},
		{"07070", "a cpio archive, which is not supported"},
		{"%PDF-", "a PDF document"},
		{"\x89PNG", "a PNG picture"},
		{"\xff\xd8\xff", "a JPEG picture"},
		{"-----BEGIN PGP SIG", "an OpenPGP signature"},
		{"-----BEGIN PGP", "an OpenPGP block"},
		{"version https://git-lfs", "a Git LFS pointer, which stands for a file kept elsewhere"},
		{"\x1f\x8b", "gzip data"},
		{"BZh", "bzip2 data"},
		{"\xfd7zXZ\x00", "xz data"},
		{"\x28\xb5\x2f\xfd", "zstd data"},
		{"PK\x03\x04", "a zip archive"},
	} {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.what
		}
	}
	if isTar(head) {
		return "a tar archive"
	}
	return describeText(head)
}

// describeText tells pages, documents and plain text apart.
func describeText(head []byte) string {
	text := strings.TrimLeft(string(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))), " \t\r\n")
	tag := regexp.MustCompile(`(?i)<(!doctype html|html|head|body)[\s>]`)
	page := strings.HasPrefix(text, "<") && tag.MatchString(text[:min(len(text), 2048)])
	switch {
	case page:
		return "an HTML page" + title(head)
	case strings.HasPrefix(text, "<?xml"):
		return "an XML document"
	case !isText(head):
		return "data of no known kind"
	case strings.HasPrefix(text, "#!"):
		return "a script"
	case strings.HasPrefix(text, "{"):
		return "JSON"
	}
	return fmt.Sprintf("text that begins %q", clean(text, 60))
}

// title quotes the title of a web page.
func title(head []byte) string {
	m := regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`).FindSubmatch(head)
	if m == nil {
		return ""
	}
	text := clean(html.UnescapeString(string(m[1])), 100)
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" titled %q", text)
}

// clean makes one line of text for a message: blanks become single, what cannot
// be printed goes, and after n characters it is cut.
func clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// isText reports whether head could be text in UTF-8 or an 8-bit code.
func isText(head []byte) bool {
	for _, c := range head {
		if c < ' ' && !bytes.ContainsRune([]byte("\t\n\r\f\x1b"), rune(c)) {
			return false
		}
	}
	return true
}
