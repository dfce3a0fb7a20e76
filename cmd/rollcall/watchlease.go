package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// watchTTL is how long a silent process keeps the others from telling of a system
	// that all of them watch.
	watchTTL = 20 * time.Second
	// watchOverlap is how long what a process noticed and did not tell is kept: longer
	// than a dead teller's lease, and than two of them notice the same change apart (a
	// roster file is looked at every 15 s, and must have been left alone for one look).
	watchOverlap = 90 * time.Second
	// watchKept bounds it.
	watchKept = 200
	// watchParting bounds the giving back of the lease when the process stops.
	watchParting = 2 * time.Second
)

// leaser is what a relay needs of the record.
type leaser interface {
	Acquire(ctx context.Context, flow, owner string, ttl time.Duration) (run.Lease, bool, error)
	Renew(ctx context.Context, lease run.Lease, ttl time.Duration) (run.Lease, error)
	Release(ctx context.Context, lease run.Lease) error
}

// relay stands between a watcher and the engine, where every replica watches the same
// file or directory: all notice a change, and one tells of it, which is who holds the
// lease. The others keep what they noticed for a while: when the one that told is
// gone, the next begins with that, so that no change falls between the two.
type relay struct {
	system, owner string
	record        leaser
	now           func() time.Time
	log           *slog.Logger
	tell          func([]directory.Hint)

	mu      sync.Mutex
	lease   run.Lease // zero: another process tells
	noticed []notice
}

// notice is what was noticed and not told.
type notice struct {
	at    time.Time
	hints []directory.Hint
}

// serve takes the lease when it is free and keeps it until ctx ends.
func (r *relay) serve(ctx context.Context) {
	tick := time.NewTicker(watchTTL / 3)
	defer tick.Stop()
	for {
		if err := r.hold(ctx); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "who tells of changes cannot be settled", "system", r.system, "err", err)
		}
		select {
		case <-ctx.Done():
			r.part(ctx)
			return
		case <-tick.C:
		}
	}
}

// hold renews the lease or tries to take it. While the record is away the lease
// holds for as long as it says.
func (r *relay) hold(ctx context.Context) error {
	lease := r.held()
	if lease.Owner != "" {
		renewed, err := r.record.Renew(ctx, lease, watchTTL)
		if err == nil {
			r.set(renewed)
		} else if fault.KindOf(err) == fault.Stale {
			r.set(run.Lease{})
		}
		return err
	}
	lease, ok, err := r.record.Acquire(ctx, run.WatchLease(r.system), r.owner, watchTTL)
	if err == nil && ok {
		r.set(lease)
	}
	return err
}

// part lets another process begin at once.
func (r *relay) part(ctx context.Context) {
	lease := r.held()
	if lease.Owner == "" {
		return
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), watchParting)
	defer done()
	if err := r.record.Release(ctx, lease); err != nil {
		r.log.InfoContext(ctx, "who tells of changes is settled later", "system", r.system, "err", err)
	}
	r.set(run.Lease{})
}

// held gives the lease, zero when it is over or another's.
func (r *relay) held() run.Lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lease.Left(r.now()) <= 0 {
		r.lease = run.Lease{}
	}
	return r.lease
}

// set notes the lease; who gets it anew tells what was noticed meanwhile.
func (r *relay) set(lease run.Lease) {
	r.mu.Lock()
	r.lease = lease
	var late []directory.Hint
	if lease.Owner != "" {
		r.forget()
		for _, n := range r.noticed {
			late = append(late, n.hints...)
		}
		r.noticed = nil
	}
	r.mu.Unlock()
	if len(late) > 0 {
		r.tell(late)
	}
}

// hear takes what the watcher noticed.
func (r *relay) hear(hints []directory.Hint) {
	if r.held().Owner != "" {
		r.tell(hints)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget()
	r.noticed = append(r.noticed, notice{r.now(), hints})
	if n := len(r.noticed); n > watchKept { // a full run sees them all
		r.noticed = []notice{{r.now(), []directory.Hint{{}}}}
	}
}

// forget drops what another process has told long since. r.mu is held.
func (r *relay) forget() {
	old := r.now().Add(-watchOverlap)
	for len(r.noticed) > 0 && r.noticed[0].at.Before(old) {
		r.noticed = r.noticed[1:]
	}
}
