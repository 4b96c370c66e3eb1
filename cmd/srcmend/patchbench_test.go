package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A patchLoad is a tree and patches for it, in the order in which they go in.
type patchLoad struct {
	files   map[string]string
	patches []string
	fails   bool // the last patch does not fit
}

// BenchmarkPatch puts patches into a tree with the program as it is shipped, by
// turns with its peers, each into a tree of its own. All are measured as whole
// processes: cpu-x/patch is the processor time as a multiple of that of GNU patch,
// which takes a process for each patch, and so for the others. A series goes in
// with a record of it, as quilt's does; GNU patch keeps none. Much of the time is the
// file system's, so it is measured on the disk and, where there is one, in a file
// system in memory.
func BenchmarkPatch(b *testing.B) {
	for _, c := range []struct {
		what string
		make func() patchLoad
	}{
		{"series", seriesLoad},
		{"manyfiles", manyFilesLoad},
		{"large/inplace", func() patchLoad { return largeLoad("", "") }},
		{"large/moved", func() patchLoad { return largeLoad(strings.Repeat("\tnew();\n", 137), "") }},
		{"large/conflict", func() patchLoad {
			return largeLoad("", "@@ -259990,3 +259990,3 @@\n \tnowhere();\n-\tcall(x);\n+\tcall(y);\n }\n")
		}},
	} {
		b.Run(c.what, func(b *testing.B) {
			l := c.make()
			program := built(b)
			for where, dir := range map[string]string{"disk": b.TempDir(), "memory": scratch(b)} {
				b.Run(where, func(b *testing.B) {
					for b.Loop() {
						l.compare(b, program, dir)
					}
				})
			}
		})
	}
}

// rounds is how often each program puts the same patches in; the medians count.
const rounds = 6

// compare runs all programs, each round in another order. No tree is removed before
// all is over: some file systems are slow to make files where others were just removed.
func (l patchLoad) compare(b *testing.B, program, dir string) {
	scripts := l.scripts(program)
	peers := slices.Sorted(maps.Keys(scripts))
	cpu := map[string][]float64{}
	l.writePatches(b, filepath.Join(dir, "patches"))
	for round := range rounds {
		run := func(script string) float64 {
			tree, err := os.MkdirTemp(dir, "tree")
			if err != nil {
				b.Fatal(err)
			}
			l.write(b, tree)
			syscall.Sync()
			cpu, _ := measured(b, tree, append(os.Environ(), "LC_ALL=C", "QUILT_PATCHES=../patches"), "sh", "-c", script)
			return cpu
		}
		for _, peer := range slices.Concat(peers[round%len(peers):], peers[:round%len(peers)]) {
			cpu[peer] = append(cpu[peer], run(scripts[peer]))
		}
	}
	gnu := median(cpu["patch"])
	b.ReportMetric(median(cpu["srcmend"])/gnu, "cpu-x/patch")
	b.ReportMetric(1000*gnu, "patch-cpu-ms")
	if cpu["git"] != nil {
		b.ReportMetric(median(cpu["git"])/gnu, "git-x/patch")
	}
	if cpu["quilt"] != nil {
		b.ReportMetric(median(cpu["srcmend"])/median(cpu["quilt"]), "cpu-x/quilt")
	}
}

// scripts says how each program puts the patches in, in the folder of a tree.
func (l patchLoad) scripts(program string) map[string]string {
	or := ""
	if l.fails {
		or = " || true"
	}
	scripts := map[string]string{
		"patch": "for p in $(cat ../patches/series); do patch -p1 -F0 -s -t -N -r - --no-backup-if-mismatch -i ../patches/$p >/dev/null" + or + "; done",
	}
	if len(l.patches) == 1 {
		scripts["srcmend"] = program + " patch -s -p1 -i ../patches/0.patch >/dev/null 2>&1" + or
		scripts["git"] = "git apply ../patches/0.patch 2>/dev/null" + or
		return scripts
	}
	scripts["srcmend"] = program + " patch -s --series ../patches/series"
	if _, err := exec.LookPath("quilt"); err == nil {
		scripts["quilt"] = "quilt --quiltrc - push -a -q >/dev/null"
	}
	return scripts
}

