package scripting

import (
	"context"
	"runtime"
	"sync/atomic"
)

// Slots are places for children that judge. Hosts that share them share the
// processors of the machine: together they never judge with more children than
// there are slots. It is safe for concurrent use.
type Slots struct {
	places chan struct{}
	queue  atomic.Int32 // callers that wait
}

// NewSlots makes n places; 0 and less = one per processor.
func NewSlots(n int) *Slots {
	if n <= 0 {
		n = runtime.NumCPU()
	}
	return &Slots{places: make(chan struct{}, n)}
}

// take waits for a place. It gives false when done is closed first, and the cause
// when ctx ends first.
func (s *Slots) take(ctx context.Context, done <-chan struct{}) (bool, error) {
	s.queue.Add(1)
	defer s.queue.Add(-1)
	select {
	case s.places <- struct{}{}:
		return true, nil
	case <-done:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

func (s *Slots) give() { <-s.places }

// wanted tells whether somebody waits for a place.
func (s *Slots) wanted() bool { return s.queue.Load() > 0 }
