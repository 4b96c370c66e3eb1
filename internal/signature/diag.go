package signature

import (
	"strconv"
	"strings"
)

// A diagnostic is what a compiler says of a place, taken apart.
type diagnostic struct {
	file         string
	line, column int
	severity     string // error, warning or note; in plain words whatever the language
	message      string
}

// severities are the words of compilers, in the languages that they speak, and what they
// mean. "fatal error" goes before "error".
var severities = []struct{ word, means string }{
	{"fatal error: ", "error"},
	{"error: ", "error"},
	{"warning: ", "warning"},
	{"note: ", "note"},
	{"fatale fout: ", "error"},
	{"ödesdigert fel: ", "error"},
	{"фатальная ошибка: ", "error"},
	{"致命的エラー: ", "error"},
	{"致命错误：", "error"},
	{"嚴重錯誤：", "error"},
	{"schwerwiegender Fehler: ", "error"},
	{"Fehler: ", "error"},
	{"Warnung: ", "warning"},
	{"Anmerkung: ", "note"},
	{"erreur fatale: ", "error"},
	{"erreur: ", "error"},
	{"erreur : ", "error"},
	{"attention: ", "warning"},
	{"avertissement: ", "warning"},
	{"errore: ", "error"},
	{"error fatal: ", "error"},
	{"erro: ", "error"},
	{"fout: ", "error"},
	{"fel: ", "error"},
	{"błąd: ", "error"},
	{"ошибка: ", "error"},
	{"エラー: ", "error"},
	{"错误：", "error"},
	{"錯誤：", "error"},
	{"오류: ", "error"},
}

// parse takes a line apart that begins with FILE:LINE: or FILE:LINE:COLUMN:, or with the
// name of a tool, and a severity. ok is false if it is something else.
func parse(text string) (d diagnostic, ok bool) {
	at, word := -1, 0
	for i, s := range severities {
		if found := strings.Index(text, s.word); found >= 0 && (at < 0 || found < at) {
			at, word = found, i
		}
	}
	if at < 0 {
		return d, false
	}
	d.severity, d.message = severities[word].means, text[at+len(severities[word].word):]
	where := strings.TrimSuffix(text[:at], " ")
	if where == "" {
		return d, true
	}
	if !strings.HasSuffix(where, ":") || strings.ContainsAny(where, `"{};`) {
		return d, false // it is source, or a program's output
	}
	d.file, d.line, d.column = place(strings.TrimSuffix(where, ":"))
	return d, true
}

// isSource reports whether a line is one of the source that a compiler shows below what it
// says: it begins with its number and a bar.
func isSource(text string) bool {
	before, _, found := strings.Cut(text, "|")
	return found && before != "" && strings.Trim(before, " \t+-0123456789") == ""
}

// place takes FILE:LINE:COLUMN apart, of which the last one or two may be missing.
func place(text string) (file string, line, column int) {
	file = text
	var numbers []int
	for range 2 {
		rest, last, found := cutLast(file, ':')
		n, err := strconv.Atoi(last)
		if !found || err != nil || n < 0 || rest == "" {
			break
		}
		file, numbers = rest, append(numbers, n)
	}
	switch len(numbers) {
	case 1:
		line = numbers[0]
	case 2:
		line, column = numbers[1], numbers[0]
	}
	return file, line, column
}

func cutLast(text string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}
