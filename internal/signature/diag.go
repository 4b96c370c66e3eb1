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

// A severity is a word of a compiler, and what it means.
type severity struct {
	word, means string
	stem        int // its length without the colon, in bytes
}

// severities are the words of compilers, in the languages that they speak, and what they
// mean. "fatal error" goes before "error".
var severities = []severity{
	{word: "fatal error: ", means: "error"},
	{word: "error: ", means: "error"},
	{word: "warning: ", means: "warning"},
	{word: "note: ", means: "note"},
	{word: "fatale fout: ", means: "error"},
	{word: "ödesdigert fel: ", means: "error"},
	{word: "фатальная ошибка: ", means: "error"},
	{word: "致命的エラー: ", means: "error"},
	{word: "致命错误：", means: "error"},
	{word: "嚴重錯誤：", means: "error"},
	{word: "schwerwiegender Fehler: ", means: "error"},
	{word: "Fehler: ", means: "error"},
	{word: "Warnung: ", means: "warning"},
	{word: "Anmerkung: ", means: "note"},
	{word: "erreur fatale: ", means: "error"},
	{word: "erreur: ", means: "error"},
	{word: "erreur : ", means: "error"},
	{word: "attention: ", means: "warning"},
	{word: "avertissement: ", means: "warning"},
	{word: "errore: ", means: "error"},
	{word: "error fatal: ", means: "error"},
	{word: "erro: ", means: "error"},
	{word: "fout: ", means: "error"},
	{word: "fel: ", means: "error"},
	{word: "błąd: ", means: "error"},
	{word: "ошибка: ", means: "error"},
	{word: "エラー: ", means: "error"},
	{word: "错误：", means: "error"},
	{word: "錯誤：", means: "error"},
	{word: "오류: ", means: "error"},
}

// parse takes a line apart that begins with FILE:LINE: or FILE:LINE:COLUMN:, or with the
// name of a tool, and a severity. ok is false if it is something else.
func parse(text string) (d diagnostic, ok bool) {
	at, word := severityIn(text)
	if at < 0 {
		return d, false
	}
	d.severity, d.message = word.means, text[at+len(word.word):]
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

// severityIn finds the first word of a compiler in a text; at is -1 if there is none.
func severityIn(text string) (at int, word severity) {
	for i := 1; i < len(text); i++ {
		if text[i] != ':' && text[i] != wideColon[0] {
			continue
		}
		for _, s := range severitiesBy[text[i-1]] {
			if from := i - s.stem; from >= 0 && strings.HasPrefix(text[from:], s.word) && len(s.word) > len(word.word) {
				at, word = from, s
			}
		}
		if word.word != "" {
			return at, word
		}
	}
	return -1, word
}

// wideColon is that of Chinese.
const wideColon = "："

// severitiesBy are the severities by the byte before their colon.
var severitiesBy = func() map[byte][]severity {
	by := map[byte][]severity{}
	for _, s := range severities {
		s.stem = max(strings.Index(s.word, ":"), strings.Index(s.word, wideColon))
		by[s.word[s.stem-1]] = append(by[s.word[s.stem-1]], s)
	}
	return by
}()

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
