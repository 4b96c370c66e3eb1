package recipe_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"srcmend/internal/recipe"
	"srcmend/internal/version"
)

// tagging is the good recipe with tags of a form, "" for none.
func tagging(t testing.TB, form string, scheme version.Scheme) *recipe.Recipe {
	t.Helper()
	text := strings.Replace(good, "name: hello\n", fmt.Sprintf("name: hello\nversions: {scheme: %s}\n", scheme), 1)
	text = text[:strings.Index(text, "fixes:")]
	if scheme != version.Dotted {
		before, after, _ := strings.Cut(text, "releases:")
		_, after, _ = strings.Cut(after, "sources:")
		text = before + "releases:\n  \"2019.01.05\": {sha256: " + strings.Repeat("a", 64) + "}\nsources:" + after
		text = strings.Replace(text, "  - {git: https://example.org/hello.git, tag: \"v{version}\"}\n", "", 1)
	}
	if form != "" {
		text += fmt.Sprintf("upstream: {git: https://example.org/hello.git, tag: %q}\n", form)
	}
	r, err := recipe.Parse("hello.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTagged(t *testing.T) {
	for _, test := range []struct{ form, tag, want string }{
		{"", "2.3.4", "2.3.4"},
		{"", "2.3.0.rc1", "2.3.0.rc1"},
		{"", "v2.3.4", ""},
		{"", "", ""},
		{"{version}", "2.4.0-beta1", "2.4.0-beta1"},
		{"v{version}", "v1.10", "1.10"},
		{"v{version}", "1.10", ""},
		{"v{version}", "vv1.10", ""},
		{"v{version}", "v", ""},
		{"v{version}", "v1.10\n", ""},
		{"v{version}", " v1.10", ""},
		{"v{version}", "v1.10-docs", ""},
		{"release-{version}", "release-1.22.1", "1.22.1"},
		{"release-{version}", "release-", ""},
		{"release-{version}", "release-1.22.1-freebsd", ""},
		{"{name}-{version}", "hello-2.12", "2.12"},
		{"{name}-{version}", "Hello-2.12", ""},
		{"{name}-{version}", "hello-doc-2.12", ""},
		{"{version}-final", "2.12-final", "2.12"},
		{"rel/{version}/src", "rel/2.12/src", "2.12"},
		{"rel/{version}/src", "rel/src", ""},
		{"v{major}_{minor}_{micro}", "v1_2_3", ""},
		{"{version}", "{version}", ""},
		{"{version}", strings.Repeat("9.", 5000) + "9", ""},
	} {
		v, ok := tagging(t, test.form, version.Dotted).Tagged(test.tag)
		if v.String() != test.want || ok != (test.want != "") {
			t.Errorf("a tag %.40q of the form %q is version %q, %v; want %q", test.tag, test.form, v, ok, test.want)
		}
	}
}

// TestTagOfVersion: every version has its tag back, if the tag has the version in it as a
// whole.
func TestTagOfVersion(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		form string
		tag  func(v version.Version) string
		back bool
	}{
		{"", version.Version.String, true},
		{"{version}", version.Version.String, true},
		{"v{version}", func(v version.Version) string { return "v" + v.String() }, true},
		{"release-{version}", func(v version.Version) string { return "release-" + v.String() }, true},
		{"{name}-{version}", func(v version.Version) string { return "hello-" + v.String() }, true},
		{"v{major}_{minor}_{micro}", func(v version.Version) string {
			return fmt.Sprintf("v%s_%s_%s", v.Segment(0), v.Segment(1), v.Segment(2))
		}, false},
	} {
		r := tagging(t, test.form, version.Dotted)
		for range 500 {
			v := someVersion(t, random)
			tag, err := r.Tag(v)
			if want := test.tag(v); err != nil || tag != want {
				t.Fatalf("the tag of %s in the form %q is %q, %v; want %q", v, test.form, tag, err, want)
			}
			back, ok := r.Tagged(tag)
			switch {
			case ok != test.back:
				t.Fatalf("%q of the form %q is a version: %v", tag, test.form, ok)
			case ok && back.String() != v.String():
				t.Fatalf("%q of the form %q is version %s, want %s", tag, test.form, back, v)
			}
		}
	}
}

// someVersion is one that upstreams could have given.
func someVersion(t testing.TB, random *rand.Rand) version.Version {
	t.Helper()
	numbers := []string{fmt.Sprint(random.IntN(12))}
	for range random.IntN(4) {
		numbers = append(numbers, fmt.Sprintf("%0*d", 1+random.IntN(2), random.IntN(30)))
	}
	end := []string{"", "", "", "-rc1", ".rc2", "rc3", "-beta", "p1", "-4"}[random.IntN(9)]
	v, err := version.Parse(version.Dotted, strings.Join(numbers, ".")+end)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestTaggedByScheme: what a tag's version means is the scheme's to say.
func TestTaggedByScheme(t *testing.T) {
	r := tagging(t, "{name}-{version}", version.Date)
	if v, ok := r.Tagged("hello-2019.01.05"); !ok || v.Scheme() != version.Date {
		t.Errorf("%v %s, %v", v, v.Scheme(), ok)
	}
	if v, ok := r.Tagged("hello-1.2"); ok {
		t.Errorf("%v is a date", v)
	}
}

// FuzzTagged: whatever is a tag of a version, is the tag of that version.
func FuzzTagged(f *testing.F) {
	var recipes []*recipe.Recipe
	for _, form := range []string{"", "v{version}", "release-{version}", "{name}-{version}", "{version}-final", "v{major}_{minor}_{micro}"} {
		recipes = append(recipes, tagging(f, form, version.Dotted))
	}
	for _, tag := range []string{"1.2", "v1.2.3", "release-1.22", "hello-2.12", "2.1-final", "v1_2_3", "v1.2-rc1", "", "v", "\x00", "hello-1.2 "} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		for _, r := range recipes {
			v, ok := r.Tagged(tag)
			if !ok {
				continue
			}
			if back, err := r.Tag(v); err != nil || back != tag {
				t.Errorf("%q is version %q, whose tag is %q, %v", tag, v, back, err)
			}
		}
	})
}
