package mend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"srcmend/internal/build"
	"srcmend/internal/diagnosis"
	"srcmend/internal/event"
	"srcmend/internal/header"
	"srcmend/internal/setup"
	"srcmend/internal/signature"
	"srcmend/internal/snapshot"
	"srcmend/internal/target"
	"srcmend/internal/tree"
)

// A Mender mends one tree, as often as its build fails.
type Mender struct {
	Top        string            // of the source tree, absolute
	Build      string            // the folder that is built in, where that is not in the tree; "" else
	Keep       string            // folder for the snapshot and the logs of attempts, outside of Top
	Hold       *os.File          // kept open as long as a command runs; may be nil
	Supervisor *build.Supervisor // runs the commands
	Catalogue  *signature.Catalogue
	Headers    *header.Table
	OS         string // as Go calls it
	// Fixes are what recipes know about an error in this tree; may be nil.
	Fixes func(context.Context, diagnosis.Finding) ([]Fix, error)
	// Hunt looks into upstream's history for what may cure an error, once all else was tried;
	// nil looks nowhere.
	Hunt func(context.Context, diagnosis.Finding) ([]Fix, error)
	// Only lets nothing be tried but fixes of recipes.
	Only bool
	// Allow is asked before a change is tried; nil allows everything.
	Allow  func(context.Context, Change) (bool, error)
	Budget Budget
	Events event.Sink
	Now    func() time.Time // nil is the real clock

	spent  int
	began  time.Time
	kept   []Change
	cured  map[string][]Change // by the target and its error
	failed []Change            // that helped there, and not in the build
	before map[string]int      // how often a target was made by itself
}

// A Budget bounds the work. Zero is the usual bound.
type Budget struct {
	Attempts int           // for all failures together; 40
	Time     time.Duration // of all attempts together; 20 minutes
}

// A Failure is a command of a build that has failed.
type Failure struct {
	Argv []string
	Dir  string   // absolute
	Env  []string // KEY=value, complete
	Log  string   // path; of its output
	// Started is when it was run: what it has begun to write is not whole.
	Started time.Time
}

// A Result is what became of a failure.
type Result struct {
	Mended  bool
	Changes []Change          // that were made; none if it was made again as it is
	Finding diagnosis.Finding // the root cause, if it is known
	Known   bool
	Why     string // not mended
	Capsule string // folder with what it takes to run the failed command by hand, if not mended
}

// errBudget says that enough was tried.
var errBudget = errors.New("enough was tried")

// Mend tries to cure a failure. The error is about srcmend's own work; whatever it says, the
// tree is as it was, or the next [Mender.Recover] puts it so.
func (m *Mender) Mend(ctx context.Context, f Failure) (Result, error) {
	m.begin()
	j, err := m.newJob(ctx, f)
	if err != nil {
		return Result{}, err
	}
	defer j.close()
	if j.red.Outcome != diagnosis.Failed {
		return Result{Why: "nothing is known about the error"}, nil
	}
	res := Result{Finding: j.red.Findings[0], Known: true}
	if j.Only {
		if fixes, err := j.fixes(ctx, res.Finding); err != nil || len(fixes) == 0 {
			res.Why = "no recipe has a fix"
			return res, err
		}
	}
	key := j.target.Dir + "\x00" + j.target.Name + "\x00" + res.Finding.Signature + "\x00" + res.Finding.Symbol
	if err := j.disappointed(key); err != nil {
		return res, err
	}
	if err := m.take(ctx); err != nil {
		return res, err
	}
	found, err := j.solve(ctx)
	switch {
	case errors.Is(err, errBudget):
		res.Why = err.Error()
	case err != nil:
		return res, errors.Join(err, m.undo())
	case found == nil:
		res.Why = "no remedy that is known helped"
		if j.tried == 0 {
			res.Why = "no remedy is known that could be tried"
		}
	default:
		res.Mended, res.Changes = true, found
		m.kept = append(m.kept, found...)
		m.cured[key] = found
		return res, m.drop()
	}
	if err := m.undo(); err != nil {
		return res, err
	}
	res.Capsule, err = j.capsule()
	return res, err
}

// disappointed takes back what had helped a target by itself, and not in the build: there the
// same error has come up again.
func (j *job) disappointed(key string) error {
	wrong := j.cured[key]
	if len(wrong) == 0 {
		return nil
	}
	delete(j.cured, key)
	j.failed = append(j.failed, wrong...)
	j.kept = slices.DeleteFunc(j.kept, func(c Change) bool {
		return slices.ContainsFunc(wrong, func(w Change) bool { return w.What == c.What && w.Diff == c.Diff })
	})
	for _, c := range wrong {
		j.tell(c, event.NoHelp, "in the build the same error has come up again", "")
	}
	return j.revert(wrong)
}

// Plan gives what would be tried first about a failure, and does nothing.
func (m *Mender) Plan(ctx context.Context, f Failure) ([]Change, error) {
	m.begin()
	j, err := m.newJob(ctx, f)
	if err != nil {
		return nil, err
	}
	defer j.close()
	if j.red.Outcome != diagnosis.Failed {
		return nil, nil
	}
	return j.promising(ctx, j.red, f.Log)
}

