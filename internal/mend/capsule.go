package mend

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"srcmend/internal/build"
)

// capsule leaves what it takes to run the failed command by hand: env.sh, cmd.sh, and a draft
// of a report to upstream.
func (j *job) capsule() (string, error) {
	dir := filepath.Join(j.Keep, "capsule")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	way := j.whole
	if len(j.ways) > 0 {
		way = j.ways[0]
	}
	argv, env := way.Argv, slices.Sorted(slices.Values(j.f.Env))
	var sh strings.Builder
	sh.WriteString("# The environment of the command. In a shell: . ./env.sh\n")
	for _, kv := range env {
		key, value, _ := strings.Cut(kv, "=")
		if identifier.MatchString(key) {
			fmt.Fprintf(&sh, "export %s=%s\n", key, word(value))
		}
	}
	command := build.Quote(argv)
	if way.Exact {
		command = j.target.Command
	}
	cmd := fmt.Sprintf("#!/bin/sh\n# The command that failed.\n. %s\ncd %s || exit\n%s\n", word(filepath.Join(dir, "env.sh")), word(way.Dir), command)
	for name, text := range map[string]string{"env.sh": sh.String(), "cmd.sh": cmd, "report.md": j.report(command)} {
		mode := os.FileMode(0o644)
		if name == "cmd.sh" {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// word is a text as one word for a shell.
func word(text string) string { return build.Quote([]string{text}) }

// report is a draft of what could be told to upstream.
func (j *job) report(command string) string {
	root := j.red.Findings[0]
	var b strings.Builder
	fmt.Fprintf(&b, "# The build fails: %s\n\n", firstLine(root.Cause))
	fmt.Fprintf(&b, "System: %s\nFolder: %s\nCommand:\n\n", j.OS, filepath.Base(j.Top))
	for line := range strings.Lines(command) {
		b.WriteString("    " + line)
	}
	b.WriteString("\n\nIt says:\n\n")
	for _, line := range root.Excerpt {
		b.WriteString("    " + line + "\n")
	}
	b.WriteString("\nWhat may help:\n\n")
	for _, do := range root.Dos() {
		b.WriteString("- " + do + "\n")
	}
	return b.String()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
