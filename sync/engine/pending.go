package engine

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
)

const (
	// hintedMax is how many objects small runs take within wholeEvery, together; more
	// are a full run, whose guards see all of them at once.
	hintedMax = 200
	// wholeEvery is how often events may start a full run of a flow, and how long a
	// flow is left alone whose small run could not read.
	wholeEvery = 10 * time.Minute
)

// pending are a flow's hints that nobody has acted on, a bounded number of them. It
// is safe for concurrent use.
type pending struct {
	news chan struct{} // holds one when there is something new

	mu     sync.Mutex
	keys   map[directory.Key]bool
	named  time.Time // when the first of keys came
	whole  bool
	wanted time.Time // when whole was set
	shrunk bool
	rest   time.Time // nothing is started before
	taken  int       // objects given to small runs since turned
	turned time.Time
}

func newPending() *pending {
	return &pending{news: make(chan struct{}, 1), keys: map[directory.Key]bool{}}
}

func (p *pending) add(hints []directory.Hint, listens bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range hints {
		switch {
		case h.Shrunk:
			p.shrunk = true
		case !listens:
		case h.Gone, h.Key.ID == "":
			p.want(now)
		default:
			if len(p.keys) == 0 {
				p.named = now
			}
			if p.keys[h.Key] = true; len(p.keys) > hintedMax {
				p.flood()
			}
		}
	}
	p.tell()
}

// want asks for a full run.
func (p *pending) want(now time.Time) {
	if !p.whole {
		p.whole, p.wanted = true, now
	}
}

// flood leaves who is named to a full run: they are too many.
func (p *pending) flood() {
	p.want(p.named)
	clear(p.keys)
}

// tell wakes whoever waits, when there is something to act on.
func (p *pending) tell() {
	if !p.shrunk && !p.whole && len(p.keys) == 0 {
		return
	}
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// batch is what is acted on at once.
type batch struct {
	keys   []directory.Key
	whole  bool
	shrunk bool
}

// take gives what waits and forgets it, once its time is over: after is the flow's
// time after a change, lastWhole when events last started a full run. Otherwise it
// gives how long to wait yet. While a full run waits, those who are named need not.
func (p *pending) take(now, lastWhole time.Time, after time.Duration) (batch, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shrunk {
		p.shrunk = false
		return batch{shrunk: true}, 0
	}
	if left := p.rest.Sub(now); left > 0 {
		return batch{}, left
	}
	due := len(p.keys) > 0 && !now.Before(p.named.Add(after))
	if due && !p.few(now) {
		p.flood()
		due = false
	}
	left := longestWait
	if p.whole {
		if left = max(p.wanted.Add(after).Sub(now), lastWhole.Add(wholeEvery).Sub(now)); left <= 0 {
			p.whole, p.taken = false, 0
			clear(p.keys)
			return batch{whole: true}, 0
		}
	}
	switch {
	case due:
		b := batch{keys: slices.Collect(maps.Keys(p.keys))}
		p.taken += len(b.keys)
		clear(p.keys)
		return b, 0
	case len(p.keys) > 0:
		left = min(left, p.named.Add(after).Sub(now))
	}
	return batch{}, left
}

// few tells whether those who are named may go to a small run: changes that trickle
// in must not get by the guards of a full one.
func (p *pending) few(now time.Time) bool {
	if now.Sub(p.turned) >= wholeEvery {
		p.taken, p.turned = 0, now
	}
	return p.taken+len(p.keys) <= hintedMax
}

// back takes a batch again that could not be acted on; it is due at once.
func (p *pending) back(b batch, now time.Time, after time.Duration) {
	hints := make([]directory.Hint, 0, len(b.keys)+2)
	for _, key := range b.keys {
		hints = append(hints, directory.Hint{Key: key})
	}
	if b.whole {
		hints = append(hints, directory.Hint{})
	}
	if b.shrunk {
		hints = append(hints, directory.Hint{Shrunk: true})
	}
	p.mu.Lock()
	p.taken = max(0, p.taken-len(b.keys))
	p.mu.Unlock()
	p.add(hints, true, now.Add(-after))
}

// pause lets nothing start for a while, and takes back whom a run was about that
// could not read.
func (p *pending) pause(keys []directory.Key, now time.Time) {
	p.mu.Lock()
	p.rest = now.Add(wholeEvery)
	p.mu.Unlock()
	p.back(batch{keys: keys}, now, 0)
}
