//go:build linux || freebsd

package build

import "syscall"

// childAttr puts the command into a process group of its own, and has the
// system end it in good order should the supervisor be killed.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
