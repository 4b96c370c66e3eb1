package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The folder of an edit on its way, and the names in it. A step's new file is
// N.new until it is in place; the old one is N.old then, or N.new if the two
// were exchanged. The journal has its name when all new files are there. That it
// gets another name is what makes the edit happen: before, whoever finds the
// folder takes everything back; after, whoever finds it throws it away.
const (
	stageName   = TempPrefix + "stage"
	journalTemp = "journal.new"
	journalName = "journal"
	doneName    = "done"
)

func newName(step int) string { return strconv.Itoa(step) + ".new" }
func oldName(step int) string { return strconv.Itoa(step) + ".old" }

// A cursor keeps the folder open that was used last: names come in order.
type cursor struct {
	t  *Tree
	at folder
}

// parent opens the folder that name lies in, and gives the last component.
func (c *cursor) parent(name string) (folder, string, error) {
	if slash := strings.LastIndexByte(name, '/'); c.at.path != "" && slash == len(c.at.path) && name[:slash] == c.at.path {
		return c.at, name[slash+1:], nil
	}
	c.close()
	d, base, err := c.t.parent(name)
	if err != nil {
		return folder{}, "", err
	}
	c.at = d
	return d, base, nil
}

func (c *cursor) close() {
	c.at.close()
	c.at = folder{}
}

// A commit carries a plan out.
type commit struct {
	*plan
	t     *Tree
	stage folder
	at    cursor
}

// carryOut does what was planned, or nothing.
func (t *Tree) carryOut(p *plan) error {
	c := &commit{plan: p, t: t, at: cursor{t: t}}
	defer c.at.close()
	if err := t.top.mkdir(stageName, 0o700); err != nil {
		return fmt.Errorf("no change of %s could begin: %w", t.dir, err)
	}
	var err error
	if c.stage, err = t.top.open(stageName); err != nil {
		return errors.Join(err, t.top.rmdir(stageName))
	}
	defer c.stage.close()
	if err := c.prepare(); err != nil {
		return c.undone(err, nil)
	}
	if err := c.swap(); err != nil {
		return c.undone(err, t.takeBack(c.stage, &p.journal))
	}
	_ = t.finish(c.stage, &p.journal) // whoever comes next will try again
	return nil
}

// undone clears away after all was taken back, and gives the cause with what
// went wrong on the way. If something did, all is left for another try.
func (c *commit) undone(cause, err error) error {
	if err == nil {
		err = c.t.sweep(c.stage)
		c.t.resetTimes(&c.journal)
	}
	if err != nil {
		return fmt.Errorf("%w; and the tree is not as it was before: %w; what is missing lies in %s", cause, err, filepath.Join(c.t.dir, stageName))
	}
	return fmt.Errorf("%w; %s is as it was before", cause, c.t.dir)
}

// prepare writes all new files and the journal.
func (c *commit) prepare() error {
	for i := range c.steps {
		if err := c.fill(i); err != nil {
			return c.explain(i, err)
		}
	}
	if _, err := c.stage.create(journalTemp, 0o600, time.Time{}, c.text()); err != nil {
		return err
	}
	return c.stage.rename(journalTemp, c.stage, journalName)
}

// explain says of which file an error speaks, and what a system's number means.
func (c *commit) explain(i int, err error) error {
	if errors.Is(err, unix.EXDEV) {
		err = fmt.Errorf("it lies on another file system than the top of the tree, so they cannot change together: %w", err)
	}
	return fmt.Errorf("change of %s: %w", c.steps[i].name, err)
}

// fill brings the new file of one step into the stage.
func (c *commit) fill(i int) error {
	s, ch := &c.steps[i], &c.changes[i]
	switch {
	case s.kind == remove:
		return nil
	case ch.from != "":
		return c.keep(i)
	}
	return c.write(i, ch.file, ch.mode)
}

