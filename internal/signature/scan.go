package signature

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"srcmend/internal/buildlog"
)

// A Match is a signature in a log.
type Match struct {
	Signature *Signature
	LogLine   int    // counted from 1
	Text      string // of that line, its beginning if it is long
	File      string // as the tool printed it
	Folder    string // that make was in, "" if it is not known
	Line      int
	Column    int
	Symbol    string
	// Command is the line before it with the command that it is about, if one is found.
	Command string
	// Before and After are the lines around it, cleaned.
	Before, After []string
}

// A Scan is what there is to know of a log.
type Scan struct {
	Matches []Match // in the order of their lines
	// Strange are errors that no signature names, the first of them.
	Strange []Match
	// Folders are where make says that it goes, the first few.
	Folders []string
	// Logs are the names of other logs that it mentions: those of configure, cmake and meson.
	Logs []Mention
	// Last are the last lines that are not empty, cleaned.
	Last []string
	// Command is the last line in which a compiler is run or a program linked, if it is one
	// of the last lines of the log; 0 if there is none.
	Command int
	// Lines is how many lines the log has.
	Lines int
}

// A Mention is a line with the name of another log.
type Mention struct {
	LogLine int
	Name    string
}

// A scanning is a scan on its way.
type scanning struct {
	*Catalogue
	out   Scan
	found store
	work  effort
	stack stack
	tried []owned
	seen  map[uint64]seen     // by the hash of a line
	made  map[setting][]Match // what was found in a line
	seed  maphash.Seed
}

// A setting is a line among those that patterns may look at beside it.
type setting struct {
	sum uint64 // a hash of all of them
	at  int    // where in them the line begins
}

// A seen line may come again. If something was found in it, it is looked at again so often.
type seen struct {
	times, at int
	found     bool
}

// What is looked at, and noted, of a log.
const (
	maxSeen     = 1 << 16 // different lines that are remembered
	maxMade     = 2000    // settings of which it is remembered what was found
	keepSame    = 3       // of lines that are alike; the next only if it stands apart
	keepFolders = 100
	keepLogs    = 20
	keepLast    = 10
)

// apart is the first line that stands apart from one before it, where there are many alike:
// the later in a log, the further.
func apart(line int) int {
	const least, share = 20, 500
	return line + max(least, line/share)
}

// Scan reads a log once, to its end. What compilers write as JSON or SARIF is read as what
// they say otherwise; where the log is nothing but one document of that, an error's line
// is its number. What is kept, and the work on each part of the log, are bounded: of a
// signature that a log is full of, the first and the last matches are given.
func (c *Catalogue) Scan(log io.Reader) (Scan, error) {
	s, err := c.scan(log)
	return s.out, err
}

// scan is a scan, with what it took.
func (c *Catalogue) scan(log io.Reader) (*scanning, error) {
	s := &scanning{Catalogue: c, found: newStore(), work: newEffort(), seen: map[uint64]seen{}, made: map[setting][]Match{}, seed: maphash.MakeSeed(), stack: newStack()}
	r := &reader{from: document(log), gate: c.gate}
	defer r.leave()
	err := r.run(s.visit)
	s.out.Lines, s.out.Last = r.number, r.last(keepLast)
	s.out.Command = r.lastCommand()
	s.out.Matches, s.out.Strange = s.found.all(&s.stack)
	return s, err
}

// visit looks at one line that has pieces of text in it.
func (s *scanning) visit(l line, pieces []int) {
	if s.walk(l, pieces) {
		return
	}
	s.mentioned(l, pieces)
	sum := maphash.Bytes(s.seed, l.raw())
	if len(s.seen) > maxSeen {
		clear(s.seen)
	}
	before := s.seen[sum]
	if before.times >= keepSame && (!before.found || l.number < apart(before.at)) {
		return
	}
	found := !s.structured(l, pieces) && s.again(l, pieces)
	s.seen[sum] = seen{before.times + 1, l.number, before.found || found}
}

// again looks at a line, unless it was found in the midst of the same lines before, and
// reports whether something was found.
func (s *scanning) again(l line, pieces []int) bool {
	text, at := l.around()
	sum := setting{maphash.Bytes(s.seed, text), at}
	made, known := s.made[sum]
	if !known {
		here, all := s.look(l, l, s.candidates(pieces))
		if all && len(s.made) < maxMade {
			s.made[sum] = here
		}
		return len(here) > 0
	}
	for _, m := range made {
		if s.found.wants(m.Signature, l.number) {
			m.LogLine, m.Folder = l.number, s.stack.folder()
			s.found.keep(m, s.stack.turn)
		}
	}
	return len(made) > 0
}

// candidates are the patterns that some pieces are for.
func (s *scanning) candidates(pieces []int) []owned {
	s.tried = s.tried[:0]
	for _, piece := range pieces {
		for _, p := range s.wanting[piece] {
			if !slices.Contains(s.tried, p) {
				s.tried = append(s.tried, p)
			}
		}
	}
	return s.tried
}

