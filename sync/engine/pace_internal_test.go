package engine

import (
	"cmp"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
)

// told is a flow's hints and runs as the record would have them.
type told struct {
	hints map[hintKey]run.Hint
	runs  []run.Run // newest first
}

func (o *told) add(h run.Hint) {
	key := hintKey{h.What, h.Key}
	if was, there := o.hints[key]; there {
		h.At = was.At
	}
	o.hints[key] = h
	named, oldest := 0, time.Time{}
	for _, h := range o.hints {
		if h.What == run.HintNamed {
			if named++; oldest.IsZero() || h.At.Before(oldest) {
				oldest = h.At
			}
		}
	}
	if named > hintedMax { // as Store.AddHints does
		for key := range o.hints {
			if key.what == run.HintNamed {
				delete(o.hints, key)
			}
		}
		o.add(run.Hint{What: run.HintWhole, At: oldest})
	}
}

func (o *told) all() []run.Hint {
	var all []run.Hint
	for _, h := range o.hints {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b run.Hint) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.What, b.What), cmp.Compare(a.Key.ID, b.Key.ID))
	})
	return all
}

func (o *told) drop(hints []run.Hint) {
	for _, h := range hints {
		delete(o.hints, hintKey{h.What, h.Key})
	}
}

// TestPaceForgetsNobodyAndNeverSpins draws hints, waits and failures: whoever was
// named comes in a small run or before a full one, small runs stay small, and a look
// that gives nothing says how long to wait.
func TestPaceForgetsNobodyAndNeverSpins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		const after = 30 * time.Second
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		o, open, asked, calm := &told{hints: map[hintKey]run.Hint{}}, map[directory.Key]bool{}, false, false
		var last time.Time
		look := func() {
			b, left := choose(o.all(), paceOf(o.runs, now), now, after)
			switch {
			case left > 0:
				if len(b.hints) > 0 || len(b.keys) > 0 || b.whole || b.shrunk {
					rt.Errorf("%+v, and %s to wait", b, left)
				}
				return
			case b.shrunk:
				o.drop(b.hints)
				return
			case b.whole:
				if now.Sub(last) < wholeEvery {
					rt.Error("full runs too close together")
				}
				clear(open)
				last, asked = now, false
			case len(b.keys) == 0:
				rt.Error("nothing, and no time to wait")
			}
			o.drop(b.hints)
			r := run.Run{Trigger: run.ByEvent, Objects: directory.KeysOf(b.keys...), State: run.Succeeded, Created: now, Updated: now, Plan: directory.Digest{1}}
			if len(b.keys) > 0 && !calm && rapid.IntRange(0, 4).Draw(rt, "fails") == 0 {
				r.State, r.Plan = run.Failed, directory.Digest{}
				for _, key := range b.keys {
					o.add(run.Hint{Key: key, At: now})
				}
			}
			o.runs = append([]run.Run{r}, o.runs...)
			if r.State == run.Failed {
				return
			}
			taken := 0
			for _, r := range o.runs {
				if r.Objects == "" || now.Sub(r.Created) >= wholeEvery {
					break
				}
				if r.State == run.Succeeded {
					taken += len(r.Objects.All())
				}
			}
			if taken > hintedMax {
				rt.Errorf("%d objects in small runs without a full one", taken)
			}
			for _, key := range b.keys {
				delete(open, key)
			}
		}
		lowest := rapid.IntRange(0, 1).Draw(rt, "only the named") // a full run hides who is forgotten
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(lowest, 5).Draw(rt, "step") {
			case 0:
				o.add(run.Hint{What: run.HintWhole, At: now})
				asked = true
			case 2:
				o.add(run.Hint{What: run.HintShrunk, At: now})
			default:
				for range rapid.IntRange(1, 120).Draw(rt, "hints") {
					key := directory.Key{Kind: directory.User, ID: directory.ID(strconv.Itoa(rapid.IntRange(0, 400).Draw(rt, "id")))}
					o.add(run.Hint{Key: key, At: now})
					open[key] = true
				}
			}
			look()
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(rt, "seconds")) * time.Second)
		}
		calm = true // nothing fails any more in the end
		for range 400 {
			look()
			now = now.Add(time.Minute)
		}
		if len(open) > 0 || asked {
			rt.Errorf("%d are forgotten, a full run still wanted: %v", len(open), asked)
		}
	})
}

// TestPaceIsReadFromTheRuns sees what earlier runs mean for the next.
func TestPaceIsReadFromTheRuns(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	two := directory.KeysOf(directory.Key{Kind: directory.User, ID: "1"}, directory.Key{Kind: directory.User, ID: "2"})
	small := func(state run.State, d time.Duration) run.Run {
		return run.Run{Trigger: run.ByEvent, Objects: two, State: state, Created: ago(d), Updated: ago(d), Plan: directory.Digest{1}}
	}
	unread := small(run.Failed, time.Minute)
	unread.Plan = directory.Digest{}
	whole := run.Run{Trigger: run.ByEvent, State: run.Succeeded, Created: ago(3 * time.Minute)}
	byHand := run.Run{Trigger: run.ByCommand, State: run.Succeeded, Created: ago(time.Minute)}
	for name, c := range map[string]struct {
		runs []run.Run
		want pace
	}{
		"none":                   {nil, pace{}},
		"small ones count":       {[]run.Run{small(run.Succeeded, time.Minute), small(run.Failed, 9*time.Minute)}, pace{taken: 4}},
		"old ones do not":        {[]run.Run{small(run.Succeeded, 10*time.Minute)}, pace{}},
		"a full one clears them": {[]run.Run{small(run.Succeeded, time.Minute), whole, small(run.Succeeded, 5*time.Minute)}, pace{whole: whole.Created, taken: 2}},
		"a person's does not":    {[]run.Run{byHand, small(run.Succeeded, 2*time.Minute)}, pace{taken: 2}},
		"unread is tried again":  {[]run.Run{unread}, pace{rest: now.Add(9 * time.Minute)}},
		"blocked rests":          {[]run.Run{small(run.Blocked, time.Minute)}, pace{taken: 2, rest: now.Add(9 * time.Minute)}},
	} {
		if got := paceOf(c.runs, now); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
