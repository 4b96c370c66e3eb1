package recipe

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/yamlfile"
)

// Commands is the commands of one step. In YAML it is one command, or a list
// of them.
type Commands []Command

// A Command is a program and its arguments; never shell text. In YAML it is
// the list of arguments, or a mapping.
type Command struct {
	Run []string `json:"run"`
	// The folder to run in, inside the source tree.
	In  string `json:"in,omitempty"`
	Env Env    `json:"env,omitempty"`
}

// Shape implements [yamlfile.Shaper].
func (cs *Commands) Shape(n yamlfile.Node) {
	items, list := n.Items()
	switch {
	case n.Scalar():
		n.Fail("a command is a list of arguments, not shell text", "write [gmake, install] for: gmake install")
	case list && len(items) == 0:
		n.Fail("an empty command", "leave the step out when there is nothing to run")
	case list && !items[0].Scalar():
		for _, item := range items {
			var c Command
			c.Shape(item)
			*cs = append(*cs, c)
		}
	default:
		var c Command
		c.Shape(n)
		*cs = Commands{c}
	}
}

// Shape implements [yamlfile.Shaper].
func (c *Command) Shape(n yamlfile.Node) {
	argv := n
	if _, list := n.Items(); list {
		n.Decode(&c.Run)
	} else {
		type mapping Command
		n.Decode((*mapping)(c))
		argv, _ = n.Child("run")
	}
	c.checkArgs(argv)
	if c.In != "" && !fs.ValidPath(c.In) {
		in, _ := n.Child("in")
		in.Fail(fmt.Sprintf("folder %q is not inside the source tree", c.In), "")
	}
}

// Env is environment variables; the values may hold placeholders.
type Env map[string]string

var envForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Shape implements [yamlfile.Shaper].
func (e *Env) Shape(n yamlfile.Node) {
	n.Decode((*map[string]string)(e))
	for _, key := range slices.Sorted(maps.Keys(*e)) {
		at, _ := n.Child(key)
		if !envForm.MatchString(key) {
			at.Fail(fmt.Sprintf("%q can't be the name of an environment variable", key), "")
		}
		if err := checkText((*e)[key], commandNames); err != nil {
			at.Fail(err.Error(), "")
		}
	}
}

func (c *Command) checkArgs(argv yamlfile.Node) {
	args, _ := argv.Items()
	if len(c.Run) == 0 || c.Run[0] == "" {
		argv.Fail("a command needs a program to run", "")
	} else if strings.ContainsAny(c.Run[0], " \t;|&$`") {
		args[0].Fail(fmt.Sprintf("%q looks like shell text, not like a program", c.Run[0]), "write one list item for each argument")
	}
	for i, arg := range c.Run {
		if err := checkText(arg, commandNames); err != nil {
			args[i].Fail(err.Error(), "")
		}
	}
}

// uses reports whether any argument of the commands holds the placeholder.
func (cs Commands) uses(name string) bool {
	for _, c := range cs {
		for _, text := range c.Run {
			if strings.Contains(text, "{"+name+"}") {
				return true
			}
		}
		for _, text := range c.Env {
			if strings.Contains(text, "{"+name+"}") {
				return true
			}
		}
	}
	return false
}
