package engine

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// lastCall is how long before the end of an approval the last reminder comes.
const lastCall = 30 * time.Minute

// wakeAfter gives when a run that waits for votes needs somebody next: at half
// time and shortly before the end to remind people, and at the end.
func (e *Engine) wakeAfter(r run.Run, now time.Time) time.Time {
	next := r.Expires
	f, known := e.flows[r.Flow]
	if !known {
		return next
	}
	for _, before := range []time.Duration{f.Plan.Approve.Expires / 2, lastCall} {
		if at := r.Expires.Add(-before); at.After(now) && at.Before(next) && before < f.Plan.Approve.Expires {
			next = at
		}
	}
	return next
}

// wake does what an awaiting run that is due asks for.
func (e *Engine) wake(ctx context.Context, r run.Run) error {
	now, err := e.time(ctx)
	if err != nil {
		return err
	}
	switch {
	case r.Cooling():
		return e.begin(ctx, r)
	case !now.Before(r.Expires):
		if err := e.expire(ctx, &r); err != nil && fault.KindOf(err) != fault.Stale {
			return err // the fault that tells a voter is not for the sweeper
		}
		return nil
	case e.o.Working != nil && !e.o.Working(now):
		return nil // it is due again at the next sweep, and so in working time
	default:
		return e.remind(ctx, r)
	}
}

// expire ends an approval whose time is over; the clock decides now, not the
// sweeper. What cools off was approved in time.
func (e *Engine) expire(ctx context.Context, r *run.Run) error {
	now, err := e.time(ctx)
	if err != nil {
		return err
	}
	if !lapsed(r, now) {
		return nil
	}
	ended, err := e.o.Store.UpdateRun(ctx, r.Code, run.Actor{Platform: run.Clock}, func(r *run.Run) error {
		if !lapsed(r, now) {
			return nil // somebody was faster
		}
		return r.Advance(run.Expired, now, "nobody decided in time / 无人在期限内决定")
	})
	if err != nil {
		return err
	}
	*r = ended
	if r.State != run.Expired {
		return nil
	}
	return expired(r.Code)
}

// lapsed tells whether nobody has decided in time.
func lapsed(r *run.Run, now time.Time) bool {
	return r.State == run.Awaiting && !r.Cooling() && !now.Before(r.Expires)
}

func expired(code run.Code) error {
	return fault.New(fault.Stale, "%s has expired; start a sync again / %s 已过期，请重新同步", code, code)
}

// remind tells people once that an approval still waits.
func (e *Engine) remind(ctx context.Context, r run.Run) error {
	now, err := e.time(ctx)
	if err != nil {
		return err
	}
	due := false
	_, err = e.o.Store.UpdateRun(ctx, r.Code, run.Actor{Platform: run.Clock}, func(r *run.Run) error {
		due = r.State == run.Awaiting && !r.Cooling() && !now.Before(r.Wake) && now.Before(r.Expires)
		if due {
			r.Wake = e.wakeAfter(*r, now)
		}
		return nil
	})
	if err != nil || !due {
		return err
	}
	return e.o.Store.Append(ctx, run.Event{Run: r.Code, Kind: run.EventReminder, Say: "still waits for votes / 仍在等待投票", At: now}, run.Audit{})
}

// begin lets a run go that has cooled off, if its votes still count; otherwise it
// waits for votes again.
func (e *Engine) begin(ctx context.Context, seen run.Run) error {
	p, err := e.o.Store.Plan(ctx, seen.Code)
	if err != nil {
		return err
	}
	votes, err := e.o.Store.Votes(ctx, seen.Code)
	if err != nil {
		return err
	}
	lent, err := e.Delegations(ctx)
	if err != nil {
		return err
	}
	now, err := e.time(ctx)
	if err != nil {
		return err
	}
	lost := false
	r, err := e.o.Store.UpdateRun(ctx, seen.Code, run.Actor{Platform: run.Clock}, func(r *run.Run) error {
		lost = false
		if r.Version != seen.Version || !r.Cooling() || now.Before(r.NotBefore) {
			return nil // somebody was faster, or it is due again
		}
		if e.tally(*r, p, votes, lent).enough() {
			return r.Advance(run.Applying, now, "")
		}
		lost, r.NotBefore = true, time.Time{}
		if !now.Before(r.Expires) {
			return r.Advance(run.Expired, now, "a vote lost its force while it cooled off, and the time was over / 冷静期内有票失效，且期限已过")
		}
		r.Wake = e.wakeAfter(*r, now)
		return nil
	})
	switch {
	case err != nil:
		return err
	case lost:
		say := "a vote lost its force while the run cooled off: the role or the delegation is gone; it needs another / 冷静期内有票失效（角色或委托已不在），需要再有人批准"
		return e.o.Store.Append(ctx, run.Event{Run: r.Code, Kind: run.EventAlarm, Say: say, At: now}, run.Audit{})
	case r.State == run.Applying:
		e.ring(ctx, r.Code)
	}
	return nil
}
