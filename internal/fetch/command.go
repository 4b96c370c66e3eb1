package fetch

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"srcmend/internal/build"
)

const (
	// maxOutput bounds what is taken of a command's standard output, in
	// bytes. The records of a source package are some kilobytes.
	maxOutput = 16 << 20
	// maxComplaint bounds what is kept of its standard error.
	maxComplaint = 4 << 10
)

// A command is a program to be run, argument by argument: no shell is
// involved.
type command struct {
	argv []string
	dir  string // where it runs; empty for here
}

// run runs the command and returns its standard output.
//
// The command has a process group of its own, which is killed when ctx is
// done; when this process is killed the command is ended too, so that it does
// not go on holding its locks. It reads nothing and speaks English. The error
// has the end of what it wrote to standard error.
func (c command) run(ctx context.Context) ([]byte, error) {
	runtime.LockOSThread() // the command lives no longer than the thread that starts it
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "LANGUAGE=", "DEBIAN_FRONTEND=noninteractive")
	cmd.SysProcAttr = build.EndWithParent()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	out, complaint := &bounded{keep: maxOutput}, &bounded{keep: maxComplaint, tail: true}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil && out.dropped {
		err = fmt.Errorf("wrote more than %d bytes", maxOutput)
	}
	if err != nil {
		return nil, &commandError{name: filepath.Base(c.argv[0]), err: err, lines: complaints(complaint.buf.String())}
	}
	return out.buf.Bytes(), nil
}

// A commandError is a command that failed, with its last words.
type commandError struct {
	name  string
	err   error
	lines []string
}

func (e *commandError) Error() string {
	if len(e.lines) == 0 {
		return fmt.Sprintf("%s: %v", e.name, e.err)
	}
	return fmt.Sprintf("%s: %s (%v)", e.name, strings.Join(e.lines, "; "), e.err)
}

func (e *commandError) Unwrap() error { return e.err }

// complaints picks from a command's standard error what is worth showing: the
// errors of the apt programs, which start with "E:", or else the last lines.
func complaints(text string) []string {
	var lines, wrong []string
	for line := range strings.Lines(redactText(text)) {
		line = oneLine(line, 300)
		if line == "" {
			continue
		}
		lines = append(lines, line)
		if strings.HasPrefix(line, "E:") {
			wrong = append(wrong, line)
		}
	}
	if len(wrong) > 0 {
		lines = wrong
	}
	return lines[max(0, len(lines)-5):]
}

// bounded keeps the first or the last bytes that are written to it.
type bounded struct {
	buf     bytes.Buffer // not embedded: its ReadFrom would go round Write
	keep    int
	tail    bool // keep the last ones
	dropped bool
}

func (b *bounded) Write(p []byte) (int, error) {
	n := len(p)
	if !b.tail && b.buf.Len()+n > b.keep {
		p = p[:b.keep-b.buf.Len()]
		b.dropped = true
	}
	b.buf.Write(p)
	if over := b.buf.Len() - b.keep; over > 0 {
		b.buf.Next(over)
		b.dropped = true
	}
	return n, nil
}

// lookPaths returns the paths of the named programs.
func lookPaths(names ...string) ([]string, error) {
	var paths []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
