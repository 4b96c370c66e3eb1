package check_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"srcmend/internal/check"
	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/upstream"
)

// cpu is the processor time used so far, by this process or by its children.
func cpu(b *testing.B, who int) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(who, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkTags asks about every tag of dovecot's repository, opening it included, in turns
// with a person's way: git show of the file, and a dry run of GNU patch. That says less: it
// knows neither single mails nor what is in already in another form, and asks no history.
//
// x/peer is the wall time and cpu-x/peer the processor time as a multiple of theirs; of
// them the start of their processes counts. s/all is the wall time of all tags, and peak-MB
// the most memory that this process had meanwhile, the test's own included, where the
// system tells.
func BenchmarkTags(b *testing.B) {
	for _, history := range []bool{false, true} {
		b.Run(fmt.Sprintf("history=%v", history), func(b *testing.B) {
			dir, mails := dovecot(b)
			gnu, err := exec.LookPath("patch")
			if err != nil {
				b.Skip("patch is not installed")
			}
			p := parse(b, mails)
			var wall, cpus [2]time.Duration
			var most float64
			rounds := 0
			for b.Loop() {
				rounds++
				debug.FreeOSMemory()
				forgetPeak()
				counted := [2]int{}
				for i, ask := range []func() int{
					func() int { return askTags(b, dir, p, history) },
					func() int { return askPeer(b, dir, gnu, mails) },
				} {
					who := []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN}[i]
					used, start := cpu(b, who), time.Now()
					counted[i] = ask()
					wall[i] += time.Since(start)
					cpus[i] += cpu(b, who) - used
					if i == 0 {
						most = max(most, peak())
					}
				}
				if counted[0] != counted[1] || counted[0] == 0 {
					b.Fatalf("needed by %d releases, and by %d when asked by hand", counted[0], counted[1])
				}
			}
			b.ReportMetric(float64(wall[0])/float64(wall[1]), "x/peer")
			b.ReportMetric(float64(cpus[0])/float64(cpus[1]), "cpu-x/peer")
			b.ReportMetric(wall[0].Seconds()/float64(rounds), "s/all")
			if most > 0 {
				b.ReportMetric(most, "peak-MB")
			}
		})
	}
}

// askTags counts the tags that need the patch.
func askTags(b *testing.B, dir string, p *patch.Patch, history bool) (needed int) {
	repo, err := gitrepo.Open(dir)
	must(b, err)
	defer repo.Close()
	c := dovecotAsker(b, repo, p)
	c.History = nil
	if history {
		c.History = upstream.New(repo)
	}
	tags, err := repo.Tags()
	must(b, err)
	for _, tag := range tags {
		commit, err := repo.Tag(tag)
		must(b, err)
		v, _ := c.Recipe.Tagged(tag)
		r, err := c.Ask(b.Context(), v, &check.Content{
			Source: commit, Commit: commit, From: check.From{Kind: check.Git, Name: tag},
			Names: func(yield func(string) bool) { must(b, commit.Walk(yield)) },
		})
		must(b, err)
		needed += r.Needed()
	}
	return needed
}

// askPeer counts the tags that have the file and into which the patch goes.
func askPeer(b *testing.B, dir, gnu, mails string) (fits int) {
	const file = "src/lib-master/test-event-stats.c"
	work := b.TempDir()
	name := filepath.Join(work, file)
	must(b, os.MkdirAll(filepath.Dir(name), 0o755))
	failed := func(err error) bool {
		if err != nil && !errors.As(err, new(*exec.ExitError)) {
			b.Fatal(err)
		}
		return err != nil
	}
	for tag := range strings.FieldsSeq(gitAt(b, dir, "", "tag")) {
		show := exec.Command("git", "show", tag+":"+file)
		show.Dir = dir
		text, err := show.Output()
		if failed(err) {
			continue
		}
		must(b, os.WriteFile(name, text, 0o644))
		try := exec.Command(gnu, "--dry-run", "--batch", "-N", "-F0", "-s", "-p1")
		try.Dir, try.Stdin = work, strings.NewReader(mails)
		if !failed(try.Run()) {
			fits++
		}
	}
	return fits
}

// forgetPeak makes Linux count the most memory that this process had anew.
func forgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peak is the most memory that this process had, in MB; 0 if the system does not tell.
func peak() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	var kb float64
	if _, err := fmt.Sscan(string(rest), &kb); err != nil {
		return 0
	}
	return kb / 1024
}
