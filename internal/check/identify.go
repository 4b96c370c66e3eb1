package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/patch"
	"srcmend/internal/recipe"
	"srcmend/internal/version"
)

// A Guess is what something in a tree says of its package.
type Guess struct {
	Name    string `json:"name"`    // in lower case
	Version string `json:"version"` // "" if it does not say
	From    string `json:"from"`    // the file that says so, or the folder's own name
}

// String is the guess for people.
func (g Guess) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s says %s %s", g.From, g.Name, g.Version))
}

// rules say how files that builds leave or need name their package: the first part of
// the file that is meant, and in it the groups called name and version.
var rules = []struct {
	file string
	part *regexp.Regexp
	says []*regexp.Regexp
}{
	{"configure", nil, []*regexp.Regexp{
		regexp.MustCompile(`(?m)^PACKAGE_TARNAME='(?P<name>[^'\n]+)'$`),
		regexp.MustCompile(`(?m)^PACKAGE_VERSION='(?P<version>[^'\n]+)'$`),
	}},
	{"configure.ac", autoconfCall, autoconf},
	{"configure.in", autoconfCall, autoconf},
	{"CMakeLists.txt", regexp.MustCompile(`(?im)^[^#\n]*\bproject\s*\((?:[^)#]|#.*$)*\)`), []*regexp.Regexp{
		regexp.MustCompile(`(?i)\bproject\s*\(\s*"?(?P<name>[\w.+-]+)"?[\s)]`),
		regexp.MustCompile(`(?is)\bVERSION\s+"?(?P<version>\d[\w.+-]*)`),
	}},
	{"meson.build", regexp.MustCompile(`(?ms)^\s*project\s*\(.*?^?\)\s*$`), []*regexp.Regexp{
		regexp.MustCompile(`^\s*project\s*\(\s*'(?P<name>[^'\n]+)'`),
		regexp.MustCompile(`[\s,(]version\s*:\s*'(?P<version>\d[^'\n]*)'`),
	}},
	{"debian/changelog", nil, []*regexp.Regexp{
		regexp.MustCompile(`^(?P<name>[a-z0-9][a-z0-9.+-]+) \((?:\d+:)?(?P<version>\d[^)+ ]*?)(?:[+][^)]*)?(?:-[^-)]*)?\)`),
	}},
}

// The arguments of AC_INIT are the package's name, its version, where to report what is
// wrong, and the name of the archive, which is made of the package's name if it is not given.
var (
	autoconfCall = regexp.MustCompile(`(?m)^\s*AC_INIT\((?:[^()]|\([^()]*\))*\)`)
	autoconf     = []*regexp.Regexp{
		regexp.MustCompile(`AC_INIT\(\s*\[?(?:GNU )?(?P<name>[\w.+ -]+?)\]?\s*,\s*\[?(?P<version>\d[\w.+-]*)\]?`),
		regexp.MustCompile(`AC_INIT\([^,]*,[^,]*,[^,]*,\s*\[?(?P<name>[\w.+-]+)\]?`),
	}
)

// maxFile is how large a file may be that says what its package is, in bytes.
const maxFile = 8 << 20

// maxRead is how much of a file is looked at for what its package is, in bytes.
const maxRead = 256 << 10

// folderForm is the name of a folder that a release was unpacked into.
var folderForm = regexp.MustCompile(`^(?P<name>[A-Za-z][\w.+-]*?)[-_]v?(?P<version>\d[\w.+~-]*)$`)

// nameForm is the form of a package's name; what else a file says is not believed.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.+_-]{0,63}$`)

// Identify says what a tree is, the best guess first. folder is the name of the folder it
// is in.
func Identify(src patch.Source, folder string) []Guess {
	var all []Guess
	for _, rule := range rules {
		if info, err := src.Lstat(rule.file); err == nil && info.Size() > maxFile {
			continue
		}
		f, err := src.Read(rule.file)
		if err != nil {
			continue
		}
		g := Guess{From: rule.file}
		text := string(f.Data[:min(len(f.Data), maxRead)])
		if rule.part != nil {
			text = rule.part.FindString(text)
		}
		for _, re := range rule.says {
			g.take(re, text)
		}
		if nameForm.MatchString(g.Name) {
			all = append(all, g)
		}
	}
	return append(all, ByFolder(folder))
}

// ByFolder says what the name of a folder says: most often a release is unpacked into one
// called NAME-VERSION.
func ByFolder(folder string) Guess {
	g := Guess{From: "the folder's name"}
	if g.take(folderForm, folder); g.Name == "" {
		g.Name = strings.ToLower(folder)
	}
	return g
}

// take looks for what a text says.
func (g *Guess) take(re *regexp.Regexp, text string) {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return
	}
	if i := re.SubexpIndex("name"); i >= 0 {
		g.Name = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(m[i])), " ", "-")
	}
	if i := re.SubexpIndex("version"); i >= 0 {
		g.Version = strings.ReplaceAll(m[i], "~", "-") // Debian's sign for what goes before
	}
}

// VersionIn finds out which version of a package a tree is, by what the recipe says about
// that, else by the guesses that are about this package. from says who says so; the
// version is the zero one if nobody does.
func VersionIn(src patch.Source, r *recipe.Recipe, guesses []Guess) (v version.Version, from string) {
	for _, rule := range r.Identify {
		f, err := src.Read(rule.File)
		if err != nil {
			continue
		}
		m := rule.Pattern().FindStringSubmatch(string(f.Data[:min(len(f.Data), maxRead)]))
		if m == nil {
			continue
		}
		groups := slices.DeleteFunc(m[1:], func(group string) bool { return group == "" })
		if v, err := version.Parse(r.Versions.Scheme, strings.Join(groups, ".")); err == nil {
			return v, rule.File
		}
	}
	for _, g := range guesses {
		if g.Name != r.Name || g.Version == "" {
			continue
		}
		if v, err := version.Parse(r.Versions.Scheme, g.Version); err == nil {
			return v, g.From
		}
	}
	return version.Version{}, ""
}
