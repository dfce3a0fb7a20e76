package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestP05_WholeServicesRestartAroundATime restarts two replicas one after the other
// while the time of a schedule comes, by their clocks: it is run once, whoever is away
// at that moment. make test lets the second be away, which leaves the time to the one
// that has just begun.
func TestP05_WholeServicesRestartAroundATime(t *testing.T) {
	t.Parallel()
	r := openReplicas(t, 2, pgtest.Start(t))
	for _, s := range r.all {
		s.end()
		text, err := os.ReadFile(s.config)
		if err != nil {
			t.Fatal(err)
		}
		timed := strings.Replace(string(text), "    leavers:", "    schedule: \"*/10 * * * *\"\n    leavers:", 1)
		if err := os.WriteFile(s.config, []byte(timed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, second := r.all[0], r.all[1]
	phases := []struct {
		name string
		do   func(c *comes)
	}{
		{"the second is away", func(c *comes) {
			c.restart(first)
			c.seen()
			second.end()
			c.await()
			second.start(t)
		}},
		{"the first is away", func(c *comes) {
			first.end()
			c.await()
			first.start(t)
			c.restart(second)
		}},
		{"nobody is away", func(c *comes) {
			c.restart(first)
			c.await()
			c.seen()
			c.restart(second)
		}},
	}
	if !*allFaults {
		phases = phases[:1]
	}
	for n, p := range phases {
		c := &comes{t: t, replicas: r}
		c.set()
		p.do(c)
		c.once(p.name, n+1)
	}
}

// comes is a time that comes while replicas are restarted.
type comes struct {
	*replicas
	t  *testing.T
	at time.Time
}

// set starts both replicas so long before the next time that one can be restarted.
func (c *comes) set() {
	const before = 3 * time.Second
	for _, s := range c.all {
		s.end()
	}
	now := c.all[0].clock.Now()
	c.at = now.Truncate(10 * time.Minute).Add(10 * time.Minute) // of whole hours, as all zones of the stage are
	for _, s := range c.all {
		s.clock.forward(c.at.Add(-before).Sub(now))
		s.start(c.t)
	}
}

func (c *comes) restart(s *service) {
	s.end()
	s.start(c.t)
}

// passed tells whether the time is over.
func (c *comes) passed() bool { return !c.all[0].clock.Now().Before(c.at) }

func (c *comes) await() { until(c.t, "the time comes", c.passed) }

// started gives the runs of the time.
func (c *comes) started() (mine, all int) {
	for _, one := range c.all[0].runs(c.t) {
		if one.Trigger != run.BySchedule {
			continue
		}
		all++
		if one.RequestID == fmt.Sprintf("schedule:%s:%d", flowName, c.at.Unix()) && one.State != run.Queued {
			mine++
		}
	}
	return mine, all
}

// seen waits for the run of a time that is over already: a slow machine has let it pass
// while both served, and who was to run it must not be stopped in the middle.
func (c *comes) seen() {
	if c.passed() {
		until(c.t, "the time is run", func() bool { mine, _ := c.started(); return mine > 0 })
	}
}

// once sees that the time is run once, and no other.
func (c *comes) once(name string, times int) {
	c.t.Helper()
	until(c.t, name+": the time is run", func() bool { mine, _ := c.started(); return mine > 0 })
	c.all[0].awaitRun(c.t, name+": its run is planned", func(one run.Run) bool { return one.State == run.Awaiting || one.State.Ended() })
	if mine, all := c.started(); mine != 1 || all != times {
		c.t.Errorf("%s: %d runs of the time, %d of all times, want %d", name, mine, all, times)
	}
	done := c.all[0].effects()
	slices.Sort(done)
	if twice := len(done) - len(slices.Compact(slices.Clone(done))); twice > 0 || strings.Contains(strings.Join(done, "\n"), "delete") {
		c.t.Errorf("%s: without a vote this was done: %v", name, done)
	}
}
