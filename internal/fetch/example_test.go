package fetch_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"srcmend/internal/distfile"
	"srcmend/internal/event"
	"srcmend/internal/fetch"
)

// The first source has nothing, the second a web page, the third the file.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page/foo-1.2.tar.gz":
			fmt.Fprint(w, "<!DOCTYPE html><title>We have moved</title>")
		case "/good/foo-1.2.tar.gz":
			fmt.Fprint(w, "hello")
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := distfile.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	sum, err := distfile.ParseSum("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
	if err != nil {
		log.Fatal(err)
	}

	f := &fetch.Fetcher{Store: store, Events: func(e event.Event) {
		if e, ok := e.(event.SourceTried); ok {
			fmt.Printf("%s (%s)\n", e.Outcome, e.Why)
		}
	}}
	item, err := f.Get(context.Background(), fetch.Request{
		Name:     "foo-1.2.tar.gz",
		Identity: sum,
		Sources: []fetch.Source{
			{URL: server.URL + "/none/foo-1.2.tar.gz"},
			{URL: server.URL + "/page/foo-1.2.tar.gz"},
			{URL: server.URL + "/good/foo-1.2.tar.gz"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(item.Name, item.Size, "bytes")

	// Output:
	// red (404 Not Found: 404 page not found)
	// red (got an HTML page titled "We have moved" instead of foo-1.2.tar.gz: look at it in a browser, and correct the URL)
	// green ()
	// foo-1.2.tar.gz 5 bytes
}
