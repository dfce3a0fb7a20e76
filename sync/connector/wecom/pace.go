package wecom

import (
	"sync"
	"time"
)

// pause stops the whole connection for a time after the vendor said that a
// quota is used up: to go on asking prolongs the block.
type pause struct {
	mu    sync.Mutex
	until time.Time
}

// extend makes the pause last until t at least.
func (p *pause) extend(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.After(p.until) {
		p.until = t
	}
}

// left gives how much of the pause is left.
func (p *pause) left(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.until.Sub(now))
}
