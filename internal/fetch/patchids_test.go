package fetch_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"srcmend/internal/distfile"
	"srcmend/internal/fetch"
	"srcmend/internal/patch"
)

const onePatch = `From: somebody
Subject: include a header

index 111..222 100644
--- a/f.c
+++ b/f.c
@@ -1,2 +1,3 @@
 #include <stdlib.h>
+#include <signal.h>
 int f;
`

func TestPatchIDs(t *testing.T) {
	p, err := patch.Parse(strings.NewReader(onePatch))
	if err != nil {
		t.Fatal(err)
	}
	ids := fetch.PatchIDs(p.IDs())
	moved := strings.NewReplacer("@@ -1,2 +1,3 @@", "@@ -7,2 +9,3 @@", "somebody", "another", "111..222", "333..444").Replace(onePatch)
	if err := ids.Check(strings.NewReader(moved)); err != nil {
		t.Errorf("the same patch from elsewhere is refused: %v", err)
	}
	other := strings.Replace(onePatch, "signal.h", "string.h", 1)
	var mismatch *distfile.MismatchError
	if err := ids.Check(strings.NewReader(other)); !errors.As(err, &mismatch) || mismatch.Want == mismatch.Got {
		t.Errorf("another patch gives %v", err)
	}
	// What is no patch is another file, too: a resumed download whose head
	// was wrong is started over only then.
	mismatch = nil
	if err := ids.Check(strings.NewReader("<!DOCTYPE html><html><title>Sign in</title>")); !errors.As(err, &mismatch) || !strings.HasPrefix(mismatch.Got, "no patch") {
		t.Errorf("a web page gives %v", err)
	}
	broken := errors.New("broken")
	if err := ids.Check(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader gives %v", err)
	}
	if a, b := ids.Key(), fetch.PatchIDs([]string{"x"}).Key(); a == b || !strings.HasPrefix(a, "patch-id/") {
		t.Errorf("keys are %s and %s", a, b)
	}
}
