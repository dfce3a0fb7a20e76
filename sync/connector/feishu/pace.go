package feishu

import (
	"context"
	"sync"
	"time"
)

// The buckets of calls.
const (
	bucketRead  = "read"
	bucketWrite = "write"
	bucketSlow  = "slow" // freezing and moving
)

// pacer spaces calls evenly, so that a burst never meets the vendor's limit.
type pacer struct {
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	shared func(context.Context, string) error
	gap    map[string]time.Duration

	mu   sync.Mutex
	next map[string]time.Time // the next free slot
}

func newPacer(o *Options) *pacer {
	each := func(rate float64) time.Duration { return time.Duration(float64(time.Second) / rate) }
	return &pacer{
		now: o.Now, sleep: o.Sleep, shared: o.Pace,
		gap:  map[string]time.Duration{bucketRead: each(o.Rates.Read), bucketWrite: each(o.Rates.Write), bucketSlow: each(o.Rates.Slow)},
		next: map[string]time.Time{},
	}
}

// wait waits for a slot of the bucket. It makes no use of ctx's values.
func (p *pacer) wait(ctx context.Context, bucket string) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if p.shared != nil {
		if err := p.shared(ctx, bucket); err != nil {
			return interruptedBy(ctx, err)
		}
	}
	if d := p.reserve(bucket); d > 0 {
		if err := p.sleep(ctx, d); err != nil {
			return interruptedBy(ctx, err)
		}
	}
	return nil
}

func (p *pacer) reserve(bucket string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	slot := p.next[bucket]
	if slot.Before(now) {
		slot = now
	}
	gap := p.gap[bucket]
	if p.shared != nil {
		gap = 0 // only what hold asked for
	}
	p.next[bucket] = slot.Add(gap)
	return slot.Sub(now)
}

// hold keeps a bucket shut for a while: the vendor said slow down.
func (p *pacer) hold(bucket string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(d); p.next[bucket].Before(until) {
		p.next[bucket] = until
	}
}
