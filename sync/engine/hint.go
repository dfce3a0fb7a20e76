package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Hint takes what a system said that changed, by the system's name. It returns when
// the record has it, or within a second: then it waits in memory until the record
// can be written. It is safe for concurrent use, and whichever process comes first
// starts the run. A lost hint does no harm: the next full run sees what it would have
// told. Objects that are gone or unnamed start a full run, since only a complete
// listing proves anything; a source that shows less than before stops its flows for
// safety.
func (e *Engine) Hint(ctx context.Context, system string, hints []directory.Hint) {
	now := e.o.Now()
	ctx, done := telling(ctx)
	defer done()
	for _, name := range e.names {
		f := e.flows[name]
		if f.From != system || f.Paused {
			continue
		}
		var heeded []run.Hint
		for _, h := range hints {
			if h.Shrunk || f.OnChange > 0 {
				heeded = append(heeded, kept(name, h, now))
			}
		}
		if len(heeded) > 0 {
			e.hinted[name].add(heeded)
			e.keepHeard(ctx, name)
		}
	}
}

// telling bounds the writing of what was heard, of however many flows. Whoever told it
// may be gone before.
func telling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 2*tellTime)
}

// keepHeard writes what was heard of a flow, or lets it wait in memory.
func (e *Engine) keepHeard(ctx context.Context, flow string) {
	h := e.hinted[flow]
	if err := h.write(ctx, e.o.Store); err != nil {
		e.o.Logger.WarnContext(ctx, "hints wait for the record", "flow", flow, "err", err)
	}
	h.tell()
}

// keepHints starts the runs that a flow's hints ask for.
func (e *Engine) keepHints(ctx context.Context, f *Flow) error {
	name := f.Plan.Name
	h := e.hinted[name]
	for ctx.Err() == nil {
		left, err := e.heed(ctx, f)
		if err != nil && ctx.Err() == nil {
			e.o.Logger.ErrorContext(ctx, "run by event does not start", "flow", name, "err", err)
			left = e.o.Sweep
		}
		e.linger(ctx, min(left, e.glance(f)), h.news)
	}
	ctx, done := telling(ctx)
	defer done()
	e.keepHeard(ctx, name)
	return nil
}

// glance is how often the record is looked at for what other processes were told.
func (e *Engine) glance(f *Flow) time.Duration {
	if f.OnChange > 0 {
		return e.o.Sweep
	}
	return longestWait
}

// linger waits a while, or until there is news.
func (e *Engine) linger(ctx context.Context, d time.Duration, news <-chan struct{}) {
	timer := time.NewTimer(min(d, longestWait))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-news:
	}
}

// heed acts on what is due of a flow's hints, and gives how long to wait before the
// next look.
func (e *Engine) heed(ctx context.Context, f *Flow) (time.Duration, error) {
	name := f.Plan.Name
	if err := e.hinted[name].write(ctx, e.o.Store); err != nil {
		return 0, err
	}
	// The hints before the runs: of a run that is made between, the hints are no longer
	// as they were read.
	hints, err := e.o.Store.Hints(ctx, name)
	if err != nil || len(hints) == 0 {
		return longestWait, err
	}
	now := e.o.Now()
	lately, err := e.o.Store.Runs(ctx, run.Filter{Flow: name, Since: now.Add(-paceSpan - e.o.ReadTime), Limit: paceRuns})
	if err != nil {
		return 0, err
	}
	b, left := choose(hints, paceOf(lately, now), now, f.OnChange)
	if left > 0 {
		return left, nil
	}
	again, err := e.actOn(ctx, f, b)
	switch {
	case fault.KindOf(err) == fault.Stale: // another process has made the run, or there is more to it now
		return time.Second, nil
	case again:
		return e.o.Sweep, err
	default:
		return 0, err
	}
}

// actOn starts the run of a batch, or stops the flow. Again means that it is too
// early: a run of the same kind waits for its turn yet.
func (e *Engine) actOn(ctx context.Context, f *Flow, b batch) (again bool, err error) {
	name := f.Plan.Name
	if b.shrunk {
		err := e.SafetyStop(ctx, name, fmt.Sprintf(
			"%s shows us less than before (the contact range was narrowed); whoever is not visible has not left / %s 对我们可见的范围变小了（通讯录权限范围被收窄）；看不到的人不等于离职", f.From, f.From))
		if err != nil {
			return false, err
		}
		return false, e.o.Store.DropHints(ctx, b.hints)
	}
	_, on, err := e.paused(ctx, name)
	if err != nil {
		return false, err
	}
	if on {
		e.o.Logger.InfoContext(ctx, "hints are left to the next full run, the flow is paused", "flow", name)
		return false, e.o.Store.DropHints(ctx, b.hints)
	}
	queued, err := e.o.Store.Runs(ctx, run.Filter{Flow: name, States: []run.State{run.Queued}})
	if err != nil {
		return false, err
	}
	for i := range queued {
		switch r := &queued[i]; {
		case r.Apply && r.Undoes == "" && r.Objects == "":
			return false, e.o.Store.DropHints(ctx, b.hints) // it has not begun to read: it will see all this
		case r.Trigger == run.ByEvent:
			return true, nil
		}
	}
	req := run.Request{
		ID: fmt.Sprintf("event:%s:%s:%d", name, e.o.Owner, e.o.Now().UnixNano()), Flow: name, Apply: true,
		Trigger: run.ByEvent, By: run.Actor{Platform: run.Change},
	}
	if !b.whole {
		req.Objects = directory.KeysOf(b.keys...)
	}
	_, err = e.startOf(ctx, req, b.hints)
	if err != nil && fault.KindOf(err) != fault.Stale && !fault.Retryable(err) {
		e.o.Logger.WarnContext(ctx, "run by event is refused", "flow", name, "err", err)
		return false, e.o.Store.DropHints(ctx, b.hints)
	}
	return false, err
}
