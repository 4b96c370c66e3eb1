package fetch

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"srcmend/internal/gitrepo"
)

// TestHistory: the whole repository comes, and later only what is new.
func TestHistory(t *testing.T) {
	r, _ := sample(t)
	requests := 0
	url := serveGit(t, filepath.Join(r.path, ".git"), func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			requests++
			h.ServeHTTP(w, q)
		})
	})
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "git", "foo.git")
	left := filepath.Join(filepath.Dir(dir), unfinished+"left")
	young := filepath.Join(filepath.Dir(dir), unfinished+"young")
	check(t, errors.Join(os.MkdirAll(left, 0o755), os.MkdirAll(young, 0o755)))
	check(t, os.Chtimes(left, time.Time{}, time.Now().Add(-48*time.Hour)))
	check(t, w.History(t.Context(), url, dir))
	has := func(tag string, files ...string) {
		t.Helper()
		repo, err := gitrepo.Open(dir)
		check(t, err)
		defer repo.Close()
		c, err := repo.Tag(tag)
		check(t, err)
		for _, name := range files {
			if _, err := c.Read(name); err != nil {
				t.Errorf("%s: %v", tag, err)
			}
		}
		if parent, err := repo.Commit(c.Parents[0]); err != nil || parent.ID == c.ID {
			t.Errorf("what led to %s: %v", tag, err)
		}
	}
	has("v1", "src/main.c", "configure")
	r.tag("v2", r.commit(map[string]string{"later": "x"}))
	check(t, w.History(t.Context(), url, dir))
	has("v1", "src/main.c")
	has("v2", "later", "src/main.c")
	asked := requests
	check(t, w.History(t.Context(), url, dir))
	if requests > asked+1 {
		t.Errorf("%d requests to learn that nothing is new", requests-asked)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old leftover is there: %v", err)
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*"))
	if err != nil || !slices.Equal(names, []string{young, dir}) { // somebody may be at the young one
		t.Errorf("there is %q, %v", names, err)
	}
}

// TestNoHistory: what can't be had leaves nothing behind, and what was there stays.
func TestNoHistory(t *testing.T) {
	r, _ := sample(t)
	url := serveGit(t, filepath.Join(r.path, ".git"), nil)
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "git", "foo.git")
	for _, bad := range []string{r.path, "file://" + r.path, "", "nonsense", url + "/none", "http://secret:word@127.0.0.1:1/x"} {
		err := w.History(t.Context(), bad, dir)
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "word@") {
			t.Errorf("%s: %v", bad, err)
		}
		if names, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "*")); len(names) > 0 {
			t.Errorf("%s leaves %q", bad, names)
		}
	}
	w.Offline = true
	if err := w.History(t.Context(), url, dir); !errors.Is(err, ErrOffline) {
		t.Errorf("offline: %v", err)
	}
	w.Offline = false
	check(t, w.History(t.Context(), url, dir))
	if err := w.History(t.Context(), url+"/none", dir); err == nil {
		t.Error("a repository that is not there is fetched")
	}
	repo, err := gitrepo.Open(dir)
	check(t, err)
	defer repo.Close()
	if _, err := repo.Tag("v1"); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}
