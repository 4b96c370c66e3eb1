package work

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"srcmend/internal/event"
	"srcmend/internal/history"
	"srcmend/internal/plan"
)

// place puts what was staged below the prefix, file by file. A receipt of what
// is coming is written first, so that whoever goes on after a kill knows what
// is ours, and the receipt itself last. Done again, it ends the same.
func (w *Work) place(ctx context.Context, res *Result) (end, error) {
	staged, red, err := w.staged()
	if err != nil || red != nil {
		return end{red: red}, err
	}
	if w.Trial {
		made := w.receipt(staged)
		res.Made, res.Receipt, res.Files = &made, "", len(staged)
		return end{why: fmt.Sprintf("files: %d, staged", len(staged))}, nil
	}
	target := w.target("")
	lock, err := w.flock(ctx, filepath.Join(w.Locks, fmt.Sprintf("%x", sha256.Sum256([]byte(target)))), "another srcmend installs into "+target)
	if err != nil {
		return end{}, err
	}
	defer lock.Close()
	s, err := w.survey(staged)
	if err != nil {
		return end{}, err
	}
	if red := s.red(target, w.Replace); red != nil {
		return end{red: red}, nil
	}
	w.Events.Send(event.StepStarted{Step: plan.Install, What: "into " + target})
	receipt, coming := w.receipt(s.files), pendingPath(res.Receipt)
	if err := w.folder(history.ReceiptDir); err != nil {
		return end{}, fmt.Errorf("installing: %w", err)
	}
	if err := receipt.Write(coming); err != nil {
		return end{}, fmt.Errorf("installing: %w", err)
	}
	for _, f := range s.files {
		if err := w.put(f); err != nil {
			return end{}, fmt.Errorf("installing: %w", err)
		}
	}
	if err := receipt.Write(res.Receipt); err != nil {
		return end{}, fmt.Errorf("writing the receipt: %w", err)
	}
	w.retire(s.ours, s.files)
	w.tell(s)
	res.Files = len(staged)
	return end{why: fmt.Sprintf("files: %d", len(staged))}, ignoreMissing(os.Remove(coming))
}

// pendingPath is where the receipt lies of what is being installed.
func pendingPath(receipt string) string {
	return filepath.Join(filepath.Dir(receipt), ".coming-"+filepath.Base(receipt))
}

// target is the place of a path below the prefix.
func (w *Work) target(path string) string { return filepath.Join(w.Root, w.Plan.Prefix, path) }

// staged describes what install wrote, in the order of the names; or says why
// it can't be installed.
func (w *Work) staged() ([]history.File, *Red, error) {
	stage := w.path("stage")
	prefix := filepath.Join(stage, w.Plan.Prefix)
	var files []history.File
	var outside, odd []string
	err := filepath.WalkDir(stage, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if inside, err := os.ReadDir(path); err != nil || len(inside) > 0 || path == stage || path == prefix {
				return err
			}
		}
		rel, ok := strings.CutPrefix(path, prefix+"/")
		if !ok {
			outside = append(outside, strings.TrimPrefix(path, stage))
			return nil
		}
		if why := oddity(path, rel, stage, d); why != "" {
			odd = append(odd, rel+": "+why)
			return nil
		}
		f, err := history.Describe(prefix, filepath.ToSlash(rel))
		files = append(files, f)
		return err
	})
	switch {
	case err != nil:
		return nil, nil, err
	case len(outside) > 0:
		return nil, &Red{
			Text:   "install wrote outside the prefix",
			Hint:   "tell configure where these belong below " + w.Plan.Prefix + " (srcmend build … -- --with-…=DIR)",
			Detail: shorten(outside, 10),
		}, nil
	case len(odd) > 0:
		return nil, &Red{Text: "install wrote what can't be installed", Detail: shorten(odd, 10)}, nil
	case len(files) == 0:
		return nil, &Red{Text: "install wrote no file", Hint: "check that the recipe's install command honours {destdir}"}, nil
	}
	return files, nil, nil
}

// oddity says why a staged file can't be installed, "" when it can.
func oddity(path, rel, stage string, d fs.DirEntry) string {
	switch {
	case !utf8.ValidString(rel):
		return "its name is not UTF-8"
	case rel == history.ReceiptDir || strings.HasPrefix(rel, history.ReceiptDir+"/"):
		return "that is where srcmend keeps receipts"
	case d.Type()&fs.ModeSymlink != 0:
		if to, err := os.Readlink(path); err == nil && strings.HasPrefix(to, stage) {
			return "it leads into the staging folder; the makefile puts {destdir} into links"
		}
	case !d.IsDir() && !d.Type().IsRegular():
		return "it is neither a file, a folder nor a symbolic link"
	}
	return ""
}

func shorten(names []string, most int) []string {
	if len(names) <= most {
		return names
	}
	return append(names[:most:most], fmt.Sprintf("and %d more", len(names)-most))
}

// A survey is what is to be installed, held against what is there.
type survey struct {
	files   []history.File            // to install; Kept where the user's file stays
	ours    map[string][]history.File // of earlier receipts of this package
	taken   []string                  // that other packages' receipts have
	foreign []string                  // in the way, of unknown origin
	clash   []string                  // a folder where a file is to be, or the reverse
}

