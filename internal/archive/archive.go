// Package archive unpacks source releases that strangers packed.
//
// It reads tar archives, plain or compressed by gzip, bzip2, xz or zstd, and zip
// archives. Which of them a file is, its first bytes say, never its name: a
// mirror that answers with a web page gives an error that quotes the title of
// the page.
//
//	f, err := os.Open("server-1.0.tar.gz")
//	…
//	stats, err := archive.Unpack(ctx, f, "work/new", archive.Options{})
//	…
//	err = os.Rename("work/new", "work/src")
//
// # What comes out
//
// Release archives hold one folder with everything in it. Unpack leaves that
// folder out, so that dst itself is the source tree; an archive with several
// things at its top, or a single file, is unpacked as it is.
//
// Files get the permissions of the archive, less whatever goes beyond 0755, and
// never set-user-ID; the umask does not count. Files and folders get the times
// of the archive, to the nanosecond where it has them, because makefiles
// compare them. Owners are not restored.
//
// # What does not come out
//
// Names that are absolute, lead upwards or have control characters; links that
// lead out of the tree; entries below a link; two entries of one name and
// different kinds; devices, pipes and sockets. All of them end the unpacking
// with an error that wraps [ErrUnsafe]: an archive that tries this is not one
// to go on with. Everything is written through [os.Root], so that a mistake in
// these checks would still not leave dst.
//
// An archive cannot fill the disk or the memory: [Options] has the bounds, and
// going past one wraps [ErrLimit]. A file that ends too early wraps
// [ErrTruncated], and one that is no archive [ErrFormat].
//
// # Without unpacking
//
// A few files can be had from an archive with nothing written: [Look] reads it once,
// and its [View] has the source tree that Unpack would make, each name and kind, with
// the contents that were asked for:
//
//	v, err := archive.Look(ctx, f, func(name string) bool { return name == "src/main.c" })
//	…
//	file, err := v.Read("src/main.c")
//
// # When it fails
//
// Unpack is not atomic. When it fails, dst holds a part; the caller unpacks to
// a new name, removes it after an error, and renames it after success.
package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Errors that say of what kind a refusal is.
var (
	ErrFormat    = errors.New("not an archive")
	ErrTruncated = errors.New("cut short")
	ErrUnsafe    = errors.New("unsafe archive")
	ErrLimit     = errors.New("archive is over a limit")
)

// The bounds that hold when Options does not set others.
const (
	DefaultMaxBytes   = 8 << 30
	DefaultMaxFile    = 4 << 30
	DefaultMaxEntries = 1_000_000
	DefaultMaxRatio   = 1000
	DefaultMaxName    = 4096
	DefaultMaxDepth   = 128
)

const (
	// ratioFrom is how many bytes may come out before the ratio counts. Small
	// archives of one long run of zeros are harmless.
	ratioFrom = 64 << 20
	// maxWindow is the largest dictionary an xz or zstd archive may ask for.
	// "xz -9" asks for 64 MiB.
	maxWindow = 128 << 20
	// maxComponent is the longest name of a single file or folder that file systems
	// take, in bytes.
	maxComponent = 255
	// maxZipDirectory is how many bytes of a zip file's directory are read.
	maxZipDirectory = 256 << 20
)

// Options are bounds, and how to unpack. The zero Options are those for a
// source release.
type Options struct {
	// MaxBytes bounds what comes out altogether, in bytes: the contents, and
	// for tar the headers and padding between them.
	MaxBytes int64
	// MaxFile bounds a single file, in bytes.
	MaxFile int64
	// MaxEntries bounds the number of files, folders and links.
	MaxEntries int
	// MaxRatio bounds how many bytes come out for one that goes in, once 64 MiB
	// have come out.
	MaxRatio int64
	// MaxName bounds the length of a name or of a link's target, in bytes.
	MaxName int
	// MaxDepth bounds the number of components in a name.
	MaxDepth int
	// KeepTop keeps the folder which everything is in.
	KeepTop bool
}

// withDefaults fills in the bounds that are not set.
func (o Options) withDefaults() Options {
	set := func(p *int64, n int64) {
		if *p <= 0 {
			*p = n
		}
	}
	setInt := func(p *int, n int) {
		if *p <= 0 {
			*p = n
		}
	}
	set(&o.MaxBytes, DefaultMaxBytes)
	set(&o.MaxFile, DefaultMaxFile)
	set(&o.MaxRatio, DefaultMaxRatio)
	setInt(&o.MaxEntries, DefaultMaxEntries)
	setInt(&o.MaxName, DefaultMaxName)
	setInt(&o.MaxDepth, DefaultMaxDepth)
	return o
}

// Stats says what was read.
type Stats struct {
	Format  string // "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst" or "zip"
	Entries int    // files, folders and links
	Bytes   int64  // of the files' contents
}

// Unpack writes what is in f below dst, which is an empty folder or does not
// exist yet. f is a regular file; it is read from its beginning, and its offset
// does not change. When ctx ends, Unpack returns its error after the piece at
// hand.
//
// The error names f. See the package comment for what it wraps, and for what is
// in dst then.
func Unpack(ctx context.Context, f *os.File, dst string, o Options) (Stats, error) {
	w, err := newWriter(ctx, dst)
	if err != nil {
		return Stats{}, fmt.Errorf("unpack %s: %w", filepath.Base(f.Name()), err)
	}
	defer w.close()
	stats, err := scanRelease(ctx, f, o.withDefaults(), w.add)
	if err == nil {
		err = w.finish(!o.KeepTop)
	}
	if err != nil {
		return stats, fmt.Errorf("unpack %s: %w", filepath.Base(f.Name()), err)
	}
	return stats, nil
}
