package engine

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// hintedMax is how many objects small runs take within wholeEvery, together; more
	// are a full run, whose guards see all of them at once.
	hintedMax = 200
	// wholeEvery is how often events may start a full run of a flow, and how long a
	// flow is left alone whose small run could not read.
	wholeEvery = 10 * time.Minute
	// paceRuns is how many runs are looked at to tell the pace, more than there can
	// be small ones within wholeEvery; paceSpan is how far back, beside the time that one may read.
	paceRuns = 1000
	paceSpan = 3 * wholeEvery
)

// pace is what events have started lately, whichever process did it.
type pace struct {
	whole time.Time // when the last full run was started
	taken int       // objects given to small runs since, within wholeEvery
	rest  time.Time // nothing is started before
}

// paceOf reads the pace from a flow's runs, newest first.
func paceOf(runs []run.Run, now time.Time) pace {
	var p pace
	for i := range runs {
		r := &runs[i]
		switch {
		case r.Trigger != run.ByEvent:
			continue
		case r.Objects == "":
			if p.whole.IsZero() {
				p.whole = r.Created
			}
			continue
		case r.State == run.Blocked, unread(r):
			// Its systems could not be asked, or somebody has to mend the rule: every
			// further event would only end the same way, in the room too.
			if until := r.Updated.Add(wholeEvery); until.After(p.rest) {
				p.rest = until
			}
		}
		if p.whole.IsZero() && now.Sub(r.Created) < wholeEvery && !unread(r) {
			p.taken += len(r.Objects.All())
		}
	}
	return p
}

// unread tells whether a run ended before it had a plan.
func unread(r *run.Run) bool { return r.State == run.Failed && r.Plan.IsZero() }

// batch is what is acted on at once: the hints, and what they ask for.
type batch struct {
	hints  []run.Hint
	keys   []directory.Key // of a small run
	whole  bool
	shrunk bool
}

// pile is what waits of a flow, by what it asks for.
type pile struct {
	shrunk, small, whole batch
	named, wanted        time.Time // since when a small run, and a full one, is asked for
}

// pileOf sorts hints. A full run is made of the named as well.
func pileOf(hints []run.Hint) pile {
	var p pile
	for _, h := range hints {
		since := &p.wanted
		switch h.What {
		case run.HintShrunk:
			p.shrunk.shrunk, p.shrunk.hints = true, append(p.shrunk.hints, h)
			continue
		case run.HintWhole:
		case run.HintNamed:
			since = &p.named
			p.small.hints, p.small.keys = append(p.small.hints, h), append(p.small.keys, h.Key)
		}
		p.whole.whole, p.whole.hints = true, append(p.whole.hints, h)
		if since.IsZero() || h.At.Before(*since) {
			*since = h.At
		}
	}
	return p
}

// choose gives what is acted on now, once its time is over: after is the flow's time
// after a change, 0 when it does not listen and heeds nothing but that its source
// shows less. Otherwise it gives how long to wait yet. While a full run waits, those
// who are named need not.
func choose(hints []run.Hint, p pace, now time.Time, after time.Duration) (batch, time.Duration) {
	have := pileOf(hints)
	switch {
	case have.shrunk.shrunk:
		return have.shrunk, 0
	case after == 0:
		return batch{}, longestWait
	case p.rest.After(now):
		return batch{}, p.rest.Sub(now)
	}
	small, whole := longestWait, longestWait
	if !have.named.IsZero() {
		small = have.named.Add(after).Sub(now)
	}
	if small <= 0 && p.taken+len(have.small.keys) > hintedMax {
		// Changes that trickle in must not get by the guards of a full run.
		small = longestWait
		if have.wanted.IsZero() || have.named.Before(have.wanted) {
			have.wanted = have.named
		}
	}
	if !have.wanted.IsZero() {
		whole = max(have.wanted.Add(after).Sub(now), p.whole.Add(wholeEvery).Sub(now))
	}
	switch {
	case whole <= 0:
		return have.whole, 0
	case small <= 0:
		return have.small, 0
	default:
		return batch{}, min(small, whole)
	}
}