// scratch is a folder in memory, where the system has such.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "srcmend-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// write makes the tree.
func (l patchLoad) write(b *testing.B, dir string) {
	b.Helper()
	for name, text := range l.files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}

// writePatches makes the folder of patches.
func (l patchLoad) writePatches(b *testing.B, dir string) {
	b.Helper()
	files := map[string]string{}
	var names strings.Builder
	for i, text := range l.patches {
		files[fmt.Sprintf("%d.patch", i)] = text
		fmt.Fprintf(&names, "%d.patch\n", i)
	}
	files["series"] = names.String()
	patchLoad{files: files}.write(b, dir)
}

// source is the text of a file of some size.
func source(file, lines int) []string {
	text := make([]string, lines)
	for i := range text {
		text[i] = fmt.Sprintf("\tcall_%d(argument_%d, %d);\n", file, i*7919%100_000, i%50)
	}
	return text
}

// hunk changes one line of a text, with three lines of context.
func hunk(text []string, at int, change string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "@@ -%d,7 +%d,7 @@\n", at-2, at-2)
	for i, line := range text[at-3 : at+4] {
		if i == 3 {
			b.WriteString("-" + line + "+" + change)
		} else {
			b.WriteString(" " + line)
		}
	}
	return b.String()
}

// seriesLoad is like the series of a distribution: 100 patches of two or three
// hunks in one to four of 300 files, which several of them change.
func seriesLoad() patchLoad {
	const files, patches, lines = 300, 100, 600
	l := patchLoad{files: map[string]string{}}
	texts := make([][]string, files)
	name := func(i int) string { return fmt.Sprintf("lib%d/part%d/file%d.c", i%5, i%20, i) }
	for i := range texts {
		texts[i] = source(i, lines)
		l.files[name(i)] = strings.Join(texts[i], "")
	}
	for n := range patches {
		var p strings.Builder
		fmt.Fprintf(&p, "Description: change number %d\nForwarded: no\n\n", n)
		for k := range 1 + n%4 {
			i := (n*7 + k*31) % 60
			fmt.Fprintf(&p, "--- a/%s\n+++ b/%s\n", name(i), name(i))
			for h := range 2 + n%2 {
				at := 10 + (n*13+h*200)%(lines/3-20) + h*lines/3
				change := fmt.Sprintf("\tchanged_%d_%d();\n", n, h)
				p.WriteString(hunk(texts[i], at, change))
				texts[i][at] = change
			}
		}
		l.patches = append(l.patches, p.String())
	}
	return l
}

// manyFilesLoad is one patch that changes a line in each of 5,000 files.
func manyFilesLoad() patchLoad {
	l := patchLoad{files: map[string]string{}}
	var p strings.Builder
	for i := range 5000 {
		name := fmt.Sprintf("part%d/sub%d/module%d/file%d.c", i%7, i%30, i%300, i)
		text := source(i, 40)
		l.files[name] = strings.Join(text, "")
		fmt.Fprintf(&p, "--- a/%s\n+++ b/%s\n%s", name, name, hunk(text, 20, "\tchanged();\n"))
	}
	l.patches = []string{p.String()}
	return l
}

// largeLoad is one patch with 2,000 hunks for a file of 10 MB, which begins with
// other lines; another hunk may follow.
func largeLoad(first, last string) patchLoad {
	const lines, hunks = 360_000, 2000
	text := source(1, lines)
	var p strings.Builder
	p.WriteString("--- a/x\n+++ b/x\n")
	for i := range hunks {
		p.WriteString(hunk(text, 10+i*(lines-20)/hunks, "\tchanged();\n"))
	}
	return patchLoad{
		files:   map[string]string{"x": first + strings.Join(text, "")},
		patches: []string{p.String() + last}, fails: last != "",
	}
}
