package fetch

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxList bounds one of APT's files of archives, in bytes.
const maxList = 1 << 20

// An aptArchive is an archive that this machine's APT uses: one suite at one
// address.
type aptArchive struct {
	uri        string
	suite      string // "bookworm-security"
	components []string
	// options are those that also matter for sources, under the names that
	// they have in the deb822 form. The values are lines.
	options map[string][]string
}

// keptOptions are the options of an archive that are taken over, in the form
// of the newer files. What is about architectures and languages is not: there
// is one source for all.
func keptOptions() []string {
	return []string{
		"Signed-By", "Trusted", "Check-Valid-Until", "Valid-Until-Min", "Valid-Until-Max", "Check-Date",
		"Date-Max-Future", "Allow-Insecure", "Allow-Weak", "Allow-Downgrade-To-Insecure", "By-Hash", "InRelease-Path",
	}
}

// readAptArchives returns the archives that are named in the folder etc, which
// is /etc/apt but in tests: sources.list, and what is in sources.list.d. A file
// or a line that cannot be understood is passed over and told of in problems.
func readAptArchives(etc string) (archives []aptArchive, problems []string) {
	files := []string{filepath.Join(etc, "sources.list")}
	entries, _ := os.ReadDir(filepath.Join(etc, "sources.list.d")) // it need not be there
	for _, entry := range entries {
		files = append(files, filepath.Join(etc, "sources.list.d", entry.Name()))
	}
	for _, file := range files {
		parse := parseOneLiners
		if filepath.Ext(file) == ".sources" {
			parse = parseSources
		} else if filepath.Ext(file) != ".list" {
			continue // APT does not read those either
		}
		text, err := readBounded(file, maxList)
		if os.IsNotExist(err) {
			continue
		}
		var found []aptArchive
		if err == nil {
			found, err = parse(text)
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", file, err))
		}
		archives = append(archives, found...)
	}
	return archives, problems
}

// readBounded reads a regular file of at most so many bytes.
func readBounded(path string, most int64) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", &fs.PathError{Op: "read", Path: path, Err: fs.ErrInvalid}
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("longer than %d bytes", most)
	}
	return string(text), err
}

// parseOneLiners reads the older form, sources.list(5): a line each of
//
//	deb [option=value option=value] uri suite component…
//
// What it can read is returned even when there is an error, which names the
// first line that it could not.
func parseOneLiners(text string) ([]aptArchive, error) {
	var archives []aptArchive
	var firstErr error
	n := 0
	for line := range strings.Lines(text) {
		n++
		words, err := oneLinerWords(line)
		var a aptArchive
		if err == nil && len(words) > 0 {
			a, err = oneLiner(words)
		}
		if err != nil && firstErr == nil {
			firstErr = fmt.Errorf("line %d: %w", n, err)
		}
		if err == nil && len(words) > 0 {
			archives = append(archives, a)
		}
	}
	return archives, firstErr
}

// oneLinerWords splits a line at blanks, but not inside square brackets, which
// may hold options or the name of a CD. A comment ends it.
func oneLinerWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inside := false
	flush := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range line {
		switch {
		case !inside && r == '#':
			flush()
			return words, nil
		case !inside && (r == ' ' || r == '\t' || r == '\r' || r == '\n'):
			flush()
			continue
		case r == '[':
			inside = true
		case r == ']':
			inside = false
		}
		word.WriteRune(r)
	}
	if inside {
		return nil, fmt.Errorf("a bracket is not closed: %q", oneLine(line, 72))
	}
	flush()
	return words, nil
}

// oneLiner makes an archive of the words of a line.
func oneLiner(words []string) (aptArchive, error) {
	a := aptArchive{options: map[string][]string{}}
	if words[0] != "deb" && words[0] != "deb-src" {
		return a, fmt.Errorf("starts with %q, not with deb or deb-src", oneLine(words[0], 40))
	}
	words = words[1:]
	if len(words) > 0 && strings.HasPrefix(words[0], "[") && strings.HasSuffix(words[0], "]") {
		a.options = oneLinerOptions(words[0][1 : len(words[0])-1])
		words = words[1:]
	}
	if len(words) < 2 {
		return a, fmt.Errorf("has no address and suite")
	}
	a.uri, a.suite, a.components = words[0], words[1], words[2:]
	return a, nil
}

// oneLinerOptions reads what stands in the brackets.
func oneLinerOptions(text string) map[string][]string {
	options := map[string][]string{}
	for pair := range strings.FieldsSeq(text) {
		name, value, ok := strings.Cut(pair, "=")
		i := slices.IndexFunc(keptOptions(), func(o string) bool { return strings.EqualFold(o, name) })
		if ok && i >= 0 {
			// Several values have commas between them here, and
			// blanks in the other form.
			options[keptOptions()[i]] = []string{strings.ReplaceAll(value, ",", " ")}
		}
	}
	return options
}

