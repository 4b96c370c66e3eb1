package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/check"
	"srcmend/internal/diagnosis"
	"srcmend/internal/event"
	"srcmend/internal/patch"
	"srcmend/internal/plan"
	"srcmend/internal/recipe"
	"srcmend/internal/signature"
)

// A Fault is something wrong, as a cell shows it. Where it stands in the recipe follows from its
// rule; see where.
type Fault struct {
	Rule      string   `json:"rule"`
	Warning   bool     `json:"warning,omitempty"` // the claim is true all the same
	Text      string   `json:"text"`
	Hint      string   `json:"hint,omitempty"`
	Index     int      `json:"index,omitempty"`     // of the source, or of the place of a patch
	Fix       string   `json:"fix,omitempty"`       // if it is not the cell's
	Signature string   `json:"signature,omitempty"` // that is wrong
	Excerpt   []string `json:"excerpt,omitempty"`
	At        int      `json:"at,omitempty"`
	Log       string   `json:"log,omitempty"`
}

// judgeVerdict holds what a release says of a patch against what the recipe does.
func judgeVerdict(res *Result, f recipe.Fix, a check.Answer) {
	res.Answer = &a
	res.Why = string(a.Verdict)
	says := fmt.Sprintf("%s: %s is %s", f.ID, res.Release, a.Verdict)
	want := ""
	if f.Proof != nil {
		want = f.Proof.Verdicts[res.Release]
	}
	fault := Fault{Text: says + ": " + a.Why}
	switch {
	case a.Verdict == "":
		res.Why = a.Why
		fault.Rule, fault.Text = "stale-patch", fmt.Sprintf("%s: %s can't tell: %s", f.ID, res.Release, a.Why)
	case a.Claimed && (a.Verdict == patch.Conflict || a.Verdict == patch.Ambiguous || a.Gone):
		fault.Rule, fault.Hint = "stale-patch", "make the patch anew for this release, or end the range before it"
	case a.Disagrees:
		fault.Rule = "wrong-range"
	case want != "" && want != string(a.Verdict):
		fault.Rule, fault.Hint = "wrong-verdict", "the recipe's table of verdicts says "+want
	default:
		return
	}
	res.Faults = append(res.Faults, fault)
}

// whole builds a release with all of its fixes, which has to be green, and its log without an
// error that is known.
func (v *Verifier) whole(ctx context.Context, res *Result) error {
	r, p, err := v.planned(res.Cell)
	if err != nil {
		return err
	}
	if _, known := v.Store.Made(res.with); !known || v.Fresh {
		if missing := v.missing(ctx, p.Needs); len(missing) > 0 {
			return fmt.Errorf("it needs packages that are not installed: %s (--install-needs installs them)", strings.Join(missing, " "))
		}
	}
	m, err := v.build(ctx, res, res.with, p, r.Verify.Check)
	if err != nil {
		return err
	}
	if m.Outcome == event.Green {
		return v.green(res, m)
	}
	res.Why = fmt.Sprintf("%s: %s", m.Step, m.Text)
	fault := Fault{Rule: "does-not-build", Text: fmt.Sprintf("%s: %s: %s", res.Release, m.Step, m.Text), Hint: m.Hint}
	root, log, err := v.root(res.with, m)
	if err != nil {
		return err
	}
	if root != nil {
		fault.Text += ": " + root.Cause
		fault.Excerpt, fault.At = root.Excerpt, root.At
		for _, f := range r.Fixes {
			for _, taken := range p.Fixes {
				if taken.ID == f.ID && f.Cures.Match(root.Signature, root.Case, root.Symbol) {
					fault.Rule, fault.Fix = "does-not-cure", f.ID
					fault.Text = fmt.Sprintf("%s is taken in %s, and the error that it cures is there all the same: %s", f.ID, res.Release, root.Cause)
				}
			}
		}
	}
	fault.Log = log
	res.Faults = append(res.Faults, fault)
	return nil
}

// missing gives the packages of those that are not installed; each is asked for once in a run.
func (v *Verifier) missing(ctx context.Context, needs []string) []string {
	v.asking.Lock()
	defer v.asking.Unlock()
	if v.installed == nil {
		v.installed = map[string]bool{}
	}
	var unknown []string
	for _, name := range needs {
		if _, known := v.installed[name]; !known {
			unknown = append(unknown, name)
		}
	}
	absent, known := v.Platform.Missing(ctx, unknown)
	if !known {
		return nil
	}
	for _, name := range unknown {
		v.installed[name] = !slices.Contains(absent, name)
	}
	return slices.DeleteFunc(slices.Clone(needs), func(name string) bool { return v.installed[name] })
}

// planned loads the recipe of a cell and plans its build, without some fixes.
func (v *Verifier) planned(c Cell, without ...string) (*recipe.Recipe, plan.Plan, error) {
	r, err := v.Recipes.Load(c.Package)
	if err != nil {
		return nil, plan.Plan{}, err
	}
	p, err := v.plan(r, v.Recipes, c.Release, without...)
	return r, p, err
}

