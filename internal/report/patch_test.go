package report

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"srcmend/internal/patch"
)

// mailOf is a report of one mail about some files.
func mailOf(verdict patch.Verdict, files ...patch.FileReport) patch.Report {
	return patch.Report{Strip: 1, Mails: []patch.MailReport{{Verdict: verdict, Files: files}}}
}

func TestPatchText(t *testing.T) {
	at := func(number, offset, fuzz int) patch.HunkReport {
		return patch.HunkReport{Number: number, Asked: 10 * number, Found: 10*number + offset, Offset: offset, Fuzz: fuzz}
	}
	file := func(hunks ...patch.HunkReport) patch.FileReport {
		return patch.FileReport{Name: "x", Kind: patch.Modify, Hunks: hunks}
	}
	for _, c := range []struct {
		p    Patch
		want string
	}{
		{Patch{Name: "p", Verdict: patch.Needed, Applied: true, Report: mailOf(patch.Needed, file(at(1, 0, 0)))}, "p: put in\n  x: 1 hunk\n"},
		{Patch{Name: "p", Verdict: patch.Needed, Applied: true, DryRun: true, Reverse: true, Report: mailOf(patch.Needed)}, "p: would be taken out\n"},
		{Patch{Name: "p", Verdict: patch.Present, Reverse: true, Why: "nothing to do"}, "p: not in; nothing to do\n"},
		{Patch{Name: "p", Verdict: patch.Present, Why: "nothing to do", Twin: "q"}, "p: present; nothing to do; the same change as q\n"},
		{Patch{Name: "p", Verdict: patch.Needed, Repairs: []patch.Repair{{Line: 3, What: "it was bent"}}}, "p: needed\n  mended in line 3 of the patch: it was bent\n"},
		{Patch{Name: "p", Report: mailOf("", file(at(1, 4, 0), at(2, 4, 0)))}, "x: 2 hunks: with offset 4\n"},
		{Patch{Name: "p", Report: mailOf("", file(at(1, 0, 0), at(2, -1, 0), at(3, -1, 0), at(4, 7, 2)))}, "x: 4 hunks: 2 to 3 with offset -1; 4 at line 47 with offset 7, fuzz 2\n"},
		{Patch{Name: "p", Report: mailOf("", file(at(1, 501, 0)))}, "offset 501, so far away that it may be another place\n"},
		{Patch{Name: "p", Report: mailOf("", file(patch.HunkReport{Number: 1, Asked: 1, Found: 3, Offset: 2, Others: []int{9}}))}, "offset 2, would fit at line 9 too\n"},
		{Patch{Name: "p", Report: mailOf("", patch.FileReport{Name: "n", Kind: patch.Create, Hunks: []patch.HunkReport{at(1, 0, 0)}})}, "  n: new file\n"},
		{Patch{Name: "p", Report: mailOf("", patch.FileReport{Name: "n", Kind: patch.Delete})}, "  n: removed\n"},
		{Patch{Name: "p", Report: mailOf("", patch.FileReport{Name: "n", From: "m", Kind: patch.Rename})}, "  n: was m\n"},
		{Patch{Name: "p", Report: mailOf("", patch.FileReport{Name: "n", From: "m", Kind: patch.Copy})}, "  n: copy of m\n"},
		{Patch{Name: "p", Report: mailOf("", patch.FileReport{Name: "n", Kind: patch.Modify, Merged: true})}, "  n: merged by the base\n"},
		{Patch{Name: "p", Report: mailOf("", patch.FileReport{Name: "n", Kind: patch.Modify})}, "  n: changed\n"},
		{Patch{Name: "p", Verdict: patch.Superseded, Report: mailOf(patch.Superseded)}, "the lines it adds are there already"},
	} {
		var b strings.Builder
		if err := c.p.Text(&b, false); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("%q lacks %q", b.String(), c.want)
		}
	}
}

// TestPatchConflict: both sides are shown, and nothing of them reaches a terminal as
// more than text.
func TestPatchConflict(t *testing.T) {
	conflicts := patch.Conflicts{
		{File: "x\x1b[2J", Hunk: 2, PatchLine: 7, Line: 40, Near: 41, Why: "it is bent", Compared: []patch.Difference{
			{Op: patch.Context, Line: 36, Text: "far"},
			{Op: patch.Context, Line: 37, Text: "b"},
			{Op: patch.Context, Line: 38, Text: "c"},
			{Op: patch.Context, Line: 39, Text: "d"},
			{Op: patch.Remove, Text: "ours\x1b[31m"},
			{Op: patch.Add, Line: 40, Text: "theirs\u009b31m"},
			{Op: patch.Context, Line: 41, Text: "e"},
		}},
		{File: "y", PatchLine: 20, Why: "it is not there"},
	}
	p := Patch{Name: "p", Verdict: patch.Conflict, Report: patch.Report{Mails: []patch.MailReport{{Verdict: patch.Conflict, Conflicts: conflicts}}}}
	for _, quiet := range []bool{false, true} {
		var b strings.Builder
		if err := p.Text(&b, quiet); err != nil {
			t.Fatal(err)
		}
		want := "x: hunk 2 does not fit (line 7 of the patch, made for line 40 of the file)\n  it is bent\n" +
			"  where most of it is (- only the patch has, + only the file):\n" +
			"     37   b\n     38   c\n     39   d\n        - ours\n     40 + theirs31m\n     41   e\n" +
			"y: the change does not fit; it is not there\n"
		if !quiet {
			want = "p: conflict\n" + want
		}
		if b.String() != want {
			t.Errorf("quiet %t:\n%s\nwant\n%s", quiet, b.String(), want)
		}
	}
}

func TestPatchJSON(t *testing.T) {
	p := Patch{Event: "patch", Name: "p", Verdict: patch.Conflict, Repairs: []patch.Repair{{Line: 1, What: "bent"}}, Report: patch.Report{Mails: []patch.MailReport{{
		Verdict: patch.Conflict, ID: "0123", Conflicts: patch.Conflicts{{File: "x", Hunk: 1, Compared: []patch.Difference{{Op: patch.Remove, Text: "a"}}}},
	}}}}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"event":"patch"`, `"verdict":"conflict"`, `"repairs":[{"line":1,"what":"bent"}]`, `"patch_id":"0123"`, `"compared":[{"op":"-","text":"a"}]`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
}

// brokenPipe is a writer that nobody reads.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestPatchTextFails(t *testing.T) {
	if err := (Patch{Name: "p"}).Text(brokenPipe{}, false); err == nil {
		t.Error("what could not be written is not reported")
	}
}
