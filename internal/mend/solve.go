package mend

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/diagnosis"
	"srcmend/internal/event"
	"srcmend/internal/signature"
	"srcmend/internal/snapshot"
	"srcmend/internal/target"
	"srcmend/internal/tree"
)

// depth is how many errors may lie behind each other in one target.
const depth = 20

// serial has all made in the order that the makefile says, one after the other.
var serial = Change{What: "one job at a time", From: Known, Make: []string{"-j1"}, whole: true}

// solve looks for changes with which the target is made. nil are none.
func (j *job) solve(ctx context.Context) ([]Change, error) {
	key := j.target.Dir + "\x00" + j.target.Name
	alone, err := j.reproduce(ctx, j.parallel() && j.before[key] < 2)
	if err != nil {
		return nil, err
	}
	if !alone {
		return j.search(ctx, nil, j.red, j.log)
	}
	j.before[key]++
	j.spent++
	c := Change{What: "run it once more, since " + j.target.Name + " is made when it is made alone", From: Again}
	if j.before[key] == 2 {
		c = serial
	}
	j.tell(c, event.Helped, "another job was in its way", "")
	return []Change{c}, nil
}

// parallel reports whether several jobs may run at once.
func (j *job) parallel() bool {
	jobs := false
	for _, word := range slices.Concat(j.f.Argv, j.f.Env) {
		jobs = jobs || strings.HasPrefix(word, "-j") || strings.HasPrefix(word, "--jobs") || strings.HasPrefix(word, "MAKEFLAGS=") && strings.Contains(word, "j")
		jobs = jobs && word != "-j1"
	}
	return jobs || j.target.Ninja
}

// reproduce makes the target again as it is. What it says then is what is to be cured. alone
// says that it is made then; whether that may be is for the caller to say, since it may as
// well mean that a way leaves out what the build has set.
func (j *job) reproduce(ctx context.Context, may bool) (alone bool, err error) {
	want := j.red.Findings[0]
	for _, way := range j.target.Ways(j.f.Argv) {
		if err := j.restore(ctx); err != nil {
			return false, err
		}
		red, log, err := j.make(ctx, way, nil)
		switch {
		case err != nil:
			return false, err
		case red == nil && may && len(j.ways) == 0:
			return true, j.restore(ctx)
		case red == nil || red.Outcome != diagnosis.Failed || !same(red.Findings[0], want):
			continue
		}
		if len(j.ways) == 0 {
			j.red, j.log = *red, log
		}
		if j.ways = append(j.ways, way); !way.Exact {
			break // that will do for everything
		}
	}
	return false, j.restore(ctx)
}

// same reports whether two findings are of one error.
func same(a, b diagnosis.Finding) bool { return a.Signature == b.Signature && a.Symbol == b.Symbol }

// restore puts the tree back to what it was when the build failed.
func (j *job) restore(ctx context.Context) error {
	for _, k := range j.keepings() {
		s, err := snapshot.Open(k.into)
		if err != nil {
			return err
		}
		if err := s.Restore(ctx); err != nil {
			return err
		}
	}
	return nil
}

// search tries the remedies for an error, on top of changes that lead to it.
func (j *job) search(ctx context.Context, chain []Change, red diagnosis.Diagnosis, log string) ([]Change, error) {
	if len(chain) > 0 {
		if err := j.restore(ctx); err != nil {
			return nil, err
		}
		if ok, err := j.apply(ctx, chain); err != nil || !ok {
			return nil, err
		}
	}
	root := red.Findings[0]
	candidates, err := j.promising(ctx, red, log)
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 && tool(j.f.Argv) == toolMake && j.parallel() && early(root) {
		candidates = append(candidates, serial)
	}
	type lead struct { // changes that have led to another error
		chain []Change
		red   diagnosis.Diagnosis
		log   string
	}
	var ahead []lead
	for i, asked := 0, false; ; i++ {
		if i == len(candidates) && !asked {
			more, err := j.hunted(ctx, root)
			if err != nil {
				return nil, err
			}
			candidates, asked = append(candidates, more...), true
		}
		if i == len(candidates) {
			break
		}
		c := candidates[i]
		if ok, err := j.may(ctx, c); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		c.Cures = root
		try := append(slices.Clone(chain), c)
		now, nowLog, err := j.attempt(ctx, try)
		if err != nil {
			return nil, err
		}
		switch {
		case now == nil && c.omits && undeclared(nowLog):
			j.tell(c, event.NoHelp, "what it declares is used", nowLog)
		case now == nil:
			j.tell(c, event.Helped, "", nowLog)
			if try, err = j.complete(ctx, try, nowLog); err != nil {
				return nil, err
			}
			return try, j.settle(ctx, try)
		case now.Outcome != diagnosis.Failed || same(now.Findings[0], root):
			j.tell(c, event.NoHelp, "the same error", nowLog)
		case c.caused(now.Findings[0]):
			j.tell(c, event.NoHelp, "it leads to another error: "+now.Findings[0].Cause, nowLog)
		default:
			j.tell(c, event.Further, "another error now: "+now.Findings[0].Cause, nowLog)
			if c.From != Known && len(try) < depth { // to correct a source twice is better than a flag
				if found, err := j.search(ctx, try, *now, nowLog); err != nil || found != nil {
					return found, err
				}
				continue
			}
			ahead = append(ahead, lead{try, *now, nowLog})
		}
	}
	for _, l := range ahead {
		if len(l.chain) >= depth {
			break
		}
		if found, err := j.search(ctx, l.chain, l.red, l.log); err != nil || found != nil {
			return found, err
		}
	}
	return nil, nil
}

