package relay_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"srcmend/internal/relay"
)

// columnsArg makes this test program say how wide its terminal is when it is told that this
// has changed.
const columnsArg = "--columns"

func columns() {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	fmt.Println("ready")
	for range changed {
		_, columns, err := pty.Getsize(os.Stdout)
		fmt.Println(columns, err)
	}
}

// frontArg makes this test program relay the command that follows.
const frontArg = "--front"

func TestMain(m *testing.M) {
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	if len(os.Args) > 2 && os.Args[1] == frontArg {
		front(os.Args[2], os.Args[3:])
	}
	if len(os.Args) == 2 && os.Args[1] == columnsArg {
		columns()
	}
	os.Exit(m.Run())
}

// front relays a command, writes what it heard into a file, and ends as the command did.
func front(heard string, argv []string) {
	f, err := os.Create(heard)
	if err != nil {
		panic(err)
	}
	status, err := relay.Run(relay.Command{
		Argv: argv, In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Heard: func(text []byte) { _, _ = f.Write(text) },
	})
	if start, ok := errors.AsType[*relay.StartError](err); ok {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(start.Code())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lost:", err)
	}
	if status.Asked {
		_, _ = f.WriteString("asked to end\n")
	}
	if status.Unread {
		_, _ = f.WriteString("nobody reads\n")
	}
	if status.Signal == syscall.SIGINT {
		relay.Die(status.Signal)
	}
	os.Exit(status.Code())
}

// relayed is a shell script behind a relay, and the file with what that heard.
func relayed(t *testing.T, script string) (*exec.Cmd, string) {
	t.Helper()
	heard := filepath.Join(t.TempDir(), "heard")
	return exec.Command(os.Args[0], frontArg, heard, "sh", "-c", script), heard
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// code is the exit status that a shell has for a command that has ended.
func code(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatal(err)
	}
	if w := exit.Sys().(syscall.WaitStatus); w.Signaled() {
		return 128 + int(w.Signal())
	}
	return exit.ExitCode()
}

func TestStreamsAndStatus(t *testing.T) {
	bytes256 := make([]byte, 256)
	for i := range bytes256 {
		bytes256[i] = byte(i)
	}
	for _, test := range []struct {
		what, script, in string
		out, err         string
		code             int
	}{
		{"both streams", "echo out; echo err >&2", "", "out\n", "err\n", 0},
		{"a status", "echo no; exit 7", "", "no\n", "", 7},
		{"a signal", "kill -SEGV $$", "", "", "", 128 + 11},
		{"input", "cat", string(bytes256), string(bytes256), "", 0},
		{"no last newline", "printf a; printf b >&2", "", "a", "b", 0},
		{"nothing", ":", "", "", "", 0},
		{"much", "yes 0123456789 | head -c 3000000", "", strings.Repeat("0123456789\n", 272728)[:3000000], "", 0},
	} {
		t.Run(test.what, func(t *testing.T) {
			cmd, heard := relayed(t, test.script)
			var out, errs bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(test.in), &out, &errs
			if got := code(t, cmd.Run()); got != test.code {
				t.Errorf("exit status %d, want %d", got, test.code)
			}
			if out.String() != test.out || errs.String() != test.err {
				t.Errorf("stdout %.80q, stderr %.80q", out.String(), errs.String())
			}
			if got := read(t, heard); len(got) != len(test.out)+len(test.err) {
				t.Errorf("it heard %.80q", got)
			}
		})
	}
}

// TestOrder: what goes to one place keeps its order, and the lines of two are not mixed.
func TestOrder(t *testing.T) {
	const script = `i=0; while [ $i -lt 200 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done`
	var want strings.Builder
	for i := range 200 {
		fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
	}
	cmd, heard := relayed(t, script)
	both, err := cmd.CombinedOutput()
	if err != nil || string(both) != want.String() || read(t, heard) != want.String() {
		t.Errorf("%v: %.200s", err, both)
	}

	cmd, heard = relayed(t, `i=0; while [ $i -lt 200 ]; do printf 'ou'; printf 'er' >&2; echo t; echo r >&2; i=$((i+1)); done`)
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(read(t, heard)) {
		if line != "out\n" && line != "err\n" {
			t.Fatalf("it heard the line %q", line)
		}
	}
}

