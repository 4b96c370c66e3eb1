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
// gmake, as it is called on the BSDs, else make where that is GNU's; and its
// name: "GNU Make 4.3". The error is [ErrNoMake].
func GNUMake(ctx context.Context) (path, name string, err error) {
	for _, program := range nonempty(os.Getenv("MAKE"), "gmake", "make") {
		if path, err = exec.LookPath(program); err != nil {
			continue
		}
		if name = firstLine(ask(ctx, path, "--version")); strings.HasPrefix(name, "GNU Make") {
			path, err = filepath.Abs(path)
			return path, name, err
		}
	}
	return "", "", ErrNoMake
}
