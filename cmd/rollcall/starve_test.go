package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	m.hosts[0].within = []string{"prlimit", "--nofile=64:64", "--"}
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

// TestP11_LittleMemory lets the service have no more memory than it has: while it
// plans, and while it applies. Either Go gets none, and ends the process, or the record
// or a rule gets none, and what needs them waits or fails; it is said, the next process
// or the same one, when it has some, goes on, and nothing is done twice. A rule that gets
// none changes nothing.
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
		prlimit(t, "--pid", pid, "--data=1:") // it keeps what it has, and gets nothing more
		return func() {                       // of one that lives
			_ = exec.CommandContext(t.Context(), "prlimit", "--pid", pid, "--data=unlimited:").Run()
		}
	}
	t.Run("planning", func(t *testing.T) {
		m.change(t)
		stop := m.serve(t.Context(), t, failWatch)
		defer stop()
		m.until(t, "it serves", m.whole)
		was, spoke := m.known(t), m.saysNoMemory(t)
		feed := starve()
		refused := m.chat.Say(t.Context(), stage.FeishuRoom, "李敏", "@点名 同步 "+flowName)
		fresh := func(r run.Run) bool { return !was[r.Code] }
		m.until(t, "it is short of memory, and says so", func() bool {
			return m.saysNoMemory(t) > spoke || slices.ContainsFunc(m.runs(t), func(r run.Run) bool { return fresh(r) && (r.State == run.Failed || r.State == run.Blocked) })
		})
		feed()
		if refused != nil {
			m.until(t, "the platform delivers it", func() bool { return m.chat.Again(t.Context(), stage.FeishuRoom) == nil })
		}
		m.until(t, "what was asked for is planned, or given up", func() bool { return slices.ContainsFunc(m.runs(t), fresh) || allSaid(t.Context(), m.store) })
		var r run.Run
		if slices.ContainsFunc(m.runs(t), fresh) {
			r = m.fresh(t, "what was asked for comes to rest", was, func(r run.Run) bool { return r.State.Ended() || r.State == run.Awaiting })
			t.Logf("without memory the run is %s: %s", r.State, r.Reason)
		}
		if r.State != run.Awaiting {
			r = m.asked(t, "同步 "+flowName)
		}
		m.approve(t, r)
		m.ends(t, r, run.Succeeded)
		m.endsWell(t, stop)
		t.Logf("the service died %d times", m.died())
	})
	t.Run("applying", func(t *testing.T) {
		m.change(t)
		stop := m.serve(t.Context(), t, failWatch)
		defer stop()
		m.until(t, "it serves", m.whole)
		r := m.asked(t, "同步 "+flowName)
		open := m.midway(t, r)
		feed, spoke := starve(), m.saysNoMemory(t)
		open()
		m.crowded(t, func() bool { return m.died() > 0 })
		if m.saysNoMemory(t) == spoke {
			t.Error("it died of something else")
		}
		feed()
		m.ends(t, r, run.Succeeded)
		m.endsWell(t, stop)
		if m.died() > 1 {
			t.Errorf("it died %d times", m.died())
		}
	})
}

// saysNoMemory counts what Go says last, and what SQLite says.
func (m *mortal) saysNoMemory(t *testing.T) int {
	t.Helper()
	return m.logged(t, "out of memory") + m.logged(t, "cannot allocate memory") + m.logged(t, "pthread_create failed")
}

// died gives how often a process died in this round.
func (m *mortal) died() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.deaths
}

// crowded lets strangers come until they have taken what memory is left, each a little.
func (m *mortal) crowded(t *testing.T, enough func() bool) {
	t.Helper()
	address := m.listens(t)
	var all []func()
	m.until(t, "the strangers have taken all the memory", func() bool {
		if len(all) < 5 { // it takes no more than 1,024 at once
			all = append(all, strangers(t, address, 200))
		}
		return enough()
	})
	for _, leave := range all {
		leave()
	}
}

// TestP11_LittleMemoryInAContainer lets the service live in a control group, as in a
// container, that has a little more memory than it takes: the kernel kills it while it
// applies, the next one, in the same group with more, goes on, and nothing is done
// twice.
func TestP11_LittleMemoryInAContainer(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	group := memoryGroup(t)
	m := openMortal(t, kindOf(t, "sqlite"))
	m.hosts[0].within = []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(group.dir, "cgroup.procs")}
	m.change(t)
	stop := m.serve(t.Context(), t, failWatch)
	defer stop()
	m.until(t, "it serves", m.whole)
	r := m.asked(t, "同步 "+flowName)
	open := m.midway(t, r)
	group.limit(t, group.used(t)+2<<20)
	open()
	m.crowded(t, func() bool { return group.kills(t) > 0 && m.died() > 0 })
	group.limit(t, 1<<30)
	m.ends(t, r, run.Succeeded)
	m.endsWell(t, stop)
	t.Logf("the kernel killed %d times, the service died %d times", group.kills(t), m.died())
}

// cgroup is a control group with a limit of memory.
type cgroup struct{ dir, max, current, events string }

// memoryGroup makes a control group below our own, of either version, or skips.
func memoryGroup(t *testing.T) *cgroup {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skipf("NOT RUN: there are no control groups here, so the kernel ends no service for its memory: %v", err)
	}
	var why []string
	for line := range strings.Lines(string(text)) { // number:controllers:path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		g := &cgroup{max: "memory.max", current: "memory.current", events: "memory.events"}
		root := "/sys/fs/cgroup"
		switch {
		case len(parts) < 3:
			continue
		case slices.Contains(strings.Split(parts[1], ","), "memory"):
			g = &cgroup{max: "memory.limit_in_bytes", current: "memory.usage_in_bytes", events: "memory.oom_control"}
			root += "/memory"
		case parts[1] != "":
			continue
		}
		// Of version 2 the parent may hold no process, and must hand on the controller.
		for at := parts[2]; ; at = filepath.Dir(at) {
			g.dir = filepath.Join(root, at, "rollcall-test-"+strconv.Itoa(os.Getpid()))
			if err = os.Mkdir(g.dir, 0o700); err == nil {
				if _, err = os.Stat(filepath.Join(g.dir, g.max)); err == nil {
					t.Cleanup(func() { until(t, "the control group is empty", func() bool { return os.Remove(g.dir) == nil }) })
					_ = os.WriteFile(filepath.Join(g.dir, "memory.swap.max"), []byte("0"), 0o600) // where there is any
					return g
				}
				_ = os.Remove(g.dir)
			}
			why = append(why, err.Error())
			if at == "/" || at == "." {
				break
			}
		}
	}
	t.Skipf("NOT RUN: no control group with a limit of memory can be made here (it needs root, or a group of one's own), so the kernel ends no service for its memory: %s", strings.Join(why, "; "))
	return nil
}

func (g *cgroup) read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// used gives the memory of the group in bytes.
func (g *cgroup) used(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(g.read(t, g.current))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// limit sets how much the group may have, in bytes.
func (g *cgroup) limit(t *testing.T, n int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, g.max), []byte(strconv.Itoa(n)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// kills gives how often the kernel killed somebody of the group for its memory.
func (g *cgroup) kills(t *testing.T) int {
	t.Helper()
	for line := range strings.Lines(g.read(t, g.events)) {
		if word, number, _ := strings.Cut(strings.TrimSpace(line), " "); word == "oom_kill" {
			n, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s does not count", g.events)
	return 0
}
