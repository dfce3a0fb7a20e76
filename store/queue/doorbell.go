// Package queue holds the bells that wake workers, and the buckets that count
// how often something was done: inside the process, or on Redis for several
// replicas.
//
// A bell carries keys and nothing else, it is no record: it may lose a ring or
// ring twice. What is due stands in the store, and a sweeper rings again.
package queue

import (
	"context"
	"slices"
	"sync"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Doorbell is the bell of a single process. Rings of a key that waits are
// merged; a key that is rung while it is answered is answered once more
// afterwards, never by two workers at a time. It is safe for concurrent use.
type Doorbell struct {
	wake chan struct{} // holds one token while keys may wait

	mu      sync.Mutex
	waiting []string        // in the order of their first ring
	busy    map[string]bool // being answered; true = rung again meanwhile
}

// NewDoorbell makes a doorbell.
func NewDoorbell() *Doorbell {
	return &Doorbell{wake: make(chan struct{}, 1), busy: make(map[string]bool)}
}

// Ring tells workers that there is something to do for a key. It never blocks.
// Faults: Invalid for an empty key.
func (d *Doorbell) Ring(_ context.Context, key string) error {
	if key == "" {
		return noKey()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ring(key)
	return nil
}

func noKey() error { return fault.New(fault.Invalid, "a ring needs a key / 唤醒缺少对象") }

// ring is Ring with the lock held.
func (d *Doorbell) ring(key string) {
	if _, busy := d.busy[key]; busy {
		d.busy[key] = true
		return
	}
	if !slices.Contains(d.waiting, key) {
		d.waiting = append(d.waiting, key)
	}
	d.signal()
}

func (d *Doorbell) signal() {
	select {
	case d.wake <- struct{}{}:
	default: // a token is there already
	}
}

// Listen calls answer for each ring until ctx ends, workers of them at a time,
// and returns when the last answer has. A key whose answer was cut off by the
// end of ctx waits for the next listener.
func (d *Doorbell) Listen(ctx context.Context, workers int, answer func(ctx context.Context, key string)) error {
	var group sync.WaitGroup
	for range max(workers, 1) {
		group.Go(func() {
			for {
				key, ok := d.next(ctx)
				if !ok {
					return
				}
				answer(ctx, key)
				d.done(key, ctx.Err() != nil)
			}
		})
	}
	group.Wait()
	return nil
}

// next waits for a key and marks it as busy; false when ctx has ended.
func (d *Doorbell) next(ctx context.Context) (string, bool) {
	for {
		if key, ok := d.take(ctx); ok {
			return key, true
		}
		select {
		case <-ctx.Done():
			d.passOn()
			return "", false
		case <-d.wake:
		}
	}
}

func (d *Doorbell) take(ctx context.Context) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) == 0 || ctx.Err() != nil {
		return "", false
	}
	key := d.waiting[0]
	d.waiting = slices.Delete(d.waiting, 0, 1)
	d.busy[key] = false
	if len(d.waiting) > 0 {
		d.signal()
	}
	return key, true
}

// passOn leaves a token behind for other listeners: this one may have taken it.
func (d *Doorbell) passOn() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) > 0 {
		d.signal()
	}
}

// done ends the answer to a key, which waits again when it was rung meanwhile or
// its answer was cut off.
func (d *Doorbell) done(key string, cutOff bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	again := d.busy[key] || cutOff
	delete(d.busy, key)
	if again {
		d.ring(key)
	}
}
