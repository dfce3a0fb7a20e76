package bot

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// alone is how long we count alone after the shared limiter failed: waiting for
	// it each time would keep every answer waiting.
	alone = 5 * time.Second
	// tellAway is how often the log is told that it fails.
	tellAway = time.Minute
)

// Counter asks the limiter that replicas share, and counts alone while that fails.
// What this process used itself counts beside the shared count, also what it used
// while that was away. It is safe for concurrent use.
type Counter struct {
	shared Limiter // nil: nothing is limited
	now    func() time.Time
	logger *slog.Logger

	mu    sync.Mutex
	until time.Time // counting alone until then
	told  time.Time
	used  map[string]uses
	swept time.Time
}

// uses are the newest uses of a key, oldest first.
type uses struct {
	at  []time.Time
	per time.Duration
}

// NewCounter makes a Counter beside a limiter; without one (nil) nothing is limited.
func NewCounter(shared Limiter, now func() time.Time, logger *slog.Logger) *Counter {
	return &Counter{shared: shared, now: now, logger: logger, used: map[string]uses{}}
}

// Take asks for one use of a key at n uses in a time; it gives how long to wait,
// 0 when it may go now. It always decides: whoever asks has somebody waiting.
// n is 1 at least. Both counts must allow it, the shared one and that of what this
// process used itself: no process passes a limit by itself when the shared one is away,
// comes back or has forgotten.
func (c *Counter) Take(ctx context.Context, key string, n int, per time.Duration) time.Duration {
	if c.shared == nil {
		return 0
	}
	shared, wait := c.takeShared(ctx, key, n, per)
	if wait > 0 {
		return wait
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.sweep(now)
	if wait := c.used[key].wait(now, n, per); wait > 0 {
		return wait
	}
	if shared && n == 1 {
		return 0 // of one use little is lost when the shared count goes away, and such keys are many
	}
	c.keep(key, now, 1, per)
	return 0
}

// takeShared is Take at the shared limiter; counted is false while that is away.
func (c *Counter) takeShared(ctx context.Context, key string, n int, per time.Duration) (counted bool, wait time.Duration) {
	if c.isAlone() {
		return false, 0
	}
	if wait := c.own(key, n, per); wait > 0 {
		return true, wait // the shared count is not used up for nothing
	}
	wait, err := c.shared.Take(ctx, key, n, per)
	if err != nil {
		c.fails(ctx, err)
		return false, 0
	}
	c.answers()
	return true, wait
}

// takeSeveral is Take for several uses, all or none. They count as ours before the
// shared limiter is asked: of letters that go side by side each would else find room
// for its first message, and then say the others as well.
func (c *Counter) takeSeveral(ctx context.Context, l limit, uses int) time.Duration {
	if c.shared == nil {
		return 0
	}
	at, wait := c.putDown(l, uses)
	if wait > 0 || c.isAlone() {
		return wait
	}
	// So many are free when one is at a limit that is lower by the others.
	wait, err := c.shared.Take(ctx, l.key, l.N-uses+1, l.Per)
	if err == nil && wait > 0 {
		c.answers()
		c.takeBack(l.key, at, uses)
		return wait
	}
	for range uses - 1 {
		if err == nil { // only another replica can have been faster
			_, err = c.shared.Take(ctx, l.key, l.N, l.Per)
		}
	}
	if err != nil {
		c.fails(ctx, err)
		return 0
	}
	c.answers()
	return 0
}

// putDown counts uses as ours from now on, or tells how long to wait until there is
// room for them.
func (c *Counter) putDown(l limit, n int) (at time.Time, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.sweep(now)
	if wait := c.used[l.key].wait(now, l.N-n+1, l.Per); wait > 0 {
		return now, wait
	}
	c.keep(l.key, now, n, l.Per)
	return now, 0
}

// keep adds uses of now, with the lock held.
func (c *Counter) keep(key string, now time.Time, n int, per time.Duration) {
	at := slices.DeleteFunc(c.used[key].at, func(at time.Time) bool { return now.Sub(at) >= per })
	for range n {
		at = append(at, now)
	}
	c.used[key] = uses{at, per}
}

// takeBack undoes what was put down at a time.
func (c *Counter) takeBack(key string, at time.Time, uses int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.used[key]
	one.at = slices.DeleteFunc(one.at, func(other time.Time) bool {
		undone := uses > 0 && other.Equal(at)
		if undone {
			uses--
		}
		return undone
	})
	if len(one.at) == 0 {
		delete(c.used, key)
		return
	}
	c.used[key] = one
}

// wait gives how long it takes until there are fewer than n uses in a time.
func (u uses) wait(now time.Time, n int, per time.Duration) time.Duration {
	over := len(u.at) - n
	if over < 0 {
		return 0
	}
	return min(max(per-now.Sub(u.at[over]), 0), per)
}

// own gives how long to wait for this process's own uses to be over. While the shared
// limiter is known to be away it gives 0: that must be asked whether it is back.
func (c *Counter) own(key string, n int, per time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.until.IsZero() {
		return 0
	}
	return c.used[key].wait(c.now(), n, per)
}

// answers notes that the shared limiter is there.
func (c *Counter) answers() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Time{}
}

func (c *Counter) isAlone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Before(c.until)
}

// fails notes that the shared limiter does not answer.
func (c *Counter) fails(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // we left, not the limiter
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.until = now.Add(alone)
	if c.told.IsZero() || now.Sub(c.told) >= tellAway {
		c.told = now
		c.logger.WarnContext(ctx, "shared limits are away, this process counts alone", "err", err)
	}
}

// sweep forgets what is over, once a minute, with the lock held.
func (c *Counter) sweep(now time.Time) {
	if now.Sub(c.swept) < time.Minute {
		return
	}
	c.swept = now
	for key, one := range c.used {
		if now.Sub(one.at[len(one.at)-1]) >= one.per {
			delete(c.used, key)
		}
	}
}
