//go:build !linux

package tree

import "golang.org/x/sys/unix"

// openBelow opens a file or folder in one go, where the kernel can. Here it
// cannot do so without following links inside the tree.
func openBelow(int, string, uint64) (int, error) { return -1, unix.ENOSYS }

// exchange swaps two names, where the kernel can.
func exchange(int, string, int, string) error { return unix.ENOSYS }

// renameNew moves a file to a name that should be free.
func renameNew(fromFolder int, from string, toFolder int, to string) error {
	return unix.Renameat(fromFolder, from, toFolder, to)
}
