package recipe_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/yamlfile"
)

var update = flag.Bool("update", false, "write the expected files anew")

const good = `
name: hello
summary: prints a greeting
releases:
  1.9.0: {sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}
  1.10.0: {sha256: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}
  2.0.0-rc1: {commit: cccccccccccccccccccccccccccccccccccccccc}
sources:
  - url: https://example.org/{major}.{minor}/hello-{version}.tar.gz
  - {git: https://example.org/hello.git, tag: "v{version}"}
build:
  configure:
    - [./configure, "--prefix={prefix}"]
    - {run: [./more, "{{literal}}"], in: sub/folder, env: {MODE: "{jobs}"}}
  make: [gmake, "-j{jobs}"]
  install: {run: [gmake, install, "DESTDIR={destdir}"]}
fixes:
  - id: a-fix
    summary: adds an include
    affects: ">= 1.9, < 1.10"
    where: {os: freebsd}
    cures: {signature: missing-include, symbol: SIGKILL}
    patch: [{file: hello/a.patch, patch-ids: [dddddddddddddddddddddddddddddddddddddddd]}]
    proof: {log: hello/a.log}
`

func parse(t *testing.T, text string) *recipe.Recipe {
	t.Helper()
	r, err := recipe.Parse("hello.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParse(t *testing.T) {
	r := parse(t, good)
	if got := fmt.Sprint(r.Known()); got != "[1.9.0 1.10.0 2.0.0-rc1]" {
		t.Errorf("known versions are %s", got)
	}
	if got := r.Newest().String(); got != "1.10.0" {
		t.Errorf("the newest is %s, want the newest that is no pre-release", got)
	}
	want := recipe.Commands{
		{Run: []string{"./configure", "--prefix={prefix}"}},
		{Run: []string{"./more", "{{literal}}"}, In: "sub/folder", Env: recipe.Env{"MODE": "{jobs}"}},
	}
	if diff := cmp.Diff(want, r.Build.Configure); diff != "" {
		t.Errorf("configure (-want +got)\n%s", diff)
	}
	v, rel, err := r.Release("1.9")
	if err != nil || v.String() != "1.9.0" || rel.SHA256[0] != 'a' {
		t.Errorf("release 1.9 is %s %v, %v", v, rel, err)
	}
	if got := r.Vars(v); got["major"] != "1" || got["minor"] != "9" || got["version"] != "1.9.0" {
		t.Errorf("placeholders are %v", got)
	}
}

func TestUnknownRelease(t *testing.T) {
	_, _, err := parse(t, good).Release("1.9.9")
	var unknown *recipe.UnknownRelease
	if !errors.As(err, &unknown) || len(unknown.Near) == 0 || !strings.Contains(err.Error(), "1.9.0") {
		t.Errorf("error is %v, want one that names the nearest", err)
	}
}

// TestTwenty reads a recipe in which nearly every line is wrong. All of it
// must be found in one reading, each mistake at its place.
func TestTwenty(t *testing.T) {
	text, err := os.ReadFile("testdata/twenty.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = recipe.Parse("twenty.yaml", text)
	var ms yamlfile.Mistakes
	if !errors.As(err, &ms) {
		t.Fatalf("error is %v", err)
	}
	var b strings.Builder
	for _, m := range ms {
		if m.Pos.Line == 0 || m.Pos.Column == 0 {
			t.Errorf("a mistake has no place: %v", m)
		}
		b.WriteString(m.Show())
	}
	const golden = "testdata/twenty.want"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(ms) < 20 {
		t.Errorf("only %d mistakes", len(ms))
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"same version twice", "1.10.0:", "1.9.0.0:", "the same version in the order"},
		{"nothing to verify by", "{commit: cccccccccccccccccccccccccccccccccccccccc}", "{}", "nothing to verify its source by"},
		{"a version of another scheme", "1.9.0:", "1.9.0zz:", "1.9.0zz"},
		{"user in a URL", "https://example.org/{major}", "https://me:secret@example.org/{major}", "holds no user or password"},
		{"git without commit", "{commit: cccccccccccccccccccccccccccccccccccccccc}", "{sha256: cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc}", "nothing can be taken from git"},
		{"install without staging", "\"DESTDIR={destdir}\"", "now", "install does not use {destdir}"},
		{"shell text as a program", "[gmake, \"-j{jobs}\"]", "[\"gmake -j4\"]", "looks like shell text"},
		{"folder outside", "in: sub/folder", "in: ../other", "not inside the source tree"},
		{"lone brace", "{{literal}}", "{literal", "a brace stands alone"},
		{"near placeholder", "{destdir}", "{destidr}", "did you mean {destdir}?"},
		{"patch that can't be verified", "file: hello/a.patch, patch-ids: [dddddddddddddddddddddddddddddddddddddddd]", "url: https://example.org/x.patch", "can't be verified"},
		{"compiler range", "{os: freebsd}", "{compiler: gcc ~ 3}", `"~" is no operator`},
		{"verdict of no release", "{log: hello/a.log}", "{verdicts: {9.9.9: needed}}", "9.9.9, which is no release here"},
		{"unknown verdict", "{log: hello/a.log}", "{verdicts: {1.9.0: fine}}", `unknown verdict "fine"`},
		{"secret in a URL", "/hello-{version}.tar.gz", "/hello-{version}.tar.gz?private_token=hunter2", "private_token in the URL looks like a secret"},
		{"token in a URL", "/hello-{version}.tar.gz", "/ghp_0123456789abcdefghijABCDEFGHIJ/{version}", "a token in the URL looks like a secret"},
		{"no release to build", "fixes:", "verify: {build: [1.9.1]}\nfixes:", "1.9.1 is to be built, and is no release here"},
		{"no tests to run", "fixes:", "verify: {check: true}\nfixes:", "how the package's own tests are run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(good, test.old) {
				t.Fatalf("the good recipe has no %q", test.old)
			}
			_, err := recipe.Parse("hello.yaml", []byte(strings.Replace(good, test.old, test.new, 1)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
			for _, m := range err.(yamlfile.Mistakes) {
				if strings.Contains(m.Show(), "hunter2") || strings.Contains(m.Show(), "ghp_0") {
					t.Errorf("the secret is shown: %s", m.Show())
				}
			}
		})
	}
}

func TestLint(t *testing.T) {
	r := parse(t, good)
	files := map[string]string{"hello/a.patch": "the patch", "hello/a.log": "the log"}
	s := recipe.Surroundings{
		File: func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		},
		PatchIDs: func([]byte) ([]string, error) { return []string{strings.Repeat("d", 40)}, nil },
		Known:    func(id string) bool { return id == "missing-include" },
		Matches:  func(_ string, log []byte) bool { return string(log) == "the log" },
	}
	if ms := r.Lint(s); len(ms) > 0 {
		t.Errorf("a good recipe has %v", ms)
	}
	for _, test := range []struct {
		name, want string
		change     func(*recipe.Surroundings, *recipe.Recipe)
	}{
		{"no patch", "the patch can't be read", func(*recipe.Surroundings, *recipe.Recipe) { delete(files, "hello/a.patch") }},
		{"other log", "is not found in this log", func(*recipe.Surroundings, *recipe.Recipe) { files["hello/a.log"] = "another" }},
		{"no log", "the log can't be read", func(*recipe.Surroundings, *recipe.Recipe) { delete(files, "hello/a.log") }},
		{"other ids", "it has eeee", func(s *recipe.Surroundings, _ *recipe.Recipe) {
			s.PatchIDs = func([]byte) ([]string, error) { return []string{"eeee"}, nil }
		}},
		{"no patch at all", "not a patch", func(s *recipe.Surroundings, _ *recipe.Recipe) {
			s.PatchIDs = func([]byte) ([]string, error) { return nil, errors.New("nothing in it") }
		}},
		{"unknown signature", `no signature "missing-include"`, func(s *recipe.Surroundings, _ *recipe.Recipe) { s.Known = func(string) bool { return false } }},
		{"no proof", "has no proof", func(_ *recipe.Surroundings, r *recipe.Recipe) { r.Fixes[0].Proof = nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			files = map[string]string{"hello/a.patch": "the patch", "hello/a.log": "the log"}
			s, r := s, parse(t, good)
			test.change(&s, r)
			ms := r.Lint(s)
			if len(ms) != 1 || !strings.Contains(ms[0].Error(), test.want) || ms[0].Pos.Line < 18 {
				t.Errorf("mistakes are %v, want one with %q", ms, test.want)
			}
		})
	}
}

