package build

import "golang.org/x/sys/unix"

// adopt makes this process the parent of processes whose own parent ends, so
// that what a command leaves behind can be waited for.
func adopt() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// reap takes up the exit statuses of the group's processes that have ended.
func reap(group int) {
	for {
		pid, err := unix.Wait4(-group, nil, unix.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return
		}
	}
}
