package series

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// short is entries in short: name, strip, R for reversed, @ and the line.
func short(entries []Entry) string {
	var all []string
	for _, e := range entries {
		reverse := ""
		if e.Reverse {
			reverse = "R"
		}
		all = append(all, fmt.Sprintf("%s %d%s@%d", e.Name, e.Strip, reverse, e.Line))
	}
	return strings.Join(all, ", ")
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"nothing", "", ""},
		{"blanks and comments", "\n \t\n# a.patch\n  #b.patch\n", ""},
		{"in order", "b.patch\na.patch\n", "b.patch 1@1, a.patch 1@2"},
		{"no newline at the end", "a.patch\nb.patch", "a.patch 1@1, b.patch 1@2"},
		{"carriage returns", "a.patch\r\n\r\nb.patch -p0\r\n", "a.patch 1@1, b.patch 0@3"},
		{"strips", "a -p0\nb -p1\nc -p2\nd -pab\n", "a 0@1, b 1@2, c 2@3, d 1@4"},
		{"reversed", "a -R\nb -p0 -R\nc -R -p2\n", "a 1R@1, b 0R@2, c 2R@3"},
		{"comment behind a patch", "a.patch # why\nb.patch #why\nc.patch -p0 # -R\n", "a.patch 1@1, b.patch 1@2, c.patch 0@3"},
		{"a name with #", "a#1.patch\n", "a#1.patch 1@1"},
		{"blanks before", "  \ta.patch\n", "a.patch 1@1"},
		{"folders", "debian/a.patch\nupstream/2/b.patch -p2\n", "debian/a.patch 1@1, upstream/2/b.patch 2@2"},
		{"the folder itself", "./a.patch\n", "a.patch 1@1"},
		{"letters", "größe.patch\nBig.PATCH\nbig.patch\n", "größe.patch 1@1, Big.PATCH 1@2, big.patch 1@3"},
		{"odd but harmless", "-p1\na..b\n", "-p1 1@1, a..b 1@2"},
		{"the last of two strips", "a -p0 -p2\n", "a 2@1"},
	} {
		got, err := Parse(c.text)
		if err != nil || short(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", c.what, short(got), err, c.want)
		}
	}
}

// TestParseRefuses: names that lead out of the folder of patches, or out of the folder
// of the record in the tree, or into another record.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		what, text, want string
		refused          bool // by package tree
	}{
		{"CVE-2010-1679: upwards", "a.patch\n../evil.patch\n", "line 2: \"../evil.patch\" is no name for a patch", true},
		{"CVE-2010-1679: upwards in the middle", "a/../../evil.patch\n", "leads upwards", true},
		{"CVE-2010-1679: upwards and back", "../patches/a.patch\n", "leads upwards", true},
		{"CVE-2010-1679: the folder above", "..\n", "leads upwards", true},
		{"CVE-2010-1679: behind a dot", "./../evil.patch\n", "leads upwards", true},
		{"CVE-2010-0396: absolute", "/etc/evil.patch\n", "is no name for a patch", true},
		{"the folder itself", ".\n", "is no name for a patch", true},
		{"two slashes", "a//b.patch\n", "is no name for a patch", true},
		{"a slash at the end", "a/\n", "is no name for a patch", true},
		{"dots in the middle", "a/./b.patch\n", "is no name for a patch", true},
		{"git's folder", ".git/hooks/post-checkout\n", "belongs to git", true},
		{"hidden", ".hidden.patch\n", "is no name for a patch", true},
		{"hidden by two dots", "..a.patch\n", "is no name for a patch", true},
		{"the version of the record", ".version\n", "is no name for a patch", true},
		{"the record", "applied-patches\n", "the record of what is in the tree has it", true},
		{"below the record", "applied-patches/a.patch\n", "the record of what is in the tree has it", true},
		{"a comment behind a dot", "./#a.patch\n", "it would be a comment", true},
		{"a control character", "a\x1b[2J.patch\n", "control character", true},
		{"a NUL", "a\x00b.patch\n", "control character", true},
		{"twice", "a.patch\n\nb.patch\na.patch\n", "line 4: a.patch stands in line 1 already", false},
		{"twice, in another way", "a.patch\n./a.patch\n", "line 2: ./a.patch stands in line 1 already", false},
		{"no number", "a.patch -p\n", `the option "-p" is none of`, false},
		{"a negative number", "a.patch -p-1\n", `the option "-p-1" is none of`, false},
		{"a number without end", "a.patch -p99999999999999999999\n", "is none of", false},
		{"a number by itself", "a.patch -p 1\n", "is none of", false},
		{"another option", "a.patch --fuzz=3\n", "is none of", false},
		{"two names", "a.patch b.patch\n", "is none of", false},
		{"a command", "a.patch;touch${IFS}evil -p1;id\n", "is none of", false},
		{"a guard", "+fast a.patch\n", "is none of", false},
	} {
		got, err := Parse(c.text)
		if err == nil || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, %v; want %q", c.what, short(got), err, c.want)
		}
		if errors.Is(err, tree.ErrRefused) != c.refused {
			t.Errorf("%s: refused is not %v: %v", c.what, c.refused, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\x1b\x00") {
			t.Errorf("%s: control characters in %q", c.what, err)
		}
	}
}

