package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// timed is the time of a whole process with all that it has started: on the clock, and of
// processors.
func timed(b *testing.B, cmd *exec.Cmd) (wall, cpu time.Duration) {
	b.Helper()
	started := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%.2000s", err, out)
	}
	return time.Since(started), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// waited is how much time the cores of this machine had nothing to do, or waited for the disk, as the
// system counts it; zero where it does not say.
func waited() (sum time.Duration) {
	text, _ := os.ReadFile("/proc/stat")
	if f := strings.Fields(string(text)); len(f) > 5 && f[0] == "cpu" {
		for _, ticks := range f[4:6] {
			n, _ := strconv.Atoi(ticks)
			sum += time.Duration(n) * time.Second / 100
		}
	}
	return sum
}

// BenchmarkVerifyBuilds verifies packages that are built in a moment, and has xargs run the same
// commands, as many at a time. busy is the part of the cores' time in which they had something to do, used the part that
// the processes have used, wall-x/xargs the time on the clock as a multiple of that of xargs. It wants
// a quiet machine.
func BenchmarkVerifyBuilds(b *testing.B) {
	cores := runtime.NumCPU()
	for _, size := range []struct{ n, more int }{{50, 0}, {200, 0}, {60, 10}} {
		n := size.n
		b.Run(fmt.Sprintf("%d-of-%d-files", n, 2+size.more), func(b *testing.B) {
			s := newLongShelf(b, n, size.more, false)
			s.program = built(b)
			script := fmt.Sprintf(`cd %s && mkdir -p beside && cd beside && ls ../dist | sed 's/-1.0.tar.gz//' | xargs -P %d -I{} sh -c '
				mkdir {} && tar -xzf ../dist/{}-1.0.tar.gz -C {} && cd {}/{}-1.0 && make >../log 2>&1 &&
				make install DESTDIR=../stage PREFIX=/usr/local >>../log 2>&1 && cd ../.. && rm -rf {}'`, s.dir, cores)
			var ours, theirs, oursCPU, theirsCPU, oursIdle, theirsIdle time.Duration
			for b.Loop() {
				need(b, os.RemoveAll(filepath.Join(s.dir, "cache")))
				idle := waited()
				wall, cpu := timed(b, s.command(append([]string{"verify", "-j", fmt.Sprint(cores)}, s.packages...)...))
				ours, oursCPU, oursIdle = ours+wall, oursCPU+cpu, oursIdle+waited()-idle
				idle = waited()
				wall, cpu = timed(b, exec.Command("sh", "-c", script))
				theirs, theirsCPU, theirsIdle = theirs+wall, theirsCPU+cpu, theirsIdle+waited()-idle
			}
			part := func(d, of time.Duration) float64 { return float64(d) / float64(of) / float64(cores) }
			b.ReportMetric(1-part(oursIdle, ours), "busy")
			b.ReportMetric(1-part(theirsIdle, theirs), "busy-xargs")
			b.ReportMetric(part(oursCPU, ours), "used")
			b.ReportMetric(part(theirsCPU, theirs), "used-xargs")
			b.ReportMetric(float64(ours)/float64(theirs), "wall-x/xargs")
			b.ReportMetric(ours.Seconds()*1000/float64(b.N)/float64(n), "ms/build")
		})
	}
}

// BenchmarkVerifyPlan plans ten thousand cells, and what one changed patch among ten thousand
// recipes affects, as whole processes.
func BenchmarkVerifyPlan(b *testing.B) {
	report := func(b *testing.B, cmd func() *exec.Cmd) {
		b.Helper()
		var memory int64
		for b.Loop() {
			c := cmd()
			c.Stdout = io.Discard
			need(b, c.Run())
			if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
				memory = max(memory, usage.Maxrss*1024)
			}
		}
		b.ReportMetric(float64(memory)/1e6, "MB")
	}
	s := newShelf(b, 2000, true)
	s.program = built(b)
	b.Run("10000-cells", func(b *testing.B) {
		report(b, func() *exec.Cmd { return s.command("verify", "--plan") })
	})
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		cmd.Dir = s.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Skipf("git: %v\n%s", err, out)
		}
	}
	for i := 2000; i < 10000; i++ {
		s.add(b, fmt.Sprintf("p%05d", i), true)
	}
	git("init", "-q")
	git("add", "recipes")
	git("commit", "-qm", "one")
	s.write(b, "recipes/patches/p05000/signal-h.patch", []byte("--- a/one.c\n+++ b/one.c\n@@ -1,3 +1,4 @@\n #include <stdio.h>\n+#include <signal.h>\n #include <unistd.h>\n \n"))
	b.Run("since", func(b *testing.B) {
		report(b, func() *exec.Cmd { return s.command("verify", "--since", "HEAD", "--plan") })
	})
}
