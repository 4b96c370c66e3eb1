package work

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/plan"
)

// place puts what was staged below the prefix, file by file, and writes the
// receipt last. Done again after being killed, it ends the same.
func (w *Work) place(res *Result) (end, error) {
	staged, err := w.staged()
	var outside *outsideError
	if errors.As(err, &outside) {
		return end{red: &Red{
			Text:   "install wrote outside the prefix",
			Hint:   "tell configure where these belong below " + w.Plan.Prefix + " (srcmend build … -- --with-…=DIR)",
			Detail: outside.files,
		}}, nil
	}
	if err != nil {
		return end{}, err
	}
	if len(staged) == 0 {
		return end{red: &Red{Text: "install wrote no file", Hint: "check that the recipe's install command honours {destdir}"}}, nil
	}
	if foreign, err := w.foreign(staged, res.Receipt); err != nil {
		return end{}, err
	} else if len(foreign) > 0 && !w.Replace {
		return end{red: &Red{
			Text:   fmt.Sprintf("files of another origin are in the way below %s", filepath.Join(w.Root, w.Plan.Prefix)),
			Hint:   "nothing was installed; to overwrite them, run the same command with --replace",
			Detail: shorten(foreign, 10),
		}}, nil
	}
	w.Events.Send(event.StepStarted{Step: plan.Install, What: "into " + filepath.Join(w.Root, w.Plan.Prefix)})
	for _, f := range staged {
		if err := w.put(f); err != nil {
			return end{}, fmt.Errorf("installing: %w", err)
		}
	}
	if err := w.receipt(staged).Write(res.Receipt); err != nil {
		return end{}, fmt.Errorf("writing the receipt: %w", err)
	}
	res.Files = len(staged)
	return end{why: fmt.Sprintf("files: %d", len(staged))}, nil
}

// outsideError lists staged files that do not belong below the prefix.
type outsideError struct{ files []string }

func (e *outsideError) Error() string {
	return "files outside the prefix: " + strings.Join(e.files, ", ")
}

// staged describes the files that install wrote, in the order of their names.
func (w *Work) staged() ([]history.File, error) {
	stage := w.path("stage")
	prefix := filepath.Join(stage, w.Plan.Prefix)
	var files []history.File
	var outside []string
	err := filepath.WalkDir(stage, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if inside, err := os.ReadDir(path); err != nil || len(inside) > 0 || path == stage {
				return err
			}
		}
		rel, ok := strings.CutPrefix(path, prefix+"/")
		if !ok {
			outside = append(outside, strings.TrimPrefix(path, stage))
			return nil
		}
		f, err := history.Describe(prefix, filepath.ToSlash(rel))
		files = append(files, f)
		return err
	})
	if err == nil && len(outside) > 0 {
		err = &outsideError{shorten(outside, 10)}
	}
	return files, err
}

func shorten(names []string, most int) []string {
	if len(names) <= most {
		return names
	}
	return append(names[:most:most], fmt.Sprintf("and %d more", len(names)-most))
}

// foreign returns the files in the way that neither are what is to be put
// there nor what an earlier receipt of this package says was put there.
func (w *Work) foreign(staged []history.File, receipt string) ([]string, error) {
	ours := map[string]history.File{}
	if old, err := history.ReadReceipt(receipt); err == nil {
		for _, f := range old.Files {
			ours[f.Path] = f
		}
	}
	target := filepath.Join(w.Root, w.Plan.Prefix)
	var foreign []string
	for _, want := range staged {
		is, err := history.Describe(target, want.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case is != want && is != ours[want.Path]:
			foreign = append(foreign, filepath.Join(target, want.Path))
		}
	}
	return foreign, nil
}

// put puts one staged file in its place, whole or not at all. The name it has
// until then is always the same, so that a run that was killed leaves nothing
// that the next does not use.
func (w *Work) put(f history.File) error {
	from := filepath.Join(w.path("stage"), w.Plan.Prefix, f.Path)
	to := filepath.Join(w.Root, w.Plan.Prefix, f.Path)
	tmp := filepath.Join(filepath.Dir(to), ".srcmend-new."+filepath.Base(to))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if f.Mode == history.Folder {
		return os.MkdirAll(to, 0o755)
	}
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var err error
	if f.Mode == history.Link {
		err = os.Symlink(f.Target, tmp)
	} else {
		err = copyFile(from, tmp)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(tmp)))
	}
	return os.Rename(tmp, to)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// copyFile copies contents, owner, mode and time.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && err == nil && os.Geteuid() == 0 {
		err = os.Chown(to, int(owner.Uid), int(owner.Gid))
	}
	if err == nil {
		err = os.Chmod(to, info.Mode())
	}
	if err == nil {
		err = os.Chtimes(to, info.ModTime(), info.ModTime())
	}
	return err
}

// receipt says what was built.
func (w *Work) receipt(files []history.File) history.Receipt {
	r := history.Receipt{
		Schema: 1, Package: w.Plan.Package, Release: w.Plan.Release,
		Plan: w.Plan.Hash(), Prefix: w.Plan.Prefix, Archive: w.Plan.Archive.Name,
		SHA256: w.Plan.Archive.SHA256, Commit: w.Plan.Archive.Commit,
		Platform: w.Plan.Platform, Fixes: slices.Clone(w.state.Fixes), Files: files, Env: w.Plan.Env,
		Tools: map[string]string{"make": w.MakeName, "cc": w.Plan.Platform.Compiler},
	}
	for _, f := range w.Plan.Fixes {
		if len(f.Patch) == 0 {
			r.Fixes = append(r.Fixes, history.ReceiptFix{ID: f.ID, Applied: true})
		}
	}
	for _, s := range w.Plan.Steps {
		for _, c := range s.Commands {
			r.Commands = append(r.Commands, c.Argv)
		}
	}
	return r
}