// TestAtOnce: what is written is there before the command ends.
func TestAtOnce(t *testing.T) {
	cmd, _ := relayed(t, "printf prompt; read answer; echo $answer")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := start(t, cmd)
	prompt := make([]byte, 6)
	if _, err := io.ReadFull(out, prompt); err != nil || string(prompt) != "prompt" {
		t.Fatalf("%q, %v", prompt, err)
	}
	_, _ = in.Write([]byte("yes\n"))
	rest, _ := io.ReadAll(out)
	if err := cmd.Wait(); err != nil || string(rest) != "yes\n" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestWhatCanNotStart(t *testing.T) {
	dir := t.TempDir()
	plain, foreign := filepath.Join(dir, "plain"), filepath.Join(dir, "foreign")
	if err := os.WriteFile(plain, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(foreign, []byte("\x7fELF\x02\x01\x01\x00\x00\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		code int
	}{{"no-such-program-anywhere", 127}, {filepath.Join(dir, "none"), 127}, {plain, 126}, {dir, 126}, {foreign, 126}} {
		cmd := exec.Command(os.Args[0], frontArg, filepath.Join(dir, "heard"), test.name)
		out, err := cmd.CombinedOutput()
		if got := code(t, err); got != test.code || !strings.HasPrefix(string(out), "can't run "+test.name+": ") {
			t.Errorf("%s: exit status %d, want %d: %s", test.name, got, test.code, out)
		}
	}
}

// TestWhatCanStart: what make, env and shells run is run.
func TestWhatCanStart(t *testing.T) {
	for _, test := range []struct{ what, path, name, text, out string }{
		{"a script of the shell's", "", "./script", "echo $0 \"$@\"", "./script a b c\n"},
		{"nothing", "", "./script", "", ""},
		{"in the current folder", ".:", "script", "#!/bin/sh\necho $#", "2\n"},
		{"both", ":", "script", "echo $#", "2\n"},
	} {
		t.Run(test.what, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "script"), []byte(test.text), 0o755); err != nil {
				t.Fatal(err)
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, frontArg, filepath.Join(dir, "heard"), test.name, "a", "b c")
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+test.path+os.Getenv("PATH"))
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != test.out {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

// TestSignals: those that ask to end reach the command, which may do with them what it will.
func TestSignals(t *testing.T) {
	for _, test := range []struct {
		what, script string
		send         syscall.Signal
		code         int
		heard        string
	}{
		{"it ends by it", "echo ready; exec sleep 60", syscall.SIGTERM, 128 + 15, "ready\nasked to end\n"},
		{"keys", "echo ready; exec sleep 60", syscall.SIGINT, 128 + 2, "ready\nasked to end\n"},
		{"it ends in good order", "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.1; done", syscall.SIGTERM, 5, "ready\nbye\nasked to end\n"},
		{"it means something else", "trap 'echo hello; exit 0' USR1; echo ready; while :; do sleep 0.1; done", syscall.SIGUSR1, 0, "ready\nhello\n"},
	} {
		t.Run(test.what, func(t *testing.T) {
			cmd, heard := relayed(t, test.script)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal
			out := start(t, cmd)
			ready := make([]byte, 6)
			if _, err := io.ReadFull(out, ready); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Process.Signal(test.send)
			_, _ = io.ReadAll(out)
			if got := code(t, cmd.Wait()); got != test.code {
				t.Errorf("exit status %d, want %d", got, test.code)
			}
			if died := cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled(); died != (test.send == syscall.SIGINT) {
				t.Errorf("a signal has ended it: %v", died)
			}
			if got := read(t, heard); got != test.heard {
				t.Errorf("it heard %q, want %q", got, test.heard)
			}
		})
	}
}

// TestSlowReader: what the command wrote before it ended is not lost, however long the
// reader takes.
func TestSlowReader(t *testing.T) {
	const first, then = 80_000, 40_000 // more than one pipe holds, less than two do
	cmd, heard := relayed(t, fmt.Sprintf("head -c %d /dev/zero; sleep 0.3; head -c %d /dev/zero", first, then))
	r, w := pipe(t, cmd)
	w.Close()
	time.Sleep(3 * time.Second) // as less does, until its user goes on
	n, err := io.Copy(io.Discard, r)
	if status := code(t, cmd.Wait()); err != nil || n != first+then {
		t.Errorf("%d bytes of %d arrived, %v; exit status %d", n, first+then, err, status)
	}
	if got := len(read(t, heard)); got != first+then {
		t.Errorf("it heard %d bytes", got)
	}
}

// TestDoesNotWait: a file that was made one that does not wait is waited for.
func TestDoesNotWait(t *testing.T) {
	cmd, _ := relayed(t, "sleep 0.3; head -c 300000 /dev/zero")
	r, w := pipe(t, cmd)
	if err := syscall.SetNonblock(int(w.Fd()), true); err != nil {
		t.Fatal(err)
	}
	w.Close()
	time.Sleep(time.Second)
	n, err := io.Copy(io.Discard, r)
	if status := code(t, cmd.Wait()); err != nil || n != 300_000 || status != 0 {
		t.Errorf("%d bytes arrived, %v; exit status %d", n, err, status)
	}
}

// TestNobodyTakesIt: when the command has ended, and nobody takes what it wrote, the relay
// can be ended.
func TestNobodyTakesIt(t *testing.T) {
	done := filepath.Join(t.TempDir(), "done")
	cmd, _ := relayed(t, "head -c 120000 /dev/zero; : >"+done)
	out := start(t, cmd)
	defer out.Close()
	for _, err := os.Stat(done); err != nil; _, err = os.Stat(done) {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond) // until the relay knows that as well
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if got := code(t, cmd.Wait()); got != 128+15 {
		t.Errorf("exit status %d", got)
	}
}

// TestReaderGone: a command whose reader has gone is ended as it would have been.
func TestReaderGone(t *testing.T) {
	cmd, heard := relayed(t, "while echo y; do :; done")
	out := start(t, cmd)
	_, _ = io.ReadFull(out, make([]byte, 100))
	_ = out.Close()
	if got := code(t, cmd.Wait()); got != 128+int(syscall.SIGPIPE) {
		t.Errorf("exit status %d", got)
	}
	if got := read(t, heard); !strings.HasSuffix(got, "y\nnobody reads\n") {
		t.Errorf("it heard %.80q", got)
	}
}

// TestDeviceFull: a command whose words can't be kept goes on, and that is said.
func TestDeviceFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no device that is always full")
	}
	defer full.Close()
	cmd, heard := relayed(t, "i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); done; exit 3")
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &errs
	if got := code(t, cmd.Run()); got != 3 || !strings.Contains(errs.String(), "no space left on device") {
		t.Errorf("exit status %d: %s", got, errs.String())
	}
	if got := read(t, heard); !strings.HasSuffix(got, "\n99\n") {
		t.Errorf("it heard %q", got)
	}
}

// TestLeftBehind: something that holds the streams open does not hold the relay up, and can
// go on writing to where it would have written.
func TestLeftBehind(t *testing.T) {
	for _, test := range []struct{ what, script, now, later string }{
		{"silent", "sleep 1; echo now; { sleep 2; echo later; echo end; } & exit 4", "now\n", "later\nend\n"},
		{"never silent", "echo now; { i=0; while [ $i -lt 40 ]; do sleep 0.1; echo; i=$((i+1)); done; } & exit 4", "now\n", strings.Repeat("\n", 40)},
		{"endless", "yes now & (sleep 4; kill $!) >/dev/null 2>&1 & exit 4", "now\n", ""},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			cmd, heard := relayed(t, test.script)
			out := start(t, cmd)
			all := make(chan string)
			go func() {
				var text strings.Builder
				_, _ = io.Copy(&text, out)
				all <- text.String()
			}()
			exit, err := cmd.Process.Wait()
			if err != nil || exit.ExitCode() != 4 {
				t.Errorf("it ended with %v, %v", exit, err)
			}
			select {
			case <-all:
				t.Error("the stream has ended")
			default:
			}
			if got := read(t, heard); !strings.HasPrefix(got, test.now) {
				t.Errorf("it heard %q", got)
			}
			if got := <-all; test.later != "" && got != test.now+test.later {
				t.Errorf("all that arrived is %q", got)
			}
		})
	}
}

