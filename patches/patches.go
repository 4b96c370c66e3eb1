// Package patches holds the patches that come with srcmend, and logs that
// prove them, by the names that the recipes use: PACKAGE/FIX.patch.
package patches

import "embed"

// FS holds the files of this folder.
//
//go:embed */*.patch */*.log
var FS embed.FS
