package header

import (
	"fmt"
	"path"
	"slices"
)

// A Language is that of a source.
type Language string

// The languages.
const (
	C   Language = "c"
	CXX Language = "c++"
)

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *Language) UnmarshalText(text []byte) error {
	if *l = Language(text); *l != C && *l != CXX {
		return fmt.Errorf("unknown language %s: it is c or c++", quote(string(text)))
	}
	return nil
}

// cxxSuffixes are those of sources in C++, or of what is made to one.
func cxxSuffixes() []string {
	return []string{
		".cc", ".cpp", ".cxx", ".c++", ".cp", ".C", ".CPP", ".hh", ".hpp", ".hxx", ".h++", ".hp", ".H", ".mm", ".M",
		".tcc", ".tpp", ".ipp", ".ixx", ".inl", ".cppm", ".yy", ".ypp", ".yxx", ".y++", ".ll", ".lpp", ".lxx", ".l++",
	}
}

// LanguageOf says by its name in what language a source is. A .h is taken for C: what C
// includes, C++ can include too.
func LanguageOf(file string) Language {
	if slices.Contains(cxxSuffixes(), path.Ext(file)) {
		return CXX
	}
	return C
}
