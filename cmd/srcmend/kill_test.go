package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A world is a folder with a recipe, a server that has its archive, and a
// place to install to. Every run in it has the same paths, so that what is
// installed can be compared byte by byte.
type world struct {
	dir    string
	server *httptest.Server
	stall  atomic.Bool // the next download stops in the middle and stays there
	served atomic.Int64
}

// files of the package are many and small, so that unpacking and installing
// take long enough to be killed in.
const files = 3000

// hang makes a script stop once, for the test to kill it: it leaves a mark,
// and does not stop when it finds the mark.
const hang = `hang() {
	test -n "$MARKS" || return 0
	test -e "$MARKS/$1.now" || return 0
	rm "$MARKS/$1.now"
	: >"$MARKS/$1.here"
	sleep 600
}
`

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	for _, dir := range []string{"recipes", "marks"} {
		if err := os.Mkdir(filepath.Join(w.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	archive := packed(t)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.stall.CompareAndSwap(true, false) {
			rw.Header().Set("Content-Length", fmt.Sprint(len(archive)))
			n, _ := rw.Write(archive[:len(archive)/2])
			_ = http.NewResponseController(rw).Flush()
			w.served.Add(int64(n))
			<-r.Context().Done()
			return
		}
		http.ServeContent(rw, r, "big.tar.gz", time.Time{}, bytes.NewReader(archive))
	}))
	t.Cleanup(w.server.Close)
	recipe := fmt.Sprintf(`name: big
summary: many files, and a build that stops where the test wants it
releases:
  "1.0": {sha256: %x}
sources:
  - url: %s/big-{version}.tar.gz
build:
  configure: [sh, configure, "{prefix}"]
  make: [gmake, "-j{jobs}"]
  install: [gmake, install, "DESTDIR={destdir}"]
  env: {MARKS: %s/marks, GORACE: atexit_sleep_ms=0}
`, sha256.Sum256(archive), w.server.URL, w.dir)
	if err := os.WriteFile(filepath.Join(w.dir, "recipes/big.yaml"), []byte(recipe), 0o644); err != nil {
		t.Fatal(err)
	}
	return w
}

