package recipe

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/version"
	"srcmend/internal/yamlfile"
)

// A checker collects what is wrong with the meaning of a recipe.
type checker struct {
	*Recipe
	found yamlfile.Mistakes
}

// fail records a mistake at the value that path leads to. An empty hint is
// left out.
func (c *checker) fail(text, hint string, path ...any) {
	if len(c.found) < yamlfile.MaxMistakes {
		c.found = append(c.found, c.doc.Mistake(hint, text, path...))
	}
}

// check returns what is wrong with a recipe whose shape is right. It also
// sorts the releases.
func (r *Recipe) check() yamlfile.Mistakes {
	c := &checker{Recipe: r}
	if r.Name != "" && !idForm.MatchString(r.Name) {
		c.fail(fmt.Sprintf("%q can't be a package's name", r.Name), "lower-case letters, digits and . + - _", "name")
	}
	if !r.Advises() {
		c.required()
	}
	c.releases()
	c.sources()
	c.build()
	for _, family := range slices.Sorted(maps.Keys(r.Needs)) {
		c.needs(family)
	}
	ids := map[string]bool{}
	for i, f := range r.Fixes {
		c.fix(f, "fixes", i)
		if f.ID != "" && ids[f.ID] {
			c.fail(fmt.Sprintf("two fixes are called %q", f.ID), "", "fixes", i, "id")
		}
		ids[f.ID] = true
	}
	return c.found
}

// Advises reports whether the recipe only advises, and builds nothing.
func (r *Recipe) Advises() bool {
	advice := func(f Fix) bool { return f.Advisory != "" && len(f.Patch)+len(f.Configure)+len(f.Env) == 0 }
	nothing := r.Releases == nil && r.Sources == nil && r.Build.Install == nil && r.Build.Make == nil && r.Build.Configure == nil
	return nothing && len(r.Fixes) > 0 && !slices.ContainsFunc(r.Fixes, func(f Fix) bool { return !advice(f) })
}

// required misses what every recipe has that builds something.
func (c *checker) required() {
	for _, key := range []string{"releases", "sources", "build"} {
		if c.doc.Lookup(key) == c.doc.Lookup() {
			c.fail(fmt.Sprintf("key %q is missing", key), "only a recipe whose fixes are all advisories goes without")
		}
	}
}

func (c *checker) releases() {
	if !slices.Contains(append(version.Schemes(), ""), c.Versions.Scheme) {
		var names []string
		for _, s := range version.Schemes() {
			names = append(names, string(s))
		}
		c.fail(fmt.Sprintf("unknown version scheme %q", c.Versions.Scheme), "known: "+strings.Join(names, ", "), "versions", "scheme")
		c.Versions.Scheme = version.Dotted // so that the rest is looked at too
	}
	if len(c.Releases) == 0 && c.doc.Lookup("releases") != c.doc.Lookup() {
		c.fail("no release is given", "at least one version with its sha256", "releases")
	}
	for _, spelt := range slices.Sorted(maps.Keys(c.Releases)) {
		rel := c.Releases[spelt]
		if rel == (Release{}) {
			c.fail(fmt.Sprintf("release %s has nothing to verify its source by", spelt), "give the sha256 of its archive, or the commit of its tag", "releases", spelt)
		}
		v, err := version.Parse(c.Versions.Scheme, spelt)
		if err != nil {
			c.fail(err.Error(), "", "releases", spelt)
			continue
		}
		c.known = append(c.known, release{v, rel})
	}
	slices.SortStableFunc(c.known, func(a, b release) int { return a.version.Compare(b.version) })
	for i := 1; i < len(c.known); i++ {
		if a, b := c.known[i-1].version, c.known[i].version; a.Compare(b) == 0 {
			c.fail(fmt.Sprintf("releases %s and %s are the same version in the order", a, b), "", "releases", b.String())
		}
	}
}

func (c *checker) sources() {
	if c.Sources != nil && len(c.Sources) == 0 {
		c.fail("no source is given", "", "sources")
	}
	for i, s := range c.Sources {
		at := []any{"sources", i}
		kinds := 0
		for key, text := range map[string]string{"url": s.URL, "debian": s.Debian, "git": s.Git} {
			if text == "" {
				continue
			}
			kinds++
			c.placeholders(text, sourceNames, append(at, key)...)
		}
		if kinds != 1 {
			c.fail("a source has exactly one of url, debian and git", "write one source for each place", at...)
		}
		if s.URL != "" {
			c.url(s.URL, append(at, "url")...)
		}
		if s.Debian != "" && !idForm.MatchString(placeholder.ReplaceAllString(s.Debian, "x")) {
			c.fail(fmt.Sprintf("%q can't be a source package's name", s.Debian), "", append(at, "debian")...)
		}
		c.git(s, at)
	}
	for i, rule := range c.Identify {
		at := []any{"identify", i}
		c.file(rule.File, append(at, "file")...)
		if re, err := regexp.Compile("(?s)" + rule.Version); err != nil {
			c.fail("not a regular expression: "+err.Error(), "", append(at, "version")...)
		} else if re.NumSubexp() == 0 {
			c.fail("the expression has no group for the version", `as in VERSION\s+"([0-9.]+)"`, append(at, "version")...)
		}
	}
	if c.Upstream != nil {
		c.placeholders(c.Upstream.Tag, sourceNames, "upstream", "tag")
		c.url(c.Upstream.Git, "upstream", "git")
		if tag := c.Upstream.Tag; tag != "" && !strings.Contains(tag, "{version}") && !strings.Contains(tag, "{major}") {
			c.fail(fmt.Sprintf("the tag %q is the same for every release", tag), "put {version} where the version stands in it", "upstream", "tag")
		}
	}
}

