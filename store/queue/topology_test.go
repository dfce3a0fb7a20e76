package queue_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/store/queue/queuetest"
)

// TestCluster runs the suites on a Redis Cluster of three masters. No call holds
// keys of two slots, or Redis would refuse it (CROSSSLOT).
func TestCluster(t *testing.T) {
	t.Parallel()
	s := queuetest.StartSlotted(t, 3, false)
	t.Run("bell", func(t *testing.T) {
		var n atomic.Int64
		queuetest.Run(t, func(t *testing.T) func() queuetest.Bell {
			return replicas(t, s.URL(), fmt.Sprint("runs-", n.Add(1)))
		})
	})
	t.Run("buckets", func(t *testing.T) {
		t.Parallel()
		var n atomic.Int64
		queuetest.RunLimiter(t, func(t *testing.T) (func() queuetest.Limiter, func(time.Duration)) {
			own := fmt.Sprint("test", n.Add(1), ":")
			each := limiters(t, s.URL())
			return func() queuetest.Limiter { return prefixed{each(), own} }, wait
		})
	})
}

// prefixed keeps the keys of tests on one server apart.
type prefixed struct {
	queuetest.Limiter
	prefix string
}

func (p prefixed) Take(ctx context.Context, key string, n int, per time.Duration) (time.Duration, error) {
	if key != "" {
		key = p.prefix + key
	}
	return p.Limiter.Take(ctx, key, n, per)
}

// TestSentinel runs the suite on a server that Sentinels name.
func TestSentinel(t *testing.T) {
	t.Parallel()
	g := queuetest.StartGuarded(t)
	var n atomic.Int64
	queuetest.Run(t, func(t *testing.T) func() queuetest.Bell {
		return replicas(t, g.URL(), fmt.Sprint("runs-", n.Add(1)))
	})
}

// flow rings bells all the time, as a sweeper does: what nobody has answered is
// rung again. It gives when each key was first answered.
type flow struct {
	mu       sync.Mutex
	answered map[string]time.Time
	doubled  int // answered more than once, which does no harm
	rung     atomic.Int64
}

