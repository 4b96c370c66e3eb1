package work

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestNewFailures(t *testing.T) {
	const before = "PASS: one\nFAIL: two 17\n/tmp/x/a.c:3: assertion failed in three (0x1234)\nmake: *** [Makefile:9: check] Error 1\nit takes 3 seconds\n"
	for name, test := range map[string]struct {
		log, before string
		want        []string
	}{
		"the same":         {"FAIL:  two 23\n/tmp/y/a.c:4: assertion failed in three (0xffff)\nmake: *** [Makefile:10: check] Error 1\n", before, nil},
		"another":          {"FAIL: two 17\nFAIL: one\n", before, []string{"FAIL: one"}},
		"escape sequences": {"\x1b[31mFAIL: one\x1b[0m\n", before, []string{"FAIL: one"}},
		"no tests before":  {"PASS: one\nnot ok 3 - x\n", "", []string{"not ok 3 - x"}},
		"nothing said":     {"", "", []string{"the exit status"}},
	} {
		dir := t.TempDir()
		log, earlier := filepath.Join(dir, "log"), ""
		if err := os.WriteFile(log, []byte(test.log), 0o644); err != nil {
			t.Fatal(err)
		}
		if test.before != "" {
			earlier = filepath.Join(dir, "before")
			if err := os.WriteFile(earlier, []byte(test.before), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := newFailures(log, earlier); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
}
