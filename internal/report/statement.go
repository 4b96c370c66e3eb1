package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"time"

	"srcmend/internal/history"
)

// The parts of an in-toto Statement v1 with SLSA's provenance v1 that are written.
type (
	statement struct {
		Type          string     `json:"_type"`
		Subject       []resource `json:"subject"`
		PredicateType string     `json:"predicateType"`
		Predicate     provenance `json:"predicate"`
	}
	resource struct {
		Name   string            `json:"name,omitempty"`
		URI    string            `json:"uri,omitempty"`
		Digest map[string]string `json:"digest,omitempty"`
	}
	provenance struct {
		Definition buildDefinition `json:"buildDefinition"`
		Run        runDetails      `json:"runDetails"`
	}
	buildDefinition struct {
		Type         string         `json:"buildType"`
		External     externalParams `json:"externalParameters"`
		Internal     internalParams `json:"internalParameters"`
		Dependencies []resource     `json:"resolvedDependencies"`
	}
	// externalParams are what the user asked for.
	externalParams struct {
		Package     string   `json:"package"`
		Release     string   `json:"release"`
		Prefix      string   `json:"prefix"`
		Fixes       []string `json:"fixes"`
		Environment []string `json:"environment,omitempty"`
	}
	// internalParams are what srcmend made of it.
	internalParams struct {
		Plan     string            `json:"plan"`
		Platform any               `json:"platform,omitempty"`
		Tools    map[string]string `json:"tools,omitempty"`
		Commands [][]string        `json:"commands,omitempty"`
	}
	runDetails struct {
		Builder  builder     `json:"builder"`
		Metadata runMetadata `json:"metadata"`
	}
	builder struct {
		ID      string            `json:"id"`
		Version map[string]string `json:"version,omitempty"`
	}
	runMetadata struct {
		Invocation string     `json:"invocationId"`
		Finished   *time.Time `json:"finishedOn,omitempty"`
	}
)

// Statement writes a receipt as an in-toto Statement v1 whose predicate is SLSA's provenance
// v1: the files that were installed, and what they were made from. It is not signed; the same
// receipt and facts give the same bytes.
func Statement(w io.Writer, r history.Receipt, f Facts) error {
	s := statement{Type: "https://in-toto.io/Statement/v1", PredicateType: "https://slsa.dev/provenance/v1"}
	for _, file := range r.Files {
		if file.SHA256 != "" {
			s.Subject = append(s.Subject, resource{Name: file.Path, Digest: map[string]string{"sha256": file.SHA256}})
		}
	}
	if len(s.Subject) == 0 {
		return errors.New("the receipt has no files, so there is nothing to state about them: was anything installed?")
	}
	s.Predicate.Definition = buildDefinition{
		Type:         "urn:srcmend:build:1",
		External:     externalParams{Package: r.Package, Release: r.Release, Prefix: r.Prefix, Fixes: []string{}, Environment: r.Env},
		Internal:     internalParams{r.Plan, r.Platform, r.Tools, r.Commands},
		Dependencies: []resource{archiveOf(r, f)},
	}
	for _, fix := range r.Fixes {
		s.Predicate.Definition.External.Fixes = append(s.Predicate.Definition.External.Fixes, fix.ID)
	}
	for _, fix := range applied(r) {
		s.Predicate.Definition.Dependencies = append(s.Predicate.Definition.Dependencies, resource{fix.ID + ".patch", f.fix(fix.ID).URL, map[string]string{"sha256": fix.SHA256}})
	}
	s.Predicate.Run = runDetails{Builder: builder{ID: "urn:srcmend:builder:local"}, Metadata: runMetadata{Invocation: "urn:srcmend:plan:" + r.Plan}}
	if f.Version != "" {
		s.Predicate.Run.Builder.Version = map[string]string{"srcmend": f.Version}
	}
	if !f.Epoch.IsZero() {
		at := f.Epoch.UTC().Truncate(time.Second)
		s.Predicate.Run.Metadata.Finished = &at
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}

// archiveOf is the source that was built.
func archiveOf(r history.Receipt, f Facts) resource {
	digest := map[string]string{}
	if r.SHA256 != "" {
		digest["sha256"] = r.SHA256
	}
	if r.Commit != "" {
		digest["gitCommit"] = r.Commit
	}
	return resource{r.Archive, cmp.Or(f.Source, purl(r)), digest}
}
