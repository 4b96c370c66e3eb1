package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// readmeFiles is what the reader of the README has besides.
var readmeFiles = map[string]string{
	"server-1.0/src/stats.c": "/* statistics */\n\n#include <unistd.h>\n#include <sys/wait.h>\n\nint pid;\n",
	"server-1.0/list":        "1\n2\n3\n4\n5\n6\n7\n8\n",
	"server-1.1/list":        "1\n2\n3\nnew\n4\n5\n6\n7\n8\n",
	"stats/stats.c":          "#include <sys/types.h>\n#include <unistd.h>\n\nint stop(pid_t pid)\n{\n\treturn kill(pid, SIGKILL);\n}\n",
	"stats/Makefile":         "stats.o: stats.c\n\tcc -O2 -Wall -c stats.c\n",
	"signal-h.patch":         "--- a/src/stats.c\n+++ b/src/stats.c\n@@ -2,3 +2,4 @@\n #include <unistd.h>\n+#include <signal.h>\n #include <sys/wait.h>\n \n",
	"patches/series":         "list.patch\n",
	"patches/list.patch":     "--- a/list\n+++ b/list\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
}

// readmeStatus is how commands of the README end that are to fail.
var readmeStatus = map[string]int{
	"srcmend run --log build.log -- make -C stats": 2,
	"srcmend diagnose build.log":                   3,
	"srcmend diagnose --json build.log":            3,
}

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
	for name, text := range readmeFiles {
		path := filepath.Join(dir, name)
		need(t, os.MkdirAll(filepath.Dir(path), 0o755))
		need(t, os.WriteFile(path, []byte(text), 0o644))
	}
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
		if (strings.HasPrefix(command, "srcmend build lua") || strings.HasPrefix(command, "srcmend verify rig")) && !reachable(t) {
			t.Logf("%s: left out, its source can't be reached", command)
			continue
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir+"/cache", "XDG_STATE_HOME="+dir+"/state")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != readmeStatus[command] {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
	if ran < 4 {
		t.Errorf("only %d commands were found", ran)
	}
}

// TestReadmeConflict: the conflict that the README shows is one that a script sees.
func TestReadmeConflict(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	need(t, err)
	script, err := os.ReadFile("testdata/patch.txtar")
	need(t, err)
	_, shown, found := strings.Cut(string(readme), "    src/stats.c: hunk 2 ")
	shown, _, ended := strings.Cut(shown, "\n\n")
	if !found || !ended {
		t.Fatal("the README shows no conflict")
	}
	if shown = strings.ReplaceAll(shown, "\n    ", "\n"); !strings.Contains(string(script), shown) {
		t.Errorf("no script sees\n%s", shown)
	}
}
