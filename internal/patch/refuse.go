package patch

import (
	"fmt"
	"strings"
)

// refusePage refuses a web page. Servers answer with one, and with status 200,
// where a patch was asked for.
func (s *scanner) refusePage() error {
	for i, line := range s.lines[:min(len(s.lines), 20)] {
		line = strings.ToLower(strings.TrimLeft(line, " \t"))
		for _, start := range []string{"<!doctype html", "<html", "<head"} {
			if strings.HasPrefix(line, start) {
				return syntaxError(i+1, "this is an HTML page; ask the server for the raw patch")
			}
		}
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "<") {
			return nil
		}
	}
	return nil
}

// whyNothing says why no change was found.
func (s *scanner) whyNothing() error {
	for i, line := range s.lines {
		s.at = i
		switch {
		case isNormalCommand(line) && isNormalBody(s.line(1)):
			return syntaxError(i+1, "this is a normal diff; make it again with diff -u")
		case isEdCommand(line) && s.endsEd():
			return syntaxError(i+1, "this is an ed script, which could run commands; make it again with diff -u")
		}
	}
	if blank(s.lines) {
		return fmt.Errorf("%w: it is empty", ErrNothing)
	}
	for magic, program := range map[string]string{"\x1f\x8b": "gzip", "BZh": "bzip2", "\xfd7zXZ": "xz", "\x28\xb5\x2f\xfd": "zstd"} {
		if strings.HasPrefix(s.lines[0], magic) {
			return fmt.Errorf("%w: it is compressed; %s -dc unpacks it", ErrFormat, program)
		}
	}
	return fmt.Errorf("%w: it changes no file; it begins with %s", ErrNothing, quote(s.lines[0]))
}

// isNormalCommand knows the line before each change of a normal diff: "12,13c14".
func isNormalCommand(line string) bool {
	line = strings.TrimRight(line, "\r\n")
	i := strings.IndexAny(line, "acd")
	return i > 0 && isLineRange(line[:i]) && isLineRange(line[i+1:])
}

// isNormalBody knows the lines of a normal diff.
func isNormalBody(line string) bool {
	return strings.HasPrefix(line, "< ") || strings.HasPrefix(line, "> ")
}

// isEdCommand knows a command that diff -e writes: "12,13c", "7d".
func isEdCommand(line string) bool {
	line = strings.TrimRight(line, "\r\n")
	if line == "" || strings.IndexByte("acdis", line[len(line)-1]) < 0 {
		return false
	}
	return isLineRange(line[:len(line)-1])
}

// endsEd reports whether a lone dot, which ends the text of a command, or
// another command follows.
func (s *scanner) endsEd() bool {
	if strings.HasSuffix(strings.TrimRight(s.line(0), "\r\n"), "d") {
		return s.line(1) == "" || isEdCommand(s.line(1)) || strings.HasPrefix(s.line(1), "!")
	}
	if s.lastDot == 0 {
		s.lastDot = -1
		for i, line := range s.lines {
			if strings.TrimRight(line, "\r\n") == "." {
				s.lastDot = i
			}
		}
	}
	return s.lastDot > s.at
}

// isLineRange knows "12" and "12,13".
func isLineRange(s string) bool {
	from, to, two := strings.Cut(s, ",")
	return isNumber(from) && (!two || isNumber(to))
}
