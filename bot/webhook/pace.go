package webhook

import (
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/bot"
)

var (
	_ bot.Paced = (*Robot)(nil)
	_ bot.Sized = (*Robot)(nil)
)

// Pace tells how often the robot may speak: a little less than its platform
// allows. Send counts the same itself, in this process; a count that all
// replicas share should be kept before it.
func (r *Robot) Pace(bot.Outgoing) []bot.Pace {
	out := make([]bot.Pace, 0, len(r.vendor.limits))
	for _, l := range r.vendor.limits {
		out = append(out, bot.Pace{Scope: bot.PaceApp, N: l.n, Per: l.per})
	}
	return out
}

// Messages tells in how many parts a letter comes when none of it has arrived.
func (r *Robot) Messages(o bot.Outgoing) int {
	parts, err := r.vendor.draw(r, o, form{shrink: 1})
	if err != nil {
		return 1 // it is not sent either
	}
	return max(len(parts), 1)
}

// limit is a number of messages within a time.
type limit struct {
	n   int
	per time.Duration
}

// pace is a robot's own count of what it said, so that the platform never has
// to block it: DingTalk does so for ten minutes.
type pace struct {
	mu     *sync.Mutex
	limits []limit
	state  *paceState
}

type paceState struct {
	said  []time.Time // oldest first, within the longest limit
	until time.Time   // silent until then: the platform said so
}

func newPace(limits []limit) pace {
	return pace{mu: &sync.Mutex{}, limits: limits, state: &paceState{}}
}

// take counts n messages at once, or tells how long to wait until they fit. A
// message of more parts than a limit allows is let through when nothing else
// was said.
func (p pace) take(now time.Time, n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	wait := max(s.until.Sub(now), 0)
	longest := time.Duration(0)
	for _, l := range p.limits {
		longest = max(longest, l.per)
		wait = max(wait, s.wait(now, n, l))
	}
	if wait > 0 {
		return wait
	}
	for len(s.said) > 0 && now.Sub(s.said[0]) >= longest {
		s.said = s.said[1:]
	}
	for range n {
		s.said = append(s.said, now)
	}
	return 0
}

// wait tells when n more fit into a limit.
func (s *paceState) wait(now time.Time, n int, l limit) time.Duration {
	recent := s.said
	for len(recent) > 0 && now.Sub(recent[0]) >= l.per {
		recent = recent[1:]
	}
	over := min(len(recent)+n-l.n, len(recent))
	if over <= 0 {
		return 0
	}
	return max(l.per-now.Sub(recent[over-1]), time.Millisecond)
}

// hold keeps the robot silent for a while.
func (p pace) hold(now time.Time, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := now.Add(d); until.After(p.state.until) {
		p.state.until = until
	}
}
