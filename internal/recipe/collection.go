package recipe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// A Layer is one place that holds recipes, NAME.yaml each, and the files that
// belong to them.
type Layer struct {
	Name    string // for messages: a folder's path
	Recipes fs.FS
	Files   fs.FS // patches and logs, by the names that the recipes use
}

// A Collection is layers of recipes: a package in a later layer hides the
// one of the same name in an earlier layer. Recipes are read when they are
// asked for, one at a time.
type Collection struct{ layers []Layer }

// NewCollection puts layers on top of each other, the last one uppermost.
func NewCollection(layers ...Layer) *Collection { return &Collection{layers} }

// Under returns the collection with one more layer on top.
func (c *Collection) Under(top Layer) *Collection {
	return &Collection{append(slices.Clone(c.layers), top)}
}

// Names returns the names of all packages, sorted.
func (c *Collection) Names() ([]string, error) {
	names := map[string]bool{}
	for _, l := range c.layers {
		files, err := fs.ReadDir(l.Recipes, ".")
		if err != nil {
			return nil, fmt.Errorf("reading the recipes of %s: %w", l.Name, err)
		}
		for _, f := range files {
			if name, ok := strings.CutSuffix(f.Name(), ".yaml"); ok && !f.IsDir() && idForm.MatchString(name) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// Has reports whether there is a recipe of a package.
func (c *Collection) Has(name string) bool {
	return idForm.MatchString(name) && slices.ContainsFunc(c.layers, func(l Layer) bool {
		_, err := fs.Stat(l.Recipes, name+".yaml")
		return err == nil
	})
}

// Load reads one package's recipe. The error is [*UnknownPackage], or
// [yamlfile.Mistakes] when the recipe is not right.
func (c *Collection) Load(name string) (*Recipe, error) {
	r, _, err := c.LoadText(name)
	return r, err
}

// LoadText is Load that gives the text of the file as well.
func (c *Collection) LoadText(name string) (*Recipe, []byte, error) {
	file, text, err := c.Text(name)
	if err != nil {
		return nil, nil, err
	}
	r, err := ParseNamed(file, name, text)
	return r, text, err
}

// Text gives the text of one package's recipe, and what its file is called.
func (c *Collection) Text(name string) (file string, text []byte, err error) {
	if idForm.MatchString(name) {
		for _, l := range slices.Backward(c.layers) {
			text, err := read(l.Recipes, name+".yaml", yamlfile.MaxSize)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return "", nil, fmt.Errorf("reading the recipe of %s: %w", name, err)
			}
			return path.Join(l.Name, name+".yaml"), text, nil
		}
	}
	known, err := c.Names()
	if err != nil {
		return "", nil, err
	}
	return "", nil, &UnknownPackage{name, known}
}

// ParseNamed is [Parse] of a file whose name says that it holds the package
// name.
func ParseNamed(file, name string, text []byte) (*Recipe, error) {
	r, err := Parse(file, text)
	if err == nil && r.Name != name {
		m := r.doc.Mistake("rename the file or the package", fmt.Sprintf("the file is called %s.yaml, the package in it %s", name, r.Name), "name")
		return r, yamlfile.Mistakes{m}
	}
	return r, err
}

// File reads a file that a recipe names, a patch or a log, from the uppermost
// layer that has it.
func (c *Collection) File(name string) ([]byte, error) {
	for _, l := range slices.Backward(c.layers) {
		text, err := read(l.Files, name, maxFile)
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// maxFile is how large a patch or a log beside the recipes may be, in bytes.
const maxFile = 64 << 20

// read reads a plain file of at most limit bytes, and one byte of a larger
// one, so that whoever gets it sees that it is too large.
func read(files fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // reading a pipe would wait for ever
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("it is not a plain file")}
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// ReadFile reads a recipe's file, in a folder of the system.
func ReadFile(path string) ([]byte, error) {
	return read(os.DirFS(filepath.Dir(path)), filepath.Base(path), yamlfile.MaxSize)
}

// UnknownPackage says that no layer has a recipe of that name.
type UnknownPackage struct {
	Want  string
	Known []string // all there are
}

func (e *UnknownPackage) Error() string {
	s := fmt.Sprintf("there is no recipe for %q", e.Want)
	if near := yamlfile.Nearest(e.Want, e.Known); near != "" {
		return s + fmt.Sprintf("; did you mean %q?", near)
	}
	const most = 12
	if len(e.Known) <= most {
		return s + "; known are " + strings.Join(e.Known, ", ")
	}
	return s + fmt.Sprintf("; srcmend recipe list names the %d that are known", len(e.Known))
}
