package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// hintedMax is how many objects a small run takes; more are a full run.
	hintedMax = 200
	// wholeEvery is how often events may start a full run of a flow.
	wholeEvery = 10 * time.Minute
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

// pending are a flow's hints that nobody has acted on. It is safe for concurrent
// use.
type pending struct {
	news chan struct{} // holds one when there is something new

	mu     sync.Mutex
	keys   map[directory.Key]bool
	whole  bool
	shrunk bool
	since  time.Time // of the first; zero: there are none
}

func newPending() *pending {
	return &pending{news: make(chan struct{}, 1), keys: map[directory.Key]bool{}}
}

func (p *pending) add(hints []directory.Hint, listens bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range hints {
		switch {
		case h.Shrunk:
			p.shrunk = true
		case !listens:
			continue
		case h.Gone, h.Key.ID == "":
			p.whole = true
		default:
			p.keys[h.Key] = true
		}
		if p.since.IsZero() {
			p.since = now
		}
	}
	if p.since.IsZero() {
		return
	}
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// batch is what is acted on at once.
type batch struct {
	keys   []directory.Key
	whole  bool
	shrunk bool
}

// take gives what waits and forgets it, once its time is over: after is the flow's
// time after a change, lastWhole when events last started a full run. Otherwise it
// gives how long to wait yet.
func (p *pending) take(now, lastWhole time.Time, after time.Duration) (batch, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shrunk {
		p.shrunk = false
		if len(p.keys) == 0 && !p.whole {
			p.since = time.Time{}
		}
		return batch{shrunk: true}, 0
	}
	if p.since.IsZero() {
		return batch{}, longestWait
	}
	if left := p.since.Add(after).Sub(now); left > 0 {
		return batch{}, left
	}
	p.whole = p.whole || len(p.keys) > hintedMax
	b := batch{}
	switch left := lastWhole.Add(wholeEvery).Sub(now); {
	case p.whole && left <= 0:
		b.whole = true
	case len(p.keys) == 0 || len(p.keys) > hintedMax:
		return batch{}, left
	default: // the full run waits, those who are named need not
		b.keys = slices.Collect(maps.Keys(p.keys))
	}
	clear(p.keys)
	if b.whole || !p.whole {
		p.whole, p.since = false, time.Time{}
	}
	return b, 0
}

// back takes a batch again that could not be acted on.
func (p *pending) back(b batch, now time.Time) {
	hints := make([]directory.Hint, 0, len(b.keys)+2)
	for _, key := range b.keys {
		hints = append(hints, directory.Hint{Key: key})
	}
	if b.whole {
		hints = append(hints, directory.Hint{})
	}
	if b.shrunk {
		hints = append(hints, directory.Hint{Shrunk: true})
	}
	p.add(hints, true, now)
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
			p.back(b, e.o.Now().Add(-f.OnChange))
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
