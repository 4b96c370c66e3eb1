package archive_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"srcmend/internal/archive"
)

// A release is unpacked without its top folder. A page that came instead of it
// is told by its title.
func Example() {
	dir, err := os.MkdirTemp("", "archive")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := writeRelease(filepath.Join(dir, "server-1.0.tar.gz")); err != nil {
		fmt.Println(err)
		return
	}
	page := []byte("<!DOCTYPE html><title>Temporarily moved</title>")
	if err := os.WriteFile(filepath.Join(dir, "server-1.1.tar.gz"), page, 0o644); err != nil {
		fmt.Println(err)
		return
	}
	for _, release := range []string{"server-1.0", "server-1.1"} {
		f, err := os.Open(filepath.Join(dir, release+".tar.gz"))
		if err != nil {
			fmt.Println(err)
			return
		}
		stats, err := archive.Unpack(context.Background(), f, filepath.Join(dir, release), archive.Options{})
		fmt.Println(stats.Format, stats.Entries, err)
		f.Close()
	}
	data, err := os.ReadFile(filepath.Join(dir, "server-1.0", "main.c"))
	fmt.Printf("%q %v\n", data, err)
	// Output:
	// tar.gz 1 <nil>
	//  0 unpack server-1.1.tar.gz: this is an HTML page titled "Temporarily moved", not an archive
	// "int main;\n" <nil>
}

// writeRelease packs one file.
func writeRelease(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	content := "int main;\n"
	if err := w.WriteHeader(&tar.Header{Name: "server-1.0/main.c", Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	if _, err := w.Write([]byte(content)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return z.Close()
}

// One file of a release is read, and nothing is unpacked.
func ExampleLook() {
	dir, err := os.MkdirTemp("", "archive")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "server-1.0.tar.gz")
	if err := writeRelease(path); err != nil {
		fmt.Println(err)
		return
	}
	f, err := os.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	v, err := archive.Look(context.Background(), f, func(name string) bool { return name == "main.c" })
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := v.Read("main.c")
	fmt.Printf("%q %v\n", file.Data, err)
	_, err = v.Read("server-1.0/main.c")
	fmt.Println(err)
	// Output:
	// "int main;\n" <nil>
	// lstat server-1.0/main.c: file does not exist
}
