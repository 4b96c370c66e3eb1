package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A shelf is a generated collection of small packages in a folder, and what is kept of it.
type shelf struct {
	more     int // source files of each
	dir      string
	packages []string
	program  string
}

// newShelf makes n packages that one compiler builds; if they are broken, by a fix each.
func newShelf(tb testing.TB, n int, broken bool) shelf { return newLongShelf(tb, n, 0, broken) }

// newLongShelf makes packages with some more source files each.
func newLongShelf(tb testing.TB, n, more int, broken bool) shelf {
	tb.Helper()
	s := shelf{dir: tb.TempDir(), program: "srcmend", more: more}
	for i := range n {
		name := fmt.Sprintf("p%05d", i)
		s.packages = append(s.packages, name)
		s.add(tb, name, broken)
	}
	return s
}

func (s shelf) write(tb testing.TB, name string, text []byte) {
	tb.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// add makes a package, with its archive and its recipe.
func (s shelf) add(tb testing.TB, name string, broken bool) {
	tb.Helper()
	value := "7"
	if broken {
		value = "SIGTERM"
	}
	var objects strings.Builder
	objects.WriteString("one.o two.o")
	files := map[string]string{}
	for i := range s.more {
		objects.WriteString(fmt.Sprintf(" more%d.o", i))
		files[fmt.Sprintf("more%d.c", i)] = fmt.Sprintf("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\nint more%d(void)\n{\n\treturn %d;\n}\n", i, i)
	}
	maps.Copy(files, map[string]string{
		"Makefile": "prog: " + objects.String() + "\n\t$(CC) -o $@ " + objects.String() + "\n\ninstall: prog\n\tmkdir -p $(DESTDIR)$(PREFIX)/bin\n\tcp prog $(DESTDIR)$(PREFIX)/bin/" + name + "\n",
		"one.c":    "#include <stdio.h>\n#include <unistd.h>\n\nint two(void);\n\nint main(void)\n{\n\treturn printf(\"" + name + " %d %d\\n\", " + value + ", two()) < 0;\n}\n",
		"two.c":    "int two(void)\n{\n\treturn 2;\n}\n",
	})
	archive := packedFiles(tb, name+"-1.0", files)
	s.write(tb, "dist/"+name+"-1.0.tar.gz", archive)
	fix := ""
	if broken {
		s.write(tb, "recipes/patches/"+name+"/signal-h.patch", []byte("Description: include <signal.h>\nOrigin: other\n--- a/one.c\n+++ b/one.c\n@@ -1,4 +1,5 @@\n #include <stdio.h>\n+#include <signal.h>\n #include <unistd.h>\n \n int two(void);\n"))
		fix = fmt.Sprintf("fixes:\n  - id: signal-h\n    summary: one.c uses SIGTERM without <signal.h>\n    affects: \"= 1.0\"\n    cures: {signature: missing-include-signal-h, symbol: SIGTERM}\n    patch: [{file: %s/signal-h.patch}]\n    proof: {verdicts: {\"1.0\": needed}}\n", name)
	}
	s.write(tb, "recipes/"+name+".yaml", fmt.Appendf(nil, "name: %s\nsummary: a small package\nreleases:\n  \"1.0\": {sha256: %x}\nsources:\n  - url: file://%s/dist/%s-{version}.tar.gz\nbuild:\n  make: [gmake, \"-j{jobs}\"]\n  install: [gmake, install, \"DESTDIR={destdir}\", \"PREFIX={prefix}\"]\n%s",
		name, sha256.Sum256(archive), s.dir, name, fix))
}

// packedFiles is an archive with one folder.
func packedFiles(tb testing.TB, top string, files map[string]string) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := t.WriteHeader(&tar.Header{Name: top + "/" + name, Mode: 0o644, Size: int64(len(files[name])), ModTime: time.Unix(1500000000, 0)})
		if err == nil {
			_, err = t.Write([]byte(files[name]))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := t.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// command is a run of the program on the collection.
func (s shelf) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.program, append([]string{"--recipes", filepath.Join(s.dir, "recipes")}, args...)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "XDG_CACHE_HOME="+filepath.Join(s.dir, "cache"), "XDG_STATE_HOME="+filepath.Join(s.dir, "state"),
		"LC_ALL=C", "SRCMEND_RECIPES=", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// An endedCell is what the tests read of a cell's event.
type endedCell struct {
	Event, ID, Outcome, Why string
	Stored                  bool
	Builds                  int
}

// cells reads the cells of a stream, as far as it goes.
func endedCells(r io.Reader) map[string]endedCell {
	all := map[string]endedCell{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c endedCell
		if json.Unmarshal(lines.Bytes(), &c) == nil && c.Event == "cell.ended" {
			all[c.ID] = c
		}
	}
	return all
}

// verify is a verification of the packages, without the catalogue, which takes its time.
func (s shelf) verify() *exec.Cmd {
	return s.command(append([]string{"verify", "--json"}, s.packages...)...)
}

// run verifies all, and must end green.
func (s shelf) run(t *testing.T) map[string]endedCell {
	t.Helper()
	cmd := s.verify()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return endedCells(bytes.NewReader(out))
}

// TestVerifyKilled kills a verification with kill -9 at 20 random points, one after the other:
// what it had told of a cell is known from then on, and true; and nothing is left over.
func TestVerifyKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds some packages many times")
	}
	s := newShelf(t, 8, true)
	started := time.Now()
	want := s.run(t)
	whole := time.Since(started)
	forget := func() {
		if err := os.RemoveAll(filepath.Join(s.dir, "cache", "srcmend", "verify")); err != nil {
			t.Fatal(err)
		}
	}
	forget()
	finished := map[string]endedCell{}
	for i := range 20 {
		if len(finished) == len(want) {
			forget()
			clear(finished)
		}
		cmd := s.verify()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(rand.N(whole/2), func() { _ = cmd.Process.Kill() })
		said := endedCells(out)
		_ = cmd.Wait()
		timer.Stop()
		for id, c := range said {
			if c.Outcome == "interrupted" || c.Outcome == "skipped" {
				t.Fatalf("kill %d: %s is %s", i, id, c.Outcome)
			}
			if c.Outcome != want[id].Outcome || c.Why != want[id].Why {
				t.Fatalf("kill %d: %s is %s, %s; and %s, %s without", i, id, c.Outcome, c.Why, want[id].Outcome, want[id].Why)
			}
			if _, was := finished[id]; was && !c.Stored {
				t.Fatalf("kill %d: %s was finished, and is lost", i, id)
			}
			finished[id] = c
		}
	}
	got := s.run(t)
	for id, c := range want {
		if got[id].Outcome != c.Outcome || got[id].Why != c.Why {
			t.Errorf("in the end %s is %s, %s; want %s, %s", id, got[id].Outcome, got[id].Why, c.Outcome, c.Why)
		}
		if _, was := finished[id]; was && !got[id].Stored {
			t.Errorf("%s was finished, and is lost", id)
		}
	}
	for id, c := range s.run(t) {
		if !c.Stored || c.Builds > 0 {
			t.Errorf("%s is found out once more", id)
		}
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "cache", "srcmend", "verify", "work", "builds", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// TestVerifyTwoAtOnce has two verifications of the same collection at a time: both are green.
func TestVerifyTwoAtOnce(t *testing.T) {
	s := newShelf(t, 4, true)
	var all []*exec.Cmd
	var outs []*bytes.Buffer
	for range 2 {
		cmd, out := s.command("verify"), new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all, outs = append(all, cmd), append(outs, out)
	}
	for i, cmd := range all {
		if err := cmd.Wait(); err != nil || !strings.Contains(outs[i].String(), "green: what the recipes claim is true (22 green") {
			t.Errorf("%v\n%s", err, outs[i])
		}
	}
}

// TestVerifyDiskFull verifies where there is little room: that is no fault of a recipe, so
// nothing is red, and when there is room again all is green.
func TestVerifyDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	for _, size := range []string{"40k", "80k", "120k", "200k", "400k"} {
		s := newShelf(t, 2, true)
		small := filepath.Join(s.dir, "cache")
		need(t, os.Mkdir(small, 0o755))
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "srcmend-test", small).CombinedOutput(); err != nil {
			t.Skipf("this machine does not mount: %v: %s", err, out)
		}
		out, err := s.verify().CombinedOutput()
		for id, c := range endedCells(bytes.NewReader(out)) {
			if c.Outcome == "red" {
				t.Errorf("with %s %s is red: %s", size, id, c.Why)
			}
		}
		if err != nil && !strings.Contains(string(out), "no space left on device") && !strings.Contains(string(out), "machine's fault") {
			t.Errorf("with %s: %v\n%s", size, err, out)
		}
		if out, err := exec.Command("mount", "-o", "remount,size=64m", small).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for id, c := range s.run(t) {
			if c.Outcome != "green" {
				t.Errorf("with room again %s is %s: %s", id, c.Outcome, c.Why)
			}
		}
		if out, err := exec.Command("umount", small).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}
