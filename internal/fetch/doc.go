// Package fetch gets one distfile from the first source that has the right
// bytes.
//
// What the right bytes are is decided by the request's identity, a sha256 for
// example, and by nothing else. That is what makes every source as good as any
// other: the upstream's own server, a mirror, a folder of old archives, the
// tarball inside the distribution's source package. A source that answers with
// something else is passed over, and the reader is told.
//
// # The order
//
//  1. the store, see package distfile
//  2. the folders in [Fetcher.Distdirs] (DISTDIR), by the file's name
//  3. the sites in [Fetcher.SiteOverride] (MASTER_SITE_OVERRIDE)
//  4. the request's sources as listed, for each one its mirrors first
//  5. the sites in [Fetcher.SiteBackup] (MASTER_SITE_BACKUP)
//
// Each source that is tried is an [event.SourceTried]. When none has the file
// the error is a [*NoSourceError], which tells what each one answered and how
// the file can be had by hand. If one of them had a file of that name with
// another sum, then that error wraps the [*distfile.MismatchError], for this
// is what the user must hear first: a release was changed after the fact, or
// somebody is lying.
//
// # The kinds of source
//
// An HTTP or HTTPS URL. The download is resumed after a broken connection and
// after a killed process; see download in http.go for the rules. An HTML page
// that comes instead of an archive is refused by name. There is no limit on
// the whole time, only on that of connecting and on the time without a byte. A
// host that nobody could connect to is left alone for a while; see [Silent].
//
// A file URL, or a file in one of the Distdirs. It is copied, never changed.
//
// A tag of a git repository, which must resolve to the commit that the source
// names. The file is a tar of the commit's tree that has the same bytes
// wherever and whenever it is made; see [GitCommit]. No git program is needed.
//
// A Debian source package, when its tarball is the upstream's own. This uses
// apt-get with a state folder of its own, so it needs no deb-src line, no
// privileges, and leaves the system's package lists alone. See [Debian].
//
// # What it does not do
//
// It does not verify signatures, unpack anything, or choose versions. FTP is
// not spoken. Names and passwords in URLs are used, but appear in no event and
// no error, nor do the values of query parameters that look like secrets.
//
// # Example
//
//	store, err := distfile.Open(dir)
//	…
//	f := &fetch.Fetcher{Store: store, Events: events, Distdirs: []string{os.Getenv("DISTDIR")}}
//	item, err := f.Get(ctx, fetch.Request{
//		Name:     "foo-1.2.tar.gz",
//		Identity: sum,
//		Sources: []fetch.Source{
//			{URL: "https://foo.example/releases/foo-1.2.tar.gz"},
//			{Debian: fetch.Debian{Package: "foo"}},
//		},
//	})
//	if mismatch := (*distfile.MismatchError)(nil); errors.As(err, &mismatch) {
//		// somebody serves another file under this name
//	}
package fetch