// green reads the logs of a green build: the catalogue finds no cause of a failure there. What
// the package's own tests say is left out, since they may well try what fails.
func (v *Verifier) green(res *Result, m Made) error {
	res.Why = fmt.Sprintf("green, %s", count(len(m.Receipt.Files), "file"))
	told := map[string]bool{}
	for _, name := range m.Logs {
		if strings.HasPrefix(name, plan.Check) {
			continue
		}
		d, err := v.diagnose(res.with, name, diagnosis.OfFailed)
		if err != nil {
			return err
		}
		for _, f := range d.Findings {
			if f.Rank != signature.Cause || told[f.Signature] {
				continue
			}
			told[f.Signature] = true
			res.Faults = append(res.Faults, Fault{
				Rule: "false-match", Signature: f.Signature, Text: fmt.Sprintf("signature %s is found in the log of a build that is green", f.Signature),
				Hint:    "make the pattern tell the error from this line, and add the line to its proof, under misses",
				Excerpt: f.Excerpt, At: f.At, Log: v.Store.LogPath(res.with, name),
			})
		}
	}
	return nil
}

// fix builds a release without one of its fixes, which has to be red by the error that the fix
// cures; that it is green with it is known by then.
func (v *Verifier) fix(ctx context.Context, res *Result) error {
	r, with, err := v.planned(res.Cell)
	if err != nil {
		return err
	}
	f, err := fixOf(r, res.Fix)
	if err != nil {
		return err
	}
	if m, err := v.build(ctx, res, res.with, with, r.Verify.Check); err != nil {
		return err
	} else if m.Outcome != event.Green {
		return &skip{"the build is red with all fixes"}
	}
	without, err := v.plan(r, v.Recipes, res.Release, res.Fix)
	if err != nil {
		return err
	}
	m, err := v.build(ctx, res, res.without, without, false)
	if err != nil {
		return err
	}
	if m.Outcome == event.Green {
		res.Why = "green without it"
		res.Faults = append(res.Faults, Fault{
			Rule: "not-needed", Text: fmt.Sprintf("%s: %s is green without it on %s", f.ID, res.Release, v.Platform),
			Hint: "take it out; or say with affects: and where: which versions need it, on which systems",
		})
		return nil
	}
	root, log, err := v.root(res.without, m)
	if err != nil {
		return err
	}
	cured := f.Cures.Signature
	if f.Cures.Symbol != "" {
		cured += " (" + f.Cures.Symbol + ")"
	}
	if root != nil && f.Cures.Match(root.Signature, root.Case, root.Symbol) {
		res.Why = fmt.Sprintf("red without it, by %s; green with it", cured)
		return nil
	}
	fault := Fault{
		Rule: "other-error", Text: fmt.Sprintf("%s cures %s, and without it %s stops at something else: %s: %s", f.ID, cured, res.Release, m.Step, m.Text),
		Log: log,
	}
	if root != nil {
		is := root.Signature
		if root.Symbol != "" {
			is += " (" + root.Symbol + ")"
		}
		fault.Text = fmt.Sprintf("%s cures %s, and without it %s stops at %s: %s", f.ID, cured, res.Release, is, root.Cause)
		fault.Excerpt, fault.At = root.Excerpt, root.At
		fault.Hint = fmt.Sprintf("cures: {signature: %s, symbol: %s} would be right, if that is what it is for", root.Signature, root.Symbol)
	}
	res.Why = "red without it, but not by " + cured
	res.Faults = append(res.Faults, fault)
	return nil
}

// root is the root cause of a red build, nil if it is not known, and the log.
func (v *Verifier) root(key string, m Made) (*diagnosis.Finding, string, error) {
	if len(m.Logs) == 0 {
		return nil, "", nil
	}
	name := m.Logs[len(m.Logs)-1]
	d, err := v.diagnose(key, name, diagnosis.OfFailed)
	if err != nil {
		return nil, "", err
	}
	if len(d.Findings) == 0 {
		return nil, v.Store.LogPath(key, name), nil
	}
	return &d.Findings[0], v.Store.LogPath(key, name), nil
}

// diagnose reads a log of the store.
func (v *Verifier) diagnose(key, name string, of func(signature.Scan) diagnosis.Diagnosis) (diagnosis.Diagnosis, error) {
	cat, err := v.Catalogue()
	if err != nil {
		return diagnosis.Diagnosis{}, err
	}
	log, err := v.Store.Log(key, name)
	if err == nil {
		defer log.Close()
		var scan signature.Scan
		if scan, err = cat.Scan(log); err == nil {
			return of(scan), nil
		}
	}
	err = fmt.Errorf("the log that was kept of this build can't be read, and is forgotten; run the same command again: %w", err)
	return diagnosis.Diagnosis{}, errors.Join(err, v.Store.Forget(key))
}

// blame is the error of a build that is red by the machine's fault: that is no answer.
func (v *Verifier) blame(m Made, logs string) error {
	if m.Outcome == event.Green || len(m.Logs) == 0 {
		return nil
	}
	cat, err := v.Catalogue()
	if err != nil {
		return err
	}
	log, err := os.Open(filepath.Join(logs, m.Logs[len(m.Logs)-1]))
	if err != nil {
		return err
	}
	defer log.Close()
	scan, err := cat.Scan(log)
	if err != nil {
		return err
	}
	d := diagnosis.OfFailed(scan)
	if len(d.Findings) == 0 {
		return nil
	}
	root := d.Findings[0]
	if root.Rank == signature.Cause && len(root.Remedies) > 0 && root.Remedies[0].Kind == signature.Environment {
		return fmt.Errorf("%s failed by the machine's fault: %s", m.Step, root.Cause)
	}
	return nil
}