func (m *Mender) begin() {
	if m.Budget.Attempts == 0 {
		m.Budget.Attempts = 40
	}
	if m.Budget.Time == 0 {
		m.Budget.Time = 20 * time.Minute
	}
	if m.Now == nil {
		m.Now = time.Now
	}
	if m.began.IsZero() {
		m.began, m.before, m.cured = m.Now(), map[string]int{}, map[string][]Change{}
	}
}

// Kept are the changes that have mended what failed, in their order.
func (m *Mender) Kept() []Change { return m.kept }

// With gives a command and its environment with what changes add to them.
func With(changes []Change, argv, env []string) ([]string, []string) {
	argv = slices.Clone(argv)
	for _, c := range changes {
		switch tool(argv) {
		case toolMake:
			argv = append(argv, c.Make...)
			if c.Program != "" {
				argv[0] = c.Program
			}
		case toolConfigure:
			argv = append(argv, c.Configure...)
		}
		env = build.Merge(env, c.Env)
	}
	return argv, env
}

// The tools that take further arguments.
const (
	toolMake      = "make"
	toolConfigure = "configure"
)

// tool says what a command is, "" if it is neither of them.
func tool(argv []string) string {
	if len(argv) == 0 {
		return ""
	}
	switch name := filepath.Base(argv[0]); {
	case strings.HasSuffix(name, "make") && name != "cmake":
		return toolMake
	case name == "configure", name == "cmake" && !builds(argv), name == "meson" && !builds(argv):
		return toolConfigure
	case (name == "sh" || name == "bash") && len(argv) > 1 && filepath.Base(argv[1]) == "configure":
		return toolConfigure
	}
	return ""
}

// builds reports whether a command of cmake or meson is to build.
func builds(argv []string) bool {
	return len(argv) > 1 && slices.Contains([]string{"--build", "compile", "install", "--install", "test"}, argv[1])
}

// buildDir is the folder that a command builds in, where it is not the one that it runs in.
func buildDir(f Failure) string {
	for i, word := range f.Argv {
		if i+1 < len(f.Argv) && word == "--build" { // others say where they go
			if filepath.IsAbs(f.Argv[i+1]) {
				return filepath.Clean(f.Argv[i+1])
			}
			return filepath.Join(f.Dir, f.Argv[i+1])
		}
	}
	return f.Dir
}

// A keeping is a folder that is kept as it is, in a snapshot.
type keeping struct{ dir, into string }

// keepings are those of the source and of where it is built. The source goes first, since it
// must not be older than what was made of it.
func (m *Mender) keepings() []keeping {
	all := []keeping{{m.Top, m.snapshotDir()}}
	if m.Build != "" {
		all = append(all, keeping{m.Build, filepath.Join(m.Keep, "before-build")})
	}
	return all
}

// snapshotDir is where the tree is kept as it was.
func (m *Mender) snapshotDir() string { return filepath.Join(m.Keep, "before") }

// take keeps everything as it is.
func (m *Mender) take(ctx context.Context) error {
	if err := os.MkdirAll(m.Keep, 0o700); err != nil {
		return fmt.Errorf("making the folder that the tree is kept in: %w", err)
	}
	for _, k := range slices.Backward(m.keepings()) {
		if _, err := snapshot.Take(ctx, k.dir, k.into); err != nil {
			return err
		}
	}
	return nil
}

// undo puts everything back, even if all is to end.
func (m *Mender) undo() error {
	_, err := m.Recover(context.Background())
	return err
}

// Left reports whether an attempt in the tree has not come to its end: it is under way, or was
// killed.
func (m *Mender) Left() bool {
	return m.Keep != "" && slices.ContainsFunc(m.keepings(), func(k keeping) bool {
		_, err := snapshot.Open(k.into)
		return err == nil
	})
}

// Recover puts everything back if attempts were killed, and reports whether that was so.
func (m *Mender) Recover(ctx context.Context) (bool, error) {
	undone := false
	for _, k := range m.keepings() {
		s, err := snapshot.Open(k.into)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if err := snapshot.Remove(k.into); err != nil {
				return undone, err
			}
			continue
		case err != nil:
			return undone, err
		case s.Dir() != k.dir:
			return undone, fmt.Errorf("%s keeps what was in %s, which is not this tree", m.Keep, s.Dir())
		}
		if t, err := tree.Open(k.dir); err == nil { // ends what an edit has left
			_ = t.Close()
		}
		if err := s.Restore(ctx); err != nil {
			return undone, err
		}
		undone = true
	}
	return undone, m.drop()
}

// drop forgets everything as it was.
func (m *Mender) drop() error {
	for _, k := range m.keepings() {
		if err := snapshot.Remove(k.into); err != nil {
			return err
		}
	}
	return nil
}

// setup is how the build in a folder was configured.
func (m *Mender) setup(dir string) (setup.Setup, bool) {
	if rel, err := filepath.Rel(m.Build, dir); m.Build != "" && err == nil && filepath.IsLocal(rel) {
		return setup.Find(dir, m.Build)
	}
	return setup.Find(dir, m.Top)
}

