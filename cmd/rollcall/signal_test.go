package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// gated stops the target before its nth write from now on, until open is called.
func (m *mortal) gated(t *testing.T, n int32) (reached <-chan struct{}, open func()) {
	t.Helper()
	return gatedAt(t, m.stage.WeCom, n)
}

// midway approves a run and waits until it has made one of its writes and is at the
// second, which open lets through.
func (m *mortal) midway(t *testing.T, r run.Run) (open func()) {
	t.Helper()
	reached, open := m.gated(t, 2)
	m.approve(t, r)
	m.await(t, "the second write", reached)
	return open
}

// await waits for something that must come.
func (m *mortal) await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	m.until(t, what, func() bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	})
}

// holds sees that all is said and done, and that every invariant holds.
func (m *mortal) holds(t *testing.T, stop func()) {
	t.Helper()
	m.settledPlan(t)
	m.quiet(t)
	stop()
	for _, b := range m.world(t.Context(), t).broken() {
		t.Error(b)
	}
	if m.wrong != nil {
		t.Error(m.wrong)
	}
	if t.Failed() {
		t.Logf("the service's log ends:\n%s", logEnd(m.dir))
	}
}

// TestP03_Terminated sends a replica SIGTERM: while it applies, twice, and while it
// waits for approval. It ends with 0 within ten seconds, and another goes on.
func TestP03_Terminated(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	m := openMortal(t, kindOf(t, "replicas"))
	for n, name := range []string{"while_applying", "twice"} {
		t.Run(name, func(t *testing.T) {
			m.change(t)
			stop := m.serve(t.Context(), t, failWatch)
			defer stop()
			m.until(t, "both serve", m.whole)
			r := m.asked(t, "同步 "+flowName)
			open := m.midway(t, r)
			worker := m.worker(t)
			if worker == nil {
				t.Fatal("nobody is at work")
			}
			worker.leave(t, n+1, open)
			m.ends(t, r, run.Succeeded)
			m.holds(t, stop)
		})
	}
	t.Run("while_awaiting", func(t *testing.T) {
		m.change(t)
		stop := m.serve(t.Context(), t, failWatch)
		defer stop()
		m.until(t, "both serve", m.whole)
		r := m.asked(t, "同步 "+flowName)
		for _, h := range m.hosts {
			h.leave(t, 1, func() {})
		}
		all := m.runs(t)
		if all[0].State != run.Awaiting || all[0].Code != r.Code {
			t.Errorf("%s is %s", all[0].Code, all[0].State)
		}
		for _, h := range m.hosts {
			h.launch(t.Context(), t, failWatch)
		}
		m.until(t, "both serve again", m.whole)
		m.approve(t, r)
		m.ends(t, r, run.Succeeded)
		m.holds(t, stop)
	})
}

// still tells whether a replica stands still.
func (h *host) still(t *testing.T) bool {
	t.Helper()
	child, _ := h.present()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(rest, "T")
}

// logged tells how often the replicas logged a text.
func (m *mortal) logged(t *testing.T, text string) int {
	t.Helper()
	all, err := os.ReadFile(filepath.Join(m.dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(all), text)
}

// TestP04_FrozenLongerThanItsLease lets the replica at work stand still (SIGSTOP)
// for longer than its lease: between the noting of a call and the call itself, where
// nothing but its own clock can stop it, and while a call is under way. The other
// goes on and ends the run; when the first wakes, it sends nothing more.
func TestP04_FrozenLongerThanItsLease(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("NOT RUN: there is no /proc here")
	}
	m := openMortal(t, kindOf(t, "replicas"))
	t.Run("before_a_call", func(t *testing.T) {
		m.change(t)
		m.deaths, m.wrong, m.spared = 0, nil, false
		zombie, heir := m.hosts[0], m.hosts[1]
		zombie.launch(t.Context(), t, "intent:after:3:stop")
		stop := m.stopper()
		defer stop()
		r := m.asked(t, "同步 "+flowName)
		m.approve(t, r)
		m.until(t, "it stands still", func() bool { return zombie.still(t) })
		heir.launch(t.Context(), t, failWatch)
		m.wakesInVain(t, zombie, r)
		m.holds(t, stop)
	})
	t.Run("in_a_call", func(t *testing.T) {
		m.change(t)
		stop := m.serve(t.Context(), t, failWatch)
		defer stop()
		m.until(t, "both serve", m.whole)
		r := m.asked(t, "同步 "+flowName)
		frozen := make(chan *host, 1)
		m.stage.WeCom.OnEffect(func(wecomsim.Effect) { // done; nobody has the answer yet
			if zombie := m.worker(t); zombie != nil {
				m.stage.WeCom.OnEffect(nil)
				zombie.signal(syscall.SIGSTOP)
				frozen <- zombie
			}
		})
		m.approve(t, r)
		var zombie *host
		m.until(t, "it stands still", func() bool {
			select {
			case zombie = <-frozen:
			default:
			}
			return zombie != nil && zombie.still(t)
		})
		m.wakesInVain(t, zombie, r)
		m.holds(t, stop)
	})
}

// wakesInVain waits until another has ended the run, wakes who stood still, and sees
// that it finds out and calls nobody.
func (m *mortal) wakesInVain(t *testing.T, zombie *host, r run.Run) {
	t.Helper()
	m.ends(t, r, run.Succeeded)
	const finds = "run is left to another worker"
	did, found, calls := len(m.effects()), m.logged(t, finds), m.stage.WeCom.Calls()
	woken := time.Now()
	zombie.signal(syscall.SIGCONT)
	m.until(t, "it finds out that it was followed", func() bool { return m.logged(t, finds) > found })
	t.Logf("%s found out in %v", zombie.name, time.Since(woken).Round(time.Millisecond))
	if now := len(m.effects()); now != did {
		t.Errorf("%d writes after it woke", now-did)
	}
	now := m.stage.WeCom.Calls()
	for _, path := range []string{"user/create", "user/update", "user/delete", "department/create", "department/update", "department/delete"} {
		if now[path] != calls[path] {
			t.Errorf("%d calls of %s after it woke", now[path]-calls[path], path)
		}
	}
}
