package fetch

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"srcmend/internal/distfile"
)

// A repo is a git repository made for a test, with a work tree.
type repo struct {
	*gogit.Repository
	t    *testing.T
	path string
}

// when is the time of all commits.
func when() time.Time { return time.Date(2019, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600)) }

func signature() *object.Signature {
	return &object.Signature{Name: "A Tester", Email: "tester@test.invalid", When: when()}
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	r := &repo{t: t, path: filepath.Join(t.TempDir(), "repo")}
	var err error
	r.Repository, err = gogit.PlainInit(r.path, false)
	check(t, err)
	return r
}

// commit adds the files and commits. A name may end in "*" for an executable,
// and in "@" for a symbolic link.
func (r *repo) commit(files map[string]string) plumbing.Hash {
	r.t.Helper()
	tree, err := r.Worktree()
	check(r.t, err)
	for name, text := range files {
		mode := os.FileMode(0o644)
		path := filepath.Join(r.path, strings.TrimRight(name, "*@"))
		check(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
		if strings.HasSuffix(name, "*") {
			mode = 0o755
		}
		if strings.HasSuffix(name, "@") {
			check(r.t, os.Symlink(text, path))
			continue
		}
		check(r.t, os.WriteFile(path, []byte(text), mode))
	}
	check(r.t, tree.AddWithOptions(&gogit.AddOptions{All: true}))
	hash, err := tree.Commit("a commit\n", &gogit.CommitOptions{Author: signature(), Committer: signature()})
	check(r.t, err)
	return hash
}

// tag makes a light tag, annotate one with a message.
func (r *repo) tag(name string, hash plumbing.Hash) {
	r.t.Helper()
	_, err := r.CreateTag(name, hash, nil)
	check(r.t, err)
}

func (r *repo) annotate(name string, hash plumbing.Hash) plumbing.Hash {
	r.t.Helper()
	ref, err := r.CreateTag(name, hash, &gogit.CreateTagOptions{Tagger: signature(), Message: "a tag"})
	check(r.t, err)
	return ref.Hash()
}

// longName does not fit into the oldest form of tar.
func longName() string { return strings.Repeat("long/", 30) + strings.Repeat("x", 120) + "ü.c" }

// sample makes a repository with one of everything, tagged "v1".
func sample(t *testing.T) (*repo, plumbing.Hash) {
	t.Helper()
	r := newRepo(t)
	r.commit(map[string]string{"gone.c": "an older commit"})
	check(t, os.Remove(filepath.Join(r.path, "gone.c")))
	hash := r.commit(map[string]string{
		"README": "read me\n", "configure*": "#!/bin/sh\n", "src/main.c": "int main;\n", "src/empty.c": "",
		// A folder and a file whose order differs with and without the slash.
		"src.h": "x", "src-x/y": "z",
		"src/large.c": strings.Repeat("large\n", largeObject/3),
		"link@":       "src/main.c", "src/up@": "../README", longName(): "deep",
	})
	r.tag("v1", hash)
	return r, hash
}

// getGit asks for the tar of a tag.
func (w *world) getGit(url, tag string, hash plumbing.Hash) (distfile.Item, error) {
	return w.Get(w.t.Context(), Request{
		Name: "foo-1.tar", Identity: GitCommit(hash),
		Sources: []Source{{Git: Git{URL: url, Tag: tag, Commit: hash.String()}}},
	})
}

func TestGitTar(t *testing.T) {
	r, hash := sample(t)
	w := newWorld(t)
	w.Offline = true
	item, err := w.getGit(r.path, "v1", hash)
	check(t, err)
	f, err := os.Open(item.Path)
	check(t, err)
	defer f.Close()
	want := map[string]string{
		"foo-1/": "drwxr-xr-x ", "foo-1/README": "-rw-r--r-- read me\n", "foo-1/configure": "-rwxr-xr-x #!/bin/sh\n",
		"foo-1/src/": "drwxr-xr-x ", "foo-1/src/main.c": "-rw-r--r-- int main;\n", "foo-1/src/empty.c": "-rw-r--r-- ",
		"foo-1/src/large.c": "-rw-r--r-- " + strings.Repeat("large\n", largeObject/3),
		"foo-1/src.h":       "-rw-r--r-- x", "foo-1/src-x/": "drwxr-xr-x ", "foo-1/src-x/y": "-rw-r--r-- z",
		"foo-1/link": "Lrwxrwxrwx src/main.c", "foo-1/src/up": "Lrwxrwxrwx ../README", "foo-1/" + longName(): "-rw-r--r-- deep",
	}
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		check(t, err)
		if h.Typeflag == tar.TypeXGlobalHeader || strings.HasPrefix(h.Name, "foo-1/long/") && h.Typeflag == tar.TypeDir {
			continue
		}
		text, err := io.ReadAll(tr)
		check(t, err)
		got := h.FileInfo().Mode().String() + " " + h.Linkname + string(text)
		if got != want[h.Name] {
			t.Errorf("%s: %.80q, want %.80q", h.Name, got, want[h.Name])
		}
		if !h.ModTime.Equal(when()) || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s has the time %v and the owner %d %d %q %q", h.Name, h.ModTime, h.Uid, h.Gid, h.Uname, h.Gname)
		}
		delete(want, h.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// TestGitTarAgainstGit lets the git program unpack the tar and tell the tree
// and the commit.
func TestGitTarAgainstGit(t *testing.T) {
	needGit(t)
	r, hash := sample(t)
	w := newWorld(t)
	item, err := w.getGit(r.path, "v1", hash)
	check(t, err)
	dir := t.TempDir()
	script := [][]string{
		{"tar", "xf", item.Path},
		{"git", "-C", "foo-1", "init", "-q"},
		{"git", "-C", "foo-1", "-c", "core.autocrlf=false", "add", "-A", "-f"},
		{"git", "-C", "foo-1", "write-tree"},
	}
	var out []byte
	for _, argv := range script {
		out = run(t, dir, nil, argv...)
	}
	commit, err := r.CommitObject(hash)
	check(t, err)
	if got := strings.TrimSpace(string(out)); got != commit.TreeHash.String() {
		t.Errorf("git says the tree is %s, want %s", got, commit.TreeHash)
	}
	f, err := os.Open(item.Path)
	check(t, err)
	defer f.Close()
	if got := strings.TrimSpace(string(run(t, dir, f, "git", "get-tar-commit-id"))); got != hash.String() {
		t.Errorf("git says the commit is %s, want %s", got, hash)
	}
}

func needGit(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git here")
	}
}

// run runs a program without the user's git configuration.
func run(t *testing.T, dir string, stdin io.Reader, argv ...string) []byte {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdin = dir, stdin
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, &stderr)
	}
	return out
}

