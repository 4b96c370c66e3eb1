package tree_test

import (
	"fmt"
	"os"
	"path/filepath"

	"srcmend/internal/tree"
)

// Two files change together. The second edit would leave the tree, so none of
// it happens.
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
	fmt.Println(e.Commit())

	e.Write(tree.File{Name: "src/main.c", Data: []byte("int x;\n")})
	e.Write(tree.File{Name: "src/passwd", Mode: os.ModeSymlink, Data: []byte("../../passwd")})
	fmt.Println(e.Commit())

	f, err := t.Read("src/main.c")
	fmt.Printf("%s %q %v\n", f.Mode, f.Data, err)
	// Output:
	// <nil>
	// refused: symbolic link "src/passwd" to "../../passwd": its target is outside the tree
	// -rw-r--r-- "int main(void) { return 0; }\n" <nil>
}
