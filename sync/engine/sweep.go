package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// sweep looks at start and ever again for runs that nobody works on and for
// approvals whose time is over: what SQL says is due needs no bell.
func (e *Engine) sweep(ctx context.Context) error {
	tick := time.NewTicker(e.o.Sweep)
	defer tick.Stop()
	for {
		if err := e.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			e.o.Logger.ErrorContext(ctx, "sweep fails", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (e *Engine) sweepOnce(ctx context.Context) error {
	due, err := e.o.Store.Due(ctx)
	if err != nil {
		return fmt.Errorf("find due runs: %w", err)
	}
	for _, r := range due {
		if r.State == run.Awaiting {
			if err := e.wake(ctx, r); err != nil && ctx.Err() == nil { // it is due again
				e.o.Logger.ErrorContext(ctx, "awaiting run is left as it is", "run", r.Code, "err", err)
			}
			continue
		}
		e.ring(ctx, r.Code)
	}
	return nil
}

// keepSchedule starts a flow's runs at their times. The request id makes one
// run of a time, however many replicas keep it and however often it is asked
// for.
func (e *Engine) keepSchedule(ctx context.Context, f *Flow) error {
	k := &keeper{flow: f, from: e.o.Now()}
	for ctx.Err() == nil {
		timer := time.NewTimer(e.tick(ctx, k))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-e.retimed[f.Plan.Name]:
		}
		timer.Stop()
	}
	return nil
}

// keeper is how far one flow's schedule is kept.
type keeper struct {
	flow   *Flow
	timing run.Timing // as last read
	known  bool       // it was read
	from   time.Time  // times up to here are dealt with
}

// tick starts what is due and gives how long to wait before the next look. What
// is set is read afresh each time: another replica may have changed it.
func (e *Engine) tick(ctx context.Context, k *keeper) time.Duration {
	t, schedule, err := e.timing(ctx, k.flow)
	now := e.o.Now()
	switch {
	case err != nil && ctx.Err() == nil:
		e.o.Logger.ErrorContext(ctx, "schedule cannot be read, nothing is started", "flow", k.flow.Plan.Name, "err", err)
		return longestWait
	case err != nil:
		return longestWait
	case k.known && (t.Spec != k.timing.Spec || !t.At.Equal(k.timing.At)):
		k.from = now // a new schedule has no past
	}
	k.timing, k.known = t, true
	if schedule == nil {
		return longestWait
	}
	next := schedule.Next(k.from.In(k.flow.Zone))
	if left := next.Sub(now); next.IsZero() || left > 0 {
		return untilThen(left)
	}
	return e.fire(ctx, k, schedule, next)
}

// fire starts the run of a time that has come.
func (e *Engine) fire(ctx context.Context, k *keeper, schedule Schedule, next time.Time) time.Duration {
	now, after := e.o.Now(), schedule.Next(next)
	if err := e.startScheduled(ctx, k.flow, next, k.timing.By.Person); err != nil && ctx.Err() == nil {
		e.o.Logger.ErrorContext(ctx, "scheduled run does not start", "flow", k.flow.Plan.Name, "err", err)
		if again := now.Add(e.o.Sweep); fault.Retryable(err) && (after.IsZero() || again.Before(after)) {
			return e.o.Sweep
		}
	}
	k.from = next
	if now := e.o.Now(); !after.IsZero() && now.After(after) { // the clock was put forward: what was missed is missed
		k.from = now
	}
	return 0
}

// untilThen bounds a wait; of a time that never comes, left is negative.
func untilThen(left time.Duration) time.Duration {
	if left <= 0 {
		return longestWait
	}
	return min(left, longestWait)
}

// startScheduled starts the run of a time, unless an earlier one still waits for
// its turn: it will find the same, and runs that take longer than the schedule
// allows must not pile up. While the flow is paused the time passes. Behind is who
// set the schedule, "" when the configuration did.
func (e *Engine) startScheduled(ctx context.Context, f *Flow, at time.Time, behind string) error {
	_, on, err := e.paused(ctx, f.Plan.Name)
	if err != nil {
		return err
	}
	if on {
		e.o.Logger.WarnContext(ctx, "scheduled run is left out, the flow is paused", "flow", f.Plan.Name)
		return nil
	}
	queued, err := e.o.Store.Runs(ctx, run.Filter{Flow: f.Plan.Name, States: []run.State{run.Queued}})
	if err != nil {
		return err
	}
	id := fmt.Sprintf("schedule:%s:%d", f.Plan.Name, at.Unix())
	for i := range queued {
		if r := &queued[i]; r.Trigger == run.BySchedule && r.RequestID != id {
			e.o.Logger.WarnContext(ctx, "scheduled run is left out, an earlier one still waits", "flow", f.Plan.Name, "run", r.Code)
			return nil
		}
	}
	_, err = e.Start(ctx, run.Request{
		ID: id, Flow: f.Plan.Name, Apply: true, Trigger: run.BySchedule, By: run.Actor{Platform: run.Clock}, Behind: behind,
	})
	return err
}

// longestWait bounds the trust in a timer: it does not follow a clock that is
// put right, and stands still while a machine sleeps. It also bounds how late a
// replica learns that another one was given a new schedule.
const longestWait = time.Minute
