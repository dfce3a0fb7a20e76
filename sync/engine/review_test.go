package engine_test

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestAnUndoneDisableLeavesWhatIsKnownOfALeaver has an operator who sees that an
// executive was disabled, takes it back, protects executives, and syncs again.
func TestAnUndoneDisableLeavesWhatIsKnownOfALeaver(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		w.source.objects[directory.Key{Kind: directory.User, ID: "0007"}].Attributes["level"] = directory.TextOf("executive")
		w.until(w.start(true).Code)
		r := w.left("0007")
		w.want(w.approved(w.undo(r.Code, 0)), run.Succeeded)
		if !w.target.active("0007") {
			w.t.Fatal("it is not taken back")
		}
		w.stop()
		w.flow.Plan.Protect.Attributes = map[string][]string{"level": {"executive"}}
		w.open()
		w.want(w.until(w.start(true).Code), run.Blocked)
	})
}

// TestAPartOfAShrunkSourceIsNoMeasure has voters who let one of eight go: what they
// held back is not believed by that.
func TestAPartOfAShrunkSourceIsNoMeasure(t *testing.T) {
	t.Parallel()
	story(t, 60, func(w *world) {
		admin(w)
		w.flow.Plan.Guard.MaxShrinkPercent = 10
	}, func(w *world) {
		r := w.leave(8)
		if r.Tier != plan.SteppedUp {
			w.t.Fatalf("tier %d", r.Tier)
		}
		w.cast(partly(r, by("周凯", ""), 1, list("#1"), nil), "")
		w.cast(ballot(r, by("陈悦", run.FromCLI), 8), "")
		<-time.After(11 * time.Minute)
		w.want(w.until(r.Code), run.Partial)
		if r = w.want(w.until(w.start(true).Code), run.Awaiting); r.Tier != plan.SteppedUp {
			w.t.Errorf("the rest is of tier %d", r.Tier)
		}
	})
}

// TestAPauseDoesNotShortenAnother has somebody who pauses what is paused already,
// for an hour, or by a transport that may not resume.
func TestAPauseDoesNotShortenAnother(t *testing.T) {
	t.Parallel()
	story(t, 3, rarely, func(w *world) {
		w.pause(run.Pause{Why: "the HR system is being moved"})
		short := run.Pause{Flow: flowName, Until: w.now().Add(time.Hour), By: person("周凯")}
		if err := w.engine.Pause(w.t.Context(), short); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("an hour in place of a pause without an end: %v", err)
		}
		<-time.After(2 * time.Hour)
		if p, _ := w.engine.Pauses(w.t.Context()); len(p) != 1 || !p[0].Until.IsZero() || p[0].By.Person != "李敏" {
			w.t.Errorf("pauses %+v", p)
		}
		w.resume()
		w.pause(run.Pause{Until: w.now().Add(2 * time.Hour)})
		short.Until = w.now().Add(time.Hour)
		if err := w.engine.Pause(w.t.Context(), short); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("an hour in place of two: %v", err)
		}
		w.pause(run.Pause{Until: w.now().Add(3 * time.Hour)})
		w.pause(run.Pause{})
		<-time.After(4 * time.Hour)
		if p, _ := w.engine.Pauses(w.t.Context()); len(p) != 1 {
			w.t.Errorf("pauses %+v", p)
		}
	})
}
