package patch

import (
	"mime"
	"strings"
)

// A Header is what a mail, a commit or a DEP-3 header says about a change. Its
// texts are as they were written, so they may hold anything.
type Header struct {
	Commit  string // the full object id, if the text names one
	From    string // the author, decoded
	Date    string
	Subject string // one line, decoded, with any "[PATCH 1/2]"
	Message string // what follows the subject, without the list of files
	// Fields are the fields of a mail or of DEP-3 (Description, Origin, Bug,
	// Forwarded, Applied-Upstream, Last-Update and so on), in their order.
	Fields []Field
}

// A Field is one field of a header. Continued lines are joined by newlines.
type Field struct{ Name, Value string }

// Field gives the value of the first field with the name, in any letter case.
func (h Header) Field(name string) string {
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// readHeader reads the lines before the first change: a mail, a commit as git
// log shows it, a DEP-3 header, or just text.
func readHeader(lines []string) Header {
	var h Header
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	if len(lines) > 0 && (startsMail(lines[0]) || startsCommit(lines[0])) {
		if id := strings.Fields(lines[0])[1]; isObjectID(id) {
			h.Commit = id
		}
		lines = lines[1:]
	}
	lines = h.readFields(lines)
	h.From, h.Date, h.Subject = h.Field("From"), h.Field("Date"), h.Field("Subject")
	if h.From == "" {
		h.From = h.Field("Author")
	}
	h.From, h.Subject = decode(h.From), decode(h.Subject)
	body := message(lines)
	h.readTrailers(body)
	description := h.Field("Description")
	if h.Subject == "" && description != "" {
		first, more, _ := strings.Cut(description, "\n")
		h.Subject = first
		body = append([]string{more, "\n"}, body...)
	}
	text := strings.TrimSpace(strings.Join(body, ""))
	if h.Subject == "" {
		first, more, _ := strings.Cut(text, "\n")
		h.Subject, text = strings.TrimSpace(first), strings.TrimSpace(more)
	}
	h.Message = text
	return h
}

// maxField is about how much of a field is kept, in bytes.
const maxField = 64 << 10

// readFields reads "Name: value" lines and their continuations up to the first
// line that is neither, and gives what follows. The first field must be one that
// mails, commits or DEP-3 have, since a message may begin with "word: ". Comments
// before it are passed over.
func (h *Header) readFields(lines []string) []string {
	var more strings.Builder // of the last field
	end := func() {
		if more.Len() > 0 {
			h.Fields[len(h.Fields)-1].Value += more.String()
			more.Reset()
		}
	}
	defer end()
	for i, line := range lines {
		text := strings.TrimRight(line, "\r\n")
		name, value, isField := strings.Cut(text, ":")
		switch {
		case len(h.Fields) == 0 && strings.HasPrefix(text, "#"):
		case len(h.Fields) > 0 && (strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t")) && strings.TrimSpace(text) != "":
			if len(h.Fields[len(h.Fields)-1].Value)+more.Len() < maxField {
				more.WriteString("\n" + strings.TrimSpace(text))
			}
		case isField && isFieldName(name) && (len(h.Fields) > 0 || isKnownField(name)):
			end()
			h.Fields = append(h.Fields, Field{Name: name, Value: strings.TrimSpace(value)})
		case strings.TrimSpace(text) == "":
			return lines[i+1:]
		default:
			return lines[i:]
		}
	}
	return nil
}

// isFieldName reports whether a word can be the name of a field.
func isFieldName(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' {
			return false
		}
	}
	return true
}

// isKnownField knows the names that a header begins with.
func isKnownField(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "from", "author", "date", "subject", "description", "to", "cc", "message-id", "mime-version", "merge",
		"received", "return-path", "delivered-to", "content-type":
		return true
	}
	return strings.HasPrefix(name, "x-") || isDEP3(name)
}

// message cuts off the list of files behind "---" and what programs write right
// before a change, and takes back the indent that git log gives a message.
func message(lines []string) []string {
	var body []string
	indented := true
	for _, line := range lines {
		text := strings.TrimRight(line, "\r\n")
		if text == "---" || strings.HasPrefix(text, "diff ") || strings.HasPrefix(text, "Index: ") {
			break
		}
		indented = indented && (text == "" || strings.HasPrefix(text, "    "))
		body = append(body, text+"\n")
	}
	if indented {
		for i := range body {
			body[i] = strings.TrimPrefix(body[i], "    ")
		}
	}
	return body
}

// readTrailers adds the fields of DEP-3 that stand in the message, where tools
// that keep patches in git put them.
func (h *Header) readTrailers(body []string) {
	for _, line := range body {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok && isDEP3(name) {
			h.Fields = append(h.Fields, Field{Name: name, Value: strings.TrimSpace(value)})
		}
	}
}

// isDEP3 knows the names of fields that DEP-3 defines.
func isDEP3(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "origin", "bug", "forwarded", "applied-upstream", "last-update", "reviewed-by", "acked-by":
		return true
	}
	return strings.HasPrefix(name, "bug-") && isFieldName(name)
}

// decode reads the encoded words of a mail header, and joins continued lines.
func decode(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if text, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		return text
	}
	return s
}
