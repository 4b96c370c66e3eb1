package mend

import (
	"regexp"
	"strings"
)

// name is that of a variable which a shell can set.
var name = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// quoted is a text as one word for a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
