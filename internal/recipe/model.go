package recipe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/version"
	"srcmend/internal/yamlfile"
)

// A Recipe says how one upstream package is fetched and built. One that only advises
// has no releases, sources and build: it is about something that is not built here, such
// as an operating system, which has the name that Go gives it.
type Recipe struct {
	// The package's name: lower-case letters, digits and . + - _
	Name string `json:"name"`
	// One line that says what the package is.
	Summary  string `json:"summary"`
	Homepage string `json:"homepage,omitempty"`
	// The licence, as an SPDX expression.
	License  string   `json:"license,omitempty"`
	Versions Versions `json:"versions,omitzero"`
	// Every release that is known, by version. A version is text: 2.30 is not 2.3.
	Releases map[string]Release `json:"releases,omitempty"`
	// Where archives come from, tried in order.
	Sources  []Source  `json:"sources,omitempty"`
	Upstream *Upstream `json:"upstream,omitempty"`
	// How an unpacked tree tells its version, where configure, CMakeLists.txt and the like
	// do not.
	Identify []Identify `json:"identify,omitempty"`
	Build    Build      `json:"build,omitzero"`
	// What is proven by builds when the recipe is verified.
	Verify Verify `json:"verify,omitzero"`
	// Packages a build needs, by whose they are: debian, freebsd.
	Needs map[string][]string `json:"needs,omitempty"`
	// What some versions need somewhere.
	Fixes []Fix `json:"fixes,omitempty"`

	doc   *yamlfile.Doc
	known []release // sorted, oldest first
}

// release is a release with its version parsed.
type release struct {
	version version.Version
	Release
}

// Versions says how this upstream's versions order.
type Versions struct {
	Scheme version.Scheme `json:"scheme,omitempty"`
}

// A Release is one version and what proves that its source is the right one.
type Release struct {
	// Of the archive, in hex: makes every mirror trustworthy.
	SHA256 SHA256 `json:"sha256,omitempty"`
	// Of the tagged commit, in hex, for sources of kind git.
	Commit Commit `json:"commit,omitempty"`
}

// A Source is one place where archives are found: one of url, debian and git.
// The texts may hold {name}, {version}, {major}, {minor} and {micro}.
type Source struct {
	// An https, http or file URL.
	URL string `json:"url,omitempty"`
	// A Debian source package whose tarball is upstream's own.
	Debian string `json:"debian,omitempty"`
	// A git repository, with tag.
	Git string `json:"git,omitempty"`
	Tag string `json:"tag,omitempty"`
}

// String is the source on one line.
func (s Source) String() string {
	switch {
	case s.Debian != "":
		return "the Debian source package " + s.Debian
	case s.Git != "":
		return s.Git + ", tag " + s.Tag
	}
	return s.URL
}

// Upstream is where the package is developed.
type Upstream struct {
	Git string `json:"git"`
	// The tag of a release; may hold what a source may hold.
	Tag string `json:"tag,omitempty"`
}

// Identify says which line of a file tells a tree's version.
type Identify struct {
	File string `json:"file"`
	// A regular expression. Its groups are the version, with dots between them.
	Version string `json:"version"`
}

// Pattern is the regular expression. It is one, since the recipe was checked.
func (i Identify) Pattern() *regexp.Regexp { return regexp.MustCompile("(?s)" + i.Version) }

// Mistake is one at the value that path leads to.
func (r *Recipe) Mistake(hint, text string, path ...any) yamlfile.Mistake {
	return r.doc.Mistake(hint, text, path...)
}

// Tag is the tag of a version in the upstream's repository.
func (r *Recipe) Tag(v version.Version) (string, error) {
	form := "{version}"
	if r.Upstream != nil && r.Upstream.Tag != "" {
		form = r.Upstream.Tag
	}
	return Expand(form, r.Vars(v))
}

// Tagged is the version that a tag of the upstream's repository stands for. ok is false
// if it is none, or if it can't be told, since the tag has more in it than the version.
func (r *Recipe) Tagged(tag string) (v version.Version, ok bool) {
	form := "{version}"
	if r.Upstream != nil && r.Upstream.Tag != "" {
		form = r.Upstream.Tag
	}
	before, after, found := strings.Cut(strings.ReplaceAll(form, "{name}", r.Name), "{version}")
	text, begins := strings.CutPrefix(tag, before)
	text, ends := strings.CutSuffix(text, after)
	if !found || !begins || !ends {
		return version.Version{}, false
	}
	v, err := version.Parse(r.Versions.Scheme, text)
	return v, err == nil
}

// Build is the commands of a build, by step. Beside a source's placeholders
// they may hold {prefix}, {destdir}, {jobs} and {source}.
type Build struct {
	Configure Commands `json:"configure,omitempty"`
	Make      Commands `json:"make,omitempty"`
	// The package's own tests. They are run when the build was mended, or when asked for.
	Check   Commands `json:"check,omitempty"`
	Install Commands `json:"install"`
	// Environment of all the commands.
	Env Env `json:"env,omitempty"`
}

// Verify says what is built to prove the recipe.
type Verify struct {
	// The releases that are built. Without it, the newest, and of each fix that cures an error
	// the newest that it affects.
	Build []string `json:"build,omitempty"`
	// The package's own tests are run as well.
	Check bool `json:"check,omitempty"`
}

