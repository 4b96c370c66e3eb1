package build_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"srcmend/internal/build"
	"srcmend/internal/buildlog"
	"srcmend/internal/jobserver"
	"srcmend/internal/platform"
)

// frontArg starts this test program as a front end that runs one command, so
// that a test can kill it.
const frontArg = "--front"

// supervisor runs the commands of the tests.
var supervisor build.Supervisor

func TestMain(m *testing.M) {
	if build.Supervising() {
		syscall.Exit(build.Supervise())
	}
	if len(os.Args) == 3 && os.Args[1] == frontArg {
		front(os.Args[2])
	}
	os.Exit(m.Run())
}

// frontWaits in the environment makes the front end say that it has started,
// and wait until its file was removed.
const frontWaits = "FRONT_WAITS"

// front runs the shell script in dir/script and waits for it.
func front(dir string) {
	if os.Getenv(frontWaits) != "" {
		_ = os.WriteFile(filepath.Join(dir, "started"), nil, 0o644)
		for range 1000 {
			if _, err := os.Stat(filepath.Join(dir, "removed")); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	hold, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err == nil {
		err = unix.Flock(int(hold.Fd()), unix.LOCK_EX)
	}
	var log *os.File
	if err == nil {
		log, err = buildlog.Create(filepath.Join(dir, "log"))
	}
	if err == nil {
		_, err = supervisor.Run(context.Background(), build.Command{
			Argv: []string{"/bin/sh", filepath.Join(dir, "script")}, Dir: dir, Env: os.Environ(),
			Log: log, Status: filepath.Join(dir, "status"), Hold: hold,
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// command is a shell script to run in a new folder.
func command(t *testing.T, script string) (build.Command, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := buildlog.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return build.Command{
		Argv: []string{"sh", filepath.Join(dir, "script")}, Dir: dir,
		Env: build.Environment(os.Getenv("PATH"), dir), Log: log, Status: filepath.Join(dir, "status"),
	}, dir
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name, script string
		want         build.Result
		green        bool
		log          string
	}{
		{"green", "echo out; echo err >&2; pwd -P >where", build.Result{}, true, "out\nerr\n"},
		{"red", "echo no; exit 7", build.Result{Exit: 7}, false, "no\n"},
		{"signal", "kill -SEGV $$", build.Result{Exit: -1, Signal: "segmentation fault"}, false, ""},
		{"a broken pipe ends the writer", "yes | head -1", build.Result{}, true, "y\n"},
		{"no input", "read line || echo none", build.Result{}, true, "none\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, dir := command(t, test.script)
			r, err := supervisor.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if r.Exit != test.want.Exit || r.Signal != test.want.Signal || r.Green() != test.green {
				t.Errorf("result is %+v", r)
			}
			if got := read(t, filepath.Join(dir, "log")); got != test.log {
				t.Errorf("log is %q, want %q", got, test.log)
			}
			again, err := build.ReadStatus(c.Status)
			if err != nil || again != r {
				t.Errorf("status file says %+v, %v", again, err)
			}
		})
	}
}

func TestRunWhatIsNotThere(t *testing.T) {
	c, _ := command(t, "")
	c.Argv = []string{"no-such-program-anywhere"}
	r, err := supervisor.Run(t.Context(), c)
	if err != nil || r.Green() || !strings.Contains(r.String(), "executable file not found") {
		t.Errorf("result is %v, %v", r, err)
	}
}

func TestEnvironment(t *testing.T) {
	c, dir := command(t, `env | sort >seen; umask >mask`)
	c.Env = build.Environment(os.Getenv("PATH"), dir, []string{"TZ=CET", "A=1", "CFLAGS=-std=gnu17"}, []string{"A=2", "CFLAGS=-O2"})
	if _, err := supervisor.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	seen := strings.Fields(read(t, filepath.Join(dir, "seen")))
	if !strings.Contains(read(t, filepath.Join(dir, "seen")), "CFLAGS=-std=gnu17 -O2\n") {
		t.Error("flags do not add up")
	}
	for _, want := range []string{"A=2", "TZ=CET", "LC_ALL=C", "HOME=" + dir, "TMPDIR=" + dir} {
		if !slices.Contains(seen, want) {
			t.Errorf("%s is not in the environment", want)
		}
	}
	for _, kv := range seen {
		key, _, _ := strings.Cut(kv, "=")
		if !strings.Contains(kv, "=") {
			continue // the second of two flags
		}
		if !slices.Contains([]string{"A", "CFLAGS", "TZ", "LC_ALL", "LANG", "HOME", "TMPDIR", "PATH", "TERM", "SHELL", "PWD", "OLDPWD", "SHLVL", "_"}, key) {
			t.Errorf("%s has leaked into the environment", kv)
		}
	}
	if mask := strings.TrimSpace(read(t, filepath.Join(dir, "mask"))); mask != "0022" && mask != "022" {
		t.Errorf("umask is %s", mask)
	}
}

func TestPassed(t *testing.T) {
	steers, helps := build.Passed([]string{"PATH=/bin", "CFLAGS=-O1", "MAKEFLAGS=-j9", "CCACHE_DIR=/c", "CC=gcc", "CCX=no", "SECRET=1", "DESTDIR=/d"})
	if want := []string{"CC=gcc", "CFLAGS=-O1"}; !slices.Equal(steers, want) {
		t.Errorf("steering are %v, want %v", steers, want)
	}
	if want := []string{"CCACHE_DIR=/c"}; !slices.Equal(helps, want) {
		t.Errorf("helping are %v, want %v", helps, want)
	}
}

// makefile has a target that is half written for a long time. make removes
// it when it is asked to end, and can't when it is killed.
const makefile = "half:\n\techo begun >half; echo $$$$ >pid; sleep 60; echo done >>half\n"

// waitFor waits until the file is there.
func waitFor(t *testing.T, path string) {
	t.Helper()
	for range 1000 {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not appear", path)
}

// gone reports whether the process whose number is in the file has ended.
func gone(t *testing.T, path string) bool {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(stat, []byte(") Z "))
}

func TestCancel(t *testing.T) {
	c, dir := command(t, "exec make -f Makefile half")
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), []byte(makefile), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range 1000 {
			if info, err := os.Stat(filepath.Join(dir, "pid")); err == nil && info.Size() > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	r, err := supervisor.Run(ctx, c)
	if !errors.Is(err, context.Canceled) || r.Ended != build.Interrupted {
		t.Errorf("result is %+v, %v", r, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "half")); err == nil {
		t.Error("make left the half-made target")
	}
	if !gone(t, filepath.Join(dir, "pid")) {
		t.Error("a process of the command still runs")
	}
}

func TestCancelTheStubborn(t *testing.T) {
	c, dir := command(t, "trap '' TERM; echo $$ >pid; while :; do sleep 0.1; done")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { waitFor(t, filepath.Join(dir, "pid")); cancel() }()
	r, err := supervisor.Run(ctx, c)
	if !errors.Is(err, context.Canceled) || r.Ended != build.Killed {
		t.Errorf("result is %+v, %v", r, err)
	}
	if !gone(t, filepath.Join(dir, "pid")) {
		t.Error("the command still runs")
	}
}

func TestLeftBehind(t *testing.T) {
	c, dir := command(t, "sleep 60 & echo $! >pid")
	r, err := supervisor.Run(t.Context(), c)
	if err != nil || !r.Green() {
		t.Errorf("result is %+v, %v", r, err)
	}
	if !gone(t, filepath.Join(dir, "pid")) {
		t.Error("what the command left behind still runs")
	}
}

// TestKilled kills the front end with kill -9. Its supervisor must end the
// command in good order, say so in the status file, and hold the lock until
// then.
func TestKilled(t *testing.T) {
	c, dir := command(t, "exec make -f Makefile half")
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), []byte(makefile), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], frontArg, dir)
	cmd.Env = c.Env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(dir, "pid"))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	r, err := build.ReadStatus(c.Status)
	if err != nil || r.Ended != build.Interrupted {
		t.Errorf("when the lock is free the status is %+v, %v", r, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "half")); err == nil {
		t.Error("make left the half-made target")
	}
	if !gone(t, filepath.Join(dir, "pid")) {
		t.Error("a process of the command still runs")
	}
}

// TestSupervisorKilled kills the supervisor itself: nobody knows how the
// command ended, and Run must say so.
func TestSupervisorKilled(t *testing.T) {
	c, _ := command(t, "kill -9 $PPID; sleep 5")
	r, err := supervisor.Run(t.Context(), c)
	if !errors.Is(err, build.ErrLost) {
		t.Errorf("result is %+v, %v; want ErrLost", r, err)
	}
	if _, err := build.ReadStatus(c.Status); !os.IsNotExist(err) {
		t.Errorf("there is a status: %v", err)
	}
}

// TestProgramReplaced removes the program's file while it runs, as an upgrade
// does: commands must go on being supervised by the same program.
func TestProgramReplaced(t *testing.T) {
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		t.Skip("this system has no path to a running program whose file is gone")
	}
	_, dir := command(t, "echo done >done")
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "program")
	if err := os.WriteFile(copied, program, 0o755); err != nil {
		t.Fatal(err)
	}
	gone := exec.Command("sh", "-c", `"$0" "$@" & while ! test -e started; do sleep 0.01; done; rm "$0"; : >removed; wait $!`, copied, frontArg, dir)
	gone.Dir = dir
	gone.Env = append(os.Environ(), frontWaits+"=1")
	if out, err := gone.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if got := read(t, filepath.Join(dir, "done")); got != "done\n" {
		t.Errorf("the command wrote %q", got)
	}
}

