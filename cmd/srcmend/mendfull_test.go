package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMendDiskFull mends where there is no room: for keeping the tree as it was, or in the tree.
// The tree is as before, and the command ends as it did.
func TestMendDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	const before = "#include <unistd.h>\n\nint stop(void)\n{\n\treturn SIGKILL;\n}\n"
	for _, test := range []struct{ name, on, size string }{
		{"no room to keep the tree", "state", "64k"},
		{"no room in the tree", "server-1.0", "900k"},
	} {
		t.Run(test.name, func(t *testing.T) {
			world := t.TempDir()
			dir := filepath.Join(world, "server-1.0")
			small := filepath.Join(world, test.on)
			need(t, os.Mkdir(dir, 0o755))
			need(t, os.MkdirAll(small, 0o755))
			if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+test.size, "srcmend-test", small).CombinedOutput(); err != nil {
				t.Skipf("this machine does not mount: %v: %s", err, out)
			}
			defer func() {
				if out, err := exec.Command("umount", small).CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			}()
			need(t, os.WriteFile(filepath.Join(dir, "Makefile"), []byte("stop.o: stop.c\n\tcc -c stop.c\n"), 0o644))
			need(t, os.WriteFile(filepath.Join(dir, "stop.c"), []byte(before), 0o644))
			need(t, os.WriteFile(filepath.Join(dir, "data"), make([]byte, 400_000), 0o644))
			if test.on == "server-1.0" { // all of it
				_ = os.WriteFile(filepath.Join(dir, "more"), make([]byte, 900_000), 0o644)
			}
			want, err := listTree(dir)
			need(t, err)
			cmd := exec.Command("srcmend", "run", "--mend=auto", "--", "make")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "HOME="+world, "XDG_STATE_HOME="+filepath.Join(world, "state"), "LC_ALL=C", "SRCMEND_RECIPES=", "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "no space left on device") || !strings.Contains(string(out), "missing-include-signal-h") {
				t.Errorf("it ended with %v\n%s", err, out)
			}
			got, err := listTree(dir)
			need(t, err)
			if got != want {
				t.Errorf("the tree is not as it was:\n%s\nbefore:\n%s\n%s", got, want, out)
			}
		})
	}
}
