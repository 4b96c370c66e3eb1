package build

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace makes a file appear, or be another one, at once. It does not wait for the disk, and so
// is for what does not count after the machine has gone down.
func Replace(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