// serveGit serves the repository at path with git's own server, behind a
// handler that may interfere.
func serveGit(t *testing.T, path string, around func(http.Handler) http.Handler) string {
	t.Helper()
	needGit(t)
	backend := filepath.Join(strings.TrimSpace(string(run(t, "", nil, "git", "--exec-path"))), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("no git-http-backend here")
	}
	var h http.Handler = &cgi.Handler{
		Path: backend, Root: "/repo", Stderr: io.Discard,
		Env: []string{
			"GIT_PROJECT_ROOT=" + path, "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		},
	}
	if around != nil {
		h = around(h)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL + "/repo"
}

// TestGitOverHTTP clones, and must come to the same bytes as from the local
// repository.
func TestGitOverHTTP(t *testing.T) {
	r, hash := sample(t)
	inner := r.annotate("inner", hash)
	r.annotate("annotated", hash)
	r.annotate("nested", inner)
	// A detached HEAD, and no branch at all.
	check(t, r.Storer.SetReference(plumbing.NewHashReference(plumbing.HEAD, hash)))
	check(t, r.Storer.RemoveReference("refs/heads/master"))
	url := serveGit(t, filepath.Join(r.path, ".git"), nil)

	local := newWorld(t)
	want, err := local.getGit(r.path, "v1", hash)
	check(t, err)
	for _, tag := range []string{"v1", "annotated", "nested"} {
		t.Run(tag, func(t *testing.T) {
			w := newWorld(t)
			got, err := w.getGit(url, tag, hash)
			check(t, err)
			if got.Sum != want.Sum || got.Name != "foo-1.tar" {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if left, err := filepath.Glob(filepath.Join(w.Store.Dir(), ".partial", "*", "*")); err != nil || len(left) > 0 {
				t.Errorf("left over: %v %v", left, err)
			}
		})
	}
}

// TestGitFetchesNoHistory looks into the clone for the first commit.
func TestGitFetchesNoHistory(t *testing.T) {
	r, hash := sample(t)
	r.tag("v2", r.commit(map[string]string{"later": "x"}))
	url := serveGit(t, filepath.Join(r.path, ".git"), nil)
	w := newWorld(t)
	p, err := w.Store.Begin(t.Context(), GitCommit(hash), "foo.tar")
	check(t, err)
	defer p.Close()
	clone, _, err := w.repository(t.Context(), p, Git{URL: url, Tag: "v1", Commit: hash.String()})
	check(t, err)
	commit, err := clone.CommitObject(hash)
	check(t, err)
	if _, err := clone.CommitObject(commit.ParentHashes[0]); !errors.Is(err, plumbing.ErrObjectNotFound) {
		t.Errorf("the parent is there: %v", err)
	}
	if _, err := clone.Reference("refs/tags/v2", false); !errors.Is(err, plumbing.ErrReferenceNotFound) {
		t.Errorf("another tag is there: %v", err)
	}
}

func TestGitFaults(t *testing.T) {
	r, hash := sample(t)
	r.tag("blob", r.raw(plumbing.BlobObject, "no commit"))
	moved := r.commit(map[string]string{"README": "changed"})
	r.tag("moved", moved)
	url := serveGit(t, filepath.Join(r.path, ".git"), nil)
	secret := strings.Replace(url, "://", "://user:geheim@", 1)

	for _, base := range []string{r.path, "file://" + r.path, url, secret} {
		for tag, want := range map[string]string{
			"nothing": "no such tag",
			"blob":    "does not lead to a commit",
			"moved":   "the tag was moved, or the recipe is wrong: wrong checksum: want commit " + hash.String() + ", got commit " + moved.String(),
		} {
			w := newWorld(t)
			_, err := w.getGit(base, tag, hash)
			if err == nil {
				t.Fatalf("%s from %s: no error", tag, base)
			}
			w.wantError(err, redact(base), want)
			w.wantNoSecret(err, "geheim")
			w.wantPartial(0)
			if got := isMismatch(err); got != (tag == "moved") {
				t.Errorf("%s: is a mismatch: %v", tag, got)
			}
			if got := errors.Is(err, fs.ErrNotExist); got != (tag == "nothing") {
				t.Errorf("%s: is fs.ErrNotExist: %v", tag, got)
			}
		}
	}
	w := newWorld(t)
	_, err := w.getGit(secret+"/nothing", "v1", hash)
	w.wantError(err, redact(secret))
	w.wantNoSecret(err, "geheim")
	w = newWorld(t)
	_, err = w.getGit(t.TempDir(), "v1", hash)
	w.wantError(err, "repository does not exist")
	for _, url := range []string{"repo", "a/b", "ftp://a.invalid/b", "ext::sh -c x", "https:///x", "-x"} {
		w = newWorld(t)
		_, err = w.getGit(url, "v1", hash)
		w.wantError(err, "git "+url+" tag v1: not an http, https, ssh or git URL")
	}
	for _, url := range []string{"git@a.invalid:b.git", "ssh://a.invalid/b", "git://a.invalid/b"} {
		if !remoteGit(url) {
			t.Errorf("%s is refused", url)
		}
	}
}

func TestGitRequestsThatCannotWork(t *testing.T) {
	r, hash := sample(t)
	source := Source{Git: Git{URL: r.path, Tag: "v1", Commit: hash.String()}}
	short := source
	short.Git.Commit = hash.String()[:12]
	for want, req := range map[string]Request{
		"must have all 40 hex digits":       {"a.tar", GitCommit(hash), []Source{short}},
		"must end in .tar, not be a.tar.gz": {"a.tar.gz", GitCommit(hash), []Source{source}},
		"gives commit " + hash.String():     {"a.tar", GitCommit{1}, []Source{source}},
	} {
		w := newWorld(t)
		_, err := w.Get(t.Context(), req)
		w.wantError(err, want)
	}
}

// TestGitBySum asks for the tar by its sha256, as a recipe may that wrote it
// down.
func TestGitBySum(t *testing.T) {
	r, hash := sample(t)
	item, err := newWorld(t).getGit(r.path, "v1", hash)
	check(t, err)
	w := newWorld(t)
	sources := []Source{{Git: Git{URL: r.path, Tag: "v1", Commit: hash.String()}}}
	got, err := w.Get(t.Context(), Request{Name: "foo-1.tar", Identity: item.Sum, Sources: sources})
	if err != nil || got.Sum != item.Sum {
		t.Errorf("%+v %v", got, err)
	}
	_, err = w.Get(t.Context(), Request{Name: "bar-1.tar", Identity: distfile.Sum{1}, Sources: sources})
	if !isMismatch(err) {
		t.Errorf("another sum: %v", err)
	}
}

func TestSubmodulesAreNamed(t *testing.T) {
	r, _ := sample(t)
	index, err := r.Storer.Index()
	check(t, err)
	entry := index.Add("vendor/module")
	entry.Mode, entry.Hash = filemode.Submodule, plumbing.NewHash(strings.Repeat("1", 40))
	check(t, r.Storer.SetIndex(index))
	tree, err := r.Worktree()
	check(t, err)
	hash, err := tree.Commit("with a submodule", &gogit.CommitOptions{Author: signature()})
	check(t, err)
	r.tag("sub", hash)
	w := newWorld(t)
	_, err = w.getGit(r.path, "sub", hash)
	w.wantError(err, r.path, "submodules", "vendor/module")
	w.wantPartial(0)
}

// TestHostileTree stores a tree that git would never have made.
func TestHostileTree(t *testing.T) {
	r, _ := sample(t)
	for _, name := range []string{"..", ".git", ".GIT", "a/b", "."} {
		hash := r.rawCommit(r.rawTree("100644 " + name + "\x00" + strings.Repeat("\x01", 20)))
		tag := fmt.Sprintf("evil-%x", name)
		r.tag(tag, hash)
		w := newWorld(t)
		_, err := w.getGit(r.path, tag, hash)
		w.wantError(err, r.path)
		w.wantPartial(0)
	}
	for _, mode := range []string{"100600", "0100644", "040000", "0"} {
		hash := r.rawCommit(r.rawTree(mode + " x\x00" + strings.Repeat("\x01", 20)))
		r.tag("mode"+mode, hash)
		w := newWorld(t)
		_, err := w.getGit(r.path, "mode"+mode, hash)
		w.wantError(err, "mode")
		w.wantPartial(0)
	}
	// Folders in folders, deeper than anybody needs.
	tree := r.rawTree("")
	for range maxDepth + 2 {
		tree = r.rawTree("40000 d\x00" + string(tree[:]))
	}
	hash := r.rawCommit(tree)
	r.tag("deep", hash)
	w := newWorld(t)
	_, err := w.getGit(r.path, "deep", hash)
	w.wantError(err, "deep")
}

func (r *repo) rawTree(content string) plumbing.Hash {
	return r.raw(plumbing.TreeObject, content)
}

func (r *repo) rawCommit(tree plumbing.Hash) plumbing.Hash {
	return r.raw(plumbing.CommitObject, fmt.Sprintf("tree %s\nauthor A <a@b.invalid> 1 +0000\ncommitter A <a@b.invalid> 1 +0000\n\nx\n", tree))
}

func (r *repo) raw(kind plumbing.ObjectType, content string) plumbing.Hash {
	r.t.Helper()
	o := r.Storer.NewEncodedObject()
	o.SetType(kind)
	w, err := o.Writer()
	check(r.t, err)
	_, err = io.WriteString(w, content)
	check(r.t, errors.Join(err, w.Close()))
	hash, err := r.Storer.SetEncodedObject(o)
	check(r.t, err)
	return hash
}

// TestOldFileMode uses the mode 100664, which the first versions of git wrote.
// The hash of the tree depends on it.
func TestOldFileMode(t *testing.T) {
	r, _ := sample(t)
	blob := r.raw(plumbing.BlobObject, "old")
	hash := r.rawCommit(r.rawTree("100664 old\x00" + string(blob[:])))
	r.tag("old", hash)
	if _, err := newWorld(t).getGit(r.path, "old", hash); err != nil {
		t.Error(err)
	}
}

// FuzzParseTree asserts that a tree that is read has the same bytes again.
func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100644 hello\x00" + strings.Repeat("\x01", 20) + "40000 d\x00" + strings.Repeat("\x02", 20)))
	f.Add([]byte("040000 d\x00" + strings.Repeat("\x02", 20)))
	f.Add([]byte("100644 cut"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := parseTree(raw)
		if err != nil {
			return
		}
		var again []byte
		for _, e := range entries {
			again = e.appendTo(again)
		}
		if !bytes.Equal(again, raw) {
			t.Errorf("%q was read as %q", raw, again)
		}
	})
}

// TestBorrowedObjects uses a repository that has its objects in another, and
// one of several work trees.
func TestBorrowedObjects(t *testing.T) {
	needGit(t)
	r, hash := sample(t)
	dir := t.TempDir()
	run(t, dir, nil, "git", "clone", "-q", "--shared", r.path, "shared")
	run(t, r.path, nil, "git", "worktree", "add", "-q", "--detach", filepath.Join(dir, "linked"))
	for _, name := range []string{"shared", "linked"} {
		w := newWorld(t)
		if _, err := w.getGit(filepath.Join(dir, name), "v1", hash); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGitServerFaults has the server misbehave after it has said what it has.
func TestGitServerFaults(t *testing.T) {
	r, hash := sample(t)
	big := r.commit(map[string]string{"big": string(content())})
	r.tag("big", big)
	isPack := func(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/git-upload-pack") }
	for name, test := range map[string]struct {
		around func(http.Handler) http.Handler
		tag    string
		want   string
	}{
		"cut": {func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if isPack(req) {
					cut(h.ServeHTTP, 200)(w, req)
				}
				h.ServeHTTP(w, req)
			})
		}, "v1", ""},
		"silent": {func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if isPack(req) {
					// Only a server that has read everything notices that
					// the other side has gone.
					_, _ = io.Copy(io.Discard, req.Body)
					<-req.Context().Done()
				}
				h.ServeHTTP(w, req)
			})
		}, "v1", "nothing came for too long"},
		"too large": {nil, "big", "larger than the limit"},
		"forbidden": {func(http.Handler) http.Handler { return status(403, "no") }, "v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			// Several times the interval of looking at the folder.
			w.IdleTimeout = 5 * watchEvery
			w.Store.Limit = 100_000
			commit := hash
			if test.tag == "big" {
				commit = big
			}
			url := serveGit(t, filepath.Join(r.path, ".git"), test.around)
			_, err := w.getGit(url, test.tag, commit)
			w.wantError(err, url, test.want)
			w.wantPartial(0)
		})
	}
}

