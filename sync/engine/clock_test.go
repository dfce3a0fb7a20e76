package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// watch is a clock that may be set wrong while it runs.
type watch struct{ ahead atomic.Int64 }

func (c *watch) Now() time.Time      { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *watch) set(d time.Duration) { c.ahead.Store(int64(d)) }

// replica serves another process on the record with a clock of its own. The clock of
// the record, which both know, is right.
func (w *world) replica(owner string, c *watch) (*engine.Engine, func()) {
	w.t.Helper()
	st, err := store.Open(w.t.Context(), store.Options{Dir: w.dir, Now: c.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	record, now := w.record, w.now
	w.record, w.now = st, c.Now
	e, stop := w.serve(owner)
	w.record, w.now = record, now
	return e, func() {
		stop()
		if err := st.Close(); err != nil {
			w.t.Errorf("close: %v", err)
		}
	}
}

// shared lets all replicas judge approvals by the record's time, as they do on
// PostgreSQL.
func shared(w *world) {
	w.time = func(context.Context) (time.Time, error) { return time.Now(), nil }
}

// everyTen times the flow at each full ten minutes. Bubbles begin at midnight.
func everyTen(w *world) {
	timed(w)
	shared(w)
	w.sweep = 5 * time.Second
	w.flow.Spec = "*/10 * * * *"
	w.flow.Schedule, _ = w.parse(w.flow.Spec)
}

// onceEach sees that there is one run of each of n times.
func (w *world) onceEach(n int) {
	w.t.Helper()
	all := w.scheduled()
	ids := map[string]bool{}
	for i := range all {
		ids[all[i].RequestID] = true
		w.until(all[i].Code)
	}
	if len(all) != n || len(ids) != n {
		w.t.Errorf("%d runs of %d times, want %d", len(all), len(ids), n)
	}
	w.noTwice()
}

// TestP05_ScheduleFiresOnceWhileReplicasAreApart: seconds of a loaded machine, or the
// minutes of a wrong clock.
func TestP05_ScheduleFiresOnceWhileReplicasAreApart(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"4 s late": -4 * time.Second, "4 s early": 4 * time.Second, "5 minutes late": -5 * time.Minute, "5 minutes early": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 2, everyTen, func(w *world) {
				c := &watch{}
				c.set(ahead)
				_, stop := w.replica("other", c)
				defer stop()
				<-time.After(66 * time.Minute)
				times := 7 // midnight is yet to come for one that is late
				if ahead == 4*time.Second {
					times = 6
				} // of five minutes, the seventh is past
				w.onceEach(times)
			})
		})
	}
}

// TestP05_ScheduleOutlivesTheReplicaThatDies: one dies right after it has made the run
// of a time, and the other does the work; one dies right before, and the other makes it.
func TestP05_ScheduleOutlivesTheReplicaThatDies(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"between the claim and the run": false, "before the claim": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 2, everyTen, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				<-time.After(time.Minute)
				w.stop()
				dead := make(chan struct{})
				w.record = &dying{Store: w.store, before: before, dead: dead}
				w.engine, w.stop = w.serve("dies")
				late := &watch{}
				late.set(-4 * time.Second)
				w.record = w.store
				_, stop := w.replica("other", late)
				defer stop()
				<-dead
				w.stop()
				w.stop = func() {}
				<-time.After(2 * time.Minute)
				w.onceEach(1)
				if all := w.scheduled(); len(all) == 1 && all[0].State != run.NothingToDo {
					w.t.Errorf("it is %s", all[0].State)
				}
			})
		})
	}
}

// dying is the record of a process that dies at its first run: right before it is
// stored, or right after.
type dying struct {
	*store.Store
	before bool
	dead   chan struct{}
}

func (d *dying) CreateRun(ctx context.Context, r run.Run, of ...run.Hint) (run.Run, bool, error) {
	if !d.before {
		if _, _, err := d.Store.CreateRun(ctx, r, of...); err != nil {
			return r, false, err
		}
	}
	close(d.dead)
	<-ctx.Done()
	return run.Run{}, false, fault.Wrap(fault.Unavailable, ctx.Err(), "dead / 已退出")
}

