package tree

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A folder is an open folder of a tree. Its methods take names of one component
// and never follow a link, so what they touch lies in it whatever a hostile
// process does to the names on the way.
type folder struct {
	fd   int
	path string // in the tree, "" at the top
	t    *Tree
}

// again repeats a system call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// join gives the path of something in the folder.
func (d folder) join(name string) string {
	if d.path == "" {
		return name
	}
	return d.path + "/" + name
}

// fail describes an error with the whole path.
func (d folder) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: d.join(name), Err: err}
}

// close gives the handle back; that of the top stays with the tree.
func (d folder) close() {
	if d.path != "" {
		_ = unix.Close(d.fd)
	}
}

// open opens a folder in the folder.
func (d folder) open(name string) (folder, error) {
	sub := folder{path: d.join(name), t: d.t}
	err := again(func() (err error) {
		sub.fd, err = unix.Openat(d.fd, name, folderFlags, 0)
		return err
	})
	return sub, d.fail("open", name, err)
}

// The flags for opening a folder, and nothing else, and for reading a file. A pipe
// or terminal that stands in the place of a file is not waited for.
const (
	folderFlags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_DIRECTORY
	fileFlags   = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
)

// look says what stands under a name.
func (d folder) look(name string) (info, error) {
	i := info{name: name}
	err := again(func() error { return unix.Fstatat(d.fd, name, &i.stat, unix.AT_SYMLINK_NOFOLLOW) })
	return i, d.fail("lstat", name, err)
}

// sight is look for those who only want to know whether it is still the same.
func (d folder) sight(name string) (sight, error) {
	i, err := d.look(name)
	if errors.Is(err, fs.ErrNotExist) {
		return sight{}, nil
	}
	return i.sight(), err
}

// names lists what is in the folder.
func (d folder) names() ([]string, error) {
	own, err := unix.Openat(d.fd, ".", folderFlags, 0) // with a place of its own to read on from
	if err != nil {
		return nil, d.fail("open", ".", err)
	}
	f := os.NewFile(uintptr(own), d.path)
	defer f.Close()
	return f.Readdirnames(-1)
}

// target reads a symbolic link.
func (d folder) target(name string) ([]byte, error) {
	target := make([]byte, MaxLink+1)
	n, err := unix.Readlinkat(d.fd, name, target)
	return target[:max(n, 0)], d.fail("readlink", name, err)
}

// read reads the regular file that was just seen as seen.
func (d folder) read(name string, seen info) ([]byte, error) {
	if seen.Size() == 0 {
		return nil, nil // quilt keeps such ones with no permission to read
	}
	fd := -1
	err := again(func() (err error) {
		fd, err = unix.Openat(d.fd, name, fileFlags, 0)
		return err
	})
	if err != nil {
		return nil, d.fail("open", name, err)
	}
	defer unix.Close(fd)
	data, err := readAll(fd, int(seen.Size()))
	return data, d.fail("read", name, err)
}

// readAll reads up to the end, but no more than a byte beyond MaxFile. A read
// that gives less than there is room for has reached the end if it has all that
// the size promised.
func readAll(fd, size int) ([]byte, error) {
	data, n := make([]byte, size+1), 0
	for {
		got := 0
		err := again(func() (err error) {
			got, err = unix.Read(fd, data[n:])
			return err
		})
		n += max(got, 0)
		switch {
		case err != nil:
			return nil, err
		case got == 0 || n == size || n > MaxFile:
			return data[:n:n], nil
		case n == len(data):
			data = append(data, make([]byte, min(2*n, MaxFile+1-n))...)
		}
	}
}

// change makes one change of the folder, unless the test's hook has it fail.
func (d folder) change(op, name string, call func() error) error {
	if d.t.hook != nil {
		if err := d.t.hook(op, d.join(name)); err != nil {
			return d.fail(op, name, err)
		}
	}
	return d.fail(op, name, again(call))
}

// create writes a new file with exactly this mode, and this time unless it is
// zero.
func (d folder) create(name string, mode fs.FileMode, when time.Time, parts ...[]byte) (sight, error) {
	var seen sight
	err := d.change("create", name, func() error {
		fd, err := unix.Openat(d.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(mode))
		if err != nil {
			return err
		}
		seen, err = d.fill(fd, name, mode, when, parts)
		if closeErr := unix.Close(fd); err == nil && closeErr != unix.EINTR {
			err = closeErr
		}
		return err
	})
	return seen, err
}

