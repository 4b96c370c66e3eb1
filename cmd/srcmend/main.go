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
		syscall.Exit(build.Supervise()) // at once: there is nothing left to do at the exit
	}
	var asked []os.Signal
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // as nohup has it
			asked = append(asked, s)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), asked...)
	context.AfterFunc(ctx, stop) // a second signal ends this process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
