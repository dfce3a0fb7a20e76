package storetest

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// testDeeds holds what was done to one source object against the journal of two
// runs: only what was done or sent counts, newest first.
func testDeeds(t *testing.T, open Opener) {
	b := setup(t, open)
	lease := b.lease(t, "w1")
	first := b.planned(t, lease, 8, run.Applying)
	mark := func(r run.Run, seq int, steps ...run.Step) {
		t.Helper()
		for _, step := range steps {
			b.clock.Add(time.Millisecond)
			if err := b.Mark(t.Context(), lease, []run.Entry{{Run: r.Code, Seq: seq, Step: step}}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	mark(first, 1, run.StepSending, run.StepDone)
	mark(first, 2, run.StepSkipped)
	mark(first, 3, run.StepAlready)
	mark(first, 4, run.StepSending, run.StepFailed)
	mark(first, 5, run.StepSending)
	second := b.planned(t, lease, 7, run.Applying)
	mark(second, 1, run.StepSending, run.StepInDoubt)
	mark(second, 4, run.StepSending, run.StepDone)

	type deed struct {
		run  run.Code
		step run.Step
	}
	for id, want := range map[string][]deed{
		"h1": {{second.Code, run.StepInDoubt}, {first.Code, run.StepDone}},
		"h2": nil, "h3": nil, "h6": nil, "nobody": nil,
		"h4": {{second.Code, run.StepDone}, {first.Code, run.StepFailed}},
		"h5": {{first.Code, run.StepSending}},
	} {
		got, err := b.Deeds(t.Context(), flow, userKey(id), 3)
		if err != nil || len(got) != len(want) {
			t.Errorf("%s: %+v, %v; want %v", id, got, err, want)
			continue
		}
		for i, e := range got {
			if e.Run != want[i].run || e.Step != want[i].step || e.Source != userKey(id) {
				t.Errorf("%s: deed %d is %+v, want %v", id, i, e, want[i])
			}
		}
	}
	if got, err := b.Deeds(t.Context(), flow, userKey("h1"), 1); err != nil || len(got) != 1 || got[0].Run != second.Code {
		t.Errorf("the newest alone: %+v, %v", got, err)
	}
	if got, err := b.Deeds(t.Context(), "other", userKey("h1"), 3); err != nil || len(got) != 0 {
		t.Errorf("another flow: %+v, %v", got, err)
	}
}