// start rings at one bell and listens at the others until stop.
func (f *flow) start(t *testing.T, ringer *queue.Redis, listeners ...*queue.Redis) (stop func()) {
	t.Helper()
	f.answered = map[string]time.Time{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var group sync.WaitGroup
	for _, b := range listeners {
		group.Go(func() {
			if err := b.Listen(ctx, 2, f.answer); err != nil {
				t.Errorf("listen: %v", err)
			}
		})
	}
	group.Go(func() { // who rings listens, too: a ring that Redis does not take wakes it
		if err := ringer.Listen(ctx, 1, f.answer); err != nil {
			t.Errorf("listen: %v", err)
		}
	})
	group.Go(func() {
		for ctx.Err() == nil {
			n := f.rung.Add(1)
			_ = ringer.Ring(ctx, fmt.Sprint("k", n)) // a failed one wakes this process
			if n%10 == 0 {                           // the sweep
				f.mu.Lock()
				var due []string
				for i := range n {
					if key := fmt.Sprint("k", i+1); f.answered[key].IsZero() {
						due = append(due, key)
					}
				}
				f.mu.Unlock()
				for _, key := range due[:min(20, len(due))] {
					_ = ringer.Ring(ctx, key)
				}
			}
			wait(10 * time.Millisecond)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(stop)
	return stop
}

func (f *flow) answer(_ context.Context, key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.answered[key].IsZero() {
		f.answered[key] = time.Now()
		return
	}
	f.doubled++
}

// caughtUp waits until every key that was rung by now is answered.
func (f *flow) caughtUp(t *testing.T) {
	t.Helper()
	n := f.rung.Load()
	queuetest.Until(t, fmt.Sprintf("all of %d rings are answered", n), func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i := range n {
			if f.answered[fmt.Sprint("k", i+1)].IsZero() {
				return false
			}
		}
		return true
	})
}

// takes gives whether Redis counts now: it does not while it is away.
func takes(t *testing.T, b *queue.Redis, key string) bool {
	t.Helper()
	_, err := b.Take(t.Context(), key, 1000, time.Minute)
	return err == nil
}

// TestP06_FailoverBySentinel kills the master while rings flow. The queue and the
// buckets go on with the replica, well within 30 s, and every ring is answered.
func TestP06_FailoverBySentinel(t *testing.T) {
	t.Parallel()
	g := queuetest.StartGuarded(t)
	var log logged
	one := open(t, queue.Options{URL: g.URL(), Consumer: "c1", Logger: log.logger()})
	two := open(t, queue.Options{URL: strings.Replace(g.URL(), "redis-sentinel", "redis+sentinel", 1), Consumer: "c2"})
	var f flow
	stop := f.start(t, one, two)
	f.caughtUp(t)
	if n := g.Replica.Client(t).XLen(t.Context(), "rollcall:runs"); n.Err() != nil {
		t.Fatal(n.Err())
	}
	g.Master.Kill()
	killed := time.Now()
	queuetest.Until(t, "the replica is the master", func() bool {
		return strings.Contains(g.Replica.Client(t).Info(t.Context(), "replication").Val(), "role:master")
	})
	queuetest.Until(t, "rings and counts are taken again", func() bool {
		return one.Ring(t.Context(), "k1") == nil && takes(t, one, "chat") && takes(t, two, "chat")
	})
	backSince(t, killed)
	t.Logf("%d rung", f.rung.Load())
	f.caughtUp(t)
	queuetest.Until(t, "it is told that Redis is back", func() bool { return log.count("redis is back") > 0 })
	stop()
	c := g.Replica.Client(t)
	if n := c.Exists(t.Context(), "rollcall:limit:chat").Val(); n != 1 {
		t.Error("the buckets are not on the new master")
	}
}

// TestP06_FailoverInACluster kills the master that keeps the stream: first with a
// replica that follows it, then, after it has become the master, without any. The
// buckets of the other masters go on all the time.
func TestP06_FailoverInACluster(t *testing.T) {
	t.Parallel()
	s := queuetest.StartSlotted(t, 3, true)
	var log logged
	one := open(t, queue.Options{URL: s.URL(), Consumer: "c1", Logger: log.logger()})
	two := open(t, queue.Options{URL: s.URL(), Consumer: "c2"})
	var f flow
	stop := f.start(t, one, two)
	f.caughtUp(t)
	owner := s.Owner(t, "rollcall:runs")
	other := ""
	for i := 0; other == "" || s.Owner(t, "rollcall:limit:"+other) == owner; i++ {
		other = fmt.Sprint("chat", i)
	}
	queuetest.Until(t, "a bucket is counted", func() bool { return takes(t, one, other) })
	s.Masters[owner].Kill()
	killed := time.Now()
	queuetest.Until(t, "a bucket on another master is counted", func() bool { return takes(t, two, other) })
	queuetest.Until(t, "rings are taken again", func() bool { return one.Ring(t.Context(), "k1") == nil && two.Ring(t.Context(), "k1") == nil })
	backSince(t, killed)
	f.caughtUp(t)

	s.Replicas[owner].Kill() // nobody keeps the stream any more
	f.caughtUp(t)
	queuetest.Until(t, "a bucket on another master is counted", func() bool { return takes(t, one, other) })
	if err := one.Ring(t.Context(), "k1"); err == nil {
		t.Error("a ring is taken by nobody")
	}
	stop()
}

// TestClusterRights uses a Cluster with a user who may do what docs/operations.md
// says, and nothing else.
func TestClusterRights(t *testing.T) {
	t.Parallel()
	s := queuetest.StartSlotted(t, 3, false)
	for _, m := range s.Masters {
		command := []any{"ACL", "SETUSER", "rollcall", "on", ">geheim"}
		for word := range strings.FieldsSeq(rights + " +cluster|slots") {
			command = append(command, word)
		}
		m.Do(t, command...)
	}
	b := open(t, queue.Options{URL: strings.Replace(s.URL(), "://", "://rollcall:geheim@", 1), Consumer: "c"})
	queuetest.Until(t, "it is ready", func() bool { return b.Ready(t.Context()) == nil })
	queuetest.Until(t, "its settings are read", func() bool { _, err := b.Warnings(t.Context()); return err == nil })
	heard := listening(t, b)
	for i := range 20 {
		ringUntil(t, b, heard, fmt.Sprint("k", i))
		queuetest.Until(t, "a bucket is counted", func() bool { return takes(t, b, fmt.Sprint("chat", i)) })
	}
}
