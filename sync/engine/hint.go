package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Hint takes what a system said that changed, by the system's name. It returns at
// once, keeps the hints in memory until the flow's time after a change is over, and
// is safe for concurrent use. A lost hint does no harm: the next full run sees what
// it would have told. Objects that are gone or unnamed start a full run, since only
// a complete listing proves anything; a source that shows less than before stops
// its flows for safety.
func (e *Engine) Hint(_ context.Context, system string, hints []directory.Hint) {
	for _, name := range e.names {
		if f := e.flows[name]; f.From == system && !f.Paused {
			e.hinted[name].add(hints, f.OnChange > 0, e.o.Now())
		}
	}
}

// keepHints starts the runs that a flow's hints ask for.
func (e *Engine) keepHints(ctx context.Context, f *Flow) error {
	p := e.hinted[f.Plan.Name]
	var lastWhole time.Time
	for ctx.Err() == nil {
		b, left := p.take(e.o.Now(), lastWhole, f.OnChange)
		if left > 0 {
			e.linger(ctx, left, p.news)
			continue
		}
		again, err := e.actOn(ctx, f, b)
		if err != nil && ctx.Err() == nil {
			e.o.Logger.ErrorContext(ctx, "run by event does not start", "flow", f.Plan.Name, "err", err)
		}
		switch {
		case again || err != nil:
			p.back(b, e.o.Now(), f.OnChange)
			e.linger(ctx, e.o.Sweep, nil)
		case b.whole:
			lastWhole = e.o.Now()
		}
	}
	return nil
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

// actOn starts the run of a batch, or stops the flow. Again means that it is too
// early: a run of the same kind waits for its turn yet.
func (e *Engine) actOn(ctx context.Context, f *Flow, b batch) (again bool, err error) {
	name := f.Plan.Name
	if b.shrunk {
		return false, e.SafetyStop(ctx, name, fmt.Sprintf(
			"%s shows us less than before (the contact range was narrowed); whoever is not visible has not left / %s 对我们可见的范围变小了（通讯录权限范围被收窄）；看不到的人不等于离职", f.From, f.From))
	}
	_, on, err := e.paused(ctx, name)
	if err != nil {
		return false, err
	}
	if on {
		e.o.Logger.InfoContext(ctx, "hints are left to the next full run, the flow is paused", "flow", name)
		return false, nil
	}
	queued, err := e.o.Store.Runs(ctx, run.Filter{Flow: name, States: []run.State{run.Queued}})
	if err != nil {
		return false, err
	}
	for i := range queued {
		switch r := &queued[i]; {
		case r.Apply && r.Undoes == "" && r.Objects == "":
			return false, nil // it has not begun to read: it will see all this
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
	_, err = e.Start(ctx, req)
	if err != nil && !fault.Retryable(err) {
		e.o.Logger.WarnContext(ctx, "run by event is refused", "flow", name, "err", err)
		return false, nil
	}
	return false, err
}
