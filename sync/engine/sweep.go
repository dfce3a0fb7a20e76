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
	next := f.Schedule.Next(e.o.Now().In(f.Zone))
	for !next.IsZero() {
		if err := e.waitUntil(ctx, next); err != nil {
			return nil //nolint:nilerr // ctx ended
		}
		err := e.startScheduled(ctx, f, next)
		after := f.Schedule.Next(next)
		if err != nil && ctx.Err() == nil {
			e.o.Logger.ErrorContext(ctx, "scheduled run does not start", "flow", f.Plan.Name, "err", err)
			again := e.o.Now().Add(e.o.Sweep)
			if fault.Retryable(err) && (after.IsZero() || again.Before(after)) && e.waitUntil(ctx, again) == nil {
				continue
			}
		}
		if now := e.o.Now(); now.After(after) { // the clock was put forward: what was missed is missed
			after = f.Schedule.Next(now.In(f.Zone))
		}
		next = after
	}
	<-ctx.Done()
	return nil
}

// startScheduled starts the run of a time, unless an earlier one still waits for
// its turn: it will find the same, and runs that take longer than the schedule
// allows must not pile up.
func (e *Engine) startScheduled(ctx context.Context, f *Flow, at time.Time) error {
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
		ID: id, Flow: f.Plan.Name, Apply: true, Trigger: run.BySchedule, By: run.Actor{Platform: run.Clock},
	})
	return err
}

// longestWait bounds the trust in a timer: it does not follow a clock that is
// put right, and stands still while a machine sleeps.
const longestWait = time.Minute

// waitUntil waits until the clock shows a time.
func (e *Engine) waitUntil(ctx context.Context, at time.Time) error {
	for {
		left := at.Sub(e.o.Now())
		if err := wait(ctx, min(left, longestWait)); err != nil || left <= 0 {
			return err
		}
	}
}
