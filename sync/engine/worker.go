package engine

import (
	"context"
	"errors"
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
		if f := e.flows[name]; f.Schedule != nil && !f.Paused {
			g.Go(func() error { return e.keepSchedule(ctx, f) })
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
	if err := e.own(ctx, r); err != nil && ctx.Err() == nil {
		e.o.Logger.WarnContext(ctx, "run is left to another worker", "run", code, "flow", r.Flow, "err", err)
	}
	e.next(ctx, r.Flow)
}

// errLeaseLost is why a worker stops in the middle: somebody else may own the
// flow by now.
var errLeaseLost = errors.New("the lease is lost")

// own takes the flow's lease, works, and gives it back.
func (e *Engine) own(ctx context.Context, r run.Run) error {
	f, err := e.flow(r.Flow)
	if err != nil {
		return e.fail(ctx, r.Code, err)
	}
	lease, ok, err := e.o.Store.Acquire(ctx, r.Flow, e.o.Owner, e.o.LeaseTTL)
	if err != nil || !ok {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	h := &holder{e: e, lease: lease, cancel: cancel}
	beat := make(chan struct{})
	go func() {
		defer close(beat)
		h.beat(ctx)
	}()
	err = e.work(ctx, h, f, r)
	cancel(nil)
	<-beat
	release, done := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer done()
	if relErr := e.o.Store.Release(release, h.now()); relErr != nil && err == nil {
		err = relErr
	}
	return err
}

// releaseTime bounds the giving back of a lease, which happens after ctx ended
// too.
const releaseTime = 2 * time.Second

// work does what the run's state asks for.
func (e *Engine) work(ctx context.Context, h *holder, f *Flow, r run.Run) error {
	w := &worker{Engine: e, hold: h, flow: f}
	var err error
	if r.State != run.Applying {
		r, err = w.prepare(ctx, r)
	}
	if err == nil && r.State == run.Applying {
		err = w.apply(ctx, r)
	}
	if err == nil || ctx.Err() != nil || fault.KindOf(err) == fault.Stale {
		return err // done, stopping, or no longer ours: the record stands as it is
	}
	if fault.KindOf(err) == fault.Conflict {
		if now, getErr := e.o.Store.Run(ctx, r.Code); getErr == nil && now.State.Ended() {
			return nil // cancelled under our hands
		}
	}
	return e.fail(ctx, r.Code, err)
}

// fail ends a run with the reason that people may see.
func (e *Engine) fail(ctx context.Context, code run.Code, cause error) error {
	e.o.Logger.ErrorContext(ctx, "run fails", "run", code, "kind", fault.KindOf(cause), "err", cause)
	now := e.o.Now()
	_, err := e.o.Store.UpdateRun(ctx, code, run.Actor{}, func(r *run.Run) error {
		if r.State.Ended() {
			return nil
		}
		r.Fault = fault.KindOf(cause)
		return r.Advance(run.Failed, now, fault.Say(cause))
	})
	return err
}

// next rings for the oldest run of the flow that waits for the lease.
func (e *Engine) next(ctx context.Context, flow string) {
	waiting, err := e.o.Store.Runs(ctx, run.Filter{Flow: flow, States: []run.State{run.Queued}})
	if err != nil || len(waiting) == 0 {
		return
	}
	e.ring(ctx, waiting[len(waiting)-1].Code)
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
