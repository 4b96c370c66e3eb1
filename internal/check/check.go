package check

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/platform"
	"srcmend/internal/recipe"
	"srcmend/internal/tree"
	"srcmend/internal/upstream"
	"srcmend/internal/version"
)

// A Checker asks about the releases of one package.
type Checker struct {
	Recipe   *recipe.Recipe
	Platform platform.Platform
	// Patch gets the patch of a fix, as it is for one version.
	Patch func(ctx context.Context, f recipe.Fix, v version.Version) (*patch.Patch, error)
	// History is asked for twins, if it is not nil.
	History *upstream.History
}

// A Content is what a release is, as far as it is at hand.
type Content struct {
	patch.Source
	From From
	// Commit is the release in the upstream's history, nil if that is not known.
	Commit *gitrepo.Commit
	// Names gives the names of all files, to find one that has moved; it may be nil.
	Names func(yield func(name string) bool)
}

// A From says what was asked.
type From struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name,omitempty"`
}

// A Kind is a kind of source, the strongest first.
type Kind string

// The kinds of sources.
const (
	Tree    Kind = "tree"    // a folder
	Archive Kind = "archive" // the release's archive
	Git     Kind = "git"     // a tag of the upstream's repository
	Claim   Kind = "claim"   // nothing but the recipe's word
)

// A Release is what is known of one release.
type Release struct {
	Version string   `json:"version,omitempty"`
	From    From     `json:"from"`
	Fixes   []Answer `json:"fixes"`
}

// Needed counts the fixes that are needed here.
func (r Release) Needed() int {
	n := 0
	for _, a := range r.Fixes {
		if a.Needed {
			n++
		}
	}
	return n
}

// An Answer is about one fix and one release.
type Answer struct {
	Fix     string `json:"fix"`
	Summary string `json:"summary"`
	// Verdict is what the content says of the fix's patch; "" if there is no patch, or
	// no content that could be asked.
	Verdict patch.Verdict `json:"verdict,omitempty"`
	// Why says what the verdict rests on, or why there is none.
	Why string `json:"why,omitempty"`
	// Claimed says that the recipe's range holds this version.
	Claimed bool `json:"claimed"`
	// Disagrees says that claim and content contradict each other.
	Disagrees bool `json:"disagrees,omitempty"`
	// Here says that the fix is for this platform; Elsewhere why it is not.
	Here      bool   `json:"here"`
	Elsewhere string `json:"elsewhere,omitempty"`
	// Needed says that something has to be done about it here: by content where that
	// could be asked, otherwise by the claim.
	Needed bool `json:"needed"`
	// Set says that the fix is flags and environment, which a build sets by itself. It
	// is never needed.
	Set   bool   `json:"set,omitempty"`
	Mails []Mail `json:"mails,omitempty"`
	// Of an advisory: what to do, when, from which version on no more, and where more
	// is said.
	Advisory string   `json:"advisory,omitempty"`
	When     string   `json:"when,omitempty"`
	Fixed    string   `json:"fixed,omitempty"`
	Links    []string `json:"links,omitempty"`
}

// A Mail is what is known of one mail of a patch.
type Mail struct {
	Subject string        `json:"subject,omitempty"`
	ID      string        `json:"patch_id"`
	Verdict patch.Verdict `json:"verdict"`
	Why     string        `json:"why"`
	// Twin is the commit of the upstream that makes the same change, or takes it back.
	Twin string `json:"twin,omitempty"`
}

// Ask finds out which fixes a release needs. Without content it can only repeat what the
// recipe claims. The version may be the zero one if it is not known; then nothing is
// claimed.
func (c *Checker) Ask(ctx context.Context, v version.Version, content *Content) (Release, error) {
	r := Release{Version: v.String(), From: From{Kind: Claim, Name: path.Base(c.Recipe.File())}, Fixes: []Answer{}}
	if content != nil {
		r.From = content.From
	}
	for _, f := range c.Recipe.Fixes {
		a, err := c.answer(ctx, f, v, content)
		if err != nil {
			return r, fmt.Errorf("fix %s: %w", f.ID, err)
		}
		r.Fixes = append(r.Fixes, a)
	}
	return r, nil
}

