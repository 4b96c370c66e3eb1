package upstream_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"srcmend/internal/patch"
	"srcmend/internal/upstream"
)

// attempt runs a git command that may end in a conflict, which is then called off.
func (m *maker) attempt(verb string, args ...string) {
	m.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=c", "-c", "user.email=c@example.org", verb}, args...)...)
	cmd.Dir = m.dir
	m.day = m.day.AddDate(0, 0, 1)
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_EDITOR=true",
		"GIT_COMMITTER_DATE="+m.day.Format("2006-01-02T15:04:05Z"))
	if cmd.Run() != nil {
		m.git("reset", "-q", "--hard")
		m.git("clean", "-q", "-f")
		m.git("update-ref", "-d", "CHERRY_PICK_HEAD")
		m.git("update-ref", "-d", "REVERT_HEAD")
	}
}

// someHistory makes commits on two branches that pick, revert and merge from each other.
// No two lines of the file are ever alike. It gives all commits that are no merges.
func (m *maker) someHistory(random *rand.Rand) []string {
	lines := strings.Split(strings.TrimSuffix(numbered("line", 40), "\n"), "\n")
	put := func() { m.write("a.c", strings.Join(lines, "\n")+"\n") }
	get := func() { lines = strings.Split(m.git("show", "HEAD:a.c"), "\n") }
	put()
	m.commit("begin")
	m.git("branch", "release")
	var all []string
	for i := range 36 {
		switch random.IntN(9) {
		case 0:
			m.git("checkout", "-q", "release")
		case 1:
			m.git("checkout", "-q", "main")
		case 2:
			m.attempt("merge", "-q", "--no-edit", "--no-ff", []string{"main", "release"}[random.IntN(2)])
		case 3, 4:
			if len(all) > 0 {
				verb := []string{"cherry-pick", "revert"}[random.IntN(2)]
				m.attempt(verb, "--no-edit", all[random.IntN(len(all))])
			}
		default:
			get()
			at := random.IntN(len(lines))
			fresh := fmt.Sprintf("fresh %d", i)
			switch random.IntN(3) {
			case 0:
				lines = append(lines[:at], append([]string{fresh, fresh + " too"}, lines[at:]...)...)
			case 1:
				lines = append(lines[:at], lines[at+1:]...)
			default:
				lines[at] = fresh
			}
			put()
			m.commit(fresh)
		}
		all = strings.Fields(m.git("rev-list", "--no-merges", "--min-parents=1", "main", "release"))
	}
	return all
}

// patchIDs gives git's patch-ids of all commits in a history, the newest commit first.
func (m *maker) patchIDs(at string, more ...string) (ids [][2]string) {
	log := m.git(append([]string{"log", "-p", "--no-merges", "--min-parents=1", "--date-order", "--full-index"}, append(more, at)...)...)
	for line := range strings.Lines(m.gitWith(log+"\n", "patch-id", "--stable")) {
		id, commit, _ := strings.Cut(strings.TrimSpace(line), " ")
		ids = append(ids, [2]string{id, commit})
	}
	return ids
}

// TestOracle looks for every commit of random histories in every branch, and holds what is
// found against git's patch-ids.
func TestOracle(t *testing.T) {
	t.Parallel()
	found := 0
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := newMaker(t)
			all := m.someHistory(rand.New(rand.NewPCG(seed, 1)))
			repo := open(t, m.dir)
			history := upstream.New(repo)
			for _, branch := range []string{"main", "release"} {
				forward, back := m.patchIDs(branch), m.patchIDs(branch, "-R", "--src-prefix=b/", "--dst-prefix=a/")
				order := map[string]int{}
				for i, id := range strings.Fields(m.git("rev-list", "--date-order", branch)) {
					order[id] = i
				}
				c, err := repo.Commit(m.git("rev-parse", branch))
				check(t, err)
				for _, id := range all {
					_, diff, _ := strings.Cut(m.mail(id), "\n---\n") // without its date
					p := parse(t, diff)
					var w want
					for reverted, ids := range map[bool][][2]string{false: forward, true: back} {
						for _, pair := range ids {
							if pair[0] == p.Mails[0].ID() && (w.commit == "" || order[pair[1]] < order[w.commit]) {
								w = want{pair[1], reverted}
							}
						}
					}
					twin, err := history.Twin(t.Context(), c, p, 0, patch.Options{Strip: 1})
					check(t, err)
					got := want{}
					if twin != nil {
						got = want{twin.Commit.ID, twin.Reverted}
					}
					if got != w {
						t.Errorf("the twin of %s in %s is %+v, by git %+v", id, branch, got, w)
					}
					if w.commit != "" && w.commit != id {
						found++
					}
				}
			}
		})
	}
	if found < 8 {
		t.Errorf("there were only %d twins with an id of their own; the histories show little", found)
	}
}
