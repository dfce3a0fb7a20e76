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
	mu     sync.Mutex
	open   map[string]int     // being claimed now, and how often
	last   map[string]claimed // the newest
	former map[string]claimed // those before, until last is full or an hour old
	kept   int                // of last, those that came over from former
	turned time.Time
}

// claimed is what is known of a message.
type claimed struct {
	at      time.Time
	refused bool // the sender is told that it was not accepted; else it was begun
}

// How long a message is remembered that was begun, of which the record knows as well,
// and one that was refused, which the record may show once it is back: not longer than
// that, and for as long unless more than mostClaims come meanwhile. Then what was begun
// last stays, and what was refused within leastRefused: later it is too late to be
// obeyed anyway.
const (
	begunTime    = time.Hour
	refusedTime  = 24 * time.Hour
	leastRefused = 2 * defaultLate
	mostClaims   = 8_192
)

// enter notes that a message is being claimed: until leave nobody begins it. It gives
// false for one that was refused before, and stays so.
func (c *claims) enter(id string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn(now)
	if one, _ := c.known(id, now); one.refused {
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
	one, there := c.known(id, now)
	if !there && failed {
		one = claimed{now, true}
		c.note(id, one)
	}
	return one.refused
}

// begin takes a message up, if it may be obeyed: it gives wait while it is being
// claimed, and refused when it never may.
func (c *claims) begin(id string, now time.Time) (wait, refused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, _ := c.known(id, now)
	switch {
	case one.refused:
		return false, true
	case c.open[id] > 0:
		return true, false
	}
	c.note(id, claimed{at: now})
	return false, false
}

// known gives what is remembered, with the lock held.
func (c *claims) known(id string, now time.Time) (one claimed, there bool) {
	if one, there = c.last[id]; !there {
		one, there = c.former[id]
	}
	if now.Sub(one.at) > refusedTime {
		return claimed{}, false
	}
	return one, there
}

// note remembers, with the lock held.
func (c *claims) note(id string, one claimed) {
	c.turn(one.at)
	if c.last == nil {
		c.last = map[string]claimed{}
	}
	c.last[id] = one
}

// turn forgets what is old, now and then, with the lock held: of what was noted before
// the last time only what was refused comes over.
func (c *claims) turn(now time.Time) {
	full := len(c.last)-c.kept >= mostClaims
	if !full && now.Sub(c.turned) < begunTime {
		return
	}
	next := map[string]claimed{}
	keep := refusedTime
	if len(c.former) >= mostClaims {
		keep = leastRefused
	}
	for id, one := range c.former {
		if _, newer := c.last[id]; one.refused && !newer && now.Sub(one.at) <= keep {
			next[id] = one
		}
	}
	c.former, c.last, c.kept, c.turned = c.last, next, len(next), now
}
