package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPatchUnreported: when the result can't be written, the status says so. What was
// done stays done, and what was only asked is not done.
func TestPatchUnreported(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no device that is always full: %v", err)
	}
	t.Cleanup(func() { _ = full.Close() })
	one, series := []string{"-i", "patches/fix.patch"}, []string{"--series", "patches/series"}
	for _, test := range []struct {
		what       string
		before     []string // what is run first, if anything
		args, with []string
		line       string // line 5 of the file afterwards
	}{
		{"one patch", nil, one, nil, "five"},
		{"one patch, JSON", nil, one, []string{"--json"}, "five"},
		{"a series", nil, series, nil, "five"},
		{"a series, JSON", nil, series, []string{"--json"}, "five"},
		{"one patch, out", one, one, []string{"-R"}, "5"},
		{"one patch, out, JSON", one, one, []string{"-R", "--json"}, "5"},
		{"a series, out", series, series, []string{"-R"}, "5"},
		{"a series, out, JSON", series, series, []string{"-R", "--json"}, "5"},
		{"one that is present", one, one, nil, "five"},
		{"a series that is in", series, series, nil, "five"},
		{"check of one that is needed", nil, one, []string{"--check"}, "5"},
		{"check of one that is needed, JSON", nil, one, []string{"--check", "--json"}, "5"},
		{"check of one that is present", one, one, []string{"--check"}, "five"},
		{"check of one that is present, JSON", one, one, []string{"--check", "--json"}, "five"},
		{"check of a series", nil, series, []string{"--check"}, "5"},
		{"check of a series, JSON", nil, series, []string{"--check", "--json"}, "5"},
		{"dry run", nil, one, []string{"--dry-run"}, "5"},
		{"one that does not fit", nil, []string{"-i", "patches/bad.patch"}, nil, "5"},
		{"one that does not fit, JSON", nil, []string{"-i", "patches/bad.patch"}, []string{"--json"}, "5"},
		{"a series that does not fit", nil, []string{"--series", "patches/bad"}, nil, "5"},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := newBench(t)
			if test.before != nil {
				if status, out, errs := b.run(t, test.before...); status != exitGreen {
					t.Fatalf("it ended with %d\n%s%s", status, out, errs)
				}
			}
			done := b.line(t, 5) != test.line
			var errs bytes.Buffer
			cmd := b.command(append(test.with, test.args...)...)
			cmd.Stdout, cmd.Stderr = full, &errs
			if status := statusOf(t, cmd.Run()); status == exitGreen {
				t.Errorf("it ended with %d\n%s", status, errs.String())
			}
			if !strings.Contains(errs.String(), "no space left on device") {
				t.Errorf("it says\n%s", errs.String())
			}
			if got := b.line(t, 5); got != test.line {
				t.Errorf("line 5 is %q", got)
			}
			if said := strings.Contains(errs.String(), "could not be reported, but it was done"); said != done {
				t.Errorf("the tree was changed: %t, and it says\n%s", done, errs.String())
			}
		})
	}
}

// TestNothingToSay: who writes nothing needs no room for it; help does.
func TestNothingToSay(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no device that is always full: %v", err)
	}
	t.Cleanup(func() { _ = full.Close() })
	for want, args := range map[int][]string{exitGreen: {"-s", "-i", "patches/fix.patch"}, exitFailed: {"--help"}} {
		b := newBench(t)
		cmd := b.command(args...)
		cmd.Stdout = full
		if status := statusOf(t, cmd.Run()); status != want {
			t.Errorf("%v ended with %d", args, status)
		}
	}
}

// TestRefreshHere: a patch that lies in the top folder of the tree is written anew in
// the same tree; where nothing is to be written, nothing has to be writable.
func TestRefreshHere(t *testing.T) {
	b := newBench(t)
	text, err := os.ReadFile(filepath.Join(b.dir, "patches/fix.patch"))
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "tree/fix.patch", string(text))
	if status, out, errs := b.run(t, "--refresh", "-i", "tree/fix.patch"); status != exitGreen {
		t.Fatalf("it ended with %d\n%s%s", status, out, errs)
	}
	if b.line(t, 5) != "five" {
		t.Error("it is not in")
	}
	if now, err := os.ReadFile(filepath.Join(b.dir, "tree/fix.patch")); err != nil || string(now) == string(text) {
		t.Errorf("the patch is not written anew: %v\n%s", err, now)
	}
	closed(t, b)
	if status, out, errs := b.run(t, "--refresh", "-i", "patches/fix.patch"); status != exitGreen {
		t.Errorf("one that is present: it ended with %d\n%s%s", status, out, errs)
	}
}

