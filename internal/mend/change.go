package mend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/patch"
	"srcmend/internal/setup"
	"srcmend/internal/tree"
)

// A Source is where a change comes from.
type Source string

// The sources, in the order in which they are tried.
const (
	Again  Source = "nowhere"   // nothing was changed
	Recipe Source = "recipe"    // a fix of the package's recipe
	Known  Source = "catalogue" // what the catalogue says
	Made   Source = "synthesis" // an include that was worked out
	Hunted Source = "upstream"  // a change of upstream's history
)

// A Change is what one remedy does to a tree and to the commands of its build, as a value.
type Change struct {
	What string // "include <signal.h> in src/stats.c"
	From Source
	Fix  string // id of the recipe's fix
	// Cures is the error, as the target alone has said it.
	Cures diagnosis.Finding

	// Files have their new contents.
	Files []tree.File
	// Diff is what becomes of them, as a patch.
	Diff string
	// Gone are files and folders that are removed.
	Gone []string
	// Folders of the tree are made, where they are not there.
	Folders []string
	// Runs are commands that are run once.
	Runs []setup.Command
	// Make and Configure are further arguments of those commands, Env is further environment.
	Make, Configure, Env []string
	// Program is the make to be used in place of another one.
	Program string
	// Flags are words for variables with flags, where the change is that.
	Flags map[string]string
	// Reaches says that what was made before may have to be made anew.
	Reaches bool

	whole  bool   // only the failed command itself can show whether it helps
	omits  bool   // a header is left out, with all that it may have declared
	header string // that is included
	old    []was
}

// was is a file as it was before a change.
type was struct {
	tree.File
	there bool
}

// onlySources reports whether nothing but sources is changed: the command that failed can
// show whether that helps.
func (c Change) onlySources() bool {
	return len(c.Runs)+len(c.Make)+len(c.Configure)+len(c.Env)+len(c.Gone)+len(c.Program) == 0 && !slices.ContainsFunc(c.Files, func(f tree.File) bool { return isInput(f.Name) })
}

// isInput reports whether a file is one that configure or make read.
func isInput(name string) bool {
	base := path.Base(name)
	switch strings.TrimSuffix(path.Ext(base), ".in") {
	case ".mk", ".mak", ".cmake", ".ac", ".am", ".m4":
		return true
	}
	if slices.Contains(grammars, path.Ext(base)) || path.Ext(base) == ".in" { // what fails is made from it
		return true
	}
	return slices.Contains([]string{"Makefile", "makefile", "GNUmakefile", "Makefile.in", "CMakeLists.txt", "meson.build", "configure", "configure.in"}, base)
}

// caused reports whether an error comes from the change itself.
func (c Change) caused(f diagnosis.Finding) bool {
	return c.header != "" && (f.Symbol == c.header || slices.ContainsFunc(f.Excerpt, func(line string) bool {
		return strings.Contains(line, "#include <"+c.header+">")
	}))
}

// newChange makes a change of files, of which the tree has the former ones.
func (j *job) newChange(what string, from Source, files ...tree.File) (Change, error) {
	c := Change{What: what, From: from}
	for _, f := range files {
		// Not as it was read: by then the tree was put back.
		f = tree.File{Name: f.Name, Mode: f.Mode, Data: f.Content(), ModTime: f.ModTime}
		c.Files = append(c.Files, f)
		old, err := j.t.Read(f.Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
		c.Diff += diff(old, f, err == nil)
		before := was{tree.File{Name: f.Name, Mode: old.Mode, Data: old.Content()}, err == nil}
		if info, err := j.t.Lstat(f.Name); err == nil {
			before.ModTime = info.ModTime()
		}
		c.old = append(c.old, before)
		c.Reaches = c.Reaches || isHeader(f.Name)
	}
	return c, nil
}

func isHeader(name string) bool {
	return slices.Contains([]string{".h", ".hh", ".hpp", ".hxx", ".inc"}, path.Ext(name))
}

// diff is a patch that makes one file into the other.
func diff(old, now tree.File, there bool) string {
	var b strings.Builder
	from := "a/" + now.Name
	if !there {
		from = patch.DevNull
	}
	fmt.Fprintf(&b, "diff --git a/%s b/%s\n", now.Name, now.Name)
	executable := func(f tree.File) string {
		if f.Mode&0o100 != 0 {
			return "100755"
		}
		return "100644"
	}
	switch {
	case !there:
		fmt.Fprintf(&b, "new file mode %s\n", executable(now))
	case now.Mode != 0 && executable(old) != executable(now):
		fmt.Fprintf(&b, "old mode %s\nnew mode %s\n", executable(old), executable(now))
	}
	hunks := patch.Diff(string(old.Content()), string(now.Content()))
	if len(hunks) == 0 {
		if there && now.Mode == 0 || there && executable(old) == executable(now) {
			return "" // only its time
		}
		return b.String()
	}
	fmt.Fprintf(&b, "--- %s\n+++ b/%s\n", from, now.Name)
	for _, h := range hunks {
		b.WriteString(h.String())
	}
	return b.String()
}

// apply carries changes out, on the tree as it is. It reports whether what had to be run did
// well.
func (j *job) apply(ctx context.Context, changes []Change) (bool, error) {
	for i, c := range changes {
		edit := j.t.Begin()
		for _, f := range c.Files {
			edit.Write(f)
		}
		if err := edit.Commit(); err != nil {
			return false, fmt.Errorf("%s: %w", c.What, err)
		}
		for _, name := range c.Gone {
			if err := j.t.Root().RemoveAll(name); err != nil {
				return false, fmt.Errorf("%s: %w", c.What, err)
			}
		}
		for _, name := range c.Folders {
			if err := j.t.Root().MkdirAll(name, 0o755); err != nil {
				return false, fmt.Errorf("%s: %w", c.What, err)
			}
		}
		for _, run := range c.Runs {
			_, env := With(changes[:i+1], nil, j.f.Env)
			r, _, err := j.run(ctx, run.Argv, run.Dir, env)
			if err != nil || !r.Green() {
				return false, err
			}
		}
	}
	return true, nil
}

// revert takes changes of files back that have not helped after all, as far as nobody has
// changed those since.
func (j *job) revert(changes []Change) error {
	edit := j.t.Begin()
	for _, c := range slices.Backward(changes) {
		for i, f := range c.Files {
			now, err := j.t.Read(f.Name)
			if err != nil || !bytes.Equal(now.Content(), f.Data) || len(c.old) <= i {
				continue
			}
			if old := c.old[i]; old.there {
				edit.Write(old.File)
			} else {
				edit.Remove(f.Name)
			}
		}
	}
	return edit.Commit()
}
