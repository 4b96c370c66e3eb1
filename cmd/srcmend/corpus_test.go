package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"srcmend/internal/patch"
	"srcmend/internal/series"
	"srcmend/internal/tree"
)

// fewPackages are small source packages with many patches, for every run; the list
// in testdata/peers/packages is for make corpus.
var fewPackages = []string{"cron", "jq", "procmail", "procps", "unzip"}

// What the whole list must give; of a few packages a mirror may have only other
// versions, or none.
const (
	leastPackages = 70
	leastPatches  = 1500
)

// A tallied is what the packages have shown.
type tallied struct {
	program                string
	packages, patches      int
	needed, present, other int
	wrong                  []string
	ours, gnu, quilt       time.Duration // processor time of putting in
	quilted                int           // packages that quilt put in
}

// TestCorpus puts the patches of Debian source packages into their trees. The
// result must be that of dpkg-source, each patch must be needed before it is put in
// and present afterwards, and taken out again all of them must leave what was there
// before, to the byte and the mode.
func TestCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("not in short mode")
	}
	dpkg, err := exec.LookPath("dpkg-source")
	if err != nil {
		t.Skip("no dpkg-source here")
	}
	kept, names := os.Getenv(corpusVariable), fewPackages
	if kept != "" {
		text, err := os.ReadFile(filepath.Join("testdata", "peers", "packages"))
		need(t, err)
		names = strings.Fields(string(text))
	}
	if !filepath.IsAbs(kept) {
		kept = t.TempDir()
	}
	packages := newPackages(t, kept)
	sum := tallied{program: built(t)}
	for _, name := range names {
		dsc := packages.fetch(t, name)
		if dsc == "" {
			continue
		}
		t.Run(name, func(t *testing.T) { sum.one(t, dpkg, dsc) })
	}
	sum.settle(t, len(names) > leastPackages)
}

// settle says what was seen, and whether that is enough.
func (s *tallied) settle(t *testing.T, whole bool) {
	t.Logf("%d packages, %d patches; before: %d needed; after: %d present, %d neither; wrong: %d %q",
		s.packages, s.patches, s.needed, s.present, s.other, len(s.wrong), s.wrong)
	if s.gnu > 0 {
		t.Logf("processor time: ours %v, GNU patch %v (ratio %.2f)", s.ours, s.gnu, s.ours.Seconds()/s.gnu.Seconds())
	}
	if s.quilt > 0 {
		t.Logf("quilt %v for %d packages", s.quilt, s.quilted)
	}
	switch {
	case s.packages == 0 && os.Getenv("CI") == "true":
		t.Error("no package could be fetched, although this is CI")
	case s.packages == 0:
		t.Skip("no package can be fetched here")
	case whole && (s.packages < leastPackages || s.patches < leastPatches):
		t.Errorf("want at least %d packages and %d patches", leastPackages, leastPatches)
	}
	if len(s.wrong) > 0 || s.needed < s.patches || float64(s.present) < 0.997*float64(s.patches) {
		t.Errorf("verdicts are wrong, or there are too few: want all needed before, and 99.7 %% present after")
	}
}

// built is the program as it is shipped: the one the scripts run is this test, which
// takes longer to start.
func built(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "srcmend")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// packages fetches source packages with a state of apt's own.
type packages struct{ dir, config string }

// newPackages prepares apt-get for the archives that this machine has packages
// from.
func newPackages(t *testing.T, kept string) packages {
	t.Helper()
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		t.Skip("no apt-get here")
	}
	out, err := exec.Command(apt, "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages").Output()
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		t.Skipf("apt knows no archive: %v", err)
	}
	p := packages{dir: filepath.Join(kept, "sources"), config: filepath.Join(kept, "apt.conf")}
	state := filepath.Join(kept, "apt")
	for _, dir := range []string{p.dir, filepath.Join(state, "lists", "partial"), filepath.Join(state, "archives", "partial")} {
		need(t, os.MkdirAll(dir, 0o755))
	}
	var list strings.Builder
	for line := range strings.Lines(string(out)) {
		fmt.Fprintf(&list, "deb-src %s", line)
	}
	need(t, os.WriteFile(filepath.Join(state, "sources.list"), []byte(list.String()), 0o644))
	config := fmt.Sprintf("Dir::State \"%s\";\nDir::State::Lists \"%s/lists\";\nDir::Cache \"%s\";\nDir::Etc::SourceList \"%s/sources.list\";\nDir::Etc::SourceParts \"-\";\nAPT::Sandbox::User \"root\";\n", state, state, state, state)
	need(t, os.WriteFile(p.config, []byte(config), 0o644))
	if out, err := p.apt("update"); err != nil {
		t.Logf("the archives can't be asked: %v\n%s", err, out)
	}
	return p
}

// apt runs apt-get.
func (p packages) apt(args ...string) (string, error) {
	cmd := exec.Command("apt-get", append([]string{"-q", "-o", "Acquire::Retries=2"}, args...)...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "APT_CONFIG="+p.config, "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// fetch gives the path of a package's description, with all that belongs to it
// beside it, or "".
func (p packages) fetch(t *testing.T, name string) string {
	t.Helper()
	find := func() string {
		found, err := filepath.Glob(filepath.Join(p.dir, name+"_*.dsc"))
		need(t, err)
		if found == nil {
			return ""
		}
		return found[len(found)-1]
	}
	if dsc := find(); dsc != "" {
		return dsc
	}
	out, err := p.apt("source", "--download-only", "--only-source", name)
	if err != nil {
		t.Logf("%s can't be fetched: %v\n%s", name, err, out)
		// An index may name what its mirror has no more; an older one it has.
		out, err = p.apt("source", "--download-only", "--only-source", name+"/"+p.release(t))
	}
	if err != nil {
		t.Logf("%s can't be fetched: %v\n%s", name, err, out)
		for _, half := range must(filepath.Glob(filepath.Join(p.dir, name+"_*.dsc"))) {
			need(t, os.Remove(half))
		}
	}
	return find()
}

// release is the first release in the list of archives.
func (p packages) release(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(p.config), "apt", "sources.list"))
	need(t, err)
	return strings.Fields(string(text))[2]
}