func TestWhere(t *testing.T) {
	freebsd := platform.Platform{OS: "freebsd", Version: "12.0-RELEASE-p3", Arch: "amd64", Libc: "freebsd", Compiler: "clang 6.0.1"}
	debian := platform.Platform{OS: "linux", Distro: "debian", Version: "12", Arch: "arm64", Libc: "glibc 2.36", Compiler: "gcc 12.2.0"}
	for _, test := range []struct {
		where           recipe.Where
		freebsd, debian bool
	}{
		{recipe.Where{}, true, true},
		{recipe.Where{OS: "freebsd"}, true, false},
		{recipe.Where{OS: "freebsd", Version: ">= 12.0-RELEASE-p3"}, true, false},
		{recipe.Where{OS: "freebsd", Version: "> 12.0-RELEASE-p10"}, false, false},
		{recipe.Where{Distro: "debian", Version: ">= 11, < 13"}, false, true},
		{recipe.Where{Libc: "glibc >= 2.36"}, false, true},
		{recipe.Where{Libc: "musl"}, false, false},
		{recipe.Where{Compiler: "clang"}, true, false},
		{recipe.Where{Compiler: "gcc >= 14"}, false, false},
		{recipe.Where{Arch: "arm64"}, false, true},
	} {
		for _, p := range []struct {
			is   platform.Platform
			want bool
		}{{freebsd, test.freebsd}, {debian, test.debian}} {
			got, why := test.where.Match(p.is)
			if got != p.want || got == (why != "") {
				t.Errorf("%+v on %s: %v %q, want %v", test.where, p.is.OS, got, why, p.want)
			}
		}
	}
}

