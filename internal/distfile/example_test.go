package distfile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"srcmend/internal/distfile"
)

// A file is stored under its sum. Asking for it again costs no download.
func Example() {
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

	download := func(text string) {
		partial, err := store.Begin(context.Background(), sum, "hello.txt")
		var stored *distfile.StoredError
		if errors.As(err, &stored) {
			fmt.Println("stored already:", stored.Item.Name)
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		defer partial.Close()
		if _, err := io.Copy(partial, strings.NewReader(text)); err != nil {
			log.Fatal(err)
		}
		item, err := partial.Commit()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("stored:", item.Name, item.Size, "bytes")
	}
	download("jello")
	download("hello")
	download("hello")

	// Output:
	// hello.txt: wrong checksum: want 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824, got 187c9bceeb919e1b3e6d20fa50ecabf7d9d50b5343e8f9a3d912abb13929102e
	// stored: hello.txt 5 bytes
	// stored already: hello.txt
}
