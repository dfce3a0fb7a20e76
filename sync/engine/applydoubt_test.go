package engine_test

import (
	"testing"

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
