package distfile

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// infoName is the name of the file beside each item that tells its sum.
const infoName = "distinfo"

// maxInfo bounds what is read of a distinfo file, in bytes. The largest in
// FreeBSD's ports, for packages with thousands of distfiles, are below it.
const maxInfo = 4 << 20

// Info is what a distinfo file says of one file.
type Info struct {
	Name string // may have a folder in front, as ports with a DIST_SUBDIR have
	Sum  Sum
	Size int64 // bytes; -1 when the file does not say
}

// String returns the two lines of a distinfo file, or only the first when the
// size is not known.
func (i Info) String() string {
	lines := fmt.Sprintf("SHA256 (%s) = %s\n", i.Name, i.Sum)
	if i.Size >= 0 {
		lines += fmt.Sprintf("SIZE (%s) = %d\n", i.Name, i.Size)
	}
	return lines
}

// ParseDistinfo reads a distinfo file as FreeBSD's ports have it: lines of the
// form "SHA256 (name) = sum" and "SIZE (name) = bytes" in any order, with a
// TIMESTAMP line and empty lines in between. The result has the order in which
// the names first appear. Errors name the line; a file with only a size is an
// error, as it says nothing about the content.
func ParseDistinfo(r io.Reader) ([]Info, error) {
	var infos []Info
	at := map[string]int{}
	summed := map[string]bool{}
	lines := bufio.NewScanner(io.LimitReader(r, maxInfo+1))
	read, n := 0, 0
	for lines.Scan() {
		n++
		if read += len(lines.Bytes()) + 1; read > maxInfo {
			return nil, fmt.Errorf("distinfo: longer than %d bytes", maxInfo)
		}
		word, name, value, err := parseInfoLine(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("distinfo line %d: %w", n, err)
		}
		if word == "" {
			continue
		}
		i, seen := at[name]
		if !seen {
			i = len(infos)
			at[name] = i
			infos = append(infos, Info{Name: name, Size: -1})
		}
		if word == "SHA256" && summed[name] {
			return nil, fmt.Errorf("distinfo line %d: %q has a second SHA256", n, name)
		}
		summed[name] = summed[name] || word == "SHA256"
		if err := infos[i].set(word, value); err != nil {
			return nil, fmt.Errorf("distinfo line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("distinfo after line %d: %w", n, err)
	}
	for _, info := range infos {
		if !summed[info.Name] {
			return nil, fmt.Errorf("distinfo: %q has no SHA256 line", info.Name)
		}
	}
	return infos, nil
}

// parseInfoLine takes one line apart. An empty word means a line that tells
// nothing of a file.
func parseInfoLine(line string) (word, name, value string, err error) {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "TIMESTAMP =") {
		return "", "", "", nil
	}
	word, rest, ok := strings.Cut(line, " (")
	end := strings.LastIndex(rest, ") = ")
	if !ok || end < 1 || (word != "SHA256" && word != "SIZE") {
		return "", "", "", fmt.Errorf("%s is not of the form %q or %q",
			quote(line), "SHA256 (name) = sum", "SIZE (name) = bytes")
	}
	return word, rest[:end], rest[end+len(") = "):], nil
}

// set takes over the value of a line.
func (i *Info) set(word, value string) error {
	if word == "SHA256" {
		sum, err := ParseSum(value)
		i.Sum = sum
		return err
	}
	size, err := strconv.ParseInt(value, 10, 64)
	if err != nil || size < 0 {
		return fmt.Errorf("the size %s is not a number of bytes", quote(value))
	}
	i.Size = size
	return nil
}
