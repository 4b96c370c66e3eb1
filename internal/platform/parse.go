package platform

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// systems are the operating systems that Parse knows, as Go calls them.
var systems = []string{"freebsd", "linux", "netbsd", "openbsd", "dragonfly", "darwin", "illumos", "solaris"}

// families says whose packages a Linux distribution uses, where that is not its own.
var families = map[string]string{"ubuntu": "debian", "raspbian": "debian", "linuxmint": "debian"}

var (
	systemForm   = regexp.MustCompile(`^[a-z][a-z0-9._-]*$`)
	compilerForm = regexp.MustCompile(`^([a-z]+)[ -]?(\d)`)
)

// Arch gives an architecture the name that Go has for it.
func Arch(name string) string {
	name = strings.ToLower(name)
	if known := map[string]string{"x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "x86": "386", "armv7l": "arm", "ppc64el": "ppc64le"}[name]; known != "" {
		return known
	}
	return name
}

// Parse reads what somebody says of another machine:
//
//	freebsd/12.0-RELEASE-p3
//	debian/12/arm64
//	alpine/3.20,libc=musl,compiler=gcc 14
//
// First comes the system, or the Linux distribution, with its version and the
// architecture if they matter, then the C library and the compiler. What is not said is
// not known.
func Parse(s string) (Platform, error) {
	var p Platform
	where, more, extended := strings.Cut(s, ",")
	parts := strings.Split(where, "/")
	if len(parts) > 3 || slices.Contains(parts, "") {
		return p, fmt.Errorf("%q is no platform: want SYSTEM[/VERSION[/ARCH]], as in freebsd/12.0 or debian/12/arm64", s)
	}
	p.OS = strings.ToLower(parts[0])
	if p.OS == "macos" {
		p.OS = "darwin"
	}
	if !systemForm.MatchString(p.OS) || p.OS == "windows" {
		return Platform{}, fmt.Errorf("%q is no platform: %q is neither a system nor a distribution of Linux", s, parts[0])
	}
	if p.Family = p.OS; !slices.Contains(systems, p.OS) {
		p.OS, p.Distro, p.Family = "linux", p.OS, p.OS
		if family := families[p.Distro]; family != "" {
			p.Family = family
		}
	}
	if p.OS == "linux" && p.Distro == "" {
		p.Family = ""
	}
	if len(parts) > 1 {
		p.Version = parts[1]
	}
	if len(parts) > 2 {
		p.Arch = Arch(parts[2])
	}
	if !extended {
		return p, nil
	}
	for field := range strings.SplitSeq(more, ",") {
		key, value, _ := strings.Cut(field, "=")
		switch {
		case key == "libc" && value != "":
			p.Libc = value
		case key == "compiler" && value != "":
			p.Compiler = compilerForm.ReplaceAllString(strings.ToLower(value), "$1 $2")
		default:
			return p, fmt.Errorf("%q: want libc=NAME [VERSION] or compiler=NAME [VERSION], found %q", s, field)
		}
	}
	return p, nil
}
