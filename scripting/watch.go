package scripting

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"
)

// ticksPerObject is how often the watch looks within the time that an object may
// take.
const ticksPerObject = 8

// waitShare is how much slower a rule's time passes while the parent answers.
const waitShare = 4

// clock is what the judging and the watch know of each other. There is no lock:
// the judging passes here twice for each object.
type clock struct {
	// state counts the judgings, twice each: it is odd while one runs. Whoever makes
	// it even ends it: the judging when it is done, the watch when it takes too long.
	state  atomic.Uint64
	vm     atomic.Pointer[goja.Runtime] // of the judging that runs, or of the next
	asking atomic.Bool                  // the parent is being asked
	orphan atomic.Bool                  // the parent is gone

	// The judging alone uses these. They are for a process that stood still as a whole,
	// and its watch with it: what the rule saw then may be wrong, see prepare.
	most   time.Duration // by the wall; 0 = not asked for
	began  time.Time
	waited time.Duration // for the parent
}

// begin starts the time of an object.
func (c *clock) begin() {
	if c.most > 0 {
		c.began, c.waited = time.Now(), 0 //nolint:forbidigo // how long a process stood still is measured, not injected
	}
	c.state.Add(1)
}

// end ends it, and tells whether the watch did so before, or should have.
func (c *clock) end() (overstayed bool) {
	s := c.state.Load()
	overstayed = s%2 == 0 || !c.state.CompareAndSwap(s, s+1)
	return overstayed || c.most > 0 && time.Since(c.began)-c.waited > c.most
}

// stop ends the judging s unless it has ended by itself. The engine is looked at
// before: when the judging is still s afterwards, it is that one's. It is thrown
// away then, so that the interrupt may come late.
func (c *clock) stop(s uint64) {
	vm := c.vm.Load()
	if vm != nil && c.state.CompareAndSwap(s, s+1) {
		vm.Interrupt(errStopped)
	}
}

// watch looks at the judging until ctx ends.
func (w *worker) watch(ctx context.Context) {
	tick := time.NewTicker(max(w.set.objectTime/ticksPerObject, time.Millisecond))
	defer tick.Stop()
	last, ticks, alone := uint64(0), 0, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch s := w.clock.state.Load(); {
		case s != last || s%2 == 0:
			last, ticks = s, 0
		case w.clock.asking.Load(): // the parent's time counts a little, lest a rule waits for ever
			ticks++
		default:
			ticks += waitShare
		}
		if ticks > waitShare*ticksPerObject {
			w.clock.stop(last)
		}
		w.mu.Lock()
		w.flush()
		w.mu.Unlock()
		if w.clock.orphan.Load() {
			alone++
		}
		if w.confine && alone > 2*ticksPerObject {
			endProcess() // nobody is left to kill us
		}
	}
}
