package patch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processor is the processor time used so far, by this process or its children.
func processor(b *testing.B, who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLargeFile puts 2,000 hunks into a file of 10 MB, by turns with GNU
// patch: in place, moved by 137 lines, and with a last hunk that fits nowhere.
// cpu-x/patch is the processor time as a multiple of GNU patch's, whose start
// counts.
func BenchmarkLargeFile(b *testing.B) {
	const n, hunks = 260000, 2000
	var before, text strings.Builder
	for i := range n {
		fmt.Fprintf(&before, "\tcall(argument_%d, %d);\n", i*7919%n, i%50)
	}
	lines := strings.SplitAfter(before.String(), "\n")
	text.WriteString("--- a/x\n+++ b/x\n")
	for i := range hunks {
		at := 10 + i*(n-20)/hunks
		fmt.Fprintf(&text, "@@ -%d,7 +%d,7 @@\n", at, at)
		for j, line := range lines[at-1 : at+6] {
			if j == 3 {
				text.WriteString("-" + line + "+\tchanged();\n")
			} else {
				text.WriteString(" " + line)
			}
		}
	}
	bad := fmt.Sprintf("@@ -%d,3 +%d,3 @@\n \tnowhere();\n-\tcall(x);\n+\tcall(y);\n }\n", n-10, n-10)
	for _, c := range []struct{ what, file, text string }{
		{"inplace", before.String(), text.String()},
		{"moved", strings.Repeat("\tnew();\n", 137) + before.String(), text.String()},
		{"conflict", before.String(), text.String() + bad},
	} {
		b.Run(c.what, func(b *testing.B) {
			gnu := tool(b, "patch")
			var ours, theirs time.Duration
			for b.Loop() {
				tr := open(b, map[string]string{"x": c.file})
				start := processor(b, syscall.RUSAGE_SELF)
				_, err := parse(b, c.text).Apply(tr, Options{Strip: 1})
				ours += processor(b, syscall.RUSAGE_SELF) - start
				if (err != nil) != (c.what == "conflict") {
					b.Fatal(err)
				}
				check(b, os.WriteFile(filepath.Join(tr.Dir(), "x"), []byte(c.file), 0o644))
				start = processor(b, syscall.RUSAGE_CHILDREN)
				_, _ = run(b, tr.Dir(), []byte(c.text), gnu, "-p1", "-F0", "-s", "-t", "-N", "-r", "-", "--no-backup-if-mismatch")
				theirs += processor(b, syscall.RUSAGE_CHILDREN) - start
			}
			b.ReportMetric(float64(ours)/float64(theirs), "cpu-x/patch")
		})
	}
}
