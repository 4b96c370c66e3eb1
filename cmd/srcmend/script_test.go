package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"srcmend": main})
}

// TestScripts runs every script in testdata with the real program. A script
// has its own folders for caches and history, and no environment that would
// reach a build.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, ".state"))
			env.Setenv("SRCMEND_RECIPES", filepath.Join(env.WorkDir, "recipes"))
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			env.Setenv("LC_ALL", "C")
			return os.MkdirAll(filepath.Join(env.WorkDir, "recipes"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"archive": archiveCmd, "exits": exitsCmd, "serve": serveCmd, "workflow": workflowCmd,
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "sources":
				return reachable(t), nil
			case "terminals":
				f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
				if err == nil {
					err = f.Close()
				}
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// reachable reports whether the archive of a shipped recipe can be fetched
// from here. In CI it must be: there a fetcher that is broken would otherwise
// look like a network that is down.
func reachable(t *testing.T) bool {
	dir := t.TempDir()
	cmd := exec.Command("srcmend", "fetch", "lua@5.4.4")
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir, "SRCMEND_RECIPES=")
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return true
	case os.Getenv("CI") == "true":
		t.Errorf("not reachable, although this is CI: %s", out)
	default:
		t.Logf("not reachable: %s", out)
	}
	return false
}

// exitsCmd is exits STATUS COMMAND [ARG...]: runs the command, which must end
// with that status.
func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARG...]")
	}
	status := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		status = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if fmt.Sprint(status) != args[0] {
		ts.Fatalf("exit status %d, want %s", status, args[0])
	}
}

var sumMark = regexp.MustCompile(`@sha256:([^@]+)@`)

// archiveCmd is archive DIR...: packs each folder DIR into DIR.tar.gz, and puts
// the archives' sums into the recipes of all folders, where these say @sha256:DIR.tar.gz@.
func archiveCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: archive DIR...")
	}
	for _, dir := range args {
		if configure := ts.MkAbs(dir + "/configure"); fileExists(configure) {
			ts.Check(os.Chmod(configure, 0o755))
		}
		ts.Check(ts.Exec("tar", "-czf", dir+".tar.gz", "-C", filepath.Dir(dir), filepath.Base(dir)))
	}
	recipes, err := filepath.Glob(ts.MkAbs("*/*.yaml"))
	ts.Check(err)
	for _, file := range recipes {
		text, err := os.ReadFile(file)
		ts.Check(err)
		text = sumMark.ReplaceAllFunc(text, func(mark []byte) []byte {
			archive, err := os.ReadFile(ts.MkAbs(string(sumMark.FindSubmatch(mark)[1])))
			ts.Check(err)
			return fmt.Appendf(nil, "%x", sha256.Sum256(archive))
		})
		text = bytes.ReplaceAll(text, []byte("@url@"), []byte(ts.Getenv("URL")))
		text = bytes.ReplaceAll(text, []byte("@work@"), []byte(ts.Getenv("WORK")))
		ts.Check(os.WriteFile(file, text, 0o644))
	}
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// serveCmd is serve DIR: serves the files of DIR on loopback until the script
// ends, and sets URL. Below some folders the files come damaged in one way;
// the file requests counts what was asked for.
//
//	/cut/     the connection breaks in the middle, each time
//	/html/    a page instead of the file
//	/other/   other bytes of the same length
//	/gone/    404
func serveCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serve DIR")
	}
	dir, log := ts.MkAbs(args[0]), ts.MkAbs("requests")
	ts.Check(os.WriteFile(log, nil, 0o644))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0); err == nil {
			fmt.Fprintln(f, r.Method, r.URL.Path, r.Header.Get("Range"))
			f.Close()
		}
		how, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		text, err := os.ReadFile(filepath.Join(dir, filepath.Base(file)))
		switch {
		case how == "gone" || file != "" && err != nil:
			http.NotFound(w, r)
		case how == "cut":
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			_, _ = w.Write(text[:len(text)/2])
			panic(http.ErrAbortHandler)
		case how == "html":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>Please log in</title></head></html>")
		case how == "other":
			_, _ = w.Write(bytes.Repeat([]byte("x"), len(text)))
		default:
			http.ServeFile(w, r, filepath.Join(dir, filepath.Base(r.URL.Path)))
		}
	}))
	ts.Defer(server.Close)
	ts.Setenv("URL", server.URL)
}

// listTree gives a line for each file below dir: its mode, its sum, its name.
func listTree(dir string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		what := ""
		switch {
		case info.Mode()&os.ModeSymlink != 0:
			what, err = os.Readlink(path)
		case info.Mode().IsRegular():
			var text []byte
			text, err = os.ReadFile(path)
			what = fmt.Sprintf("%x", sha256.Sum256(text))
		}
		fmt.Fprintf(&b, "%s %s %s\n", info.Mode(), what, rel)
		return err
	})
	return b.String(), err
}
