package build

import (
	"maps"
	"slices"
	"strings"
)

// steering are the variables of the user's environment that people set to
// steer a build: they are part of what is built.
var steering = []string{
	"CC", "CXX", "CPP", "LD", "AR", "AS", "NM", "RANLIB", "STRIP",
	"CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "LIBS",
	"PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR",
	"SOURCE_DATE_EPOCH",
}

// helping are the prefixes of variables that say how compilers are helped,
// not what they make.
var helping = []string{"CCACHE_", "DISTCC_"}

// Passed picks from environ (KEY=value) what reaches a build, sorted: what
// steers it, and what only helps it to be done. PATH is a matter of its own,
// see [Environment].
func Passed(environ []string) (steers, helps []string) {
	for _, kv := range environ {
		key, _, _ := strings.Cut(kv, "=")
		if slices.Contains(steering, key) {
			steers = append(steers, kv)
		}
		if slices.ContainsFunc(helping, func(p string) bool { return strings.HasPrefix(key, p) }) {
			helps = append(helps, kv)
		}
	}
	slices.Sort(steers)
	slices.Sort(helps)
	return steers, helps
}

// Environment is the complete environment of a command: what is fixed, so
// that messages are English and times UTC, then the given ones, of which a
// later one wins; but flags (CFLAGS and the like) are added to the earlier
// ones. Temporary files go to tmp, which is also the home folder.
func Environment(path, tmp string, more ...[]string) []string {
	all := []string{
		"PATH=" + path, "HOME=" + tmp, "TMPDIR=" + tmp,
		"LC_ALL=C", "LANG=C", "TZ=UTC", "TERM=dumb", "SHELL=/bin/sh",
	}
	return Merge(append([][]string{all}, more...)...)
}

// Merge puts lists of variables (KEY=value) together, sorted: of a name that comes again the
// later one counts; but flags (CFLAGS and the like) are added to the earlier ones.
func Merge(lists ...[]string) []string {
	values := map[string]string{}
	for _, kv := range slices.Concat(lists...) {
		key, value, _ := strings.Cut(kv, "=")
		if before := values[key]; before != "" && strings.HasSuffix(key, "FLAGS") {
			value = before + " " + value
		}
		values[key] = value
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = append(out, key+"="+values[key])
	}
	return out
}

// Quote is a command line as it could be typed into a shell.
func Quote(argv []string) string {
	out := make([]string, len(argv))
	for i, a := range argv {
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}
