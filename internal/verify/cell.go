package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"srcmend/internal/event"
)

// rules is raised when the code of this package comes to see the same thing another way: what
// was found out before is then not known any more.
const rules = 1

// A Cell is one claim that is verified.
type Cell struct {
	event.Cell
	// Key is the identity of everything that can change what becomes of it, hex.
	Key string
	// Claim is the same without what depends on the machine: two states of a collection that
	// have the same claim the same there.
	Claim string
	// After are the ids of the cells that it rests on.
	After []string
	// Because says why it is in the plan, if that is not the whole collection.
	Because string

	with, without string // keys of builds
}

// id names a cell.
func id(pkg, release, fix string, level event.Level) string {
	s := pkg
	if release != "" {
		s += "@" + release
	}
	if fix != "" {
		s += "/" + fix
	}
	return s + ":" + string(level)
}

// newCell is a cell without its keys.
func newCell(pkg, release, fix string, level event.Level) Cell {
	return Cell{Cell: event.Cell{ID: id(pkg, release, fix, level), Package: pkg, Release: release, Fix: fix, Level: level}}
}

// sum is the identity of values, hex.
func sum(parts ...any) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n", rules)
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			fmt.Fprintf(h, "%q\n", part)
		case []byte:
			fmt.Fprintf(h, "%d ", len(part))
			h.Write(part)
		default:
			text, err := json.Marshal(part)
			if err != nil {
				panic("verify: " + err.Error()) // only values that can be marshalled come here
			}
			h.Write(text)
			h.Write([]byte{'\n'})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// levels are in their order.
var levels = []event.Level{event.LevelLint, event.LevelFetch, event.LevelVerdict, event.LevelBuild}
