package check_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"srcmend/internal/check"
	"srcmend/internal/patch"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/tree"
	"srcmend/internal/version"
)

// TestUnshipped: a patch that also changes a file which the release does not have is
// judged by the others.
func TestUnshipped(t *testing.T) {
	const text = "--- a/src/x.c\n+++ b/src/x.c\n@@ -1,3 +1,3 @@\n one\n-two\n+second\n three\n--- a/ChangeLog\n+++ b/ChangeLog\n@@ -1 +1,2 @@\n+changed\n begin\n"
	r, err := recipe.Parse("hello.yaml", []byte("name: hello\nsummary: s\nreleases: {1.0: {commit: 0123456789012345678901234567890123456789}}\nsources: [{git: 'https://example.org/x', tag: 'v{version}'}]\nbuild: {install: [gmake, 'DESTDIR={destdir}']}\nfixes:\n  - {id: f, summary: s, affects: '>= 1.0', patch: [{file: f.patch}]}\n"))
	must(t, err)
	p, err := patch.Parse(strings.NewReader(text))
	must(t, err)
	asker := check.Checker{Recipe: r, Platform: platform.Platform{OS: "linux"}, Patch: func(context.Context, recipe.Fix, version.Version) (*patch.Patch, error) { return p, nil }}
	for content, want := range map[string]struct {
		verdict patch.Verdict
		why     string
	}{
		"one\nsecond\nthree\n":                   {patch.Present, "; ChangeLog is not there"},
		"one\ntwo\nthree\n":                      {patch.Conflict, "it would fit but for ChangeLog, which is not there"},
		"#include\none\n\nsecond\nthree\nfour\n": {patch.Superseded, "; ChangeLog is not there"},
		"nothing\nof\nthis\n":                    {patch.Conflict, "does not fit"},
	} {
		dir := t.TempDir()
		must(t, os.MkdirAll(filepath.Join(dir, "src"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "src/x.c"), []byte(content), 0o644))
		tr, err := tree.Open(dir)
		must(t, err)
		defer tr.Close()
		got, err := asker.Ask(t.Context(), r.Newest(), &check.Content{Source: tr, From: check.From{Kind: check.Tree}})
		must(t, err)
		if a := got.Fixes[0]; a.Verdict != want.verdict || !strings.Contains(a.Why, want.why) {
			t.Errorf("%q: %s, %q; want %s, %q", content, a.Verdict, a.Why, want.verdict, want.why)
		}
	}
}
