package bot

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// farBuckets are buckets that are a network away.
type farBuckets struct{ all buckets }

func (f *farBuckets) Take(ctx context.Context, key string, n int, per time.Duration) (time.Duration, error) {
	time.Sleep(time.Millisecond) // the way there, in a bubble
	return f.all.Take(ctx, key, n, per)
}

// Letters that go into one chat side by side do not pass its limit together: DingTalk
// silences a robot for ten minutes then.
func TestLettersSideBySideDoNotPassALimitTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		far := &farBuckets{all: buckets{now: time.Now}}
		p := pacer{Counter: NewCounter(far, time.Now, slog.New(slog.DiscardHandler))}
		chat := limit{Pace{PaceChat, 18, time.Minute}, "chat"}
		for minute := range 3 {
			var said atomic.Int64
			var all sync.WaitGroup
			for range senders {
				all.Go(func() {
					if p.takeAll(t.Context(), chat, 5) == 0 {
						said.Add(5)
					}
				})
			}
			all.Wait()
			if n := said.Load(); n != 15 {
				t.Errorf("minute %d: %d messages were let through, want 15 of at most 18", minute, n)
			}
			time.Sleep(time.Minute)
		}
		// Another replica has used up what we would need: then nothing counts as ours.
		for range 16 {
			if wait, err := far.Take(t.Context(), "chat", 18, time.Minute); wait > 0 || err != nil {
				t.Fatal(wait, err)
			}
		}
		if wait := p.takeAll(t.Context(), chat, 5); wait <= 0 || wait > time.Minute {
			t.Errorf("five more than another replica left: %s", wait)
		}
		for range 2 {
			if wait := p.Take(t.Context(), "chat", 18, time.Minute); wait > 0 {
				t.Errorf("what was taken back is gone: %s", wait)
			}
		}
	})
}