// TestP05_ScheduleSurvivesARollingRestart: two replicas are restarted one after the
// other around a time, at every second that matters.
func TestP05_ScheduleSurvivesARollingRestart(t *testing.T) {
	t.Parallel()
	for _, begin := range []time.Duration{-40 * time.Second, -21 * time.Second, -20 * time.Second, -11 * time.Second, -10 * time.Second, -time.Second, 0, time.Second} {
		t.Run(begin.String(), func(t *testing.T) {
			t.Parallel()
			story(t, 2, everyTen, func(w *world) {
				c := &watch{}
				_, stop := w.replica("b", c)
				const pause = 10 * time.Second
				<-time.After(10*time.Minute + begin)
				w.stop() // the first is gone for a while
				<-time.After(pause)
				w.open()
				<-time.After(pause)
				stop() // then the second
				<-time.After(pause)
				_, stop = w.replica("b", c)
				defer func() { stop() }()
				<-time.After(5 * time.Minute)
				w.onceEach(1)
				<-time.After(6 * time.Minute)
				w.onceEach(2)
			})
		})
	}
}

// TestP10_ScheduleFiresOnceThoughAClockJumps: forth or back by an hour, of one of two
// replicas, which is restarted or not. No time is run twice, and none is left out
// without a run of its minute.
func TestP10_ScheduleFiresOnceThoughAClockJumps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		jump    time.Duration
		restart bool
	}{
		"forth": {time.Hour, false}, "back": {-time.Hour, false}, "forth and restarted": {time.Hour, true}, "back and restarted": {-time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 2, everyTen, func(w *world) {
				midnight, wrong := time.Now().UTC(), &watch{}
				_, stop := w.replica("other", wrong)
				defer func() { stop() }()
				<-time.After(25 * time.Minute) // past 00:10 and 00:20
				wrong.set(c.jump)
				if c.restart { // what it knew of the times that are dealt with is gone
					stop()
					_, stop = w.replica("other", wrong)
				}
				<-time.After(10 * time.Minute)
				wrong.set(0)
				<-time.After(31 * time.Minute)
				ids := map[string]bool{}
				for _, r := range w.scheduled() {
					w.until(r.Code)
					if ids[r.RequestID] {
						w.t.Errorf("twice: %s", r.RequestID)
					}
					ids[r.RequestID] = true
				}
				ran := func(at time.Time) bool { return ids[fmt.Sprintf("schedule:%s:%d", flowName, at.Unix())] }
				for i := 1; i <= 6; i++ {
					at := midnight.Add(time.Duration(i) * 10 * time.Minute)
					// At the same moment the other may have made the run of its hour, which waits
					// for its turn and stands for this one.
					if !ran(at) && (!c.restart || !ran(at.Add(c.jump))) {
						w.t.Errorf("nothing is run at %s: %v", at.Format("15:04"), ids)
					}
				}
				w.noTwice()
			})
		})
	}
}

// TestP10_AVoteIsJudgedByTheRecordsTime: an approval ends when the record's clock says
// so, at each door, however wrong the clock there is, and may be given until then.
func TestP10_AVoteIsJudgedByTheRecordsTime(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"an hour late": -time.Hour, "5 minutes late": -5 * time.Minute, "5 minutes early": 5 * time.Minute, "an hour early": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, func(w *world) { rarely(w); shared(w) }, func(w *world) {
				c := &watch{}
				other, stop := w.replica("other", c)
				defer stop()
				in := w.leave(1)
				c.set(ahead) // it jumps while the approval is open
				<-time.After(8*time.Hour - time.Second)
				if w.state(in.Code).State != run.Awaiting {
					w.t.Fatalf("%s before its end", w.state(in.Code).State)
				}
				if _, err := other.Decide(w.t.Context(), ballot(in, by("周凯", ""), 1)); err != nil {
					w.t.Errorf("a vote in time: %v", err)
				}
				w.want(w.until(in.Code), run.Succeeded)
				late := w.leave(2)
				<-time.After(8 * time.Hour)
				if _, err := other.Decide(w.t.Context(), ballot(late, by("周凯", ""), 1)); fault.KindOf(err) != fault.Stale {
					w.t.Errorf("a vote too late: %v", err)
				}
				w.want(w.state(late.Code), run.Expired)
			})
		})
	}
}
