package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"srcmend/internal/build"
	"srcmend/internal/check"
	"srcmend/internal/mend"
	"srcmend/internal/relay"
	"srcmend/internal/report"
	"srcmend/internal/setup"
	"srcmend/internal/tree"
	"srcmend/internal/work"
)

// A runMending mends the tree that a command builds.
type runMending struct {
	*mend.Mender
	app     *app
	lock    *os.File
	mode    string
	argv    []string // the command as it was given, and its environment
	env     []string
	learn   bool
	tests   bool         // the package's own tests are what has failed
	learned func() error // writes what was done into the user's recipes; nil if no recipe is for the tree
	file    *os.File     // what the command has written
	out     renderer
}

// newRunMending makes ready for a command that builds in the current folder. Whatever the
// mode is, what an attempt has left that was killed is undone. Where nothing can be mended, the
// command runs all the same.
func (a *app) newRunMending(ctx context.Context, argv []string, o mendOptions) (*runMending, error) {
	asked := o.mode != "" && o.mode != mendOff
	if err := o.settle(mendKnown); err != nil {
		return nil, err
	}
	if o.learn && len(a.folders()) == 0 {
		return nil, errNoFolder
	}
	m := &runMending{app: a, mode: o.mode, learn: o.learn, Mender: &mend.Mender{}}
	if err := m.ready(ctx, argv, o); err != nil {
		if asked || m.Left() && !errors.Is(err, errAtWork) {
			a.say("nothing can be mended: %v", err)
		}
		m.mode = mendOff
	}
	return m, nil
}

// ready finds the tree, locks it, and undoes what was left there.
func (m *runMending) ready(ctx context.Context, argv []string, o mendOptions) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	state, err := stateDir()
	if err != nil {
		return err
	}
	top, build := setup.Tree(dir, argv)
	if top == "" {
		return fmt.Errorf("there is no source of a package in %s", dir)
	}
	keep := filepath.Join(state, "mend", fmt.Sprintf("%x", sha256.Sum256([]byte(top)))[:16])
	m.Mender = m.app.mender(top, keep, o)
	m.Build = build
	if o.mode == mendOff && !m.Left() {
		return nil
	}
	if m.lock, err = lockTree(ctx, m.Mender); err != nil {
		return err
	}
	m.Hold = m.lock
	undone, err := m.Recover(ctx)
	if undone {
		m.app.say("what an interrupted attempt to mend had left in %s was undone", top)
	}
	return err
}

// errAtWork says that somebody else mends the tree; it may be the one that has started this.
var errAtWork = errors.New("another srcmend is at work in this tree")

// leaving is how long what was killed is waited for: its commands are given time to end.
const leaving = 15 * time.Second

