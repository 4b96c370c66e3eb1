package platform

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoMake says that there is no GNU make here.
var ErrNoMake = errors.New("no GNU make found (looked for $MAKE, gmake and make)")

// GNUMake returns the absolute path of GNU make: $MAKE when it is set, else
// gmake, as it is called on the BSDs, else make where that is GNU's. The
// error is [ErrNoMake].
func GNUMake(ctx context.Context) (string, error) {
	for _, name := range nonempty(os.Getenv("MAKE"), "gmake", "make") {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if strings.HasPrefix(ask(ctx, path, "--version"), "GNU Make") {
			return filepath.Abs(path)
		}
	}
	return "", ErrNoMake
}

// MakeVersion names the make at path: "GNU Make 4.3".
func MakeVersion(ctx context.Context, path string) string {
	return firstLine(ask(ctx, path, "--version"))
}