// absent is how programs say that something is not there.
var absent = regexp.MustCompile(`No such file|not found|[Cc]annot find|No rule to make|does not exist|file truncated|file format`)

// early reports whether an error may come of something that was not made yet.
func early(f diagnosis.Finding) bool {
	return f.Line == 0 || f.At < len(f.Excerpt) && absent.MatchString(f.Excerpt[f.At])
}

// besideRoot is how many findings are looked at.
const besideRoot = 4

// promising are the candidates for the root cause, and then those for what else is said of the
// same file: it may be that the root only follows from that.
func (j *job) promising(ctx context.Context, red diagnosis.Diagnosis, log string) ([]Change, error) {
	root := red.Findings[0]
	all, err := j.candidates(ctx, root, log)
	if err != nil || j.Only {
		return all, err
	}
	for _, other := range red.Findings[1:min(len(red.Findings), besideRoot)] {
		if other.Rank == signature.Secondary || path.Base(other.File) != path.Base(root.File) {
			continue
		}
		more, err := j.candidates(ctx, other, log)
		if err != nil {
			return nil, err
		}
		for _, c := range more {
			if !slices.ContainsFunc(all, func(k Change) bool { return k.What == c.What && k.Diff == c.Diff }) {
				all = append(all, c)
			}
		}
	}
	return all, nil
}

// may reports whether a change may be tried: if there is something left of the budget, and
// whoever is asked has nothing against it.
func (j *job) may(ctx context.Context, c Change) (bool, error) {
	if j.spent >= j.Budget.Attempts || j.Now().Sub(j.began) > j.Budget.Time {
		return false, errBudget
	}
	if j.Allow != nil {
		if ok, err := j.Allow(ctx, c); err != nil || !ok {
			return false, err
		}
	}
	j.spent++
	j.tried++
	return true, nil
}

// attempt puts changes into the tree as it was, and makes the target. now is what it says
// then, nil if it is made.
func (j *job) attempt(ctx context.Context, chain []Change) (now *diagnosis.Diagnosis, log string, err error) {
	if err := j.restore(ctx); err != nil {
		return nil, "", err
	}
	if ok, err := j.apply(ctx, chain); err != nil {
		return nil, "", err
	} else if !ok {
		return &diagnosis.Diagnosis{Outcome: diagnosis.Unknown}, "", nil
	}
	last := chain[len(chain)-1]
	way := j.way(chain)
	now, log, err = j.make(ctx, way, chain)
	if err != nil || now == nil || !last.Reaches && !j.links() {
		return now, log, err
	}
	// It may be that what is there was made without the change.
	j.removed = map[string]bool{}
	for _, again := range []struct {
		stale func(string) bool
		way   target.Way
	}{{j.removeNamed, j.remaking()}, {j.clean(ctx), j.remaking()}, {func(string) bool { return true }, j.whole}} {
		if now.Outcome == diagnosis.Failed && !j.stale(now.Findings[0]) || !again.stale(log) {
			continue
		}
		if now, log, err = j.make(ctx, again.way, chain); err != nil || now == nil {
			return now, log, err
		}
	}
	return now, log, nil
}

// stale reports whether an error may come from what was made before: it is the same, or of its
// kind where the target is linked, or something is missing that was removed.
func (j *job) stale(f diagnosis.Finding) bool {
	root := j.red.Findings[0]
	return same(f, root) || j.links() && f.Signature == root.Signature || j.removed[f.Symbol]
}

