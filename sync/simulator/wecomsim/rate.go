package wecomsim

import "time"

const minute = time.Minute

// window counts the calls of one path in one minute.
type window struct {
	start time.Time
	calls int
}

// countRate counts a call and refuses it above the limit. The caller holds mu.
func (s *Sim) countRate(path string) *Refusal {
	if s.options.PerMinute <= 0 {
		return nil
	}
	now := s.options.Now()
	w := s.rates[path]
	if w == nil || now.Sub(w.start) >= minute {
		w = &window{start: now}
		s.rates[path] = w
	}
	w.calls++
	if w.calls > s.options.PerMinute {
		return refuse(codeQuota, "api freq out of limit")
	}
	return nil
}
