//go:build linux && (amd64 || arm64)

package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"
)

// unsyncable is why no disk can be made to refuse here; "" where one can.
const unsyncable = ""

// loseSyncs lets a child that was told to by the environment refuse every fsync and
// fdatasync with EIO from the first SIGUSR1 on, as a kernel does whose disk fails.
func loseSyncs() {
	if os.Getenv(unsyncedVariable) == "" {
		return
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	go func() {
		<-told
		if err := refuseSyncs(); err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "{\"msg\":%q}\n", unsyncedFailed+err.Error())
			return
		}
		_, _ = fmt.Fprintf(os.Stderr, "{\"msg\":%q}\n", unsyncedMessage)
	}()
}

// Of linux/seccomp.h, linux/audit.h and asm/unistd.h: package syscall lacks them.
const (
	seccompSetModeFilter = 1
	seccompTSync         = 1 // SECCOMP_FILTER_FLAG_TSYNC: all threads
	seccompAllow         = 0x7fff0000
	seccompErrno         = 0x00050000
	prSetNoNewPrivs      = 38
	archAtData           = 4 // of struct seccomp_data
)

// refuseSyncs installs a filter of system calls in all threads.
func refuseSyncs() error {
	arch, call := uint32(0xc000003e), uintptr(317) // AUDIT_ARCH_X86_64, seccomp
	if runtime.GOARCH == "arm64" {
		arch, call = 0xc00000b7, 277 // AUDIT_ARCH_AARCH64
	}
	load := func(at uint32) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS, K: at}
	}
	equal := func(k uint32, yes, no uint8) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, K: k, Jt: yes, Jf: no}
	}
	answer := func(k uint32) syscall.SockFilter {
		return syscall.SockFilter{Code: syscall.BPF_RET | syscall.BPF_K, K: k}
	}
	program := []syscall.SockFilter{
		load(archAtData), equal(arch, 0, 3),
		load(0), equal(syscall.SYS_FSYNC, 2, 0), equal(syscall.SYS_FDATASYNC, 1, 0),
		answer(seccompAllow),
		answer(seccompErrno | uint32(syscall.EIO)),
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, no := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); no != 0 {
		return fmt.Errorf("no new privileges: %w", no)
	}
	prog := syscall.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	thread, _, no := syscall.RawSyscall(call, seccompSetModeFilter, seccompTSync, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(program)
	if no != 0 {
		return fmt.Errorf("seccomp: %w", no)
	}
	if thread != 0 {
		return errors.New("seccomp: a thread has a filter of its own")
	}
	return nil
}