func TestParseBounds(t *testing.T) {
	var b strings.Builder
	for i := range maxPatches {
		fmt.Fprintf(&b, "%d\n", i)
	}
	if got, err := Parse(b.String()); err != nil || len(got) != maxPatches {
		t.Errorf("%d patches: %d, %v", maxPatches, len(got), err)
	}
	b.WriteString("one more\n")
	if _, err := Parse(b.String()); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "none of") {
		t.Errorf("an option on the line behind: %v", err)
	}
	if _, err := Parse(strings.TrimSuffix(b.String(), "one more\n") + "more\n"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "more than") {
		t.Errorf("one more: %v", err)
	}
	file := filepath.Join(t.TempDir(), "series")
	for n, ok := range map[int]bool{maxSeries: true, maxSeries + 1: false} {
		if err := os.WriteFile(file, []byte(strings.Repeat("\n", n)), 0o644); err != nil {
			t.Fatal(err)
		}
		if s, err := Read(file); ok != (err == nil) || err != nil && !errors.Is(err, ErrFormat) || err == nil && len(s.Entries) != 0 {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestPatchStaysInItsFolder: what a line of the series leads to is a file in the folder
// of the series, by whatever links.
func TestPatchStaysInItsFolder(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "patches")
	const text = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(filepath.Join(dir, "folder"), 0o755))
	must(os.WriteFile(filepath.Join(dir, "a.patch"), []byte(text), 0o644))
	must(os.WriteFile(filepath.Join(top, "secret"), []byte(text), 0o644))
	must(os.Symlink("a.patch", filepath.Join(dir, "link")))
	must(os.Symlink("../secret", filepath.Join(dir, "out")))
	must(os.Symlink(filepath.Join(top, "secret"), filepath.Join(dir, "absolute")))
	must(os.Symlink("..", filepath.Join(dir, "up")))
	must(os.Symlink("none", filepath.Join(dir, "nowhere")))
	must(os.Symlink("loop", filepath.Join(dir, "loop")))
	must(syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	must(os.WriteFile(filepath.Join(dir, "prose"), []byte("Hello.\n"), 0o644))
	must(os.WriteFile(filepath.Join(dir, "series"), []byte("a.patch\nlink\nout\nabsolute\nup/secret\nnowhere\nloop\npipe\nfolder\nnone\nprose\n"), 0o644))
	s, err := Read(filepath.Join(dir, "series"))
	must(err)
	for _, e := range s.Entries {
		p, err := s.Patch(e)
		if e.Name == "a.patch" || e.Name == "link" {
			if err != nil || len(p.Mails) != 1 {
				t.Errorf("%s: %v", e.Name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s was read", e.Name)
		}
		if e.Name == "prose" && !errors.Is(err, patch.ErrNothing) || e.Name == "none" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", e.Name, err)
		}
	}
	if s.Index("out") != 2 || s.Index("other") != -1 {
		t.Errorf("out is number %d, and other number %d", s.Index("out"), s.Index("other"))
	}
}

// FuzzParse: every name that is taken stays below the folder of patches and below that
// of the record, is there once, and written again gives the same.
func FuzzParse(f *testing.F) {
	f.Add("a.patch\nb.patch -p0 -R # why\n")
	f.Add("../a\n./b\n/c\n")
	f.Add("./#\n#./\n")
	f.Add("a//b\na/./b\n.pc\n-p1 -p1\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrFormat) || len(entries) > 0 {
				t.Fatalf("%v, with %d entries", err, len(entries))
			}
			return
		}
		seen := map[string]bool{}
		var again strings.Builder
		for i, e := range entries {
			if !filepath.IsLocal(e.Name) || !filepath.IsLocal(strings.TrimPrefix(record(e.Name), folder+"/")) || tree.CheckName(record(e.Name)) != nil || record(e.Name) == applied {
				t.Fatalf("%q was taken", e.Name)
			}
			if seen[e.Name] || e.Strip < 0 || e.Line <= 0 || i > 0 && e.Line <= entries[i-1].Line {
				t.Fatalf("entry %d of %s", i, short(entries))
			}
			seen[e.Name] = true
			reverse := ""
			if e.Reverse {
				reverse = " -R"
			}
			fmt.Fprintf(&again, "%s -p%d%s\n", e.Name, e.Strip, reverse)
		}
		same, err := Parse(again.String())
		for i := range same {
			same[i].Line = entries[i].Line
		}
		if err != nil || short(same) != short(entries) {
			t.Fatalf("%q, and again %q, %v", short(entries), short(same), err)
		}
	})
}