func TestGitMirror(t *testing.T) {
	r, hash := sample(t)
	w := newWorld(t)
	w.Offline = true
	w.Mirrors = []Mirror{{Prefix: "https://git.example/", Base: "file://" + filepath.Dir(r.path) + "/"}}
	if _, err := w.getGit("https://git.example/repo", "v1", hash); err != nil {
		t.Error(err)
	}
}

// TestGitCommitCheck changes a good tar in all ways that matter, and some that
// do not.
func TestGitCommitCheck(t *testing.T) {
	r, hash := sample(t)
	item, err := newWorld(t).getGit(r.path, "v1", hash)
	check(t, err)
	good, err := os.ReadFile(item.Path)
	check(t, err)
	id := GitCommit(hash)
	check(t, id.Check(bytes.NewReader(good)))
	other := id
	other[0]++

	type entry struct {
		*tar.Header
		text string
	}
	read := func() []entry {
		var all []entry
		for tr := tar.NewReader(bytes.NewReader(good)); ; {
			h, err := tr.Next()
			if err == io.EOF {
				return all
			}
			check(t, err)
			text, err := io.ReadAll(tr)
			check(t, err)
			h.Format = tar.FormatUnknown
			if h.Typeflag == tar.TypeXGlobalHeader {
				h.Format = tar.FormatPAX
			} else {
				h.PAXRecords = nil
			}
			all = append(all, entry{h, string(text)})
		}
	}
	write := func(all []entry) []byte {
		var b bytes.Buffer
		tw := tar.NewWriter(&b)
		for _, e := range all {
			e.Size = int64(len(e.text))
			check(t, tw.WriteHeader(e.Header))
			_, err := io.WriteString(tw, e.text)
			check(t, err)
		}
		check(t, tw.Close())
		return b.Bytes()
	}
	at := func(all []entry, name string) int {
		i := slices.IndexFunc(all, func(e entry) bool { return e.Name == "foo-1/"+name })
		if i < 0 {
			t.Fatalf("no %s", name)
		}
		return i
	}
	add := func(name, text string, kind byte) func([]entry) []entry {
		return func(all []entry) []entry {
			return append(all, entry{&tar.Header{Name: name, Mode: 0o644, Typeflag: kind, Linkname: map[bool]string{true: "x"}[kind == tar.TypeLink]}, text})
		}
	}
	bad := map[string]func([]entry) []entry{
		"content":     func(a []entry) []entry { a[at(a, "README")].text = "read it\n"; return a },
		"mode":        func(a []entry) []entry { a[at(a, "README")].Mode = 0o755; return a },
		"odd mode":    func(a []entry) []entry { a[at(a, "README")].Mode = 0o4644; return a },
		"link":        func(a []entry) []entry { a[at(a, "link")].Linkname = "/etc"; return a },
		"link's kind": func(a []entry) []entry { e := a[at(a, "link")]; e.Typeflag = tar.TypeReg; return a },
		"missing":     func(a []entry) []entry { i := at(a, "README"); return slices.Delete(a, i, i+1) },
		"renamed":     func(a []entry) []entry { a[at(a, "README")].Name = "foo-1/READYOU"; return a },
		"commit":      func(a []entry) []entry { a[1].PAXRecords["comment"] += "\n"; return a },
		"no commit":   func(a []entry) []entry { return a[1:] },
		"extra file":  add("foo-1/extra", "x", tar.TypeReg),
		"twice":       add("foo-1/README", "read me\n", tar.TypeReg),
		"two tops":    add("bar/x", "", tar.TypeReg),
		"dots":        add("foo-1/../x", "", tar.TypeReg),
		"hard link":   add("foo-1/x", "", tar.TypeLink),
		"fifo":        add("foo-1/x", "", tar.TypeFifo),
		"file/folder": add("foo-1/README/x", "", tar.TypeReg),
		"folder/file": add("foo-1/src", "", tar.TypeReg),
		"empty dir":   add("foo-1/empty/", "", tar.TypeDir),
	}
	for name, change := range bad {
		if err := id.Check(bytes.NewReader(write(change(read())))); !isMismatch(err) {
			t.Errorf("%s: %v, want a mismatch", name, err)
		}
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "zeros": make([]byte, 4096), "truncated": good[:len(good)/2], "trailing": append(slices.Clone(good), 'x'), "text": []byte("hello"),
	} {
		if err := id.Check(bytes.NewReader(b)); !isMismatch(err) {
			t.Errorf("%s: %v, want a mismatch", name, err)
		}
	}
	if err := other.Check(bytes.NewReader(good)); !isMismatch(err) || !strings.Contains(err.Error(), hash.String()) {
		t.Errorf("another commit: %v", err)
	}
	harmless := read()
	for i := range harmless[2:] {
		harmless[2+i].Uname, harmless[2+i].ModTime = "x", time.Unix(1, 0)
	}
	if err := id.Check(bytes.NewReader(write(harmless))); err != nil {
		t.Errorf("another owner and time: %v", err)
	}
	broken := errors.New("broken")
	if err := id.Check(io.MultiReader(bytes.NewReader(good[:50_000]), readerFunc(func([]byte) (int, error) { return 0, broken }))); !errors.Is(err, broken) || isMismatch(err) {
		t.Errorf("a broken reader: %v", err)
	}
}

