package patch

import (
	"crypto/sha1"
	"encoding/hex"
	"hash"
	"strings"
)

// ID is the mail's stable patch-id, 40 hexadecimal digits: what
// "git patch-id --stable" prints for it. It does not change with line numbers,
// white space, the order of the files, the message, or the object ids that git
// writes; it does change with the context of the hunks.
//
// git gives no id to a change that has no line with "diff" before it. ID gives it
// the one it would have with the names that it has and a "diff --git" line, so
// dates do not count. Mended damages count as mended.
func (m Mail) ID() string { return m.id }

// IDs gives the patch-ids of all mails, in their order.
func (p *Patch) IDs() []string {
	ids := make([]string, len(p.Mails))
	for i, m := range p.Mails {
		ids[i] = m.id
	}
	return ids
}

// An identifier adds up the hashes of the files of a mail. It follows git in
// what it takes together: a header without hunks is hashed with the file after
// it, and the first line behind a binary change is not hashed.
type identifier struct {
	sum  [sha1.Size]byte
	hash hash.Hash
	last *section // the file before
	kept []byte   // not hashed yet
}

// patchID gives the id of a mail.
func patchID(sections []*section) string {
	id := identifier{hash: sha1.New(), kept: make([]byte, 0, keptMost)}
	for _, sec := range sections {
		id.add(sec)
	}
	id.flush()
	return hex.EncodeToString(id.sum[:])
}

// add hashes one file.
func (id *identifier) add(sec *section) {
	if id.last != nil && len(id.last.hunks) > 0 {
		id.flush()
	}
	afterBinary := id.last != nil && id.last.data != nil
	id.last = sec
	for i, line := range sec.headForID() {
		if i == 0 && afterBinary || strings.HasPrefix(line, "index ") {
			continue
		}
		id.write(line)
	}
	if sec.data != nil {
		id.write(sec.header.oldID)
		id.write(sec.header.newID)
		id.flush()
		return
	}
	for _, h := range sec.hunks {
		for _, line := range h.body {
			if !isNoNewline(line) {
				id.write(line)
			}
		}
	}
}

// headForID is the section's header as git would have written it.
func (sec *section) headForID() []string {
	if strings.HasPrefix(sec.head[0], "diff ") {
		return sec.head
	}
	h := sec.header
	return []string{"diff --git " + h.oldName + " " + h.newName, "--- " + h.oldName, "+++ " + h.newName}
}

// write hashes a line without its white space.
func (id *identifier) write(line string) {
	if len(id.kept)+len(line) > keptMost {
		id.drain()
	}
	for i := range len(line) {
		if c := line[i]; c > ' ' || c != ' ' && (c < '\t' || c > '\r') {
			id.kept = append(id.kept, c)
		}
	}
}

// keptMost is how many bytes are kept back, unless one line has more.
const keptMost = 4 << 10

// drain hashes what was kept back, many lines at once.
func (id *identifier) drain() {
	id.hash.Write(id.kept)
	id.kept = id.kept[:0]
}

// flush adds the hash to the sum, both as little-endian numbers, and begins anew.
func (id *identifier) flush() {
	id.drain()
	carry := 0
	for i, b := range id.hash.Sum(nil) {
		carry += int(id.sum[i]) + int(b)
		id.sum[i] = byte(carry)
		carry >>= 8
	}
	id.hash.Reset()
}