func TestCollection(t *testing.T) {
	other := strings.Replace(good, "prints a greeting", "another one", 1)
	shipped := recipe.Layer{Name: "shipped", Recipes: fstest.MapFS{
		"hello.yaml": {Data: []byte(good)}, "README": {}, "bad.yaml": {Data: []byte(good)},
	}, Files: fstest.MapFS{"hello/a.patch": {Data: []byte("old")}, "hello/b.patch": {Data: []byte("b")}}}
	mine := recipe.Layer{Name: "mine", Recipes: fstest.MapFS{"hello.yaml": {Data: []byte(other)}}, Files: fstest.MapFS{"hello/a.patch": {Data: []byte("new")}}}
	c := recipe.NewCollection(shipped, mine)

	names, err := c.Names()
	if err != nil || fmt.Sprint(names) != "[bad hello]" {
		t.Errorf("names are %v, %v", names, err)
	}
	r, err := c.Load("hello")
	if err != nil || r.Summary != "another one" || r.File() != "mine/hello.yaml" {
		t.Errorf("hello is not the user's: %v", err)
	}
	for name, want := range map[string]string{"hello/a.patch": "new", "hello/b.patch": "b"} {
		if text, err := c.File(name); err != nil || string(text) != want {
			t.Errorf("file %s is %q, %v", name, text, err)
		}
	}
	if _, err := c.File("hello/c.patch"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is nowhere gives %v", err)
	}
	if _, err := c.Load("bad"); err == nil || !strings.Contains(err.Error(), "the file is called bad.yaml") {
		t.Errorf("a file of another name gives %v", err)
	}
	for _, name := range []string{"helo", "../etc/passwd", "", "HELLO"} {
		_, err := c.Load(name)
		var unknown *recipe.UnknownPackage
		if !errors.As(err, &unknown) {
			t.Errorf("Load(%q) gives %v", name, err)
		}
		if name == "helo" && !strings.Contains(err.Error(), `did you mean "hello"?`) {
			t.Errorf("no suggestion in: %v", err)
		}
	}
}

// TestCollectionIsLazy makes sure that one package is read without the others.
func TestCollectionIsLazy(t *testing.T) {
	files := fstest.MapFS{"hello.yaml": {Data: []byte(good)}}
	for i := range 1000 {
		files[fmt.Sprintf("broken%d.yaml", i)] = &fstest.MapFile{Data: []byte("{{{")}
	}
	if _, err := recipe.NewCollection(recipe.Layer{Name: "x", Recipes: files}).Load("hello"); err != nil {
		t.Error(err)
	}
}

func TestExpand(t *testing.T) {
	vars := map[string]string{"version": "2.3.4", "major": "2"}
	for in, want := range map[string]string{
		"":                        "",
		"a-{version}.tar":         "a-2.3.4.tar",
		"{major}/{version}":       "2/2.3.4",
		"{{version}} {{{major}}}": "{version} {2}",
	} {
		if got, err := recipe.Expand(in, vars); err != nil || got != want {
			t.Errorf("Expand(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"{", "}", "{versio}", "{version", "a}b", "{}"} {
		if got, err := recipe.Expand(in, vars); err == nil {
			t.Errorf("Expand(%q) = %q, want an error", in, got)
		}
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("{version}-{{x}}")
	f.Fuzz(func(t *testing.T, text string) {
		escaped := strings.NewReplacer("{", "{{", "}", "}}").Replace(text)
		if got, err := recipe.Expand(escaped, nil); err != nil || got != text {
			t.Errorf("Expand(%q) = %q, %v", escaped, got, err)
		}
		_, _ = recipe.Expand(text, map[string]string{"version": "1"})
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	twenty, err := os.ReadFile(filepath.Join("testdata", "twenty.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(twenty)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := recipe.Parse("f.yaml", text)
		var ms yamlfile.Mistakes
		if err != nil && !errors.As(err, &ms) {
			t.Fatalf("%T is not mistakes", err)
		}
		r.Lint(recipe.Surroundings{})
		if err == nil {
			_ = r.Newest()
		}
	})
}

func Example() {
	r, err := recipe.Parse("hello.yaml", []byte(good))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Name, r.Newest())
	_, _, err = r.Release("3.0")
	fmt.Println(err)
	// Output:
	// hello 1.10.0
	// the recipe of hello does not know version 3.0 (nearest: 2.0.0-rc1, 1.10.0, 1.9.0)
}
