package build

import (
	"slices"
	"strings"
)

// passed are the variables of the user's environment that reach a build,
// because people set them to steer one. A name that ends in _ is a prefix.
var passed = []string{
	"CC", "CXX", "CPP", "LD", "AR", "AS", "NM", "RANLIB", "STRIP",
	"CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "LIBS",
	"PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR",
	"SOURCE_DATE_EPOCH", "CCACHE_", "DISTCC_",
}

// Passed picks from environ (KEY=value) what reaches a build, sorted. PATH
// does too, but is not the build's identity: see [Environment].
func Passed(environ []string) []string {
	var out []string
	for _, kv := range environ {
		key, _, _ := strings.Cut(kv, "=")
		if slices.ContainsFunc(passed, func(p string) bool {
			return key == p || strings.HasSuffix(p, "_") && strings.HasPrefix(key, p)
		}) {
			out = append(out, kv)
		}
	}
	slices.Sort(out)
	return out
}

// Environment is the complete environment of a command: what is fixed, so
// that messages are English and times UTC, then the given ones, of which a
// later one wins. Temporary files go to tmp, which is also the home folder.
func Environment(path, tmp string, more ...[]string) []string {
	all := []string{
		"PATH=" + path, "HOME=" + tmp, "TMPDIR=" + tmp,
		"LC_ALL=C", "LANG=C", "TZ=UTC", "TERM=dumb", "SHELL=/bin/sh",
	}
	for _, m := range more {
		all = append(all, m...)
	}
	last := map[string]int{}
	for i, kv := range all {
		key, _, _ := strings.Cut(kv, "=")
		last[key] = i
	}
	var out []string
	for i, kv := range all {
		if key, _, _ := strings.Cut(kv, "="); last[key] == i {
			out = append(out, kv)
		}
	}
	slices.Sort(out)
	return out
}
