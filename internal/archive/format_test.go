package archive

import (
	"errors"
	"strings"
	"testing"
	"unicode"
)

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ head, want string }{
		{"", "an empty file"},
		{strings.Repeat("\x00", 1024), "nothing but zero bytes"},
		{"\x7fELF\x02\x01", "an ELF program or library"},
		{"<!DOCTYPE html>\n<html><head><title>404 Not Found</title>", `an HTML page titled "404 Not Found"`},
		{"\xef\xbb\xbf \n<!-- hello -->\n<HTML LANG=en>\n<TITLE >\n Caf&eacute;\x1b[31m &lt;x&gt;\n\tNext </TITLE>", `an HTML page titled "Café[31m <x> Next"`},
		{"<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC>\n<html xmlns=\"x\">", "an HTML page"},
		{"<html><title> </title>", "an HTML page"},
		{"<html><title>" + strings.Repeat("x", 300) + "</title>", `an HTML page titled "` + strings.Repeat("x", 100) + `…"`},
		{"<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code>", "an XML document"},
		{"{\"message\": \"Not Found\"}", "JSON"},
		{"#!/bin/sh\necho", "a script"},
		{"404: Not Found", `text that begins "404: Not Found"`},
		{"Not\x1b[31m found\r\n\there", `text that begins "Not[31m found here"`},
		{"<htmlish>", `text that begins "<htmlish>"`},
		{"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer, which stands for a file kept elsewhere"},
		{"-----BEGIN PGP SIGNATURE-----\n", "an OpenPGP signature"},
		{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive, which is not supported"},
		{"LZIP\x01", "lzip data, which is not supported"},
		{"\x00\x01\x02\x03", "data of no known kind"},
		{"caf\xe9", `text that begins "caf"`},
		{"\x1f\x8b\x08", "gzip data"},
		{string(tarOf(t, reg("a", "1"))), "a tar archive"},
	} {
		if got := Describe([]byte(c.head)); got != c.want {
			t.Errorf("%.40q is %s, want %s", c.head, got, c.want)
		}
	}
}

// TestNotAnArchive: the message says what came instead.
func TestNotAnArchive(t *testing.T) {
	page := "<!DOCTYPE html><html><head><title>Login &amp; more</title></head>"
	for _, c := range []struct {
		what string
		data []byte
		want string
	}{
		{"page", []byte(page), `this is an HTML page titled "Login & more", not an archive`},
		{"compressed page", gz(t, []byte(page)), `with an HTML page titled "Login & more" inside, not an archive`},
		{"empty file", nil, "this is an empty file, not an archive"},
		{"empty file, compressed", gz(t, nil), "with an empty file inside, not an archive"},
		{"one compressed file", zst(t, []byte("int main;")), `with text that begins "int main;" inside, not an archive`},
		{"archive of nothing", tarOf(t, dir("./")), "not an archive of a release: nothing is in it"},
		{"zip file of nothing", zipOf(t), "not an archive of a release: nothing is in it"},
		{"program", []byte("\x7fELF\x02"), "this is an ELF program or library, not an archive"},
		{"compressed archive in itself", gz(t, gz(t, tarOf(t, release()...))), "with gzip data inside, not an archive"},
	} {
		p := newPlace(t)
		_, err := p.unpack(c.data, Options{})
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.what, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "unpack archive: ") {
			t.Errorf("%s: the file is not named: %v", c.what, err)
		}
	}
}

func TestIsTar(t *testing.T) {
	data := tarOf(t, reg("a/x", "1"))
	if !isTar(data) {
		t.Error("a tar archive is not known")
	}
	for what, head := range map[string][]byte{
		"short":     data[:blockSize-1],
		"zeros":     make([]byte, blockSize),
		"other sum": append([]byte("b"), data[1:]...),
		"text":      []byte(strings.Repeat("text ", 200)),
	} {
		if isTar(head) {
			t.Errorf("%s: taken for a tar archive", what)
		}
	}
	// Some old programs add up signed bytes.
	data = tarOf(t, reg("a/\xff", "1"))
	copy(data[148:156], "        ")
	sum := int64(0)
	for _, c := range data[:blockSize] {
		sum += int64(int8(c))
	}
	for i := 5; i >= 0; i-- {
		data[148+i] = byte('0' + sum%8)
		sum /= 8
	}
	if !isTar(data) {
		t.Error("a sum of signed bytes is not known")
	}
}

// FuzzDescribe: the words are one line of printable text.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte("<html><title>a\x1bb</title>"))
	f.Add([]byte("text\r\n\xff\u202e"))
	f.Add([]byte("<?xml?>"))
	f.Fuzz(func(t *testing.T, head []byte) {
		what := Describe(head)
		if what == "" || len(what) > 1000 {
			t.Fatalf("%q", what)
		}
		for _, r := range what {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q has %U", what, r)
			}
		}
	})
}
