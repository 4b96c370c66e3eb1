//go:build !linux && !freebsd

package platform

// BootID is a text that changes whenever the machine starts anew; it is not
// known on this system.
func BootID() string { return "" }
