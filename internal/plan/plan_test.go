package plan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"srcmend/internal/plan"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
)

const text = `
name: hello
summary: prints a greeting
releases:
  "2.12": {sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}
  "2.13": {commit: cccccccccccccccccccccccccccccccccccccccc}
sources:
  - url: https://example.org/{major}/hello-{version}.tar.gz
  - debian: hello
  - {git: https://example.org/hello.git, tag: "v{version}"}
build:
  configure: [./configure, "--prefix={prefix}"]
  make: {run: [gmake, "-j{jobs}"], in: src, env: {MODE: fast}}
  install: [gmake, install, "DESTDIR={destdir}"]
  env: {MODE: slow, WITH: "{prefix}/share"}
needs: {debian: [zlib1g-dev]}
fixes:
  - id: here
    summary: flags for everybody
    affects: "< 2.13"
    configure: [--without-that]
    env: {WITH: nothing}
  - id: patched
    summary: an include
    affects: ">= 2.12"
    where: {os: freebsd}
    patch: [{url: "https://example.org/{version}.patch", sha256: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb}, {file: hello/a.patch}]
  - id: old
    summary: for old ones
    affects: "< 2.12"
    advisory: do not
`

var (
	freebsd = platform.Platform{OS: "freebsd", Family: "freebsd", Version: "12.0-RELEASE", Arch: "amd64"}
	debian  = platform.Platform{OS: "linux", Family: "debian", Distro: "debian", Version: "12", Arch: "amd64", Compiler: "gcc 12.2.0"}
)

