package patch

import (
	"fmt"
	"strings"
	"testing"
)

// gitIDs asks git for the ids of all mails in a text.
func gitIDs(t *testing.T, dir, text string) []string {
	t.Helper()
	out, err := run(t, dir, []byte(text), "git", "patch-id", "--stable")
	check(t, err)
	var ids []string
	for line := range strings.Lines(out) {
		ids = append(ids, strings.Fields(line)[0])
	}
	return ids
}

// TestIDsAgainstGit: random histories, written in every way git has.
func TestIDsAgainstGit(t *testing.T) {
	seen := 0
	for seed := range uint64(15) {
		f := newForge(seed)
		first := f.files("tab\there%d")
		second := f.changed(first)
		dir := history(t, first, second, f.changed(second))
		for _, argv := range [][]string{
			{"format-patch", "-q", "--stdout", "HEAD~2"},
			{"format-patch", "-q", "--stdout", "--binary", "--full-index", "-M", "-C", "--find-copies-harder", "HEAD~2"},
			{"format-patch", "-q", "--stdout", "--no-renames", "-U0", "--binary", "HEAD~2"},
			{"log", "-p", "-2", "--binary", "--reverse"},
			{"diff", "--binary", "HEAD~2", "HEAD"},
			{"diff", "--binary", "--no-prefix", "-U5", "HEAD~1", "HEAD"},
			{"diff", "--binary", "-R", "HEAD~1", "HEAD"},
		} {
			text := must(t, dir, append([]string{"git"}, argv...)...)
			want := gitIDs(t, dir, text)
			p, err := Parse(strings.NewReader(text))
			if err != nil {
				if len(want) > 0 && !strings.Contains(err.Error(), "git diff --binary") {
					t.Errorf("seed %d, git %s: %v", seed, strings.Join(argv, " "), err)
				}
				continue
			}
			if got := p.IDs(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("seed %d, git %s: ids %v, want %v", seed, strings.Join(argv, " "), got, want)
			}
			seen += len(want)
		}
	}
	if seen < 80 {
		t.Errorf("only %d ids were compared", seen)
	}
}

// TestKnownIDs pins what git 2.39 prints, so that the test above has a floor where
// git is not installed.
func TestKnownIDs(t *testing.T) {
	text := "diff --git a/x.c b/x.c\nindex 0123456..789abcd 100644\n--- a/x.c\n+++ b/x.c\n" +
		"@@ -1,3 +1,4 @@\n #include <unistd.h>\n+#include <signal.h>\n \n int main(void)\n"
	const want = "17e91bd5b974cede605f7bf93f0cbee77c852d72"
	got := parse(t, text).IDs()[0]
	if got != want {
		t.Errorf("id %s, want %s", got, want)
	}
	for what, other := range map[string]string{
		"line numbers": strings.ReplaceAll(text, "-1,3 +1,4", "-101,3 +117,4"),
		"white space":  strings.ReplaceAll(text, " int main(void)", "  int\tmain( void )"),
		"object ids":   strings.ReplaceAll(text, "0123456..789abcd", "1111111..2222222"),
		"message":      "From: somebody\nSubject: fix\n\nText.\n---\n x.c | 1 +\n\n" + text + "-- \n2.39.5\n",
		"section":      strings.ReplaceAll(text, "1,4 @@", "1,4 @@ int main"),
		"blank lost":   strings.ReplaceAll(text, "\n \n", "\n\n"),
		"mail's CRs":   strings.ReplaceAll(text, "\n", "\r\n"),
	} {
		if got := parse(t, other).IDs()[0]; got != want {
			t.Errorf("other %s: id %s, want %s", what, got, want)
		}
	}
	for what, other := range map[string]string{
		"added line": strings.ReplaceAll(text, "signal.h", "stdlib.h"),
		"context":    strings.ReplaceAll(text, "int main", "long main"),
		"name":       strings.ReplaceAll(text, "x.c", "y.c"),
	} {
		if got := parse(t, other).IDs()[0]; got == want {
			t.Errorf("another %s: the same id", what)
		}
	}
}

// TestPlainIDs: a diff without git's header has the id of the same change with
// one, and dates do not count.
func TestPlainIDs(t *testing.T) {
	body := "@@ -1 +1 @@\n-a\n+b\n"
	want := parse(t, "diff --git a/x b/x\n--- a/x\n+++ b/x\n"+body).IDs()[0]
	for _, head := range []string{
		"--- a/x\n+++ b/x\n",
		"--- a/x\t2018-11-23 12:00:00 +0000\n+++ b/x\t2019-01-05 13:00:00 +0000\n",
		"--- a/x 2018-11-23 12:00:00 +0000\n+++ b/x 2019-01-05 13:00:00 +0000\n",
		"+++ b/x\n",
	} {
		got := parse(t, head+body).IDs()[0]
		if (got == want) == strings.HasPrefix(head, "+++") { // the missing name is not "a/x"
			t.Errorf("%q: id %s, with git's header %s", head, got, want)
		}
	}
	p := parse(t, "diff -u a/x b/x\n--- a/x\n+++ b/x\n"+body)
	if p.IDs()[0] == want {
		t.Error("a line with diff before the names does not count, and for git it does")
	}
}
