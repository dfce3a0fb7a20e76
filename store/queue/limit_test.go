package queue_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The buckets know no bot, so the proof that they fit stands here.
var (
	_ bot.Limiter = (*queue.Buckets)(nil)
	_ bot.Limiter = (*queue.Redis)(nil)
)

// tame is a clock that moves when it is told to.
type tame struct {
	mu sync.Mutex
	at time.Time
}

func (c *tame) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *tame) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	queuetest.RunLimiter(t, func(*testing.T) (func() queuetest.Limiter, func(time.Duration)) {
		clock := &tame{at: time.Date(2026, 10, 8, 10, 0, 0, 0, time.UTC)}
		one := queue.NewBuckets(clock.now)
		return func() queuetest.Limiter { return one }, clock.pass
	})
}

func TestMiniredisBuckets(t *testing.T) {
	t.Parallel()
	queuetest.RunLimiter(t, func(t *testing.T) (func() queuetest.Limiter, func(time.Duration)) {
		m := miniredis.RunT(t)
		clock := &tame{at: time.Date(2026, 10, 8, 10, 0, 0, 0, time.UTC)}
		m.SetTime(clock.now())
		return limiters(t, "redis://"+m.Addr()), func(d time.Duration) {
			clock.pass(d)
			m.SetTime(clock.now())
			m.FastForward(d)
		}
	})
}

// limiters opens replicas on one server.
func limiters(t *testing.T, url string) func() queuetest.Limiter {
	t.Helper()
	var n atomic.Int64
	return func() queuetest.Limiter {
		return open(t, queue.Options{URL: url, Consumer: fmt.Sprint("c", n.Add(1))})
	}
}

// wait lets real time pass.
func wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

func TestRealRedisBuckets(t *testing.T) {
	t.Parallel()
	queuetest.RunLimiter(t, func(t *testing.T) (func() queuetest.Limiter, func(time.Duration)) {
		return limiters(t, startServer(t)), wait
	})
}

// A bucket is one key with an end, so that a Cluster keeps it anywhere and Redis
// does not fill up.
func TestBucketsOnACluster(t *testing.T) {
	t.Parallel()
	s := queuetest.StartSlotted(t, 3, false)
	b := open(t, queue.Options{URL: s.URL(), Consumer: "c"})
	for i := range 30 {
		if _, err := b.Take(t.Context(), fmt.Sprint("chat:", i), 3, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	total := 0
	for i, m := range s.Masters {
		c := m.Client(t)
		keys := c.Keys(t.Context(), "*").Val()
		if len(keys) == 0 {
			t.Errorf("master %d keeps none", i)
		}
		total += len(keys)
		for _, key := range keys {
			if ttl := c.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > time.Minute {
				t.Errorf("%s lives for %s", key, ttl)
			}
		}
	}
	if total != 30 {
		t.Errorf("%d keys", total)
	}
}

// A list never grows beyond what is counted, and a clock that was set back blocks
// nobody for an hour.
func TestBucketsAreBounded(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	at := time.Date(2026, 10, 8, 10, 0, 0, 0, time.UTC)
	m.SetTime(at)
	b := open(t, queue.Options{URL: "redis://" + m.Addr(), Consumer: "c"})
	for i := range 40 {
		m.SetTime(at.Add(time.Duration(i) * time.Second))
		if _, err := b.Take(t.Context(), "k", 3, 2*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	all, err := m.List("rollcall:limit:k")
	if err != nil || len(all) > 3 || !slices.IsSortedFunc(all, func(x, y string) int { return strings.Compare(y, x) }) {
		t.Errorf("the list is %q, %v", all, err)
	}
	m.SetTime(at.Add(-time.Hour))
	if wait, err := b.Take(t.Context(), "k", 3, 2*time.Second); wait != 0 || err != nil {
		t.Errorf("after the clock was set back: %s, %v", wait, err)
	}
}

func TestBucketsWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	b := open(t, queue.Options{URL: "redis://" + m.Addr(), Consumer: "c"})
	m.Close()
	if _, err := b.Take(t.Context(), "k", 1, time.Minute); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("take: %v", err)
	}
}

// Keys that nobody uses any more are forgotten, those in use are not.
func TestBucketsForget(t *testing.T) {
	t.Parallel()
	clock := &tame{at: time.Date(2026, 10, 8, 10, 0, 0, 0, time.UTC)}
	b := queue.NewBuckets(clock.now)
	for _, per := range []time.Duration{time.Second, time.Hour} {
		if wait, err := b.Take(t.Context(), per.String(), 1, per); wait != 0 || err != nil {
			t.Fatal(wait, err)
		}
	}
	clock.pass(2 * time.Minute)
	if wait, _ := b.Take(t.Context(), "other", 1, time.Second); wait != 0 {
		t.Fatal(wait)
	}
	if wait, _ := b.Take(t.Context(), time.Hour.String(), 1, time.Hour); wait != 58*time.Minute {
		t.Errorf("a key in use waits %s", wait)
	}
	if n := queue.BucketCount(b); n != 2 {
		t.Errorf("%d keys are kept, want 2", n)
	}
}