// answer is Ask for one fix.
func (c *Checker) answer(ctx context.Context, f recipe.Fix, v version.Version, content *Content) (Answer, error) {
	a := Answer{Fix: f.ID, Summary: f.Summary, Advisory: f.Advisory, When: f.When, Fixed: f.Fixed, Links: f.Links}
	affected, err := version.ParseRange(c.Recipe.Versions.Scheme, f.Affects)
	if err != nil {
		return a, err
	}
	a.Claimed = v.String() != "" && affected.Contains(v)
	a.Here, a.Elsewhere = f.Where.Match(c.Platform)
	a.Needed = a.Claimed && a.Here
	switch {
	case len(f.Patch) == 0:
		a.Set = f.Advisory == ""
		a.Needed = a.Needed && !a.Set && f.When == ""
		return a, nil
	case content == nil:
		a.Why = "only the recipe says so"
		return a, nil
	}
	p, err := c.Patch(ctx, f, v)
	if ctx.Err() != nil {
		return a, ctx.Err()
	}
	if err != nil {
		a.Why = "the patch can't be had: " + err.Error()
		return a, nil
	}
	if err := c.judge(ctx, &a, p, content); err != nil {
		return a, err
	}
	if settled(a.Verdict) {
		a.Needed = a.Here && a.Verdict == patch.Needed
		a.Disagrees = v.String() != "" && a.Claimed != (a.Verdict == patch.Needed)
	}
	return a, nil
}

// settled reports whether a verdict says that the patch is needed or that it is not.
func settled(v patch.Verdict) bool {
	return v != "" && v != patch.Conflict && v != patch.Ambiguous
}

// judge asks the content, and where that is not enough the history.
func (c *Checker) judge(ctx context.Context, a *Answer, p *patch.Patch, content *Content) error {
	o := patch.Options{Strip: patch.ChooseStrip}
	_, report, err := p.Verdict(content, o)
	if errors.Is(err, tree.ErrRefused) || errors.Is(err, patch.ErrOptions) {
		a.Why = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	o.Strip = report.Strip
	mails := moved(p, report, content, o)
	for i := range report.Mails {
		m := &report.Mails[i]
		mail := Mail{Subject: m.Subject, ID: m.ID, Verdict: m.Verdict, Why: because(*m)}
		if mails != nil {
			mail.Verdict, mail.Why = mails[i].Verdict, mails[i].Why
		} else if m.Verdict == patch.Conflict {
			twin, err := c.twin(ctx, content, p, i, o)
			if err != nil {
				return err
			}
			if twin != nil {
				mail.Twin = twin.Commit.ID
				mail.Verdict, mail.Why = byTwin(twin, mail.Why)
			}
		}
		m.Verdict = mail.Verdict
		a.Mails = append(a.Mails, mail)
	}
	a.Verdict = report.Verdict()
	a.Why = why(a)
	return nil
}

// why is what the verdict comes from: the first mail of which it is the verdict, or that
// they contradict each other.
func why(a *Answer) string {
	for _, m := range a.Mails {
		if m.Verdict == a.Verdict {
			return m.Why
		}
	}
	var parts []string
	for i, m := range a.Mails {
		parts = append(parts, fmt.Sprintf("mail %d is %s", i+1, m.Verdict))
	}
	return strings.Join(parts, ", ")
}

// twin asks the history of a release. One that is cut off does not know.
func (c *Checker) twin(ctx context.Context, content *Content, p *patch.Patch, mail int, o patch.Options) (*upstream.Twin, error) {
	if c.History == nil || content.Commit == nil {
		return nil, nil
	}
	t, err := c.History.Twin(ctx, content.Commit, p, mail, o)
	if errors.Is(err, gitrepo.ErrNotHere) {
		return nil, nil
	}
	return t, err
}
