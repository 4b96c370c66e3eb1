package mend

import "testing"

func TestWritten(t *testing.T) {
	const text = "int count; /* count */ // count\nchar *s = \"count\\\" count\", c = 'c'; count++; recount(struct\n\tcount x);\n"
	const want = "int own; /* count */ // count\nchar *s = \"count\\\" count\", c = 'c'; own++; recount(struct\n\town x);\n"
	if got := written(text, "count", "own"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := written("struct  siginfo *x;", "struct siginfo", "siginfo_t"); got != "siginfo_t *x;" {
		t.Error(got)
	}
}
