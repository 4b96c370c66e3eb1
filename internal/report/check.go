package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"srcmend/internal/check"
	"srcmend/internal/patch"
)

// A Check is what was found out about one release of a package, or about all.
type Check struct {
	Package    string          `json:"package"`
	Platform   string          `json:"platform"`
	All        bool            `json:"all"`
	Releases   []check.Release `json:"releases"` // in the order of their versions
	Summaries  []check.Summary `json:"summaries,omitempty"`
	SystemName string          `json:"system_name,omitempty"`
	System     *check.Release  `json:"system,omitempty"` // what is known of the system itself
}

// Needed counts what the package needs here. What is known of the system is told besides.
func (c Check) Needed() int {
	n := 0
	for _, r := range c.Releases {
		n += r.Needed()
	}
	return n
}

// Open counts what nobody knows about the package here.
func (c Check) Open() int {
	n := 0
	for _, r := range c.Releases {
		n += r.Open()
	}
	return n
}

// Text writes it for people.
func (c Check) Text(w io.Writer) error {
	var b strings.Builder
	if c.All {
		c.all(&b)
	} else {
		for _, r := range c.Releases {
			c.release(&b, r)
		}
	}
	if c.System != nil {
		c.advice(&b, c.SystemName+" "+c.System.Version, *c.System)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// release writes what is known of one release, and what to do.
func (c Check) release(b *strings.Builder, r check.Release) {
	name := c.Package + " " + r.Version
	if r.Version == "" {
		name = c.Package + ", version not known (--as " + c.Package + "@VERSION says it),"
	}
	fmt.Fprintf(b, "%s on %s, by %s\n", clean(name), clean(c.Platform), from(r.From))
	shown := 0
	for _, a := range r.Fixes {
		if a.Verdict != "" || a.Claimed && (a.Here || !a.Set) || a.Why != "" && !a.OnlyClaimed() {
			answer(b, a)
			shown++
		}
	}
	if shown == 0 {
		b.WriteString("  the recipe knows of no fix for it\n")
	}
	target := c.Package
	if r.Version != "" {
		target += "@" + r.Version
	}
	c.conclusion(b, r, target)
	if claims := count(r, func(a check.Answer) bool { return a.OnlyClaimed() && a.Claimed }); claims > 0 {
		fmt.Fprintf(b, "try: srcmend check %s --fetch, which asks the release itself\n", clean(target))
	}
}

// conclusion says what follows for who builds the release.
func (c Check) conclusion(b *strings.Builder, r check.Release, target string) {
	unfit := count(r, func(a check.Answer) bool {
		return a.Needed && (a.Verdict == patch.Conflict || a.Verdict == patch.Ambiguous || a.Gone)
	})
	fit := count(r, func(a check.Answer) bool { return a.Needed && a.Advisory == "" }) - unfit
	what, it := "builds it with", "that"
	if fit > 1 {
		it = "those"
	}
	if unfit > 0 {
		fmt.Fprintf(b, "%s needed here by the recipe, and %s not fit this release: make the patch anew for it\n", are(unfit, "fix"), map[bool]string{true: "does", false: "do"}[unfit == 1])
	}
	if fit > 0 {
		fmt.Fprintf(b, "%s needed here; srcmend build %s %s %s\n", are(fit, "fix"), clean(target), what, it)
	}
	if open := r.Open(); open > 0 {
		fmt.Fprintf(b, "whether %s needed here is not known\n", are(open, "fix"))
	} else if r.Needed() == 0 && count(r, set) > 0 {
		fmt.Fprintf(b, "no patch is needed here; srcmend build %s sets the flags\n", clean(target))
	} else if r.Needed() == 0 {
		b.WriteString("nothing is needed here\n")
	}
}

// set reports whether a fix is flags that a build sets by itself here.
func set(a check.Answer) bool { return a.Set && a.Claimed && a.Here }

// from names what was asked.
func from(f check.From) string {
	if f.Kind == check.Claim {
		return "nothing but what " + clean(f.Name) + " claims"
	}
	return clean(f.Name)
}

// count counts answers.
func count(r check.Release, is func(check.Answer) bool) int {
	n := 0
	for _, a := range r.Fixes {
		if is(a) {
			n++
		}
	}
	return n
}

// are is "1 fix is" or "2 fixes are".
func are(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ses are", n, what)
}

// answer writes what is known of one fix.
func answer(b *strings.Builder, a check.Answer) {
	const indent = "              "
	fmt.Fprintf(b, "  %-11s %s: %s\n", word(a), clean(a.Fix), clean(a.Summary))
	line := func(format string, args ...any) {
		b.WriteString(indent + clean(fmt.Sprintf(format, args...)) + "\n")
	}
	switch {
	case len(a.Mails) > 1:
		for i, m := range a.Mails {
			line("mail %d %s: %s, %s", i+1, quoted(m.Subject), m.Verdict, m.Why)
		}
	case a.Why != "":
		line("%s", a.Why)
	}
	if a.When != "" {
		line("%s:", a.When)
	}
	if a.Advisory != "" {
		line("%s", a.Advisory)
	}
	if a.Fixed != "" {
		line("fixed in %s", a.Fixed)
	}
	for _, link := range a.Links {
		line("%s", link)
	}
	switch {
	case a.Disagrees && a.Claimed:
		line("the recipe claims that this version needs it; the content says otherwise")
	case a.Disagrees:
		line("the recipe does not claim that this version needs it; the content says so")
	}
	if !a.Here {
		line("not for this platform: %s", a.Elsewhere)
	}
}

// word is the verdict, or what stands for it.
func word(a check.Answer) string {
	switch {
	case a.Verdict != "":
		return string(a.Verdict)
	case a.Advisory != "":
		return "advisory"
	case a.Set:
		return "set by build"
	}
	return "claimed"
}

// advice writes the advisories that matter now.
func (c Check) advice(b *strings.Builder, name string, r check.Release) {
	said := false
	for _, a := range r.Fixes {
		if !a.Needed {
			continue
		}
		if !said {
			fmt.Fprintf(b, "%s itself\n", clean(name))
			said = true
		}
		answer(b, a)
	}
}

// all writes for each fix what the releases say, those that say the same together.
func (c Check) all(b *strings.Builder) {
	fmt.Fprintf(b, "%s, %d releases, on %s\n", clean(c.Package), len(c.Releases), clean(c.Platform))
	for i, s := range c.Summaries {
		if len(c.Releases) == 0 {
			continue
		}
		first := c.Releases[0].Fixes[i]
		fmt.Fprintf(b, "%s: %s\n", clean(s.Fix), clean(first.Summary))
		if !first.Here {
			fmt.Fprintf(b, "  not for this platform: %s\n", clean(first.Elsewhere))
		}
		if first.Set {
			fmt.Fprintf(b, "  set by a build of %s\n", clean(s.Affects))
			continue
		}
		c.runs(b, i)
		conclude(b, s)
	}
}

// runs writes releases that say the same of one fix together.
func (c Check) runs(b *strings.Builder, fix int) {
	var runs [][]check.Release
	for i, r := range c.Releases {
		if i == 0 || word(c.Releases[i-1].Fixes[fix]) != word(r.Fixes[fix]) || c.Releases[i-1].Fixes[fix].Claimed != r.Fixes[fix].Claimed {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], r)
	}
	for _, run := range runs {
		versions, a := run[0].Version, run[0].Fixes[fix]
		if len(run) > 1 {
			versions = fmt.Sprintf("%s … %s (%d)", versions, run[len(run)-1].Version, len(run))
		}
		verdict, note := word(a), a.Why
		if a.OnlyClaimed() && !a.Claimed {
			verdict, note = "-", "only the recipe was asked: it does not need it"
		}
		if slices.ContainsFunc(run, func(r check.Release) bool { return r.Fixes[fix].Why != a.Why }) {
			note = "for example, " + note
		}
		if a.Disagrees {
			note += "; the recipe claims otherwise"
		}
		fmt.Fprintf(b, "  %-30s %-11s %s\n", clean(versions), verdict, clean(note))
	}
}

// conclude writes the range that follows.
func conclude(b *strings.Builder, s check.Summary) {
	if n := len(s.Unknown); n > 0 && !slices.Equal(s.Needed, s.Unknown) {
		fmt.Fprintf(b, "  %d could not tell, and the recipe was believed\n", n)
	}
	switch {
	case len(s.Wrong) > 0 && s.Affects == "":
		fmt.Fprintf(b, "  no release needs it; the recipe is wrong about %s\n", clean(strings.Join(s.Wrong, ", ")))
	case len(s.Wrong) > 0:
		fmt.Fprintf(b, "  affects: %q would be right; the recipe is wrong about %s\n", clean(s.Affects), clean(strings.Join(s.Wrong, ", ")))
	case s.Affects != "" && slices.Equal(s.Needed, s.Unknown):
		fmt.Fprintf(b, "  affects %s: only the recipe says so\n", clean(s.Affects))
	case s.Affects != "":
		fmt.Fprintf(b, "  affects %s\n", clean(s.Affects))
	}
}
