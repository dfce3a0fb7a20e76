//go:build !linux

package scripting

import (
	"os/exec"
	"runtime"
	"runtime/debug"
)

// prepareCommand does nothing here: a child notices the end of its input.
func prepareCommand(*exec.Cmd) {}

// confineProcess sets what the Go runtime can limit by itself. Memory is not
// among it: on this system only time is.
func confineProcess(memory int64) error {
	runtime.GOMAXPROCS(2)
	debug.SetMaxStack(64 << 20)
	debug.SetMemoryLimit(memory / 2)
	return nil
}

// endProcess ends the own process at once.
func endProcess() { panic("scripting: the parent is gone") }