// A Fix is something that some versions need somewhere.
type Fix struct {
	// Unique in the recipe: lower-case letters, digits and dashes.
	ID      string `json:"id"`
	Summary string `json:"summary"`
	// The versions that need it: ">= 2.3.4, < 2.3.5". A claim; content decides.
	Affects string `json:"affects"`
	Where   Where  `json:"where,omitzero"`
	// The error that it cures.
	Cures *Cures `json:"cures,omitempty"`
	// The same patch from several places, tried in order.
	Patch []PatchSource `json:"patch,omitempty"`
	// Arguments added to the first configure command.
	Configure []string `json:"configure,omitempty"`
	// Environment added to every command.
	Env Env `json:"env,omitempty"`
	// What a person has to know or do, when nothing can be done for them.
	Advisory string `json:"advisory,omitempty"`
	// The first version without the problem that the advisory is about.
	Fixed string `json:"fixed,omitempty"`
	// When the advisory matters, if not always: "after a major upgrade of the system".
	When string `json:"when,omitempty"`
	// Where more is said about it.
	Links  []string `json:"links,omitempty"`
	Origin *Origin  `json:"origin,omitempty"`
	Proof  *Proof   `json:"proof,omitempty"`
}

// Cures names the error that a fix cures.
type Cures struct {
	Signature string `json:"signature"`
	Symbol    string `json:"symbol,omitempty"`
}

// Match reports whether an error is the one that is cured: by the signature that was found, the
// special case of it, and what it is about.
func (c *Cures) Match(signature, special, symbol string) bool {
	return c != nil && (c.Signature == signature || c.Signature == special) && (c.Symbol == "" || c.Symbol == symbol)
}

// A PatchSource is one place where a fix's patch is found. A url needs
// patch-ids or sha256: a patch that can't be told from another is not applied.
type PatchSource struct {
	URL string `json:"url,omitempty"`
	// A file of the patches that come with the recipes.
	File string `json:"file,omitempty"`
	// git's stable patch-id of each mail, in order.
	PatchIDs []Commit `json:"patch-ids,omitempty"`
	SHA256   SHA256   `json:"sha256,omitempty"`
}

// Origin says where a fix comes from, in DEP-3's words.
type Origin struct {
	Type    string   `json:"type" jsonschema:"enum=upstream,enum=backport,enum=vendor,enum=other"`
	Commits []string `json:"commits,omitempty"`
	URL     string   `json:"url,omitempty"`
}

// Proof is what shows that a fix is right: a log that its signature matches,
// or what releases say of its patch.
type Proof struct {
	// A file of the patches that come with the recipes.
	Log string `json:"log,omitempty"`
	// Verdicts by version: absent, needed, present, superseded, conflict.
	Verdicts map[string]string `json:"verdicts,omitempty"`
}

// SHA256 is a SHA-256 checksum: 64 hex digits.
type SHA256 string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *SHA256) UnmarshalText(text []byte) error {
	*s = SHA256(strings.ToLower(string(text)))
	if err := hex(text, 64); err != nil {
		return fmt.Errorf("not a sha256: %w", err)
	}
	return nil
}

// Commit is a git object's name or a patch-id: 40 hex digits.
type Commit string

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Commit) UnmarshalText(text []byte) error {
	*c = Commit(strings.ToLower(string(text)))
	if err := hex(text, 40); err != nil {
		return fmt.Errorf("not a git hash: %w", err)
	}
	return nil
}

func hex(text []byte, want int) error {
	for i, c := range text {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return fmt.Errorf("character %d is %q, want hex digits", i+1, c)
		}
	}
	if len(text) != want {
		return fmt.Errorf("it has %d digits, want %d", len(text), want)
	}
	return nil
}

// Parse reads the recipe in the file called name. When anything is wrong, the
// error is [yamlfile.Mistakes], with all of it.
func Parse(name string, text []byte) (*Recipe, error) {
	r := new(Recipe)
	doc, err := yamlfile.Decode(name, text, r)
	r.doc = doc
	mistakes, _ := err.(yamlfile.Mistakes)
	return r, append(mistakes, r.check()...).Err()
}

// File is the name of the file that the recipe was read from.
func (r *Recipe) File() string { return r.doc.Name }

// Known returns the recipe's versions, oldest first.
func (r *Recipe) Known() []version.Version {
	out := make([]version.Version, len(r.known))
	for i, k := range r.known {
		out[i] = k.version
	}
	return out
}

// Newest returns the newest version that is not a pre-release, or the newest
// of all when there are only such; the zero Version if no release is known.
func (r *Recipe) Newest() version.Version {
	for _, k := range slices.Backward(r.known) {
		if !k.version.Prerelease() {
			return k.version
		}
	}
	if len(r.known) == 0 {
		return version.Version{}
	}
	return r.known[len(r.known)-1].version
}

// Release returns what is known of one version, as it is spelt in the recipe
// or equal to it in order. The error is [*UnknownRelease].
func (r *Recipe) Release(want string) (version.Version, Release, error) {
	for _, k := range r.known {
		if k.version.String() == want {
			return k.version, k.Release, nil
		}
	}
	if v, err := version.Parse(r.Versions.Scheme, want); err == nil {
		for _, k := range r.known {
			if k.version.Compare(v) == 0 {
				return k.version, k.Release, nil
			}
		}
	}
	var near []string
	for _, v := range version.Nearest(want, r.Known(), 4) {
		near = append(near, v.String())
	}
	return version.Version{}, Release{}, &UnknownRelease{r.Name, want, near}
}

// UnknownRelease says that a recipe does not know a version.
type UnknownRelease struct {
	Package, Want string
	Near          []string // the nearest it knows
}

func (e *UnknownRelease) Error() string {
	return fmt.Sprintf("the recipe of %s does not know version %s (nearest: %s)", e.Package, e.Want, strings.Join(e.Near, ", "))
}

var idForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.+_-]*$`)