// TestGitTarFromDistdir takes the tar another run made, and refuses any other.
func TestGitTarFromDistdir(t *testing.T) {
	r, hash := sample(t)
	item, err := newWorld(t).getGit(r.path, "v1", hash)
	check(t, err)
	dir := t.TempDir()
	good, err := os.ReadFile(item.Path)
	check(t, err)
	w := newWorld(t)
	w.Distdirs, w.Offline = []string{dir}, true
	req := Request{Name: "foo-1.tar", Identity: GitCommit(hash)}
	check(t, os.WriteFile(filepath.Join(dir, req.Name), bytes.Replace(good, []byte("int main;"), []byte("int evil;"), 1), 0o644))
	_, err = w.Get(t.Context(), req)
	w.wantError(err, "wrong checksum")
	check(t, os.WriteFile(filepath.Join(dir, req.Name), good, 0o644))
	if _, err := w.Get(t.Context(), req); err != nil {
		t.Error(err)
	}
}

func TestParseGitCommit(t *testing.T) {
	const hex = "0123456789abcdef0123456789abcdef01234567"
	c, err := ParseGitCommit(hex)
	if err != nil || c.String() != hex || c.Key() != "git/"+hex {
		t.Errorf("%v %v", c, err)
	}
	for in, want := range map[string]string{
		"": "has 0 characters", hex[1:]: "has 39 characters", strings.ToUpper(hex): "lower-case", strings.Repeat("g", 40): "hex digit",
		strings.Repeat("0", 64): "has 64 characters",
	} {
		if _, err := ParseGitCommit(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseGitCommit(%q): %v, want %q", in, err, want)
		}
	}
}

