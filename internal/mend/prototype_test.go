package mend

import "testing"

func TestPrototype(t *testing.T) {
	for source, want := range map[string]string{
		"double halve(double number)\n{\n}\n":                              "extern double halve (double number);",
		"/* x */ struct list *\nhalve (struct list *all,\n       int n) {": "extern struct list *halve (struct list *all, int n);",
		"unsigned long int halve() {":                                      "extern unsigned long int halve (void);",
		"int halve(void)\n{":                                               "extern int halve (void);",
		"char *halve(a, b)\n\tchar *a;\n\tint b;\n{\n":                     "extern char *halve ();",
		"extern int halve(int a) {":                                        "extern int halve (int a);",
		"static int halve(int a)\n{":                                       "",
		"int halve(int a);\n":                                              "",
		"int x = halve(3);\nint other(void) {":                             "",
		"\treturn halve(3) {":                                              "",
		"int halved(int a) {":                                              "",
		"// int halve(int a) {\nint other(int a) {":                        "",
		"#define halve(x) {x}\n":                                           "",
	} {
		got, ok := prototype(source, "halve")
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t; want %q", source, got, ok, want)
		}
	}
}
