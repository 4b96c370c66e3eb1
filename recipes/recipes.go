// Package recipes holds the recipes and the signatures that come with
// srcmend, as files.
//
// It is data: NAME.yaml is the recipe of a package, signatures/FAMILY.yaml a
// part of the catalogue of known errors, schema.json the JSON Schema of a
// recipe. Package recipe and package signature read them.
package recipes

import "embed"

// FS holds the files of this folder.
//
//go:embed *.yaml schema.json signatures/*.yaml
var FS embed.FS