func (c *checker) git(s Source, at []any) {
	switch {
	case s.Git == "" && s.Tag != "":
		c.fail("tag belongs to a source of kind git", "", append(at, "tag")...)
	case s.Git == "":
	case s.Tag == "":
		c.fail("a git source needs the tag of a release", `usual: tag: "{version}" or "v{version}"`, at...)
	default:
		c.placeholders(s.Tag, sourceNames, append(at, "tag")...)
		if !slices.ContainsFunc(c.known, func(r release) bool { return r.Commit != "" }) {
			c.fail("no release has a commit, so nothing can be taken from git", "add commit: to the releases", append(at, "git")...)
		}
	}
}

// placeholder matches what is filled in only for one release.
var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func (c *checker) url(text string, at ...any) {
	u, err := url.Parse(placeholder.ReplaceAllString(text, "x"))
	switch {
	case text == "":
	case err != nil:
		c.fail("not a URL: "+err.Error(), "", at...)
	case !slices.Contains([]string{"https", "http", "file"}, u.Scheme):
		c.fail(fmt.Sprintf("want an https, http or file URL, found scheme %q", u.Scheme), "", at...)
	case u.Scheme != "file" && u.Host == "":
		c.fail("the URL names no host", "", at...)
	case u.User != nil:
		c.fail("a URL in a recipe holds no user or password", "recipes are read by others; name a place that needs none, or use --mirror", at...)
		c.found[len(c.found)-1].Line = ""
	case secret(u) != "":
		c.fail(fmt.Sprintf("%s in the URL looks like a secret", secret(u)), "recipes are read by others: take it back where it was given out, and name a place that needs none, or use --mirror", at...)
		c.found[len(c.found)-1].Line = "" // what is shown of a mistake may be read by more people than the recipe
	}
}

// Names of what lets somebody in, and the forms that such things have.
var (
	secretName = regexp.MustCompile(`(?i)^(?:.*[-_])?(?:token|secret|passw(?:or)?d|pwd|api-?key|apikey|auth|authorization|credentials?|sig|signature|access-?key|private-?key)$`)
	secretForm = regexp.MustCompile(`\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|dt|rt)-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{16}|xox[abps]-[A-Za-z0-9-]{10,})`)
)

// secret names the part of a URL that looks as if it let somebody in; "" if none does.
func secret(u *url.URL) string {
	for _, key := range slices.Sorted(maps.Keys(u.Query())) {
		if secretName.MatchString(key) && u.Query().Get(key) != "" {
			return key
		}
	}
	if text, err := url.PathUnescape(u.String()); err != nil || secretForm.MatchString(text) {
		return "a token"
	}
	return ""
}

func (c *checker) placeholders(text string, known []string, at ...any) {
	if err := checkText(text, known); err != nil {
		c.fail(err.Error(), "", at...)
	}
}

func (c *checker) build() {
	if len(c.Build.Install) > 0 && !c.Build.Install.uses("destdir") {
		c.fail("install does not use {destdir}", `the usual is "DESTDIR={destdir}"; files are staged there and put in place when all of them are`, "build", "install")
	}
	for i, v := range c.Verify.Build {
		if _, known := c.Releases[v]; !known {
			c.fail(fmt.Sprintf("%s is to be built, and is no release here", v), "", "verify", "build", i)
		}
	}
	if c.Verify.Check && len(c.Build.Check) == 0 {
		c.fail("the recipe does not say how the package's own tests are run", `build.check, for example [gmake, check]`, "verify", "check")
	}
}

// packageForms are the names of packages, by whose they are. A packager must
// not take one for an option, a file, a pattern or an order to remove.
var packageForms = map[string]*regexp.Regexp{
	"debian":  regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*[a-z0-9.]$|^[a-z0-9.+-]*[a-z0-9]\+\+$`),
	"freebsd": regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)?$`),
}

