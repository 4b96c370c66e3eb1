//go:build !linux

package build

// adopt does nothing here: the system's first process waits for what a
// command leaves behind.
func adopt() {}

// reap does nothing here.
func reap(int) {}
