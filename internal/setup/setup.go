// Package setup knows how a build folder was configured, and how to do it again with
// something more.
//
// configure, cmake and meson each leave behind what they were told. Who wants a compiler
// flag in all of a build gives it to them, so that it is there the next time as well:
//
//	s, ok := setup.Find("server-1.0/src", "server-1.0")
//	c := s.Again(setup.More{Flags: map[string]string{"CFLAGS": "-fcommon"}})
//	fmt.Println(c.Dir, c.Argv)
//
// It reads files and runs nothing.
package setup

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Kind is what configures a build.
type Kind string

// The kinds.
const (
	Autoconf Kind = "configure"
	CMake    Kind = "cmake"
	Meson    Kind = "meson"
)

// A Setup is a build folder that was configured.
type Setup struct {
	Kind   Kind
	Dir    string // of the build, absolute
	Source string // the folder with what configures it, absolute

	values map[string]string // of the variables, as they are
	// How configure is run with what it was told, before its path; and whether it is so old that
	// it takes variables from the environment only.
	run   []string
	byEnv bool
}

// More is what is to be added when it is done again.
type More struct {
	Args  []string          // of configure, cmake or meson
	Flags map[string]string // words for CFLAGS, CXXFLAGS, CPPFLAGS, LDFLAGS, LIBS
}

// A Command is a program to run in a folder.
type Command struct {
	Argv []string
	Dir  string
}

// maxFile is how much of a file is read, in bytes.
const maxFile = 16 << 20

// Find looks for how the build in dir was configured: there, or in a folder above it, as far
// as top.
func Find(dir, top string) (Setup, bool) {
	for {
		for _, find := range []func(string) (Setup, bool){autoconf, cmake, meson} {
			if s, ok := find(dir); ok {
				return s, true
			}
		}
		if rel, err := filepath.Rel(top, dir); err != nil || rel == "." || !filepath.IsLocal(rel) {
			return Setup{}, false
		}
		dir = filepath.Dir(dir)
	}
}

