package feishusim

import (
	"math"
	"strconv"
	"time"
)

// rate is so many calls in so long a time.
type rate struct {
	n   float64
	per time.Duration
}

// The vendor's rate levels that the imitated calls use. Where the level of a
// call is not published, level 4 stands in.
var (
	level1 = []rate{{10, time.Minute}}
	level4 = []rate{{1000, time.Minute}, {50, time.Second}}
	level5 = []rate{{1, time.Second}}

	perChat    = []rate{{5, time.Second}} // shared by all bots of a group
	perMessage = []rate{{5, time.Second}}
	perHook    = []rate{{100, time.Minute}, {5, time.Second}}
)

// bucket holds one token bucket per rate.
type bucket struct {
	tokens []float64
	last   time.Time
}

// allow takes one token from each bucket of key. When one is empty it takes
// none and gives the time until there is one again. The caller holds the lock.
func (s *Sim) allow(key string, rates []rate) (wait time.Duration, ok bool) {
	if s.o.NoLimits || len(rates) == 0 {
		return 0, true
	}
	now := s.o.Now()
	b := s.limits[key]
	if b == nil {
		b = &bucket{last: now}
		for _, r := range rates {
			b.tokens = append(b.tokens, s.size(r))
		}
		s.limits[key] = b
	}
	elapsed := max(now.Sub(b.last), 0)
	b.last = now
	for i, r := range rates {
		size := s.size(r)
		b.tokens[i] = min(size, b.tokens[i]+size*float64(elapsed)/float64(r.per))
		// The epsilon keeps a refill of exactly one token from being lost to rounding.
		if missing := 1 - b.tokens[i]; missing > 1e-9 {
			wait = max(wait, time.Duration(missing/size*float64(r.per)))
		}
	}
	if wait > 0 {
		return wait, false
	}
	for i := range rates {
		b.tokens[i]--
	}
	return 0, true
}

func (s *Sim) size(r rate) float64 { return r.n * float64(s.o.LimitFactor) }

// limited is the vendor's 429, with the headers that say how long to wait.
func limited(rates []rate, wait time.Duration) *refusal {
	r := refuse(99991400, "request trigger frequency limit")
	seconds := max(int(math.Ceil(wait.Seconds())), 1)
	r.header = map[string]string{
		"x-ogw-ratelimit-limit": strconv.Itoa(int(rates[0].n)),
		"x-ogw-ratelimit-reset": strconv.Itoa(seconds),
	}
	return r
}
