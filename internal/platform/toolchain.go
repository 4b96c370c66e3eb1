package platform

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// Toolchain is the identity, in hex, of what turns a source into a program here: the compilers,
// the linker, GNU make at that path, and the versions of all packages that are installed, of
// which a configure may find any. Two machines that have the same build the same.
func (p Platform) Toolchain(ctx context.Context, make string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h := sha256.New()
	var asked []*bytes.Buffer
	var wg sync.WaitGroup
	for _, argv := range [][]string{{"cc", "-v"}, {"c++", "-v"}, {"ld", "-v"}, {make, "--version"}} {
		if name := os.Getenv(strings.ToUpper(strings.ReplaceAll(argv[0], "c++", "cxx"))); name != "" && argv[0] != make {
			argv = append(strings.Fields(name), argv[1:]...)
		}
		answer := new(bytes.Buffer)
		asked = append(asked, answer)
		fmt.Fprintf(answer, "%q\n", argv)
		if argv[0] == "" {
			continue
		}
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		cmd.Stdout, cmd.Stderr = answer, answer
		wg.Go(func() { _ = cmd.Run() }) // that there is none is an answer
	}
	wg.Wait()
	for _, answer := range asked {
		h.Write(answer.Bytes())
	}
	if err := p.packages(ctx, h); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("asking the compilers what they are: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// dpkgStatus is where Debian's packager keeps what is installed.
const dpkgStatus = "/var/lib/dpkg/status"

// packages writes the names and versions of all packages that are installed, as far as that is
// known here.
func (p Platform) packages(ctx context.Context, w io.Writer) error {
	switch p.Family {
	case "freebsd":
		_, err := io.WriteString(w, ask(ctx, "pkg", "query", "%n-%v"))
		return err
	case "debian":
		f, err := os.Open(dpkgStatus)
		if err != nil {
			return fmt.Errorf("which packages are installed: %w", err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			for _, key := range []string{"Package: ", "Status: ", "Version: "} {
				if strings.HasPrefix(lines.Text(), key) {
					fmt.Fprintln(w, lines.Text())
				}
			}
		}
		return lines.Err()
	}
	return nil
}