// TestTerminal: on a terminal the command has one too, of the same size, and one of its
// streams that goes elsewhere is none.
func TestTerminal(t *testing.T) {
	for _, test := range []struct{ what, script, to, want string }{
		{"all of it", "test -t 0 && test -t 1 && test -t 2 && stty size; echo $?", "", "33 121\r\n0\r\n"},
		{"only what is one", "test -t 1 && test -t 2; echo $? >&2; echo no", "file", "1\r\n"},
		{"as it is", `printf '\033[31mred\033[0m\n'; printf 'a\tb\r\n'`, "", "\x1b[31mred\x1b[0m\r\na\tb\r\r\n"},
		{"left behind", "{ sleep 2; echo later; } & echo ended", "", "ended\r\nlater\r\n"},
	} {
		t.Run(test.what, func(t *testing.T) {
			master, slave, err := pty.Open()
			if err != nil {
				t.Skip(err)
			}
			defer master.Close()
			if err := pty.Setsize(slave, &pty.Winsize{Rows: 33, Cols: 121}); err != nil {
				t.Fatal(err)
			}
			cmd, _ := relayed(t, test.script)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
			if test.to != "" {
				f, err := os.Create(filepath.Join(t.TempDir(), test.to))
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				cmd.Stdout = f
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = slave.Close()
			var seen bytes.Buffer
			var reading sync.WaitGroup
			reading.Go(func() { _, _ = io.Copy(&seen, master) })
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			time.AfterFunc(10*time.Second, func() { master.Close() })
			reading.Wait()
			if seen.String() != test.want {
				t.Errorf("the terminal shows %q, want %q", seen.String(), test.want)
			}
		})
	}
}

// TestModes: a program that says on the terminal that it writes to how keys are to be read,
// as those do that draw, says it to the real one.
func TestModes(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Skip(err)
	}
	defer master.Close()
	defer slave.Close()
	modes := func() string {
		stty := exec.Command("stty", "-a")
		stty.Stdin = slave
		out, err := stty.CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	before := modes()
	cmd, _ := relayed(t, `exec 3>&1; had=$(stty -g <&3); stty -icanon -echo <&3; echo ready; dd bs=1 count=1 2>/dev/null; echo; stty $had <&3`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	seen := make([]byte, 7)
	if _, err := io.ReadFull(master, seen); err != nil || string(seen) != "ready\r\n" {
		t.Fatalf("%q, %v", seen, err)
	}
	if during := modes(); during == before {
		t.Error("nothing has changed")
	}
	if _, err := master.Write([]byte("k")); err != nil { // and no newline
		t.Fatal(err)
	}
	seen = make([]byte, 3)
	if _, err := io.ReadFull(master, seen); err != nil || string(seen) != "k\r\n" {
		t.Fatalf("%q, %v", seen, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if after := modes(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// TestWindowChange: who is told that the window has another size, sees that size.
func TestWindowChange(t *testing.T) {
	cmd := exec.Command(os.Args[0], frontArg, filepath.Join(t.TempDir(), "heard"), os.Args[0], columnsArg)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Skip(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		_ = tty.Close()
	}()
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(tty); in.Scan(); {
			lines <- in.Text()
		}
	}()
	want := "ready"
	for columns := uint16(100); columns < 120; columns++ {
		late := time.After(10 * time.Second)
		for got := ""; got != want; {
			select {
			case got = <-lines:
			case <-late:
				t.Fatalf("it does not say %s", want)
			}
		}
		if err := pty.Setsize(tty, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
			t.Fatal(err)
		}
		want = fmt.Sprint(columns, " <nil>")
	}
}

// start starts a command, and gives what it writes.
func start(t *testing.T, cmd *exec.Cmd) io.ReadCloser {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// pipe starts a command that writes into a pipe, of which it gives both ends.
func pipe(t *testing.T, cmd *exec.Cmd) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err == nil {
		t.Cleanup(func() { r.Close() })
		cmd.Stdout = w
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}
