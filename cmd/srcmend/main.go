// Command srcmend builds servers and tools from source, and makes releases
// that do not build here build.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"srcmend/internal/build"
)

func main() {
	if build.Supervising() {
		os.Exit(build.Supervise())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends this process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
