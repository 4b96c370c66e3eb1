package fetch

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func shell(script string, args ...string) command {
	return command{argv: append([]string{"/bin/sh", "-c", script, "sh"}, args...)}
}

func TestCommand(t *testing.T) {
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	dir := t.TempDir()
	c := shell(`printf '%s|' "$1" "$LC_ALL" "$PWD"; cat; echo ignored >&2`, "an argument; with\nthings in it")
	c.dir = dir
	out, err := c.run(t.Context())
	if want := "an argument; with\nthings in it|C|" + dir + "|"; err != nil || string(out) != want {
		t.Errorf("%q %v, want %q", out, err, want)
	}
}

func TestCommandFails(t *testing.T) {
	for script, want := range map[string]string{
		"exit 3": "sh: exit status 3",
		"echo one >&2; echo 'E: two http://user:geheim@a/' >&2; echo three >&2; exit 1": "sh: E: two http://xxxxx@a/ (exit status 1)",
		"printf 'bad \\033[31m\\n' >&2; exit 1":                                         "sh: bad ?[31m (exit status 1)",
		"for i in 1 2 3 4 5 6 7; do echo $i >&2; done; exit 1":                          "sh: 3; 4; 5; 6; 7 (exit status 1)",
	} {
		_, err := shell(script).run(t.Context())
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			t.Errorf("%s: no exit error: %v", script, err)
		}
	}
	if _, err := (command{argv: []string{"/nonexistent/program"}}).run(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such program: %v", err)
	}
}

func TestCommandWritesTooMuch(t *testing.T) {
	_, err := shell("head -c 17000000 /dev/zero").run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "wrote more than 16777216 bytes") {
		t.Errorf("%v", err)
	}
	_, err = shell("head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; echo the end >&2; exit 1").run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the end") || len(err.Error()) > 2*maxComplaint {
		t.Errorf("%.200v", err)
	}
}

// TestCommandGroupIsKilled cancels a command that has a child of its own. The
// child must go too.
func TestCommandGroupIsKilled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	done := make(chan error)
	go func() {
		_, err := shell(`sleep 1000 & echo $! > "$1.new"; mv "$1.new" "$1"; wait`, file).run(ctx)
		done <- err
	}()
	var pid int
	for pid == 0 {
		text, err := os.ReadFile(file)
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
			check(t, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Errorf("%v, want the cause", err)
	}
	// Who has lost its parent is collected by somebody else, some time.
	for range 1000 {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) || isZombie(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the child %d is still there", pid)
}

// isZombie reports whether a process has ended and only waits to be collected,
// on systems where that can be seen.
func isZombie(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z ")
}
