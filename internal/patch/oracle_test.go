package patch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAgainstHistory: what git says changed between two commits turns the files of
// the one into those of the other, and back, and the verdicts know which is which.
func TestAgainstHistory(t *testing.T) {
	for seed := range uint64(20) {
		f := newForge(seed)
		versions := []map[string]string{f.files()}
		versions = append(versions, f.changed(versions[0]))
		versions = append(versions, f.changed(versions[1]))
		dir := history(t, versions...)
		first, last := versions[0], versions[2]
		for _, argv := range [][]string{
			{"format-patch", "--stdout", "--binary", "--full-index", "-M", "-C", "--find-copies-harder"},
			{"format-patch", "--stdout", "--binary", "--no-renames", "-U1"},
			{"format-patch", "--stdout", "--binary", "-B", "-M", "-U0"},
			{"diff", "--binary", "-M", "-C"},
			{"diff", "--binary", "--no-prefix"},
		} {
			what := fmt.Sprintf("seed %d, git %s", seed, strings.Join(argv, " "))
			text := must(t, dir, append([]string{"git"}, append(argv, "HEAD~2")...)...)
			if strings.TrimSpace(text) == "" {
				continue
			}
			p, err := Parse(strings.NewReader(text))
			if err != nil {
				if !strings.Contains(text, "\ndiff ") && !strings.HasPrefix(text, "diff ") {
					continue // no file changed
				}
				t.Errorf("%s: %v", what, err)
				continue
			}
			o := Options{Strip: 1}
			if argv[len(argv)-1] == "--no-prefix" {
				o.Strip = 0
			}
			there(t, what, p, o, first, last)
			o.Reverse = true
			there(t, what+", reversed", p, o, last, first)
		}
	}
}

// there applies a patch to files, and holds the result against others.
func there(t *testing.T, what string, p *Patch, o Options, from, to map[string]string) {
	t.Helper()
	tr := open(t, from)
	dry := o
	dry.DryRun = true
	if _, err := p.Apply(tr, dry); err != nil {
		t.Errorf("%s: dry run: %v", what, err)
		return
	}
	if d := differ(read(t, tr.Dir()), from); d != "" {
		t.Errorf("%s: the dry run changed\n%s", what, d)
	}
	verdict, _, err := p.Verdict(tr, o)
	if err != nil || verdict != Needed && verdict != Ambiguous {
		t.Errorf("%s: the verdict before is %s, %v", what, verdict, err)
	}
	r, err := p.Apply(tr, o)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if r.MaxOffset() != 0 {
		t.Errorf("%s: offset %d", what, r.MaxOffset())
	}
	if d := differ(read(t, tr.Dir()), to); d != "" {
		t.Errorf("%s: differs from the commit:\n%s", what, d)
	}
}

// TestAgainstGNU: where the file has moved on, GNU patch without fuzz and this
// package find the same places, or both find none.
func TestAgainstGNU(t *testing.T) {
	tool(t, "diff")
	same, refused, apart := 0, 0, 0
	for seed := range uint64(400) {
		f := newForge(seed)
		before := f.text(5 + f.IntN(80))
		after := f.change(before, 1+f.IntN(5))
		moved := f.change(before, f.IntN(4))
		dir := t.TempDir()
		write(t, dir, map[string]string{"a/x": before, "b/x": after, "gnu/x": moved})
		text, _ := run(t, dir, nil, "diff", fmt.Sprintf("-U%d", 1+f.IntN(4)), "a/x", "b/x")
		if text == "" {
			continue
		}
		p := parse(t, text)
		tr := open(t, map[string]string{"x": moved})
		report, err := p.Apply(tr, Options{Strip: 1})
		gnuOut, gnuErr := run(t, filepath.Join(dir, "gnu"), []byte(text), "patch", "-p1", "-F0", "-N", "-t", "--verbose", "-r", "-", "--no-backup-if-mismatch")
		conflict := errors.As(err, new(*ConflictError))
		ours := read(t, tr.Dir())["x"]
		theirs, readErr := os.ReadFile(filepath.Join(dir, "gnu", "x"))
		check(t, readErr)
		switch {
		case err != nil && !conflict:
			t.Errorf("seed %d: %v", seed, err)
		case conflict && ours != moved:
			t.Errorf("seed %d: a conflict changed the file", seed)
		case conflict && gnuErr != nil:
			refused++
		case conflict:
			apart++ // GNU patch may put a hunk over the end of the one before it
			t.Logf("seed %d: GNU patch does it: %s\n%s\n%s", seed, err, gnuOut, text)
		case gnuErr != nil:
			t.Errorf("seed %d: GNU patch refuses what was done: %v, %+v", seed, gnuErr, report)
		case ours != string(theirs):
			t.Errorf("seed %d: results differ:\n%s%s\nours %q\nGNU %q", seed, text, gnuOut, ours, theirs)
		default:
			same++
		}
	}
	t.Logf("%d alike, %d refused by both, %d put by GNU patch only", same, refused, apart)
	if same < 100 || refused < 20 || apart > same/50 {
		t.Errorf("%d alike, %d refused by both, %d put by GNU patch only", same, refused, apart)
	}
}

