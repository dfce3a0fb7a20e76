package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// unsyncedVariable lets a child of the tests heed SIGUSR1, see loseSyncs.
	unsyncedVariable = "ROLLCALL_UNSYNCED"
	unsyncedMessage  = "from now on no file reaches the disk"
	unsyncedFailed   = "files reach the disk as ever: "
)

// TestP09_SQLiteFsyncFails lets the disk refuse every fsync from a moment on: while a
// run waits for votes, and in the middle of a change. What cannot be written down is
// neither acknowledged nor done; the service says what is wrong; and the next process,
// on a disk that works, goes on where the record is. What was refused stays refused,
// though its bytes are in the file.
func TestP09_SQLiteFsyncFails(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	if unsyncable != "" {
		t.Skip(unsyncable)
	}
	m := openMortal(t, kindOf(t, "sqlite"))
	m.hosts[0].env = []string{unsyncedVariable + "=1"}
	t.Run("while_awaiting", func(t *testing.T) {
		m.change(t)
		stop := m.serve(t.Context(), t, failWatch)
		defer stop()
		m.until(t, "it serves", m.whole)
		r := m.asked(t, "同步 "+flowName)
		m.quiet(t)
		before := len(m.effects())
		m.unsynced(t)
		m.saysInVain(t, "周凯", fmt.Sprintf("@点名 批准 %s 删除=%d", r.Code, r.Counts.Delete))
		m.refuses(t, "plan "+flowName)
		m.dies(t)
		if all := m.runs(t); len(all) != 1 || all[0].State != run.Awaiting || len(m.effects()) != before {
			t.Errorf("after the refusal there are %+v", all)
		}
		m.until(t, "the platform delivers the vote", func() bool { return m.chat.Again(t.Context(), stage.FeishuRoom) == nil })
		if r.Votes > 1 {
			m.say(t, "陈悦", fmt.Sprintf("@点名 批准 %s 删除=%d", r.Code, r.Counts.Delete))
		}
		m.ends(t, r, run.Succeeded)
		m.holds(t, stop)
		if slices.ContainsFunc(m.runs(t), func(one run.Run) bool { return one.By.Platform == run.DingTalk }) {
			t.Error("what its sender was told is not accepted has run")
		}
	})
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		if signal == syscall.SIGTERM && !*allFaults {
			continue
		}
		t.Run("while_applying_"+strings.ReplaceAll(signal.String(), " ", "_"), func(t *testing.T) {
			m.change(t)
			stop := m.serve(t.Context(), t, failWatch)
			defer stop()
			m.until(t, "it serves", m.whole)
			r := m.asked(t, "同步 "+flowName)
			before := len(m.effects())
			open := m.midway(t, r)
			m.unsynced(t)
			open()
			m.stuck(t, r, before)
			if signal == syscall.SIGKILL {
				m.dies(t)
			} else {
				m.hosts[0].leave(t, 1, func() {})
				m.hosts[0].launch(t.Context(), t, failWatch)
			}
			m.ends(t, r, run.Succeeded)
			m.holds(t, stop)
		})
	}
}

// unsynced lets no file of the service reach the disk any more.
func (m *mortal) unsynced(t *testing.T) {
	t.Helper()
	was, failed := m.logged(t, unsyncedMessage), m.logged(t, unsyncedFailed)
	m.hosts[0].signal(syscall.SIGUSR1)
	m.until(t, "its disk refuses", func() bool {
		if m.logged(t, unsyncedFailed) > failed {
			t.Skip("NOT RUN: no system call can be filtered here, so no disk refuses: " + logEnd(m.dir))
		}
		return m.logged(t, unsyncedMessage) > was
	})
}

// refuses sees that the service is not ready and says why, and that it does not accept
// what it hears where nothing is delivered twice.
func (m *mortal) refuses(t *testing.T, line string) {
	t.Helper()
	door := "http://" + m.listens(t) + "/readyz"
	m.until(t, "it is not ready", func() bool { return get(t, door) == http.StatusServiceUnavailable })
	m.until(t, "it says that its disk fails", func() bool {
		return m.logged(t, `"msg":"not ready"`) > 0 && m.logged(t, "its disk reports an error") > 0
	})
	refused := func() (n int) {
		posts, _ := m.chat.From(0)
		for _, p := range posts {
			if p.Room == stage.DingRoom && strings.Contains(p.Text, "没有收下，请重发") {
				n++
			}
		}
		return n
	}
	was := refused()
	if err := m.chat.Say(t.Context(), stage.DingRoom, "李敏", "@点名 "+line); err != nil {
		t.Fatal(err)
	}
	m.until(t, "the sender is told that it was not accepted", func() bool { return refused() > was })
}

// saysInVain lets a person say a line in the Feishu room that is refused. The platform would
// bring it again and again.
func (m *mortal) saysInVain(t *testing.T, who, line string) {
	t.Helper()
	const refusal = `"msg":"message not claimed"`
	was, said := m.logged(t, refusal), make(chan error, 1)
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	go func() { said <- m.chat.Say(ctx, stage.FeishuRoom, who, line) }()
	m.until(t, "it is refused", func() bool { return m.logged(t, refusal) > was })
	enough()
	if err := <-said; err == nil {
		t.Errorf("%q is acknowledged, and is on no disk", line)
	}
}

// stuck sees that a run whose second change was under way when the disk failed makes
// no third: that one cannot be noted.
func (m *mortal) stuck(t *testing.T, r run.Run, before int) {
	t.Helper()
	const left = "run is left to another worker"
	was := m.logged(t, left)
	m.until(t, "the second change is made", func() bool { return len(m.effects()) == before+2 })
	m.until(t, "it tries to go on", func() bool { return m.logged(t, left) > was+3 })
	m.refuses(t, "whoami")
	if n := len(m.effects()) - before; n != 2 {
		t.Errorf("%d changes are made, two were noted", n)
	}
	steps := map[run.Step]int{}
	entries, err := m.store.Entries(t.Context(), r.Code)
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		steps[entries[i].Step]++
	}
	if steps[run.StepDone] != 1 || steps[run.StepSending] != 1 {
		t.Errorf("by the record the changes are %v, want one done and one under way", steps)
	}
}

// dies kills the service, and waits for the next, which finds the record as a host does
// that was started again: nobody else has it open meanwhile.
func (m *mortal) dies(t *testing.T) {
	t.Helper()
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	dead, _ := m.hosts[0].present()
	m.hosts[0].signal(syscall.SIGKILL)
	m.until(t, "the next serves", func() bool {
		child, serves := m.hosts[0].present()
		return child != dead && closed(serves)
	})
	var err error
	if m.store, err = store.Open(t.Context(), store.Options{Dir: filepath.Join(m.dir, "data"), Now: time.Now}); err != nil {
		t.Fatal(err)
	}
}
