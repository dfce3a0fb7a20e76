package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

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
		system: "feishu", shared: shared, local: connector.NewLocalPacer(time.Now, nil),
		now: time.Now, sleep: connector.RealSleep, log: slog.New(slog.DiscardHandler),
	}
}
