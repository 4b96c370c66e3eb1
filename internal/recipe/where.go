package recipe

import (
	"fmt"
	"slices"
	"strings"

	"srcmend/internal/platform"
	"srcmend/internal/version"
)

// Where says on which platforms a fix is needed. What is left out does not
// matter; the zero Where is everywhere.
type Where struct {
	// As Go calls it: freebsd, linux.
	OS string `json:"os,omitempty"`
	// A range of the OS's versions, on Linux the distribution's.
	Version string `json:"version,omitempty"`
	// The Linux distribution: debian, alpine.
	Distro string `json:"distro,omitempty"`
	// As Go calls it: amd64, arm64.
	Arch string `json:"arch,omitempty"`
	// The C library, alone or with a range: "musl", "glibc >= 2.36".
	Libc string `json:"libc,omitempty"`
	// The compiler, alone or with a range: "gcc >= 14".
	Compiler string `json:"compiler,omitempty"`
}

// operatingSystems are the names a recipe may use, as Go calls them.
var operatingSystems = []string{"freebsd", "linux", "netbsd", "openbsd", "dragonfly", "darwin", "illumos", "solaris"}

// Match reports whether w holds on p; when not, why says what differs.
func (w Where) Match(p platform.Platform) (ok bool, why string) {
	for _, test := range []struct{ name, want, is string }{
		{"os", w.OS, p.OS}, {"distro", w.Distro, p.Distro}, {"arch", platform.Arch(w.Arch), platform.Arch(p.Arch)},
	} {
		if test.want != "" && test.want != test.is {
			return false, fmt.Sprintf("%s is %s here, not %s", test.name, orUnknown(test.is), test.want)
		}
	}
	if w.Version != "" && !inRange(w.Version, p.Version) {
		return false, fmt.Sprintf("version is %s here, not %s", orUnknown(p.Version), w.Version)
	}
	for _, test := range []struct{ name, want, is string }{{"libc", w.Libc, p.Libc}, {"compiler", w.Compiler, p.Compiler}} {
		if test.want != "" && !tool(test.want, test.is) {
			return false, fmt.Sprintf("%s is %s here, not %s", test.name, orUnknown(test.is), test.want)
		}
	}
	return true, ""
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// inRange reports whether the version is is in the range want. What can't be
// read is not.
func inRange(want, is string) bool {
	r, err := version.ParseRange(version.Dotted, want)
	if err != nil {
		return false
	}
	v, err := version.ParseLoosely(version.Dotted, is)
	return err == nil && r.Contains(v)
}

// tool matches "gcc >= 14" with "gcc 14.2.0".
func tool(want, is string) bool {
	name, rng, ranged := strings.Cut(want, " ")
	isName, isVersion, _ := strings.Cut(is, " ")
	return name == isName && (!ranged || inRange(rng, isVersion))
}

// check returns what is wrong with w, by key.
func (w Where) check() map[string]string {
	wrong := map[string]string{}
	if w.OS != "" && !slices.Contains(operatingSystems, w.OS) {
		wrong["os"] = fmt.Sprintf("unknown operating system %q", w.OS)
	}
	if w.Version != "" {
		if _, err := version.ParseRange(version.Dotted, w.Version); err != nil {
			wrong["version"] = err.Error()
		}
	}
	for key, text := range map[string]string{"libc": w.Libc, "compiler": w.Compiler} {
		if _, rng, ranged := strings.Cut(text, " "); ranged {
			if _, err := version.ParseRange(version.Dotted, rng); err != nil {
				wrong[key] = err.Error()
			}
		}
	}
	return wrong
}
