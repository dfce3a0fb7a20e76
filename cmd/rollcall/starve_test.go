package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
)

// prlimit changes a limit of a process, or skips where that cannot be done.
func prlimit(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "prlimit", args...).CombinedOutput(); err != nil {
		t.Fatalf("prlimit %v: %v: %s", args, err, out)
	}
}

// canStarve skips where processes cannot be limited.
func canStarve(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	if _, err := exec.LookPath("prlimit"); err != nil {
		t.Skip("NOT RUN: there is no prlimit here (Debian package util-linux), so no process is starved")
	}
}

// listens gives the address that the newest child listens on.
func (m *mortal) listens(t *testing.T) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(m.dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`"msg":"serving","listen":"([^"]+)"`).FindAllSubmatch(log, -1)
	if len(all) == 0 {
		t.Fatal("nobody serves")
	}
	return string(all[len(all)-1][1])
}

// strangers hold so many connections to an address, new ones for those that are ended,
// until it is told to stop.
func strangers(t *testing.T, address string, n int) (stop func()) {
	t.Helper()
	over := make(chan struct{})
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			for !closed(over) {
				c, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
				if err != nil {
					pause(t.Context(), 20*time.Millisecond)
					continue
				}
				go func() {
					<-over
					_ = c.Close()
				}()
				_, _ = c.Read(make([]byte, 1)) // nothing comes until it is ended
				_ = c.Close()
			}
		})
	}
	stop = sync.OnceFunc(func() {
		close(over)
		group.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// TestP11_FewFiles lets the service have 64 file descriptors, and strangers take all
// that are free. It lives, and says that it has none; nothing is done that was not
// voted on; and when the strangers leave, it works again without a restart.
func TestP11_FewFiles(t *testing.T) {
	t.Parallel()
	canStarve(t)
	m := openMortal(t, kindOf(t, "sqlite"))
	m.hosts[0].files = 64
	m.change(t)
	stop := m.serve(t.Context(), t, failWatch)
	defer stop()
	m.until(t, "it serves", m.whole)
	leave := strangers(t, m.listens(t), 100)
	m.until(t, "it has no descriptor left, and says so", func() bool { return m.logged(t, "too many open files") > 0 })
	was := m.known(t)
	if err := m.chat.Say(t.Context(), stage.FeishuRoom, "李敏", "@点名 同步 "+flowName); err != nil { // a lost connection cannot be made again
		t.Logf("nobody hears until the strangers leave: %v", err)
		leave()
		m.until(t, "the platform delivers it", func() bool { return m.chat.Again(t.Context(), stage.FeishuRoom) == nil })
	}
	r := m.fresh(t, "what was asked for comes to rest", was, func(r run.Run) bool { return r.State.Ended() || r.State == run.Awaiting })
	t.Logf("without descriptors the run is %s: %s", r.State, r.Reason)
	if r.State == run.Failed && r.Reason == "" {
		t.Error("nobody is told why it failed")
	}
	leave()
	if r.State.Ended() {
		r = m.asked(t, "同步 "+flowName)
	}
	m.approve(t, r)
	m.ends(t, r, run.Succeeded)
	m.endsWell(t, stop)
	if m.deaths > 0 {
		t.Errorf("it died %d times", m.deaths)
	}
}

// endsWell is holds where runs may have failed, and said so.
func (m *mortal) endsWell(t *testing.T, stop func()) {
	t.Helper()
	m.settledPlan(t)
	m.quiet(t)
	stop()
	w := m.world(t.Context(), t)
	w.rough = true
	for _, b := range w.broken() {
		t.Error(b)
	}
	if m.wrong != nil {
		t.Error(m.wrong)
	}
	if t.Failed() {
		t.Logf("the service's log ends:\n%s", logEnd(m.dir))
	}
}

// space gives how much address space a process has taken, in bytes.
func space(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	pages, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// TestP11_LittleMemory lets the service have no more memory than it has: while it
// plans, and while it applies. Go ends a process that gets none, and says so; then
// the next goes on, and nothing is done twice. A rule that gets none changes nothing.
func TestP11_LittleMemory(t *testing.T) {
	t.Parallel()
	canStarve(t)
	m := openMortal(t, kindOf(t, "sqlite"))
	starve := func() (feed func()) {
		child, _ := m.hosts[0].present()
		pid := strconv.Itoa(child.Process.Pid)
		m.mu.Lock()
		m.frail = 1
		m.mu.Unlock()
		prlimit(t, "--pid", pid, fmt.Sprintf("--as=%d:", space(t, child.Process.Pid)))
		return func() { // of one that lives
			_ = exec.CommandContext(t.Context(), "prlimit", "--pid", pid, "--as=unlimited:").Run()
			m.mu.Lock()
			m.frail = 0
			m.mu.Unlock()
		}
	}
	t.Run("planning", func(t *testing.T) {
		m.change(t)
		stop := m.serve(t.Context(), t, failWatch)
		defer stop()
		m.until(t, "it serves", m.whole)
		feed := starve()
		was := m.known(t)
		m.say(t, "李敏", "@点名 同步 "+flowName)
		r := m.fresh(t, "what was asked for comes to rest", was, func(r run.Run) bool { return r.State.Ended() || r.State == run.Awaiting })
		t.Logf("without memory the run is %s: %s; the service died %d times", r.State, r.Reason, m.deaths)
		feed()
		if r.State.Ended() {
			r = m.asked(t, "同步 "+flowName)
		}
		m.approve(t, r)
		m.ends(t, r, run.Succeeded)
		m.endsWell(t, stop)
	})
	t.Run("applying", func(t *testing.T) {
		m.change(t)
		stop := m.serve(t.Context(), t, failWatch)
		defer stop()
		m.until(t, "it serves", m.whole)
		r := m.asked(t, "同步 "+flowName)
		reached, open := m.gated(t, 2)
		m.approve(t, r)
		m.await(t, "the second write", reached)
		feed := starve()
		leave := strangers(t, m.listens(t), 300) // each takes a little
		open()
		m.ends(t, r, run.Succeeded)
		leave()
		feed()
		t.Logf("the service died %d times", m.deaths)
		m.endsWell(t, stop)
	})
}
