package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// hopeless are the broken packages that are not mended yet, and why.
var hopeless = map[string]string{
	"crlf-data-to-source": "the carriage returns are in data that a script makes a source of, and only a person sees that",
}

// TestBroken has packages mended that do not build. Each is a small package as people write
// them, with one cause or a few; its comment says how it is built, and how it must end: green,
// so that what was built does what it should, or with the right advice.
func TestBroken(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds more than two hundred packages")
	}
	all, err := filepath.Glob("../../internal/mend/testdata/broken/*.txtar")
	if err != nil || len(all) < 25 {
		t.Fatalf("%d packages, %v", len(all), err)
	}
	for _, file := range all {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			why, known := hopeless[name]
			says := mendBroken(t, file)
			switch {
			case says != "" && known:
				t.Logf("not mended: %s", why)
			case says != "":
				t.Error(says)
			case known:
				t.Errorf("it is mended now; it is no longer among the hopeless")
			}
		})
	}
}

// mendBroken builds a broken package, and says what is not as it must be.
func mendBroken(t *testing.T, file string) string {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]string{}
	for line := range strings.Lines(string(a.Comment)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(line, "#") {
			keys[key] = append(keys[key], value)
		}
	}
	first := func(key string) string { return strings.Join(keys[key][:min(1, len(keys[key]))], "") }
	world := t.TempDir()
	dir := filepath.Join(world, "package-1.0")
	unlikely(t, first("needs"), first("lacks"), first("user"))
	for _, f := range a.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(command ...string) (string, error) {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+world, "XDG_STATE_HOME="+filepath.Join(world, "state"), "LC_ALL=C", "SRCMEND_RECIPES=", "GORACE=atexit_sleep_ms=0")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		return out.String(), err
	}
	for _, command := range keys["build"] {
		if out, err := run(strings.Fields(command)...); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
	var said strings.Builder
	var red error
	for _, command := range keys["run"] {
		out, err := run(append([]string{"srcmend", "run", "--mend=auto", "--"}, strings.Fields(command)...)...)
		said.WriteString("$ " + command + "\n" + out)
		if red = err; red != nil {
			break
		}
	}
	if first("ends") == "advice" {
		switch {
		case red == nil:
			return "it is green, and nobody can mend it here\n" + said.String()
		case !regexp.MustCompile(first("advice")).MatchString(said.String()):
			return "the advice does not match " + first("advice") + "\n" + said.String()
		}
		return ""
	}
	if red != nil {
		return said.String()
	}
	for i, command := range keys["test"] {
		out, err := run(strings.Fields(command)...)
		if want := keys["want"][i]; err != nil || strings.TrimSpace(out) != strings.TrimSpace(want) {
			return command + " says " + out + ", want " + want + "\n" + said.String()
		}
	}
	return ""
}

// unlikely skips a package that does not fail here in the way that is meant.
func unlikely(t *testing.T, needs, lacks, user string) {
	t.Helper()
	for need := range strings.FieldsSeq(needs) {
		_, err := exec.LookPath(need)
		if strings.HasPrefix(need, "-l") { // a library
			link := exec.Command("cc", "-x", "c", "-", "-o", filepath.Join(t.TempDir(), "linked"), need)
			link.Stdin = strings.NewReader("int main(void) { return 0; }\n")
			err = link.Run()
		}
		if err != nil {
			t.Skipf("%s is not installed", need)
		}
	}
	for program := range strings.FieldsSeq(lacks) {
		_, err := exec.LookPath(program)
		if strings.Contains(program, "/") {
			_, err = os.Stat(program)
		}
		if err == nil {
			t.Skipf("%s is here", program)
		}
	}
	if user == "root" && os.Getuid() != 0 {
		t.Skip("only root sees that")
	}
}
