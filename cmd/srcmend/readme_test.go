package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestReadme runs every command of the README: what it shows as typed after a
// prompt. The make targets are left to .ci/run, which must name them.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	dir, ran := t.TempDir(), 0
	for line := range strings.Lines(string(readme)) {
		command, typed := strings.CutPrefix(strings.TrimSpace(line), "$ ")
		if !typed {
			continue
		}
		ran++
		if strings.HasPrefix(command, "make ") {
			if !strings.Contains(string(ci), "\n"+command+"\n") {
				t.Errorf("%q is not run by .ci/run", command)
			}
			continue
		}
		command = strings.TrimPrefix(command, "./")
		if strings.HasPrefix(command, "srcmend build lua") && !reachable(t) {
			t.Logf("%s: left out, its source can't be reached", command)
			continue
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir+"/cache", "XDG_STATE_HOME="+dir+"/state")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	if ran < 4 {
		t.Errorf("only %d commands were found", ran)
	}
}
