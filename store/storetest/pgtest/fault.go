package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Kill is kill -9 of the whole server, with everything that it had not written. When
// it returns none of its processes is left.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGSTOP) // it makes no child any more
	pids := s.signal(syscall.SIGKILL)
	<-s.ended
	s.cmd = nil
	patient, enough := context.WithTimeout(context.Background(), comeUp)
	defer enough()
	for _, pid := range pids {
		for alive(pid) {
			if patient.Err() != nil {
				t.Fatalf("process %d of the server cannot be killed", pid)
			}
			wait(patient, 5*time.Millisecond)
		}
	}
}

// Stop ends the server by pg_ctl: mode is fast, which ends its sessions, or immediate,
// which ends it as a crash would.
func (s *Server) Stop(t testing.TB, mode string) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	out, err := s.command(context.Background(), "pg_ctl", "stop", "-D", s.data(), "-m", mode, "-w", "-t", "60").CombinedOutput()
	if err != nil {
		t.Fatalf("pg_ctl stop: %v\n%s", err, out)
	}
	<-s.ended
	s.cmd = nil
}

// Restart starts a server again that was killed or stopped, on its port and with its
// data, and waits until it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.run(t)
}

// Freeze makes the server stand still, with all connections open, until Thaw.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	if len(s.signal(syscall.SIGSTOP)) == 0 {
		t.Fatal("the server does not run")
	}
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	s.signal(syscall.SIGCONT)
}

// Cut ends every session of the role rollcall and gives how many there were.
func (s *Server) Cut(t testing.TB) int {
	t.Helper()
	var n int
	err := s.Admin.QueryRowContext(context.Background(), `SELECT COUNT(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE usename = 'rollcall'`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ReadOnly lets the role rollcall write nothing, as on a standby that was not promoted
// yet, until it is called with false. Its sessions are cut, since those of now would
// not hear of it.
func (s *Server) ReadOnly(t testing.TB, on bool) {
	t.Helper()
	s.mustDo(t, fmt.Sprintf(`ALTER ROLE rollcall SET default_transaction_read_only = %t`, on))
	s.Cut(t)
}

// signal sends a signal to each process of the server, the first one first, and gives
// their numbers. The others leave the group of the first when they start, so that a
// signal to the group would not reach them.
func (s *Server) signal(sig syscall.Signal) []int {
	if s.cmd == nil {
		return nil
	}
	pids := append([]int{s.cmd.Process.Pid}, children(s.cmd.Process.Pid)...)
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig)
	}
	return pids
}

// children gives the processes that a process has started, or none where there is no
// /proc to tell: there they end by themselves, soon after the first.
func children(parent int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var all []int
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if _, of, err := stat(pid); err == nil && of == parent {
			all = append(all, pid)
		}
	}
	return all
}

// alive tells whether a process still holds anything: one that nobody has waited for
// yet does not.
func alive(pid int) bool {
	state, _, err := stat(pid)
	return err == nil && state != "Z" && state != "X"
}

// stat gives the state of a process and who started it.
func stat(pid int) (state string, parent int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // a name may hold spaces
	if len(fields) < 2 {
		return "", 0, errors.New("no state")
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0], parent, err
}