func (c *checker) needs(family string) {
	form, known := packageForms[family]
	if !known {
		c.fail(fmt.Sprintf("packages of %q are not known here", family), "known: "+strings.Join(slices.Sorted(maps.Keys(packageForms)), ", "), "needs", family)
		return
	}
	for i, name := range c.Needs[family] {
		if !form.MatchString(name) {
			c.fail(fmt.Sprintf("%q can't be a package's name", name), "", "needs", family, i)
		}
	}
}

func (c *checker) fix(f Fix, at ...any) {
	under := func(path ...any) []any { return slices.Concat(at, path) }
	if f.ID != "" && !idForm.MatchString(f.ID) {
		c.fail(fmt.Sprintf("%q can't be the id of a fix", f.ID), "lower-case letters, digits and dashes", under("id")...)
	}
	if f.Affects != "" {
		if _, err := version.ParseRange(c.Versions.Scheme, f.Affects); err != nil {
			c.fail(err.Error(), "", under("affects")...)
		}
	}
	for key, text := range f.Where.check() {
		c.fail(text, "", under("where", key)...)
	}
	if len(f.Patch) == 0 && len(f.Configure) == 0 && len(f.Env) == 0 && f.Advisory == "" {
		c.fail(fmt.Sprintf("fix %s does nothing", f.ID), "give it one of patch, configure, env and advisory", at...)
	}
	c.advisory(f, at...)
	for i, p := range f.Patch {
		c.patch(p, under("patch", i)...)
	}
	if len(f.Configure) > 0 && len(c.Build.Configure) == 0 {
		c.fail(fmt.Sprintf("fix %s has arguments for configure, and there is no such step", f.ID), "", under("configure")...)
	}
	for i, arg := range f.Configure {
		c.placeholders(arg, commandNames, under("configure", i)...)
	}
	if f.Origin != nil && !slices.Contains([]string{"upstream", "backport", "vendor", "other"}, f.Origin.Type) {
		c.fail(fmt.Sprintf("unknown origin type %q", f.Origin.Type), "upstream, backport, vendor or other", under("origin", "type")...)
	}
	if f.Proof != nil {
		c.proof(*f.Proof, under("proof")...)
	}
}

// advisory checks what only advisories have.
func (c *checker) advisory(f Fix, at ...any) {
	under := func(path ...any) []any { return slices.Concat(at, path) }
	for key, given := range map[string]bool{"fixed": f.Fixed != "", "when": f.When != "", "links": f.Links != nil} {
		if given && f.Advisory == "" {
			c.fail(fmt.Sprintf("%s is for an advisory, and fix %s is none", key, f.ID), "add advisory: what to do about it", under(key)...)
		}
	}
	if f.Fixed != "" {
		v, err := version.Parse(c.Versions.Scheme, f.Fixed)
		if err != nil {
			c.fail(err.Error(), "", under("fixed")...)
		} else if r, err := version.ParseRange(c.Versions.Scheme, f.Affects); err == nil && r.Contains(v) {
			c.fail(fmt.Sprintf("%s is fixed, and affects says that it is not", f.Fixed), "", under("fixed")...)
		}
	}
	for i, link := range f.Links {
		c.url(link, under("links", i)...)
	}
}

func (c *checker) patch(p PatchSource, at ...any) {
	switch {
	case (p.URL == "") == (p.File == ""):
		c.fail("a patch has exactly one of url and file", "write one list item for each place", at...)
	case p.URL != "" && len(p.PatchIDs) == 0 && p.SHA256 == "":
		c.fail("a patch from a url can't be verified", "add patch-ids: the first word of each line that git patch-id --stable prints for it", at...)
	case p.URL != "":
		c.placeholders(p.URL, sourceNames, append(at, "url")...)
		c.url(p.URL, append(at, "url")...)
	}
	if p.File != "" {
		c.file(p.File, append(at, "file")...)
	}
}

// file checks the name of a file beside the recipes.
func (c *checker) file(name string, at ...any) {
	if !fs.ValidPath(name) || path.Clean(name) == "." {
		c.fail(fmt.Sprintf("%q does not name a file beside the recipes", name), fmt.Sprintf("it is usually %s/NAME", c.Name), at...)
	}
}

var verdicts = []string{"needed", "present", "superseded", "absent", "conflict", "ambiguous"}

func (c *checker) proof(p Proof, at ...any) {
	if p.Log != "" {
		c.file(p.Log, append(at, "log")...)
	}
	for _, v := range slices.Sorted(maps.Keys(p.Verdicts)) {
		if !slices.Contains(verdicts, p.Verdicts[v]) {
			c.fail(fmt.Sprintf("unknown verdict %q", p.Verdicts[v]), "known: "+strings.Join(verdicts, ", "), append(at, "verdicts", v)...)
		}
		if _, known := c.Releases[v]; !known {
			c.fail(fmt.Sprintf("there is a verdict of %s, which is no release here", v), "", append(at, "verdicts", v)...)
		}
	}
}
