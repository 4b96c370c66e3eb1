package report_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	validate "github.com/santhosh-tekuri/jsonschema/v6"

	"srcmend/internal/report"
)

// schemaFile is a file of the folder of schemas that SRCMEND_SCHEMAS names. They are not ours
// to give away, so who wants these tests fetches them.
func schemaFile(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("SRCMEND_SCHEMAS")
	if folder == "" {
		t.Skip("SRCMEND_SCHEMAS does not name a folder of schemas")
	}
	file := filepath.Join(folder, name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("%s is not in the folder of schemas", name)
	}
	return file
}

// schemaOf is a schema, with those that lie beside it.
func schemaOf(t *testing.T, name string) *validate.Schema {
	t.Helper()
	c := validate.NewCompiler()
	c.AssertFormat()
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(schemaFile(t, name)), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	for _, file := range beside {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := validate.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		at := "file:///" + filepath.Base(file)
		if fields, ok := doc.(map[string]any); ok {
			for _, key := range []string{"$id", "id"} {
				if own, ok := fields[key].(string); ok {
					at = own
				}
			}
		}
		if filepath.Base(file) == name {
			id = at
		}
		if err := c.AddResource(at, doc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// valid holds a text against a schema.
func valid(t *testing.T, schema *validate.Schema, text string) {
	t.Helper()
	doc, err := validate.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = schema.Validate(doc)
	}
	if err != nil {
		t.Error(err)
	}
}

// samples are runs of every kind.
func samples(t *testing.T) map[string]*report.Verification {
	return map[string]*report.Verification{
		"hostile": recorded(t, verification()), "small": recorded(t, realistic(60)), "large": recorded(t, realistic(10_000)), "empty": recorded(t, nil),
	}
}

func TestSARIFSchema(t *testing.T) {
	schema := schemaOf(t, "sarif-2.1.0.json")
	for name, v := range samples(t) {
		t.Run(name, func(t *testing.T) { valid(t, schema, written(t, "sarif", v)) })
	}
	if schema.Validate(map[string]any{"version": "2.1.0", "runs": []any{map[string]any{}}}) == nil {
		t.Error("the schema takes a run without a tool")
	}
}

// TestJUnitSchemas holds it against what Ant and Jenkins want.
func TestJUnitSchemas(t *testing.T) {
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("there is no xmllint")
	}
	for _, xsd := range []string{"junit.xsd", "junit-10.xsd"} {
		t.Run(xsd, func(t *testing.T) {
			schema := schemaFile(t, xsd)
			for name, v := range samples(t) {
				cmd := exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--schema", schema, "-")
				cmd.Stdin = strings.NewReader(written(t, "junit", v))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%.1000s", name, err, out)
				}
			}
		})
	}
}
