package platform

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A packager is how one family of systems asks for and installs packages.
type packager struct {
	// which of the packages are installed; nil if that could not be found out
	installed func(ctx context.Context, names []string) map[string]bool
	install   []string // argv; the packages' names follow
	refresh   []string // argv that brings the index up to date, if any
}

func packagerOf(family string) (packager, bool) {
	switch family {
	case "debian":
		return packager{
			installed: func(ctx context.Context, names []string) map[string]bool {
				const form = "${db:Status-Status} ${binary:Package} ${Package}:${Architecture} ${Package}\n"
				said, err := answer(ctx, slices.Concat([]string{"dpkg-query", "-W", "-f", form}, names)...)
				if err != nil && !errors.As(err, new(*exec.ExitError)) { // that is where one is missing
					return nil
				}
				here := map[string]bool{}
				for line := range strings.Lines(said) {
					if all, ok := strings.CutPrefix(line, "installed "); ok {
						for name := range strings.FieldsSeq(all) {
							here[name] = true
						}
					}
				}
				return here
			},
			install: []string{"apt-get", "install", "-y", "--no-install-recommends"},
			refresh: []string{"apt-get", "update"},
		}, true
	case "freebsd":
		return packager{
			installed: func(ctx context.Context, names []string) map[string]bool {
				here := map[string]bool{}
				if _, err := exec.LookPath("pkg"); err != nil {
					return nil
				}
				for _, name := range names {
					here[name] = ask(ctx, "pkg", "query", "%n", name) != ""
				}
				return here
			},
			install: []string{"pkg", "install", "-y"},
		}, true
	}
	return packager{}, false
}

// Missing returns those of the named packages that are not installed here,
// sorted. Where it can't ask for packages, known is false.
func (p Platform) Missing(ctx context.Context, names []string) (missing []string, known bool) {
	pkgs, ok := packagerOf(p.Family)
	if !ok {
		return nil, false
	}
	if len(names) == 0 {
		return nil, true
	}
	here := pkgs.installed(ctx, names)
	if here == nil || ctx.Err() != nil {
		return nil, false
	}
	for _, name := range names {
		if !here[name] {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing, true
}

// Install returns the commands that install the named packages here, to be
// run in order or shown. With refresh the package index is brought up to date
// first. It starts them with sudo when this is not root, which then must not
// ask for a password. It returns nil where it does not know how.
func (p Platform) Install(names []string, refresh bool) [][]string {
	pkgs, ok := packagerOf(p.Family)
	if !ok || len(names) == 0 {
		return nil
	}
	var out [][]string
	if refresh && pkgs.refresh != nil {
		out = append(out, pkgs.refresh)
	}
	out = append(out, slices.Concat(pkgs.install, names))
	if os.Geteuid() != 0 {
		for i := range out {
			out[i] = append([]string{"sudo", "-n"}, out[i]...)
		}
	}
	return out
}
