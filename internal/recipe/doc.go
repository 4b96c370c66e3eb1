// Package recipe is the model of a recipe: the YAML file that says how one
// upstream package is fetched and built, and which fixes it knows.
//
//	name: hello
//	summary: prints a greeting
//	releases:
//	  2.12: {sha256: cf04af86dc085268c5f4470fbae49b18afbc221b78096aab842d934a76bad0ab}
//	sources:
//	  - url: https://ftp.gnu.org/gnu/hello/hello-{version}.tar.gz
//	build:
//	  configure: [./configure, "--prefix={prefix}"]
//	  make: [gmake, "-j{jobs}"]
//	  install: [gmake, install, "DESTDIR={destdir}"]
//
// [Parse] reads one and reports every mistake with its place. [Collection]
// holds many by name, the shipped ones and the user's. The JSON Schema of the
// format is made from the types here and checked in beside the recipes.
//
// A recipe is data from outside. Reading one touches nothing: no network, no
// file but those it is given. What it would do is decided by package plan and
// carried out by package work.
package recipe
