package run

import (
	"testing"
	"time"
	"unsafe"
)

// monotonicBy gives a reading of the clock whose monotonic part is another by d, which
// a test cannot have otherwise: the machine's clock would have to be set.
func monotonicBy(at time.Time, d time.Duration) time.Time {
	parts := (*struct { // see time.Time
		wall uint64
		ext  int64 // the monotonic part, in nanoseconds
	})(unsafe.Pointer(&at))
	parts.ext += int64(d)
	return at
}

// TestP10_ALeaseIsNoLongerThanEitherClockSays: the time of day may be set, and the
// monotonic clock stands still while the machine sleeps.
func TestP10_ALeaseIsNoLongerThanEitherClockSays(t *testing.T) {
	t.Parallel()
	asked := time.Now()
	l := Lease{Until: asked.Add(20 * time.Second)}
	for name, c := range map[string]struct{ day, monotonic, left time.Duration }{
		"both":         {5 * time.Second, 5 * time.Second, 15 * time.Second},
		"set back":     {-time.Hour, 5 * time.Second, 15 * time.Second},
		"set forward":  {time.Hour, 5 * time.Second, 20*time.Second - time.Hour},
		"it has slept": {15 * time.Second, time.Second, 5 * time.Second},
		"over":         {21 * time.Second, 21 * time.Second, -time.Second},
	} {
		now := monotonicBy(asked.Add(c.day), c.monotonic-c.day)
		if got := l.Left(now); got != c.left {
			t.Errorf("%s: %v are left, want %v", name, got, c.left)
		}
		if bare := (Lease{Until: l.Until.Round(0)}); bare.Left(now) != 20*time.Second-c.day {
			t.Errorf("%s: by the time of day %v are left", name, bare.Left(now))
		}
	}
}
