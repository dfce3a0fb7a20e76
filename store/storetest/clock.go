// Package storetest is the suite that every database under *store.Store must
// pass: SQLite today, PostgreSQL later. It holds no test of its own; Run is
// called by the tests beside a database's opener.
package storetest

import (
	"sync"
	"time"
)

// Clock is a clock that moves only when it is told to. It is safe for
// concurrent use.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock gives a clock at a fixed moment.
func NewClock() *Clock { return &Clock{at: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)} }

// Now gives the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
