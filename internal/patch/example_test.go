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
