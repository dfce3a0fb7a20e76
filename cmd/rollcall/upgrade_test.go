package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rollcallhq/rollcall/sync/run"
)

// otherVersion is what the next binary says that it is. It is as long as what this one
// says: the bytes take its place.
func otherVersion() string { return "v9" + version()[2:] }

// install puts a binary in a place, of this version or the next, as a package manager
// does: under another name, then renamed, so that who runs the old one goes on with it.
func (m *mortal) install(t *testing.T, place string, next bool) {
	t.Helper()
	data, err := os.ReadFile(m.exe)
	if err != nil {
		t.Fatal(err)
	}
	if next {
		const module = "mod\tgithub.com/rollcallhq/rollcall\t"
		mine := []byte(module + version())
		if bytes.Count(data, mine) == 0 {
			t.Fatalf("the binary does not say that it is %s", version())
		}
		data = bytes.ReplaceAll(data, mine, []byte(module+otherVersion()))
	}
	// A child that is being started meanwhile would hold the file open, and it could
	// not be run.
	syscall.ForkLock.RLock()
	err = errors.Join(os.MkdirAll(filepath.Dir(place), 0o700), os.WriteFile(place+".new", data, 0o700), os.Rename(place+".new", place))
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
}

// versions gives how often a process of this version and of the next has served.
func (m *mortal) versions(t *testing.T) (old, next int) {
	t.Helper()
	return m.logged(t, `"version":"`+version()+`"`), m.logged(t, `"version":"`+otherVersion()+`"`)
}

// spoil puts half of a binary in a place.
func (m *mortal) spoil(t *testing.T, place string) {
	t.Helper()
	if err := errors.Join(os.WriteFile(place+".new", []byte("\x7fELF"), 0o700), os.Rename(place+".new", place)); err != nil {
		t.Fatal(err)
	}
}

// TestP12_UpgradedInTheMiddle puts a binary of another version in the place of the one
// that runs, once by way of half a binary. The old process plans, with rules' processes
// of its own version; it is ended while the run waits for votes or applies, and the next
// version goes on with the same plan.
func TestP12_UpgradedInTheMiddle(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	m := openMortal(t, kindOf(t, "sqlite"))
	m.hosts[0].exe = filepath.Join(m.dir, "bin", "rollcall")
	for _, applying := range []bool{false, true} {
		t.Run(map[bool]string{false: "while_awaiting", true: "while_applying"}[applying], func(t *testing.T) {
			m.install(t, m.hosts[0].exe, false)
			m.change(t)
			stop := m.serve(t.Context(), t, failWatch)
			defer stop()
			m.until(t, "it serves", m.whole)
			m.spoil(t, m.hosts[0].exe)
			old, next := m.versions(t)
			r := m.asked(t, "同步 "+flowName)
			m.install(t, m.hosts[0].exe, true)
			if applying {
				open := m.midway(t, r)
				m.hosts[0].leave(t, 1, open)
				m.hosts[0].launch(t.Context(), t, failWatch)
			} else {
				m.hosts[0].leave(t, 1, func() {})
				m.hosts[0].launch(t.Context(), t, failWatch)
				m.until(t, "it serves again", m.whole)
				m.approve(t, r)
			}
			m.ends(t, r, run.Succeeded)
			m.holds(t, stop)
			if nowOld, nowNext := m.versions(t); nowOld != old || nowNext != next+1 {
				t.Errorf("%d and %d processes of the two versions have served, want %d and %d", nowOld, nowNext, old, next+1)
			}
		})
	}
}

// TestP12_RollingUpgrade brings two replicas to another version one after the other
// while a run applies: for a while both versions serve, the old one or the new one goes
// on with the plan, and a run that one of them planned is voted on at both.
func TestP12_RollingUpgrade(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	m := openMortal(t, kindOf(t, "replicas"))
	m.change(t)
	stop := m.serve(t.Context(), t, failWatch)
	defer stop()
	m.until(t, "both serve", m.whole)
	upgraded := filepath.Join(m.dir, "bin", "rollcall")
	m.install(t, upgraded, true)
	r := m.asked(t, "同步 "+flowName)
	open := m.midway(t, r)
	worker := m.worker(t)
	if worker == nil {
		t.Fatal("nobody is at work")
	}
	upgrade := func(h *host, meanwhile func()) {
		h.leave(t, 1, meanwhile)
		h.exe = upgraded
		h.launch(t.Context(), t, failWatch)
		m.until(t, "both serve", m.whole)
	}
	upgrade(worker, open) // the run is left to the old one, or to the new
	m.ends(t, r, run.Succeeded)
	m.change(t)
	mixed := m.asked(t, "同步 "+flowName) // both versions serve
	open = m.midway(t, mixed)
	for _, h := range m.hosts {
		if h != worker {
			upgrade(h, open)
		}
	}
	m.ends(t, mixed, run.Succeeded)
	m.holds(t, stop)
	if old, next := m.versions(t); old != 2 || next != 2 {
		t.Errorf("%d and %d processes of the two versions have served, want two of each", old, next)
	}
}