// parseSources reads the newer form, deb822: a paragraph for any number of
// addresses, suites and components.
func parseSources(text string) ([]aptArchive, error) {
	paragraphs, err := parseParagraphs(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var archives []aptArchive
	for _, p := range paragraphs {
		if saysNo(p.first("enabled")) || !slices.ContainsFunc(p.words("types"), isAptType) {
			continue
		}
		options := map[string][]string{}
		for _, name := range keptOptions() {
			if lines, ok := p[strings.ToLower(name)]; ok {
				options[name] = lines
			}
		}
		for _, uri := range p.words("uris") {
			for _, suite := range p.words("suites") {
				archives = append(archives, aptArchive{uri, suite, p.words("components"), options})
			}
		}
	}
	return archives, nil
}

// isAptType reports whether t is a type of archive.
func isAptType(t string) bool { return t == "deb" || t == "deb-src" }

// saysNo reports whether APT takes s for no.
func saysNo(s string) bool {
	return slices.Contains([]string{"no", "false", "without", "off", "disable", "0"}, strings.ToLower(s))
}

// ownArchives picks from a machine's archives those of its distribution, whose
// os-release file is given. Others have source packages, too, but not of what
// recipes ask for, and their servers need not be up for us to work.
//
// An archive is the distribution's own if its suite is named after this
// release (or after a class of releases, "stable"), its components are some
// that a distribution has, and it is not signed with somebody else's keyring.
// This is a matter of time and noise, not of trust: what comes is checked
// against the sum that the recipe asks for.
func ownArchives(archives []aptArchive, osRelease string) []aptArchive {
	release := parseOSRelease(osRelease)
	names := []string{"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid", "devel"}
	for _, key := range []string{"VERSION_CODENAME", "UBUNTU_CODENAME", "DEBIAN_CODENAME"} {
		if release[key] != "" {
			names = append(names, release[key])
		}
	}
	owners := append(strings.Fields(release["ID"]+" "+release["ID_LIKE"]), "debian", "ubuntu")
	var own []aptArchive
	for _, a := range archives {
		a.components = slices.DeleteFunc(slices.Clone(a.components), func(c string) bool { return !isDistributionComponent(c) })
		if len(a.components) > 0 && a.onServer() &&
			slices.Contains(names, suiteName(a.suite)) && signedByOneOf(a, owners) {
			own = append(own, a)
		}
	}
	return own
}

// onServer reports whether an archive is somewhere that can be reached by its
// address alone. The address of a CD has the CD's name in it, with blanks.
func (a aptArchive) onServer() bool {
	words := a.uri + a.suite + strings.Join(a.components, "")
	return aptAddress.MatchString(a.uri) && !strings.HasPrefix(a.uri, "cdrom:") && !strings.ContainsFunc(words, unicode.IsSpace)
}

// aptAddress matches the addresses of archives: a method and something more.
var aptAddress = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:.*[^/]`)

// suiteName returns the name of the release that a suite belongs to.
func suiteName(suite string) string {
	for _, pocket := range []string{"-proposed-updates", "-backports-sloppy", "-backports", "-proposed", "-security", "-updates", "/updates", "-lts"} {
		if name, ok := strings.CutSuffix(suite, pocket); ok {
			return name
		}
	}
	return suite
}

// isDistributionComponent reports whether a distribution calls a component so.
func isDistributionComponent(c string) bool {
	return slices.Contains([]string{
		"main", "contrib", "non-free", "non-free-firmware", "universe", "multiverse", "restricted",
	}, c)
}

// signedByOneOf reports whether the keyring that an archive is signed with, if
// it names one as a file, is called after one of the owners.
func signedByOneOf(a aptArchive, owners []string) bool {
	for word := range strings.FieldsSeq(strings.Join(a.options["Signed-By"], " ")) {
		if !strings.HasPrefix(word, "/") {
			continue // a key itself, or its fingerprint
		}
		base := filepath.Base(word)
		if !slices.ContainsFunc(owners, func(owner string) bool { return strings.HasPrefix(base, owner+"-") }) {
			return false
		}
	}
	return true
}

// osReleaseLine matches an assignment of an os-release file.
var osReleaseLine = regexp.MustCompile(`(?m)^([A-Z0-9_]+)=["']?([^"'\n]*)["']?[ \t\r]*$`)

// parseOSRelease reads an os-release(5) file. Quoting inside values, which the
// names it is read for do not have, is not undone.
func parseOSRelease(text string) map[string]string {
	values := map[string]string{}
	for _, m := range osReleaseLine.FindAllStringSubmatch(text, -1) {
		values[m[1]] = m[2]
	}
	return values
}

// sourcesFile returns the archives as a deb822 file for source packages only.
// An archive that is named several times appears once, with all components.
func sourcesFile(archives []aptArchive) string {
	var merged []aptArchive
	for _, a := range archives {
		a.uri = strings.TrimRight(a.uri, "/")
		i := slices.IndexFunc(merged, func(b aptArchive) bool { return b.uri == a.uri && b.suite == a.suite })
		if i < 0 {
			a.components = slices.Clone(a.components)
			merged = append(merged, a)
			continue
		}
		merged[i].components = append(merged[i].components, a.components...)
	}
	var b strings.Builder
	for _, a := range merged {
		slices.Sort(a.components)
		fmt.Fprintf(&b, "Types: deb-src\nURIs: %s\nSuites: %s\nComponents: %s\nTargets: Sources\n",
			a.uri, a.suite, strings.Join(slices.Compact(a.components), " "))
		for _, name := range slices.Sorted(maps.Keys(a.options)) {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(a.options[name], "\n "))
		}
		b.WriteString("\n")
	}
	return b.String()
}
