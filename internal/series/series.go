// Package series puts the patches of a quilt or Debian "series" file into a source
// tree, one on top of the other, and takes them out again.
//
// A series is a text file with the name of a patch on each line, in the order in
// which they go in; the patches lie beside it:
//
//	# fixes from upstream
//	event-stats.patch
//	paths.patch -p0
//
// What is in a tree is recorded in the tree itself, in the folder .pc, the way
// quilt and dpkg-source do it: for each patch the files that it changed, as they
// were before it. So either program can go on where the other stopped, and a patch
// that is taken out gives back every byte, as long as nobody has edited the files; they
// count as changed then, so that make sees it:
//
//	list, err := series.Read("debian/patches/series")
//	…
//	stack, err := series.Open(t)
//	…
//	push, err := stack.Push(list, "", series.Options{}) // all that is not in yet
//	fmt.Println(push.Steps)
//	err = push.Commit()
//
// A [Change] is worked out in memory and written at once: either all patches go
// in, or, when one does not fit, none, and the tree is as it was.
//
// # What this package does not do
//
// It does not refresh a patch from what was edited by hand in the tree; it says
// that the files were changed, and stops. It knows no patches on top of the series
// and no guards.
package series

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// ErrFormat is wrapped by errors about a series file that can't be used.
var ErrFormat = errors.New("not a usable series")

// Bounds of a series file.
const (
	maxSeries  = 4 << 20 // bytes
	maxPatches = 100_000
)

// A Series is a list of patches in the order in which they go in.
type Series struct {
	Name    string // the file's name without its folder
	Dir     string // the folder of the series file and of the patches
	Entries []Entry
}

// An Entry is one line of a series file.
type Entry struct {
	Name    string // of the patch, slash-separated, below the series' folder
	Strip   int    // leading components to take off, 1 unless the line says otherwise
	Reverse bool   // the patch goes in by being taken out
	Line    int    // of the series file, from 1
}

// Read reads a series file.
func Read(file string) (*Series, error) {
	// Looked at before it is opened: opening a pipe would wait for somebody to write.
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no file", ErrFormat, file)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("series: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSeries+1))
	if err != nil {
		return nil, fmt.Errorf("series %s: %w", file, err)
	}
	if len(text) > maxSeries {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrFormat, file, maxSeries)
	}
	entries, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &Series{Name: filepath.Base(file), Dir: filepath.Dir(file), Entries: entries}, nil
}

// Parse reads the lines of a series file. What follows a "#" at the beginning of a
// line or behind a blank is a comment. The options -pN, -pab and -R may follow a
// name. An error wraps ErrFormat and says which line it is about.
func Parse(text string) ([]Entry, error) {
	var entries []Entry
	seen := map[string]int{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		for i, word := range words {
			if strings.HasPrefix(word, "#") {
				words = words[:i]
				break
			}
		}
		if len(words) == 0 {
			continue
		}
		e, err := entry(words)
		if err == nil && seen[e.Name] > 0 {
			err = fmt.Errorf("%s stands in line %d already", words[0], seen[e.Name])
		}
		if err == nil && len(entries) == maxPatches {
			err = fmt.Errorf("there are more than %d patches", maxPatches)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, number, err)
		}
		e.Line = number
		seen[e.Name] = number
		entries = append(entries, e)
	}
	return entries, nil
}

// entry reads the words of a line. A name must be one that can be recorded in a
// tree, which keeps it from leading out of the folder of patches as well.
func entry(words []string) (Entry, error) {
	e := Entry{Name: strings.TrimPrefix(words[0], "./"), Strip: 1}
	name := record(e.Name)
	err := tree.CheckName(name)
	switch {
	case err != nil:
	case strings.HasPrefix(path.Base(name), "."):
		err = fmt.Errorf("%w: it is hidden", tree.ErrRefused)
	case strings.HasPrefix(e.Name, "#"):
		err = fmt.Errorf("%w: it would be a comment", tree.ErrRefused)
	case name == applied || strings.HasPrefix(name, applied+"/"):
		err = fmt.Errorf("%w: the record of what is in the tree has it", tree.ErrRefused)
	}
	if err != nil {
		return e, fmt.Errorf("%s is no name for a patch: %w", strconv.Quote(words[0]), err)
	}
	for _, option := range words[1:] {
		n, isStrip := strings.CutPrefix(option, "-p")
		strip, err := strconv.Atoi(n)
		switch {
		case option == "-R":
			e.Reverse = true
		case option == "-pab":
		case isStrip && err == nil && strip >= 0:
			e.Strip = strip
		default:
			return e, fmt.Errorf("%s: the option %s is none of -pN, -pab and -R", e.Name, strconv.Quote(option))
		}
	}
	return e, nil
}

// Index is the place of a patch in the series, from 0, or -1.
func (s *Series) Index(name string) int {
	for i, e := range s.Entries {
		if e.Name == name {
			return i
		}
	}
	return -1
}

// Patch reads a patch of the series. A symbolic link is followed as long as it
// stays in the folder of the series.
func (s *Series) Patch(e Entry) (*patch.Patch, error) {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("folder of the series: %w", err)
	}
	defer root.Close()
	// Looked at before it is opened: opening a pipe would wait for somebody to write.
	info, err := root.Stat(e.Name)
	if err != nil {
		return nil, fmt.Errorf("%s line %d: %w", s.Name, e.Line, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s line %d: %s is no file: %w", s.Name, e.Line, e.Name, fs.ErrInvalid)
	}
	f, err := root.Open(e.Name)
	if err != nil {
		return nil, fmt.Errorf("%s line %d: %w", s.Name, e.Line, err)
	}
	defer f.Close()
	p, err := patch.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	return p, nil
}
