package mend

import (
	"bytes"
	"strings"
	"testing"
)

func TestAddToAssignment(t *testing.T) {
	for text, want := range map[string]string{
		"CFLAGS = -O2\nall:\n":                                 "CFLAGS = -O2 -x\nall:\n",
		"CFLAGS=-O2 # fast\n":                                  "CFLAGS=-O2 -x # fast\n",
		"CFLAGS = -O2 \\\n  -g\nall:\n":                        "CFLAGS = -O2 \\\n  -g -x\nall:\n",
		"CFLAGS = -O\nifdef D\nCFLAGS += -g\nendif\n":          "CFLAGS = -O -x\nifdef D\nCFLAGS += -g\nendif\n",
		"CFLAGS := -O\r\nCFLAGS += -g\r\n":                     "CFLAGS := -O\r\nCFLAGS += -g -x\r\n",
		"XCFLAGS = -O\nall:\n\t$(CC) CFLAGS=1\n":               "",
		"ifeq ($(X),y)\nCFLAGS = -O\nelse\nCFLAGS = -g\nendif": "",
	} {
		got, ok := addToAssignment([]byte(text), "CFLAGS", "-x")
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%q becomes %q, %t; want %q", text, got, ok, want)
		}
	}
}

// FuzzAddToAssignment: whatever a makefile is like, words are added to one of its lines, and
// nothing else is changed.
func FuzzAddToAssignment(f *testing.F) {
	f.Add("CFLAGS = -O2 \\\n  -g # x\nifdef A\nendif\n")
	f.Add("define x\nCFLAGS=\nendef\nCFLAGS ?=\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := addToAssignment([]byte(text), "CFLAGS", "-fcommon")
		if !ok {
			return
		}
		if bytes.Count(got, []byte("\n")) != strings.Count(text, "\n") || !bytes.Contains(got, []byte(" -fcommon")) {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
