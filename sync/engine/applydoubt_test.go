package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestASourceInDoubtWhenItIsAskedAgainTakesNobodyAway lets a source that was sure of an
// absence while the plan was made be sure no more when it is asked again, right before
// the voted DISABLE: it cannot say, or it does not answer.
func TestASourceInDoubtWhenItIsAskedAgainTakesNobodyAway(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world){
		"it cannot say":      func(w *world) { w.source.unsure = true },
		"it does not answer": func(w *world) { w.source.broken = fault.New(fault.Unavailable, "away / 不可用") },
		"no permission":      func(w *world) { w.source.broken = fault.New(fault.Denied, "no permission / 没有权限") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, rarely, func(w *world) {
				w.until(w.start(true).Code)
				w.source.drop(directory.User, "0007")
				r := w.want(w.until(w.start(true).Code), run.Awaiting)
				before := len(w.target.done())
				spoil(w)
				w.agree(r)
				r = w.want(w.until(r.Code), run.Partial)
				if r.Outcome.Skipped != 1 || r.Outcome.Done != 0 || len(w.target.done()) != before || !w.target.active("0007") {
					w.t.Errorf("outcome %+v, effects %v", r.Outcome, w.target.done()[before:])
				}
				entries, err := w.store.Entries(w.t.Context(), r.Code)
				if err != nil {
					w.t.Fatal(err)
				}
				for _, e := range entries {
					if e.Step == run.StepSkipped && fault.In(e.Say, "en") == fault.In(e.Say, "zh") {
						w.t.Errorf("#%d is skipped for %q", e.Seq, e.Say)
					}
				}
			})
		})
	}
}

// TestACallIsOverWhenTheTargetsTimeIs: whatever a connector does with its own clocks,
// the engine ends a call in the time that the target says, and settles it.
func TestACallIsOverWhenTheTargetsTimeIs(t *testing.T) {
	t.Parallel()
	var target *odd
	story(t, 30, func(w *world) {
		target = &odd{place: w.target}
		w.flow.Target = target
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.person(40)
		limit, calls := w.target.Describe().CallTimeout, 0
		target.apply = func(ctx context.Context, c connector.Write) (directory.Key, error) {
			if calls++; calls > 1 {
				return w.target.Apply(ctx, c)
			}
			if end, there := ctx.Deadline(); !there || time.Until(end) > limit {
				w.t.Errorf("the call has no end within %s", limit)
				return w.target.Apply(ctx, c)
			}
			<-ctx.Done()
			return directory.Key{}, ctx.Err()
		}
		w.want(w.until(w.start(true).Code), run.Succeeded)
		if calls != 2 {
			w.t.Errorf("it was sent %d times", calls)
		}
	})
}
