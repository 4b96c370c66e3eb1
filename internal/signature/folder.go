package signature

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A walk is how make says where it goes: what stands before the path and behind it, apart
// from quotes.
type walk struct {
	enters        bool
	before, after string
}

// walks are those of the languages that GNU make speaks.
var walks = []walk{
	{true, "Entering directory", ""},
	{false, "Leaving directory", ""},
	{true, "Verzeichnis", "wird betreten"},
	{false, "Verzeichnis", "wird verlassen"}, // German
	{true, "on entre dans le répertoire", ""},
	{false, "on quitte le répertoire", ""}, // French
	{true, "se entra en el directorio", ""},
	{false, "se sale del directorio", ""}, // Spanish
	{true, "ingresso nella directory", ""},
	{false, "uscita dalla directory", ""}, // Italian
	{true, "Entrando no diretório", ""},
	{false, "Saindo do diretório", ""}, // Portuguese
	{true, "a entrar na pasta", ""},
	{false, "a sair da pasta", ""},
	{true, "Map", "wordt binnengegaan"},
	{false, "Map", "wordt verlaten"}, // Dutch
	{true, "Går til katalog", ""},
	{false, "Forlader katalog", ""}, // Danish
	{true, "Går till katalogen", ""},
	{false, "Lämnar katalogen", ""}, // Swedish
	{true, "Siirrytään hakemistoon", ""},
	{false, "Poistutaan hakemistosta", ""}, // Finnish
	{true, "Wejście do katalogu", ""},
	{false, "Opuszczenie katalogu", ""}, // Polish
	{true, "Vstupuje se do adresáře", ""},
	{false, "Opouští se adresář", ""}, // Czech
	{true, "Ulazi se u direktorij", ""},
	{false, "Izlazi se iz direktorija", ""}, // Croatian
	{true, "Улазим у директоријум", ""},
	{false, "Напуштам директоријум", ""}, // Serbian
	{true, "влизане в директория", ""},
	{false, "излизане от директория", ""}, // Bulgarian
	{true, "вход в каталог", ""},
	{false, "выход из каталога", ""}, // Russian
	{true, "входимо до каталогу", ""},
	{false, "Залишаю каталог", ""}, // Ukrainian
	{true, "Memasuki direktori", ""},
	{false, "Meninggalkan direktori", ""}, // Indonesian
	{true, "Vào thư mục", ""},
	{false, "Rời khỏi thư mục", ""}, // Vietnamese
	{true, "ディレクトリ", "に入ります"},
	{false, "ディレクトリ", "から出ます"}, // Japanese
	{true, "디렉터리", "들어감"},
	{false, "디렉터리", "나감"}, // Korean
	{true, "进入目录", ""},
	{false, "离开目录", ""},
	{true, "進入目錄", ""},
	{false, "離開目錄", ""}, // Chinese
}

// piece is the text that the walk is looked up by.
func (w walk) piece() string {
	if len(w.after) > len(w.before) {
		return w.after
	}
	return w.before
}

// path takes the path out of what make says.
func (w walk) path(said string) (path string, ok bool) {
	if said, ok = strings.CutPrefix(said, w.before); !ok {
		return "", false
	}
	if said, ok = strings.CutSuffix(said, w.after); !ok {
		return "", false
	}
	return strings.Trim(said, ` '"`), true
}

// makeSays takes a line apart that make says of itself: "gmake[2]: …". The level is 0 for
// the first.
func makeSays(text string) (level int, said string, ok bool) {
	name, said, ok := strings.Cut(text, ":")
	name = strings.TrimSuffix(name, " ")
	name, number, _ := strings.Cut(name, "[")
	if !ok || strings.Contains(name, " ") || !strings.HasSuffix(name, "make") {
		return 0, "", false
	}
	level, _ = strconv.Atoi(strings.TrimSuffix(number, "]"))
	return level, strings.TrimSpace(said), true
}

// A stack has the folders that make is in, by its level, 0 for the first.
type stack struct {
	in   map[int]string
	turn int // how often make has said where it goes, and once more
	// Where a log begins in the middle, what is found is in the folder that make leaves next:
	// those, by the turn that came before.
	left map[int]string
}

// How deep a stack may be, how long a path, in bytes, and how many turns are remembered.
const (
	maxLevels = 100
	maxPath   = 4096
	maxLeft   = 1000
)

func newStack() stack { return stack{in: map[int]string{}, left: map[int]string{}, turn: 1} }

// folder is the folder that the last make is in, "" if that is not known.
func (s *stack) folder() string {
	if len(s.in) == 0 {
		return ""
	}
	return s.in[slices.Max(slices.Collect(maps.Keys(s.in)))]
}

// goes notes that make enters or leaves a folder.
func (s *stack) goes(enters bool, level int, path string) {
	if len(s.in) == 0 && !enters && len(s.left) < maxLeft {
		s.left[s.turn] = path
	}
	s.turn++
	if !enters {
		delete(s.in, level)
	} else if _, known := s.in[level]; known || len(s.in) < maxLevels {
		s.in[level] = path
	}
}

// walk follows make, if the line says where that goes.
func (s *scanning) walk(l line, pieces []int) bool {
	for _, piece := range pieces {
		if len(s.walking[piece]) == 0 {
			continue
		}
		level, said, ok := makeSays(l.plain())
		for _, w := range s.walking[piece] {
			path, walks := w.path(said)
			if !ok || !walks {
				continue
			}
			if path == "" { // a narrow screen has broken the line
				if next, ok := l.next(); ok {
					path = strings.Trim(next.plain(), " '")
				}
			}
			path = cut(path, maxPath)
			s.stack.goes(w.enters, level, path)
			if w.enters && len(s.out.Folders) < keepFolders && !slices.Contains(s.out.Folders, path) {
				s.out.Folders = append(s.out.Folders, path)
			}
			return true
		}
	}
	return false
}