func FuzzParseGitCommit(f *testing.F) {
	f.Add("0123456789abcdef0123456789abcdef01234567")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseGitCommit(s); err == nil && c.String() != s {
			t.Errorf("ParseGitCommit(%q) prints as %s", s, c)
		}
	})
}

// FuzzGitCommitCheck asserts that no input makes the check panic or pass for
// another commit, and that the names and contents of what passes are those of
// the commit.
func FuzzGitCommitCheck(f *testing.F) {
	good, hash := smallTar(f)
	id := GitCommit(hash)
	f.Add(good)
	f.Add(good[:1024])
	f.Add([]byte("x"))
	if err := id.Check(bytes.NewReader(good)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := id.Check(bytes.NewReader(b))
		if err != nil && !isMismatch(err) {
			t.Errorf("no mismatch: %v", err)
		}
		if err != nil {
			return
		}
		for tr := tar.NewReader(bytes.NewReader(b)); ; {
			h, err := tr.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(tr)
			if h.Typeflag == tar.TypeReg && (!strings.HasSuffix(h.Name, "/hello") || string(text) != "world") {
				t.Errorf("%q with %q passes", h.Name, text)
			}
		}
	})
}

// smallTar returns a tar of a commit with one file, made by hand.
func smallTar(t testing.TB) ([]byte, plumbing.Hash) {
	blob := plumbing.ComputeHash(plumbing.BlobObject, []byte("world"))
	tree := plumbing.ComputeHash(plumbing.TreeObject, append([]byte("100644 hello\x00"), blob[:]...))
	object := fmt.Sprintf("tree %s\nauthor A <a@b.invalid> 1 +0000\ncommitter A <a@b.invalid> 1 +0000\n\nx\n", tree)
	hash := plumbing.ComputeHash(plumbing.CommitObject, []byte(object))
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"comment": hash.String()}},
		{Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"comment": object}},
		{Typeflag: tar.TypeReg, Name: "top/hello", Mode: 0o644, Size: 5},
	} {
		check(t, tw.WriteHeader(h))
	}
	_, err := io.WriteString(tw, "world")
	check(t, errors.Join(err, tw.Close()))
	return b.Bytes(), hash
}

// TestGitCommandIsNotNeeded makes sure that no program is started.
func TestGitCommandIsNotNeeded(t *testing.T) {
	r, hash := sample(t)
	t.Setenv("PATH", t.TempDir())
	if _, err := newWorld(t).getGit("file://"+r.path, "v1", hash); err != nil {
		t.Error(err)
	}
	w := newWorld(t)
	_, err := w.getGit("file://"+r.path+"/nothing", "v1", hash)
	w.wantError(err, "nothing")
	if errors.Is(err, fs.ErrNotExist) && errors.Is(err, exec.ErrNotFound) {
		t.Error("a program was looked for")
	}
}
