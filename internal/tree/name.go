package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// TempPrefix begins the name of everything an edit puts into a tree for a while:
// one folder at its top. Nothing else in a tree has this prefix, in any folder:
// CheckName refuses it.
const TempPrefix = ".srcmend-edit-"

// MaxDepth is the most components of a name. Source trees stay far below; and what a
// folder costs grows with the folders above it.
const MaxDepth = 128

// MaxLink is the longest target of a symbolic link, in bytes.
const MaxLink = 4095

// ErrRefused is wrapped by errors about a name, a link or a kind of file that
// is not touched whatever the reason for asking.
var ErrRefused = errors.New("refused")

// CheckName says whether name may be read and written: components between
// single slashes, at most MaxDepth, none of them empty, "." or ".."; no control character; no
// component that is ".git" in any letter case, since a hook there would be run;
// and none that begins with TempPrefix. An error wraps ErrRefused.
func CheckName(name string) error {
	refuse := func(why string) error {
		const shown = 200 // bytes of a name that somebody may have made to fill the screen
		if len(name) > shown {
			name = name[:shown] + "…"
		}
		return fmt.Errorf("%w: file name %q: %s", ErrRefused, name, why)
	}
	switch {
	case name == "":
		return refuse("it is empty")
	case name[0] == '/':
		return refuse("it is absolute")
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] == 0x7f {
			return refuse("it has a control character")
		}
	}
	if strings.Count(name, "/") >= MaxDepth {
		return refuse(fmt.Sprintf("it has more than %d components", MaxDepth))
	}
	for component := range strings.SplitSeq(name, "/") {
		switch {
		case component == "" || component == ".":
			return refuse("it is not in its shortest form")
		case component == "..":
			return refuse("it leads upwards")
		case strings.EqualFold(component, ".git"):
			return refuse("it belongs to git")
		case strings.HasPrefix(component, TempPrefix):
			return refuse("such names are for files that are just being changed")
		}
	}
	return nil
}

// CheckLink says whether a symbolic link at name may lead to target: the target
// is relative, stays in the tree, read as text, and does not go up after it has gone
// down, and nothing of it belongs to git. An error wraps ErrRefused.
func CheckLink(name, target string) error {
	refuse := func(why string) error {
		return fmt.Errorf("%w: symbolic link %q to %q: %s", ErrRefused, name, target, why)
	}
	switch {
	case target == "" || len(target) > MaxLink:
		return refuse("its target has no bytes or too many")
	case strings.ContainsRune(target, 0):
		return refuse("its target has a NUL byte")
	case target[0] == '/':
		return refuse("its target is absolute")
	}
	depth := strings.Count(name, "/")
	down := false
	for component := range strings.SplitSeq(target, "/") {
		if strings.EqualFold(component, ".git") {
			return refuse("its target belongs to git")
		}
		switch component {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return refuse("its target is outside the tree")
			}
			if down { // what it goes down into may be a link, and up from there is anywhere
				return refuse("its target goes down and up again")
			}
		default:
			down = true
			depth++
		}
	}
	return nil
}

func refuseKind(name string, mode fs.FileMode) error {
	return fmt.Errorf("%w: %s is neither a file nor a link (%s)", ErrRefused, name, mode.Type())
}

func refuseLink(name, link string) error {
	return fmt.Errorf("%w: %s lies behind the symbolic link %s", ErrRefused, name, link)
}
