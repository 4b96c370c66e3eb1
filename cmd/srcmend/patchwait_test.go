package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"srcmend/internal/tree"
)

// A bench is a folder with a tree, and beside it patches and a series for it.
type bench struct{ dir string }

// newBench makes one. fix.patch and the series, which has more/second.patch too, are
// needed, and stand a few lines from where they say; bad.patch fits nowhere.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir()}
	for name, text := range map[string]string{
		"tree/x":                    "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
		"patches/fix.patch":         "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 4\n-5\n+five\n 6\n",
		"patches/more/second.patch": "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 6\n-7\n+seven\n 8\n",
		"patches/bad.patch":         "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 4\n-none\n+other\n 6\n",
		"patches/series":            "fix.patch\nmore/second.patch\n",
		"patches/bad":               "fix.patch\nbad.patch\n",
	} {
		b.write(t, name, text)
	}
	return b
}

// write writes a file, and the folders on the way.
func (b *bench) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// command is srcmend patch on this bench.
func (b *bench) command(args ...string) *exec.Cmd {
	cmd := exec.Command("srcmend", append([]string{"patch", "-d", "tree"}, args...)...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "LC_ALL=C")
	cmd.Dir = b.dir
	return cmd
}

// run runs srcmend patch to its end.
func (b *bench) run(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := b.command(args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	status = statusOf(t, cmd.Run())
	return status, stdout.String(), stderr.String()
}

// statusOf is the exit status that an error of exec stands for; -1 for a signal.
func statusOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

// list describes all files of the bench.
func (b *bench) list(t *testing.T) string {
	t.Helper()
	listing, err := listTree(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	return listing
}

// same checks that no file has changed.
func (b *bench) same(t *testing.T, before string) {
	t.Helper()
	if diff := cmp.Diff(before, b.list(t)); diff != "" {
		t.Errorf("files have changed (-before +after)\n%s", diff)
	}
}

// line is one line of the x in the tree, from 1.
func (b *bench) line(t *testing.T, n int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "tree", "x"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")[n-1]
}

// lock takes the tree as another process would.
func (b *bench) lock(t *testing.T) (unlock func()) {
	t.Helper()
	held, err := tree.Open(filepath.Join(b.dir, "tree"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	unlock, err = held.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
	return unlock
}

// A waiter is a run that waits for a lock, and has said so.
type waiter struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	errs   *bufio.Reader
	waited bool
}

// wait starts srcmend, and returns as soon as it says that it waits.
func (b *bench) wait(t *testing.T, args ...string) *waiter {
	t.Helper()
	w := &waiter{cmd: b.command(args...)}
	w.cmd.Stdout = &w.out
	errs, err := w.cmd.StderrPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.errs = bufio.NewReader(errs)
	t.Cleanup(func() {
		if !w.waited {
			_ = w.cmd.Process.Kill()
			_ = w.cmd.Wait()
		}
	})
	said, err := w.errs.ReadString('\n')
	if want := "srcmend: waiting for another process that works in " + filepath.Join(b.dir, "tree") + "\n"; said != want || err != nil {
		t.Fatalf("it says %q, %v", said, err)
	}
	return w
}

// end waits for the end, and gives what else was said.
func (w *waiter) end(t *testing.T) (status int, out, errs string) {
	t.Helper()
	rest, err := io.ReadAll(w.errs)
	if err != nil {
		t.Fatal(err)
	}
	w.waited = true
	status = statusOf(t, w.cmd.Wait())
	return status, w.out.String(), string(rest)
}

// TestPatchWaits: while another process has the tree, nothing is changed; who waits says
// so, and goes on when the tree is free, or ends in good order when asked to.
func TestPatchWaits(t *testing.T) {
	for what, args := range map[string][]string{
		"one patch":       {"-i", "patches/fix.patch"},
		"one patch, JSON": {"--json", "-i", "patches/fix.patch"},
		"a series":        {"--series", "patches/series"},
	} {
		t.Run(what+" goes on", func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			before := b.list(t)
			unlock := b.lock(t)
			w := b.wait(t, args...)
			b.same(t, before)
			unlock()
			status, out, errs := w.end(t)
			if status != exitGreen || errs != "" || !strings.Contains(out, "fix.patch") {
				t.Errorf("it ended with %d\n%s%s", status, out, errs)
			}
			if got := b.line(t, 5); got != "five" {
				t.Errorf("line 5 is %q", got)
			}
		})
		t.Run(what+" is interrupted", func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			before := b.list(t)
			b.lock(t)
			w := b.wait(t, args...)
			if err := w.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if status, out, errs := w.end(t); status != exitInterrupted || out != "" || errs != "" {
				t.Errorf("it ended with %d\n%s%s", status, out, errs)
			}
			b.same(t, before)
		})
	}
	t.Run("the other has done it", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		unlock := b.lock(t)
		w := b.wait(t, "-i", "patches/fix.patch")
		b.write(t, "tree/x", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n")
		before := b.list(t)
		unlock()
		if status, out, errs := w.end(t); status != exitGreen || out != "fix.patch: present; nothing to do\n  x: 1 hunk: with offset 3\n" || errs != "" {
			t.Errorf("it ended with %d\n%s%s", status, out, errs)
		}
		b.same(t, before)
	})
}

// TestPatchOnlyAsks: what changes nothing does not wait for who has the tree.
func TestPatchOnlyAsks(t *testing.T) {
	b := newBench(t)
	before := b.list(t)
	b.lock(t)
	for what, test := range map[string]struct {
		args   []string
		status int
	}{
		"check":             {[]string{"--check", "-i", "patches/fix.patch"}, exitNeeded},
		"check of a series": {[]string{"--check", "--series", "patches/series"}, exitNeeded},
		"dry run":           {[]string{"--dry-run", "-i", "patches/fix.patch"}, exitGreen},
		"dry run, series":   {[]string{"--dry-run", "--series", "patches/series"}, exitGreen},
	} {
		if status, out, errs := b.run(t, test.args...); status != test.status || errs != "" || !strings.Contains(out, "fix.patch: ") {
			t.Errorf("%s ended with %d\n%s%s", what, status, out, errs)
		}
	}
	b.same(t, before)
}

// TestPatchWithoutEnd: who reads a patch from a pipe that is never closed can be
// interrupted, and has changed nothing.
func TestPatchWithoutEnd(t *testing.T) {
	b := newBench(t)
	fix, err := os.ReadFile(filepath.Join(b.dir, "patches", "fix.patch"))
	if err != nil {
		t.Fatal(err)
	}
	before := b.list(t)
	for what, args := range map[string][]string{"as it is": nil, "JSON": {"--json"}, "check": {"--check"}, "named": {"-i", "-"}} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd := b.command(args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = r, &out, &out
		if err := errors.Join(cmd.Start(), r.Close()); err != nil {
			t.Fatal(err)
		}
		// No pipe holds so much, so it is being read when all is written.
		err = w.SetWriteDeadline(time.Now().Add(time.Minute))
		if err == nil {
			_, err = w.Write(append(fix, strings.Repeat("text behind the change\n", 100_000)...))
		}
		if err == nil {
			err = cmd.Process.Signal(os.Interrupt)
		}
		if err != nil {
			_ = cmd.Process.Kill()
		}
		status := statusOf(t, cmd.Wait())
		if err := errors.Join(err, w.Close()); err != nil || status != exitInterrupted || out.Len() > 0 {
			t.Errorf("%s: it ended with %d, %v\n%s", what, status, err, out.String())
		}
	}
	b.same(t, before)
}
