package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// dieAt lets the process end in the middle of the n-th call, after its effect,
// and gives the run.
func (w *world) dieAt(n int) run.Run {
	w.t.Helper()
	dead := make(chan struct{})
	w.target.mu.Lock()
	w.target.after = func(connector.Write) error {
		if n--; n == 0 {
			close(dead)
			<-time.After(time.Second) // Apply gives ctx's error then
		}
		return nil
	}
	w.target.mu.Unlock()
	r := w.start(true)
	<-dead
	w.stop()
	w.target.after = nil
	return r
}

// unsettled gives the entries of a run whose fate nobody has found out.
func (w *world) unsettled(code run.Code) []run.Entry {
	w.t.Helper()
	entries, err := w.store.Entries(w.t.Context(), code)
	if err != nil {
		w.t.Fatal(err)
	}
	var open []run.Entry
	for _, e := range entries {
		if e.Step == run.StepSending {
			open = append(open, e)
		}
	}
	return open
}

func (w *world) link(source string) bool {
	w.t.Helper()
	links, err := w.store.Links(w.t.Context(), "hr-to-corp")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range links {
		if string(l.Source.ID) == source && l.Live() {
			return true
		}
	}
	return false
}

func TestAQueuedRunWaitsForTheLeaseInPeace(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	story(t, 3, func(w *world) {
		w.record = &faulty{Store: w.store, acquire: func() error {
			asked.Add(1)
			<-time.After(time.Millisecond)
			return nil
		}}
		w.target.before = func(connector.Write) error {
			<-time.After(2 * time.Second)
			return nil
		}
	}, func(w *world) {
		first := w.start(true)
		<-time.After(time.Second)
		second := w.start(true)
		w.want(w.until(first.Code), run.Succeeded)
		w.want(w.until(second.Code), run.NothingToDo)
		if n := asked.Load(); n > 20 {
			w.t.Errorf("the lease was asked for %d times", n)
		}
	})
}

func TestAFullDiskIsNoReasonToSpin(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	story(t, 3, func(w *world) {
		w.record = &faulty{Store: w.store, acquire: func() error {
			<-time.After(time.Millisecond)
			if asked.Add(1); asked.Load() < 500 {
				return fault.New(fault.Unavailable, "disk full / 磁盘已满")
			}
			return nil
		}}
	}, func(w *world) {
		w.start(true)
		<-time.After(time.Minute)
		if n := asked.Load(); n > 30 {
			w.t.Errorf("the lease was asked for %d times in a minute", n)
		}
	})
}

func TestASecondRingDoesNotHarmARunThatAwaitsVotes(t *testing.T) {
	t.Parallel()
	var late atomic.Bool
	var gate chan struct{}
	story(t, 10, func(w *world) {
		rarely(w)
		gate = make(chan struct{})
		w.record = &faulty{Store: w.store, acquire: func() error {
			if late.CompareAndSwap(true, false) {
				<-gate
			}
			return nil
		}}
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		late.Store(true)
		r := w.start(true) // this ring's worker is slow to ask for the lease
		synctest.Wait()
		_ = w.bell.Ring(w.t.Context(), string(r.Code))
		w.want(w.until(r.Code), run.Awaiting)
		close(gate)
		synctest.Wait()
		if r = w.until(r.Code); r.State != run.Awaiting {
			w.t.Errorf("run is %s: %s", r.State, r.Reason)
		}
	})
}

func TestACancelledRunLeavesNoCallUnsettled(t *testing.T) {
	t.Parallel()
	story(t, 5, nil, func(w *world) {
		r := w.dieAt(4)
		if len(w.unsettled(r.Code)) != 1 {
			w.t.Fatal("no call was cut off")
		}
		if _, err := w.engine.Stop(w.t.Context(), r.Code, run.Actor{Person: "李敏"}, ""); err != nil {
			w.t.Fatal(err)
		}
		w.open()
		r = w.want(w.until(r.Code), run.Cancelled)
		if open := w.unsettled(r.Code); len(open) != 0 || r.Outcome.Done != 4 || !w.link("0002") || len(w.target.done()) != 4 {
			w.t.Errorf("open %v, outcome %+v, effects %v", open, r.Outcome, w.target.done())
		}
	})
}

