package tree

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// theEdit is one of each kind of change, in makeTheTree's tree. All times are
// given, so that the tree after it is known to the nanosecond.
func theEdit(tree *Tree, more int) *Edit {
	e := tree.Begin()
	write := func(name, text string) {
		e.Write(File{Name: name, Data: []byte(text), ModTime: longAgo().Add(time.Hour)})
	}
	write("a", "changed")
	write("d/b", "changed, and kept")
	e.Keep("d/b", ".pc/p/d/b")
	e.Write(File{Name: ".pc/p/new/c", Exact: true, ModTime: longAgo()})
	write("new/c", "made")
	e.Remove("gone/away")
	e.Remove("kept")
	e.Keep("kept", ".pc/p/kept")
	e.Move(".pc/o/back", "back")
	e.Move(".pc/o/again", "again")
	e.Remove("file")
	write("file/now", "a folder")
	e.Write(File{Name: "l", Mode: fs.ModeSymlink, Data: []byte("a"), ModTime: longAgo()})
	e.Move("m", "m2")
	for i := range more {
		write(fmt.Sprintf("many/%d", i), "changed")
		write(fmt.Sprintf("more/%d/x", i), "made")
		e.Keep(fmt.Sprintf("many/%d", i), fmt.Sprintf(".pc/p/many/%d", i))
		e.Move(fmt.Sprintf("old/%d", i), fmt.Sprintf("old/%d.moved", i))
		e.Remove(fmt.Sprintf("less/%d/x", i))
	}
	return e
}

// makeTheTree is the tree that theEdit changes.
func makeTheTree(t testing.TB, more int) *Tree {
	lines := []string{
		"a: 1", "d/b*: 2", "gone/away: 3", "kept: 4", ".pc/o/back: 5", "back: 6", ".pc/o/again: 7", "file: 8",
		"l -> back", "m -> a", "other: 9", "e/",
	}
	for i := range more {
		lines = append(lines, fmt.Sprintf("many/%d: 1", i), fmt.Sprintf("old/%d: 2", i), fmt.Sprintf("less/%d/x: 3", i))
	}
	tree := makeTree(t, lines...)
	check(t, os.Chmod(filepath.Join(tree.Dir(), "d/b"), 0o750))
	check(t, os.Link(filepath.Join(tree.Dir(), "a"), filepath.Join(tree.Dir(), "hard")))
	for _, name := range []string{"l", "m", ".", "d"} {
		check(t, tree.top.touch(name, longAgo()))
	}
	return tree
}

// whole is the state of a tree, without what is not promised after a crash: the
// times of folders, and the inodes of new files.
func whole(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := state(t, dir, true)
	for name, text := range all {
		if strings.HasPrefix(text, "d") {
			all[name] = text[:len("drwxr-xr-x")]
			continue
		}
		fields := strings.Split(text, " ")
		all[name] = strings.Join(append(fields[:len(fields)-2], fields[len(fields)-1]), " ")
	}
	return all
}

// after is the state that theEdit leads to.
func after(t testing.TB, more int) map[string]string {
	t.Helper()
	tree := makeTheTree(t, more)
	check(t, theEdit(tree, more).Commit())
	return whole(t, tree.Dir())
}

// inode says which file stands under a name.
func inode(t testing.TB, tree *Tree, name string) uint64 {
	t.Helper()
	i, err := tree.look(name)
	check(t, err)
	return i.stat.Ino
}

func TestTheEdit(t *testing.T) {
	tree := makeTheTree(t, 0)
	b, kept, back, m := inode(t, tree, "d/b"), inode(t, tree, "kept"), inode(t, tree, ".pc/o/back"), inode(t, tree, "m")
	check(t, theEdit(tree, 0).Commit())
	for name, want := range map[string]uint64{".pc/p/d/b": b, ".pc/p/kept": kept, "back": back, "m2": m} {
		if inode(t, tree, name) != want {
			t.Errorf("%s is not the file that was kept", name)
		}
	}
	hour := longAgo().Add(time.Hour).UnixNano()
	long := longAgo().UnixNano()
	got := whole(t, tree.Dir())
	want := map[string]string{
		".": "drwxr-xr-x", ".pc": "drwxr-xr-x", ".pc/p": "drwxr-xr-x", ".pc/p/d": "drwxr-xr-x", ".pc/p/new": "drwxr-xr-x",
		"d": "drwxr-xr-x", "new": "drwxr-xr-x", "file": "drwxr-xr-x", "e": "drwxr-xr-x",
		"a": fmt.Sprint("-rw-r--r-- changed ", hour, " 1"), "hard": fmt.Sprint("-rw-r--r-- 1 ", long, " 1"),
		"d/b": fmt.Sprint("-rwxr-x--- changed, and kept ", hour, " 1"), ".pc/p/d/b": fmt.Sprint("-rwxr-x--- 2 ", long, " 1"),
		".pc/p/new/c": fmt.Sprint("----------  ", long, " 1"), "new/c": fmt.Sprint("-rw-r--r-- made ", hour, " 1"),
		".pc/p/kept": fmt.Sprint("-rw-r--r-- 4 ", long, " 1"), "back": fmt.Sprint("-rw-r--r-- 5 ", long, " 1"),
		"again": fmt.Sprint("-rw-r--r-- 7 ", long, " 1"), "file/now": fmt.Sprint("-rw-r--r-- a folder ", hour, " 1"),
		"l": fmt.Sprint("Lrwxrwxrwx a ", long, " 1"), "m2": fmt.Sprint("Lrwxrwxrwx a ", long, " 1"), "other": fmt.Sprint("-rw-r--r-- 9 ", long, " 1"),
	}
	same(t, "after the edit", want, got)
}

