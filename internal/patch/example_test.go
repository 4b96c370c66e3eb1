package patch_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// A fix is asked for, put in, and asked for again. A fix for another file's
// content says where it does not fit.
func Example() {
	dir, err := os.MkdirTemp("", "patch")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	source := "#include <unistd.h>\n#include <sys/wait.h>\n\nint main(void)\n"
	if err := os.WriteFile(filepath.Join(dir, "stop.c"), []byte(source), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	t, err := tree.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()

	p, err := patch.Parse(strings.NewReader(`--- a/stop.c
+++ b/stop.c
@@ -12,3 +12,4 @@
 #include <unistd.h>
+#include <signal.h>
 #include <sys/wait.h>
 
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	o := patch.Options{Strip: patch.ChooseStrip}
	verdict, _, err := p.Verdict(t, o)
	fmt.Println(verdict, err)
	report, err := p.Apply(t, o)
	fmt.Println(report.Files(), "offset", report.MaxOffset(), err)
	verdict, _, err = p.Verdict(t, o)
	fmt.Println(verdict, err)

	_, err = p.Apply(t, o)
	var conflict *patch.ConflictError
	fmt.Println(errors.As(err, &conflict), err)
	// Output:
	// needed <nil>
	// [stop.c] offset -11 <nil>
	// present <nil>
	// true stop.c: hunk 1 for line 12 does not fit; line 2 has "#include <signal.h>", which it does not expect
}

// sources makes a tree of one file, and gives what takes it away again.
func sources(name, text string) (t *tree.Tree, remove func(), err error) {
	dir, err := os.MkdirTemp("", "patch")
	if err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		return nil, nil, err
	}
	if t, err = tree.Open(dir); err != nil {
		return nil, nil, err
	}
	return t, func() {
		t.Close()
		os.RemoveAll(dir)
	}, nil
}

// A series of patches stands on top of each other. It is worked out in a draft, so
// that the tree gets all of it or nothing.
func ExampleDraft() {
	t, remove, err := sources("greet.c", "int main(void)\n{\n\treturn 0;\n}\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()

	series := []string{
		"--- a/greet.c\n+++ b/greet.c\n@@ -1,4 +1,5 @@\n int main(void)\n {\n+\tputs(\"hello\");\n \treturn 0;\n }\n",
		"--- a/greet.c\n+++ b/greet.c\n@@ -1,5 +1,5 @@\n int main(void)\n {\n-\tputs(\"hello\");\n+\tputs(\"hello, world\");\n \treturn 0;\n }\n",
	}
	d := patch.NewDraft(t)
	for i, text := range series {
		p, err := patch.Parse(strings.NewReader(text))
		if err != nil {
			fmt.Println(err)
			return
		}
		report, err := d.Apply(p, patch.Options{Strip: 1})
		fmt.Println("patch", i+1, "changes", report.Files(), err)
	}
	for name, before := range d.Before() {
		fmt.Printf("before the last patch %s had %d bytes\n", name, before.Size())
	}
	f, err := t.Read("greet.c")
	fmt.Println(strings.Contains(string(f.Data), "hello"), err)
	fmt.Println(d.Edit().Commit())
	f, err = t.Read("greet.c")
	fmt.Println(strings.Contains(string(f.Data), "hello, world"), err)
	// Output:
	// patch 1 changes [greet.c] <nil>
	// patch 2 changes [greet.c] <nil>
	// before the last patch greet.c had 46 bytes
	// false <nil>
	// <nil>
	// true <nil>
}

// Whether a patch is in the tree already is not always known. Put looks, and does
// what is left to do.
func ExampleDraft_Put() {
	t, remove, err := sources("list", "apple\nbanana\ncherry\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()

	d := patch.NewDraft(t)
	for _, text := range []string{
		"--- a/list\n+++ b/list\n@@ -1,3 +1,3 @@\n apple\n-banana\n+blueberry\n cherry\n", // not in yet
		"--- a/list\n+++ b/list\n@@ -1,3 +1,3 @@\n apple\n-banana\n+blueberry\n cherry\n", // it is now
		"--- a/list\n+++ b/list\n@@ -1,2 +1,2 @@\n-pear\n+plum\n cherry\n",
		"--- a/other\n+++ b/other\n@@ -1 +1 @@\n-pear\n+plum\n",
	} {
		p, err := patch.Parse(strings.NewReader(text))
		if err != nil {
			fmt.Println(err)
			return
		}
		verdict, _, err := d.Put(p, patch.Options{Strip: 1})
		fmt.Println(verdict, err)
	}
	// Output:
	// needed <nil>
	// present <nil>
	// conflict list: hunk 1 for line 1 does not fit; line 2 should be "pear" and is "blueberry"; with less context at its beginning than at its end it must stand at the beginning of the file
	// absent other: the change does not fit; it is not there
}

// A patch that was made for an older release needs fuzz. Rewritten as it stands, it
// needs none the next time.
func ExamplePatch_Refresh() {
	t, remove, err := sources("list", "# fruit\nred apple\nbanana\ncherry\ndate\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()

	p, err := patch.Parse(strings.NewReader(`Forwarded: no

--- a/list
+++ b/list
@@ -1,4 +1,4 @@ fruit
 apple
 banana
-cherry
+cranberry
 date
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := p.Apply(t, patch.Options{Strip: 1, Fuzz: 1})
	fmt.Println("exact:", report.Exact(), err)
	fmt.Print(p.Refresh(report))
	// Output:
	// exact: false <nil>
	// Forwarded: no
	//
	// --- a/list
	// +++ b/list
	// @@ -2,4 +2,4 @@ fruit
	//  red apple
	//  banana
	// -cherry
	// +cranberry
	//  date
}
