package header

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// A place is where a line goes: before unit at, written as the includes near it are.
type place struct {
	at     int
	before string // the < of the line
}

// plain is how an #include is begun where there is none to look at.
const plain = "#include "

// limit is the first unit that lines may not go behind, so that they stand above a line of
// the source; 0 stands for none.
func (s *source) limit(line int) int {
	if line <= 0 || line > s.lines() {
		if s.open {
			return len(s.units) - 1
		}
		return len(s.units)
	}
	i, _ := slices.BinarySearchFunc(s.units, line, func(u unit, line int) int { return cmp.Compare(u.last, line) })
	return i
}

// place says where the #include of a header goes.
func (s *source) place(header string, limit int) place {
	blocks := s.blocks('<', limit)
	if len(blocks) > 0 {
		best := slices.MaxFunc(blocks, func(a, b []int) int { return s.likeness(a, header) - s.likeness(b, header) })
		return place{s.within(best, header), s.style(best)}
	}
	if quoted := s.blocks('"', limit); len(quoted) > 0 {
		return place{quoted[0][len(quoted[0])-1] + 1, s.style(quoted[0])}
	}
	// A first #include of a configuration is always for what follows, even when it stands
	// under #ifdef HAVE_CONFIG_H.
	if i := s.firstInclude(); i >= 0 && (s.quoted(i) || configuration(s.units[i])) {
		if end := s.outermost(i) + 1; end <= limit && s.free(end) {
			return place{end, plain}
		}
	}
	return place{s.lead(limit), plain}
}

// placeOwn says where the #include of a header of the project goes.
func (s *source) placeOwn(header string, limit int) place {
	for _, mark := range []byte{'"', '<'} {
		if blocks := s.blocks(mark, limit); len(blocks) > 0 {
			last := blocks[len(blocks)-1]
			return place{last[len(last)-1] + 1, s.style(last)}
		}
	}
	return s.place(header, limit)
}

// blocks are the runs of includes that are always in force, outside of braces and above a
// limit: those of <…>, or those of "…". Comments may stand between. If some stand above all
// code, only they count.
func (s *source) blocks(mark byte, limit int) (all [][]int) {
	first := s.firstInclude()
	var run []int
	end := func() {
		if run != nil {
			all = append(all, run)
		}
		run = nil
	}
	for i, u := range s.units[:limit] {
		switch {
		case u.kind == comment:
		case u.isInclude() && u.arg[0] == mark && s.free(i) && (i != first || mark != '<' || !configuration(u)):
			run = append(run, i)
		default:
			end()
		}
		if u.kind == code && len(all) > 0 && s.free(i) {
			break
		}
	}
	end()
	return all
}

// isInclude reports whether a unit is an #include of a file by its name.
func (u unit) isInclude() bool {
	return u.kind == directive && include([]byte(u.name)) && len(u.arg) > 2 && (u.arg[0] == '<' || u.arg[0] == '"')
}

// file is the name of the file that a unit includes.
func (u unit) file() string {
	mark := ">"
	if u.arg[0] == '"' {
		mark = `"`
	}
	name, _, _ := strings.Cut(u.arg[1:], mark)
	return name
}

// quoted reports whether a unit includes a file of the project.
func (s *source) quoted(i int) bool { return s.units[i].arg[0] == '"' }

// configuration reports whether a unit includes what says how to read all the others.
func configuration(u unit) bool {
	name := strings.ToLower(path.Base(u.file()))
	return strings.HasSuffix(name, "config.h") || slices.Contains([]string{"pch.h", "stdafx.h", "precompiled.h", "precomp.h", "config.hpp", "pch.hpp"}, name)
}

// firstInclude is the first #include, wherever it stands; -1 if there is none.
func (s *source) firstInclude() int { return slices.IndexFunc(s.units, unit.isInclude) }

// outermost is the #endif of the outermost conditional around a unit that decides whether it
// counts, or the unit itself.
func (s *source) outermost(i int) int {
	end := i
	for c := s.units[i].in; c >= 0; c = s.conds[c].parent {
		if !s.conds[c].clear {
			end = s.conds[c].end
		}
	}
	return end
}

// likeness says how well a header fits in a block: how many are of its kind there, and then
// how many there are at all.
func (s *source) likeness(block []int, header string) int {
	const most = 1 << 20
	alike := 0
	for _, i := range block {
		if manner(s.units[i].file()) == manner(header) {
			alike++
		}
	}
	return alike*most + min(len(block), most-1)
}

