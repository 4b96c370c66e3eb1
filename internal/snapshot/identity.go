package snapshot

import (
	"io/fs"
	"syscall"
)

// identity is the inode of a file, and when something was done to it last, in nanoseconds:
// the one time that programs can't set.
func identity(info fs.FileInfo) (inode uint64, change int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return st.Ino, changeTime(st)
}
