package wecom

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pace is the connector's own limiter, on the injected clock.
type pace struct {
	limiter *rate.Limiter
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
}

var _ Limiter = (*pace)(nil)

// Wait waits until one more call may be made.
func (p *pace) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := p.now()
	delay := p.limiter.ReserveN(now, 1).DelayFrom(now)
	if delay <= 0 {
		return nil
	}
	return p.sleep(ctx, delay)
}

// pause stops the whole connection for a time after the vendor said that a
// quota is used up: to go on asking prolongs the block.
type pause struct {
	mu    sync.Mutex
	until time.Time
}

// extend makes the pause last until t at least.
func (p *pause) extend(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.After(p.until) {
		p.until = t
	}
}

// left gives how much of the pause is left.
func (p *pause) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.until.Sub(now))
}
