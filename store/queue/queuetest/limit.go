package queuetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Limiter is what the suite of buckets tests; the bot declares the same.
type Limiter interface {
	Take(ctx context.Context, key string, n int, per time.Duration) (time.Duration, error)
}

// LimiterOpener makes the room of one test: replica gives one more process on
// the same buckets, or the same when there is only one; pass lets time pass.
type LimiterOpener func(t *testing.T) (replica func() Limiter, pass func(time.Duration))

// RunLimiter runs the suite of buckets.
func RunLimiter(t *testing.T, open LimiterOpener) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func() Limiter, func(time.Duration)){
		"as many as allowed, and no more":      testLimit,
		"it goes on when the time is over":     testLimitOver,
		"no span has more than n":              testLimitSpan,
		"keys and replicas":                    testLimitShared,
		"many at a time":                       testLimitCrowd,
		"what cannot be asked for":             testLimitInvalid,
		"one use in a time is a distance":      testLimitOne,
		"asking again while it waits is free":  testLimitFree,
		"a key is free again without its past": testLimitForgets,
		"several at once are asked for lower":  testLimitSeveral,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replica, pass := open(t)
			test(t, replica, pass)
		})
	}
}

// long is longer than any test takes, short may really be waited for.
const (
	long  = 10 * time.Minute
	short = 300 * time.Millisecond
)

func take(t *testing.T, l Limiter, key string, n int, per time.Duration) time.Duration {
	t.Helper()
	wait, err := l.Take(t.Context(), key, n, per)
	if err != nil {
		t.Fatalf("take %s: %v", key, err)
	}
	if wait < 0 || wait > per {
		t.Fatalf("take %s: wait %s of %s", key, wait, per)
	}
	return wait
}

// Whoever wants several uses at once asks first for one at a limit that is lower by the
// others: it is refused while fewer are free, and nothing that counts is forgotten by it.
func testLimitSeveral(t *testing.T, replica func() Limiter, _ func(time.Duration)) {
	l := replica()
	for _, step := range []struct {
		n    int
		free bool
	}{{5, true}, {5, true}, {5, true}, {3, false}, {4, true}, {4, false}, {5, true}, {5, false}} {
		if wait := take(t, l, "k", step.n, long); (wait == 0) != step.free {
			t.Errorf("at a limit of %d it waits %s, want free %v", step.n, wait, step.free)
		}
	}
}

func testLimit(t *testing.T, replica func() Limiter, _ func(time.Duration)) {
	l := replica()
	for i := range 5 {
		if wait := take(t, l, "k", 5, long); wait != 0 {
			t.Fatalf("use %d waits %s", i+1, wait)
		}
	}
	if wait := take(t, l, "k", 5, long); wait < long/2 {
		t.Errorf("one too many waits %s", wait)
	}
}

func testLimitOver(t *testing.T, replica func() Limiter, pass func(time.Duration)) {
	l := replica()
	for range 3 {
		if wait := take(t, l, "k", 1, short); wait != 0 {
			t.Fatalf("after its time it waits %s", wait)
		}
		pass(take(t, l, "k", 1, short))
		pass(time.Millisecond) // a real clock counts in smaller steps than a timer
	}
}

// testLimitSpan takes whatever it gets for a while, and then looks at every span.
func testLimitSpan(t *testing.T, replica func() Limiter, pass func(time.Duration)) {
	l := replica()
	const n = 4
	rounds := 0
	for uses := 0; uses < 4*n; {
		wait := take(t, l, "k", n, short)
		if wait == 0 {
			uses++
			continue
		}
		rounds++
		pass(wait)
	}
	if rounds < 3 { // 16 uses at 4 a span need three waits at least
		t.Errorf("%d uses needed %d waits only", 4*n, rounds)
	}
}

func testLimitShared(t *testing.T, replica func() Limiter, _ func(time.Duration)) {
	one, two := replica(), replica()
	if take(t, one, "k", 2, long) != 0 || take(t, two, "k", 2, long) != 0 {
		t.Fatal("two uses were refused")
	}
	if take(t, one, "k", 2, long) == 0 || take(t, two, "k", 2, long) == 0 {
		t.Error("replicas do not count together")
	}
	if take(t, one, "别的", 2, long) != 0 {
		t.Error("another key waits")
	}
}

func testLimitCrowd(t *testing.T, replica func() Limiter, _ func(time.Duration)) {
	const n, each = 20, 15
	var got atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		l := replica()
		group.Go(func() {
			for range each {
				wait, err := l.Take(t.Context(), "k", n, long)
				if err != nil {
					t.Errorf("take: %v", err)
				}
				if wait == 0 && err == nil {
					got.Add(1)
				}
			}
		})
	}
	group.Wait()
	if got.Load() != n {
		t.Errorf("%d uses of %d", got.Load(), n)
	}
}

func testLimitInvalid(t *testing.T, replica func() Limiter, _ func(time.Duration)) {
	l := replica()
	for what, ask := range map[string]func() (time.Duration, error){
		"no key":  func() (time.Duration, error) { return l.Take(t.Context(), "", 1, long) },
		"no uses": func() (time.Duration, error) { return l.Take(t.Context(), "k", 0, long) },
		"no time": func() (time.Duration, error) { return l.Take(t.Context(), "k", 1, 0) },
	} {
		if _, err := ask(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func testLimitOne(t *testing.T, replica func() Limiter, pass func(time.Duration)) {
	l := replica()
	if take(t, l, "card", 1, long) != 0 {
		t.Fatal("the first waits")
	}
	pass(short)
	if wait := take(t, l, "card", 1, long); wait == 0 || wait > long-short {
		t.Errorf("the second waits %s", wait)
	}
}

func testLimitFree(t *testing.T, replica func() Limiter, pass func(time.Duration)) {
	l := replica()
	if take(t, l, "k", 1, short) != 0 {
		t.Fatal("the first waits")
	}
	slow := false // a machine so slow that its time was over meanwhile
	for range 20 {
		slow = take(t, l, "k", 1, short) == 0 || slow
	}
	pass(short + time.Millisecond)
	if wait := take(t, l, "k", 1, short); wait != 0 && !slow {
		t.Errorf("those that waited were counted: %s", wait)
	}
}

func testLimitForgets(t *testing.T, replica func() Limiter, pass func(time.Duration)) {
	l := replica()
	for i := range 50 {
		take(t, l, fmt.Sprint("k", i), 1, short)
	}
	pass(2 * short)
	for i := range 50 {
		if wait := take(t, l, fmt.Sprint("k", i), 1, short); wait != 0 {
			t.Errorf("key %d waits %s after its time", i, wait)
		}
	}
}