// TestJobs has makes share three cores. Each job notes how many there are with it.
func TestJobs(t *testing.T) {
	gmake, _, err := platform.GNUMake(t.Context())
	if err != nil {
		t.Skip("there is no GNU make: ", err)
	}
	server, err := jobserver.New(t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const makefile = `
all: sub 1 2 3 4
sub:
	+$(MAKE) 5 6 7 8
1 2 3 4 5 6 7 8:
	@mkdir ../at/$$$$ && ls ../at | wc -l >>../most; sleep 0.2; rmdir ../at/$$$$
.PHONY: all sub 1 2 3 4 5 6 7 8
`
	top := t.TempDir()
	if err := os.Mkdir(filepath.Join(top, "at"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func() {
		c, _ := command(t, "")
		c.Dir = filepath.Join(top, filepath.Base(filepath.Dir(c.Dir))+filepath.Base(c.Dir))
		if err := os.Mkdir(c.Dir, 0o755); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(filepath.Join(c.Dir, "Makefile"), []byte(makefile), 0o644); err != nil {
			t.Error(err)
		}
		c.Argv, c.Jobs = []string{gmake}, server.Path()
		if err := server.Acquire(t.Context()); err != nil {
			t.Error(err)
		}
		defer server.Release(1)
		r, err := supervisor.Run(t.Context(), c)
		if log := read(t, c.Log.Name()); err != nil || !r.Green() || strings.Contains(log, "jobserver") {
			t.Errorf("%v, %v: %s", r, err, log)
		}
	}
	for _, makes := range []int{1, 2, 5} {
		_ = os.Remove(filepath.Join(top, "most"))
		var wg sync.WaitGroup
		for range makes {
			wg.Go(run)
		}
		wg.Wait()
		most := 0
		for word := range strings.FieldsSeq(read(t, filepath.Join(top, "most"))) {
			n, _ := strconv.Atoi(word)
			most = max(most, n)
		}
		if most != 3 {
			t.Errorf("%d makes have %d jobs at once", makes, most)
		}
		if got := server.Grab(9); got != 3 {
			t.Errorf("%d makes give back %d tokens of 3", makes, got)
		}
		server.Release(3)
	}
}

func TestReadStatusOfGarbage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	var syntax *json.SyntaxError
	if _, err := build.ReadStatus(path); !errors.As(err, &syntax) {
		t.Errorf("error is %v", err)
	}
}

func TestQuote(t *testing.T) {
	got := build.Quote([]string{"./configure", "CFLAGS=-O2 -g", "it's", "", "$HOME", "--a=b,c"})
	if want := `./configure 'CFLAGS=-O2 -g' 'it'\''s' '' '$HOME' --a=b,c`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// BenchmarkRun runs a command that does nothing, supervised and by itself.
func BenchmarkRun(b *testing.B) {
	log, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	var ours, plain time.Duration
	for b.Loop() {
		started := time.Now()
		r, err := supervisor.Run(b.Context(), build.Command{Argv: []string{"true"}, Dir: "/", Env: build.Environment(os.Getenv("PATH"), "/tmp"), Log: log})
		if err != nil || !r.Green() {
			b.Fatal(r, err)
		}
		ours += time.Since(started)
		started = time.Now()
		if err := exec.Command("true").Run(); err != nil {
			b.Fatal(err)
		}
		plain += time.Since(started)
	}
	b.ReportMetric(float64(ours)/float64(plain), "x/plain")
	b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "µs")
}

// TestBytes has an argument and a variable that are no text, and an order that is larger than what
// a socket holds.
func TestBytes(t *testing.T) {
	c, dir := command(t, `printf %s "$1" >argument; printf %s "$ODD" >variable; printf %s "$LONG" | wc -c >length`)
	c.Argv = append(c.Argv, "caf\xe9")
	long := strings.Repeat("x", 100<<10)
	c.Env = append(c.Env, "ODD=\xff\xfe", "LONG="+long)
	for i := range 10 {
		c.Env = append(c.Env, fmt.Sprintf("LONG%d=%s", i, long))
	}
	r, err := supervisor.Run(t.Context(), c)
	if err != nil || !r.Green() {
		t.Fatal(r, err)
	}
	for file, want := range map[string]string{"argument": "caf\xe9", "variable": "\xff\xfe", "length": fmt.Sprint(len(long))} {
		if got := strings.TrimSpace(read(t, filepath.Join(dir, file))); got != want {
			t.Errorf("%s is %q", file, got)
		}
	}
}

// TestSideBySide has commands at the same time, of which one kills the supervisor, one can't be
// ordered at all, and one asks the supervisor to end. What was under way then is lost, and the next
// ones are carried out.
func TestSideBySide(t *testing.T) {
	var own build.Supervisor
	defer own.Close()
	sleeping, dir := command(t, "echo $$ >pid; sleep 60")
	lost := make(chan error, 1)
	sleep := func() {
		_, err := own.Run(t.Context(), sleeping)
		lost <- err
	}
	for _, kill := range []string{"kill -9 $PPID; sleep 1", "kill $PPID; sleep 60"} {
		_ = os.Remove(filepath.Join(dir, "pid"))
		go sleep()
		waitFor(t, filepath.Join(dir, "pid"))
		for range 3 {
			c, _ := command(t, "exit 3")
			if r, err := own.Run(t.Context(), c); err != nil || r.Exit != 3 {
				t.Errorf("beside another command: %+v, %v", r, err)
			}
		}
		closed, _ := command(t, "true")
		closed.Log.Close()
		if r, err := own.Run(t.Context(), closed); err == nil || errors.Is(err, build.ErrLost) {
			t.Errorf("with a log that is closed: %+v, %v", r, err)
		}
		if r, err := own.Run(t.Context(), build.Command{Log: sleeping.Log}); err == nil {
			t.Errorf("nothing is carried out: %+v", r)
		}
		select {
		case err := <-lost:
			t.Fatalf("the other command has ended: %v", err)
		default:
		}
		c, _ := command(t, kill)
		if r, err := own.Run(t.Context(), c); !errors.Is(err, build.ErrLost) {
			t.Errorf("%s: %+v, %v", kill, r, err)
		}
		if err := <-lost; !errors.Is(err, build.ErrLost) {
			t.Errorf("the command beside %s: %v", kill, err)
		}
		if !gone(t, filepath.Join(dir, "pid")) {
			t.Errorf("%s: the command beside it still runs", kill)
		}
	}
	own.Close()
	c, _ := command(t, "true")
	c.Status = ""
	if r, err := own.Run(t.Context(), c); err != nil || !r.Green() {
		t.Errorf("after Close: %+v, %v", r, err)
	}
}

// TestZombies has commands leave processes behind that take no heed of being asked to end: in the
// end none of them is left, dead or alive.
func TestZombies(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("this system does not tell of its processes by files")
	}
	var own build.Supervisor
	c, dir := command(t, `echo $PPID >supervisor; sh -c 'trap "" TERM; while :; do sleep 0.1; done' & sleep 0.1`)
	for range 3 {
		if r, err := own.Run(t.Context(), c); err != nil || !r.Green() {
			t.Fatal(r, err)
		}
	}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	parent := strings.TrimSpace(read(t, filepath.Join(dir, "supervisor")))
	for _, path := range all {
		stat, _ := os.ReadFile(path)
		if f := strings.Fields(string(stat)); len(f) > 3 && f[3] == parent {
			t.Errorf("left behind: %s", stat)
		}
	}
	own.Close()
	if pid, _ := strconv.Atoi(parent); syscall.Kill(pid, 0) == nil {
		t.Error("the supervisor is still there after Close")
	}
}

// TestManyOrders gives more of them than one process gets, several at a time.
func TestManyOrders(t *testing.T) {
	var own build.Supervisor
	defer own.Close()
	var mu sync.Mutex
	parents := map[string]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				c, dir := command(t, "echo $PPID >parent")
				if r, err := own.Run(t.Context(), c); err != nil || !r.Green() {
					t.Error(r, err)
					return
				}
				mu.Lock()
				parents[read(t, filepath.Join(dir, "parent"))] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(parents) != 2 {
		t.Errorf("400 commands have had %d supervisors", len(parents))
	}
}

// TestTooManyFiles has a supervisor that may not have the files of all commands at once: some are
// refused, and the others carried out.
func TestTooManyFiles(t *testing.T) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Skip("there is no program that changes the limits of another")
	}
	var own build.Supervisor
	defer own.Close()
	c, dir := command(t, "echo $PPID >parent")
	if _, err := own.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(prlimit, "--nofile=40:40", "--pid="+strings.TrimSpace(read(t, filepath.Join(dir, "parent")))).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	var mu sync.Mutex
	green, refused := 0, 0
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			c, dir := command(t, "sleep 1; echo done >done")
			hold, err := os.Create(filepath.Join(dir, "hold"))
			if err != nil {
				t.Error(err)
				return
			}
			defer hold.Close()
			c.Hold = hold
			r, err := own.Run(t.Context(), c)
			mu.Lock()
			defer mu.Unlock()
			switch _, done := os.Stat(filepath.Join(dir, "done")); {
			case err == nil && r.Green() && done == nil:
				green++
			case done == nil:
				t.Errorf("it has run: %+v, %v", r, err)
			case err != nil && strings.Contains(err.Error(), "more open files") || strings.Contains(r.Error, "too many open files"):
				refused++
			default:
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	wg.Wait()
	if green == 0 || refused == 0 {
		t.Errorf("%d commands are green and %d are refused", green, refused)
	}
	if r, err := own.Run(t.Context(), c); err != nil || !r.Green() {
		t.Errorf("afterwards: %+v, %v", r, err)
	}
}
