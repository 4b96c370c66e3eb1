package signature

import (
	"reflect"
	"strings"
	"testing"
)

// TestFolders: make says where it goes in the language of who runs it.
func TestFolders(t *testing.T) {
	c := shipped(t)
	for _, test := range []struct {
		log  string
		want []Folder
	}{
		{"gmake[2]: Entering directory '/src/lib'\ngmake[2]: Leaving directory '/src/lib'\n", []Folder{{1, true, 2, "/src/lib"}, {2, false, 2, "/src/lib"}}},
		{"make: Entering directory `/src/a b'\n", []Folder{{1, true, 0, "/src/a b"}}},
		{"/usr/bin/make[1]: Verzeichnis „/src“ wird betreten\nmake[1]: Verzeichnis „/src“ wird verlassen\n", []Folder{{1, true, 1, "/src"}, {2, false, 1, "/src"}}},
		{"make[1]\u00a0: on entre dans le répertoire «\u00a0/src\u00a0»\n", []Folder{{1, true, 1, "/src"}}},
		{"make[1] : on quitte le répertoire « /src »\n", []Folder{{1, false, 1, "/src"}}},
		{"make[3]: ディレクトリ '/src' に入ります\nmake[3]: ディレクトリ '/src' から出ます\n", []Folder{{1, true, 3, "/src"}, {2, false, 3, "/src"}}},
		{"make[1]: a entrar na pasta \"/src\"\n", []Folder{{1, true, 1, "/src"}}},
		{"make[1]: 进入目录“/src”\nmake[1]: 離開目錄「/src」\n", []Folder{{1, true, 1, "/src"}, {2, false, 1, "/src"}}},
		{"make[1]: Leaving directory\n'/src/lib'\n", []Folder{{1, false, 1, "/src/lib"}}},
		{"#8 12.34 make[1]: Entering directory '/src'\n", []Folder{{1, true, 1, "/src"}}},
		{"echo: Entering directory '/src'\nI am Entering directory '/src'\nmake me: Entering directory '/src'\n", nil},
	} {
		scan, err := c.Scan(strings.NewReader(test.log))
		if err != nil || !reflect.DeepEqual(scan.Folders, test.want) {
			t.Errorf("%q: %+v, %v; want %+v", test.log, scan.Folders, err, test.want)
		}
	}
}
