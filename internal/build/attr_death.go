//go:build linux || freebsd

package build

import "syscall"

// EndWithParent makes a command the first of a process group of its own, which
// the system asks to end when the thread that started it does. Whoever uses it
// keeps that thread: see [runtime.LockOSThread].
func EndWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
