package patch

import (
	"errors"
	"fmt"
)

// ChooseStrip as Options.Strip lets the tree decide: 1 if with that every file
// is there which the patch does not make, otherwise the only one of 0, 2 and 3
// with which it is so.
const ChooseStrip = -1

// Options say how a patch is meant.
type Options struct {
	// Strip is how many leading components to take off the names, or
	// ChooseStrip. Git's names have one, "a/" or "b/"; note that the zero
	// Options take off none, as patch -p0.
	Strip int
	// File, unless "", is the name in the tree of the one file that all changes
	// are for, whatever names the patch has.
	File string
	// Reverse takes the patch out in place of putting it in.
	Reverse bool
	// DryRun does everything but write.
	DryRun bool
	// Strict takes hunks only exactly where their headers say.
	Strict bool
	// Fuzz, 0 to 3, is how many lines of outer context may differ where a hunk
	// has no place with all of them. It must have just one place then.
	Fuzz int
	// RemoveEmpty removes files that are empty after a change, and does not make
	// empty ones, as patch -E.
	RemoveEmpty bool
	// Base is the report of the same patch put into the tree it was made for.
	// With it a change that has no place is merged: what it does there is done
	// here, where what has changed between the two trees does not touch it. That
	// is tried before fuzz.
	Base *Report
	// AsBase keeps in the report what it needs to be the Base of another: the files
	// as they were, all of them, in memory.
	AsBase bool
}

// check refuses options that mean nothing.
func (o Options) check() error {
	switch {
	case o.Fuzz < 0 || o.Fuzz > maxFuzz:
		return fmt.Errorf("%w: a fuzz of %d; it may be 0 to %d", ErrOptions, o.Fuzz, maxFuzz)
	case o.Fuzz > 0 && o.Strict:
		return fmt.Errorf("%w: strict and fuzz at once", ErrOptions)
	case o.Strip < ChooseStrip:
		return fmt.Errorf("%w: %d is no number of leading components", ErrOptions, o.Strip)
	}
	return nil
}

// ErrOptions is wrapped by errors about Options that mean nothing, or nothing for
// this patch and tree.
var ErrOptions = errors.New("these options can't be followed")
