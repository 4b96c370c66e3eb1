package report_test

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"srcmend/internal/history"
	"srcmend/internal/platform"
	"srcmend/internal/report"
)

// receipt is one of a build with patches of every origin.
func receipt() (history.Receipt, report.Facts) {
	sum := strings.Repeat("ab", 32)
	r := history.Receipt{
		Schema: 1, Package: "hello+c", Release: "2.12~rc 1", Plan: strings.Repeat("0f", 32), Prefix: "/opt/hello", Archive: "hello-2.12.tar.gz", SHA256: sum,
		Platform: platform.Platform{OS: "linux", Arch: "amd64", Compiler: "gcc 12.2"}, Tools: map[string]string{"make": "GNU Make 4.3", "cc": "gcc 12.2"},
		Fixes: []history.ReceiptFix{
			{ID: "up", Verdict: "needed", Applied: true, SHA256: sum},
			{ID: "back", Verdict: "needed", Applied: true, SHA256: sum},
			{ID: "own", Verdict: "needed", Applied: true, SHA256: sum},
			{ID: "binary", Verdict: "needed", Applied: true, SHA256: sum},
			{ID: "there", Verdict: "present", SHA256: sum},
			{ID: "flags", Applied: true},
		},
		Commands: [][]string{{"./configure"}, {"gmake"}}, Env: []string{"CFLAGS=-O2 <x>"},
		Files: []history.File{{Path: "bin/hello", Mode: "0755", SHA256: sum}, {Path: "bin/hi", Mode: history.Link, Target: "hello"}, {Path: "share/empty", Mode: history.Folder}, {Path: "share/a", Mode: "0644", SHA256: sum, Kept: true}},
	}
	f := report.Facts{
		Version: "1.2", Summary: "says hello", Homepage: "https://example.org/", License: "GPL-3.0-or-later AND MIT", Source: "https://example.org/hello-2.12.tar.gz", Upstream: "https://example.org/hello.git",
		Fixes: []report.FixFacts{
			{ID: "up", Origin: "upstream", URL: "https://example.org/up.patch"},
			{ID: "back", Patch: []byte("Description: x\nOrigin: backport, https://example.org/1\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b ]]> <script>\n")},
			{ID: "own", Origin: "vendor", Patch: []byte("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")},
			{ID: "binary", Patch: []byte("\xff--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")},
		},
	}
	return r, f
}

// rendered is a receipt in one form, which must be the same whenever it is written.
func rendered(t *testing.T, form func(io.Writer, history.Receipt, report.Facts) error, r history.Receipt, f report.Facts) string {
	t.Helper()
	var once, again bytes.Buffer
	if err := form(&once, r, f); err != nil {
		t.Fatal(err)
	}
	if err := form(&again, r, f); err != nil || once.String() != again.String() {
		t.Error("it is not the same when it is written again", err)
	}
	return once.String()
}

