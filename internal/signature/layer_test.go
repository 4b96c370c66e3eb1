package signature

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"srcmend/internal/yamlfile"
)

// family is a file with one signature.
func family(id, more, pattern, text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("summary: s\nsignatures:\n  - id: " + id + "\n    rank: cause\n    cause: of " + text + "\n" + more +
		"    match: [{line: " + pattern + "}]\n    proof: {matches: [{text: " + text + "}]}\n")}
}

// TestLayers: a signature of a higher layer stands for that of its name below.
func TestLayers(t *testing.T) {
	below := Layer{Name: "below", Files: fstest.MapFS{"a.yaml": family("moon", "", "the moon is .*", "the moon is new"), "b.yaml": family("sun", "", "the sun is .*", "the sun is out"), "README": {Data: []byte("no YAML: [")}}}
	above := Layer{Name: "above", Files: fstest.MapFS{"a.yaml": family("moon", "", "the moon was .*", "the moon was new")}}
	c, err := Load(below, above, Layer{Name: "nowhere", Files: os.DirFS(t.TempDir() + "/nothing")})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"the moon is new": "", "the moon was new": "moon", "the sun is out": "sun"} {
		scan, err := c.Scan(strings.NewReader(text + "\n"))
		if err != nil || len(scan.Matches) > 0 != (want != "") || want != "" && scan.Matches[0].Signature.ID != want {
			t.Errorf("%q: %+v, %v; want %q", text, scan.Matches, err, want)
		}
	}
	if wrong := c.Prove(); len(wrong) > 0 {
		t.Error(wrong)
	}
	// Only counts for one file of its layer.
	above.Only = "b.yaml"
	var missing yamlfile.Mistakes
	if _, err = Load(below, above); err == nil || errors.As(err, &missing) {
		t.Errorf("a layer without its only file: %v", err)
	}
}

// TestCases: a special case of a signature goes before it, and is of its class.
func TestCases(t *testing.T) {
	files := fstest.MapFS{"a.yaml": family("moon", "", "the moon is .*", "the moon is new"), "b.yaml": family("moon-full", "    of: moon\n", "the moon is full", "the moon is full")}
	c, err := Load(Layer{Name: "x", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	scan, err := c.Scan(strings.NewReader("the moon is full\n"))
	if err != nil || len(scan.Matches) != 1 || scan.Matches[0].Signature.ID != "moon-full" || scan.Matches[0].Signature.Class() != "moon" {
		t.Errorf("%+v, %v", scan.Matches, err)
	}
	files["c.yaml"] = family("moon-fuller", "    of: moon-full\n", "the moon is fuller", "the moon is fuller")
	if _, err = Load(Layer{Name: "x", Files: files}); err == nil || !strings.Contains(err.Error(), "is itself a case of moon") {
		t.Errorf("a case of a case: %v", err)
	}
	files["c.yaml"] = family("sun-out", "    of: sun\n", "the sun is out", "the sun is out")
	if _, err = Load(Layer{Name: "x", Files: files}); err == nil || !strings.Contains(err.Error(), `nobody knows the signature "sun"`) {
		t.Errorf("a case of nothing: %v", err)
	}
}
