package check

import (
	"context"
	"os"
	"path"

	"srcmend/internal/archive"
	"srcmend/internal/patch"
)

// Look reads a release's archive as far as the patches are about it: the files with the names of
// those that they change, in whatever folder. name is what the archive is called.
func Look(ctx context.Context, file, name string, patches []*patch.Patch) (*Content, error) {
	wanted := map[string]bool{}
	for _, p := range patches {
		for _, name := range p.Names() {
			wanted[path.Base(name)] = true
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	view, err := archive.Look(ctx, f, func(name string) bool { return wanted[path.Base(name)] })
	if err != nil {
		return nil, err
	}
	return &Content{Source: view, From: From{Kind: Archive, Name: name}, Names: view.Names()}, nil
}
