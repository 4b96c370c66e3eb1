//go:build !linux && !freebsd

package build

import "syscall"

// childAttr puts the command into a process group of its own.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
