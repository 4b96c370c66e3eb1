package check

import (
	"fmt"
	"regexp"
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
	if g.Version == "" {
		return fmt.Sprintf("%s (says %s)", g.Name, g.From)
	}
	return fmt.Sprintf("%s %s (says %s)", g.Name, g.Version, g.From)
}

// Rules say how files that builds leave or need name their package. The groups called
// name and version are what counts.
var rules = []struct {
	file string
	says []*regexp.Regexp
}{
	{"configure", []*regexp.Regexp{
		regexp.MustCompile(`(?m)^PACKAGE_TARNAME='(?P<name>[^']+)'$`),
		regexp.MustCompile(`(?m)^PACKAGE_VERSION='(?P<version>[^']+)'$`),
	}},
	{"configure.ac", autoconf},
	{"configure.in", autoconf},
	{"CMakeLists.txt", []*regexp.Regexp{
		regexp.MustCompile(`(?im)^\s*project\s*\(\s*"?(?P<name>[\w.+-]+)"?`),
		regexp.MustCompile(`(?is)\bproject\s*\([^)]*?\bVERSION\s+"?(?P<version>\d[\w.+-]*)`),
	}},
	{"meson.build", []*regexp.Regexp{
		regexp.MustCompile(`(?s)\bproject\s*\(\s*'(?P<name>[^']+)'`),
		regexp.MustCompile(`(?s)\bproject\s*\([^)]*?\bversion\s*:\s*'(?P<version>\d[^']*)'`),
	}},
	{"debian/changelog", []*regexp.Regexp{
		regexp.MustCompile(`^(?P<name>[a-z0-9][a-z0-9.+-]+) \((?:\d+:)?(?P<version>[^-)+~]+)`),
	}},
}

var autoconf = []*regexp.Regexp{
	regexp.MustCompile(`(?m)^\s*AC_INIT\(\s*\[?(?P<name>[\w.+ -]+?)\]?\s*,\s*\[?(?P<version>\d[\w.+-]*)\]?`),
}

// folderForm is the name of a folder that a release was unpacked into.
var folderForm = regexp.MustCompile(`^(?P<name>[A-Za-z][\w.+-]*?)[-_]v?(?P<version>\d[\w.+~-]*)$`)

// Identify says what a tree is, the best guess first. folder is the name of the folder it
// is in.
func Identify(src patch.Source, folder string) []Guess {
	var all []Guess
	for _, rule := range rules {
		f, err := src.Read(rule.file)
		if err != nil {
			continue
		}
		g := Guess{From: rule.file}
		for _, re := range rule.says {
			g.take(re, string(f.Data))
		}
		if g.Name != "" {
			all = append(all, g)
		}
	}
	g := Guess{From: "the folder's name"}
	if g.take(folderForm, folder); g.Name == "" {
		g.Name = strings.ToLower(folder)
	}
	return append(all, g)
}

// take looks for what a text says.
func (g *Guess) take(re *regexp.Regexp, text string) {
	m := re.FindStringSubmatch(text)
	if m == nil {
		return
	}
	if i := re.SubexpIndex("name"); i >= 0 {
		g.Name = strings.ToLower(strings.TrimSpace(m[i]))
	}
	if i := re.SubexpIndex("version"); i >= 0 {
		g.Version = m[i]
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
		m := rule.Pattern().FindStringSubmatch(string(f.Data))
		if m == nil {
			continue
		}
		if v, err := version.Parse(r.Versions.Scheme, strings.Join(m[1:], ".")); err == nil {
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
