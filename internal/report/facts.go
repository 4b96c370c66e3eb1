package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"srcmend/internal/history"
	"srcmend/internal/patch"
)

// Facts are what a receipt does not hold of a build, and its plan and its recipe do. Each may
// be missing.
type Facts struct {
	Version  string // srcmend's own
	Summary  string // what the package is
	Homepage string
	License  string // an SPDX expression
	Source   string // URL of the archive, or of the repository that the commit is in
	Upstream string // repository in which the package is developed
	Fixes    []FixFacts
	Epoch    time.Time // SOURCE_DATE_EPOCH, if it is given: without it, nothing says when
}

// FixFacts are what is known of one fix.
type FixFacts struct {
	ID      string
	Summary string
	Origin  string // upstream, backport, vendor, other; if it is "", the patch's header is asked
	URL     string // of the patch
	Patch   []byte // its text
}

// fix is what is known of a fix.
func (f Facts) fix(id string) FixFacts {
	for _, fix := range f.Fixes {
		if fix.ID == id {
			return fix
		}
	}
	return FixFacts{ID: id}
}

// origin is where a fix comes from, in DEP-3's words.
func (f FixFacts) origin() string {
	if f.Origin != "" || len(f.Patch) == 0 {
		return f.Origin
	}
	p, err := patch.Parse(bytes.NewReader(f.Patch))
	if err != nil {
		return ""
	}
	for _, m := range p.Mails {
		if word, _, _ := strings.Cut(m.Header.Field("Origin"), ","); word != "" {
			return strings.ToLower(strings.TrimSpace(word))
		}
	}
	return ""
}

// applied are the fixes of which the build has put a patch in.
func applied(r history.Receipt) []history.ReceiptFix {
	var fixes []history.ReceiptFix
	for _, f := range r.Fixes {
		if f.Applied && f.SHA256 != "" {
			fixes = append(fixes, f)
		}
	}
	return fixes
}

// purl is the package URL of what a receipt is about, with the sum of its archive.
func purl(r history.Receipt) string {
	url := "pkg:generic/" + purlText(r.Package) + "@" + purlText(r.Release)
	if r.SHA256 != "" {
		url += "?checksum=sha256:" + purlText(r.SHA256)
	}
	return url
}

// purlText escapes all that may mean something in a package URL.
func purlText(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// uuid is made of a text, and so always the same for it: of RFC 9562's version 8, which leaves
// the hash to us.
func uuid(text []byte) string {
	sum := sha256.Sum256(text)
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// nameVersion takes "GNU Make 4.3" apart.
func nameVersion(text string) (name, version string) {
	i := strings.LastIndexByte(text, ' ')
	if i < 0 || i+1 == len(text) || text[i+1] < '0' || text[i+1] > '9' {
		return text, ""
	}
	return text[:i], text[i+1:]
}

// toolsOf are the tools that a receipt names, by what they are for.
func toolsOf(r history.Receipt, f Facts) [][3]string {
	tools := [][3]string{{"srcmend", "srcmend", f.Version}}
	for _, key := range []string{"cc", "make"} {
		if text := r.Tools[key]; text != "" {
			name, version := nameVersion(text)
			tools = append(tools, [3]string{key, cmp.Or(name, key), version})
		}
	}
	return tools
}
