package engine

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Serve works until ctx ends: it answers the bell, sweeps, and starts what the
// schedules say. It returns nil when ctx ended it.
func (e *Engine) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.o.Bell.Listen(ctx, e.o.Workers, e.answer) })
	g.Go(func() error { return e.sweep(ctx) })
	for _, name := range e.names {
		if f := e.flows[name]; !f.Paused && (f.Schedule != nil || e.o.ParseSchedule != nil) {
			g.Go(func() error { return e.keepSchedule(ctx, f) })
		}
		if f := e.flows[name]; !f.Paused {
			g.Go(func() error { return e.keepHints(ctx, f) })
		}
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// answer works on one run, if it needs work and nobody else does it.
func (e *Engine) answer(ctx context.Context, key string) {
	code := run.Code(key)
	r, err := e.o.Store.Run(ctx, code)
	if err != nil {
		if ctx.Err() == nil && fault.KindOf(err) != fault.NotFound {
			e.o.Logger.ErrorContext(ctx, "run cannot be loaded", "run", code, "err", err)
		}
		return
	}
	if !r.State.Working() {
		return
	}
	if resting, err := e.resting(ctx, r); err != nil || resting {
		if err != nil && ctx.Err() == nil {
			e.o.Logger.WarnContext(ctx, "pauses cannot be read, the run waits", "run", code, "flow", r.Flow, "err", err)
		}
		return
	}
	worked, err := e.own(ctx, r)
	switch {
	case ctx.Err() != nil:
	case err != nil: // the sweeper rings again: to ring now might go round in a circle
		e.o.Logger.WarnContext(ctx, "run is left to another worker", "run", code, "flow", r.Flow, "err", err)
	case worked:
		e.next(ctx, r.Flow)
	}
}

// errLeaseLost is why a worker stops in the middle: somebody else may own the
// flow by now.
var errLeaseLost = errors.New("the lease is lost")

// own takes the flow's lease, works, and gives it back. It is false when
// somebody else has the lease.
func (e *Engine) own(ctx context.Context, r run.Run) (worked bool, err error) {
	f, err := e.flow(r.Flow)
	if err != nil {
		return false, e.fail(ctx, r.Code, err, nil)
	}
	lease, ok, err := e.o.Store.Acquire(ctx, r.Flow, e.o.Owner, e.o.LeaseTTL)
	if err != nil || !ok {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	h := &holder{e: e, lease: lease, cancel: cancel}
	beat := make(chan struct{})
	go func() {
		defer close(beat)
		h.beat(ctx)
	}()
	w := &worker{Engine: e, hold: h, flow: f}
	err = w.work(ctx, r.Code)
	cancel(nil)
	<-beat
	release, done := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer done()
	if relErr := e.o.Store.Release(release, h.now()); relErr != nil && err == nil {
		err = relErr
	}
	return true, err
}

// releaseTime bounds what is written after ctx ended too: a lease that is given
// back, and an answer that came.
const releaseTime = 2 * time.Second

// work does what the flow's most pressing run asks for.
func (w *worker) work(ctx context.Context, code run.Code) error {
	r, err := w.first(ctx, code)
	if err != nil || !r.State.Working() {
		return err
	}
	if w.o.Around != nil {
		ctx = w.o.Around(ctx, r)
	}
	err = w.carry(ctx, r)
	if err == nil || w.leave(ctx, err) || w.interrupted(r, err) {
		return err // done, stopping, or no longer ours: the record stands as it is
	}
	if fault.KindOf(err) == fault.Conflict {
		if now, getErr := w.o.Store.Run(ctx, r.Code); getErr == nil && now.State.Ended() {
			return nil // cancelled under our hands
		}
	}
	return w.giveUp(ctx, r.Code, err)
}

// first gives the run to work on, as it is now that the lease is ours; the zero
// Run when there is nothing to do. One that applies goes before the one that was
// rung for: nobody may plan on what is approved or still being sent. While the
// flow is paused it goes before only as long as there is a call to settle, or a
// person wants it ended; then what is only planned may pass it.
func (w *worker) first(ctx context.Context, code run.Code) (run.Run, error) {
	r, err := w.o.Store.Run(ctx, code)
	if err != nil {
		return r, err
	}
	_, on, err := w.paused(ctx, w.flow.Plan.Name)
	if err != nil || !on && r.State == run.Applying {
		return r, err
	}
	applying, err := w.o.Store.Runs(ctx, run.Filter{Flow: w.flow.Plan.Name, States: []run.State{run.Applying}})
	if err != nil || len(applying) == 0 {
		return r, err
	}
	if !on {
		return applying[len(applying)-1], nil
	}
	for _, a := range slices.Backward(applying) {
		if a.Stop || !w.rests.have(a.Code, w.o.Now()) {
			return a, nil
		}
	}
	if r.Apply {
		return run.Run{}, nil
	}
	return r, nil
}

// caught turns a panic into an error. It is a bug somewhere below; it must not
// take the process down, since the run would then be taken up again and again.
func (w *worker) caught(err *error) {
	if p := recover(); p != nil {
		w.o.Logger.Error("panic", "flow", w.flow.Plan.Name, "err", p, "stack", string(debug.Stack()))
		*err = fault.New(fault.Internal, "internal error, see the log / 内部错误，请看日志")
	}
}

// carry brings the run to where it waits or ends.
func (w *worker) carry(ctx context.Context, r run.Run) (err error) {
	defer w.caught(&err)
	if r.State != run.Applying {
		if r, err = w.prepare(ctx, r); err != nil {
			return err
		}
	}
	if r.State != run.Applying {
		return nil
	}
	if err = w.apply(ctx, r); fault.Retryable(err) {
		return unfinished{err}
	}
	return err
}

// unfinished is an error of the record while a run applies: it must go on later,
// since what was sent must be written down.
type unfinished struct{ error }

func (u unfinished) Unwrap() error { return u.error }

// leave tells whether the run must stay as it is for another worker, or for
// ourselves later. A Stale fault may come from a connector too: only the record
// knows whether the lease is lost.
func (w *worker) leave(ctx context.Context, err error) bool {
	if _, later := errors.AsType[unfinished](err); later || ctx.Err() != nil || errors.Is(err, errLeaseLost) {
		return true
	}
	return fault.KindOf(w.hold.renew(ctx)) == fault.Stale
}

// recordPatience is how old a run may be that is begun again because the record was
// away. A record that is away for good in one place, and only there, ends it.
const recordPatience = 10 * time.Minute

// interrupted tells whether only the record was in the way of a run that has sent
// nothing yet: its connections broke, it was full, or read-only for a while.
func (w *worker) interrupted(r run.Run, err error) bool {
	of, is := errors.AsType[interface {
		error
		OfRecord() bool
	}](err)
	return is && of.OfRecord() && fault.Retryable(err) && w.o.Now().Sub(r.Created) < recordPatience
}

// giveUp ends a run that cannot go on. A call whose fate could not be found out
// is left to people.
func (w *worker) giveUp(ctx context.Context, code run.Code, cause error) error {
	entries, err := w.o.Store.Entries(ctx, code)
	if err != nil {
		return err
	}
	var o run.Outcome
	var open []run.Entry
	for _, e := range entries {
		if e.Step == run.StepSending {
			e.Step, e.Say, e.At = run.StepInDoubt, sayInDoubt, w.o.Now()
			open = append(open, e)
		}
		o.Count(e.Step)
	}
	if len(open) > 0 {
		if err := w.o.Store.Mark(ctx, w.hold.now(), open, nil); err != nil {
			return err
		}
	}
	return w.fail(ctx, code, cause, &o)
}

// fail ends a run with the reason that people may see; o is its outcome, if it
// has one.
func (e *Engine) fail(ctx context.Context, code run.Code, cause error, o *run.Outcome) error {
	e.o.Logger.ErrorContext(ctx, "run fails", "run", code, "kind", fault.KindOf(cause), "err", cause)
	now := e.o.Now()
	_, err := e.o.Store.UpdateRun(ctx, code, run.Actor{}, func(r *run.Run) error {
		if r.State.Ended() {
			return nil
		}
		if o != nil {
			r.Outcome = *o
		}
		r.Fault = fault.KindOf(cause)
		return r.Advance(run.Failed, now, fault.Say(cause))
	})
	return err
}

// next rings for the oldest run of the flow that waits for the lease and is not
// kept by a pause.
func (e *Engine) next(ctx context.Context, flow string) {
	waiting, err := e.o.Store.Runs(ctx, run.Filter{Flow: flow, States: workingStates()})
	for i := len(waiting) - 1; err == nil && i >= 0; i-- {
		var resting bool
		if resting, err = e.resting(ctx, waiting[i]); err == nil && !resting {
			e.ring(ctx, waiting[i].Code)
			return
		}
	}
}

// workingStates are those in which a worker owns a run.
func workingStates() []run.State {
	return []run.State{run.Queued, run.Reading, run.Planning, run.Applying}
}

// worker works on one run under a lease.
type worker struct {
	*Engine
	hold *holder
	flow *Flow
}

// move advances the run, which must still be where the worker thinks it is.
func (w *worker) move(ctx context.Context, code run.Code, to run.State, why string) (run.Run, error) {
	now := w.o.Now()
	return w.o.Store.UpdateRun(ctx, code, run.Actor{}, func(r *run.Run) error {
		return r.Advance(to, now, why)
	})
}
