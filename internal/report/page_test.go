package report_test

import (
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestPageAsksForNothing: nothing on the page has an address but of a place on the page.
func TestPageAsksForNothing(t *testing.T) {
	text := written(t, "html", recorded(t, verification()))
	begin, end := strings.Index(text, "<style>"), strings.Index(text, "</style>")
	looks := text[begin:end]
	if strings.Contains(looks, "url(") || strings.Contains(looks, "@import") || strings.Contains(looks, "@font-face") {
		t.Error("the style asks for something")
	}
	text = text[:begin] + text[end+len("</style>"):]
	text = text[:strings.Index(text, "<script>")] + "</body></html>"
	d := xml.NewDecoder(strings.NewReader(strings.ReplaceAll(text, "\ufffe", "")))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	ids, links := map[string]bool{}, []string{}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			switch name := strings.ToLower(a.Name.Local); {
			case name == "id":
				if ids[a.Value] {
					t.Errorf("the id %s is there twice", a.Value)
				}
				ids[a.Value] = true
			case name == "href" && start.Name.Local == "a":
				links = append(links, strings.TrimPrefix(a.Value, "#"))
			case name == "href" && a.Value == "data:,":
			case name == "src" || name == "href" || name == "action" || name == "style" || strings.HasPrefix(name, "on") || name == "srcset":
				t.Errorf("<%s> has %s=%q", start.Name.Local, name, a.Value)
			}
		}
	}
	for _, to := range links {
		if !ids[to] {
			t.Errorf("a link leads to %q, which is not there", to)
		}
	}
}

// TestPageInABrowser: the page works with its policy, has nothing to complain of, asks for
// nothing but itself, and filters.
func TestPageInABrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("there is no Chromium")
	}
	var mu sync.Mutex
	var asked []string
	page := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page)
	}))
	defer server.Close()
	// show gives the page as it is after its script has run, and what the console says.
	show := func(text, hash string) (dom, console string) {
		t.Helper()
		mu.Lock()
		page = text
		mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--user-data-dir="+t.TempDir(), "--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom", server.URL+"/page"+hash)
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		cmd.WaitDelay = 5 * time.Second
		if err := cmd.Run(); err != nil {
			t.Skipf("Chromium does not run here: %v", err)
		}
		return out.String(), strings.Join(regexp.MustCompile(`(?m)^.*CONSOLE.*$`).FindAllString(errs.String(), -1), "\n")
	}
	rows := regexp.MustCompile(`<tr id="[^"]*" data-o="[^"]*">`)
	problems := regexp.MustCompile(`<article [^>]*aria-labelledby="p\d+-title">`)
	for _, test := range []struct {
		hash           string
		rows, problems int
		shown          string
	}{
		{"", 8, 7, ""},
		{"#find=other", 2, 1, "2 of 8 rows"},
		{"#find=hello+2.12+ONE", 1, 1, "1 of 8 rows"},
		{"#outcome=known", 1, 2, "1 of 8 rows"},
		{"#outcome=!green", 6, 7, "6 of 8 rows"},
		{"#outcome=green&find=alert(1)", 0, 0, "0 of 8 rows"},
	} {
		dom, console := show(written(t, "html", recorded(t, verification())), test.hash)
		if console != "" {
			t.Errorf("%s: %s", test.hash, console)
		}
		if n := len(rows.FindAllString(dom, -1)); n != test.rows {
			t.Errorf("%q shows %d rows, not %d", test.hash, n, test.rows)
		}
		if n := len(problems.FindAllString(dom, -1)); n != test.problems {
			t.Errorf("%q shows %d problems, not %d", test.hash, n, test.problems)
		}
		if !strings.Contains(dom, `for="find outcome">`+test.shown+`</output>`) {
			t.Errorf("%q does not say %q", test.hash, test.shown)
		}
	}
	mu.Lock()
	if asked = slices.Compact(asked); !slices.Equal(asked, []string{"/page"}) {
		t.Errorf("the page asks for %q", asked)
	}
	mu.Unlock()
	// A script that is not the page's own is not run, and one sees that it was not.
	text := strings.Replace(written(t, "html", recorded(t, verification())), `"use strict";`, `"use strict"; `, 1)
	if dom, console := show(text, "#find=other"); !strings.Contains(console, "Content Security Policy") || len(rows.FindAllString(dom, -1)) != 8 {
		t.Errorf("a foreign script is run; the console says %q", console)
	}
}
