package tree

import (
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

// An info is the fs.FileInfo of Lstat.
type info struct {
	name string
	stat unix.Stat_t
}

// Name is the last component.
func (i info) Name() string { return i.name }

// Size is the length in bytes.
func (i info) Size() int64 { return i.stat.Size }

// ModTime is the time of the last change.
func (i info) ModTime() time.Time { return time.Unix(0, i.stat.Mtim.Nano()) }

// IsDir reports whether it is a folder.
func (i info) IsDir() bool { return i.kind() == unix.S_IFDIR }

// Sys gives what the system told.
func (i info) Sys() any { return &i.stat }

func (i info) kind() uint32 { return uint32(i.stat.Mode) & unix.S_IFMT }

// Mode is the kind and the permissions.
func (i info) Mode() fs.FileMode {
	mode := fs.FileMode(i.stat.Mode) & fs.ModePerm
	switch i.kind() {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	default:
		mode |= fs.ModeIrregular
	}
	return mode | i.special()
}

// special is the permissions beside those to read, write and execute.
func (i info) special() fs.FileMode {
	var mode fs.FileMode
	if i.stat.Mode&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if i.stat.Mode&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if i.stat.Mode&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// isLink reports whether it is a symbolic link.
func (i info) isLink() bool { return i.kind() == unix.S_IFLNK }

// isFile reports whether it is a regular file or a symbolic link.
func (i info) isFile() bool { return i.kind() == unix.S_IFREG || i.isLink() }

// A sight is what tells a file from another one, or from itself after a change,
// without reading it. The zero value stands for nothing there.
type sight struct {
	inode uint64
	size  int64 // in bytes
	time  int64 // of the last change, in nanoseconds
}

func (i info) sight() sight {
	return sight{inode: i.stat.Ino, size: i.stat.Size, time: i.stat.Mtim.Nano()}
}
