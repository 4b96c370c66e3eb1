package tree

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// sampleJournal has a line of each kind.
func sampleJournal() *journal {
	return &journal{
		times: []stamp{{".", 1542974400123456789}, {"a folder", -1}},
		made:  []string{"a folder/new", "a folder/new/2"},
		steps: []step{
			{create, "a folder/new/file with spaces ", sight{7, 0, 1}},
			{replace, "b", sight{1<<64 - 1, 12, -5}},
			{remove, "c\xff", sight{}},
		},
	}
}

// sealed ends the lines of a journal as they must.
func sealed(lines ...string) []byte {
	text := []byte(journalHead + "\n")
	for _, line := range lines {
		text = append(text, line+"\n"...)
	}
	return fmt.Appendf(text, "end %08x\n", crc32.ChecksumIEEE(text))
}

func TestJournal(t *testing.T) {
	want := sampleJournal()
	got, err := parseJournal(want.text())
	check(t, err)
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%+v became %+v", want, got)
	}
	if empty, err := parseJournal(sealed()); err != nil || len(empty.steps) > 0 {
		t.Errorf("an empty journal is %+v, %v", empty, err)
	}
}

// TestTornJournal: a journal that lacks its end or has another byte is not read.
func TestTornJournal(t *testing.T) {
	text := sampleJournal().text()
	for i := range text {
		if j, err := parseJournal(text[:i]); err == nil {
			t.Fatalf("%d of %d bytes are read as %+v", i, len(text), j)
		}
		changed := bytes.Clone(text)
		changed[i] ^= 1
		if j, err := parseJournal(changed); err == nil {
			t.Fatalf("with another byte %d it is read as %+v", i, j)
		}
	}
}

func TestHostileLines(t *testing.T) {
	for _, line := range []string{
		"remove ../x", "remove /etc/passwd", "remove .git/hooks/x", "remove .srcmend-edit-stage/journal", "remove ", "remove a//b",
		"make ..", "make .", "time 1 ..", "time x .", "create 1 2 3 ../x", "replace 1 2 3 d/../../x",
		"create 1 2 x", "create x 2 3 a", "create 1 2 99999999999999999999 a", "create +1 2 3 a", "create 01 2 3 a",
		"chmod 4755 a", "", " ", "remove a\x00b", "remove a\rb", "end", "end 00000000",
	} {
		if j, err := parseJournal(sealed(line)); err == nil {
			t.Errorf("%q is read as %+v", line, j)
		}
	}
}

// FuzzJournal: whatever is read has names that pass, and is written as it was.
func FuzzJournal(f *testing.F) {
	f.Add(sampleJournal().text())
	f.Add(sealed("remove a"))
	f.Add(sealed("make ../x"))
	f.Add([]byte(journalHead + "\nend 00000000\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		j, err := parseJournal(text)
		if err != nil {
			lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") // get past the checksum
			if j, err = parseJournal(sealed(lines[min(1, len(lines)-1):]...)); err != nil {
				return
			}
			text = j.text()
		}
		if !bytes.Equal(j.text(), text) {
			t.Fatalf("%q is written as %q", text, j.text())
		}
		for _, s := range j.steps {
			check(t, CheckName(s.name))
		}
		for _, dir := range j.made {
			check(t, CheckName(dir))
		}
		for _, s := range j.times {
			if s.folder != "." {
				check(t, CheckName(s.folder))
			}
		}
	})
}

// forge makes a tree with leftovers that no edit has left: a stage with these
// files, written as makeTree takes them. Beside the tree lies a file that must
// stay what it is.
func forge(t testing.TB, journal []byte, lines ...string) *Tree {
	t.Helper()
	tree := makeTree(t, "a: 1", "d/b: 2", "out -> ..", "in -> d")
	plant(t, tree.Dir(), lines...)
	check(t, os.WriteFile(filepath.Join(filepath.Dir(tree.Dir()), "outside"), []byte("untouched"), 0o644))
	check(t, os.MkdirAll(filepath.Join(tree.Dir(), stageName), 0o700))
	if journal != nil {
		check(t, os.WriteFile(filepath.Join(tree.Dir(), stageName, journalName), journal, 0o600))
	}
	return tree
}

