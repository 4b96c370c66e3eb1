package fetch

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseOneLiners(t *testing.T) {
	const in = `# a comment
deb http://a.example/debian stable main contrib # the rest
   deb-src	http://a.example/debian/   stable-updates  main
#deb http://off.example/ stable main
deb [ arch=amd64,arm64 signed-by=/k/a.gpg,/k/b.gpg trusted=yes lang=de ] http://b.example stable main
deb [by-hash=no] tor+http://c.example/x#y stable main
deb cdrom:[Some GNU/Linux 1 _name_ # 2]/ stable main
deb http://flat.example/ ./

`
	none := map[string][]string{}
	want := []aptArchive{
		{"http://a.example/debian", "stable", []string{"main", "contrib"}, none},
		{"http://a.example/debian/", "stable-updates", []string{"main"}, none},
		{"http://b.example", "stable", []string{"main"}, map[string][]string{"Signed-By": {"/k/a.gpg /k/b.gpg"}, "Trusted": {"yes"}}},
		{"cdrom:[Some GNU/Linux 1 _name_ # 2]/", "stable", []string{"main"}, none},
		{"http://flat.example/", "./", []string{}, none},
	}
	got, err := parseOneLiners(in)
	// The # in an address starts a comment, so that line has no suite.
	if err == nil || !strings.HasPrefix(err.Error(), "line 6: has no address and suite") {
		t.Errorf("error: %v", err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for in, want := range map[string]string{
		"deb [arch=amd64 http://a stable main": "line 1: a bracket is not closed",
		"\nrpm http://a stable":                `line 2: starts with "rpm"`,
		"deb http://a":                         "line 1: has no address and suite",
		"deb [a=b]":                            "line 1: has no address and suite",
	} {
		if _, err := parseOneLiners(in); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}

func TestParseSources(t *testing.T) {
	const in = `# the archive
Types: deb deb-src
URIs: http://a.example/debian http://b.example/debian
Suites: stable
 stable-updates
Components: main contrib
# in between
Architectures: amd64
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc=
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://off.example/
Suites: stable
Components: main


types: deb
uris: http://c.example/
suites: stable
components: main
enabled: yes
trusted: yes

Types: rpm
URIs: http://d.example/
Suites: stable
Components: main
`
	key := map[string][]string{"Signed-By": {"", "-----BEGIN PGP PUBLIC KEY BLOCK-----", ".", "abc=", "-----END PGP PUBLIC KEY BLOCK-----"}}
	both := []string{"main", "contrib"}
	want := []aptArchive{
		{"http://a.example/debian", "stable", both, key},
		{"http://a.example/debian", "stable-updates", both, key},
		{"http://b.example/debian", "stable", both, key},
		{"http://b.example/debian", "stable-updates", both, key},
		{"http://c.example/", "stable", []string{"main"}, map[string][]string{"Trusted": {"yes"}}},
	}
	got, err := parseSources(in)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	for in, want := range map[string]string{
		" main":                  "line 1 continues no field",
		"Types: deb\nhello":      `line 2 is not of the form`,
		"Types: deb\nTypes: x":   "line 2: a second field",
		"Types: deb\n\n\tmain":   "line 3 continues no field",
		": x":                    "line 1 is not of the form",
		"Ty pes: x":              "line 1 is not of the form",
		strings.Repeat("x", 2e6): "line 1: ",
	} {
		if _, err := parseSources(in); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", in, err, want)
		}
	}
}

func TestOwnArchives(t *testing.T) {
	signed := func(by string) map[string][]string { return map[string][]string{"Signed-By": {by}} }
	main := []string{"main"}
	own := []aptArchive{
		{"http://a", "rel", main, nil},
		{"http://a", "rel-updates", main, signed("/usr/share/keyrings/distro-archive-keyring.gpg")},
		{"http://a", "rel-security", main, signed("0123456789ABCDEF")},
		{"http://a", "rel/updates", main, signed("/k/debian-archive-keyring.gpg /k/distro-x.gpg")},
		{"http://a", "base-backports", []string{"universe"}, nil},
		{"http://a", "unstable", main, nil},
	}
	foreign := []aptArchive{
		{"http://a", "rel-pgdg", main, nil},
		{"http://a", "other", main, nil},
		{"http://a", "rel", []string{"stable"}, nil},
		{"http://a", "rel", nil, nil},
		{"http://a", "rel", main, signed("/k/vendor.gpg")},
		{"http://a", "rel", main, signed("/k/debian-archive-keyring.gpg /k/vendor.gpg")},
		{"cdrom:[x]/", "rel", main, nil},
		{"http://a", "./", nil, nil},
	}
	const release = "NAME=\"A Distro\"\nID=distro\nID_LIKE='debian'\nVERSION_CODENAME=rel\nUBUNTU_CODENAME=base\n"
	got := ownArchives(slices.Concat(own, foreign), release)
	if !reflect.DeepEqual(got, own) {
		t.Errorf("got  %+v\nwant %+v", got, own)
	}
	mixed := ownArchives([]aptArchive{{"http://a", "rel", []string{"main", "vendor", "contrib"}, nil}}, release)
	if len(mixed) != 1 || !slices.Equal(mixed[0].components, []string{"main", "contrib"}) {
		t.Errorf("mixed components: %+v", mixed)
	}
}

func TestSourcesFile(t *testing.T) {
	got := sourcesFile([]aptArchive{
		{"http://a/", "rel", []string{"main"}, map[string][]string{"Signed-By": {"", "key", "."}, "By-Hash": {"no"}}},
		{"http://a", "rel", []string{"contrib", "main"}, nil},
		{"http://a", "rel-updates", []string{"main"}, nil},
	})
	const want = `Types: deb-src
URIs: http://a
Suites: rel
Components: contrib main
Targets: Sources
By-Hash: no
Signed-By: 
 key
 .

Types: deb-src
URIs: http://a
Suites: rel-updates
Components: main
Targets: Sources

`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReadAptArchives(t *testing.T) {
	etc := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(etc, name)
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, []byte(text), 0o644))
	}
	if got, problems := readAptArchives(etc); got != nil || problems != nil {
		t.Errorf("of nothing: %v %v", got, problems)
	}
	write("sources.list", "deb http://a rel main\n")
	write("sources.list.d/b.list", "deb http://b rel main\nnonsense\n")
	write("sources.list.d/c.sources", "Types: deb\nURIs: http://c\nSuites: rel\nComponents: main\n")
	write("sources.list.d/d.sources", "nonsense\n")
	write("sources.list.d/e.list.save", "deb http://e rel main\n")
	write("sources.list.d/f.list/x", "a folder")
	got, problems := readAptArchives(etc)
	var uris []string
	for _, a := range got {
		uris = append(uris, a.uri)
	}
	if want := []string{"http://a", "http://b", "http://c"}; !slices.Equal(uris, want) {
		t.Errorf("got %v, want %v", uris, want)
	}
	text := strings.Join(problems, "\n")
	for _, want := range []string{"b.list: line 2: starts with", "d.sources: line 1 is not", "f.list"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the problems:\n%s", want, text)
		}
	}
	if len(problems) != 3 {
		t.Errorf("%d problems, want 3:\n%s", len(problems), text)
	}
	write("sources.list", strings.Repeat("#", maxList+1))
	if _, problems := readAptArchives(etc); !strings.Contains(strings.Join(problems, " "), "longer than") {
		t.Errorf("a file without end: %v", problems)
	}
}

