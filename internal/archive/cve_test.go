package archive

import (
	"archive/tar"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// rawEntry is one tar entry as it would have to be forged: writers refuse to make it.
func rawEntry(kind byte, name, data string) []byte {
	block := make([]byte, blockSize)
	copy(block, name)
	copy(block[100:], "0000644\x000000000\x000000000\x00")
	copy(block[124:], fmt.Sprintf("%011o\x00%011o\x00", len(data), 0))
	block[156] = kind
	copy(block[257:], "ustar\x0000")
	seal(block)
	return append(block, data+strings.Repeat("\x00", (blockSize-len(data)%blockSize)%blockSize)...)
}

// record is one record of an extended header, with its length before it.
func record(key, value string) string {
	text := " " + key + "=" + value + "\n"
	n := len(text)
	for len(fmt.Sprint(n))+len(text) != n {
		n = len(fmt.Sprint(n)) + len(text)
	}
	return fmt.Sprint(n) + text
}

// TestKnownHoles: what other programs that unpack archives were once caught by.
func TestKnownHoles(t *testing.T) {
	victim := reg("a/x", "evil")
	items := func(items ...item) []byte { return tarOf(t, append([]item{victim}, items...)...) }
	deep := strings.Repeat("d/", 30)
	for cve, c := range map[string]struct {
		data   []byte
		refuse bool // otherwise it must do no harm
	}{
		"2016-6321":  {items(reg("a/../../secret/f", "evil")), true},
		"2015-1197":  {items(sym("a/l", "../../secret"), reg("a/l/f", "evil")), true},
		"2016-5418":  {items(hard("a/h", "../../outside"), reg("a/h", "evil")), true},
		"2007-4559":  {items(reg("../../outside", "evil")), true},
		"2025-4517":  {items(sym("a/l", deep+strings.Repeat("../", 31)+"secret"), reg("a/l/f", "evil")), true},
		"2021-32803": {items(dir("a/d"), sym("a/d", "../../secret"), reg("a/d/f", "evil")), true},
		"2021-32804": {items(reg("//tmp/outside", "evil")), true},
		"2021-37701": {items(sym("a/l", "../../secret"), dir("a/L"), reg(`a/l\f`, "evil")), true},
		"2021-37712": {items(sym("a/caf\u00e9", "../../secret"), dir("a/cafe\u0301"), reg("a/cafe\u0301/f", "evil")), true},
		"2021-37713": {items(reg(`C:..\..\outside`, "evil"), reg(`a/..\..\outside`, "evil")), false},
		"2026-31802": {items(sym("a/l", "C:/../../../outside"), reg("a/l", "evil")), true},
		"2024-0406":  {items(sym("a/l", "/tmp"), reg("a/l/outside", "evil")), true},
		"2020-36193": {items(sym("a/l", "../../outside"), reg("a/l", "evil")), true},
		"2022-1664":  {items(dir("a/debian"), sym("a/debian/patches", "../../secret"), reg("a/debian/patches/f", "evil")), true},
		"2022-2879":  {append(rawEntry(tar.TypeXHeader, "p", record("comment", strings.Repeat("c", 24<<20))), items()...), true},
		"2025-58183": {slices.Concat(rawEntry(tar.TypeXHeader, "p", record("GNU.sparse.major", "1")+record("GNU.sparse.minor", "0")+record("GNU.sparse.name", "a/s")+record("GNU.sparse.realsize", "20000000000")), rawEntry(tar.TypeReg, "a/s", "1000000000\n"+strings.Repeat("0\n0\n", 1<<20)), items()), true},
	} {
		t.Run("CVE-"+cve, func(t *testing.T) {
			p := newPlace(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := p.unpack(c.data, Options{})
			runtime.ReadMemStats(&after)
			if c.refuse && err == nil {
				t.Error("not refused")
			}
			p.untouched(cve)
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("%d bytes of memory for an archive of %d", used, len(c.data))
			}
		})
	}
}

// TestSecondArchive: CVE-2025-45582, a link in one archive that a file of the next goes
// through. An archive is unpacked into a folder of its own.
func TestSecondArchive(t *testing.T) {
	p := newPlace(t)
	if _, err := p.unpack(tarOf(t, reg("a/x", "1"), dir("a/d"), sym("a/l", "d")), Options{}); err != nil {
		t.Fatal(err)
	}
	before := p.list()
	if _, err := p.unpack(tarOf(t, reg("a/x", "1"), reg("a/l/f", "evil")), Options{}); err == nil {
		t.Error("a second archive was unpacked over the first")
	}
	for name, text := range p.list() {
		if before[name] != text {
			t.Errorf("%s was %q and is %q", name, before[name], text)
		}
	}
	p.untouched("second archive")
}
