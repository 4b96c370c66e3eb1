package history_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"srcmend/internal/history"
)

// clock starts at a fixed time and goes on a second each time it is read.
func clock() func() time.Time {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return func() time.Time { at = at.Add(time.Second); return at }
}

func TestAttempts(t *testing.T) {
	h := history.Open(filepath.Join(t.TempDir(), "not", "there", "yet"), clock())
	if all, err := h.List(); err != nil || len(all) != 0 {
		t.Fatalf("a new history has %v, %v", all, err)
	}
	for i, outcome := range []string{"green", "red"} {
		a, err := h.Begin(history.Record{Verb: "build", Package: "hello", Release: "2.12"})
		if err != nil {
			t.Fatal(err)
		}
		if a.ID != i+1 || a.Outcome != history.Running {
			t.Errorf("attempt %d begins as %+v", i+1, a.Record)
		}
		a.Step = "make"
		a.Steps = append(a.Steps, history.Step{Name: "make", Outcome: outcome, Seconds: 1.5})
		if err := a.End(outcome, "it is "+outcome); err != nil {
			t.Fatal(err)
		}
	}
	all, err := h.List()
	if err != nil || len(all) != 2 || all[0].ID != 2 || all[1].ID != 1 {
		t.Fatalf("list is %+v, %v", all, err)
	}
	r, dir, err := h.Show(2)
	if err != nil || r.Outcome != "red" || r.Text != "it is red" || len(r.Steps) != 1 || !r.Ended.After(r.Started) {
		t.Errorf("attempt 2 is %+v, %v", r, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "record.json")); err != nil {
		t.Error(err)
	}
	if _, _, err := h.Show(3); !errors.Is(err, history.ErrUnknown) {
		t.Errorf("attempt 3 gives %v", err)
	}
}

func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	h := history.Open(dir, nil)
	a, err := h.Begin(history.Record{Package: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	if r, _, err := h.Show(a.ID); err != nil || r.Outcome != history.Running {
		t.Errorf("while this process lives the attempt is %s, %v", r.Outcome, err)
	}
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(a.Dir, "record.json"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), fmt.Sprintf(`"pid": %d`, os.Getpid()), fmt.Sprintf(`"pid": %d`, dead.Process.Pid), 1)
	if err := os.WriteFile(filepath.Join(a.Dir, "record.json"), []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, _, err := h.Show(a.ID); err != nil || r.Outcome != "interrupted" {
		t.Errorf("of a dead process the attempt is %s, %v", r.Outcome, err)
	}
}

// TestDamaged makes sure that one unreadable record hides no other.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	h := history.Open(dir, clock())
	for range 2 {
		if _, err := h.Begin(history.Record{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "1", "record.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "3"), 0o755); err != nil { // killed between mkdir and record
		t.Fatal(err)
	}
	all, err := h.List()
	if err != nil || len(all) != 3 || all[0].Outcome != "unreadable" || all[1].Outcome != history.Running || all[2].Outcome != "unreadable" {
		t.Errorf("list is %+v, %v", all, err)
	}
	if a, err := h.Begin(history.Record{}); err != nil || a.ID != 4 {
		t.Errorf("the next attempt is %v, %v", a, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	h := history.Open(t.TempDir(), nil)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a, err := h.Begin(history.Record{})
			if err == nil {
				err = a.End("green", "")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all, err := h.List(); err != nil || len(all) != 20 || all[0].ID != 20 {
		t.Errorf("%d attempts are recorded, %v", len(all), err)
	}
}

func TestOldLogsGo(t *testing.T) {
	h := history.Open(t.TempDir(), nil)
	for i := range history.KeepLogs + 3 {
		a, err := h.Begin(history.Record{})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(a.Dir, "make.log"), []byte("log"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := a.End("green", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[int]bool{1: false, 3: false, 4: true, history.KeepLogs + 3: true} {
		r, dir, err := h.Show(id)
		if err != nil || r.Outcome != "green" {
			t.Errorf("the record of attempt %d is %+v, %v", id, r, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "make.log")); (err == nil) != want {
			t.Errorf("the log of attempt %d is there: %v, want %v", id, err == nil, want)
		}
	}
}

func TestReceipt(t *testing.T) {
	root, prefix := t.TempDir(), "/opt/hello"
	base := filepath.Join(root, prefix)
	for _, dir := range []string{"bin", "var/empty"} {
		if err := os.MkdirAll(filepath.Join(base, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(base, "bin/hello"), []byte("hi"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("hello", filepath.Join(base, "bin/hi")); err != nil {
		t.Fatal(err)
	}
	r := history.Receipt{Schema: 1, Package: "hello", Release: "2.12", Prefix: prefix}
	for _, path := range []string{"bin/hello", "bin/hi", "var/empty"} {
		f, err := history.Describe(base, path)
		if err != nil {
			t.Fatal(err)
		}
		r.Files = append(r.Files, f)
	}
	path := history.ReceiptPath(root, prefix, "hello")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	again, err := history.ReadReceipt(path)
	if err != nil || len(again.Files) != 3 || again.Files[0] != r.Files[0] {
		t.Fatalf("read back is %+v, %v", again, err)
	}
	if missing, changed, err := again.Check(root); len(missing)+len(changed) > 0 || err != nil {
		t.Errorf("nothing was touched, but %v %v, %v", missing, changed, err)
	}
	for _, test := range []struct {
		want   string
		change func() error
	}{
		{"[] [bin/hello]", func() error { return os.Chmod(filepath.Join(base, "bin/hello"), fs.ModeSetuid|0o755) }},
		{"[] [bin/hello]", func() error { return os.WriteFile(filepath.Join(base, "bin/hello"), []byte("ho"), 0o755) }},
		{"[bin/hello] []", func() error { return os.Remove(filepath.Join(base, "bin/hello")) }},
	} {
		if err := test.change(); err != nil {
			t.Fatal(err)
		}
		missing, changed, err := again.Check(root)
		if got := fmt.Sprint(missing, changed); err != nil || got != test.want {
			t.Errorf("check says %s, %v; want %s", got, err, test.want)
		}
	}
	if _, err := history.ReadReceipt(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing receipt gives %v", err)
	}
	if err := os.WriteFile(path, []byte("<html>"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := history.ReadReceipt(path); err == nil || !strings.Contains(err.Error(), "is not a receipt") {
		t.Errorf("garbage gives %v", err)
	}
}

func TestModeText(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0o644: "0644", 0o755: "0755", fs.ModeSetuid | 0o755: "4755", fs.ModeSetgid | fs.ModeSticky | 0o711: "3711",
	} {
		if got := history.ModeText(mode); got != want {
			t.Errorf("ModeText(%v) = %s, want %s", mode, got, want)
		}
	}
}

func FuzzReadReceipt(f *testing.F) {
	f.Add([]byte(`{"schema":1,"files":[{"path":"../../etc/passwd","mode":"0644"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "r.json")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		if r, err := history.ReadReceipt(path); err == nil {
			_, _, _ = r.Check(t.TempDir())
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "history")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	h := history.Open(dir, clock())
	a, err := h.Begin(history.Record{Verb: "build", Package: "hello", Release: "2.12"})
	if err == nil {
		err = a.End("green", "installed")
	}
	r, _, _ := h.Show(1)
	fmt.Println(r.ID, r.Package, r.Outcome, r.Ended.Sub(r.Started), err)
	// Output: 1 hello green 1s <nil>
}