// read gives the content of a regular file that is not too large, "" else.
func read(path string) string {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return ""
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

var (
	configSource = regexp.MustCompile(`(?m)^srcdir=['"]?([^'"\n]+)['"]?$`)
	configValue  = regexp.MustCompile(`(?m)^S\["(\w+)"\]="(.*)"$`)
	configOld    = regexp.MustCompile(`(?m)^s[,|#%]@(\w+)@[,|#%](?:\|#_!!_#\|)?(.*?)[,|#%](?:;t t|g)$`)
	configTold   = regexp.MustCompile(`(?m)^  with options \\"(.*)\\"$`)
	configRun    = regexp.MustCompile(`(?m)^# This directory was configured as follows,\n# on host .*:\n#\n# \S*configure(.*)$`)
	configKeeps  = regexp.MustCompile(`(?m)^[ \t]*--config(?: \||\))`)
	cacheValue   = regexp.MustCompile(`(?m)^(\w+):\w+=(.*)$`)
)

// autoconf reads config.status.
func autoconf(dir string) (Setup, bool) {
	text := read(filepath.Join(dir, "config.status"))
	if text == "" {
		return Setup{}, false
	}
	s := Setup{Kind: Autoconf, Dir: dir, Source: dir, values: map[string]string{}}
	if m := configSource.FindStringSubmatch(text); m != nil {
		if s.Source = m[1]; !filepath.IsAbs(s.Source) {
			s.Source = filepath.Join(dir, s.Source)
		}
	}
	for _, m := range append(configOld.FindAllStringSubmatch(text, -1), configValue.FindAllStringSubmatch(text, -1)...) {
		s.values[m[1]] = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[2])
	}
	switch {
	case configKeeps.MatchString(text):
		s.run = []string{"/bin/sh", "-c", same, "configure"}
		return s, true
	case configTold.MatchString(text): // autoconf 2.5 to 2.61
		words := strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\$`, `$`, "\\`", "`").Replace(configTold.FindStringSubmatch(text)[1])
		s.run = []string{"/bin/sh", "-c", told, "configure", words}
		return s, true
	case configRun.MatchString(text): // autoconf 2.13
		var words strings.Builder
		for word := range strings.FieldsSeq(configRun.FindStringSubmatch(text)[1]) {
			words.WriteString(" '" + strings.ReplaceAll(word, "'", `'\''`) + "'")
		}
		s.run, s.byEnv = []string{"/bin/sh", "-c", told, "configure", words.String()}, true
		return s, true
	}
	return Setup{}, false // whoever did it again would lose what it was told
}

// cmake reads CMakeCache.txt.
func cmake(dir string) (Setup, bool) {
	text := read(filepath.Join(dir, "CMakeCache.txt"))
	if text == "" {
		return Setup{}, false
	}
	s := Setup{Kind: CMake, Dir: dir, Source: dir, values: map[string]string{}}
	for _, m := range cacheValue.FindAllStringSubmatch(text, -1) {
		s.values[m[1]] = m[2]
	}
	if home := s.values["CMAKE_HOME_DIRECTORY"]; home != "" {
		s.Source = home
	}
	return s, true
}

// meson reads what meson says of the options.
func meson(dir string) (Setup, bool) {
	text := read(filepath.Join(dir, "meson-info", "intro-buildoptions.json"))
	if text == "" {
		return Setup{}, false
	}
	s := Setup{Kind: Meson, Dir: dir, Source: filepath.Dir(dir), values: map[string]string{}}
	var options []struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
	}
	_ = json.Unmarshal([]byte(text), &options) // without it the flags are only the new ones
	for _, o := range options {
		if list, ok := o.Value.([]any); ok {
			var all []string
			for _, v := range list {
				if text, ok := v.(string); ok {
					all = append(all, text)
				}
			}
			s.values[o.Name] = strings.Join(all, " ")
		}
	}
	var info struct {
		Directories struct {
			Source string `json:"source"`
		} `json:"directories"`
	}
	if json.Unmarshal([]byte(read(filepath.Join(dir, "meson-info", "meson-info.json"))), &info) == nil && info.Directories.Source != "" {
		s.Source = info.Directories.Source
	}
	return s, true
}

// same runs configure with the arguments that it was run with, and more; told has these in it.
const (
	same = `c=$1; shift; told=$(./config.status --config) && eval "set -- $told \"\$@\"" && exec "${CONFIG_SHELL-/bin/sh}" "$c" "$@"`
	told = `told=$1; c=$2; shift 2; eval "set -- $told \"\$@\"" && exec "${CONFIG_SHELL-/bin/sh}" "$c" "$@"`
)

// variables are what the flags are called by cmake and meson.
var variables = map[Kind]map[string][]string{
	CMake: {
		"CFLAGS": {"CMAKE_C_FLAGS"}, "CXXFLAGS": {"CMAKE_CXX_FLAGS"}, "CPPFLAGS": {"CMAKE_C_FLAGS", "CMAKE_CXX_FLAGS"},
		"LDFLAGS": {"CMAKE_EXE_LINKER_FLAGS", "CMAKE_SHARED_LINKER_FLAGS", "CMAKE_MODULE_LINKER_FLAGS"},
		"LIBS":    {"CMAKE_C_STANDARD_LIBRARIES", "CMAKE_CXX_STANDARD_LIBRARIES"},
	},
	Meson: {
		"CFLAGS": {"c_args"}, "CXXFLAGS": {"cpp_args"}, "CPPFLAGS": {"c_args", "cpp_args"},
		"LDFLAGS": {"c_link_args", "cpp_link_args"}, "LIBS": {"c_link_args", "cpp_link_args"},
	},
}

// Again is the command that configures once more, as before and with more.
func (s Setup) Again(more More) Command {
	values := map[string]string{}
	for _, flag := range slices.Sorted(maps.Keys(more.Flags)) {
		names := variables[s.Kind][flag]
		if s.Kind == Autoconf {
			names = []string{flag}
		}
		for _, name := range names {
			if values[name] == "" {
				values[name] = s.values[name]
			}
			values[name] = strings.TrimSpace(values[name] + " " + more.Flags[flag])
		}
	}
	var args []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch s.Kind {
		case Autoconf:
			args = append(args, name+"="+values[name])
		case CMake:
			args = append(args, "-D"+name+"="+values[name])
		case Meson:
			args = append(args, "-D"+name+"=['"+strings.Join(strings.Fields(values[name]), "','")+"']")
		}
	}
	args = append(args, more.Args...)
	switch s.Kind {
	case CMake:
		return Command{slices.Concat([]string{"cmake"}, args, []string{s.Dir}), s.Dir}
	case Meson:
		return Command{slices.Concat([]string{"meson", "configure", s.Dir}, args), s.Source}
	}
	configure := filepath.Join(s.Source, "configure")
	if rel, err := filepath.Rel(s.Dir, configure); err == nil {
		configure = "./" + rel // as people call it, and it notes that
	}
	if s.byEnv {
		variables := args[:len(args)-len(more.Args)]
		return Command{slices.Concat([]string{"env"}, variables, s.run, []string{configure}, more.Args), s.Dir}
	}
	return Command{slices.Concat(s.run, []string{configure}, args), s.Dir}
}
