package engine

import (
	"context"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// holder keeps a lease alive while a worker works, and ends the work when the
// lease is lost.
type holder struct {
	e      *Engine
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	lease run.Lease
}

func (h *holder) now() run.Lease {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lease
}

// beat renews the lease three times in its life.
func (h *holder) beat(ctx context.Context) {
	tick := time.NewTicker(h.e.o.LeaseTTL / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := h.renew(ctx); err != nil && fault.KindOf(err) == fault.Stale {
				h.cancel(errLeaseLost)
				return
			}
		}
	}
}

func (h *holder) renew(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	lease, err := h.e.o.Store.Renew(ctx, h.lease, h.e.o.LeaseTTL)
	if err == nil {
		h.lease = lease
	}
	return err
}

// room makes sure that a call of the given length ends before the lease does,
// so that no call of ours can land after somebody else began.
func (h *holder) room(ctx context.Context, call time.Duration) error {
	if h.now().Left(h.e.o.Now()) > call {
		return nil
	}
	if err := h.renew(ctx); err != nil {
		return err
	}
	if h.now().Left(h.e.o.Now()) > call {
		return nil
	}
	return fault.Wrap(fault.Stale, errLeaseLost, "the lease ends before a call could / 租约剩余时间不足一次调用")
}