// write makes a new file or link in the stage.
func (c *commit) write(i int, f File, mode fs.FileMode) (err error) {
	s, name := &c.steps[i], newName(i)
	if !f.IsLink() {
		s.is, err = c.stage.create(name, mode, f.ModTime, f.parts()...)
		return err
	}
	if err := c.stage.symlink(name, string(f.Data)); err != nil {
		return err
	}
	if !f.ModTime.IsZero() {
		if err := c.stage.touch(name, f.ModTime); err != nil {
			return err
		}
	}
	s.is, err = c.stage.sight(name)
	return err
}

// keep gives the old file of another step a second name in the stage, or copies
// it where that cannot be: links to a file of somebody else may be forbidden.
func (c *commit) keep(i int) error {
	from, name := c.changes[i].from, newName(i)
	d, base, err := c.at.parent(from)
	if err != nil {
		return err
	}
	if d.link(base, c.stage, name) != nil {
		f, err := c.t.Read(from)
		if err != nil {
			return err
		}
		f.ModTime = time.Unix(0, f.seen.as.time)
		return c.write(i, f, f.Mode.Perm())
	}
	c.steps[i].is, err = c.stage.sight(name)
	return err
}

// swap brings the new files in place, and then the journal to its last name.
// What goes first makes room, since a folder may come in its place.
func (c *commit) swap() error {
	for i, s := range c.steps {
		if s.kind != remove {
			continue
		}
		if err := c.takeAway(i); err != nil {
			return c.explain(i, err)
		}
	}
	for _, dir := range c.made {
		if err := c.makeFolder(dir); err != nil {
			return fmt.Errorf("folder %s: %w", dir, err)
		}
	}
	for i, s := range c.steps {
		if s.kind == remove {
			continue
		}
		if err := c.put(i); err != nil {
			return c.explain(i, err)
		}
	}
	return c.stage.rename(journalName, c.stage, doneName)
}

// takeAway moves the old file of a step into the stage.
func (c *commit) takeAway(i int) error {
	d, base, err := c.at.parent(c.steps[i].name)
	if err != nil {
		return err
	}
	return d.rename(base, c.stage, oldName(i))
}

// makeFolder makes a folder, unless somebody else just has.
func (c *commit) makeFolder(dir string) error {
	d, base, err := c.at.parent(dir)
	if err != nil {
		return err
	}
	err = d.mkdir(base, 0o755)
	if sub, e := d.open(base); errors.Is(err, fs.ErrExist) && e == nil {
		sub.close()
		return nil
	}
	return err
}

// put gives the new file of a step its name. Where two files cannot change
// places, the old one gets a second name before it is replaced, so that the name
// is there at any time; where it can have no second name, it is moved.
func (c *commit) put(i int) error {
	d, base, err := c.at.parent(c.steps[i].name)
	if err != nil {
		return err
	}
	if c.steps[i].kind == create {
		return c.stage.place(newName(i), d, base)
	}
	if err := c.stage.exchange(newName(i), d, base); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if d.link(base, c.stage, oldName(i)) != nil {
		if err := d.rename(base, c.stage, oldName(i)); err != nil {
			return err
		}
	}
	return c.stage.rename(newName(i), d, base)
}

// finish removes folders that are empty now, and then all that is left of an
// edit that has happened.
func (t *Tree) finish(stage folder, j *journal) error {
	at := cursor{t: t}
	defer at.close()
	left := map[string]bool{}
	for _, s := range j.steps {
		if s.kind == remove {
			left[path.Dir(s.name)] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(left)) {
		for dir != "." && at.clear(dir) {
			dir = path.Dir(dir)
		}
	}
	return t.sweep(stage)
}

// clear removes a folder if it is empty, and reports whether it is gone: it may
// have been removed before the process died that began with this.
func (c *cursor) clear(dir string) bool {
	d, base, err := c.parent(dir)
	if err == nil {
		err = d.rmdir(base)
	}
	return err == nil || errors.Is(err, fs.ErrNotExist)
}

// sweep removes the stage. The journal goes first: without it the rest is of no
// use to anybody.
func (t *Tree) sweep(stage folder) error {
	names, err := stage.names()
	if err != nil {
		return err
	}
	for _, name := range append([]string{doneName, journalName}, names...) {
		if err := stage.unlink(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return t.top.rmdir(stageName)
}