// manner is what the names of headers of one kind have in common: the folder, and that they
// end in .h. A folder of the system is none of a library.
func manner(header string) string {
	switch folder, _, in := strings.Cut(header, "/"); {
	case in && !slices.Contains([]string{"sys", "net", "netinet", "arpa"}, folder):
		return folder
	case path.Ext(header) == "":
		return "c++"
	}
	return "c"
}

// within is where a header goes in a block: to its place if the block is sorted, else to the
// end.
func (s *source) within(block []int, header string) int {
	const least = 3 // two are sorted by chance
	names := make([]string, len(block))
	for i, at := range block {
		names[i] = s.units[at].file()
	}
	// The types come first by the BSDs' rules, before all that is sorted.
	skip := 0
	for skip < len(names) && slices.Contains([]string{"sys/cdefs.h", "sys/types.h", "sys/param.h"}, names[skip]) {
		skip++
	}
	for _, order := range []func(a, b string) int{strings.Compare, withoutCase, systemFirst, systemLast} {
		if len(names)-skip < least || !slices.IsSortedFunc(names[skip:], order) {
			continue
		}
		i := skip
		for i < len(names) && order(names[i], header) <= 0 {
			i++
		}
		if i == 0 {
			return block[0]
		}
		return block[i-1] + 1
	}
	return block[len(block)-1] + 1
}

func withoutCase(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }

// systemFirst sorts what is below sys/ before all else.
func systemFirst(a, b string) int {
	return cmp.Or(first(strings.HasPrefix(a, "sys/"), strings.HasPrefix(b, "sys/")), withoutCase(a, b))
}

// systemLast sorts what is in a folder behind all else.
func systemLast(a, b string) int {
	return cmp.Or(first(!strings.Contains(a, "/"), !strings.Contains(b, "/")), withoutCase(a, b))
}

// style is how the includes of a block are begun, if all are alike.
func (s *source) style(block []int) string {
	before := s.units[block[0]].before
	for _, i := range block[1:] {
		if s.units[i].before != before {
			return plain
		}
	}
	if rest := strings.NewReplacer(" ", "", "\t", "").Replace(before); rest != "#include" || len(before) > 40 {
		return plain
	}
	return before
}

// lead is where the first #include of a source goes: behind the comment on top, the include
// guard, and what is defined for the headers to see.
func (s *source) lead(limit int) int {
	at := 0
	for i := 0; i < limit; {
		next := s.preface(i, at == 0)
		if next < 0 || next > limit {
			break
		}
		if s.units[i].kind != blank {
			at = next
		}
		i = next
	}
	for at > 0 && !s.free(at) {
		at--
	}
	return at
}

// preface is the unit behind what begins at unit i, if that may stand above all includes, or
// -1. What is on top of the source is about all of it.
func (s *source) preface(i int, top bool) int {
	u := s.units[i]
	switch {
	case u.kind == blank:
		return i + 1
	case u.kind == comment:
		return s.remark(i, top)
	case u.kind == code:
		return -1
	case u.name == "pragma", reserved(u):
		return i + 1
	case u.name == "if", u.name == "ifdef", u.name == "ifndef":
		at := s.opened(i)
		c := &s.conds[at]
		if at == s.guarded {
			return s.guardDefine(c) + 1
		}
		for j := i + 1; j < c.end; j++ {
			if in := s.units[j]; in.kind == code || in.kind == directive && !reserved(in) && !branching(in.name) {
				return -1
			}
		}
		return min(c.end+1, len(s.units))
	}
	return -1
}

// remark is the unit behind the comments that begin at unit i, or -1 if they are about the
// code below them.
func (s *source) remark(i int, top bool) int {
	end := i
	for end < len(s.units) && s.units[end].kind == comment {
		end++
	}
	if !top && end < len(s.units) && s.units[end].kind == code {
		return -1
	}
	return end
}

// reserved reports whether a unit defines, or undefines, a name that headers look at.
func reserved(u unit) bool {
	return u.kind == directive && (u.name == "define" || u.name == "undef") && strings.HasPrefix(u.arg, "_")
}

// branching reports whether a directive is of a conditional, or only speaks.
func branching(name string) bool {
	return slices.Contains([]string{"if", "ifdef", "ifndef", "else", "elif", "elifdef", "elifndef", "endif", "error", "warning", "pragma"}, name)
}
