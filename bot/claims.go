package bot

import (
	"sync"
	"time"
)

// claims knows what became of the messages that were taken in here. A claim that
// failed may be in the record all the same: the database did not answer in time, and
// wrote it then. Whoever was told that a message was not accepted sends it again, so
// that the first must not be obeyed as well.
type claims struct {
	mu    sync.Mutex
	open  map[string]int // being claimed now, and how often
	last  map[string]claimed
	swept time.Time
}

// claimed is what is known of a message.
type claimed struct {
	at      time.Time
	refused bool // the sender is told that it was not accepted; else it was begun
}

// How long a message is remembered that was begun, of which the record knows as well,
// and one that was refused, which the record may show once it is back.
const (
	begunTime   = time.Hour
	refusedTime = 24 * time.Hour
)

// enter notes that a message is being claimed: until leave nobody begins it. It gives
// false for one that was refused before, and stays so.
func (c *claims) enter(id string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep(now)
	if c.last[id].refused {
		return false
	}
	if c.open == nil {
		c.open = map[string]int{}
	}
	c.open[id]++
	return true
}

// leave ends what enter began, and tells whether the message is refused. One that was
// begun here is in the record, whatever its claim says.
func (c *claims) leave(id string, failed bool, now time.Time) (refused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[id]--; c.open[id] == 0 {
		delete(c.open, id)
	}
	if _, begun := c.last[id]; !begun && failed {
		c.note(id, claimed{now, true})
	}
	return c.last[id].refused
}

// begin takes a message up, if it may be obeyed: it gives wait while it is being
// claimed, and refused when it never may.
func (c *claims) begin(id string, now time.Time) (wait, refused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.last[id].refused:
		return false, true
	case c.open[id] > 0:
		return true, false
	}
	c.note(id, claimed{at: now})
	return false, false
}

// note remembers, with the lock held.
func (c *claims) note(id string, one claimed) {
	if c.last == nil {
		c.last = map[string]claimed{}
	}
	c.last[id] = one
}

// sweep forgets what is old, now and then, with the lock held.
func (c *claims) sweep(now time.Time) {
	if now.Sub(c.swept) < begunTime {
		return
	}
	c.swept = now
	for id, one := range c.last {
		keep := begunTime
		if one.refused {
			keep = refusedTime
		}
		if now.Sub(one.at) > keep {
			delete(c.last, id)
		}
	}
}