// look tries patterns on a line, which stands at another one in the log, and gives what was
// found. all is false if some were not tried, because the log is full of what they find.
func (s *scanning) look(l, at line, patterns []owned) (here []Match, all bool) {
	text := l.plain()
	if isSource(text) {
		return nil, true
	}
	s.work.read = at.offset()
	d, isDiagnostic := parse(text)
	all = true
	for _, p := range patterns {
		if !s.found.wants(p.Signature, l.number) {
			all = all && !p.over.possible(text)
			continue
		}
		if m, ok := p.match(l, text, d, isDiagnostic, &s.work); ok {
			here = append(here, m)
		}
	}
	here = s.unbeaten(here)
	if len(here) == 0 && all && isDiagnostic && d.severity == "error" && s.found.wants(nil, l.number) {
		here = []Match{{LogLine: l.number, Text: l.String(), File: d.file, Line: d.line, Column: d.column}}
	}
	for i, m := range here {
		here[i] = s.surrounded(m, at)
		s.found.keep(here[i], s.stack.turn)
	}
	return here, all
}

// unbeaten leaves out what another signature on the same line beats, and of the same
// signature what says less, or comes later.
func (s *scanning) unbeaten(all []Match) []Match {
	var best []Match
	for i, m := range all {
		beaten := false
		for j, other := range all {
			beaten = beaten || s.beaten[other.Signature.ID][m.Signature.ID] || i != j && other.Signature == m.Signature && cmp.Or(other.says()-m.says(), i-j) > 0
		}
		if !beaten {
			best = append(best, m)
		}
	}
	return best
}

// says counts what was captured.
func (m *Match) says() (n int) {
	for _, captured := range []bool{m.Symbol != "", m.File != "", m.Line > 0} {
		if captured {
			n++
		}
	}
	return n
}

// surrounded adds the lines around a match.
func (s *scanning) surrounded(m Match, l line) Match {
	m.Text = cut(m.Text, maxText)
	for at := l; len(m.Before) < around; {
		before, ok := at.before()
		if !ok {
			break
		}
		m.Before = append([]string{before.excerpt()}, m.Before...)
		at = before
	}
	for at := l; len(m.After) < around; {
		next, ok := at.next()
		if !ok {
			break
		}
		m.After = append(m.After, next.excerpt())
		at = next
	}
	m.Command, m.Folder = command(m, l), s.stack.folder()
	return m
}

// lastCommand is the number of the last line that is a command; 0 if it is not among the
// last ones.
func (r *reader) lastCommand() int {
	at := line{r: r, number: r.number + 1, start: len(r.text) + 1}
	for range lookBack {
		before, ok := at.before()
		if !ok {
			break
		}
		if raw := before.raw(); bytes.Contains(raw, []byte(" -c ")) || bytes.Contains(raw, []byte(" -o ")) {
			if buildlog.IsCommand(before.String()) {
				return before.number
			}
		}
		at = before
	}
	return 0
}

// lookBack is how many lines before a match its command is looked for.
const lookBack = 80

// command looks for the command that a match is about: the nearest before it that names
// the file, or, for what a linker says, makes a program.
func command(m Match, l line) string {
	base, sign := path.Base(m.File), []byte(" -c ")
	if m.Column == 0 {
		sign = []byte(" -o ")
	}
	for range lookBack {
		before, ok := l.before()
		if !ok {
			return ""
		}
		l = before
		if !bytes.Contains(l.raw(), sign) {
			continue
		}
		text := l.String()
		if !buildlog.IsCommand(text) {
			continue
		}
		if m.Column > 0 && strings.Contains(text, base) || m.Column == 0 && !strings.Contains(text, " -c ") {
			return cut(text, maxCommand)
		}
	}
	return ""
}

// quotes turns every kind of quotation mark that compilers print into one.
var quotes = strings.NewReplacer("«\u00a0", "'", "\u00a0»", "'", "«\u202f", "'", "\u202f»", "'", "\u00a0", " ", "\u202f", " ", "‘", "'", "’", "'", "“", "'", "”", "'", "`", "'", "´", "'", "«", "'", "»", "'", "„", "'", "‚", "'", "‹", "'", "›", "'", "「", "'", "」", "'")

// match tries a pattern on a line.
func (p *owned) match(l line, text string, d diagnostic, isDiagnostic bool, work *effort) (Match, bool) {
	m := Match{Signature: p.Signature, LogLine: l.number}
	over := text
	if p.Error != "" {
		if !isDiagnostic || d.severity != "error" {
			return m, false
		}
		over = d.message
	}
	if !p.over.possible(over) || !work.may(p.Pattern, len(over)) {
		return m, false
	}
	groups := p.over.re().FindStringSubmatch(over)
	if groups == nil || p.not != nil && p.not.re().MatchString(text) {
		return m, false
	}
	if isDiagnostic && d.line > 0 { // otherwise it is the name of a tool
		m.File, m.Line, m.Column = d.file, d.line, d.column
	}
	m.take(p.over.re(), groups, true)
	if p.then != nil && !p.follows(l, &m) {
		return m, false
	}
	p.context(l, &m)
	m.Text = l.String()
	return m, true
}

