// Package target finds out what could not be made, and how to make it again by itself.
//
// A build that has failed says, among much else, which command did not do what it should,
// and what make wanted to have from it. With that, whoever thinks to know a remedy need not
// go through the whole build to see whether it is one:
//
//	t, err := target.Read(log, 1234, "server-1.0")
//	for _, way := range t.Ways([]string{"gmake", "-j4"}) {
//		fmt.Println(way.Dir, way.Argv) // the narrowest first
//	}
//
// It reads what GNU make, BSD make and ninja print, and runs nothing.
package target

import (
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"srcmend/internal/buildlog"
)

// A Target is what a build could not make. What is not known is empty.
type Target struct {
	Name string // as make calls it: "test-event-stats.o"
	Dir  string // absolute: the folder in which it is made
	Rule Place  // of the rule's command in a makefile
	// Command is the shell line that failed, as make or ninja has printed it.
	Command string
	// Recursion are the variables that make was called with for this folder, by another make.
	Recursion []string
	Ninja     bool
}

// A Place is a line of a makefile.
type Place struct {
	File string // as make says it, relative to Dir
	Line int
}

var (
	// make[2]: *** [Makefile:656: test-event-stats.o] Error 1
	gave = regexp.MustCompile(`^\S*make(?:\[(\d+)\])?: \*\*\* \[(?:(.+?):(\d+): |<builtin>: )?([^\]]+)\] `)
	// *** [hello.o] Error code 1
	bsdGave = regexp.MustCompile(`^\*\*\* \[([^\]]+)\] (?:Error code|Signal) \d+`)
	// bmake[1]: stopped in /src/lib
	stopped = regexp.MustCompile(`^\S*make(?:\[\d+\])?: stopped (?:making "[^"]*" )?in (\S.*)$`)
	// make[2]: Entering directory '/src/lib'
	entering = regexp.MustCompile("^\\S*make(?:\\[(\\d+)\\])?: Entering directory ['`](.*)'$")
	leaving  = regexp.MustCompile("^\\S*make(?:\\[(\\d+)\\])?: Leaving directory ['`]")
	// FAILED: [code=1] src/hello.o
	ninjaGave  = regexp.MustCompile(`^FAILED: (?:\[code=\d+\] )?(.+?)\s*$`)
	ninjaEnter = regexp.MustCompile("^ninja: Entering directory ['`](.*)'$")
)

// Read finds what could not be made when the error in the line at of a log, from 1, came up.
// dir is the folder in which the build was begun.
func Read(log io.Reader, at int, dir string) Target {
	r := reading{at: at, dir: dir, folders: map[int]string{}}
	for number, line := range buildlog.Lines(log) {
		if r.line(number, line) {
			break
		}
	}
	r.findCommand()
	return r.Target
}

// A reading is a log that is being read.
type reading struct {
	Target
	at      int
	dir     string
	folders map[int]string // where make is, by its level
	calls   map[int]string // the command that has called make, by its level
	before  []string       // the lines before the error, the last ones
	last    string
	made    bool // the target is known
	wants   bool // the next line is ninja's command
}

// reach is how many lines before an error its command is looked for.
const reach = 400

// line takes one line, and reports whether all is known.
func (r *reading) line(number int, line string) (done bool) {
	if r.wants {
		r.Command, r.wants = line, false
		return number >= r.at
	}
	if number <= r.at {
		if len(r.before) == reach {
			r.before = append(r.before[:0], r.before[1:]...)
		}
		r.before = append(r.before, line)
	}
	switch {
	case entering.MatchString(line):
		m := entering.FindStringSubmatch(line)
		r.enter(level(m[1]), m[2])
	case leaving.MatchString(line):
		if n := level(leaving.FindStringSubmatch(line)[1]); !r.made {
			delete(r.folders, n)
		}
	case ninjaEnter.MatchString(line):
		r.dir = r.below(ninjaEnter.FindStringSubmatch(line)[1])
	case ninjaGave.MatchString(line) && (number >= r.at-reach && r.Name == "" || number <= r.at):
		names := strings.Fields(ninjaGave.FindStringSubmatch(line)[1])
		r.Target = Target{Name: names[0], Dir: r.dir, Ninja: true}
		r.made, r.wants = true, true
	case number >= r.at && stopped.MatchString(line) && r.made && r.Rule.File == "":
		r.Dir = stopped.FindStringSubmatch(line)[1]
		return true
	case number >= r.at && !r.made && gave.MatchString(line):
		m := gave.FindStringSubmatch(line)
		n := level(m[1])
		r.Name, r.Rule.File = m[4], m[2]
		r.Rule.Line, _ = strconv.Atoi(m[3])
		r.Dir = r.below(r.folders[n])
		r.Recursion = overrides(words(r.calls[n]))
		r.made = true
		return true
	case number >= r.at && !r.made && bsdGave.MatchString(line):
		r.Name, r.Dir, r.made = bsdGave.FindStringSubmatch(line)[1], r.below(""), true
	}
	if line != "" {
		r.last = line
	}
	return false
}

// enter notes where make goes, and how it was called for that.
func (r *reading) enter(n int, dir string) {
	r.folders[n] = dir
	if r.calls == nil {
		r.calls = map[int]string{}
	}
	r.calls[n] = ""
	if strings.Contains(r.last, "make") && !strings.Contains(r.last, ": ") {
		r.calls[n] = r.last
	}
}

// below is a folder of the log, absolute.
func (r *reading) below(dir string) string {
	if dir == "" || filepath.IsAbs(dir) {
		if dir == "" {
			return r.dir
		}
		return filepath.Clean(dir)
	}
	return filepath.Join(r.dir, dir)
}

func level(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// quiet is how makefiles that do not show their commands say what they do.
var quiet = regexp.MustCompile(`^\s*(?:CC|CCLD|CXX|CXXLD|AR|LD)\s+\S+$`)

// findCommand looks for the command that failed, in the lines before the error: the last
// that names what could not be made, or the source of that.
func (r *reading) findCommand() {
	if r.Command != "" || r.Name == "" {
		return
	}
	stem := strings.TrimSuffix(filepath.Base(r.Name), filepath.Ext(r.Name))
	for i, line := range slices.Backward(r.before) {
		if !buildlog.IsCommand(line) || quiet.MatchString(line) || strings.HasPrefix(line, "libtool: ") {
			continue
		}
		whole, ok := r.whole(i)
		if ok && stem != "" && slices.ContainsFunc(strings.Fields(whole), func(word string) bool {
			base := filepath.Base(strings.Trim(word, "'\""))
			return base == filepath.Base(r.Name) || strings.TrimSuffix(base, filepath.Ext(base)) == stem
		}) {
			r.Command = whole
			return
		}
	}
}

// whole joins a command that goes over several lines.
func (r *reading) whole(i int) (command string, ok bool) {
	first, last := i, i
	for first > 0 && strings.HasSuffix(r.before[first-1], `\`) {
		first--
	}
	for last < len(r.before) && strings.HasSuffix(r.before[last], `\`) {
		last++
	}
	if last == len(r.before) {
		return "", false
	}
	return strings.Join(r.before[first:last+1], "\n"), true
}
