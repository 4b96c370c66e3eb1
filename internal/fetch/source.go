package fetch

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A Source is a place where a distfile may be had. It is a plain value: one of
// its fields is set. Printed, it shows no secrets.
type Source struct {
	URL    string `json:"url,omitempty"` // http, https or file
	Git    Git    `json:"git,omitzero"`
	Debian Debian `json:"debian,omitzero"`
}

// Git is a tag of a git repository.
type Git struct {
	// URL is where the repository is: an http, https, ssh or git URL, or the
	// path of a local one.
	URL string `json:"url"`
	Tag string `json:"tag"`
	// Commit is the full id, 40 hex digits, of the commit that the tag must
	// point to.
	Commit string `json:"commit"`
}

// Debian is a source package of the Debian distribution this runs on, or of a
// relative.
//
// All versions that the distribution's archive offers are looked at, and the
// newest one is taken whose tarball has the wanted sha256. When its server has
// not got it any more, which happens between two updates of the index, the
// next one is tried. The identity of the request must be a distfile.Sum.
type Debian struct {
	Package string `json:"package"` // the source package's name
}

// String names the repository and tag for people, without secrets.
func (g Git) String() string { return fmt.Sprintf("git %s tag %s", redact(g.URL), g.Tag) }

// String names the source package for people.
func (d Debian) String() string { return "debian source package " + d.Package }

// String names the source for people, without secrets.
func (s Source) String() string {
	switch {
	case s.URL != "":
		return redact(s.URL)
	case s.Git != Git{}:
		return s.Git.String()
	case s.Debian != Debian{}:
		return s.Debian.String()
	}
	return "empty source"
}

// check makes sure that exactly one kind of source is set.
func (s Source) check() error {
	kinds := 0
	for _, set := range []bool{s.URL != "", s.Git != Git{}, s.Debian != Debian{}} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		return fmt.Errorf("a source must have exactly one of url, git and debian, this has %d: correct the recipe", kinds)
	}
	return nil
}

// local reports whether the source can be used without a network.
func (s Source) local() bool {
	if s.Git.URL != "" {
		_, ok := localPath(s.Git.URL)
		return ok
	}
	return strings.HasPrefix(s.URL, "file:")
}

// localPath returns the path that a repository's or file's URL means, if it is
// a local one. A file URL is one too: go-git would start a git program for it.
func localPath(raw string) (string, bool) {
	if strings.HasPrefix(raw, "/") || strings.HasPrefix(raw, "./") || strings.HasPrefix(raw, "../") {
		return raw, true
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" || !strings.HasPrefix(u.Path, "/") {
		return "", false
	}
	return u.Path, true
}

// scpLike matches the short form of ssh addresses, user@host:path.
var scpLike = regexp.MustCompile(`^[^/@:]+@[^/@:]+:`)

// remoteGit reports whether raw is an address that go-git asks over a network.
// Whatever else it is given it takes for a path, and starts a git program.
func remoteGit(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return scpLike.MatchString(raw)
	}
	return u.Host != "" && slices.Contains([]string{"https", "http", "ssh", "git"}, u.Scheme)
}

// A Mirror says that what is at Prefix is at Base, too.
type Mirror struct {
	Prefix string // how the URLs start that the mirror has
	Base   string // what stands there for the mirror
}

// ParseMirror reads a mirror from the form PREFIX=BASE, both being http, https
// or file URLs: "https://foo.example/=http://mirror.example/foo/".
func ParseMirror(s string) (Mirror, error) {
	for i := range len(s) {
		if s[i] != '=' {
			continue
		}
		// An equal sign in a query is no separator: no URL follows it.
		if isURL(s[:i]) && isURL(s[i+1:]) {
			return Mirror{Prefix: s[:i], Base: s[i+1:]}, nil
		}
	}
	return Mirror{}, fmt.Errorf("mirror %q is not of the form PREFIX=BASE with two URLs, for example https://foo.example/=http://mirror.example/foo/",
		redactText(s))
}

// isURL reports whether s is an absolute URL of a kind that can be fetched.
func isURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "http", "https":
		return u.Host != ""
	case "file":
		return strings.HasPrefix(u.Path, "/")
	}
	return false
}

// String returns the form that ParseMirror reads.
func (m Mirror) String() string { return m.Prefix + "=" + m.Base }

// mirrored returns raw's places on the mirrors, and raw itself in the end.
func mirrored(mirrors []Mirror, raw string) []string {
	var urls []string
	for _, m := range mirrors {
		if rest, ok := strings.CutPrefix(raw, m.Prefix); ok && m.Prefix != "" {
			urls = append(urls, m.Base+rest)
		}
	}
	return append(urls, raw)
}

// onSites returns where a file would be on each of the sites, which is a list
// of base URLs with spaces between them.
func onSites(sites, name string) []string {
	var urls []string
	for base := range strings.FieldsSeq(sites) {
		if !strings.HasSuffix(base, "/") {
			base += "/"
		}
		urls = append(urls, base+url.PathEscape(name))
	}
	return urls
}