// errDead stands for the end of a process: from some step on, nothing works.
var errDead = errors.New("the process is dead")

// dieAt makes everything fail from the change number n on. With revive only that
// one change fails. It gives the number of changes that were begun.
func dieAt(tree *Tree, n int, revive bool) *int {
	begun := 0
	tree.hook = func(op, _ string) error {
		if op == "rmdir" && revive {
			return nil // an empty folder that stays is no failure
		}
		begun++
		if begun == n || begun > n && !revive {
			return errDead
		}
		return nil
	}
	return &begun
}

// systems are the ways in which a file system can be less able than this one.
var systems = map[string]func(op, path string) error{
	"all": nil,
	"no exchange": func(op, _ string) error {
		if op == "exchange" {
			return syscall.ENOSYS
		}
		return nil
	},
	"no links": func(op, _ string) error {
		if op == "exchange" || op == "link" {
			return syscall.EOPNOTSUPP
		}
		return nil
	},
}

// less puts a file system's inability before the hook that is there.
func less(tree *Tree, system func(op, path string) error) {
	if hook := tree.hook; system != nil {
		tree.hook = func(op, path string) error {
			return errors.Join(system(op, path), hook(op, path))
		}
	}
}

// eachStep makes the edit with a hook for the change number n, for every n.
func eachStep(t *testing.T, revive bool, system func(op, path string) error, then func(n int, tree *Tree, before map[string]string, err error)) {
	for n := 1; ; n++ {
		tree := makeTheTree(t, 1)
		before := state(t, tree.Dir(), true)
		begun := dieAt(tree, n, revive)
		less(tree, system)
		err := theEdit(tree, 1).Commit()
		if *begun < n {
			return
		}
		tree.hook = nil
		then(n, tree, before, err)
	}
}

// TestKillAtEveryStep lets the process die before every single change of the
// disk, and looks whether the next Open finds the tree before or after the edit.
// The first ones to open it die too, each a step later.
func TestKillAtEveryStep(t *testing.T) {
	for what, system := range systems {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			goal := after(t, 1)
			var kept, made int
			eachStep(t, false, system, func(n int, tree *Tree, _ map[string]string, _ error) {
				for death, err := 1, errDead; err != nil; death++ {
					dieAt(tree, death, false)
					err = tree.mend()
				}
				opened, err := Open(tree.Dir())
				check(t, err)
				check(t, opened.Close())
				got := whole(t, tree.Dir())
				if maps.Equal(got, goal) {
					made++
					return
				}
				kept++
				same(t, fmt.Sprintf("died before step %d", n), whole(t, makeTheTree(t, 1).Dir()), got)
			})
			if kept < 50 || made < 10 {
				t.Errorf("%d times the tree was as before, %d times the edit was made", kept, made)
			}
		})
	}
}

// TestFailAtEveryStep lets every single change of the disk fail, and looks
// whether Commit has put everything back, to the inode, or made the edit.
func TestFailAtEveryStep(t *testing.T) {
	for what, system := range systems {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			goal := after(t, 1)
			eachStep(t, true, system, func(n int, tree *Tree, before map[string]string, err error) {
				switch {
				case err == nil: // there was another way, or it was the cleaning up that failed
					check(t, tree.mend())
					same(t, fmt.Sprintf("step %d failed, the edit did not", n), goal, whole(t, tree.Dir()))
				case !errors.Is(err, errDead):
					t.Errorf("step %d: Commit says %v", n, err)
				default:
					same(t, fmt.Sprintf("step %d failed", n), before, state(t, tree.Dir(), true))
				}
			})
		})
	}
}

// TestKilled kills another process at any moment of its Commit.
func TestKilled(t *testing.T) {
	const more, rounds = 40, 45
	goal := after(t, more)
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	var whole0 map[string]string
	shortest := time.Hour
	var kept, made, leftovers int
	for round := range rounds {
		tree := makeTheTree(t, more)
		if round == 0 {
			whole0 = whole(t, tree.Dir())
		}
		child, lines, _ := startChild(t, "commit", tree.Dir())
		lines.Scan()
		began := time.Now()
		if round < 3 {
			lines.Scan()
			shortest = min(shortest, time.Since(began))
		} else {
			time.Sleep(time.Duration(random.Int64N(int64(shortest))))
		}
		check(t, child.Process.Kill())
		_ = child.Wait()
		if there, _ := tree.leftovers(); there {
			leftovers++
		}
		opened, err := Open(tree.Dir())
		check(t, err)
		check(t, opened.Close())
		got := whole(t, tree.Dir())
		if maps.Equal(got, goal) {
			made++
		} else {
			kept++
			same(t, fmt.Sprintf("round %d", round), whole0, got)
		}
	}
	t.Logf("%d as before, %d with the edit, %d with leftovers to clear away", kept, made, leftovers)
}

// startChild runs TestChild in another process, for which task says what to do.
func startChild(t *testing.T, task, dir string) (*exec.Cmd, *bufio.Scanner, io.Closer) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), "TREE_TASK="+task, "TREE_DIR="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewScanner(out), in
}

// TestChild is what other tests run in another process.
func TestChild(t *testing.T) {
	task := os.Getenv("TREE_TASK")
	if task == "" {
		t.Skip("it is run by other tests")
	}
	tree, err := Open(os.Getenv("TREE_DIR"))
	check(t, err)
	switch task {
	case "commit":
		e := theEdit(tree, 40)
		fmt.Println("ready")
		check(t, e.Commit())
	case "lock":
		_, err := tree.Lock(t.Context())
		check(t, err)
	}
	fmt.Println("done")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