// must gives a value whose error can't be.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// one tries one package.
func (s *tallied) one(t *testing.T, dpkg, dsc string) {
	dir := scratch(t)
	unpack := func(to string, options ...string) string {
		to = filepath.Join(dir, to)
		args := append(options, "--no-check", "-x", dsc, to)
		if out, err := exec.Command(dpkg, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return to
	}
	theirs, ours, gnu := unpack("theirs"), unpack("ours", "--skip-patches"), unpack("gnu", "--skip-patches")
	file := filepath.Join(ours, "debian", "patches", "series")
	if _, err := os.Stat(file); err != nil {
		t.Skip("it has no patches")
	}
	before := snapshot(t, ours)
	list, err := series.Read(file)
	need(t, err)
	s.packages++
	s.patches += len(list.Entries)
	s.judge(t, filepath.Base(dsc), gnu, list)

	s.ours += s.run(t, "patch", "-s", "-E", "-d", ours, "--series", file)
	alike(t, "dpkg-source's", contents(t, theirs), contents(t, ours))
	s.run(t, "patch", "-s", "-R", "-d", ours, "--series", file)
	alike(t, "what was there before", before, snapshot(t, ours))

	s.gnu += withGNU(t, gnu, list)
	if quilt, err := exec.LookPath("quilt"); err == nil {
		cmd := exec.Command(quilt, "--quiltrc", "-", "push", "-a", "-q")
		cmd.Dir, cmd.Env = ours, append(os.Environ(), "QUILT_PATCHES=debian/patches", "LC_ALL=C")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("quilt: %v: %.200s", err, out)
		}
		s.quilt += spent(cmd.ProcessState)
		s.quilted++
	}
}

// spent is the processor time of a command and what it started.
func spent(state *os.ProcessState) time.Duration { return state.UserTime() + state.SystemTime() }

// run runs the program, which must end well.
func (s *tallied) run(t *testing.T, args ...string) time.Duration {
	t.Helper()
	cmd := exec.Command(s.program, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return spent(cmd.ProcessState)
}

// withGNU puts a series in with a process for each patch, and dpkg-source's
// options.
func withGNU(t *testing.T, dir string, list *series.Series) (sum time.Duration) {
	t.Helper()
	for _, e := range list.Entries {
		cmd := exec.Command("patch", "-t", "-F", "0", "-N", "-p1", "-u", "-V", "never", "-E", "-s", "-i", filepath.Join(dir, "debian", "patches", e.Name))
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("GNU patch: %s: %v: %.200s", e.Name, err, out)
		}
		sum += spent(cmd.ProcessState)
	}
	return sum
}

// judge asks for the verdict on each patch before and after it is put in.
func (s *tallied) judge(t *testing.T, pkg, dir string, list *series.Series) {
	t.Helper()
	tr, err := tree.Open(dir)
	need(t, err)
	defer tr.Close()
	d := patch.NewDraft(tr)
	for _, e := range list.Entries {
		p, err := list.Patch(e)
		if errors.Is(err, patch.ErrNothing) {
			s.patches-- // no change, no verdict
			continue
		}
		need(t, err)
		o := patch.Options{Strip: e.Strip, RemoveEmpty: true}
		s.note(t, pkg, e.Name, d, p, o, true)
		_, err = d.Apply(p, o)
		need(t, err)
		s.note(t, pkg, e.Name, d, p, o, false)
	}
}

// note counts one verdict.
func (s *tallied) note(t *testing.T, pkg, name string, d *patch.Draft, p *patch.Patch, o patch.Options, before bool) {
	t.Helper()
	v, _, err := d.Verdict(p, o)
	need(t, err)
	switch {
	case before && v == patch.Needed:
		s.needed++
	case !before && v == patch.Present:
		s.present++
	case !before && v != patch.Needed && v != patch.Absent:
		s.other++
		t.Logf("%s: %s after it is put in", name, v)
	default:
		s.wrong = append(s.wrong, fmt.Sprintf("%s: %s: %s (before it is put in: %t)", pkg, name, v, before))
	}
}

// snapshot maps all names below dir to what is there, with modes.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	need(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what := info.Mode().String()
		switch {
		case d.Type().IsRegular():
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			what += " " + string(text)
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			what += " " + target
		}
		all[strings.TrimPrefix(path, dir)] = what
		return nil
	}))
	return all
}

// alike holds two trees against each other. Records of patches are left out.
func alike(t *testing.T, whose string, want, got map[string]string) {
	t.Helper()
	n := 0
	for name, what := range want {
		if strings.HasPrefix(strings.TrimPrefix(name, "/"), ".pc") || got[name] == what {
			continue
		}
		if n++; n < 10 {
			t.Errorf("%s is not as in %s tree: %.300q, want %.300q", name, whose, got[name], what)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok && !strings.HasPrefix(strings.TrimPrefix(name, "/"), ".pc") {
			t.Errorf("%s is not in %s tree", name, whose)
		}
	}
}
