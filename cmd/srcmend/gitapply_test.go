package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gitSource is the release whose suite is run. The git that it tests is the one
// that is installed.
var gitSource = peer{
	debian: "git", file: "git_2.39.5.orig.tar.xz",
	sum: "c58da92c378df4a986ca33266897a7397e86c22ee266a284d8c2432c39066b59",
}

// TestGitApplySuite lets git's own suite run its scripts about apply and am,
// records each call of the two, and does the calls again with "srcmend patch".
//
// Where git succeeds, ours must make the same tree. Where git refuses, ours must
// refuse and leave the tree as it was, which git, too, does nearly always. Calls
// that ask for something that the verb is not for, such as mending white space
// or writing to the index only, are left out and counted.
func TestGitApplySuite(t *testing.T) {
	s := gitSuite{source: gitSource.source(t), work: t.TempDir(), git: program(t, "git"), shell: program(t, "sh")}
	s.prepare(t)
	var findings []finding
	leftOut := map[string]int{}
	calls := s.record(t)
	for _, dir := range calls {
		r, why := readCall(t, dir)
		if why != "" {
			leftOut[why]++
			continue
		}
		findings = append(findings, r.replay(t))
	}
	if len(findings) < 200 {
		t.Fatalf("only %d calls were recorded that can be done again: the suite did not run right", len(findings))
	}
	t.Logf("%d calls; left out: %s", len(calls), tally(leftOut))
	settle(t, "gitapply.txt", findings)
}

// A gitSuite is git's source, where things are written, and the programs.
type gitSuite struct{ source, work, git, shell string }

// prepare makes what the suite expects of a source that was built: it is used
// with an installed git instead. The helper program is one that always fails, so
// that the few tests that need it fail, too.
func (s gitSuite) prepare(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"templates/blt", "t/helper"} {
		need(t, os.MkdirAll(filepath.Join(s.source, dir), 0o755))
	}
	for _, dir := range []string{"bin", "calls", "logs"} {
		need(t, os.MkdirAll(filepath.Join(s.work, dir), 0o755))
	}
	options := fmt.Sprintf("SHELL_PATH='%s'\nPERL_PATH='%s'\nDIFF=diff\nNO_GETTEXT=1\nNO_PYTHON=1\nX=\n", s.shell, program(t, "perl"))
	need(t, os.WriteFile(filepath.Join(s.source, "GIT-BUILD-OPTIONS"), []byte(options), 0o644))
	need(t, os.WriteFile(filepath.Join(s.source, "t", "helper", "test-tool"), []byte("#!/bin/sh\nexit 1\n"), 0o755))
	standIn(t, "recorder.sh", filepath.Join(s.work, "bin", "git"))
}

// record runs the scripts and returns the folders of the calls.
func (s gitSuite) record(t *testing.T) []string {
	t.Helper()
	scripts, err := filepath.Glob(filepath.Join(s.source, "t", "t41[0-5]*.sh"))
	need(t, err)
	for _, script := range scripts {
		name, _, _ := strings.Cut(filepath.Base(script), "-")
		log := filepath.Join(s.work, "logs", name+".log")
		argv := []string{s.shell, filepath.Base(script), "--no-chain-lint", "--root=" + s.work}
		runScript(t, log, argv, filepath.Dir(script), "GIT_TEST_INSTALLED="+filepath.Join(s.work, "bin"),
			"RECORD="+filepath.Join(s.work, "calls"), "RECORDLOG="+log, "REALGIT="+s.git)
	}
	calls, err := filepath.Glob(filepath.Join(s.work, "calls", "*"))
	need(t, err)
	return calls
}

// A call is a recorded call of git that srcmend can do.
type call struct {
	dir       string   // of the recording
	shown     string   // how it was called
	options   []string // for srcmend patch
	patches   []string // the files, in their order
	succeeded bool
}

// A gitOption is what an option of git apply or git am means for doing the call
// again.
type gitOption struct {
	pattern *regexp.Regexp
	become  string // the option of ours, in which $1 can stand
	needs   bool   // can only be done again if git succeeded: it may be the reason why not
	nothing bool   // nothing is changed
}

// gitOptions are those with which a call can be done again.
func gitOptions() []gitOption {
	matches := func(pattern string) *regexp.Regexp { return regexp.MustCompile("^(?:" + pattern + ")$") }
	return []gitOption{
		{pattern: matches(`-p(\d+)`), become: "-p$1"},
		{pattern: matches(`-R|--reverse`), become: "-R"},
		{pattern: matches(`--check`), become: "--dry-run"},
		{pattern: matches(`--directory=(.*)`), become: "--directory=$1"},
		{pattern: matches(`--apply|-v|--verbose|-q|--quiet|--binary|--allow-binary-replacement|--unidiff-zero`)},
		{pattern: matches(`--whitespace=(?:nowarn|warn)`)},
		{pattern: matches(`--whitespace=error(?:-all)?|--index`), needs: true},
		{pattern: matches(`--(?:num)?stat|--summary`), nothing: true},
		// What git am does with a mail's text, which only the commit shows.
		{pattern: matches(`-s|--signoff|-k|--keep|-b|--keep-non-patch|-m|--message-id|-u|-c|--(?:no-)?scissors|--no-keep-cr|--no-3way|--no-quiet|--committer-date-is-author-date|--ignore-date`), needs: true},
	}
}

