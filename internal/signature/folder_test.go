package signature

import (
	"reflect"
	"strings"
	"testing"
)

// TestFolders: make says where it goes in the language of who runs it.
func TestFolders(t *testing.T) {
	c := shipped(t)
	for log, want := range map[string][]string{
		"gmake[2]: Entering directory '/src/lib'\ngmake[2]: Leaving directory '/src/lib'\n": {"/src/lib"},
		"make: Entering directory `/src/a b'\n":                                             {"/src/a b"},
		"/usr/bin/make[1]: Verzeichnis „/src“ wird betreten\n":                              {"/src"},
		"make[1]\u00a0: on entre dans le répertoire «\u00a0/src\u00a0»\n":                   {"/src"},
		"make[3]: ディレクトリ '/src' に入ります\nmake[3]: ディレクトリ '/src' から出ます\n":                      {"/src"},
		"make[1]: a entrar na pasta \"/src\"\n":                                             {"/src"},
		"make[1]: 进入目录“/src”\nmake[1]: 進入目錄「/lib」\n":                                        {"/src", "/lib"},
		"#8 12.34 make[1]: Entering directory '/src'\n":                                     {"/src"},
		"echo: Entering directory '/src'\nI am Entering directory '/src'\n":                 nil,
		"make me: Entering directory '/src'\nmake[1]: Leaving directory '/src'\n":           nil,
	} {
		scan, err := c.Scan(strings.NewReader(log))
		if err != nil || !reflect.DeepEqual(scan.Folders, want) {
			t.Errorf("%q: %q, %v; want %q", log, scan.Folders, err, want)
		}
	}
}

// TestFolderOfMatch: what was found is in the folder that make was in.
func TestFolderOfMatch(t *testing.T) {
	const found = "a.c:1:1: error: use of undeclared identifier 'x'\n"
	c := shipped(t)
	for log, want := range map[string]string{
		found: "",
		"make[1]: Entering directory '/src'\n" + found:                                                                              "/src",
		"make[1]: Entering directory '/src'\nmake[2]: Entering directory '/src/lib'\n" + found:                                      "/src/lib",
		"make[1]: Entering directory '/src'\nmake[2]: Entering directory 'lib'\nmake[2]: Leaving directory 'lib'\n" + found:         "/src",
		"make[1]: Entering directory '/src'\nmake[1]: Leaving directory '/src'\nmake[1]: Entering directory '/lib'\n" + found:       "/lib",
		found + "make[2]: Leaving directory '/src/lib'\nmake[1]: Leaving directory '/src'\n":                                        "/src/lib",
		"make[2]: Leaving directory '/src/lib'\n" + found + "make[1]: Leaving directory '/src'\n":                                   "/src",
		"make[2]: Leaving directory '/src/lib'\n" + found + "make[1]: Entering directory '/doc'\n":                                  "",
		found + "make[1]: Verzeichnis „/src“ wird verlassen\n":                                                                      "/src",
		found + "make[1] : on quitte le répertoire « /src »\n":                                                                      "/src",
		found + "make[1]: Leaving directory\n'/src/lib'\n":                                                                          "/src/lib",
		"make[1]: Entering directory '/src'\n" + found + "make[1]: Leaving directory '/src'\nmake[1]: Leaving directory '/other'\n": "/src",
	} {
		scan, err := c.Scan(strings.NewReader(log))
		if err != nil || len(scan.Matches) == 0 || scan.Matches[0].Folder != want {
			t.Errorf("%q: %+v, %v; want %q", log, scan.Matches, err, want)
		}
	}
}
