package platform

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// BootID is a text that changes whenever the machine starts anew; "" when
// this can't be known here. A source tree that was being written when the
// machine went down may hold files whose data never reached the disk.
func BootID() string {
	boot, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return ""
	}
	return strconv.FormatInt(int64(boot.Sec), 10)
}
