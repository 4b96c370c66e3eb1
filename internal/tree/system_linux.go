package tree

import (
	"errors"

	"golang.org/x/sys/unix"
)

// openBelow opens a file or folder in one go, where the kernel can: it leads
// through no link and not out of the folder top.
func openBelow(top int, path string, flags uint64) (int, error) {
	return unix.Openat2(top, path, &unix.OpenHow{
		Flags:   flags,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
}

// exchange swaps two names.
func exchange(fromFolder int, from string, toFolder int, to string) error {
	return unsupported(unix.Renameat2(fromFolder, from, toFolder, to, unix.RENAME_EXCHANGE))
}

// renameNew moves a file to a name that must be free.
func renameNew(fromFolder int, from string, toFolder int, to string) error {
	err := unsupported(unix.Renameat2(fromFolder, from, toFolder, to, unix.RENAME_NOREPLACE))
	if errors.Is(err, errors.ErrUnsupported) {
		return unix.Renameat(fromFolder, from, toFolder, to)
	}
	return err
}

// unsupported tells what the file system cannot do: it says so by EINVAL.
func unsupported(err error) error {
	if err == unix.EINVAL {
		return unix.EOPNOTSUPP
	}
	return err
}
