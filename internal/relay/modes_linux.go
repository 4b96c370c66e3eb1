package relay

import "golang.org/x/sys/unix"

// How the modes of a terminal are asked for and set.
const (
	getModes = unix.TCGETS
	setModes = unix.TCSETS
)