// way is how the target is made to see what a change does.
func (j *job) way(chain []Change) target.Way {
	if slices.ContainsFunc(chain, func(c Change) bool { return c.whole }) {
		return j.whole
	}
	for _, way := range j.ways {
		if !way.Exact || !j.links() && !slices.ContainsFunc(chain, func(c Change) bool { return !c.onlySources() }) {
			return way
		}
	}
	return j.whole
}

// remaking is a way that makes what the target needs as well.
func (j *job) remaking() target.Way {
	for _, way := range j.ways {
		if !way.Exact {
			return way
		}
	}
	return j.whole
}

// make makes the target; nil is green. What the failed command has begun to write there is
// removed first, for make takes it for made.
func (j *job) make(ctx context.Context, way target.Way, chain []Change) (*diagnosis.Diagnosis, string, error) {
	file, info, ok := j.product()
	ours := slices.ContainsFunc(chain, func(c Change) bool {
		return slices.ContainsFunc(c.Files, func(f tree.File) bool { return f.Name == file.name && file.root == j.t.Root() })
	})
	if ok && !ours && !way.Exact && !info.ModTime().Before(j.f.Started) && !j.f.Started.IsZero() {
		if err := file.remove(); err != nil {
			return nil, "", err
		}
	}
	j.wholly = slices.Equal(way.Argv, j.whole.Argv) && way.Dir == j.whole.Dir
	argv, env := With(chain, way.Argv, j.f.Env)
	r, log, err := j.run(ctx, argv, way.Dir, env)
	if err != nil || r.Green() {
		return nil, log, err
	}
	red, err := j.diagnose(log)
	return &red, log, err
}

// product is the file that is the target, if it is there.
func (j *job) product() (f made, info fs.FileInfo, ok bool) {
	if j.target.Name == "" {
		return made{}, nil, false
	}
	return j.made(filepath.Join(j.target.Dir, j.target.Name))
}

// links reports whether the target is made of what was made before.
func (j *job) links() bool {
	root := j.red.Findings[0]
	return root.Line == 0 || slices.Contains(productEndings, filepath.Ext(root.File))
}

// productEndings are those of what compilers make.
var productEndings = []string{".o", ".lo", ".a", ".la", ".so"}

// product is a word that can be the name of what a compiler made, or of one of an archive.
var product = regexp.MustCompile(`[\w./+@-]+\.(?:o|lo|a|la|so)\b`)

// removeNamed removes what the log names of the things that were made.
func (j *job) removeNamed(log string) bool {
	text, err := os.ReadFile(log)
	if err != nil {
		return false
	}
	found := false
	for _, name := range product.FindAllString(j.target.Command+"\n"+string(text), -1) {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(j.target.Dir, name)
		}
		f, _, ok := j.made(path)
		if !ok {
			continue
		}
		if f.remove() == nil {
			found, j.removed[name] = true, true
		}
		if object, ok := strings.CutSuffix(f.name, ".lo"); ok { // libtool's
			_ = f.root.Remove(object + ".o")
			_ = f.root.Remove(filepath.Join(filepath.Dir(f.name), ".libs", filepath.Base(object)+".o"))
		}
	}
	return found
}

// clean has make remove all that was made.
func (j *job) clean(ctx context.Context) func(string) bool {
	return func(string) bool {
		way := j.remaking()
		if tool(way.Argv) != toolMake {
			return false
		}
		r, _, err := j.run(ctx, []string{way.Argv[0], "clean"}, j.f.Dir, j.f.Env)
		return err == nil && r.Green()
	}
}

// settle leaves the tree as it was, with the changes and with nothing else that an attempt has
// done. Where that would be to configure once more, only the target goes, so that it is made
// by its own rule. What the failed command itself has made, run on with the changes, stays.
func (j *job) settle(ctx context.Context, chain []Change) error {
	if j.wholly {
		return nil
	}
	if slices.ContainsFunc(chain, func(c Change) bool { return len(c.Runs) > 0 || c.Reaches }) {
		if f, _, ok := j.product(); ok && slices.Contains(productEndings, filepath.Ext(f.name)) {
			return f.remove()
		}
		return nil
	}
	if err := j.restore(ctx); err != nil {
		return err
	}
	_, err := j.apply(ctx, chain)
	return err
}

// tell says what became of an attempt.
func (j *job) tell(c Change, outcome event.Helping, why, log string) {
	j.Events.Send(event.Attempted{Number: j.spent, What: c.What, From: string(c.From), Fix: c.Fix, Outcome: outcome, Why: why, Diff: c.Diff, Log: log})
}
