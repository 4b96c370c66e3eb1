// Package upstream asks the git repository of a package's upstream what its history
// knows of a patch.
//
// A release branch takes a fix as a commit of its own, with another id: the same
// change, a twin. So whether a release has a fix can't be read from the ids of its
// commits, and once later changes have gone over the same lines, not from its files
// either. But the twin is in its history, as long as that is at hand:
//
//	repo, err := gitrepo.Open("server.git")
//	…
//	c, err := repo.Tag("v1.2")
//	…
//	history := upstream.New(repo)
//	twin, err := history.Twin(ctx, c, p, 0)
//	if twin != nil && !twin.Reverted {
//		fmt.Println("it is in since", twin.Commit.ID)
//	}
//
// What a twin is, contents decide: the patch fits the commit's parent, with all of its
// context, and what it makes of it is the commit. The patch-id of such a commit is that
// of the patch.
package upstream

import (
	"container/heap"
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"

	"srcmend/internal/gitrepo"
	"srcmend/internal/patch"
	"srcmend/internal/tree"
)

// A History is what was found out about the commits of a repository. It is not safe for
// use by several goroutines.
type History struct {
	repo     *gitrepo.Repo
	contents map[where]string
}

// where is a name in a commit.
type where struct{ commit, name string }

// New begins with nothing known.
func New(repo *gitrepo.Repo) *History {
	return &History{repo: repo, contents: map[where]string{}}
}

// A Twin is a commit that makes the change of a mail, or takes it back.
type Twin struct {
	Commit   *gitrepo.Commit
	Reverted bool
}

// slack is how far before its mail a twin may have been committed: clocks differ.
const slack = 7 * 24 * time.Hour

// Twin looks for the newest commit in the history of c, c included, that makes the change
// of one mail of the patch, or takes it back; nil when there is none. Merges are passed
// through, not looked at. Commits older than the mail's own date, if it has one, are
// not asked.
//
// An error that wraps gitrepo.ErrNotHere says that the history is cut off, and that
// nothing was found in what is there.
func (h *History) Twin(ctx context.Context, c *gitrepo.Commit, p *patch.Patch, mail int, o patch.Options) (*Twin, error) {
	q := &quest{History: h, names: names(p.Mails[mail], o), patch: p.Part(mail), options: o}
	if written, err := dateOf(p.Mails[mail]); err == nil {
		q.since = written.Add(-slack)
	}
	if len(q.names) == 0 {
		return nil, nil
	}
	var cut error
	seen := map[string]bool{}
	todo := byTime{c}
	for len(todo) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at := heap.Pop(&todo).(*gitrepo.Commit)
		if seen[at.ID] || at.Time.Before(q.since) {
			continue
		}
		seen[at.ID] = true
		var parents []*gitrepo.Commit
		for _, id := range at.Parents {
			parent, err := h.repo.Commit(id)
			if errors.Is(err, gitrepo.ErrNotHere) {
				cut = err
				continue
			}
			if err != nil {
				return nil, err
			}
			parents = append(parents, parent)
			heap.Push(&todo, parent)
		}
		if len(at.Parents) != 1 || len(parents) != 1 {
			continue
		}
		twin, err := q.try(at, parents[0])
		if err != nil || twin != nil {
			return twin, err
		}
	}
	return nil, cut
}

// byTime is a heap of commits, the newest first.
type byTime []*gitrepo.Commit

func (b byTime) Len() int           { return len(b) }
func (b byTime) Less(i, j int) bool { return b[i].Time.After(b[j].Time) }
func (b byTime) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byTime) Push(x any)        { *b = append(*b, x.(*gitrepo.Commit)) }
func (b *byTime) Pop() any {
	old := *b
	last := old[len(old)-1]
	*b = old[:len(old)-1]
	return last
}

// dateOf is when a mail was written.
func dateOf(m patch.Mail) (time.Time, error) { return mail.ParseDate(m.Header.Date) }

// names are those of the files that a mail changes.
func names(m patch.Mail, o patch.Options) []string {
	var all []string
	for _, f := range m.Files {
		for _, name := range []string{f.OldName, f.NewName} {
			if stripped, ok := patch.Strip(name, max(o.Strip, 0)); ok && name != patch.DevNull {
				all = append(all, stripped)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A quest is the search for the twin of one mail.
type quest struct {
	*History
	names   []string
	patch   *patch.Patch
	options patch.Options
	since   time.Time
}

// try asks one commit.
func (q *quest) try(c, parent *gitrepo.Commit) (*Twin, error) {
	changed, err := q.changes(c, parent)
	if err != nil || !changed {
		return nil, err
	}
	for _, reverse := range []bool{false, true} {
		makes, err := q.makes(c, parent, reverse)
		if err != nil {
			return nil, err
		}
		if makes {
			return &Twin{Commit: c, Reverted: reverse}, nil
		}
	}
	return nil, nil
}

// changes reports whether a commit changes a file of the mail.
func (q *quest) changes(c, parent *gitrepo.Commit) (bool, error) {
	for _, name := range q.names {
		before, err := q.content(parent, name)
		if err != nil {
			return false, err
		}
		after, err := q.content(c, name)
		if err != nil {
			return false, err
		}
		if before != after {
			return true, nil
		}
	}
	return false, nil
}

// content is the id of what a commit has under a name.
func (h *History) content(c *gitrepo.Commit, name string) (string, error) {
	key := where{c.ID, name}
	if id, known := h.contents[key]; known {
		return id, nil
	}
	id, err := c.ContentID(name)
	if errors.Is(err, tree.ErrRefused) {
		id, err = "refused", nil // whatever it is, no patch is about it
	}
	if err == nil {
		h.contents[key] = id
	}
	return id, err
}

// makes reports whether the mail, put into the parent, makes the commit's files.
func (q *quest) makes(c, parent *gitrepo.Commit, reverse bool) (bool, error) {
	d := patch.NewDraft(parent)
	o := q.options
	o.Reverse = reverse
	_, err := d.Apply(q.patch, o)
	switch {
	case errors.As(err, new(patch.Conflicts)), errors.Is(err, tree.ErrRefused):
		return false, nil
	case err != nil:
		return false, err
	}
	after := patch.NewDraft(c)
	for _, name := range q.names {
		same, err := d.Same(after, name)
		if errors.Is(err, tree.ErrRefused) {
			return false, nil
		}
		if err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// Short is the beginning of a commit's id, as people write it.
func Short(id string) string { return strings.ToLower(id[:min(len(id), 10)]) }
