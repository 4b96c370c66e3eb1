package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchFiles is how many C files the generated package has.
const benchFiles = 120

// benchMain is the file of it that has main.
const benchMain = "#include <signal.h>\nint main(void) { return SIGKILL == 0; }\n"

// BenchmarkOverhead builds one package by hand, as a person would type it, and
// by srcmend, in turn, and reports the ratio of the medians: srcmend/hand-cpu
// of the processor time of all processes, srcmend/hand-wall of the time on the
// clock. Unpacking and installing are in on both sides, and on srcmend's the
// checksum and the store.
func BenchmarkOverhead(b *testing.B) {
	const rounds = 5
	dir := b.TempDir()
	env := append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"),
		"XDG_STATE_HOME="+filepath.Join(dir, "state"), "SRCMEND_RECIPES="+filepath.Join(dir, "recipes"))
	archive := benchPackage(b, dir, benchMain)
	for b.Loop() {
		var hand, ours [2][]float64
		for range rounds {
			cpu, wall := handBuild(b, dir, env, archive)
			hand[0], hand[1] = append(hand[0], cpu), append(hand[1], wall)
			cpu, wall = measured(b, dir, env, "srcmend", "build", "many", "--prefix", filepath.Join(dir, "opt"))
			ours[0], ours[1] = append(ours[0], cpu), append(ours[1], wall)
			for _, gone := range []string{"opt", "hand"} {
				if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(median(ours[0])/median(hand[0]), "srcmend/hand-cpu")
		b.ReportMetric(median(ours[1])/median(hand[1]), "srcmend/hand-wall")
		b.ReportMetric(median(hand[0]), "hand-cpu-s")
	}
}

// BenchmarkMend builds a package that lacks an include in the file that is compiled last, and is
// mended, and the same package with that include, in turn. mended/clean-cpu is the ratio of the
// medians of the processor time of all processes. Starting anew would be up to 2.
func BenchmarkMend(b *testing.B) {
	const rounds = 3
	type way struct {
		dir  string
		env  []string
		cpus []float64
	}
	clean, broken := way{dir: b.TempDir()}, way{dir: b.TempDir()}
	benchPackage(b, clean.dir, benchMain)
	benchPackage(b, broken.dir, strings.TrimPrefix(benchMain, "#include <signal.h>\n"))
	for b.Loop() {
		for range rounds {
			for _, w := range []*way{&clean, &broken} {
				w.env = append(os.Environ(), "HOME="+w.dir, "XDG_CACHE_HOME="+filepath.Join(w.dir, "cache"),
					"XDG_STATE_HOME="+filepath.Join(w.dir, "state"), "SRCMEND_RECIPES="+filepath.Join(w.dir, "recipes"))
				cpu, _ := measured(b, w.dir, w.env, "srcmend", "build", "many", "--mend=auto", "--prefix", filepath.Join(w.dir, "opt"))
				w.cpus = append(w.cpus, cpu)
				if err := os.RemoveAll(filepath.Join(w.dir, "opt")); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(median(broken.cpus)/median(clean.cpus), "mended/clean-cpu")
		b.ReportMetric(median(clean.cpus), "clean-cpu-s")
	}
}

// BenchmarkRun makes the same package with gmake and with srcmend run -- gmake, in turn, and
// reports the ratio of the medians: run/make-cpu of the processor time of all processes,
// run/make-wall of the time on the clock.
func BenchmarkRun(b *testing.B) {
	const rounds = 3
	dir := b.TempDir()
	benchPackage(b, dir, benchMain)
	src := filepath.Join(dir, "many-1.0")
	gnumake := gmake(b)
	measured(b, src, os.Environ(), "sh", "configure", "--prefix=/opt")
	for b.Loop() {
		var plain, ours [2][]float64
		for range rounds {
			for _, way := range []struct {
				argv []string
				to   *[2][]float64
			}{{[]string{gnumake, "-j2"}, &plain}, {[]string{"srcmend", "run", "--", gnumake, "-j2"}, &ours}} {
				measured(b, src, os.Environ(), "sh", "-c", "rm -f *.o many")
				cpu, wall := measured(b, src, os.Environ(), way.argv...)
				way.to[0], way.to[1] = append(way.to[0], cpu), append(way.to[1], wall)
			}
		}
		b.ReportMetric(median(ours[0])/median(plain[0]), "run/make-cpu")
		b.ReportMetric(median(ours[1])/median(plain[1]), "run/make-wall")
		b.ReportMetric(median(plain[0]), "make-cpu-s")
	}
}

// gmake is GNU make by the name that it has here.
func gmake(b *testing.B) string {
	b.Helper()
	for _, name := range []string{"gmake", "make"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	b.Skip("GNU make is not installed")
	return ""
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// handBuild does what srcmend does, with tar, configure, make and cp.
func handBuild(b *testing.B, dir string, env []string, archive string) (cpu, wall float64) {
	b.Helper()
	hand := filepath.Join(dir, "hand")
	if err := os.Mkdir(hand, 0o755); err != nil {
		b.Fatal(err)
	}
	script := fmt.Sprintf(`set -e
tar -xzf %[1]s --strip-components=1
./configure --prefix=%[2]s/opt >log 2>&1
make -j2 >>log 2>&1
make install DESTDIR=%[2]s/hand/stage >>log 2>&1
mkdir -p %[2]s/opt
cp -a %[2]s/hand/stage%[2]s/opt/. %[2]s/opt/`, archive, dir)
	cpu, wall = measured(b, hand, env, "sh", "-c", script)
	if err := os.RemoveAll(filepath.Join(dir, "opt")); err != nil {
		b.Fatal(err)
	}
	return cpu, wall
}

// measured runs a command and returns the processor time of all its
// processes and the time on the clock, in seconds.
func measured(b *testing.B, dir string, env []string, argv ...string) (cpu, wall float64) {
	b.Helper()
	var before, after syscall.Rusage
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, env
	err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &before)
	start := time.Now()
	out, rerr := cmd.CombinedOutput()
	wall = time.Since(start).Seconds()
	if err = errors.Join(err, rerr, syscall.Getrusage(syscall.RUSAGE_CHILDREN, &after)); err != nil {
		b.Fatalf("%v: %v\n%s", argv, err, out)
	}
	seconds := func(r syscall.Rusage) float64 {
		return time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
	}
	return seconds(after) - seconds(before), wall
}

// benchPackage generates a package with a configure script that starts many
// small compilers, and a makefile that starts many larger ones. It returns the
// archive, which is in the store already. mainFile is compiled last.
func benchPackage(b *testing.B, dir, mainFile string) string {
	b.Helper()
	src := filepath.Join(dir, "many-1.0")
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	must(os.MkdirAll(src, 0o755))
	must(os.MkdirAll(filepath.Join(dir, "recipes"), 0o755))
	must(os.WriteFile(filepath.Join(src, "configure"), []byte(`#!/bin/sh
i=0
while test $i -lt 40; do
	echo "int main(void) { return $i; }" >conftest.c
	cc -o conftest conftest.c && echo "checking for $i... yes"
	i=$((i+1))
done
echo "prefix = ${1#--prefix=}" >config.mk
`), 0o755))
	var objects strings.Builder
	for i := range benchFiles {
		var c strings.Builder
		fmt.Fprintf(&c, "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n")
		for f := range 60 {
			fmt.Fprintf(&c, "int f%d_%d(int n, const char *s) { int t = 0; for (int i = 0; i < n; i++) { t += s[i %% 7] * %d; if (t > 1000) t = abs(t - (int)strlen(s)); } printf(\"%%d\\n\", t); return t; }\n", i, f, f+i)
		}
		must(os.WriteFile(filepath.Join(src, fmt.Sprintf("f%d.c", i)), []byte(c.String()), 0o644))
		fmt.Fprintf(&objects, " f%d.o", i)
	}
	must(os.WriteFile(filepath.Join(src, "main.c"), []byte(mainFile), 0o644))
	must(os.WriteFile(filepath.Join(src, "Makefile"), []byte(`include config.mk
CFLAGS = -O2
many:`+objects.String()+` main.o
	$(CC) -o many $^
install: many
	mkdir -p $(DESTDIR)$(prefix)/bin
	cp many $(DESTDIR)$(prefix)/bin/many
`), 0o644))
	archive := filepath.Join(dir, "many-1.0.tar.gz")
	out, err := exec.Command("tar", "-czf", archive, "-C", dir, "many-1.0").CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	sum, err := exec.Command("sh", "-c", "sha256sum "+archive+" 2>/dev/null || sha256 -q "+archive).Output()
	must(err)
	must(os.WriteFile(filepath.Join(dir, "recipes/many.yaml"), fmt.Appendf(nil, `name: many
summary: many files
releases:
  "1.0": {sha256: %s}
sources:
  - url: file://%s
build:
  configure: [./configure, "--prefix={prefix}"]
  make: [gmake, "-j2"]
  install: [gmake, install, "DESTDIR={destdir}"]
`, strings.Fields(string(sum))[0], archive), 0o644))
	return archive
}
