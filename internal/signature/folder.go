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

// spoken is what make says when it enters a folder and when it leaves it, in the languages
// that GNU make speaks; … is for the path, in quotes.
var spoken = [][2]string{
	{"Entering directory …", "Leaving directory …"},
	{"Verzeichnis … wird betreten", "Verzeichnis … wird verlassen"}, // German
	{"on entre dans le répertoire …", "on quitte le répertoire …"},  // French
	{"se entra en el directorio …", "se sale del directorio …"},     // Spanish
	{"ingresso nella directory …", "uscita dalla directory …"},      // Italian
	{"Entrando no diretório …", "Saindo do diretório …"},            // Portuguese
	{"a entrar na pasta …", "a sair da pasta …"},
	{"Map … wordt binnengegaan", "Map … wordt verlaten"},      // Dutch
	{"Går til katalog …", "Forlader katalog …"},               // Danish
	{"Går till katalogen …", "Lämnar katalogen …"},            // Swedish
	{"Siirrytään hakemistoon …", "Poistutaan hakemistosta …"}, // Finnish
	{"Wejście do katalogu …", "Opuszczenie katalogu …"},       // Polish
	{"Vstupuje se do adresáře …", "Opouští se adresář …"},     // Czech
	{"Ulazi se u direktorij …", "Izlazi se iz direktorija …"}, // Croatian
	{"Улазим у директоријум …", "Напуштам директоријум …"},    // Serbian
	{"влизане в директория …", "излизане от директория …"},    // Bulgarian
	{"вход в каталог …", "выход из каталога …"},               // Russian
	{"входимо до каталогу …", "Залишаю каталог …"},            // Ukrainian
	{"Memasuki direktori …", "Meninggalkan direktori …"},      // Indonesian
	{"Vào thư mục …", "Rời khỏi thư mục …"},                   // Vietnamese
	{"ディレクトリ … に入ります", "ディレクトリ … から出ます"},                      // Japanese
	{"디렉터리 … 들어감", "디렉터리 … 나감"},                               // Korean
	{"进入目录 …", "离开目录 …"},
	{"進入目錄 …", "離開目錄 …"}, // Chinese
}

// walks are those of all languages.
var walks = func() (all []walk) {
	for _, pair := range spoken {
		for i, text := range pair {
			before, after, _ := strings.Cut(text, " …")
			all = append(all, walk{i == 0, before, strings.TrimSpace(after)})
		}
	}
	return all
}()

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
