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
	// be small ones within wholeEvery; paceSpan is how far back.
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

// choose gives what is acted on now, once its time is over: after is the flow's time
// after a change, 0 when it does not listen and heeds nothing but that its source
// shows less. Otherwise it gives how long to wait yet. While a full run waits, those
// who are named need not.
func choose(hints []run.Hint, p pace, now time.Time, after time.Duration) (batch, time.Duration) {
	var small, whole batch
	var named, wanted time.Time // since when
	for _, h := range hints {
		since := &named
		switch h.What {
		case run.HintShrunk:
			return batch{hints: []run.Hint{h}, shrunk: true}, 0
		case run.HintNamed:
			small.hints, small.keys = append(small.hints, h), append(small.keys, h.Key)
		default:
			since = &wanted
		}
		whole.hints = append(whole.hints, h)
		if since.IsZero() || h.At.Before(*since) {
			*since = h.At
		}
	}
	if after == 0 {
		return batch{}, longestWait
	}
	if left := p.rest.Sub(now); left > 0 {
		return batch{}, left
	}
	left := longestWait
	if !named.IsZero() {
		left = named.Add(after).Sub(now)
		if left <= 0 && p.taken+len(small.keys) > hintedMax && (wanted.IsZero() || named.Before(wanted)) {
			// Changes that trickle in must not get by the guards of a full run.
			wanted = named
		}
	}
	if !wanted.IsZero() {
		until := max(wanted.Add(after).Sub(now), p.whole.Add(wholeEvery).Sub(now))
		if until <= 0 {
			whole.whole = true
			return whole, 0
		}
		if left <= 0 && p.taken+len(small.keys) > hintedMax {
			return batch{}, until
		}
		left = min(left, until)
	}
	if !named.IsZero() && left <= 0 {
		return small, 0
	}
	return batch{}, left
}
