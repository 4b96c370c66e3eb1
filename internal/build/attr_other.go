//go:build !linux && !freebsd

package build

import "syscall"

// EndWithParent makes a command the first of a process group of its own. This
// system does not end it with its parent.
func EndWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
