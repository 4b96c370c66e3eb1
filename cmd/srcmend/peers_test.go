package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"srcmend/internal/archive"
	"srcmend/internal/distfile"
	"srcmend/internal/fetch"
)

// The suites of other programs that put patches into trees are run here with
// ours in their place. Nothing of them is kept in this repository: their sources
// come from the source packages of a Debian archive, by their sums, and what is
// ours is a program that stands in between and a list of what differs, with
// reasons.

// corpusVariable asks for these tests: a folder that keeps what is fetched, or
// any other word for a folder that does not outlive the test.
const corpusVariable = "SRCMEND_CORPUS"

// peerTime bounds one script of a suite. Most take a second, the longest half a
// minute.
const peerTime = 3 * time.Minute

// A peer is another program's source.
type peer struct {
	debian string // the name of its source package
	file   string
	sum    string
	quick  bool // run in CI
}

// source fetches and unpacks the peer's source. The test is skipped when nobody
// asks for it. CI asks for what is quick; there, a machine whose distribution has
// another release is no failure.
func (p peer) source(t *testing.T) string {
	t.Helper()
	kept := os.Getenv(corpusVariable)
	if kept == "" && !(p.quick && os.Getenv("CI") == "true") {
		t.Skipf("needs the source package %s of a Debian archive: make corpus, or set %s to a folder that may keep it", p.debian, corpusVariable)
	}
	asked := kept != ""
	if !filepath.IsAbs(kept) {
		kept = t.TempDir()
	}
	store, err := distfile.Open(filepath.Join(kept, "store"))
	need(t, err)
	sum, err := distfile.ParseSum(p.sum)
	need(t, err)
	fetcher := fetch.Fetcher{Store: store, Distdirs: []string{kept}}
	item, err := fetcher.Get(t.Context(), fetch.Request{
		Name: p.file, Identity: sum, Sources: []fetch.Source{{Debian: fetch.Debian{Package: p.debian}}},
	})
	if !asked && errors.As(err, new(*fetch.NoSourceError)) {
		t.Skip(err)
	}
	need(t, err)
	f, err := os.Open(item.Path)
	need(t, err)
	defer f.Close()
	dir := filepath.Join(t.TempDir(), p.debian)
	_, err = archive.Unpack(t.Context(), f, dir, archive.Options{})
	need(t, err)
	return dir
}

// need ends the test when the world is not as it needs it.
func need(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// program is the path of a program that a suite needs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	need(t, err)
	return path
}

// standIn writes the script of that name in testdata/peers as a program.
func standIn(t *testing.T, script, path string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "peers", script))
	need(t, err)
	need(t, os.WriteFile(path, text, 0o755))
}

// runScript runs a script of a suite, its output going to a file, and returns the
// output. How it ends says nothing: most end badly when one check of many fails.
// What it has left running is ended with it.
func runScript(t *testing.T, output string, argv []string, dir string, env ...string) string {
	t.Helper()
	out, err := os.Create(output)
	need(t, err)
	defer out.Close()
	ctx, cancel := context.WithTimeout(t.Context(), peerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(), env...)
	cmd.Env = append(cmd.Env, "LC_ALL=C", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	need(t, cmd.Start())
	_ = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	need(t, ctx.Err())
	text, err := os.ReadFile(output)
	need(t, err)
	return string(text)
}

// contents maps the names below dir to what is there, as far as git knows of it:
// folders, links with their targets, files with their execute bit. Repositories
// are left out.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	need(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		if d.Name() == ".git" && d.IsDir() {
			return filepath.SkipDir
		}
		what := "folder"
		switch d.Type() {
		case fs.ModeDir:
		case fs.ModeSymlink:
			what, err = os.Readlink(path)
			what = "link " + what
		default:
			var info fs.FileInfo
			if info, err = d.Info(); err != nil {
				return err
			}
			var text []byte
			text, err = os.ReadFile(path)
			what = fmt.Sprintf("file %t %s", info.Mode()&0o100 != 0, text)
		}
		all[path[len(dir)+1:]] = what
		return err
	}))
	return all
}

// A finding is how one check of a suite, or one call of a program, went with ours.
type finding struct {
	name string // in the list
	good bool
	what string // for whoever reads that it went wrong
}

// settle holds findings against the list of what is known to differ, and counts
// them. The list has to be right in both directions: what is not in it must be
// good, and what is in it must not.
//
// The list is a file of testdata/peers. A reason stands at the beginning of a
// line; the names it covers follow, in lines that begin with a tab.
func settle(t *testing.T, list string, findings []finding) {
	t.Helper()
	known := readList(t, list)
	passed, differ := 0, map[string]int{}
	for _, f := range findings {
		reason, listed := known[f.name]
		delete(known, f.name)
		switch {
		case f.good && listed:
			t.Errorf("%s passes; take it out of %s, where it stands below %q", f.name, list, reason)
		case f.good:
			passed++
		case listed:
			differ[reason]++
		default:
			t.Errorf("%s: %s", f.name, f.what)
		}
	}
	for name, reason := range known {
		t.Errorf("%s is in %s below %q, and does not happen", name, list, reason)
	}
	listed := 0
	for _, reason := range slices.Sorted(maps.Keys(differ)) {
		listed += differ[reason]
		t.Logf("%4d  %s", differ[reason], reason)
	}
	t.Logf("%d passed, %d listed, %d in all", passed, listed, len(findings))
}

// readList reads a list of what is known to differ: the reason for each name.
func readList(t *testing.T, list string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "peers", list))
	need(t, err)
	known := map[string]string{}
	reason := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		name, isName := strings.CutPrefix(line, "\t")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case !isName:
			reason = line
		case reason == "" || known[name] != "":
			t.Fatalf("%s: %s has no reason, or stands there twice", list, name)
		default:
			known[name] = reason
		}
	}
	return known
}

// tally writes counts as one line, the largest first.
func tally(counts map[string]int) string {
	var all []string
	for what := range counts {
		all = append(all, what)
	}
	slices.SortFunc(all, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	for i, what := range all {
		all[i] = fmt.Sprintf("%s %d", what, counts[what])
	}
	return strings.Join(all, ", ")
}