// lockTree takes the lock of a tree. Where an attempt was killed, what it had started is on its
// way to end.
func lockTree(ctx context.Context, m *mend.Mender) (*os.File, error) {
	for end := time.Now().Add(leaving); ; {
		f, err := work.Lock(m.Keep + ".lock")
		if !errors.Is(err, work.ErrLocked) {
			return f, err
		}
		if !m.Left() || time.Now().After(end) {
			return nil, errAtWork
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// spool is where the output of the command goes besides, each time anew; nil for nowhere.
func (m *runMending) spool() *os.File {
	if m.mode == mendOff {
		return nil
	}
	if m.file != nil {
		_ = m.file.Close()
	}
	err := os.MkdirAll(m.Keep, 0o700)
	if err == nil {
		m.file, err = os.Create(filepath.Join(m.Keep, "run.log"))
	}
	if err != nil {
		m.mode, m.file = mendOff, nil
	}
	return m.file
}

// mend tries to mend what a command could not build, and reports whether it is to be run
// again.
func (m *runMending) mend(ctx context.Context, c *relay.Command, h *hearing) (bool, error) {
	dir, err := os.Getwd()
	if err != nil {
		return false, err
	}
	m.Catalogue = h.cat
	if m.Headers == nil {
		if m.Headers, err = m.app.headersWith(nil); err != nil {
			return false, err
		}
	}
	if m.Fixes == nil {
		m.recipe()
	}
	if m.out == nil {
		m.out = &report.Text{Out: m.app.err, Err: m.app.err, Quiet: m.app.quiet, Color: color(m.app.err)}
		if m.app.json {
			m.out = &report.JSON{W: m.app.err}
		}
		m.Events = m.out.Send
	}
	if c.Env == nil {
		m.argv, m.env = c.Argv, os.Environ()
		c.Env = m.env
	}
	f := mend.Failure{Argv: c.Argv, Dir: dir, Env: c.Env, Log: h.spool.Name(), Started: h.started}
	if m.mode == mendPlan {
		return false, m.app.sayPlan(ctx, m.Mender, f)
	}
	res, err := m.Mend(ctx, f)
	if err != nil || !res.Mended {
		if res.Capsule != "" {
			m.app.say("%s; to run the failed command by hand: %s", res.Why, filepath.Join(res.Capsule, "cmd.sh"))
		}
		return false, err
	}
	c.Argv, c.Env = mend.With(m.Kept(), m.argv, m.env)
	return true, nil
}

// recipe finds the recipe of the package that the tree is the source of, and what it knows.
func (m *runMending) recipe() {
	t, err := tree.Open(m.Top)
	if err != nil {
		return
	}
	defer t.Close()
	all, err := m.app.collection()
	if err != nil {
		return
	}
	guesses := check.Identify(t, filepath.Base(t.Dir()))
	for _, g := range guesses {
		r, err := all.Load(g.Name)
		if err != nil {
			continue
		}
		v, _ := check.VersionIn(t, r, guesses)
		m.Fixes = m.app.fixes(all, r, v, fetchOptions{})
		if v.String() != "" {
			m.learned = func() error { return m.app.learn(all, r, v, m.Kept(), m.Events) }
		}
		return
	}
}

// conclude says what was done, after the last run; and if that has ended with the package's own
// tests, that what has mended it is to be doubted.
func (m *runMending) conclude(err error) {
	if len(m.Kept()) == 0 {
		if m.tests {
			m.doubt()
		}
		return
	}
	if status, ok := errors.AsType[exitStatus](err); m.learn && ok && status == 0 {
		switch {
		case m.learned == nil:
			m.app.say("nothing is learnt: no recipe is for this package and version")
		default:
			if err := m.learned(); err != nil {
				m.app.say("nothing is learnt: %v", err)
			}
		}
	}
	var all []string
	for _, c := range m.Kept() {
		all = append(all, c.What)
	}
	if status, ok := errors.AsType[exitStatus](err); ok && status == 0 {
		m.app.say("mended: %s", strings.Join(all, "; "))
	} else {
		m.app.say("mended on the way, though it is red in the end: %s", strings.Join(all, "; "))
	}
	patch, err := m.Remember()
	switch {
	case err != nil:
		m.app.say("what was done is not written down: %v", err)
	case patch != "":
		m.app.say("to take it back: srcmend patch -R -d %s -i %s", build.Quote([]string{m.Top}), build.Quote([]string{patch}))
	}
	if m.tests {
		m.doubt()
	}
}

// doubt says of tests that fail what has been done to the tree.
func (m *runMending) doubt() {
	var all []string
	for _, p := range m.Past() {
		all = append(all, p.What)
	}
	if len(all) > 0 {
		m.app.say("the package's own tests fail, and this tree was mended by: %s; that compiles, and may be wrong all the same", strings.Join(all, "; "))
	}
}

func (m *runMending) close() {
	if m.file != nil {
		_ = m.file.Close()
		_ = os.Remove(m.file.Name())
	}
	if m.lock != nil {
		_ = m.lock.Close()
	}
}