func (w *Work) survey(staged []history.File) (survey, error) {
	s := survey{files: staged, ours: map[string][]history.File{}}
	others, err := w.receipts(s.ours)
	if err != nil {
		return s, err
	}
	for i, want := range staged {
		is, err := history.Describe(w.target(""), want.Path)
		mine := s.ours[want.Path]
		switch owner := others[want.Path]; {
		case owner != "" && want.Mode != history.Folder:
			s.taken = append(s.taken, w.target(want.Path)+", of "+owner)
		case errors.Is(err, fs.ErrNotExist):
		case err != nil || (is.Mode == history.Folder) != (want.Mode == history.Folder):
			s.clash = append(s.clash, w.target(want.Path))
		case is == want || slices.Contains(mine, is) || w.Replace:
		case len(mine) > 0:
			s.files[i].Kept = true
		default:
			s.foreign = append(s.foreign, w.target(want.Path))
		}
	}
	return s, nil
}

// receipts reads all receipts below the prefix. The files of this package go
// into ours; returned are those of others, with the package's name.
func (w *Work) receipts(ours map[string][]history.File) (map[string]string, error) {
	all, err := filepath.Glob(w.target(history.ReceiptDir + "/*.json"))
	if err != nil {
		return nil, err
	}
	coming, err := filepath.Glob(w.target(history.ReceiptDir + "/.coming-*.json"))
	others := map[string]string{}
	for _, path := range append(coming, all...) {
		r, err := history.ReadReceipt(path)
		if err != nil {
			w.Events.Send(event.Warning("a receipt can't be read: "+err.Error(), ""))
			continue
		}
		for _, f := range r.Files {
			if r.Package == w.Plan.Package {
				f.Kept = false
				ours[f.Path] = append(ours[f.Path], f)
			} else {
				others[f.Path] = r.Package
			}
		}
	}
	return others, err
}

// red says why nothing is installed, nil when all can be.
func (s survey) red(target string, replace bool) *Red {
	switch {
	case len(s.taken) > 0:
		return &Red{Text: "files of another package are in the way below " + target, Hint: "nothing was installed; choose another --prefix for one of the two", Detail: shorten(s.taken, 10)}
	case len(s.clash) > 0:
		return &Red{Text: "where files are to be there are folders, or the reverse", Hint: "nothing was installed; move these away", Detail: shorten(s.clash, 10)}
	case len(s.foreign) > 0 && !replace:
		return &Red{
			Text:   "files of another origin are in the way below " + target,
			Hint:   "nothing was installed; to overwrite them, run the same command with --replace",
			Detail: shorten(s.foreign, 10),
		}
	}
	return nil
}

// tell says which of the user's files were left in their places.
func (w *Work) tell(s survey) {
	for _, f := range s.files {
		if f.Kept {
			w.Events.Send(event.Warning("kept, since it was changed here: "+w.target(f.Path), "the new one is beside it, as "+filepath.Base(f.Path)+keptSuffix))
		}
	}
}

// keptSuffix ends the name of a new file whose place the user's own one keeps.
const keptSuffix = ".srcmend-new"

// put puts one staged file in its place, whole or not at all. The name it has
// until then is always the same, so that a run that was killed leaves nothing
// that the next does not use.
func (w *Work) put(f history.File) error {
	if f.Mode == history.Folder {
		return w.folder(f.Path)
	}
	if err := w.folder(filepath.Dir(f.Path)); err != nil {
		return err
	}
	from, to := filepath.Join(w.path("stage"), w.Plan.Prefix, f.Path), w.target(f.Path)
	if f.Kept {
		to += keptSuffix
	}
	name := sha256.Sum256([]byte(filepath.Base(to)))
	tmp := filepath.Join(filepath.Dir(to), fmt.Sprintf(".srcmend-%x", name[:6]))
	err := ignoreMissing(os.Remove(tmp))
	if err == nil && f.Mode == history.Link {
		err = os.Symlink(f.Target, tmp)
	} else if err == nil {
		err = copyFile(from, tmp)
	}
	if err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(tmp)))
	}
	return nil
}

// folder makes the folder at a path below the prefix, and those above it, as
// they are in the stage. Folders that are there stay as they are.
func (w *Work) folder(path string) error {
	return makeFolder(w.target(path), filepath.Join(w.path("stage"), w.Plan.Prefix, path))
}

func makeFolder(target, like string) error {
	if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeFolder(filepath.Dir(target), filepath.Dir(like)); err != nil {
		return err
	}
	if err := os.Mkdir(target, 0o755); err != nil {
		return err
	}
	info, err := os.Stat(like)
	if errors.Is(err, fs.ErrNotExist) {
		return os.Chmod(target, 0o755) // whatever the umask
	}
	if err != nil {
		return err
	}
	return dress(target, info)
}

// dress gives a file the owner, when that is ours to give, and the mode.
func dress(path string, like fs.FileInfo) error {
	if owner, ok := like.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return os.Chmod(path, like.Mode())
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
	if err == nil {
		err = dress(to, info)
	}
	if err == nil {
		err = os.Chtimes(to, info.ModTime(), info.ModTime())
	}
	return err
}

// retire removes what an earlier installation of the package had and this one
// has not, unless somebody changed it.
func (w *Work) retire(ours map[string][]history.File, files []history.File) {
	kept := map[string]bool{}
	for _, f := range files {
		kept[f.Path] = true
	}
	removed := 0
	for path, mine := range ours {
		if is, err := history.Describe(w.target(""), path); kept[path] || err != nil || !slices.Contains(mine, is) {
			continue
		}
		if os.Remove(w.target(path)) == nil {
			removed++
		}
	}
	if removed > 0 {
		w.Events.Send(event.Note{Text: fmt.Sprintf("removed what the earlier installation had and this one has not; files: %d", removed)})
	}
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
			filled, err := w.Plan.Fill(c, plan.Place{Source: "{source}", Destdir: "{destdir}", Jobs: 1}) // how many at once changes nothing
			if err == nil {                                                                              // it was filled before, to be run
				r.Commands = append(r.Commands, append(filled.Env, filled.Argv...))
			}
		}
	}
	return r
}
