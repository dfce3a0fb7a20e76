package engine

import (
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// TestPendingForgetsNobodyAndNeverSpins draws hints, waits and failures: whoever was
// named comes in a small run or before a full one, small runs stay small, and a look
// that gives nothing says how long to wait.
func TestPendingForgetsNobodyAndNeverSpins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		const after = 30 * time.Second
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		var whole time.Time
		p, open, asked, calm := newPending(), map[directory.Key]bool{}, false, false
		look := func() {
			b, left := p.take(now, whole, after)
			switch {
			case left > 0:
				if len(b.keys) > 0 || b.whole || b.shrunk {
					rt.Errorf("%+v, and %s to wait", b, left)
				}
				return
			case b.whole:
				if now.Sub(whole) < wholeEvery {
					rt.Error("full runs too close together")
				}
				clear(open)
				whole, asked = now, false
			case len(b.keys) == 0 && !b.shrunk:
				rt.Error("nothing, and no time to wait")
			}
			if len(b.keys) > 0 && !calm && rapid.IntRange(0, 4).Draw(rt, "fails") == 0 {
				p.back(b, now, after)
				return
			}
			for _, key := range b.keys {
				delete(open, key)
			}
		}
		lowest := rapid.IntRange(0, 1).Draw(rt, "only the named") // a full run hides who is forgotten
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(lowest, 5).Draw(rt, "step") {
			case 0:
				p.add([]directory.Hint{{}}, true, now)
				asked = true
			case 1:
				p.pause(nil, now)
			case 2:
				p.add([]directory.Hint{{Shrunk: true}}, true, now)
			default:
				for range rapid.IntRange(1, 120).Draw(rt, "hints") {
					key := directory.Key{Kind: directory.User, ID: directory.ID(strconv.Itoa(rapid.IntRange(0, 400).Draw(rt, "id")))}
					p.add([]directory.Hint{{Key: key}}, true, now)
					open[key] = true
				}
			}
			if len(p.keys) > hintedMax {
				rt.Fatalf("%d keys are kept", len(p.keys))
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
