package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"srcmend/internal/history"
)

// CycloneDX writes a receipt as CycloneDX 1.6 in JSON: the package, with what was done to its
// source. The same receipt and facts give the same bytes.
func CycloneDX(w io.Writer, r history.Receipt, f Facts) error {
	if r.Package == "" || r.Release == "" {
		return errors.New("the receipt names no package and no release, so it is none: srcmend build writes one below the prefix")
	}
	bom := cdx.NewBOM()
	pkg := component(r, f)
	build := cdx.Component{BOMRef: "urn:srcmend:plan:" + r.Plan, Type: cdx.ComponentTypeApplication, Name: r.Package, Version: r.Release, Properties: buildProperties(r)}
	bom.Metadata = &cdx.Metadata{Component: &build, Tools: cdxTools(r, f)}
	if !f.Epoch.IsZero() {
		bom.Metadata.Timestamp = f.Epoch.UTC().Format(time.RFC3339)
	}
	bom.Components = &[]cdx.Component{pkg}
	bom.Dependencies = &[]cdx.Dependency{{Ref: build.BOMRef, Dependencies: &[]string{pkg.BOMRef}}}
	var text bytes.Buffer
	if err := cdxWrite(&text, bom); err != nil {
		return err
	}
	bom.SerialNumber = "urn:uuid:" + uuid(text.Bytes())
	return cdxWrite(w, bom)
}

func cdxWrite(w io.Writer, bom *cdx.BOM) error {
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6)
}

// component is the package: its source, as it was built.
func component(r history.Receipt, f Facts) cdx.Component {
	url := purl(r)
	c := cdx.Component{BOMRef: url, Type: cdx.ComponentTypeApplication, Name: r.Package, Version: r.Release, Description: f.Summary, PackageURL: url}
	hashes := cdxHashes(r.SHA256)
	c.Hashes = hashes
	if f.License != "" {
		c.Licenses = &cdx.Licenses{{Expression: f.License}}
	}
	var links []cdx.ExternalReference
	source := cdx.ERTypeSourceDistribution
	if r.SHA256 == "" {
		source = cdx.ERTypeVCS
	}
	for _, link := range []cdx.ExternalReference{
		{Type: source, URL: f.Source, Hashes: hashes, Comment: commit(r)},
		{Type: cdx.ERTypeVCS, URL: f.Upstream},
		{Type: cdx.ERTypeWebsite, URL: f.Homepage},
	} {
		if link.URL != "" {
			links = append(links, link)
		}
	}
	if links != nil {
		c.ExternalReferences = &links
	}
	var patches []cdx.Patch
	for _, fix := range applied(r) {
		patches = append(patches, cdxPatch(f.fix(fix.ID)))
	}
	if patches != nil {
		c.Pedigree = &cdx.Pedigree{Patches: &patches}
		modified := true
		c.Modified = &modified
	}
	return c
}

// commit names the commit that the source is, if it is one.
func commit(r history.Receipt) string {
	if r.Commit == "" {
		return ""
	}
	return "commit " + r.Commit
}

func cdxHashes(sum string) *[]cdx.Hash {
	if sum == "" {
		return nil
	}
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}}
}

// cdxPatch is a patch: its kind by where it comes from, and its text if that is known, else
// where it is.
func cdxPatch(f FixFacts) cdx.Patch {
	p := cdx.Patch{Type: cdx.PatchTypeUnofficial}
	switch f.origin() {
	case "upstream":
		p.Type = cdx.PatchTypeCherryPick
	case "backport":
		p.Type = cdx.PatchTypeBackport
	}
	if len(f.Patch) > 0 || f.URL != "" {
		p.Diff = &cdx.Diff{URL: f.URL}
	}
	switch {
	case len(f.Patch) == 0:
	case utf8.Valid(f.Patch):
		p.Diff.Text = &cdx.AttachedText{ContentType: "text/x-diff", Content: string(f.Patch)}
	default:
		p.Diff.Text = &cdx.AttachedText{ContentType: "text/x-diff", Encoding: "base64", Content: base64.StdEncoding.EncodeToString(f.Patch)}
	}
	return p
}

// buildProperties are what CycloneDX has no word for.
func buildProperties(r history.Receipt) *[]cdx.Property {
	all := []cdx.Property{{Name: "srcmend:plan", Value: r.Plan}, {Name: "srcmend:prefix", Value: r.Prefix}}
	if text, err := json.Marshal(r.Platform); err == nil && r.Platform != nil {
		all = append(all, cdx.Property{Name: "srcmend:platform", Value: string(text)})
	}
	for _, f := range r.Fixes {
		what := f.Verdict
		if f.Applied {
			what = "applied"
		}
		all = append(all, cdx.Property{Name: "srcmend:fix:" + f.ID, Value: what})
	}
	return &all
}

// cdxTools are what the package was built with.
func cdxTools(r history.Receipt, f Facts) *cdx.ToolsChoice {
	var tools []cdx.Component
	for _, t := range toolsOf(r, f) {
		tools = append(tools, cdx.Component{Type: cdx.ComponentTypeApplication, Name: t[1], Version: t[2], BOMRef: "urn:srcmend:tool:" + t[0]})
	}
	return &cdx.ToolsChoice{Components: &tools}
}