func TestP12_ANewConfigurationLeavesNoCallUnsettled(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]bool{"after the effect": true, "before the effect": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 5, nil, func(w *world) {
				r := w.dieAt(4)
				done := 4
				if !effect {
					w.target.drop(directory.User, "0002")
					done = 3
				}
				w.flow.Config = "config-2"
				w.open()
				r = w.want(w.until(r.Code), run.Failed)
				if open := w.unsettled(r.Code); len(open) != 0 || r.Outcome.Done != done || w.link("0002") != effect || len(w.target.done()) != 4 {
					w.t.Errorf("open %v, outcome %+v, effects %v", open, r.Outcome, w.target.done())
				}
			})
		})
	}
}

func TestARecordThatFailsForAMomentLosesNothing(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		n := 0
		w.record = &faulty{Store: w.store, mark: func(entries []run.Entry) error {
			if len(entries) == 1 && entries[0].Step == run.StepDone {
				if n++; n == 4 {
					return fault.New(fault.Unavailable, "disk full / 磁盘已满")
				}
			}
			return nil
		}}
	}, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Succeeded)
		if r.Outcome.Done != 7 || len(w.target.done()) != 7 {
			w.t.Errorf("outcome %+v, effects %v", r.Outcome, w.target.done())
		}
		w.want(w.until(w.start(true).Code), run.NothingToDo)
	})
}

func TestNobodyPlansOnACallThatIsNotSettled(t *testing.T) {
	t.Parallel()
	story(t, 5, nil, func(w *world) {
		first := w.dieAt(1)
		second := w.start(true)
		w.target.before = nil
		w.rung = []string{string(second.Code)} // the newer one is rung for first
		w.open()
		w.want(w.until(second.Code), run.NothingToDo)
		w.want(w.until(first.Code), run.Succeeded)
		if n := len(w.target.done()); n != 7 {
			w.t.Errorf("%d effects: %v", n, w.target.done())
		}
	})
}

func TestAStaleFaultOfASystemEndsTheRun(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) { w.source.fail = fault.New(fault.Stale, "the file changed / 文件有变化") }, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Failed)
		if r.Reason != "the file changed / 文件有变化" {
			w.t.Errorf("reason %q", r.Reason)
		}
	})
}

func TestP14_APanicEndsTheRunAndNotTheProcess(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		n := 0
		w.flow.Target = &odd{place: w.target, apply: func(ctx context.Context, wr connector.Write) (directory.Key, error) {
			if n++; n == 3 {
				panic("index out of range")
			}
			return w.target.Apply(ctx, wr)
		}}
	}, func(w *world) {
		r := w.want(w.until(w.start(true).Code), run.Failed)
		if r.Outcome.Done != 2 || r.Outcome.InDoubt != 1 || len(w.unsettled(r.Code)) != 0 {
			w.t.Errorf("outcome %+v", r.Outcome)
		}
		if strings.Contains(r.Reason, "index") {
			w.t.Errorf("reason %q", r.Reason)
		}
		w.want(w.until(w.start(true).Code), run.Succeeded)
	})
}

func TestAnAnswerThatCameIsKeptThoughTheProcessStops(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		n := 0
		w.flow.Target = &odd{place: w.target, apply: func(_ context.Context, wr connector.Write) (directory.Key, error) {
			key, err := w.target.Apply(context.Background(), wr)
			if n++; n == 3 {
				<-time.After(2 * time.Second)
			}
			return key, err
		}}
	}, func(w *world) {
		r := w.start(true)
		<-time.After(time.Second)
		w.stop()
		if open := w.unsettled(r.Code); len(open) != 0 {
			w.t.Errorf("open %v", open)
		}
		w.open()
		w.want(w.until(r.Code), run.Succeeded)
	})
}

func TestACallEndsAtItsTimeCountedFromTheJournal(t *testing.T) {
	t.Parallel()
	var longest time.Duration
	story(t, 1, func(w *world) {
		w.record = &faulty{Store: w.store, mark: func(entries []run.Entry) error {
			if len(entries) == 1 && entries[0].Step == run.StepSending {
				<-time.After(3 * time.Second) // the disk is slow
			}
			return nil
		}}
		w.flow.Target = &odd{place: w.target, apply: func(ctx context.Context, wr connector.Write) (directory.Key, error) {
			if until, ok := ctx.Deadline(); ok {
				longest = max(longest, time.Until(until))
			}
			return w.target.Apply(ctx, wr)
		}}
	}, func(w *world) {
		w.want(w.until(w.start(true).Code), run.Succeeded)
		if longest > 2*time.Second || longest == 0 {
			w.t.Errorf("a call may take %v more, the next owner counts 5s from the mark", longest)
		}
	})
}

