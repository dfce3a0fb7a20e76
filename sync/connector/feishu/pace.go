package feishu

import (
	"context"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The buckets of calls.
const (
	bucketRead  = "read"
	bucketWrite = "write"
	bucketSlow  = "slow" // freezing and moving
	// Bringing back the deleted, which Feishu allows ten times a minute.
	bucketResurrect = "resurrect"
)

// resurrectGap lets eight be brought back in a minute.
const resurrectGap = 7500 * time.Millisecond

// pacer spaces calls evenly, so that a burst never meets the vendor's limit.
type pacer struct {
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	shared connector.Pacer // nil: this process alone
	gap    map[string]time.Duration
	// patience is the longest wait of a write: half of the time that it has.
	patience time.Duration

	mu   sync.Mutex
	next map[string]time.Time // the next free slot
}

func newPacer(o *Options) *pacer {
	each := func(rate float64) time.Duration { return time.Duration(float64(time.Second) / rate) }
	return &pacer{
		now: o.Now, sleep: o.Sleep, shared: o.Pace,
		gap: map[string]time.Duration{
			bucketRead: each(o.Rates.Read), bucketWrite: each(o.Rates.Write), bucketSlow: each(o.Rates.Slow), bucketResurrect: resurrectGap,
		},
		patience: o.CallTimeout / 2,
		next:     map[string]time.Time{},
	}
}

// wait waits for a slot of the bucket. When that is further away than a write
// may wait, it says so at once: Limited, and how long.
func (p *pacer) wait(ctx context.Context, bucket string) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if p.shared != nil {
		n, per := p.share(bucket)
		if err := p.shared.Wait(ctx, bucket, n, per); err != nil {
			return interruptedBy(ctx, err)
		}
	}
	d, soon := p.reserve(bucket)
	if !soon {
		f := fault.New(fault.Limited, "飞书要求放慢，还要再等一会儿 / Feishu asked to slow down, and that time is not over")
		f.After = d
		return f
	}
	if d > 0 {
		if err := p.sleep(ctx, d); err != nil {
			return interruptedBy(ctx, err)
		}
	}
	return nil
}

// single tells whether calls of the bucket must never come close together.
func single(bucket string) bool { return bucket == bucketSlow || bucket == bucketResurrect }

// share gives how many calls in what time the shared pace allows. It may let that
// many go at once: one second's worth of them, which with those of the next second
// stays below the vendor's 50, and one at a time where more would be refused.
func (p *pacer) share(bucket string) (n int, per time.Duration) {
	gap := p.gap[bucket]
	if n = int(time.Second / gap); single(bucket) || n < 1 {
		n = 1
	}
	return n, time.Duration(n) * gap
}

// reserve takes the next free slot and gives the time until then; soon is false,
// and no slot taken, when that is too long.
func (p *pacer) reserve(bucket string) (d time.Duration, soon bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	slot := p.next[bucket]
	if slot.Before(now) {
		slot = now
	}
	if d = slot.Sub(now); bucket != bucketRead && d > p.patience {
		return d, false
	}
	gap := p.gap[bucket]
	if p.shared != nil && !single(bucket) {
		gap = 0 // only what hold asked for
	}
	p.next[bucket] = slot.Add(gap)
	return d, true
}

// hold keeps a bucket shut for a while: the vendor said slow down.
func (p *pacer) hold(bucket string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := p.now().Add(d); p.next[bucket].Before(until) {
		p.next[bucket] = until
	}
}
