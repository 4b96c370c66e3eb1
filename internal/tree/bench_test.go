package tree

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkManyFiles changes one line in each of 5,000 files in 300 folders, and
// has GNU patch do the same to a copy. The metric is our processor time over that
// of GNU patch, which also has to read its patch; the tree's part should stay well
// below 1. Who comes second has it harder on some file systems, which look at
// all the files that were removed lately before they make a new one; so they
// take turns.
func BenchmarkManyFiles(b *testing.B) {
	program, err := exec.LookPath("patch")
	if err != nil {
		b.Skip("there is no patch program to compare with")
	}
	var ours, theirs time.Duration
	for oursFirst := true; b.Loop(); oursFirst = !oursFirst {
		b.StopTimer()
		dir := b.TempDir()
		names, diff := manyFiles(b, filepath.Join(dir, "ours"), filepath.Join(dir, "theirs"))
		syscall.Sync()
		runtime.GC()
		if !oursFirst {
			theirs += runPatch(b, program, filepath.Join(dir, "theirs"), diff)
		}
		before := processorTime(b, syscall.RUSAGE_SELF)
		b.StartTimer()
		check(b, changeAll(filepath.Join(dir, "ours"), names))
		b.StopTimer()
		ours += processorTime(b, syscall.RUSAGE_SELF) - before
		if oursFirst {
			theirs += runPatch(b, program, filepath.Join(dir, "theirs"), diff)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(ours)/float64(theirs), "cpu-x/patch")
	b.ReportMetric(float64(ours.Milliseconds())/float64(b.N), "cpu-ms/op")
}

// runPatch gives the processor time that GNU patch takes to apply a patch.
func runPatch(b *testing.B, program, dir string, diff []byte) time.Duration {
	before := processorTime(b, syscall.RUSAGE_CHILDREN)
	cmd := exec.Command(program, "-p1", "-s", "-N", "-t", "--no-backup-if-mismatch")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(diff)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return processorTime(b, syscall.RUSAGE_CHILDREN) - before
}

// processorTime is what a process has used, in the kernel and out of it.
func processorTime(b *testing.B, who int) time.Duration {
	var usage syscall.Rusage
	check(b, syscall.Getrusage(who, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// manyFiles writes the same 5,000 files into each folder, and gives their names
// and a patch that changes one line of each.
func manyFiles(b *testing.B, dirs ...string) (names []string, diff []byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 5000 {
		folder := i % 300
		name := fmt.Sprintf("d%d/e%d/f%d/file%d.c", folder%6, folder/6%10, folder/60, i)
		lines := make([][]byte, 60)
		for n := range lines {
			lines[n] = fmt.Appendf(nil, "line %d of file %d: %x\n", n+1, i, random.Uint32())
		}
		for _, dir := range dirs {
			path := filepath.Join(dir, name)
			check(b, os.MkdirAll(filepath.Dir(path), 0o755))
			check(b, os.WriteFile(path, bytes.Join(lines, nil), 0o644))
		}
		diff = fmt.Appendf(diff, "--- a/%s\n+++ b/%s\n@@ -1,4 +1,4 @@\n-%s+changed\n %s %s %s", name, name, lines[0], lines[1], lines[2], lines[3])
		names = append(names, name)
	}
	return names, diff
}

// changeAll is what a patch does to a tree, without the patch.
func changeAll(dir string, names []string) error {
	tree, err := Open(dir)
	if err != nil {
		return err
	}
	defer tree.Close()
	e := tree.Begin()
	for _, name := range names {
		f, err := tree.Read(name)
		if err != nil {
			return err
		}
		_, rest, _ := bytes.Cut(f.Data, []byte("\n"))
		f.Data = append([]byte("changed\n"), rest...)
		e.Write(f)
	}
	return e.Commit()
}
