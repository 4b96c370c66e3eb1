package main

import (
	"os"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v4"
)

// A workflow is what the tests know of the files that verify --init writes.
type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Name, Run string
			Env       map[string]string
		}
	}
	Recipes struct {
		Script    []string
		Variables map[string]string
	}
	Repos []struct {
		Hooks []struct {
			Entry, Files  string
			PassFilenames bool `json:"pass_filenames"`
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{ *([\w.]+) *\}\}`)

// workflowCmd is workflow FILE [NAME=VALUE]...: runs the commands of a workflow as they would be
// there, with the values for what stands in ${{ }} and for variables; of pre-commit with the
// files that git would commit, as far as they are meant.
func workflowCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: workflow FILE [NAME=VALUE]...")
	}
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var w workflow
	ts.Check(yaml.Unmarshal(text, &w))
	values := map[string]string{}
	var env []string
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		values[name] = value
		env = append(env, arg)
	}
	fill := func(text string) string {
		return expression.ReplaceAllStringFunc(text, func(m string) string { return values[expression.FindStringSubmatch(m)[1]] })
	}
	var scripts []string
	script := func(text string, vars map[string]string) {
		lines := []string{"set -e"}
		for name, value := range vars {
			lines = append(lines, "export "+name+"='"+strings.TrimSpace(fill(value))+"'")
		}
		scripts = append(scripts, strings.Join(append(lines, fill(text)), "\n"))
	}
	for _, job := range w.Jobs {
		for _, step := range job.Steps {
			if step.Run != "" {
				script(step.Run, step.Env)
			}
		}
	}
	for _, line := range w.Recipes.Script {
		script(line, nil)
	}
	for _, repo := range w.Repos {
		for _, hook := range repo.Hooks {
			if hook.PassFilenames {
				ts.Fatalf("%s passes names of files on", args[0])
			}
			script("git diff --cached --name-only --diff-filter=d | grep -qE '"+hook.Files+"' || exit 0\n"+hook.Entry, nil)
		}
	}
	if len(scripts) == 0 {
		ts.Fatalf("%s has no commands", args[0])
	}
	failed := false
	for _, text := range scripts {
		failed = ts.Exec("env", append(append([]string{}, env...), "sh", "-c", text)...) != nil || failed
	}
	if failed != neg {
		ts.Fatalf("the workflow ends as it should not")
	}
}
