package mend

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
)

// A Past is a change that has mended the tree, in this run or an earlier one.
type Past struct {
	What  string            `json:"what"`
	Files map[string]string `json:"files,omitempty"` // sha256 of what they became, in hex
	Diff  string            `json:"diff,omitempty"`
}

// The files in Keep that tell what has mended the tree.
const (
	pastFile  = "mended.json"
	patchFile = "mended.patch"
)

// pasts is what the file holds.
type pasts struct {
	Folder  uint64 `json:"folder"` // the number of the tree's folder: another tree may stand there now
	Changes []Past `json:"changes"`
}

// Past gives what has mended the tree in this run and before it, as far as that is still so.
func (m *Mender) Past() []Past {
	all := m.earlier()
	for _, c := range m.kept {
		p := Past{What: c.What, Diff: c.Diff, Files: map[string]string{}}
		for _, f := range c.Files {
			p.Files[f.Name] = fmt.Sprintf("%x", sha256.Sum256(f.Content()))
		}
		if !slices.ContainsFunc(all, func(other Past) bool { return other.What == p.What && other.Diff == p.Diff }) {
			all = append(all, p)
		}
	}
	// What was changed again since has only its last state left to compare with.
	last := map[string]string{}
	for _, p := range all {
		maps.Copy(last, p.Files)
	}
	return slices.DeleteFunc(all, func(p Past) bool {
		for name := range p.Files {
			text, err := os.ReadFile(filepath.Join(m.Top, name))
			if err != nil || fmt.Sprintf("%x", sha256.Sum256(text)) != last[name] {
				return true
			}
		}
		return false
	})
}

// earlier is what earlier runs have left word of.
func (m *Mender) earlier() []Past {
	if m.Keep == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(m.Keep, pastFile))
	var p pasts
	if err != nil || json.Unmarshal(text, &p) != nil || p.Folder != m.folder() {
		return nil
	}
	return p.Changes
}

// folder is the number of the tree's folder.
func (m *Mender) folder() uint64 {
	info, err := os.Stat(m.Top)
	if err != nil {
		return 0
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Ino)
	}
	return 0
}

// Remember leaves word of what has mended the tree for later runs, and gives the name of a
// patch that holds all of it, "" if no file was changed.
func (m *Mender) Remember() (patch string, err error) {
	p := pasts{m.folder(), m.Past()}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return "", err
	}
	if err := renameio.WriteFile(filepath.Join(m.Keep, pastFile), text, 0o600); err != nil {
		return "", err
	}
	var diffs strings.Builder
	for _, c := range p.Changes {
		diffs.WriteString(c.Diff)
	}
	patch = filepath.Join(m.Keep, patchFile)
	if diffs.Len() == 0 {
		if err := os.Remove(patch); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return "", nil
	}
	return patch, renameio.WriteFile(patch, []byte(diffs.String()), 0o600)
}
