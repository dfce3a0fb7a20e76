package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/connector"
)

// TestPacerIsShared checks that two replicas together stay below the rate.
func TestPacerIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := queue.NewBuckets(time.Now)
		begin := time.Now()
		done := make(chan error)
		for range 2 {
			p := newSharedPacer(shared)
			go func() {
				for range 50 {
					if err := p.Wait(t.Context(), "read", 10, time.Second); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		// The first ten go at once, the other ninety at ten a second.
		if took := time.Since(begin); took < 8*time.Second || took > 11*time.Second {
			t.Errorf("100 calls of two replicas at 10 a second took %v", took)
		}
	})
}

type deafLimiter struct{ asked int }

func (d *deafLimiter) Take(context.Context, string, int, time.Duration) (time.Duration, error) {
	d.asked++
	return 0, errors.New("connection refused")
}

// TestPacerAlone checks that a process goes on, at its own pace, while the shared
// limits are away, and asks for them again after a while.
func TestPacerAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deaf := &deafLimiter{}
		p := newSharedPacer(deaf)
		begin := time.Now()
		for range 21 {
			if err := p.Wait(t.Context(), "read", 1, time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 19*time.Second || took > 21*time.Second {
			t.Errorf("21 calls at one a second took %v", took)
		}
		if deaf.asked < 2 || deaf.asked > 6 {
			t.Errorf("the limiter that is away was asked %d times", deaf.asked)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Wait(ctx, "read", 1, time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of its context: %v", err)
		}
	})
}

func newSharedPacer(shared interface {
	Take(ctx context.Context, key string, n int, per time.Duration) (time.Duration, error)
},
) *sharedPacer {
	return &sharedPacer{
		system: "feishu", count: bot.NewCounter(shared, time.Now, slog.New(slog.DiscardHandler)), sleep: connector.RealSleep,
	}
}

// lapsingLimiter is away while told so, and has forgotten everything when it is back.
type lapsingLimiter struct {
	*queue.Buckets
	away bool
}

func (l *lapsingLimiter) Take(ctx context.Context, key string, n int, per time.Duration) (time.Duration, error) {
	if l.away {
		return 0, errors.New("connection refused")
	}
	return l.Buckets.Take(ctx, key, n, per)
}

// TestPacerCountsItsOwnWhenRedisIsBack checks that no process passes the pace by itself
// when the shared count goes away, comes back without what was used meanwhile, or has
// forgotten.
func TestPacerCountsItsOwnWhenRedisIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const n, per = 10, time.Minute
		shared := &lapsingLimiter{Buckets: queue.NewBuckets(time.Now)}
		p := newSharedPacer(shared)
		calls := make([]time.Time, 0, 8*n)
		for i := range cap(calls) {
			shared.away = i >= 20 && i < 25 || i >= 41 && i < 44 // in the middle of what is allowed in a minute
			if i == 6*n+3 {
				shared.Buckets = queue.NewBuckets(time.Now)
			}
			if err := p.Wait(t.Context(), "read", n, per); err != nil {
				t.Fatal(err)
			}
			calls = append(calls, time.Now())
			time.Sleep(time.Second)
		}
		for i := n; i < len(calls); i++ {
			if span := calls[i].Sub(calls[i-n]); span < per {
				t.Errorf("calls %d to %d were made within %v", i-n, i, span)
			}
		}
		if took := calls[len(calls)-1].Sub(calls[0]); took > 8*per+per/2 {
			t.Errorf("%d calls at %d a minute took %v", len(calls), n, took)
		}
	})
}
