package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors says on which floor each package stands.
var floors = map[string]int{
	"version": 0, "platform": 0, "buildlog": 0, "tree": 0, "distfile": 0, "event": 0, "yamlfile": 0, "relay": 0, "snapshot": 0, "jobserver": 0,
	"target": 1, "header": 1, "setup": 1, "recipe": 1, "patch": 1, "archive": 1, "build": 1, "signature": 1, "gitrepo": 1,
	"plan": 2, "fetch": 2, "history": 2, "series": 2, "diagnosis": 2, "upstream": 2,
	"work": 3, "check": 3,
	"mend": 4, "verify": 4,
	"report": 5,
}

// only says which packages alone may use a module, so that it can be replaced
// in few places.
var only = map[string][]string{
	"github.com/bluekeyes/go-gitdiff":   {"patch"},
	"github.com/hashicorp/go-version":   {"version"},
	"github.com/go-git/go-git":          {"fetch", "gitrepo"},
	"go.yaml.in/yaml":                   {"yamlfile"},
	"github.com/klauspost/compress":     {"archive"},
	"github.com/mikelolasagasti/xz":     {"archive"},
	"github.com/CycloneDX/cyclonedx-go": {"report"},
	"github.com/spf13/cobra":            {""},
	"srcmend/recipes":                   {""},
	"srcmend/patches":                   {""},
}

// TestFloors reads the imports of every file that is not a test. It does so
// itself: a test that asked go list would be answered from the test cache.
func TestFloors(t *testing.T) {
	dirs, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		seen[d.Name()] = true
		floor, known := floors[d.Name()]
		if !known {
			t.Errorf("internal/%s has no line in the table of floors", d.Name())
			continue
		}
		for _, imp := range imports(t, d.Name()) {
			check(t, d.Name(), floor, imp)
		}
	}
	for name := range floors {
		if !seen[name] {
			t.Errorf("the table of floors names %s, which is not there", name)
		}
	}
}

func check(t *testing.T, pkg string, floor int, imp string) {
	if name, ok := strings.CutPrefix(imp, "srcmend/internal/"); ok {
		if below, known := floors[name]; !known || below >= floor {
			t.Errorf("internal/%s (floor %d) imports internal/%s (floor %d): imports only point down", pkg, floor, name, below)
		}
	}
	for module, owners := range only {
		if (imp == module || strings.HasPrefix(imp, module+"/")) && !slices.Contains(owners, pkg) {
			t.Errorf("internal/%s imports %s, which is for %q alone", pkg, imp, owners)
		}
	}
}

// imports returns what the files of a folder import, tests left out.
func imports(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, imp)
		}
	}
	return out
}

// TestNoUpstreamNames makes sure that knowledge of packages is data: no Go
// file but tests has the name of one that has a recipe as a value. Help texts
// may show one in an example.
func TestNoUpstreamNames(t *testing.T) {
	recipes, err := filepath.Glob("../recipes/*.yaml")
	if err != nil || len(recipes) == 0 {
		t.Fatalf("no recipes: %v", err)
	}
	// The recipes of operating systems have the names that Go has for them.
	recipes = slices.DeleteFunc(recipes, func(name string) bool { return filepath.Base(name) == "freebsd.yaml" })
	err = filepath.WalkDir("..", func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		for _, name := range literals(parsed) {
			for _, r := range recipes {
				if pkg := strings.TrimSuffix(filepath.Base(r), ".yaml"); name == pkg {
					t.Errorf("%s names the package %s", file, pkg)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// literals returns the string literals of a file that are one word.
func literals(file *ast.File) []string {
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				out = append(out, text)
			}
		}
		return true
	})
	return out
}