func TestACodeThatIsTakenIsDrawnAgain(t *testing.T) {
	t.Parallel()
	story(t, 1, func(w *world) {
		codes := []run.Code{"AAAAAA", "AAAAAA", "BBBBBB"}
		w.code = func() (run.Code, error) {
			c := codes[0]
			codes = codes[1:]
			return c, nil
		}
	}, func(w *world) {
		w.start(false)
		if r := w.start(false); r.Code != "BBBBBB" {
			w.t.Errorf("code %s", r.Code)
		}
	})
}

func TestAScheduledRunIsAskedForAgain(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) {
		w.flow.Schedule, w.sweep = every(time.Hour), time.Minute
		n := 0
		w.record = &faulty{Store: w.store, create: func() error {
			if n++; n < 3 {
				return fault.New(fault.Unavailable, "locked / 数据库被占用")
			}
			return nil
		}}
	}, func(w *world) {
		<-time.After(70 * time.Minute)
		runs, err := w.store.Runs(w.t.Context(), run.Filter{})
		if err != nil || len(runs) != 1 {
			w.t.Errorf("%d runs, %v", len(runs), err)
		}
	})
}

func TestP14_APanicWhileReadingEndsTheRunAlone(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		w.flow.Source = &odd{place: w.source, read: func() { panic("index out of range") }}
	}, func(w *world) {
		if r := w.want(w.until(w.start(true).Code), run.Failed); r.Fault != fault.Internal {
			w.t.Errorf("fault %s", r.Fault)
		}
	})
}

func TestScheduledRunsDoNotPileUp(t *testing.T) {
	t.Parallel()
	story(t, 1, func(w *world) {
		w.flow.Schedule, w.sweep = every(10*time.Minute), time.Minute
		w.target.before = func(connector.Write) error {
			<-time.After(time.Hour)
			return nil
		}
	}, func(w *world) {
		w.start(true)
		<-time.After(55 * time.Minute)
		queued, err := w.store.Runs(w.t.Context(), run.Filter{States: []run.State{run.Queued}})
		if err != nil || len(queued) != 1 {
			w.t.Errorf("%d runs wait, %v", len(queued), err)
		}
	})
}

// taken is a record in which somebody else took more accounts away.
type taken struct {
	engine.Store
	others int
}

func (s *taken) Recent(ctx context.Context, flow string, since time.Time) (int, error) {
	n, err := s.Store.Recent(ctx, flow, since)
	return n + s.others, err
}

// TestWhatARunTookAwayBeforeItsWorkerDied sees that a run's own deeds are no
// reason for its next worker to stop, and hide nothing that others did.
func TestWhatARunTookAwayBeforeItsWorkerDied(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		others, active int
		state          run.State
	}{{0, 0, run.Succeeded}, {1, 2, run.Failed}} {
		story(t, 30, nil, func(w *world) {
			record := &taken{Store: w.store}
			dead, n := make(chan struct{}), 0
			r := w.leave(4)
			w.target.mu.Lock()
			w.target.after = func(connector.Write) error {
				if n++; n == 2 {
					close(dead)
					<-time.After(time.Second)
				}
				return nil
			}
			w.target.mu.Unlock()
			w.cast(ballot(r, by("周凯", ""), 4), "")
			<-dead
			w.stop()
			w.target.after = nil
			if w.record, record.others = record, c.others; len(w.unsettled(r.Code)) != 1 {
				w.t.Fatal("nothing was under way")
			}
			w.open()
			r = w.want(w.until(r.Code), c.state)
			active := 0
			for i := 1; i <= 4; i++ {
				if w.target.active(fmt.Sprintf("%04d", i)) {
					active++
				}
			}
			if active != c.active {
				w.t.Errorf("%d of 4 are left: %s", active, r.Reason)
			}
		})
	}
}
