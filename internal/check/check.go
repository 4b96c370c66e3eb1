package check

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
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

// Open counts the fixes for this platform of which nobody knows whether they are needed:
// content and history can't tell, and the recipe does not claim it.
func (r Release) Open() int {
	n := 0
	for _, a := range r.Fixes {
		if a.Open() {
			n++
		}
	}
	return n
}

// onlyClaimed is why there is no verdict where there was nothing to ask but the recipe.
const onlyClaimed = "only the recipe says so"

// OnlyClaimed reports whether there was nothing to ask but the recipe.
func (a Answer) OnlyClaimed() bool { return a.Why == onlyClaimed }

// Open reports whether nobody knows if the fix is needed here.
func (a Answer) Open() bool {
	return a.Here && !a.Needed && (a.Verdict == patch.Conflict || a.Verdict == patch.Ambiguous || a.Gone || a.Verdict == "" && a.Why != "" && a.Advisory == "" && !a.Set && !a.OnlyClaimed())
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
	// Gone says that the files are not there any more, and that nobody knows what became
	// of them: they may have other names now. That settles nothing.
	Gone bool `json:"gone,omitempty"`
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
		a.Why = onlyClaimed
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
	err = c.judge(ctx, &a, p, content)
	if errors.Is(err, gitrepo.ErrNotHere) {
		a.Verdict, a.Mails, a.Why = "", nil, err.Error()
		return a, nil
	}
	if err != nil {
		return a, err
	}
	if settled(a.Verdict) && !a.Gone {
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
		mail := Mail{Subject: subject(m.Subject), ID: m.ID, Verdict: m.Verdict, Why: because(*m)}
		if mails != nil {
			mail.Verdict, mail.Why = mails[i].Verdict, mails[i].Why
		} else if verdict, why := unshipped(p.Mails[i], m.Verdict, content, o); why != "" {
			mail.Verdict, mail.Why = verdict, why
		} else if err := c.ask(ctx, &mail, a, content, p, i, o); err != nil {
			return err
		}
		m.Verdict = mail.Verdict
		a.Mails = append(a.Mails, mail)
	}
	a.Verdict = report.Verdict()
	a.Why = why(a)
	return nil
}

// subject leaves out what mailing lists put before it.
func subject(s string) string { return strings.TrimSpace(brackets.ReplaceAllString(s, "")) }

var brackets = regexp.MustCompile(`^(?:\s*\[[^\]]*PATCH[^\]]*\])+`)

// ask asks the history about a mail, where the content can't tell: it fits neither way, or
// both; or its files are not there, and the recipe says that it is needed.
func (c *Checker) ask(ctx context.Context, mail *Mail, a *Answer, content *Content, p *patch.Patch, i int, o patch.Options) error {
	absent := mail.Verdict == patch.Absent && a.Claimed
	if c.History == nil || content.Commit == nil || mail.Verdict != patch.Conflict && mail.Verdict != patch.Ambiguous && !absent {
		return nil
	}
	own, err := isOf(content, p.Part(i), o)
	if err != nil || !own {
		return err
	}
	twin, err := c.History.Twin(ctx, content.Commit, p, i, o)
	switch {
	case errors.Is(err, gitrepo.ErrNotHere):
		mail.Why += "; the history is cut off, so whether it was put in before is not known"
	case err != nil:
		return err
	case twin != nil:
		mail.Twin = twin.Commit.ID
		mail.Verdict, mail.Why = byTwin(twin, mail.Why)
	case absent:
		existed, err := c.History.Existed(ctx, content.Commit, stripped(p.Part(i), o))
		if err != nil {
			return err
		}
		if a.Gone = existed; existed {
			mail.Why += " any more, and may have another name"
		}
	}
	return nil
}

// isOf reports whether the files of a patch are in a content what they are in its commit:
// a tree that was edited since has a history of its own.
func isOf(content *Content, p *patch.Patch, o patch.Options) (bool, error) {
	if content.From.Kind == Git {
		return true, nil
	}
	here, there := patch.NewDraft(content), patch.NewDraft(content.Commit)
	for _, name := range stripped(p, o) {
		same, err := here.Same(there, name)
		if err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// stripped lists the names of a patch in a tree.
func stripped(p *patch.Patch, o patch.Options) []string {
	var names []string
	for _, name := range p.Names() {
		if name, ok := patch.Strip(name, max(o.Strip, 0)); ok {
			names = append(names, name)
		}
	}
	return names
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
