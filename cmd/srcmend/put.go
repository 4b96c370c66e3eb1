package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// put makes a file what is given, at once: where a symbolic link leads to, if it is one. What is no
// plain file, as a pipe or /dev/null, stays what it is, and is written to.
func put(file string, text []byte) error {
	if _, err := os.Readlink(file); err == nil {
		real, err := filepath.EvalSymlinks(file)
		if err != nil { // it leads to nothing yet
			return os.WriteFile(file, text, 0o644)
		}
		file = real
	}
	if info, err := os.Stat(file); err != nil || info.Mode().IsRegular() {
		return renameio.WriteFile(file, text, 0o644)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
