package yamlfile

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
)

// A Layer is a folder of YAML files that goes before those below it: what comes with the
// program, and over it what the user has.
type Layer struct {
	Name  string // of the folder, for messages
	Files fs.FS
	// Only is the one file of it that counts; "" for all that end in .yaml.
	Only string
	// Skip is a key whose value nobody wants now: where it stands alone on its line it is
	// left out, with the lines below it that are indented further, since reading costs by the
	// byte. It is for files that are known to have such lines nowhere else.
	Skip string
}

// ReadLayers calls visit for each file of the layers, the lowest first, with the number of its
// layer and the name to call it in messages. A folder that is not there has no files.
func ReadLayers(layers []Layer, visit func(layer int, name string, text []byte)) error {
	for i, l := range layers {
		names, err := l.names()
		if err != nil {
			return err
		}
		for _, name := range names {
			text, err := fs.ReadFile(l.Files, name)
			if err != nil {
				return err
			}
			if l.Skip != "" {
				text = without(text, l.Skip)
			}
			if len(bytes.TrimSpace(text)) == 0 {
				continue // as when a shell has just made it
			}
			visit(i, path.Join(l.Name, name), text)
		}
	}
	return nil
}

func (l Layer) names() (all []string, err error) {
	if l.Only != "" {
		return []string{l.Only}, nil
	}
	entries, err := fs.ReadDir(l.Files, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if !e.IsDir() && path.Ext(e.Name()) == ".yaml" {
			all = append(all, e.Name())
		}
	}
	return all, err
}

// without blanks out a key and its value; lines keep their numbers.
func without(text []byte, key string) []byte {
	out := make([]byte, 0, len(text))
	block := -1 // the indentation of the key whose value this is
	for line := range bytes.Lines(text) {
		said := bytes.TrimSpace(line)
		indent := bytes.IndexFunc(line, func(r rune) bool { return r != ' ' })
		if string(said) == key+":" {
			block = indent
		} else if len(said) > 0 && (indent < block || indent == block && said[0] != '-') {
			block = -1
		}
		if block >= 0 {
			line = []byte{'\n'}
		}
		out = append(out, line...)
	}
	return out
}