func hello(t testing.TB) *recipe.Recipe {
	t.Helper()
	r, err := recipe.Parse("hello.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func options() plan.Options {
	return plan.Options{Prefix: "/opt/hello", File: func(name string) ([]byte, error) { return []byte("the text of " + name), nil }}
}

func mustPlan(t testing.TB, version string, here platform.Platform, o plan.Options) plan.Plan {
	t.Helper()
	p, err := plan.Make(hello(t), version, here, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMake(t *testing.T) {
	o := options()
	o.Configure = []string{"--with-{braces}"}
	p := mustPlan(t, "2.12", debian, o)
	if p.Archive.Name != "hello-2.12.tar.gz" || len(p.Archive.Sources) != 2 || p.Archive.Sources[0].URL != "https://example.org/2/hello-2.12.tar.gz" {
		t.Errorf("archive is %+v", p.Archive)
	}
	if len(p.Fixes) != 1 || p.Fixes[0].ID != "here" || p.Patches() {
		t.Errorf("fixes are %+v", p.Fixes)
	}
	if want := []plan.Left{{"patched", "os is linux here, not freebsd"}, {"old", "2.12 is not in < 2.12"}}; !reflect.DeepEqual(p.Left, want) {
		t.Errorf("left out are %+v", p.Left)
	}
	if got := fmt.Sprint(p.StepNames()); got != "[fetch unpack configure make install]" {
		t.Errorf("steps are %s", got)
	}
	at := plan.Place{Source: "/w/source", Destdir: "/w/stage", Jobs: 3}
	for i, want := range []plan.Command{
		{Argv: []string{"./configure", "--prefix=/opt/hello", "--without-that", "--with-{braces}"}, Dir: "/w/source", Env: []string{"MODE=slow", "WITH=nothing"}},
		{Argv: []string{"gmake", "-j3"}, Dir: "/w/source/src", Env: []string{"MODE=fast", "WITH=nothing"}},
		{Argv: []string{"gmake", "install", "DESTDIR=/w/stage"}, Dir: "/w/source", Env: []string{"MODE=slow", "WITH=nothing"}},
	} {
		got, err := p.Fill(p.Steps[i].Commands[0], at)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("command %d is\n%+v, %v; want\n%+v", i, got, err, want)
		}
	}
	if fmt.Sprint(p.Needs) != "[zlib1g-dev]" {
		t.Errorf("needs are %v", p.Needs)
	}
}

func TestFillWithoutJobs(t *testing.T) {
	for _, test := range []struct{ argv, want string }{
		{"gmake -j{jobs} all", "gmake all"},
		{"gmake -j {jobs} all", "gmake all"},
		{"cmake --build b --parallel {jobs}", "cmake --build b"},
		{"gmake --jobs={jobs} V=1", "gmake V=1"},
		{"gmake -j", "gmake -j"},
	} {
		c := plan.Command{Argv: strings.Fields(test.argv)}
		got, err := plan.Plan{Vars: map[string]string{}}.Fill(c, plan.Place{})
		if err != nil || strings.Join(got.Argv, " ") != test.want || c.CountsJobs() != strings.Contains(test.argv, "{jobs}") {
			t.Errorf("%s gives %s, %v", test.argv, got.Argv, err)
		}
	}
}

func TestMakeOnAnotherPlatform(t *testing.T) {
	p := mustPlan(t, "2.12", freebsd, options())
	if len(p.Fixes) != 2 || p.Fixes[1].ID != "patched" || !p.Patches() || p.StepNames()[2] != plan.Apply {
		t.Fatalf("fixes are %+v, steps %v", p.Fixes, p.StepNames())
	}
	patches := p.Fixes[1].Patch
	if patches[0].URL != "https://example.org/2.12.patch" || len(patches[1].SHA256) != 64 {
		t.Errorf("patches are %+v", patches)
	}
}

func TestNewestAndGit(t *testing.T) {
	p := mustPlan(t, "", debian, options())
	if p.Release != "2.13" || len(p.Archive.Sources) != 1 || p.Archive.Sources[0].Tag != "v2.13" {
		t.Errorf("release %s from %+v", p.Release, p.Archive.Sources)
	}
}

func TestMakeErrors(t *testing.T) {
	var unknown *recipe.UnknownRelease
	if _, err := plan.Make(hello(t), "9.9", debian, options()); !errors.As(err, &unknown) {
		t.Errorf("an unknown version gives %v", err)
	}
	for _, prefix := range []string{"relative", "/has/../dots", "", "/slash/"} {
		o := options()
		o.Prefix = prefix
		if _, err := plan.Make(hello(t), "2.12", debian, o); err == nil {
			t.Errorf("prefix %q is taken", prefix)
		}
	}
	for _, arg := range []string{"caf\xe9"} {
		o := options()
		o.Configure = []string{arg}
		if _, err := plan.Make(hello(t), "2.12", debian, o); !errors.Is(err, plan.ErrArguments) {
			t.Errorf("argument %q gives %v", arg, err)
		}
	}
	o := options()
	o.File = func(string) ([]byte, error) { return nil, errors.New("not there") }
	if _, err := plan.Make(hello(t), "2.12", freebsd, o); err == nil || !strings.Contains(err.Error(), "fix patched") {
		t.Errorf("a missing patch gives %v", err)
	}
}

// TestHash changes a plan in every way and looks whether the hash follows.
func TestHash(t *testing.T) {
	base := mustPlan(t, "2.12", freebsd, options())
	for name, change := range map[string]func(*plan.Plan){
		"release":   func(p *plan.Plan) { p.Release = "2.12.1" },
		"prefix":    func(p *plan.Plan) { p.Prefix = "/usr" },
		"archive":   func(p *plan.Plan) { p.Archive.SHA256 = "00" },
		"compiler":  func(p *plan.Plan) { p.Platform.Compiler = "gcc 99" },
		"argument":  func(p *plan.Plan) { p.Steps[0].Commands[0].Argv = []string{"./configure"} },
		"env":       func(p *plan.Plan) { p.Env = []string{"CFLAGS=-O3"} },
		"no fix":    func(p *plan.Plan) { p.Fixes = nil },
		"its patch": func(p *plan.Plan) { p.Fixes[1].Patch[1].SHA256 = "00" },
	} {
		p := mustPlan(t, "2.12", freebsd, options())
		if change(&p); p.Hash() == base.Hash() {
			t.Errorf("%s changes nothing", name)
		}
	}
	for name, change := range map[string]func(*plan.Plan){
		"nothing":         func(*plan.Plan) {},
		"another mirror":  func(p *plan.Plan) { p.Archive.Sources = nil },
		"other needs":     func(p *plan.Plan) { p.Needs = []string{"another"} },
		"another name":    func(p *plan.Plan) { p.Archive.Name = "v2.12.tar.gz" },
		"a fix left out":  func(p *plan.Plan) { p.Left = nil },
		"another summary": func(p *plan.Plan) { p.Fixes[0].Summary = "said better" },
	} {
		p := mustPlan(t, "2.12", freebsd, options())
		if change(&p); p.Hash() != base.Hash() {
			t.Errorf("%s changes the hash", name)
		}
	}
	if base.Fixes[0].Summary == "" || base.Left == nil {
		t.Error("hashing has changed the plan")
	}
}

func TestPlanIsPlainData(t *testing.T) {
	p := mustPlan(t, "2.12", freebsd, options())
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var again plan.Plan
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if again.Hash() != p.Hash() {
		t.Error("a plan read back from JSON has another hash")
	}
}

func Example() {
	r, err := recipe.Parse("hello.yaml", []byte(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := plan.Make(r, "2.12", platform.Platform{OS: "linux"}, plan.Options{Prefix: "/opt/hello"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.StepNames())
	for _, l := range p.Left {
		fmt.Println(l.ID, "is left out:", l.Why)
	}
	// Output:
	// [fetch unpack configure make install]
	// patched is left out: os is linux here, not freebsd
	// old is left out: 2.12 is not in < 2.12
}