func TestCycloneDX(t *testing.T) {
	r, f := receipt()
	text := rendered(t, report.CycloneDX, r, f)
	var bom struct {
		SpecVersion, SerialNumber string
		Metadata                  struct {
			Timestamp string
			Tools     struct {
				Components []struct{ Name, Version string }
			}
		}
		Components []struct {
			Purl     string
			Hashes   []struct{ Alg, Content string }
			Licenses []struct{ Expression string }
			Links    []struct{ Type, URL string } `json:"externalReferences"`
			Pedigree struct {
				Patches []struct {
					Type     string
					Resolves []any
					Diff     struct {
						URL  string
						Text struct{ Content, Encoding string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &bom); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(bom.SerialNumber) || bom.SpecVersion != "1.6" || bom.Metadata.Timestamp != "" {
		t.Errorf("%.300s", text)
	}
	c := bom.Components[0]
	if want := "pkg:generic/hello%2Bc@2.12~rc%201?checksum=sha256:" + r.SHA256; c.Purl != want {
		t.Errorf("the package URL is %s, want %s", c.Purl, want)
	}
	if c.Hashes[0].Alg != "SHA-256" || c.Hashes[0].Content != r.SHA256 || c.Licenses[0].Expression != f.License || c.Links[0].Type != "source-distribution" || c.Links[0].URL != f.Source {
		t.Errorf("%+v", c)
	}
	var types []string
	for _, p := range c.Pedigree.Patches {
		types = append(types, p.Type)
		if p.Resolves != nil {
			t.Errorf("a patch resolves %v", p.Resolves)
		}
	}
	if want := []string{"cherry-pick", "backport", "unofficial", "unofficial"}; !slices.Equal(types, want) {
		t.Errorf("the patches are %q, want %q", types, want)
	}
	diffs := c.Pedigree.Patches
	if diffs[0].Diff.URL != "https://example.org/up.patch" || diffs[1].Diff.Text.Content != string(f.Fixes[1].Patch) || diffs[3].Diff.Text.Encoding != "base64" {
		t.Errorf("%+v", diffs)
	}
	tools := bom.Metadata.Tools.Components
	if len(tools) != 3 || tools[0].Version != "1.2" || tools[1].Name != "gcc" || tools[1].Version != "12.2" || tools[2].Name != "GNU Make" || tools[2].Version != "4.3" {
		t.Errorf("%+v", tools)
	}
	f.Epoch = time.Unix(1700000000, 5)
	later := rendered(t, report.CycloneDX, r, f)
	if !strings.Contains(later, `"timestamp": "2023-11-14T22:13:20Z"`) || strings.Contains(later, bom.SerialNumber) {
		t.Errorf("with another time, it is the same bill, or has not that time: %.400s", later)
	}
	if report.CycloneDX(io.Discard, history.Receipt{}, f) == nil {
		t.Error("nothing is taken for a receipt")
	}
}

func TestStatement(t *testing.T) {
	r, f := receipt()
	f.Epoch = time.Unix(1700000000, 5)
	var s struct {
		Type          string `json:"_type"`
		PredicateType string
		Subject       []struct {
			Name   string
			Digest map[string]string
		}
		Predicate struct {
			BuildDefinition struct {
				BuildType            string
				ExternalParameters   map[string]any
				InternalParameters   map[string]any
				ResolvedDependencies []struct {
					Name, URI string
					Digest    map[string]string
				}
			}
			RunDetails struct {
				Builder  struct{ ID string }
				Metadata struct{ InvocationID, FinishedOn string }
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(rendered(t, report.Statement, r, f)))
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	if s.Type != "https://in-toto.io/Statement/v1" || s.PredicateType != "https://slsa.dev/provenance/v1" {
		t.Error(s.Type, s.PredicateType)
	}
	if len(s.Subject) != 2 || s.Subject[0].Name != "bin/hello" || s.Subject[0].Digest["sha256"] != r.SHA256 {
		t.Errorf("%+v", s.Subject)
	}
	b := s.Predicate.BuildDefinition
	if b.BuildType != "urn:srcmend:build:1" || b.ExternalParameters["package"] != r.Package || b.ExternalParameters["prefix"] != r.Prefix || len(b.ExternalParameters["fixes"].([]any)) != 6 || b.InternalParameters["plan"] != r.Plan {
		t.Errorf("%+v", b)
	}
	deps := b.ResolvedDependencies
	if len(deps) != 5 || deps[0].URI != f.Source || deps[0].Digest["sha256"] != r.SHA256 || deps[1].Name != "up.patch" || deps[1].Digest["sha256"] == "" {
		t.Errorf("%+v", deps)
	}
	run := s.Predicate.RunDetails
	if run.Builder.ID != "urn:srcmend:builder:local" || run.Metadata.InvocationID != "urn:srcmend:plan:"+r.Plan || run.Metadata.FinishedOn != "2023-11-14T22:13:20Z" {
		t.Errorf("%+v", run)
	}
	r.SHA256, r.Commit, f.Source = "", strings.Repeat("12", 20), ""
	if text := rendered(t, report.Statement, r, f); !strings.Contains(text, `"gitCommit": "`+r.Commit) {
		t.Error("the commit is not told")
	}
	r.Files = r.Files[1:3]
	if report.Statement(io.Discard, r, f) == nil {
		t.Error("something is stated about no files")
	}
}

func TestCycloneDXSchema(t *testing.T) {
	schema := schemaOf(t, "bom-1.6.schema.json")
	r, f := receipt()
	valid(t, schema, rendered(t, report.CycloneDX, r, f))
	f.Epoch = time.Unix(1700000000, 0)
	r.SHA256, r.Commit = "", strings.Repeat("12", 20)
	valid(t, schema, rendered(t, report.CycloneDX, r, f))
	valid(t, schema, rendered(t, report.CycloneDX, history.Receipt{Package: "a", Release: "1"}, report.Facts{}))
	if schema.Validate(map[string]any{"bomFormat": "CycloneDX"}) == nil {
		t.Error("the schema takes what is no bill")
	}
}
