package store

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestSteps names every legal step there is; all others are refused. An account
// that is only adopted is sent nowhere, so that it is done at once.
func TestSteps(t *testing.T) {
	t.Parallel()
	all := []run.Step{run.StepPending, run.StepSending, run.StepDone, run.StepAlready, run.StepFailed, run.StepSkipped, run.StepInDoubt, "", "sent"}
	legal := map[[2]run.Step]bool{}
	for from, to := range map[run.Step][]run.Step{
		run.StepPending: {run.StepSending, run.StepAlready, run.StepFailed, run.StepSkipped},
		run.StepSending: {run.StepPending, run.StepDone, run.StepAlready, run.StepFailed, run.StepSkipped, run.StepInDoubt},
		run.StepInDoubt: {run.StepDone, run.StepAlready, run.StepFailed, run.StepSkipped},
	} {
		for _, s := range to {
			legal[[2]run.Step{from, s}] = true
		}
	}
	for _, op := range []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete, plan.Adopt} {
		for _, from := range all {
			for _, to := range all {
				want := from == to || legal[[2]run.Step{from, to}] || op == plan.Adopt && from == run.StepPending && to == run.StepDone
				if got := stepLegal(op, from, to); got != want {
					t.Errorf("%s: from %q to %q: %t", op, from, to, got)
				}
			}
		}
	}
}