// packed is the archive of the package.
func packed(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	out := tar.NewWriter(zip)
	random := rand.New(rand.NewPCG(1, 2))
	add := func(name, text string) {
		h := &tar.Header{Name: "big-1.0/" + name, Mode: 0o644, Size: int64(len(text)), ModTime: time.Unix(1_500_000_000, 0), Typeflag: tar.TypeReg}
		if err := out.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	add("configure", hang+"prefix=$1\nhang configure\necho \"prefix = $prefix\" >config.mk\n")
	add("Makefile", `include config.mk
all: big
big: a.o b.o
	. ./hang.sh; $(CC) -o big.tmp a.o b.o; hang link; mv big.tmp big
a.o b.o: hang.sh
	echo half written >$@; . ./hang.sh; hang compile; $(CC) -c $(@:.o=.c) -o $@
install: all
	mkdir -p $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share
	cp big $(DESTDIR)$(prefix)/bin/big
	. ./hang.sh; hang install
	cp -R data $(DESTDIR)$(prefix)/share/data
`)
	add("hang.sh", hang)
	add("a.c", "int b(void);\nint main(void) { return b(); }\n")
	add("b.c", "int b(void) { return 0; }\n")
	for i := range files {
		add(fmt.Sprintf("data/%04d", i), fmt.Sprintf("%x\n", random.Uint64()))
	}
	if err := errors.Join(out.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// command is srcmend build in this world.
func (w *world) command() *exec.Cmd {
	cmd := exec.Command("srcmend", "build", "big", "--prefix", filepath.Join(w.dir, "opt"), "--jobs", "2")
	cmd.Env = append(os.Environ(),
		"HOME="+w.dir, "XDG_CACHE_HOME="+filepath.Join(w.dir, "cache"), "XDG_STATE_HOME="+filepath.Join(w.dir, "state"),
		"SRCMEND_RECIPES="+filepath.Join(w.dir, "recipes"), "GORACE=atexit_sleep_ms=0",
	)
	cmd.Dir = w.dir
	return cmd
}

// finish runs srcmend until it is done, and returns what it said.
func (w *world) finish(t *testing.T) string {
	t.Helper()
	out, err := w.command().CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// installed lists the installed tree.
func (w *world) installed(t *testing.T) string {
	t.Helper()
	listing, err := listTree(filepath.Join(w.dir, "opt"))
	if err != nil {
		t.Fatal(err)
	}
	return listing
}

// wipe removes all that runs have made.
func (w *world) wipe(t *testing.T) {
	t.Helper()
	for _, dir := range []string{"cache", "state", "opt"} {
		if err := os.RemoveAll(filepath.Join(w.dir, dir)); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) exists(name ...string) bool {
	_, err := os.Lstat(filepath.Join(append([]string{w.dir}, name...)...))
	return err == nil
}

// killWhen starts srcmend, kills it with kill -9 as soon as ready says so, and
// makes sure that it was not done.
func (w *world) killWhen(t *testing.T, ready func() bool) {
	t.Helper()
	cmd := w.command()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); !ready(); {
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("the moment to kill did not come\n%s", out.String())
		}
		time.Sleep(200 * time.Microsecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("it ended before it was killed: %v\n%s", err, out.String())
	}
}

// at arms the place in a script where it is to hang, and is ready when it
// does.
func (w *world) at(t *testing.T, place string) func() bool {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "marks", place+".now"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return func() bool { return w.exists("marks", place+".here") }
}

// TestKilled kills srcmend with kill -9 in every step. The next run must
// finish, and what it installs must be what an undisturbed run installs.
func TestKilled(t *testing.T) {
	w := newWorld(t)
	w.finish(t)
	want := w.installed(t)
	work := []string{"cache", "srcmend", "work", "big-1.0"}
	for _, test := range []struct {
		name  string
		ready func(t *testing.T) func() bool
		says  string // by the next run
	}{
		{"download", func(*testing.T) func() bool {
			w.stall.Store(true)
			before := w.served.Load()
			return func() bool { return w.served.Load() > before && !w.stall.Load() }
		}, "fetch      green"},
		{"unpack", func(*testing.T) func() bool {
			return func() bool {
				return w.exists(append(work, "unpacking", "data", "0100")...) || w.exists(append(work, "unpacking", "big-1.0", "data", "0100")...)
			}
		}, "unpack     green"},
		{"configure", func(t *testing.T) func() bool { return w.at(t, "configure") }, "starting anew"},
		{"compile", func(t *testing.T) func() bool { return w.at(t, "compile") }, "going on with make"},
		{"link", func(t *testing.T) func() bool { return w.at(t, "link") }, "going on with make"},
		{"install", func(t *testing.T) func() bool { return w.at(t, "install") }, "going on with install"},
		{"place", func(*testing.T) func() bool {
			return func() bool { return w.exists("opt", "share", "data", "0100") }
		}, "going on with install"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.wipe(t)
			w.killWhen(t, test.ready(t))
			if w.exists("opt", "share", "srcmend", "big.json") {
				t.Error("there is a receipt of what is not whole")
			}
			if out := w.finish(t); !strings.Contains(out, test.says) {
				t.Errorf("the next run does not say %q:\n%s", test.says, out)
			}
			if diff := cmp.Diff(want, w.installed(t)); diff != "" {
				t.Errorf("installed is something else (-undisturbed +after the kill)\n%s", diff)
			}
			if out := w.finish(t); !strings.Contains(out, "already installed") {
				t.Errorf("a third run has something to do:\n%s", out)
			}
		})
	}
}

// TestKilledWithAllItStarted kills srcmend and everything that it started at
// once, as a machine without power would. Half-written objects are in the
// tree then, and the next run must not trust it.
func TestKilledWithAllItStarted(t *testing.T) {
	w := newWorld(t)
	w.finish(t)
	want := w.installed(t)
	w.wipe(t)
	ready := w.at(t, "compile")
	w.killWhen(t, func() bool {
		if !ready() {
			return false
		}
		killDescendants(os.Getpid())
		return true
	})
	half := 0
	for _, name := range []string{"a.o", "b.o"} {
		if text, err := os.ReadFile(filepath.Join(w.dir, "cache/srcmend/work/big-1.0/source", name)); err == nil && string(text) == "half written\n" {
			half++
		}
	}
	if half == 0 {
		t.Fatal("no object is half written, so this test shows nothing")
	}
	if out := w.finish(t); !strings.Contains(out, "the last run was killed during make, so files may be half written; starting anew") {
		t.Errorf("the next run trusts the tree:\n%s", out)
	}
	if diff := cmp.Diff(want, w.installed(t)); diff != "" {
		t.Errorf("installed is something else (-undisturbed +after the kill)\n%s", diff)
	}
}

// killDescendants kills every process below pid.
func killDescendants(pid int) {
	stopped := map[int]bool{}
	for more := true; more; { // who is not stopped may have started others meanwhile
		more = false
		for _, p := range descendants(pid) {
			if !stopped[p] {
				_ = syscall.Kill(p, syscall.SIGSTOP) // so that nobody notices the others' end
				stopped[p], more = true, true
			}
		}
	}
	for p := range stopped {
		_ = syscall.Kill(p, syscall.SIGKILL)
	}
}

// descendants are the processes below pid, but for the one that lists them.
func descendants(pid int) []int {
	ps := exec.Command("sh", "-c", `ps -A -o pid=,ppid= || cat /proc/[0-9]*/stat | sed 's/ (.*) . / /'`)
	var out bytes.Buffer
	ps.Stdout = &out
	if ps.Run() != nil {
		return nil
	}
	children := map[int][]int{}
	for line := range strings.Lines(out.String()) {
		var child, parent int
		if n, _ := fmt.Sscan(line, &child, &parent); n == 2 && child != ps.Process.Pid {
			children[parent] = append(children[parent], child)
		}
	}
	var all func(int) []int
	all = func(p int) (found []int) {
		for _, c := range children[p] {
			found = append(append(found, c), all(c)...)
		}
		return found
	}
	return all(pid)
}

// TestKilledAnywhere kills at random moments, over and over, and then lets it
// finish.
func TestKilledAnywhere(t *testing.T) {
	w := newWorld(t)
	start := time.Now()
	w.finish(t)
	took := time.Since(start)
	want := w.installed(t)
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for range 3 {
		w.wipe(t)
		for range 6 {
			cmd := w.command()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(random.Int64N(int64(took))))
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		w.finish(t)
		if diff := cmp.Diff(want, w.installed(t)); diff != "" {
			t.Fatalf("installed is something else (-undisturbed +after the kills)\n%s", diff)
		}
	}
}

// TestInterrupted sends what Ctrl-C sends. All processes end in good order,
// the status says so, and the next run goes on.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	ready := w.at(t, "compile")
	cmd := w.command()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for !ready() {
		time.Sleep(time.Millisecond)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted || !strings.Contains(out.String(), "interrupted: big 1.0 was interrupted") {
		t.Errorf("it ended with %v\n%s", err, out.String())
	}
	if w.exists("cache/srcmend/work/big-1.0/source/a.o") && w.exists("cache/srcmend/work/big-1.0/source/b.o") {
		t.Error("make was not given the time to remove its half-made target")
	}
	if out := w.finish(t); !strings.Contains(out, "going on with make") {
		t.Errorf("the next run does not go on:\n%s", out)
	}
}

// TestTwoAtOnce builds the same package twice at the same time. One waits for
// the other, and then has nothing to do.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	a, b := w.command(), w.command()
	var outs [2]bytes.Buffer
	a.Stdout, a.Stderr, b.Stdout, b.Stderr = &outs[0], &outs[0], &outs[1], &outs[1]
	for _, cmd := range []*exec.Cmd{a, b} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(a.Wait(), b.Wait()); err != nil {
		t.Fatalf("%v\n%s\n%s", err, outs[0].String(), outs[1].String())
	}
	both := outs[0].String() + outs[1].String()
	if strings.Count(both, "big 1.0 is installed") != 1 || strings.Count(both, "already installed") != 1 {
		t.Errorf("the two said\n%s", both)
	}
}

// TestDiskFull builds where there is too little room: for the archive, for
// the tree, for what is installed. Each is said plainly, with a next step,
// and is over as soon as there is room.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	w := newWorld(t)
	for _, test := range []struct {
		name, on, size, says string
		status               int
	}{
		{"no room for the archive", "cache", "16k", "no space left on device", exitFailed},
		{"no room for the tree", "cache", "1m", "no space left on device", exitFailed},
		{"no room for what is installed", "opt", "400k", "no space left on device", exitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.wipe(t)
			small := filepath.Join(w.dir, test.on)
			if err := os.Mkdir(small, 0o755); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+test.size, "srcmend-test", small).CombinedOutput(); err != nil {
				t.Skipf("this machine does not mount: %v: %s", err, out)
			}
			mounted := true
			unmount := func() {
				if mounted {
					if out, err := exec.Command("umount", small).CombinedOutput(); err != nil {
						t.Errorf("%v: %s", err, out)
					}
					mounted = false
				}
			}
			defer unmount()
			out, err := w.command().CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != test.status ||
				!strings.Contains(strings.ToLower(string(out)), test.says) || !strings.Contains(string(out), "make room") {
				t.Errorf("it ended with %v\n%s", err, out)
			}
			if w.exists("opt", "share", "srcmend", "big.json") {
				t.Error("there is a receipt of what is not whole")
			}
			if test.on == "cache" && w.exists("opt") {
				t.Error("something was installed")
			}
			unmount()
			w.finish(t)
		})
	}
}