// gitSetting matches what a repository can set that changes what apply does.
var gitSetting = regexp.MustCompile(`(?m)^(apply\..*|am\..*|mailinfo\..*|core\.(?:autocrlf|eol|symlinks)|core\.filemode=false|core\.sharedrepository)`)

// readCall reads a recording, or says why the call cannot be done again.
func readCall(t *testing.T, dir string) (c call, why string) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		need(t, err)
		return string(text)
	}
	args := strings.Split(strings.TrimSuffix(read("args"), "\x00"), "\x00")
	verb := slices.IndexFunc(args, func(arg string) bool { return arg == "apply" || arg == "am" })
	c = call{dir: dir, shown: "git " + strings.Join(args, " ")}
	if _, err := os.Stat(filepath.Join(dir, "status")); err != nil {
		return c, "did not end"
	}
	c.succeeded = strings.TrimSpace(read("status")) == "0"
	setting := gitSetting.FindString(read("config"))
	switch {
	case verb > 0:
		return c, "options before the verb"
	case setting != "":
		return c, strings.ToLower(strings.Split(setting, "=")[0])
	case read("folder") != "":
		return c, "called in a sub folder"
	case args[0] == "am" && !c.succeeded:
		// It keeps the mails before the one that failed, and refuses
		// for reasons that have nothing to do with the patch.
		return c, "am that fails"
	case convertsContent(t, filepath.Join(dir, "before")) || convertsContent(t, filepath.Join(dir, "after")):
		return c, "attributes"
	}
	why = c.take(args)
	return c, why
}

// take takes the arguments over, or says which of them it cannot.
func (c *call) take(args []string) (why string) {
	nothing, apply := false, false
	for i, arg := range args[1:] {
		apply = apply || arg == "--apply" || arg == "--check"
		switch {
		case arg == "-":
			c.patches = append(c.patches, filepath.Join(c.dir, "stdin"))
		case !strings.HasPrefix(arg, "-"):
			c.patches = append(c.patches, filepath.Join(c.dir, fmt.Sprintf("operand.%d", i+2)))
		default:
			o, known := findOption(arg)
			name, _, _ := strings.Cut(arg, "=")
			switch {
			case !known:
				return args[0] + " " + name
			case o.needs && !c.succeeded:
				return args[0] + " " + name + " that fails"
			case o.become != "":
				c.options = append(c.options, o.pattern.ReplaceAllString(arg, o.become))
			}
			nothing = nothing || o.nothing
		}
	}
	if nothing && !apply {
		return "only statistics"
	}
	if len(c.patches) == 0 {
		c.patches = []string{filepath.Join(c.dir, "stdin")}
	}
	for _, patch := range c.patches {
		if !fileExists(patch) {
			return "patch is no file"
		}
	}
	return ""
}

// findOption finds what an option means.
func findOption(arg string) (gitOption, bool) {
	options := gitOptions()
	i := slices.IndexFunc(options, func(o gitOption) bool { return o.pattern.MatchString(arg) })
	if i < 0 {
		return gitOption{}, false
	}
	return options[i], true
}

// converting matches an attribute that lets git change what it reads or writes.
var converting = regexp.MustCompile(`\b(?:text|eol|crlf|ident|filter|working-tree-encoding)\b`)

// convertsContent reports whether a tree has attributes that do.
func convertsContent(t *testing.T, dir string) bool {
	t.Helper()
	for name, what := range contents(t, dir) {
		if filepath.Base(name) == ".gitattributes" && converting.MatchString(what) {
			return true
		}
	}
	return false
}

// replay does the call again, in a copy of the tree before it.
func (c call) replay(t *testing.T) finding {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	need(t, os.CopyFS(tree, os.DirFS(filepath.Join(c.dir, "before"))))
	before := contents(t, tree)
	status, said := 0, ""
	for _, patch := range c.patches {
		if status, said = c.srcmend(t, tree, patch); status != 0 {
			break
		}
	}
	want := before
	if c.succeeded {
		want = contents(t, filepath.Join(c.dir, "after"))
	}
	after := contents(t, tree)
	f := finding{name: filepath.Base(c.dir), good: (status == 0) == c.succeeded && maps.Equal(want, after)}
	if !f.good {
		theirs, _ := os.ReadFile(filepath.Join(c.dir, "err")) // for the reader only
		f.what = fmt.Sprintf("%s\ngit succeeded: %t\n%ssrcmend patch %s: %d\n%s\n%s", c.shown, c.succeeded, theirs,
			strings.Join(c.options, " "), status, said, cmp.Diff(want, after))
	}
	return f
}

// srcmend puts one patch into the tree.
func (c call) srcmend(t *testing.T, tree, patch string) (status int, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "srcmend", append([]string{"patch", "-i", patch}, c.options...)...)
	cmd.Dir = tree
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}