// fill does for create what is done to the open file. The mode is set only if
// the umask has taken a bit, the time only if it is asked for.
func (d folder) fill(fd int, name string, mode fs.FileMode, when time.Time, parts [][]byte) (sight, error) {
	if err := d.t.writeAll(fd, parts); err != nil {
		return sight{}, err
	}
	var i info
	err := again(func() error { return unix.Fstat(fd, &i.stat) })
	if err == nil && i.Mode().Perm() != mode {
		err = again(func() error { return unix.Fchmod(fd, uint32(mode)) })
	}
	if err == nil && !when.IsZero() {
		if err = d.touch(name, when); err == nil {
			err = again(func() error { return unix.Fstat(fd, &i.stat) })
		}
	}
	return i.sight(), err
}

// most is how many bytes are given to the system at a time. To give it few at a time
// takes long; and when given all of a large file, some kernels take long to find memory.
const most = 256 << 10

// writeAll writes one part after the other. Small ones are gathered first.
func (t *Tree) writeAll(fd int, parts [][]byte) error {
	if len(parts) == 1 {
		return write(fd, parts[0])
	}
	if t.gathered == nil {
		t.gathered = make([]byte, 0, most)
	}
	gathered := t.gathered
	for _, part := range parts {
		if len(gathered)+len(part) > cap(gathered) {
			if err := write(fd, gathered); err != nil {
				return err
			}
			gathered = gathered[:0]
		}
		if len(part) <= cap(gathered) {
			gathered = append(gathered, part...)
		} else if err := write(fd, part); err != nil {
			return err
		}
	}
	return write(fd, gathered)
}

func write(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data[:min(len(data), most)])
		if err != nil && err != unix.EINTR {
			return err
		}
		data = data[max(n, 0):]
	}
	return nil
}

// touch sets the time of a file's last change, and leaves that of its last use.
func (d folder) touch(name string, when time.Time) error {
	stamp, err := unix.TimeToTimespec(when)
	if err != nil {
		return err
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, stamp}
	return again(func() error { return unix.UtimesNanoAt(d.fd, name, times, unix.AT_SYMLINK_NOFOLLOW) })
}

// symlink makes a symbolic link.
func (d folder) symlink(name, target string) error {
	return d.change("symlink", name, func() error { return unix.Symlinkat(target, d.fd, name) })
}

// mkdir makes a folder with exactly this mode.
func (d folder) mkdir(name string, mode fs.FileMode) error {
	return d.change("mkdir", name, func() error {
		if err := unix.Mkdirat(d.fd, name, uint32(mode)); err != nil {
			return err
		}
		sub, err := d.open(name)
		if err != nil {
			return err
		}
		defer sub.close()
		return again(func() error { return unix.Fchmod(sub.fd, uint32(mode)) })
	})
}

// rmdir removes an empty folder.
func (d folder) rmdir(name string) error {
	return d.change("rmdir", name, func() error { return unix.Unlinkat(d.fd, name, unix.AT_REMOVEDIR) })
}

// unlink removes a file or link.
func (d folder) unlink(name string) error {
	return d.change("unlink", name, func() error { return unix.Unlinkat(d.fd, name, 0) })
}

// link gives a file a second name, in another folder.
func (d folder) link(name string, to folder, as string) error {
	return d.change("link", name, func() error { return unix.Linkat(d.fd, name, to.fd, as, 0) })
}

// rename moves a file to another folder, over what stands there.
func (d folder) rename(name string, to folder, as string) error {
	return d.change("rename", name, func() error { return unix.Renameat(d.fd, name, to.fd, as) })
}

// place moves a file to another folder where nothing stands. Only Linux can
// promise that nothing is replaced that has come there just now.
func (d folder) place(name string, to folder, as string) error {
	return d.change("place", name, func() error { return renameNew(d.fd, name, to.fd, as) })
}

// exchange swaps two files, so that each name is there at any time. The error
// is ErrUnsupported where the system or the file system cannot do so.
func (d folder) exchange(name string, to folder, as string) error {
	return d.change("exchange", name, func() error { return exchange(d.fd, name, to.fd, as) })
}
