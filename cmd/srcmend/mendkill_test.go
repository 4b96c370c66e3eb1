package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMendKilled kills the program while it mends, at any point: the next run, whatever it is,
// puts the tree back or finds it mended, and the one after that ends green.
func TestMendKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds some packages a hundred times")
	}
	const before, after = "#include <unistd.h>\n\nint stop(void)\n{\n\treturn SIGKILL;\n}\n", "#include <unistd.h>\n#include <signal.h>\n\nint stop(void)\n{\n\treturn SIGKILL;\n}\n"
	world := t.TempDir()
	dir := filepath.Join(world, "greet-1.0")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.Command("srcmend", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+world, "XDG_STATE_HOME="+filepath.Join(world, "state"), "LC_ALL=C", "SRCMEND_RECIPES=", "GORACE=atexit_sleep_ms=0")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		out := new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = out, out
		return cmd, out
	}
	begin := func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		write("Makefile", "greet: main.o stop.o\n\tcc -o greet main.o stop.o\nmain.o: main.c\n\tcc -c -o main.o main.c\nstop.o: stop.c\n\tcc -c -o stop.o stop.c\n")
		write("main.c", "#include <stdio.h>\nint stop(void);\nint main(void) { return printf(\"%d\\n\", stop()) < 0; }\n")
		write("stop.c", before)
		for i := range 200 { // so that keeping them takes a while
			write(fmt.Sprintf("data/%d.txt", i), strings.Repeat("x", 5000))
		}
	}
	begin()
	started := time.Now()
	cmd, out := command("run", "--mend=auto", "--", "make")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(started)
	for i := range 50 {
		begin()
		cmd, _ := command("run", "--mend=auto", "--", "make")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for syscall.Kill(-cmd.Process.Pid, 0) == nil { // what make was just doing
			time.Sleep(5 * time.Millisecond)
		}
		cmd, out := command("run", "--mend=off", "--", "true")
		if err := cmd.Run(); err != nil {
			t.Fatalf("kill %d: %v\n%s", i, err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, "stop.c"))
		if err != nil || string(text) != before && string(text) != after {
			t.Fatalf("kill %d: stop.c has %q, %v", i, text, err)
		}
		cmd, out = command("run", "--mend=auto", "--", "make")
		if err := cmd.Run(); err != nil {
			t.Fatalf("kill %d, the next run: %v\n%s", i, err, out)
		}
		says, err := exec.Command(filepath.Join(dir, "greet")).Output()
		if err != nil || string(says) != "9\n" {
			t.Fatalf("kill %d: greet says %q, %v", i, says, err)
		}
		if text, err = os.ReadFile(filepath.Join(dir, "stop.c")); err != nil || string(text) != after {
			t.Fatalf("kill %d, in the end: stop.c has %q, %v", i, text, err)
		}
		if left, err := filepath.Glob(filepath.Join(world, "state", "srcmend", "mend", "*", "before")); err != nil || len(left) > 0 {
			t.Fatalf("kill %d: left over: %q, %v", i, left, err)
		}
	}
}
