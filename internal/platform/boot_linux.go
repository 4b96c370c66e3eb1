package platform

import (
	"os"
	"strings"
)

// BootID is a text that changes whenever the machine starts anew; "" when
// this can't be known here. A source tree that was being written when the
// machine went down may hold files whose data never reached the disk.
func BootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
