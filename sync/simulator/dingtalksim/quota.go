package dingtalksim

import "time"

// Quota is a number of uses per calendar month of the corp, in Beijing time.
type Quota struct {
	Calls    int // counted /v1.0 calls: robot sends and cards; not tokens
	Messages int // Stream and callback messages received, and webhook sends
}

// meter counts uses against a quota and calls per second.
type meter struct {
	limit  Quota // 0 = no limit
	used   map[string]Quota
	recent map[string][]time.Time // by method and path: accepted in the last second
}

func newMeter() meter {
	return meter{used: map[string]Quota{}, recent: map[string][]time.Time{}}
}

// SetQuota sets the monthly limits; a zero field means no limit. The free
// edition has Quota{Calls: 5000, Messages: 3000}.
func (s *Sim) SetQuota(limit Quota) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter.limit = limit
}

// Usage gives what the running month has used.
func (s *Sim) Usage() Quota {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.meter.used[s.month()]
}

func (s *Sim) month() string {
	return s.opts.Now().In(time.FixedZone("CST", 8*3600)).Format("2006-01")
}

// spendCall takes one call from the quota and tells whether there was one. The
// caller holds s.mu.
func (s *Sim) spendCall() bool {
	month := s.month()
	used := s.meter.used[month]
	if s.meter.limit.Calls > 0 && used.Calls >= s.meter.limit.Calls {
		return false
	}
	used.Calls++
	s.meter.used[month] = used
	return true
}

// spendMessage takes one message from the quota and tells whether there was
// one. The caller holds s.mu.
func (s *Sim) spendMessage() bool {
	month := s.month()
	used := s.meter.used[month]
	if s.meter.limit.Messages > 0 && used.Messages >= s.meter.limit.Messages {
		return false
	}
	used.Messages++
	s.meter.used[month] = used
	return true
}

// tooFast tells whether this call exceeds the calls per second of its path,
// and counts it when it does not. The caller holds s.mu.
func (s *Sim) tooFast(path string) bool {
	if s.opts.QPS < 0 {
		return false
	}
	now := s.opts.Now()
	recent := within(s.meter.recent[path], now, time.Second)
	if len(recent) >= s.opts.QPS {
		s.meter.recent[path] = recent
		return true
	}
	s.meter.recent[path] = append(recent, now)
	return false
}

// within keeps the times that are younger than span.
func within(times []time.Time, now time.Time, span time.Duration) []time.Time {
	kept := make([]time.Time, 0, len(times)+1)
	for _, t := range times {
		if now.Sub(t) < span {
			kept = append(kept, t)
		}
	}
	return kept
}
