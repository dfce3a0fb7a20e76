// Package outage keeps a log readable while something is away that is tried again and
// again: it says which of the failures are worth a line. It logs nothing itself.
package outage

import (
	"sync"
	"time"
)

// interval is how often a failure that lasts is worth a line.
const interval = time.Minute

// Spell is the time for which one thing is away. The zero value is ready for use, and
// its methods are safe for concurrent use.
type Spell struct {
	mu    sync.Mutex
	began time.Time // zero: it is not away
	told  time.Time
	times int // since it was told last
}

// Bad counts a failure at now, and tells whether it is worth a line: the first one, and
// then one a minute. times are the failures since the line before, this one
// included.
func (s *Spell) Bad(now time.Time) (tell bool, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times++
	first := s.began.IsZero()
	if !first && now.Sub(s.told) < interval {
		return false, s.times
	}
	if first {
		s.began = now
	}
	times = s.times
	s.told, s.times = now, 0
	return true, times
}

// Good notes at now that all is well, and tells whether that is worth a line: it ends
// the spell, which lasted so long.
func (s *Spell) Good(now time.Time) (tell bool, lasted time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		return false, 0
	}
	lasted = now.Sub(s.began)
	s.began, s.told, s.times = time.Time{}, time.Time{}, 0
	return true, lasted
}