// TestRefreshImpossible: when the patches can't be written anew, that is said before
// anything is done, and neither the tree nor a patch has changed.
func TestRefreshImpossible(t *testing.T) {
	link := func(target, name string) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			if err := os.Symlink(target, filepath.Join(b.dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	// What another edit has left can't be cleared away, since it has a folder in it.
	leftover := func(t *testing.T, b *bench) { b.write(t, "patches/.srcmend-edit-stage/folder/file", "") }
	one, series := []string{"-i", "patches/fix.patch"}, []string{"--series", "patches/series"}
	const nothing = "the patch can't be written anew, so nothing was done: "
	for _, test := range []struct {
		what    string
		args    []string
		second  string // the second patch of the series
		arrange func(t *testing.T, b *bench)
		status  int
		says    string
	}{
		{"a patch that is a link", series, "link.patch", link("more/second.patch", "patches/link.patch"), exitUsage, "link.patch is a symbolic link, which would become a file\ntry: "},
		{"a patch behind a link", series, "link/second.patch", link("more", "patches/link"), exitUsage, nothing + "refused: "},
		{"leftovers of another edit, series", series, "more/second.patch", leftover, exitFailed, "/patches/.srcmend-edit-stage: with the right to write there, try again"},
		{"leftovers of another edit, one patch", one, "", leftover, exitFailed, "/patches/.srcmend-edit-stage: with the right to write there, try again"},
		{"a folder that can't be written, series", series, "more/second.patch", closed, exitFailed, nothing + "open patches/"},
		{"a folder that can't be written, one patch", one, "", closed, exitFailed, nothing + "open patches/"},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := newBench(t)
			b.write(t, "patches/series", "fix.patch\n"+test.second+"\n")
			test.arrange(t, b)
			before := b.list(t)
			status, out, errs := b.run(t, append(test.args, "--refresh")...)
			if status != test.status || out != "" || !strings.Contains(errs, test.says) {
				t.Errorf("it ended with %d\n%s%s", status, out, errs)
			}
			b.same(t, before)
		})
	}
}

// closed makes the folder of the patches one that can't be written. For root the
// permissions of a folder mean nothing, so it gets a file system of its own.
func closed(t *testing.T, b *bench) {
	t.Helper()
	dir := filepath.Join(b.dir, "patches")
	if os.Geteuid() != 0 {
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
		return
	}
	mounted(t, b, "1m")
	if out, err := exec.Command("mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Skipf("this machine does not mount: %v: %s", err, out)
	}
}

// mounted puts the patches into a small file system.
func mounted(t *testing.T, b *bench, size string) {
	t.Helper()
	dir, aside := filepath.Join(b.dir, "patches"), filepath.Join(t.TempDir(), "patches")
	if err := errors.Join(os.Rename(dir, aside), os.Mkdir(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=755,size="+size, "srcmend-test", dir).CombinedOutput(); err != nil {
		t.Skipf("this machine does not mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	if err := os.CopyFS(dir, os.DirFS(aside)); err != nil {
		t.Fatal(err)
	}
}

// TestRefreshWithoutRoom: the tree is patched, and then there is no room for the
// patches. They are as they were, and it is said which of the two was done.
func TestRefreshWithoutRoom(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	for name, args := range map[string][]string{"series": {"--series", "patches/series"}, "one patch": {"-i", "patches/fix.patch"}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			mounted(t, b, "64k")
			filler := filepath.Join(b.dir, "patches", "filler")
			if err := os.WriteFile(filler, make([]byte, 1<<20), 0o644); err == nil {
				t.Fatal("a small file system has room for a large file")
			}
			patches := func() string {
				listing, err := listTree(filepath.Join(b.dir, "patches"))
				if err != nil {
					t.Fatal(err)
				}
				return listing
			}
			before := patches()
			status, out, errs := b.run(t, append(args, "--refresh")...)
			if status != exitFailed || out != "" || !strings.Contains(errs, "the tree was changed, but the patch was not written anew: ") || !strings.Contains(errs, "no space left on device") {
				t.Errorf("it ended with %d\n%s%s", status, out, errs)
			}
			if got := b.line(t, 5); got != "five" {
				t.Errorf("line 5 is %q", got)
			}
			if after := patches(); after != before {
				t.Errorf("the patches are\n%s, and were\n%s", after, before)
			}
			if status, out, errs := b.run(t, append(args, "-R")...); status != exitGreen {
				t.Errorf("it can't be taken out: %d\n%s%s", status, out, errs)
			}
			if got := b.line(t, 5); got != "5" {
				t.Errorf("taken out, line 5 is %q", got)
			}
		})
	}
}

// TestManyMisfits: of thousands of hunks that do not fit each is named, but only some
// are shown against the file.
func TestManyMisfits(t *testing.T) {
	const hunks, shown = 3000, 20
	b := newBench(t)
	var file, fix strings.Builder
	fix.WriteString("--- a/x\n+++ b/x\n")
	for i := range hunks {
		at := 20*i + 1
		for line := range 20 {
			fmt.Fprintln(&file, at+line)
		}
		fmt.Fprintf(&fix, "@@ -%d,3 +%d,3 @@\n %d\n-none\n+other\n %d\n", at, at, at, at+2)
	}
	b.write(t, "tree/x", file.String())
	b.write(t, "patches/fix.patch", fix.String())
	b.write(t, "patches/series", "fix.patch\n")
	before := b.list(t)
	for name, args := range map[string][]string{"one patch": {"-i", "patches/fix.patch"}, "series": {"--series", "patches/series"}, "check": {"--check", "-i", "patches/fix.patch"}} {
		for _, json := range []bool{false, true} {
			how, named, compared := args, "does not fit (line ", "  where most of it is "
			if json {
				how, named, compared = append([]string{"--json"}, args...), `"patch_line":`, `"compared":`
			}
			status, out, errs := b.run(t, how...)
			if status != exitRed || len(errs) > 1000 || len(out) > 200*hunks {
				t.Errorf("%s, JSON %v: it ended with %d, and said %d bytes\n%s", name, json, status, len(out), errs)
			}
			if n, c := strings.Count(out, named), strings.Count(out, compared); n != hunks || c != shown {
				t.Errorf("%s, JSON %v: %d hunks are named and %d are shown", name, json, n, c)
			}
		}
	}
	b.same(t, before)
}
