package queue

import (
	"context"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Buckets counts uses by key inside one process: never more than n in any span
// of the time given. A bucket that fills up again by and by would let almost
// twice as many through in one span, for which DingTalk silences a robot for ten
// minutes; so the times of the uses are kept. It is safe for concurrent use.
type Buckets struct {
	now func() time.Time

	mu    sync.Mutex
	all   map[string]bucket
	swept time.Time
}

// bucket holds the newest uses of one key, oldest first.
type bucket struct {
	used []time.Time
	per  time.Duration
}

// NewBuckets makes buckets that are empty.
func NewBuckets(now func() time.Time) *Buckets {
	return &Buckets{now: now, all: make(map[string]bucket)}
}

// Take asks for one use of a key at n uses in a time. It gives 0 when it may go
// now, otherwise how long to wait before asking again; nothing is reserved then.
// A key is always asked for with the same time, and with the same n; whoever wants k uses
// at once asks first at n-k+1, and then for the others at n. Faults: Invalid for an
// empty key, no uses or no time.
func (b *Buckets) Take(_ context.Context, key string, n int, per time.Duration) (time.Duration, error) {
	if err := checkTake(key, n, per); err != nil {
		return 0, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	b.sweep(now)
	one := b.all[key]
	if over := len(one.used) - n; over >= 0 {
		if wait := per - now.Sub(one.used[over]); wait > 0 {
			return min(wait, per), nil
		}
		one.used = one.used[over+1:]
	}
	one.used, one.per = append(one.used, now), per
	b.all[key] = one
	return 0, nil
}

// sweepEvery is how often the keys that nobody uses any more are forgotten.
const sweepEvery = time.Minute

func (b *Buckets) sweep(now time.Time) {
	if now.Sub(b.swept) < sweepEvery {
		return
	}
	b.swept = now
	for key, one := range b.all {
		if now.Sub(one.used[len(one.used)-1]) >= one.per {
			delete(b.all, key)
		}
	}
}

func checkTake(key string, n int, per time.Duration) error {
	if key == "" || n < 1 || per <= 0 {
		return fault.New(fault.Invalid, "a limit needs a key, a number and a time / 限速缺少对象、次数或时间")
	}
	return nil
}