// context takes from the lines above and below what they capture.
func (p *owned) context(l line, m *Match) {
	for _, way := range []struct {
		over *expression
		step func(line) (line, bool)
	}{{p.above, line.before}, {p.below, line.next}} {
		at, ok := way.step(l)
		for i := 0; way.over != nil && ok && i < maxWithin; i++ {
			if groups := way.over.re().FindStringSubmatch(at.plain()); groups != nil {
				m.take(way.over.re(), groups, false)
				break
			}
			at, ok = way.step(at)
		}
	}
}

// follows looks for what has to stand in the lines that follow.
func (p *owned) follows(l line, m *Match) bool {
	for range p.Within {
		next, ok := l.next()
		if !ok {
			return false
		}
		if groups := p.then.re().FindStringSubmatch(next.plain()); groups != nil {
			m.take(p.then.re(), groups, true)
			return true
		}
		l = next
	}
	return false
}

// take keeps what was captured; over what is known already only if it may.
func (m *Match) take(re *regexp.Regexp, groups []string, may bool) {
	for i, name := range re.SubexpNames() {
		switch {
		case groups[i] == "":
		case name == "file" && (may || m.File == ""):
			m.File = groups[i]
		case name == "line" && (may || m.Line == 0):
			if n, err := strconv.Atoi(groups[i]); err == nil {
				m.Line = n
			}
		case strings.HasPrefix(name, "symbol") && (may || m.Symbol == ""):
			m.Symbol = groups[i]
		}
	}
}

// prefixes are what loggers, CI and bitbake put before each line.
var prefixes = regexp.MustCompile(`^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:[^\s:]+ [\w.-]+(?:\[\d+\])?: )?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* (?:\d\d[EO][+ ])?|\d\d:\d\d:\d\d(?:\.\d+)? +|\[\d\d:\d\d:\d\d(?:\.\d+)?\] |\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*\] |\[ *\d+(?:s|\.\d+)\] |#\d+ \d+\.\d+ |\| )+`)

// unindented is a line without what ant and pip put before each line of a program that they
// run: the name of the task, and six blanks.
func unindented(text string) string {
	rest := strings.TrimLeft(text, " ")
	switch blanks := len(text) - len(rest); {
	case blanks == 0 || rest == "":
	case rest[0] == '[' && len(rest) > 1 && 'a' <= rest[1] && rest[1] <= 'z':
		if task, said, found := strings.Cut(rest, "] "); found && !strings.Contains(task, " ") {
			return said
		}
	case blanks == 6 && rest[0] != '|':
		return rest
	}
	return text
}

// plain is the line as patterns see it: cleaned, with one kind of quotation marks, and
// without what a logger or configure put before it.
func (l line) plain() string { return prepared(l.String()) }

// prepared is a cleaned line as patterns see it.
func prepared(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r == '`' || r >= utf8.RuneSelf }) {
		text = quotes.Replace(text)
	}
	if begins := text != "" && strings.IndexByte("[#|0123456789", text[0]) >= 0; begins || len(text) > 3 && text[3] == ' ' {
		if loc := prefixes.FindStringIndex(text); loc != nil {
			text = text[loc[1]:]
		}
	}
	text = unindented(text)
	if _, said, found := strings.Cut(text, "... "); found && strings.HasPrefix(text, "checking ") && strings.Contains(said, ": ") {
		return said // a tool broke into what configure was saying
	}
	return text
}

// Fill puts what was captured into a sentence.
func (m Match) Fill(text string) string {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	return strings.NewReplacer("{symbol}", or(m.Symbol, "it"), "{file}", or(m.File, "the file"), "{line}", strconv.Itoa(m.Line)).Replace(text)
}

// otherLogs are the logs that configure, cmake and meson leave, and tell of when they fail.
var (
	otherLogs = []string{"config.log", "CMakeError.log", "CMakeConfigureLog.yaml", "meson-log.txt"}
	otherLog  = regexp.MustCompile(`[^\s'":]*(?:config\.log|CMakeError\.log|CMakeConfigureLog\.yaml|meson-log\.txt)`)
)

// mentioned notes the names of other logs.
func (s *scanning) mentioned(l line, pieces []int) {
	if len(s.out.Logs) >= keepLogs || !slices.ContainsFunc(pieces, func(p int) bool { return s.logging[p] }) {
		return
	}
	if name := otherLog.FindString(l.plain()); name != "" {
		s.out.Logs = append(s.out.Logs, Mention{l.number, name})
	}
}
