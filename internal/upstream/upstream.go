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
	"fmt"
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
	quests   map[string]*quest
	never    map[where]bool // names that neither a commit nor one before it has
}

// where is a name in a commit.
type where struct{ commit, name string }

// New begins with nothing known.
func New(repo *gitrepo.Repo) *History {
	return &History{repo: repo, contents: map[where]string{}, quests: map[string]*quest{}, never: map[where]bool{}}
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
// through, not looked at. When nothing but commits that are older than the mail, if that
// has a date, has come for a while, the rest is not asked; for a while, since clocks and
// imports from elsewhere put old dates among new ones.
//
// An error that wraps gitrepo.ErrNotHere says that the history, or a file in it, is not
// all there, and that nothing was found in what is.
func (h *History) Twin(ctx context.Context, c *gitrepo.Commit, p *patch.Patch, mail int, o patch.Options) (*Twin, error) {
	q := h.quest(p, mail, o)
	if len(q.names) == 0 {
		return nil, nil
	}
	var cut error
	seen := map[string]bool{}
	todo := byTime{c}
	for old := 0; len(todo) > 0 && old < patience; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at := heap.Pop(&todo).(*gitrepo.Commit)
		if seen[at.ID] {
			continue
		}
		seen[at.ID] = true
		if old++; !at.Time.Before(q.since) {
			old = 0
		}
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
		switch {
		case errors.Is(err, gitrepo.ErrNotHere):
			cut = err
		case err != nil || twin != nil:
			return twin, err
		}
	}
	return nil, cut
}

// patience is how many commits that are older than a mail are asked in a row.
const patience = 1000

// quest is the search for the twin of a mail, which remembers what it has tried.
func (h *History) quest(p *patch.Patch, mail int, o patch.Options) *quest {
	m := p.Mails[mail]
	key := fmt.Sprint(m.ID(), " ", o.Strip, " ", m.Header.Date)
	q := h.quests[key]
	if q == nil {
		q = &quest{History: h, names: names(m, o), patch: p.Part(mail), options: o, tried: map[string]*Twin{}}
		if written, err := dateOf(m); err == nil {
			q.since = written.Add(-slack)
		}
		h.quests[key] = q
	}
	return q
}

// Existed reports whether a commit, or one before it, has one of the files.
func (h *History) Existed(ctx context.Context, c *gitrepo.Commit, names []string) (bool, error) {
	for _, name := range names {
		seen := map[string]bool{}
		for todo := []*gitrepo.Commit{c}; len(todo) > 0; {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			at := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[at.ID] || h.never[where{at.ID, name}] {
				continue
			}
			seen[at.ID] = true
			if id, err := h.content(at, name); err != nil || id != "" {
				return id != "", err
			}
			for _, id := range at.Parents {
				parent, err := h.repo.Commit(id)
				if errors.Is(err, gitrepo.ErrNotHere) {
					continue
				}
				if err != nil {
					return false, err
				}
				todo = append(todo, parent)
			}
		}
		for id := range seen {
			h.never[where{id, name}] = true
		}
	}
	return false, nil
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
	tried   map[string]*Twin // by commit; nil for those that are none
}

// try asks one commit.
func (q *quest) try(c, parent *gitrepo.Commit) (*Twin, error) {
	twin, known := q.tried[c.ID]
	if known {
		return twin, nil
	}
	twin, err := q.compare(c, parent)
	if err == nil {
		q.tried[c.ID] = twin
	}
	return twin, err
}

// compare is try for a commit that was not asked yet.
func (q *quest) compare(c, parent *gitrepo.Commit) (*Twin, error) {
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
