package fetch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	debversion "github.com/knqyf263/go-deb-version"

	"srcmend/internal/distfile"
	"srcmend/internal/event"
)

const (
	// The package lists are fetched again when they are older than
	// indexAge, or when what is wanted is not in them and they are older
	// than indexPause.
	indexAge   = 24 * time.Hour
	indexPause = 10 * time.Minute
	// maxListed is how many tarballs an error tells of.
	maxListed = 12
)

// aptConf is read after the system's configuration. The hooks there are meant
// for the system's package lists: one of them empties /var/cache/apt.
const aptConf = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Update::Error-Mode "any";
APT::Sandbox::User "root";
Acquire::Retries "2";
Acquire::Languages "none";
Dir::Etc::SourceList "/dev/null";
Quiet "1";
`

// packageName matches the names that Debian's policy allows.
var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)

// fromDebian gets the file out of a source package and commits it. How names
// the version it was in.
func (f *Fetcher) fromDebian(ctx context.Context, p *distfile.Partial, req Request, d Debian) (item distfile.Item, how string, err error) {
	sum, ok := req.Identity.(distfile.Sum)
	if !ok {
		return distfile.Item{}, "", unsuitable("only a file of which the sha256 is known can be looked for in a source package")
	}
	if !packageName.MatchString(d.Package) {
		return distfile.Item{}, "", fmt.Errorf("%q is no name of a source package: correct the recipe", oneLine(d.Package, 72))
	}
	a, err := f.openApt(ctx)
	if err != nil {
		return distfile.Item{}, "", err
	}
	defer a.lock.Unlock()
	scratch, err := p.Scratch()
	if err != nil {
		return distfile.Item{}, "", err
	}
	version, file, err := a.get(ctx, wish{pkg: d.Package, sum: sum, name: p.Name(), dir: scratch})
	if err != nil {
		return distfile.Item{}, "", err
	}
	item, err = fill(ctx, p, file)
	return item, version, err
}

// An apt is the use of the apt programs with a state folder of our own:
//
//	apt.conf           what is said above
//	sources.list.d/    the distribution's archives, for sources
//	state/ cache/      what the apt programs keep
//	updated            its time is that of the last update, its text what
//	                   sources.list.d was then
//	lock               held by the one process that uses all this
type apt struct {
	f                *Fetcher
	aptGet, aptCache string // the programs
	dir              string
	lock             *flock.Flock
	sources          string // what sources.list.d says
	fresh            bool   // updated by us, just now
	updateErr        error  // why not all lists are as new as they could be
}

// A wish is what is wanted of a source package.
type wish struct {
	pkg  string
	sum  distfile.Sum
	name string // of the distfile, for progress
	dir  string // empty; where the programs put the tarballs
}

// openApt takes the lock and writes the configuration.
func (f *Fetcher) openApt(ctx context.Context) (*apt, error) {
	programs, err := lookPaths("apt-get", "apt-cache")
	if err != nil {
		return nil, unsuitable("no apt-get here: this source works on Debian and its relatives")
	}
	dir := f.AptDir
	if dir == "" {
		dir = filepath.Join(f.Store.Dir(), ".apt")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	sources, err := f.aptSources()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	a := &apt{f: f, aptGet: programs[0], aptCache: programs[1], dir: dir, lock: flock.New(filepath.Join(dir, "lock")), sources: sources}
	if got, _ := a.lock.TryLock(); !got {
		f.Events.Send(event.Note{Text: "waiting for another srcmend that is using apt-get"})
	}
	if _, err := a.lock.TryLockContext(ctx, watchEvery); err != nil {
		return nil, fmt.Errorf("lock %s: %w", a.lock.Path(), err)
	}
	if err := a.configure(); err != nil {
		return nil, errors.Join(err, a.lock.Unlock())
	}
	return a, nil
}

// aptSources returns the distribution's archives, in the form for
// sources.list.d.
func (f *Fetcher) aptSources() (string, error) {
	etc := f.etc
	if etc == "" {
		etc = "/etc"
	}
	release, err := readBounded(filepath.Join(etc, "os-release"), maxList)
	if err != nil {
		return "", fmt.Errorf("cannot tell which distribution this is: %w", err)
	}
	archives, problems := readAptArchives(filepath.Join(etc, "apt"))
	own := ownArchives(archives, release)
	if len(own) > 0 {
		return sourcesFile(own), nil
	}
	err = fmt.Errorf("none of the %d archives in %s is the distribution's own: name it in %s",
		len(archives), filepath.Join(etc, "apt"), filepath.Join(etc, "apt", "sources.list.d"))
	if len(problems) > 0 {
		err = fmt.Errorf("%w (%s)", err, oneLine(strings.Join(problems, "; "), 300))
	}
	return "", err
}

// configure writes the files that the programs read. The caller has the lock.
func (a *apt) configure() error {
	for _, sub := range []string{"sources.list.d", "state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, sub), 0o755); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"apt.conf":                       aptConf,
		"state/status":                   "", // as if nothing were installed
		"sources.list.d/srcmend.sources": a.sources,
	} {
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// command returns a call of one of the programs with our state.
func (a *apt) command(dir, program string, args ...string) command {
	argv := []string{program, "-c", filepath.Join(a.dir, "apt.conf")}
	for _, option := range [][2]string{
		{"Dir::State", "state"},
		{"Dir::State::lists", "state/lists"},
		{"Dir::State::status", "state/status"},
		{"Dir::Cache", "cache"},
		{"Dir::Etc::SourceParts", "sources.list.d"},
	} {
		argv = append(argv, "-o", option[0]+"="+filepath.Join(a.dir, option[1]))
	}
	return command{argv: append(argv, args...), dir: dir}
}

// get downloads the tarball with the wanted sum and returns its path and the
// name of the version that it was in.
func (a *apt) get(ctx context.Context, r wish) (version, path string, err error) {
	if a.age() > indexAge {
		a.update(ctx)
	}
	for {
		all, err := a.versions(ctx, r.pkg)
		if err != nil {
			return "", "", a.failure(err)
		}
		var fetchErr error
		for _, v := range all {
			file, ok := v.withSum(r.sum)
			if !ok {
				continue
			}
			err := a.download(ctx, r, v)
			if err == nil {
				return r.pkg + "=" + v.version, filepath.Join(r.dir, file.name), nil
			}
			if ctx.Err() != nil {
				return "", "", err
			}
			fetchErr = errors.Join(fetchErr, fmt.Errorf("%s=%s: %w", r.pkg, v.version, err))
		}
		if a.fresh || a.age() < indexPause {
			return "", "", a.failure(cmp.Or(fetchErr, notAmong(r, all)))
		}
		a.update(ctx)
	}
}

// age is the time since the last update of these very archives.
func (a *apt) age() time.Duration {
	const never = 1 << 62
	stamp := filepath.Join(a.dir, "updated")
	text, err := os.ReadFile(stamp)
	if err != nil || string(text) != a.sources {
		return never
	}
	st, err := os.Stat(stamp)
	if err != nil || st.ModTime().After(a.f.now().Add(time.Hour)) {
		return never
	}
	return a.f.now().Sub(st.ModTime())
}

// update fetches the package lists. That one archive cannot be reached is no
// reason to give up: what is wanted may be in another, or in an older list.
func (a *apt) update(ctx context.Context) {
	a.fresh = true
	a.f.Events.Send(event.Note{Text: "fetching the distribution's lists of source packages"})
	w := a.watch(filepath.Join(a.dir, "state", "lists"), "lists of source packages", 0)
	err := watched(ctx, w, func(ctx context.Context, _ func()) error {
		_, err := a.command("", a.aptGet, "update").run(ctx)
		return err
	})
	if err == nil {
		err = a.stamp()
	}
	a.updateErr = err
	if err != nil && ctx.Err() == nil {
		a.f.Events.Send(event.Warning(fmt.Sprintf("not all lists of source packages could be fetched: %v", err),
			"srcmend goes on with those that are there"))
	}
}

// failure adds to err that the lists may be to blame.
func (a *apt) failure(err error) error {
	if a.updateErr == nil {
		return err
	}
	return fmt.Errorf("%w; and not all lists of source packages could be fetched: %w", err, a.updateErr)
}

// stamp notes that there was an update.
func (a *apt) stamp() error {
	path := filepath.Join(a.dir, "updated")
	now := a.f.now()
	return errors.Join(os.WriteFile(path, []byte(a.sources), 0o644), os.Chtimes(path, now, now))
}

// watch watches a folder that one of the programs fills.
func (a *apt) watch(dir, what string, total int64) watch {
	bar := a.f.progress(what)
	limit := a.f.Store.Limit
	return watch{
		// The programs have their own limit for a server that is silent,
		// and go on to the next. This one is for when they hang.
		dir: dir, limit: limit, idle: 5 * a.f.idleTimeout(),
		tooLarge: &distfile.TooLargeError{Name: what, Limit: limit},
		report:   func(size int64) { bar.report(size, total) },
	}
}

// versions returns what the package lists say of a source package, the newest
// version first.
func (a *apt) versions(ctx context.Context, pkg string) ([]sourceVersion, error) {
	out, err := a.command("", a.aptCache, "--only-source", "showsrc", pkg).run(ctx)
	if err != nil {
		return nil, err
	}
	return parseShowsrc(bytes.NewReader(out), pkg)
}

// download has the tarballs of a version fetched into the request's folder.
func (a *apt) download(ctx context.Context, r wish, v sourceVersion) error {
	if v.tarSize() > a.f.Store.Limit {
		return &distfile.TooLargeError{Name: r.pkg + "=" + v.version, Limit: a.f.Store.Limit}
	}
	err := watched(ctx, a.watch(r.dir, r.name, v.tarSize()), func(ctx context.Context, _ func()) error {
		_, err := a.command(r.dir, a.aptGet, "--only-source", "--download-only", "--tar-only", "source", r.pkg+"="+v.version).run(ctx)
		return err
	})
	if err != nil {
		return err
	}
	file, _ := v.withSum(r.sum)
	if _, err := os.Lstat(filepath.Join(r.dir, file.name)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("apt-get did not fetch %s", file.name)
	}
	return nil
}

// A sourceVersion is one version of a source package.
type sourceVersion struct {
	version string
	files   []sourceFile
}

// A sourceFile is a file of a source package.
type sourceFile struct {
	sum  distfile.Sum
	size int64 // bytes
	name string
}

// isTarball reports whether a file is a tarball of the upstream's, rather than
// the distribution's changes, a description or a signature.
func (f sourceFile) isTarball() bool {
	return strings.Contains(f.name, ".tar.") && !strings.Contains(f.name, ".debian.tar.") && !strings.HasSuffix(f.name, ".asc")
}

// withSum returns the version's tarball with this sum.
func (v sourceVersion) withSum(sum distfile.Sum) (sourceFile, bool) {
	for _, file := range v.files {
		if file.sum == sum && file.isTarball() {
			return file, true
		}
	}
	return sourceFile{}, false
}

// tarSize is the size of all tarballs, in bytes.
func (v sourceVersion) tarSize() int64 {
	var size int64
	for _, file := range v.files {
		if file.isTarball() {
			size += file.size
		}
	}
	return size
}

// parseShowsrc reads the records that apt-cache showsrc prints, and returns
// those of the package pkg, each version once, the newest first. Files of
// which there is no sha256 are left out.
func parseShowsrc(r io.Reader, pkg string) ([]sourceVersion, error) {
	records, err := parseParagraphs(r)
	if err != nil {
		return nil, fmt.Errorf("apt-cache showsrc: %w", err)
	}
	var versions []sourceVersion
	for _, record := range records {
		v := sourceVersion{version: record.first("version")}
		known := slices.ContainsFunc(versions, func(w sourceVersion) bool { return w.version == v.version })
		if record.first("package") != pkg || v.version == "" || known {
			continue
		}
		for _, line := range record["checksums-sha256"] {
			if file, ok := parseSourceFile(line); ok {
				v.files = append(v.files, file)
			}
		}
		versions = append(versions, v)
	}
	slices.SortStableFunc(versions, func(a, b sourceVersion) int { return compareDebian(b.version, a.version) })
	return versions, nil
}

// parseSourceFile reads "sum size name".
func parseSourceFile(line string) (sourceFile, bool) {
	words := strings.Fields(line)
	if len(words) != 3 {
		return sourceFile{}, false
	}
	sum, err := distfile.ParseSum(words[0])
	size, err2 := strconv.ParseInt(words[1], 10, 64)
	// The name becomes part of a path.
	ok := err == nil && err2 == nil && size >= 0 && filepath.IsLocal(words[2]) && !strings.Contains(words[2], "/")
	return sourceFile{sum, size, words[2]}, ok
}

// compareDebian compares two versions in Debian's order. What is no version is
// lower than all that are.
func compareDebian(a, b string) int {
	va, errA := debversion.NewVersion(a)
	vb, errB := debversion.NewVersion(b)
	switch {
	case errA != nil && errB != nil:
		return cmp.Compare(a, b)
	case errA != nil:
		return -1
	case errB != nil:
		return 1
	}
	return va.Compare(vb)
}

// notAmong says that no version has the wanted tarball, and what there is
// instead.
func notAmong(r wish, all []sourceVersion) error {
	if len(all) == 0 {
		return &missingError{fmt.Sprintf("the distribution has no source package %s", r.pkg)}
	}
	var found []string
	for _, v := range all {
		for _, file := range v.files {
			if file.isTarball() {
				found = append(found, fmt.Sprintf("%s (%s) has sha256 %s", file.name, v.version, file.sum))
			}
		}
	}
	more := ""
	if len(found) > maxListed {
		more = fmt.Sprintf(" and %d more", len(found)-maxListed)
		found = found[:maxListed]
	}
	return &missingError{fmt.Sprintf("none of the %d versions of source package %s has a tarball with sha256 %s: %s%s",
		len(all), r.pkg, r.sum, strings.Join(found, ", "), more)}
}
