package tree_test

import (
	"fmt"
	"os"
	"path/filepath"

	"srcmend/internal/tree"
)

// Files change together, and the old one is kept under another name. The second
// edit would leave the tree, so none of it happens. The third puts the old file
// back.
func Example() {
	dir, err := os.MkdirTemp("", "tree")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "main.c"), []byte("int main;\n"), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	t, err := tree.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()

	e := t.Begin()
	e.Write(tree.File{Name: "src/main.c", Data: []byte("int main(void) { return 0; }\n")})
	e.Remove("main.c")
	e.Keep("main.c", ".pc/fix/main.c")
	fmt.Println(e.Commit())

	e.Write(tree.File{Name: "src/main.c", Data: []byte("int x;\n")})
	e.Write(tree.File{Name: "src/passwd", Mode: os.ModeSymlink, Data: []byte("../../passwd")})
	fmt.Println(e.Commit())

	f, err := t.Read("src/main.c")
	fmt.Printf("%s %q %v\n", f.Mode, f.Data, err)

	e.Remove("src/main.c")
	e.Move(".pc/fix/main.c", "main.c")
	fmt.Println(e.Commit())

	f, err = t.Read("main.c")
	fmt.Printf("%s %q %v\n", f.Mode, f.Data, err)
	// Output:
	// <nil>
	// refused: symbolic link "src/passwd" to "../../passwd": its target is outside the tree
	// -rw-r--r-- "int main(void) { return 0; }\n" <nil>
	// <nil>
	// -rw-r--r-- "int main;\n" <nil>
}
