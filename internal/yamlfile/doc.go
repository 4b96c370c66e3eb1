// Package yamlfile reads a YAML file strictly into Go values.
//
// Recipes and signatures are written by people. A person who made five
// mistakes wants to hear of five, each with its place, its line and what was
// probably meant; so decoding here never stops at the first one.
//
//	var r Recipe
//	doc, err := yamlfile.Decode("hello.yaml", text, &r)
//	// hello.yaml:3:1: unknown key "sumary"
//	//     3 | sumary: says hello
//	//       | ^
//	//   did you mean "summary"?
//
// The Go type is the schema: struct fields are named by their json tag, a
// field without omitempty is required, an [encoding.TextUnmarshaler] takes a
// scalar's text as it was written. Version numbers and checksums therefore
// never pass through a number: 2.30 stays "2.30". A type whose YAML has
// several shapes implements [Shaper].
//
// What it refuses: anchors, aliases and merge keys (write it out), a second
// document, duplicate keys, files over [MaxSize]. The file may be hostile: no
// input makes it panic or use memory out of proportion.
package yamlfile
