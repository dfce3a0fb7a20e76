package store

import (
	"slices"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// stepsFrom gives the steps that a change may go to. Sending again is legal,
// since the caller has read the target before; in doubt is left only towards an
// end, never by sending.
func stepsFrom(s run.Step) []run.Step {
	switch s {
	case run.StepPending:
		return []run.Step{run.StepSending, run.StepAlready, run.StepFailed, run.StepSkipped}
	case run.StepSending:
		return []run.Step{run.StepPending, run.StepDone, run.StepAlready, run.StepFailed, run.StepSkipped, run.StepInDoubt}
	case run.StepInDoubt:
		return []run.Step{run.StepDone, run.StepAlready, run.StepFailed, run.StepSkipped}
	default:
		return nil
	}
}

// stepLegal tells whether a change may move. Staying is legal: a mark may be
// repeated when its answer was lost. An adoption sends nothing, so it is done
// from pending.
func stepLegal(op plan.Op, from, to run.Step) bool {
	return from == to || slices.Contains(stepsFrom(from), to) ||
		op == plan.Adopt && from == run.StepPending && to == run.StepDone
}