// A job is one failure that is being mended.
type job struct {
	*Mender
	f       Failure
	red     diagnosis.Diagnosis // of the failed command, or of its target made alone
	log     string              // that red is of
	target  target.Target
	ways    []target.Way       // how it can be made again; the first has shown the same error
	whole   target.Way         // the command that failed
	more    *diagnosis.Finding // what a log beside the build says
	probed  string             // path of that log
	t       *tree.Tree
	built   *os.Root // the folder that is built in, where that is not in the tree
	tried   int
	logs    int
	removed map[string]bool // what was made before, by its name in the log, and is to be made anew
	wholly  bool            // what was made last is all that the failed command makes
}

func (m *Mender) newJob(ctx context.Context, f Failure) (*job, error) {
	f.Env = build.Merge(f.Env, speaking)
	j := &job{Mender: m, f: f, log: f.Log, whole: target.Way{Argv: f.Argv, Dir: f.Dir}}
	var err error
	if j.red, err = m.diagnose(f.Log); err != nil {
		return nil, err
	}
	j.besides()
	at := 1
	if len(j.red.Findings) > 0 {
		at = j.red.Findings[0].LogLine
	}
	log, err := os.Open(f.Log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	j.target = target.Read(log, at, buildDir(f))
	if j.t, err = tree.Open(m.Top); err != nil {
		return nil, err
	}
	if m.Build != "" {
		if j.built, err = os.OpenRoot(m.Build); err != nil {
			return nil, errors.Join(err, j.t.Close())
		}
	}
	j.locate(ctx)
	return j, nil
}

func (j *job) close() {
	_ = j.t.Close()
	if j.built != nil {
		_ = j.built.Close()
	}
}

// A made file is one that the build has made.
type made struct {
	root *os.Root
	name string // in that folder
}

// made finds a file by its path, if it is one that may be removed.
func (j *job) made(path string) (f made, info fs.FileInfo, ok bool) {
	for _, in := range []struct {
		dir  string
		root *os.Root
	}{{j.Top, j.t.Root()}, {j.Build, j.built}} {
		if rel, err := filepath.Rel(in.dir, path); in.root != nil && err == nil && filepath.IsLocal(rel) {
			info, err := in.root.Lstat(rel)
			return made{in.root, rel}, info, err == nil && info.Mode().IsRegular()
		}
	}
	return made{}, nil, false
}

func (f made) remove() error { return f.root.Remove(f.name) }

// diagnose says why a command failed.
func (m *Mender) diagnose(path string) (diagnosis.Diagnosis, error) {
	log, err := os.Open(path)
	if err != nil {
		return diagnosis.Diagnosis{}, err
	}
	defer log.Close()
	scan, err := m.Catalogue.Scan(log)
	return diagnosis.OfFailed(scan), err
}

// otherLog is the name of a log in what is said.
var otherLog = regexp.MustCompile(`[\w./-]+\.log\b`)

// besides looks into the log that configure has left beside the build, where that knows more
// about why it gave up.
func (j *job) besides() {
	if len(j.red.Findings) == 0 || tool(j.f.Argv) != toolConfigure && !j.red.Findings[0].Probed() {
		return
	}
	root := j.red.Findings[0]
	names := []string{"config.log"}
	if root.At < len(root.Excerpt) {
		names = append(names, otherLog.FindAllString(root.Excerpt[root.At], -1)...)
	}
	for _, name := range slices.Backward(names) {
		path := filepath.Join(j.f.Dir, name)
		if info, err := os.Lstat(path); filepath.IsAbs(name) || err != nil || !info.Mode().IsRegular() || info.ModTime().Before(j.f.Started.Add(-time.Second)) {
			continue
		}
		log, err := os.Open(path)
		if err != nil {
			continue
		}
		scan, err := j.Catalogue.Scan(log)
		_ = log.Close()
		if f, ok := diagnosis.Beside(scan); ok && err == nil {
			f.LogLine = root.LogLine
			j.more, j.probed = &f, path
			return
		}
	}
}

// said is what the log of the error says, as far as it is not too long.
func (j *job) said() string {
	f, err := os.Open(j.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 4<<20))
	return string(text)
}

// run runs a command, and gives the log of it.
func (j *job) run(ctx context.Context, argv []string, dir string, env []string) (build.Result, string, error) {
	j.logs++
	path := filepath.Join(j.Keep, fmt.Sprintf("%d.log", j.logs))
	log, err := os.Create(path)
	if err != nil {
		return build.Result{}, path, err
	}
	defer log.Close()
	r, err := j.Supervisor.Run(ctx, build.Command{Argv: argv, Dir: dir, Env: env, Log: log, Hold: j.Hold})
	return r, path, err
}

// speaking has compilers speak English, without colours, and say what to include.
var speaking = []string{"LC_ALL=C", "LANGUAGE=", "GCC_COLORS=", "GCC_EXTRA_DIAGNOSTIC_OUTPUT=fixits-v2", "CLICOLOR_FORCE=0"}