// FuzzAptSources asserts for both forms that the file that is made of what was
// read says the same once more, and names source packages only.
func FuzzAptSources(f *testing.F) {
	f.Add("deb [signed-by=/k/a.gpg,/k/b.gpg] http://a stable main # x")
	f.Add("deb cdrom:[x y]/ stable main\ndeb-src http://b/ stable main contrib")
	f.Add("Types: deb\nURIs: http://a http://b\nSuites: x y\nComponents: main\nSigned-By:\n key\n .\n")
	f.Fuzz(func(t *testing.T, text string) {
		lines, _ := parseOneLiners(text)
		paragraphs, _ := parseSources(text)
		for _, archives := range [][]aptArchive{lines, paragraphs} {
			archives = slices.DeleteFunc(archives, func(a aptArchive) bool { return !a.onServer() })
			file := sourcesFile(archives)
			again, err := parseSources(file)
			if err != nil {
				t.Fatalf("%q became %q: %v", text, file, err)
			}
			if file2 := sourcesFile(again); file2 != file {
				t.Errorf("%q became %q, then %q", text, file, file2)
			}
			if strings.Contains(file, "\nTypes: deb\n") {
				t.Errorf("%q became %q", text, file)
			}
		}
		ownArchives(lines, text)
	})
}

func TestParseOSRelease(t *testing.T) {
	got := parseOSRelease("# x\nID=debian\nNAME=\"A B\"\r\nX='y'\nlower=no\nBAD\n")
	want := map[string]string{"ID": "debian", "NAME": "A B", "X": "y"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
