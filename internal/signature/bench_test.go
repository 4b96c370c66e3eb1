package signature

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// logSize is how large the log of BenchmarkDiagnose is, in bytes.
const logSize = 200 << 20

// BenchmarkDiagnose has the built program find out why a build failed, by a log of 200 MB
// made of what gmake and the compilers here really print, on one processor, and others
// search the same log in the same run. Of each, whole processes are counted: processor
// time, starting included. SRCMEND_LOG is a log to be taken instead, of a build that failed.
//
//	MB/s          of srcmend
//	peak-MB       of memory, of srcmend
//	x-grep        how many times as fast as grep -F with every plain text of the catalogue
//	x-rg          the same, ripgrep, if it is there
//	x-regexp      as Go's regexp, each pattern of the catalogue on each line, over 1 MB
//	x-spack       as Spack's log parser, if SRCMEND_SPACK is the folder of ctest_log_parser.py
func BenchmarkDiagnose(b *testing.B) {
	dir, log := b.TempDir(), os.Getenv("SRCMEND_LOG")
	if log == "" {
		log = filepath.Join(dir, "build.log")
		writeLog(b, dir, log)
	}
	info, err := os.Stat(log)
	if err != nil {
		b.Fatal(err)
	}
	size := float64(info.Size())
	srcmend := filepath.Join(dir, "srcmend")
	runIn(b, ".", "go", "build", "-o", srcmend, "srcmend/cmd/srcmend")
	c := shipped(b)
	pieces := filepath.Join(dir, "pieces")
	if err := os.WriteFile(pieces, []byte(strings.Join(c.gate.pieces, "\n")+"\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		ours, said := used(b, 3, []string{"GOMAXPROCS=1"}, srcmend, "diagnose", log)
		if !strings.Contains(said, "cause: ") {
			b.Fatalf("the cause is not found:\n%s", said)
		}
		b.ReportMetric(size/1e6/ours.seconds, "MB/s")
		b.ReportMetric(ours.peak, "peak-MB")
		b.ReportMetric(0, "ns/op")
		against := func(unit string, seconds float64) { b.ReportMetric(seconds/ours.seconds, unit) }
		grep, _ := used(b, 0, []string{"LC_ALL=C"}, "grep", "-c", "-F", "-f", pieces, log)
		against("x-grep", grep.seconds)
		if rg, err := exec.LookPath("rg"); err == nil {
			its, _ := used(b, 0, nil, rg, "-j1", "--no-config", "-c", "-F", "-f", pieces, log)
			against("x-rg", its.seconds)
		}
		against("x-regexp", oneByOne(b, c, log)*size)
		if spack := os.Getenv("SRCMEND_SPACK"); spack != "" {
			its, _ := used(b, 0, []string{"PYTHONPATH=" + spack}, "python3", "-c", "import sys; from ctest_log_parser import CTestLogParser as P; P().parse(sys.argv[1])", log)
			against("x-spack", its.seconds)
		}
	}
}

// A usage is what a process has used.
type usage struct{ seconds, peak float64 }

// used runs a program that ends with a certain status.
func used(b *testing.B, status int, env []string, argv ...string) (usage, string) {
	b.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != status {
		b.Fatalf("%v: %v\n%.2000s", argv, err, out)
	}
	const kilobytes = 1e3
	peak := float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / kilobytes
	return usage{(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak}, string(out)
}

// oneByOne tries every pattern on every line of the beginning of a log, and gives the
// processor time for a byte, in seconds.
func oneByOne(b *testing.B, c *Catalogue, log string) float64 {
	b.Helper()
	text := make([]byte, 1<<20)
	f, err := os.Open(log)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(text); err != nil {
		b.Fatal(err)
	}
	var all []*regexp.Regexp
	for _, s := range c.signatures {
		for i := range s.Match {
			all = append(all, s.Match[i].over.re())
		}
	}
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for line := range bytes.Lines(text) {
		for _, re := range all {
			re.Match(line)
		}
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	return float64(after.Utime.Nano()-before.Utime.Nano()+after.Stime.Nano()-before.Stime.Nano()) / 1e9 / float64(len(text))
}

// writeLog builds something real that fails at its end, and writes what is said of it; of
// what comes before the end, as often as it takes, with other names each time.
func writeLog(b *testing.B, dir, log string) {
	b.Helper()
	src := filepath.Join(dir, "src")
	var objects []string
	for i := range 40 {
		writeFile(b, filepath.Join(src, fmt.Sprintf("lib/unit%d.c", i)), fmt.Sprintf(`#include <stdio.h>
#include <string.h>
struct buffer { char *data; size_t used, size; };
static int error_%[1]d(int code) { printf("error: %%d\n", code); return code; }
int unit%[1]d_put(struct buffer *b, const char *text, int n)
{
	unsigned failed = 0; int undefined;
	if (n < b->size && failed >= 0)
		memcpy(b->data + b->used, text, n);
	switch (n) {
	case 1: b->used++;
	case 2: b->used++;
	}
	return strlen(text) == n;
}
`, i))
		objects = append(objects, fmt.Sprintf("unit%d.o", i))
	}
	writeFile(b, filepath.Join(src, "lib/Makefile"), "CFLAGS = -g -O2 -Wall -Wextra -Wconversion -DHAVE_CONFIG_H -I. -I../include -fPIC\nall: "+strings.Join(objects, " ")+"\n\tar cr libunit.a $^\n")
	writeFile(b, filepath.Join(src, "prog/main.c"), "#include <stdio.h>\nint main(void)\n{\n\treturn printf(\"%d\\n\", SIGKILL);\n}\n")
	writeFile(b, filepath.Join(src, "prog/Makefile"), "all: main.o\n")
	writeFile(b, filepath.Join(src, "Makefile"), "all:\n\t$(MAKE) -C lib\n\t$(MAKE) -C prog\n")
	out, err := exec.Command("env", "LC_ALL=C", "sh", "-c", "cd '"+src+"' && exec $(command -v gmake || command -v make) 2>&1").CombinedOutput()
	noise, end, found := bytes.Cut(out, []byte("ar cr"))
	if err == nil || !found || bytes.Count(noise, []byte("warning: ")) < 40 {
		b.Fatalf("the build did not fail as it should: %v\n%s", err, out)
	}
	f, err := os.Create(log)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for size, round := 0, 0; size+len(end) < logSize; round++ {
		n, err := f.Write(bytes.ReplaceAll(noise, []byte("unit"), fmt.Appendf(nil, "unit%d_", round)))
		if err != nil {
			b.Fatal(err)
		}
		size += n
	}
	if _, err := f.Write(append([]byte("ar cr"), end...)); err != nil {
		b.Fatal(err)
	}
}

// writeFile makes a file, and the folders that it lies in.
func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runIn runs a program in a folder.
func runIn(b *testing.B, dir string, argv ...string) {
	b.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", argv, err, out)
	}
}
