// Command rollcall keeps the accounts of a company in step across the systems
// that hold them, and is run from the group chat.
//
// This package is the wiring: the only place that sees every other package,
// reads the configuration and touches the process.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	_ "time/tzdata" // a container without zone files still knows Asia/Shanghai
)

func main() { os.Exit(start(false)) }

// start runs the command line and gives the exit code. Only tests are breakable.
func start(breakable bool) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &process{
		args: os.Args[1:], getenv: os.LookupEnv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		now: time.Now, executable: ownImage, breakable: breakable,
	}
	if breakable {
		p.now = wrongClock(p.now, p.getenv)
	}
	return p.run(ctx)
}

// ownImage gives what starts this very program again, for the processes of rules. On
// Linux it is not the file: in its place stands another version, or half of one, while
// somebody upgrades, and rules are judged by the version that plans.
func ownImage() (string, error) {
	const image = "/proc/self/exe"
	if _, err := os.Stat(image); runtime.GOOS == "linux" && err == nil {
		return image, nil
	}
	return os.Executable()
}
