// Package buildlog is a build's transcript: the file that a running command
// writes its output to, and the ways to read it.
//
// The command writes to the file itself, so nothing is lost when srcmend is
// killed, and watching costs the build nothing: a reader looks at the end of
// the file when it wants to show something.
//
//	f, err := buildlog.Create("make.log")
//	// … a command runs with f as its standard output and error
//	fmt.Println(buildlog.Last(f)) // the newest line, fit for a terminal
//	lines, err := buildlog.Tail("make.log", 20)
//
// A log is hostile: it may be endless, hold one line of a gigabyte, or escape
// sequences that drive a terminal. Readers therefore cut lines at [MaxLine]
// bytes, never hold more than a window, and hand out text through [Clean].
package buildlog

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// MaxLine is how much of a line is read, in bytes; the rest of it is skipped.
const MaxLine = 8 << 10

// window is how far from its end a log is read to find its last lines.
const window = 256 << 10

// Create makes the log file at path, empty, for appending: commands that
// share it do not overwrite each other's lines.
func Create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR|os.O_APPEND, 0o644)
}

// Lines reads a log line by line, cleaned, numbered from 1. It ends at the end
// of r or at the first read error.
func Lines(r io.Reader) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		in := bufio.NewReaderSize(r, MaxLine)
		for number := 1; ; number++ {
			line, err := readLine(in)
			if err != nil && len(line) == 0 {
				return
			}
			if !yield(number, Clean(string(line))) || err != nil {
				return
			}
		}
	}
}

// readLine returns the next line without its end, at most MaxLine bytes of it.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	line = bytes.TrimRight(bytes.Clone(line), "\r\n")
	for err == bufio.ErrBufferFull {
		_, err = in.ReadSlice('\n')
	}
	return line, err
}

// Last returns the newest line of the log that holds anything, cleaned and
// cut to what fits a terminal's line. It does not move f's position.
func Last(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	buf := make([]byte, min(info.Size(), 2048))
	n, _ := f.ReadAt(buf, info.Size()-int64(len(buf)))
	lines := strings.FieldsFunc(string(buf[:n]), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if line := strings.TrimSpace(Clean(lines[i])); line != "" {
			return line
		}
	}
	return ""
}

// Tail returns the last n lines of the log at path, cleaned.
func Tail(path string, n int) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-window)
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, err
	}
	var last []string
	for number, line := range Lines(f) {
		if from > 0 && number == 1 {
			continue // the end of a line that began before the window
		}
		if len(last) == n {
			last = append(last[:0], last[1:]...)
		}
		last = append(last, line)
	}
	return last, nil
}

// commands are how the lines begin that make prints before it runs something.
var commands = regexp.MustCompile(`(?:^|[\s/;&(])(?:[\w.]+-)*(?:cc|gcc|g\+\+|c\+\+|clang|clang\+\+|tcc|icc|gfortran|ld|ar|libtool|xgcc|CC|CCLD|CXX|CXXLD)(?:-[\d.]+)?\s+\S`)

// IsCommand reports whether a line is a command that compiles or links, as make prints it.
func IsCommand(line string) bool {
	return commands.MatchString(line) && !strings.Contains(line, "error: ") && !strings.Contains(line, "warning: ")
}

// Clean returns a line of output as text that can be shown: without escape
// sequences, without what a carriage return overwrote, without control
// characters but tabs, and as valid UTF-8.
func Clean(line string) string {
	if plain(line) {
		return line
	}
	line = strings.TrimRight(line, "\r")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	var b strings.Builder
	for len(line) > 0 {
		if n := escape(line); n > 0 {
			line = line[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(line)
		if !hidden(r) {
			b.WriteRune(r)
		}
		line = line[size:]
	}
	return b.String()
}

// plain reports whether a line is what most lines are: printable ASCII.
func plain(line string) bool {
	for i := range len(line) {
		if c := line[i]; c < ' ' && c != '\t' || c > '~' {
			return false
		}
	}
	return true
}

// hidden reports whether a terminal would obey a character rather than show
// it: control characters, and the marks that reverse the writing direction.
func hidden(r rune) bool {
	switch {
	case r == '\t':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0:
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
		return true
	}
	return false
}

// escape returns the length of the terminal escape sequence that s starts
// with, 0 when it starts with none. One that is cut off lasts to the end.
func escape(s string) int {
	if s[0] != 0x1b {
		return 0
	}
	if len(s) == 1 {
		return 1
	}
	switch s[1] {
	case '[': // up to a final byte
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
		return len(s)
	case ']', 'P', 'X', '^', '_': // a string, up to BEL or ESC \
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return i + 1
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
		}
		return len(s)
	}
	return 2
}
