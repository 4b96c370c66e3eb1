package tree

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// A journal says what an edit does, in as much detail as it takes to undo it.
// It lies beside the staged files while the edit is on its way.
type journal struct {
	times []stamp  // of the folders in which names change, from before
	made  []string // the folders to be made, outer ones first
	steps []step   // in the order of names
}

// A stamp is the time of a folder's last change, in nanoseconds.
type stamp struct {
	folder string
	time   int64
}

// A step is one change. Its staged files are called by its place in the journal.
type step struct {
	kind kind
	name string
	is   sight // of the new file
}

// A kind of step is its first word in the journal.
type kind string

// The kinds of steps.
const (
	create  kind = "create"
	replace kind = "replace"
	remove  kind = "remove"
)

// journalHead begins the journal. Its number changes with the format.
const journalHead = "srcmend edit 1"

// text renders the journal, with a line for each stamp, folder and step. Names
// stand last, since they may have spaces. A checksum tells whether a loss of
// power has torn it.
//
//	srcmend edit 1
//	time 1542974400000000000 src
//	make src/new
//	replace 1234 5678 1542974400000000000 src/main.c
//	create 1235 18 1542974400000000000 src/new/a.h
//	remove src/unused.c
//	end 1c291ca3
//
// The numbers of a new file are its inode, size and time.
func (j *journal) text() []byte {
	text := append(make([]byte, 0, 80*len(j.steps)), journalHead+"\n"...)
	for _, s := range j.times {
		text = appendLine(text, "time", s.folder, s.time)
	}
	for _, folder := range j.made {
		text = appendLine(text, "make", folder)
	}
	for _, s := range j.steps {
		if s.kind == remove {
			text = appendLine(text, string(s.kind), s.name)
		} else {
			text = appendLine(text, string(s.kind), s.name, int64(s.is.inode), s.is.size, s.is.time)
		}
	}
	return fmt.Appendf(text, "end %08x\n", crc32.ChecksumIEEE(text))
}

func appendLine(text []byte, word, name string, numbers ...int64) []byte {
	text = append(text, word...)
	for _, n := range numbers {
		text = strconv.AppendInt(append(text, ' '), n, 10)
	}
	text = append(text, ' ')
	return append(append(text, name...), '\n')
}

// parseJournal reads what text has rendered, and nothing else: whoever has put
// the file there, each name in it has passed CheckName.
func parseJournal(text []byte) (*journal, error) {
	j := &journal{}
	n := 0
	for line := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
		if n++; n == 1 || strings.HasPrefix(line, "end ") {
			continue
		}
		if err := j.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if !bytes.Equal(j.text(), text) {
		return nil, errors.New("its checksum or its form is wrong")
	}
	return j, nil
}

// add reads one line between the first and the last.
func (j *journal) add(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	count := map[string]int{"time": 1, string(create): 3, string(replace): 3}[word]
	var numbers [3]int64
	for i := range count {
		number, after, _ := strings.Cut(rest, " ")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		numbers[i], rest = n, after
	}
	if err := CheckName(rest); err != nil && (word != "time" || rest != ".") {
		return err
	}
	switch word {
	case "time":
		j.times = append(j.times, stamp{rest, numbers[0]})
	case "make":
		j.made = append(j.made, rest)
	case string(create), string(replace), string(remove):
		j.steps = append(j.steps, step{kind(word), rest, sight{uint64(numbers[0]), numbers[1], numbers[2]}})
	default:
		return fmt.Errorf("%q is no word of a journal", word)
	}
	return nil
}
