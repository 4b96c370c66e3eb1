// Package recipes holds the recipes, the signatures and the headers that come
// with srcmend, as files.
//
// It is data: NAME.yaml is the recipe of a package, signatures/FAMILY.yaml a
// part of the catalogue of known errors, headers/FAMILY.yaml a part of the
// table that says which header declares a name, schema.json the JSON Schema of
// a recipe. Packages recipe, signature and header read them.
package recipes

import "embed"

// FS holds the files of this folder.
//
//go:embed *.yaml schema.json signatures/*.yaml headers/*.yaml
var FS embed.FS