// TestForgedLeftovers: what cannot be undone is not begun, and the error says
// where the files lie.
func TestForgedLeftovers(t *testing.T) {
	stage := stageName + "/"
	for what, c := range map[string]struct {
		journal []byte
		lines   []string
	}{
		"garbage":                     {[]byte("garbage"), nil},
		"an empty journal":            {[]byte{}, nil},
		"a name outside":              {sealed("remove ../outside"), []string{stage + "0.old: x"}},
		"a file behind a link":        {sealed("remove out/new"), []string{stage + "0.old: x"}},
		"a link inside":               {sealed("replace 1 2 3 in/b"), []string{stage + "0.old: x"}},
		"a folder that is gone":       {sealed("remove none/x"), []string{stage + "0.old: x"}},
		"a file that was changed":     {sealed("create 0 0 0 d/b", "replace 1 2 3 a"), []string{stage + "0.new: x", stage + "1.old: x"}},
		"a file that was made again":  {sealed("remove a"), []string{stage + "0.old: x"}},
		"a new file that was changed": {sealed("create 1 2 3 a"), nil},
		"a folder among the files":    {sealed("replace 1 2 3 a"), []string{stage + "0.old/x: x"}},
		"a folder as the journal":     {nil, []string{stage + journalName + "/x: x"}},
		"a link as the journal":       {nil, []string{stage + journalName + " -> ../a"}},
		"a link as what was done":     {nil, []string{stage + doneName + " -> ../a"}},
	} {
		tree := forge(t, c.journal, c.lines...)
		before := state(t, filepath.Dir(tree.Dir()), true)
		_, err := Open(tree.Dir())
		if err == nil || !strings.Contains(err.Error(), filepath.Join(tree.Dir(), stageName)) {
			t.Errorf("%s: Open says %v", what, err)
		}
		if err := planOps(tree, "a: 3").Commit(); err == nil {
			t.Errorf("%s: the tree is changed", what)
		}
		same(t, what, before, state(t, filepath.Dir(tree.Dir()), true))
	}
}

// TestForgedStage: something else than a folder stands where the stage would be.
func TestForgedStage(t *testing.T) {
	for what, forgery := range map[string]func(path string) error{
		"link": func(path string) error { return os.Symlink("..", path) },
		"file": func(path string) error { return os.WriteFile(path, nil, 0o644) },
		"pipe": func(path string) error { return syscall.Mkfifo(path, 0o644) },
	} {
		tree := makeTree(t, "a: 1")
		check(t, forgery(filepath.Join(tree.Dir(), stageName)))
		before := state(t, filepath.Dir(tree.Dir()), true)
		if _, err := Open(tree.Dir()); err == nil || !strings.Contains(err.Error(), stageName) {
			t.Errorf("%s: Open says %v", what, err)
		}
		same(t, what, before, state(t, filepath.Dir(tree.Dir()), true))
	}
}

// TestForgedButPossible: a forgery moves files about in its own tree, at worst.
func TestForgedButPossible(t *testing.T) {
	tree := forge(t, sealed("remove d/new", "replace 1 2 3 gone"), stageName+"/0.old: moved", stageName+"/1.new: too", stageName+"/surplus: x")
	opened, err := Open(tree.Dir())
	check(t, err)
	check(t, opened.Close())
	want := makeTree(t, "a: 1", "d/b: 2", "out -> ..", "in -> d", "d/new: moved", "gone: too")
	same(t, "after a forgery", state(t, want.Dir(), false), state(t, tree.Dir(), false))
}

// FuzzRecover: whatever the journal says, nothing outside the tree changes, nor
// anything in it when Open fails.
func FuzzRecover(f *testing.F) {
	f.Add("remove d/new\nreplace 1 2 3 a", false)
	f.Add("create 1 2 3 out/x\nmake d/e", false)
	f.Add("remove in/b\ntime 5 out", true)
	f.Fuzz(func(t *testing.T, lines string, done bool) {
		tree := forge(t, sealed(strings.Split(lines, "\n")...),
			stageName+"/0.old: x", stageName+"/1.new: y", stageName+"/2.old -> ../../outside", ".git/hooks/pre-commit: safe")
		if done {
			check(t, os.Rename(filepath.Join(tree.Dir(), stageName, journalName), filepath.Join(tree.Dir(), stageName, doneName)))
		}
		_ = tree.mend()
		for path, want := range map[string]string{"../outside": "untouched", ".git/hooks/pre-commit": "safe"} {
			if data, err := os.ReadFile(filepath.Join(tree.Dir(), path)); err != nil || string(data) != want {
				t.Fatalf("%s is %q, %v", path, data, err)
			}
		}
		beside, err := os.ReadDir(filepath.Dir(tree.Dir()))
		if err != nil || len(beside) != 2 {
			t.Fatalf("beside the tree lies %v, %v", beside, err)
		}
	})
}
