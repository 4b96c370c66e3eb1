package distfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An Identity is what makes a file the right one.
//
// [Sum] is the usual one. It is an interface because a checksum is not always
// what is known beforehand: a patch served by a forge is known by its
// patch-ids, and a tree taken from git by its commit.
type Identity interface {
	// Key names the identity in the store: a kind, a slash, and what tells
	// it from others of its kind, "sha256/<hex>" for example. Two files that
	// satisfy one identity are as good as each other. The parts consist of
	// letters, digits and ".", "_", "+", "=", "-", and do not start with a
	// dot.
	Key() string
	// Check reads r and returns nil if it is the right file. The error for a
	// readable file that is another one is, or wraps, a [*MismatchError].
	// Check need not read to the end.
	Check(r io.Reader) error
}

// A MismatchError says that a file is not the one that was wanted.
type MismatchError struct {
	Want, Got string // both in the identity's own notation; for a [Sum], hex
}

// Error shows both sides, since the reader is going to compare them with what
// the upstream announced.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("wrong checksum: want %s, got %s", e.Want, e.Got)
}

// A Sum is a sha256. It is comparable, and the zero Sum is no file's.
type Sum [sha256.Size]byte

// ParseSum reads a sum from 64 lower-case hex digits.
func ParseSum(s string) (Sum, error) {
	const want = 2 * sha256.Size
	if len(s) != want {
		return Sum{}, fmt.Errorf("sha256 %s: has %d characters, must have %d hex digits%s",
			quote(s), len(s), want, otherHash(len(s)))
	}
	if lower := strings.ToLower(s); lower != s {
		return Sum{}, fmt.Errorf("sha256 %s: must be in lower case: write %s", quote(s), lower)
	}
	var sum Sum
	if _, err := hex.Decode(sum[:], []byte(s)); err != nil {
		return Sum{}, fmt.Errorf("sha256 %s: has a character that is no hex digit", quote(s))
	}
	return sum, nil
}

// otherHash guesses which hash of n hex digits was given by mistake.
func otherHash(n int) string {
	switch n {
	case 32:
		return " (this looks like an MD5)"
	case 40:
		return " (this looks like a SHA-1)"
	case 96:
		return " (this looks like a SHA-384)"
	case 128:
		return " (this looks like a SHA-512)"
	}
	return ""
}

// quote shows s in an error, not more than a line of it.
func quote(s string) string {
	const most = 72
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

// Hash reads r to its end and returns its sum and its length in bytes.
func Hash(r io.Reader) (Sum, int64, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return Sum{}, n, err
	}
	return Sum(h.Sum(nil)), n, nil
}

// String returns the 64 lower-case hex digits that [ParseSum] reads.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText implements [encoding.TextMarshaler] with the form of
// [Sum.String].
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] with [ParseSum].
func (s *Sum) UnmarshalText(text []byte) error {
	sum, err := ParseSum(string(text))
	if err == nil {
		*s = sum
	}
	return err
}

// Key implements [Identity]: "sha256/" and the hex digits.
func (s Sum) Key() string { return "sha256/" + s.String() }

// Check implements [Identity]: it reads r to its end.
func (s Sum) Check(r io.Reader) error {
	got, _, err := Hash(r)
	if err != nil {
		return err
	}
	if got != s {
		return &MismatchError{Want: s.String(), Got: got.String()}
	}
	return nil
}

// verify asks id about r and returns what r was: its sum and its size. The
// sum and size are right even when the file is not.
func verify(id Identity, r io.Reader) (Sum, int64, error) {
	h := sha256.New()
	var size counter
	tee := io.TeeReader(r, io.MultiWriter(h, &size))
	bad := id.Check(tee)
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return Sum{}, 0, errors.Join(bad, err)
	}
	return Sum(h.Sum(nil)), int64(size), bad
}

// counter counts the bytes written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
