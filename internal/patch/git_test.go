package patch

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"srcmend/internal/tree"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tool gives the path of a program, or skips the test: it asks another program
// what is right.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// run runs a program in dir and gives its output.
func run(t testing.TB, dir string, input []byte, argv ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(tool(t, argv[0]), argv[1:]...)
	cmd.Dir = dir
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@localhost", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@localhost",
		"GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s%s", strings.Join(argv, " "), err, out, stderr.String())
	}
	return string(out), err
}

// must is run where nothing may go wrong.
func must(t testing.TB, dir string, argv ...string) string {
	t.Helper()
	out, err := run(t, dir, nil, argv...)
	check(t, err)
	return out
}

// parse reads a patch or ends the test.
func parse(t testing.TB, text string) *Patch {
	t.Helper()
	p, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return p
}

// write makes files in dir: names to contents, "link -> target" for a link, a
// name with "*" at its end for an executable.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		mode := fs.FileMode(0o644)
		if bare, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = bare, 0o755
		}
		path := filepath.Join(dir, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if target, ok := strings.CutPrefix(text, "link -> "); ok {
			check(t, os.Symlink(target, path))
			continue
		}
		check(t, os.WriteFile(path, []byte(text), mode))
		check(t, os.Chmod(path, mode))
	}
}

// read gives the files of dir as write takes them, without git's folder.
func read(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		switch {
		case name == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			files[name] = "link -> " + target
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode()&0o100 != 0 {
			name += "*"
		}
		files[name] = string(data)
		return err
	}))
	return files
}

// open makes a tree of files.
func open(t testing.TB, files map[string]string) *tree.Tree {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	check(t, os.Mkdir(dir, 0o755))
	write(t, dir, files)
	tr, err := tree.Open(dir)
	check(t, err)
	t.Cleanup(func() { check(t, tr.Close()) })
	return tr
}

// differ describes how two sets of files differ; "" when they do not.
func differ(got, want map[string]string) string {
	var b strings.Builder
	names := slices.Sorted(maps.Keys(got))
	names = slices.AppendSeq(names, maps.Keys(want))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		g, isThere := got[name]
		w, wanted := want[name]
		if g != w || isThere != wanted {
			fmt.Fprintf(&b, "%s: %.200q (%v), want %.200q (%v)\n", name, g, isThere, w, wanted)
		}
	}
	return b.String()
}

// A forge makes random files and random changes to them.
type forge struct{ *rand.Rand }

func newForge(seed uint64) forge { return forge{rand.New(rand.NewPCG(seed, 99))} }

// line is one of few lines, so that many are alike.
func (f forge) line() string {
	words := []string{"", "{", "}", "\treturn 0;", "int a;", "  x = 1;  ", "/* ä */", "-- ", "@@ -1 +1 @@", "--- a", "+++ b", "diff --git a/x b/x"}
	if f.IntN(3) > 0 {
		return fmt.Sprintf("line %d\n", f.IntN(40))
	}
	return words[f.IntN(len(words))] + "\n"
}

// text is a file of some lines, at times without a newline at its end.
func (f forge) text(lines int) string {
	var b strings.Builder
	for range lines {
		b.WriteString(f.line())
	}
	return f.end(b.String())
}

func (f forge) end(text string) string {
	if f.IntN(5) == 0 {
		return strings.TrimSuffix(text, "\n")
	}
	return text
}

// change inserts, deletes and replaces some lines.
func (f forge) change(text string, edits int) string {
	lines := slices.Collect(strings.Lines(text))
	for range edits {
		at := f.IntN(len(lines) + 1)
		end := min(len(lines), at+f.IntN(4))
		var added []string
		for range f.IntN(4) {
			added = append(added, f.line())
		}
		lines = slices.Replace(lines, at, end, added...)
	}
	for i := range lines {
		if i < len(lines)-1 && !strings.HasSuffix(lines[i], "\n") {
			lines[i] += "\n"
		}
	}
	return f.end(strings.Join(lines, ""))
}

// files makes a tree with text, programs, links, binaries and empty files. Names
// are from a list, so that a test can leave out those a tree does not take.
func (f forge) files(names ...string) map[string]string {
	names = append(names, "a%d.c", "src/b%d.c", "src/deep er/c%d.h", "run%d*", "ö%d", "quo\"te%d")
	files := map[string]string{}
	for i := range 4 + f.IntN(5) {
		name := names[f.IntN(len(names))]
		files[fmt.Sprintf(name, i)] = f.text(f.IntN(60))
	}
	files["empty"] = ""
	files["bin.dat"] = string([]byte{0, 1, 2, byte(f.IntN(256)), 0xff, 0}) + f.text(20)
	files["link"] = "link -> empty"
	return files
}

// changed is a later version of the files.
func (f forge) changed(files map[string]string) map[string]string {
	out := map[string]string{}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		text := files[name]
		isLink := strings.HasPrefix(text, "link -> ")
		switch n := f.IntN(12); {
		case n == 0 && len(out) > 0: // it goes
		case n == 1: // it moves
			bare, exec := strings.CutSuffix(name, "*")
			bare = strings.ReplaceAll(bare, "src/", "moved/") + "-new"
			if exec {
				bare += "*"
			}
			if !isLink && f.IntN(2) == 0 {
				text = f.change(text, 1)
			}
			out[bare] = text
		case n == 2 && !isLink: // its mode changes
			if bare, exec := strings.CutSuffix(name, "*"); exec {
				out[bare] = text
			} else {
				out[name+"*"] = text
			}
		case n < 7 && !isLink:
			out[name] = f.change(text, 1+f.IntN(4))
		case n == 7 && isLink:
			out[name] = "link -> src"
		default:
			out[name] = text
		}
	}
	if name := fmt.Sprintf("new/file%d.c", len(files)); f.IntN(3) == 0 && out[name] == "" && out[name+"*"] == "" {
		out[name] = f.text(10)
	}
	if f.IntN(5) == 0 {
		out["also empty"] = ""
	}
	return out
}

// history makes a repository with the versions of files as commits, and gives its
// folder.
func history(t testing.TB, versions ...map[string]string) string {
	t.Helper()
	tool(t, "git")
	dir := filepath.Join(t.TempDir(), "repo")
	check(t, os.Mkdir(dir, 0o755))
	must(t, dir, "git", "init", "-q", "-b", "main")
	must(t, dir, "git", "config", "core.quotepath", "true")
	for i, files := range versions {
		must(t, dir, "git", "rm", "-rqf", "--ignore-unmatch", ".")
		write(t, dir, files)
		must(t, dir, "git", "add", "-A")
		must(t, dir, "git", "commit", "-q", "--allow-empty", "-m", fmt.Sprintf("version %d\n\nWith a body.", i))
	}
	return dir
}
