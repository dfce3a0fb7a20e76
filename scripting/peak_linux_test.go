package scripting

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// ownPeak gives the most memory that the own process has taken, in bytes.
func ownPeak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	field, _, _ := bytes.Cut(bytes.TrimSpace(rest), []byte(" "))
	kib, err := strconv.ParseInt(string(field), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// childPeak gives the most memory that an ended process had taken, in bytes.
func childPeak(cmd *exec.Cmd) int64 {
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10
	}
	return 0
}