// TestAgainstGitApply: in files whose lines are all different a hunk has one place
// at most, so that git's order of search does not matter. Then git apply and this
// package do the same.
func TestAgainstGitApply(t *testing.T) {
	same, refused := 0, 0
	for seed := range uint64(120) {
		f := newForge(seed + 5000)
		before := numbered(10 + f.IntN(60))
		after := unique(f, before, "after", 1+f.IntN(4))
		moved := unique(f, before, "moved", f.IntN(4))
		repo := filepath.Join(t.TempDir(), "repo")
		check(t, os.Mkdir(repo, 0o755))
		write(t, repo, map[string]string{"a/x": before, "b/x": after})
		text, _ := run(t, repo, nil, "git", "diff", "--no-index", "--no-prefix", fmt.Sprintf("-U%d", 1+f.IntN(3)), "a/x", "b/x")
		if text == "" {
			continue
		}
		tr := open(t, map[string]string{"x": moved})
		_, err := parse(t, text).Apply(tr, Options{Strip: 1})
		write(t, repo, map[string]string{"x": moved})
		_, gitErr := run(t, repo, []byte(text), "git", "apply", "-p1")
		ours, theirs := read(t, tr.Dir())["x"], read(t, repo)["x"]
		switch {
		case (err == nil) != (gitErr == nil):
			t.Errorf("seed %d: %v, git %v\n%s\non %q", seed, err, gitErr, text, moved)
		case ours != theirs:
			t.Errorf("seed %d: results differ:\n%s\nours %q\ngit %q", seed, text, ours, theirs)
		case err == nil:
			same++
		default:
			refused++
		}
	}
	t.Logf("%d alike, %d refused by both", same, refused)
	if same < 40 || refused < 10 {
		t.Errorf("%d alike, %d refused by both", same, refused)
	}
}

// unique changes a text so that no line is there twice.
func unique(f forge, text, word string, edits int) string {
	lines := slices.Collect(strings.Lines(text))
	for i := range edits {
		at := f.IntN(len(lines))
		end := min(len(lines), at+f.IntN(3))
		var added []string
		for j := range f.IntN(4) {
			added = append(added, fmt.Sprintf("%s %d.%d\n", word, i, j))
		}
		lines = slices.Replace(lines, at, end, added...)
		if len(lines) == 0 {
			lines = []string{word + "\n"}
		}
	}
	return strings.Join(lines, "")
}

// TestAnchorsAgainstGNU takes context away on one side of hunks, as a careless
// hand does, and moves the file.
func TestAnchorsAgainstGNU(t *testing.T) {
	tool(t, "diff")
	same, refused, apart := 0, 0, 0
	for seed := range uint64(400) {
		f := newForge(seed + 1000)
		before := f.text(5 + f.IntN(30))
		after := f.change(before, 1+f.IntN(2))
		moved := before
		if f.IntN(2) == 0 {
			moved = f.change(before, 1+f.IntN(2))
		}
		dir := t.TempDir()
		write(t, dir, map[string]string{"a/x": before, "b/x": after, "gnu/x": moved})
		text, _ := run(t, dir, nil, "diff", fmt.Sprintf("-U%d", f.IntN(5)), "a/x", "b/x")
		if text == "" {
			continue
		}
		p := parse(t, text)
		for i := range p.Mails[0].Files[0].Hunks {
			p.Mails[0].Files[0].Hunks[i] = f.trim(p.Mails[0].Files[0].Hunks[i])
		}
		text = render(p.Mails[0].Files[0])
		p = parse(t, text)
		tr := open(t, map[string]string{"x": moved})
		_, err := p.Apply(tr, Options{Strip: 1})
		gnuOut, gnuErr := run(t, filepath.Join(dir, "gnu"), []byte(text), "patch", "-p1", "-F0", "-N", "-t", "--verbose", "-r", "-", "--no-backup-if-mismatch")
		ours, theirs := read(t, tr.Dir())["x"], read(t, filepath.Join(dir, "gnu"))["x"]
		bare := false // the hunk in conflict has no context
		if conflict := (*ConflictError)(nil); errors.As(err, &conflict) && conflict.Hunk > 0 {
			h := p.Mails[0].Files[0].Hunks[conflict.Hunk-1].pattern()
			bare = h.prefix+h.suffix == 0
		}
		switch {
		case err != nil && gnuErr != nil:
			refused++
		case bare:
			apart++ // GNU patch looks for hunks without context, too
		case err != nil || gnuErr != nil:
			t.Errorf("seed %d: %v, GNU patch %v\n%s\non %q", seed, err, gnuErr, text, moved)
		case ours != theirs:
			t.Errorf("seed %d: results differ:\n%s%s\nours %q\nGNU %q", seed, text, gnuOut, ours, theirs)
		default:
			same++
		}
	}
	t.Logf("%d alike, %d refused by both, %d put by GNU patch only", same, refused, apart)
	if same < 100 || refused < 20 {
		t.Errorf("%d alike, %d refused by both, %d put by GNU patch only", same, refused, apart)
	}
}

// trim takes context off one end of a hunk.
func (f forge) trim(h Hunk) Hunk {
	for range f.IntN(3) {
		if len(h.Body) > 1 && f.IntN(2) == 0 && h.Body[0].Op == Context {
			h.Body = h.Body[1:]
			h.OldStart, h.OldLines, h.NewStart, h.NewLines = h.OldStart+1, h.OldLines-1, h.NewStart+1, h.NewLines-1
		} else if last := len(h.Body) - 1; last > 0 && h.Body[last].Op == Context {
			h.Body = h.Body[:last]
			h.OldLines, h.NewLines = h.OldLines-1, h.NewLines-1
		}
	}
	if h.OldLines == 0 && h.OldStart > 0 {
		h.OldStart--
	}
	if h.NewLines == 0 && h.NewStart > 0 {
		h.NewStart--
	}
	return h
}

// render writes a change as diff would.
func render(f File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", f.OldName, f.NewName)
	for _, h := range f.Hunks {
		fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@ %s\n", h.OldStart, h.OldLines, h.NewStart, h.NewLines, h.Section)
		for _, line := range h.Body {
			fmt.Fprintf(&b, "%c%s", line.Op, line.Text)
			if !strings.HasSuffix(line.Text, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	return b.String()
}
