package scripting

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
)

// confine* are the limits of a child.
const (
	confineStack = 64 << 20 // bytes of one goroutine's stack
	confineFiles = 16       // open files: the pipes and what the runtime needs
	// confineGarbage is how much garbage may lie beside what is in use, in per cent:
	// little is in use, and nothing of one object is needed for the next.
	confineGarbage = 400
)

// prepareCommand makes a child die with its parent, even when nothing in it runs
// any more, and keeps a terminal's Ctrl-C from it.
func prepareCommand(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// confineProcess limits the own process: memory beyond what it takes now, no
// core dump, no new file, few descriptors, a bounded stack. Processor time is not
// limited (RLIMIT_CPU): it adds up over all that a child ever judges, so that it
// would end honest ones in long runs; a silent child is killed by the clock, and an
// orphan ends with its parent.
func confineProcess(memory int64) error {
	runtime.GOMAXPROCS(2) // one for the rule, one for the watch and the collector
	debug.SetMaxStack(confineStack)
	debug.SetMemoryLimit(memory / 2) // collect in time
	debug.SetGCPercent(confineGarbage)
	// The limit counts private writable memory. An absolute one would fit one
	// build only: what a process takes at its start depends on how it was built.
	limit := uint64(dataSize() + memory) //nolint:gosec // both are sizes
	for _, l := range []struct {
		resource int
		most     uint64
	}{
		{syscall.RLIMIT_CORE, 0},
		{syscall.RLIMIT_FSIZE, 0},
		{syscall.RLIMIT_NOFILE, confineFiles},
		{syscall.RLIMIT_DATA, limit},
	} {
		if err := syscall.Setrlimit(l.resource, &syscall.Rlimit{Cur: l.most, Max: l.most}); err != nil {
			return fmt.Errorf("set limit %d: %w", l.resource, err)
		}
	}
	return nil
}

// dataSize gives the bytes of private writable memory that the process has now,
// or 0 when the system does not tell.
func dataSize() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(status, []byte("VmData:"))
	if !ok {
		return 0
	}
	field, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	kib, err := strconv.ParseInt(string(field), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// endProcess ends the own process at once.
func endProcess() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL) }
