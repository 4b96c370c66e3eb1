package recipe_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	generate "github.com/invopop/jsonschema"
	validate "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"srcmend/internal/recipe"
	"srcmend/internal/version"
)

const schemaFile = "../../recipes/schema.json"

// schema makes the JSON Schema of a recipe from its Go types and comments.
func schema(t *testing.T) []byte {
	t.Helper()
	r := &generate.Reflector{Anonymous: true, ExpandedStruct: true, Mapper: shapes}
	if err := r.AddGoComments("srcmend/internal/recipe", "./"); err != nil {
		t.Fatal(err)
	}
	for name, text := range r.CommentMap { // the path of the comments is the folder's
		if _, field, ok := strings.Cut(name, "recipe."); ok {
			r.CommentMap["srcmend/internal/recipe."+field] = text
		}
	}
	s := r.Reflect(&recipe.Recipe{})
	s.Title = "srcmend recipe"
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// shapes gives the schema of types whose YAML is not what their Go says.
func shapes(t reflect.Type) *generate.Schema {
	texts := func() *generate.Schema {
		one := uint64(1)
		return &generate.Schema{Type: "array", MinItems: &one, Items: &generate.Schema{Type: "string"}}
	}
	switch t {
	case reflect.TypeFor[recipe.SHA256]():
		return &generate.Schema{Type: "string", Pattern: "^[0-9a-fA-F]{64}$"}
	case reflect.TypeFor[recipe.Commit]():
		return &generate.Schema{Type: "string", Pattern: "^[0-9a-fA-F]{40}$"}
	case reflect.TypeFor[version.Scheme]():
		s := &generate.Schema{Type: "string"}
		for _, scheme := range version.Schemes() {
			s.Enum = append(s.Enum, scheme)
		}
		return s
	case reflect.TypeFor[recipe.Commands]():
		type mapping recipe.Command
		command := (&generate.Reflector{Anonymous: true, ExpandedStruct: true}).Reflect(&mapping{})
		command.Version, command.Definitions = "", nil
		command.Properties.Set("env", &generate.Schema{Type: "object", AdditionalProperties: &generate.Schema{Type: "string"}})
		one := uint64(1)
		list := &generate.Schema{Type: "array", MinItems: &one, Items: &generate.Schema{OneOf: []*generate.Schema{texts(), command}}}
		return &generate.Schema{
			Description: "One command, or a list of them. A command is the list of its arguments, or a mapping; never shell text.",
			OneOf:       []*generate.Schema{texts(), command, list},
		}
	}
	return nil
}

func TestSchemaIsCheckedIn(t *testing.T) {
	got := schema(t)
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("recipes/schema.json is not what the types say; make golden writes it anew")
	}
}

// instance reads YAML as a schema validator wants it, all scalars as text.
func instance(t *testing.T, text []byte) any {
	t.Helper()
	var node yaml.Node
	if err := yaml.Load(text, &node); err != nil {
		t.Fatal(err)
	}
	return plain(node.Content[0])
}

func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(c))
		}
		return list
	}
	if n.ShortTag() == "!!bool" {
		return n.Value == "true"
	}
	return n.Value
}

// TestSchemaAgrees holds the schema against the parser: what one takes the
// other takes too, and a misspelt key is refused by both.
func TestSchemaAgrees(t *testing.T) {
	doc, err := validate.UnmarshalJSON(bytes.NewReader(schema(t)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := validate.NewCompiler()
	if err := compiler.AddResource("recipe.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("recipe.json")
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := filepath.Glob("../../recipes/*.yaml")
	if err != nil || len(shipped) == 0 {
		t.Fatalf("no recipes: %v", err)
	}
	texts := map[string][]byte{"good": []byte(good)}
	for _, file := range shipped {
		if texts[file], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range texts {
		if err := compiled.Validate(instance(t, text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := recipe.Parse(name, text); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []struct{ old, new string }{
		{"summary:", "sumary:"},
		{"make: [gmake, \"-j{jobs}\"]", "make: gmake"},
		{"in: sub/folder", "dir: sub/folder"},
		{"1.9.0: {sha256: aaaa", "1.9.0: {sha256: aaa"},
		{"cures: {signature: missing-include, ", "cures: {"},
	} {
		text := []byte(strings.Replace(good, bad.old, bad.new, 1))
		if compiled.Validate(instance(t, text)) == nil {
			t.Errorf("the schema takes %q", bad.new)
		}
		if _, err := recipe.Parse("bad", text); err == nil {
			t.Errorf("the parser takes %q", bad.new)
		}
	}
}
