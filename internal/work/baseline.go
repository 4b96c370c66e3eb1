package work

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"srcmend/internal/buildlog"
	"srcmend/internal/event"
	"srcmend/internal/plan"
)

// doubted decides about tests that fail in a build that was mended. What has mended it may have
// changed what they find: so the package is built once more without that, as far as it goes,
// and its tests are run as far as there are any. If the same fail then, it is not to blame.
func (w *Work) doubted(ctx context.Context, red *Red) (*Red, error) {
	all := w.mended()
	if len(all) == 0 {
		red.Text = "the package's own tests fail; " + red.Text
		red.Hint = "nothing was installed; --check=never installs it all the same"
		return red, nil
	}
	by := strings.Join(all, ", ")
	w.Events.Send(event.Note{Text: "its own tests fail, and it was mended by: " + by + "; now they are run without that, as far as it builds then"})
	before, err := w.unmended(ctx)
	if err != nil {
		return red, err
	}
	failures, err := newFailures(red.Log, before)
	if err != nil {
		return red, err
	}
	if len(failures) == 0 {
		w.Events.Send(event.Warning("the package's own tests fail, with and without what has mended it: "+by, ""))
		return nil, nil
	}
	const few = 10
	red.Text = "the package's own tests fail, and not so without what has mended it: " + by
	red.Detail = failures[:min(few, len(failures))]
	red.Hint = "what has mended it compiles, and may be wrong all the same; nothing was installed; --check=never installs it all the same"
	return red, nil
}

// unmended builds the package beside, without what has mended it, and runs its tests; both as
// far as they go. It gives the log of the tests, "" if there is none.
func (w *Work) unmended(ctx context.Context) (log string, err error) {
	b := *w
	b.Dir, b.Root, b.Logs = w.path("unmended"), w.path("unmended-root"), filepath.Join(w.Logs, "unmended")
	b.Mend, b.With, b.Recover, b.Built = nil, nil, nil, nil
	b.Check, b.Keep, b.asFar = CheckAlways, true, true
	b.Plan.Steps = slices.DeleteFunc(slices.Clone(w.Plan.Steps), func(s plan.Step) bool { return s.Name == plan.Install })
	for _, dir := range []string{b.Dir, b.Root} {
		if err := RemoveAll(dir); err != nil {
			return "", err
		}
	}
	for _, dir := range []string{b.Root, b.Logs} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
	}
	defer func() {
		_ = RemoveAll(b.Dir)
		_ = RemoveAll(b.Root)
	}()
	res, err := b.Run(ctx)
	if err != nil || res.Red != nil || len(res.Logs) == 0 {
		return "", err // what is red can't be configured
	}
	return filepath.Join(b.Logs, res.Logs[len(res.Logs)-1]), nil
}

var (
	// failure is in a line that says that a test has failed.
	failure = regexp.MustCompile(`(?i)\bfail(?:s|ed|ure|ures)?\b|\bnot ok\b|\bassert|\bpanic\b|\baborted\b|\bsegmentation fault\b|\bcore dumped\b|\bbad\b|\bwrong\b|\*\*\* .*Error \d+`)
	// varies is what differs from one run to the next.
	varies = regexp.MustCompile(`0x[0-9a-fA-F]+|\d+|/\S+/`)
)

// newFailures gives the lines of a log of tests that say that one has failed, and are not in
// the log of an earlier run, "" for none.
func newFailures(log, before string) (all []string, err error) {
	known := map[string]bool{}
	read := func(path string, visit func(line, alike string)) error {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("reading what tests have said: %w", err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if line := buildlog.Clean(lines.Text()); failure.MatchString(line) {
				alike := strings.Join(strings.Fields(line), " ")
				if !strings.HasPrefix(alike, "not ok ") { // that has a number for a name
					alike = varies.ReplaceAllString(alike, "#")
				}
				visit(line, alike)
			}
		}
		return lines.Err()
	}
	if before != "" {
		if err := read(before, func(_, alike string) { known[alike] = true }); err != nil {
			return nil, err
		}
	}
	err = read(log, func(line, alike string) {
		if !known[alike] {
			known[alike] = true
			all = append(all, line)
		}
	})
	if before == "" && len(all) == 0 {
		all = []string{"the exit status"}
	}
	return all, err
}
