package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/report"
)

//go:embed init/*.yml
var initFiles embed.FS

// initPaths are where the files lie that have recipes verified, by whose they are.
var initPaths = map[string]string{
	"github": ".github/workflows/srcmend.yml", "gitlab": ".gitlab-ci.yml", "pre-commit": ".pre-commit-config.yaml",
}

// verifyInit writes a file that has the recipes of the folder that srcmend is in verified by
// somebody else's machines. What is there already stays.
func (a *app) verifyInit(kind string, show bool) error {
	path, known := initPaths[kind]
	if !known {
		return &usageError{fmt.Sprintf("there is no %q to write for", kind), "--init " + strings.Join(slices.Sorted(maps.Keys(initPaths)), ", --init ")}
	}
	recipes := "recipes"
	if dirs := a.folders(); len(dirs) > 0 {
		recipes = report.Relative(dirs[0])
	}
	if !filepath.IsLocal(recipes) || strings.ContainsAny(recipes, " \t\n'\"$\\`") {
		return &usageError{fmt.Sprintf("%q can't be named in such a file", recipes), "go to the top of the repository: srcmend --recipes recipes verify --init " + kind}
	}
	text, err := initFiles.ReadFile("init/" + kind + ".yml")
	if err != nil {
		return err
	}
	text = []byte(strings.ReplaceAll(string(text), "@recipes@", recipes))
	if show {
		_, err := a.out.Write(text)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return &usageError{path + " is there already, and stays as it is", "srcmend verify --init " + kind + " --plan shows what would be written"}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s is written; look at it, and commit it\n", path)
	return err
}
