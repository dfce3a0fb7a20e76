package connector

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pacer keeps the calls to one system below its limits. Everything that works on
// the system shares one, replicas too when it stands on Redis. Wait returns nil
// when one more call of a bucket may be made, of n in a time, or an error when ctx
// ended first. It is safe for concurrent use.
type Pacer interface {
	Wait(ctx context.Context, bucket string, n int, per time.Duration) error
}

// Sleep waits, or gives ctx's error when it ends first.
type Sleep func(ctx context.Context, d time.Duration) error

// LocalPacer is a Pacer of one process, on an injected clock. A bucket is a token
// bucket that is full at first.
type LocalPacer struct {
	now   func() time.Time
	sleep Sleep

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

var _ Pacer = (*LocalPacer)(nil)

// NewLocalPacer makes one. A nil sleep waits in real time.
func NewLocalPacer(now func() time.Time, sleep Sleep) *LocalPacer {
	if sleep == nil {
		sleep = RealSleep
	}
	return &LocalPacer{now: now, sleep: sleep, buckets: map[string]*rate.Limiter{}}
}

// Wait waits for a call of a bucket. A bucket keeps the n and the time that it was
// first asked with.
func (p *LocalPacer) Wait(ctx context.Context, bucket string, n int, per time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	b := p.buckets[bucket]
	if b == nil {
		n = max(n, 1)
		b = rate.NewLimiter(rate.Every(per/time.Duration(n)), n)
		p.buckets[bucket] = b
	}
	now := p.now()
	delay := b.ReserveN(now, 1).DelayFrom(now)
	p.mu.Unlock()
	if delay <= 0 {
		return nil
	}
	return p.sleep(ctx, delay)
}

// RealSleep waits in real time; what ends it early is the cause of ctx.
func RealSleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Hold stops all calls to a system for a time after the system asked for that: to
// go on asking prolongs a block. The zero Hold stops nothing. It is safe for
// concurrent use.
type Hold struct {
	mu    sync.Mutex
	until time.Time
}

// Extend makes the hold last until t at least.
func (h *Hold) Extend(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.After(h.until) {
		h.until = t
	}
}

// Left gives how much of the hold is left, 0 when there is none.
func (h *Hold) Left(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(0, h.until.Sub(now))
}
