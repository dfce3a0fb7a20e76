package run

import (
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// State is where a run is in its life.
type State string

// The states. docs/run-states.md draws them.
const (
	Queued      State = "queued"
	Reading     State = "reading"
	Planning    State = "planning"
	NothingToDo State = "nothing_to_do" // an end
	Planned     State = "planned"       // an end: only a plan was asked; it cannot be voted on
	Blocked     State = "blocked"       // an end: the guard refused, no vote helps
	Awaiting    State = "awaiting_approval"
	Applying    State = "applying"
	Succeeded   State = "succeeded"  // an end
	Partial     State = "partial"    // an end: something was skipped, failed or is in doubt
	Failed      State = "failed"     // an end
	Rejected    State = "rejected"   // an end
	Expired     State = "expired"    // an end
	Cancelled   State = "cancelled"  // an end
	Superseded  State = "superseded" // an end
)

// States lists every state in the order of a run's life.
func States() []State {
	return []State{
		Queued, Reading, Planning, NothingToDo, Planned, Blocked, Awaiting, Applying,
		Succeeded, Partial, Failed, Rejected, Expired, Cancelled, Superseded,
	}
}

// Moves gives the states that a run may go to from s. A worker that takes over
// a run reads and plans it again, so reading follows planning too.
func (s State) Moves() []State {
	switch s {
	case Queued:
		return []State{Reading, Failed, Cancelled}
	case Reading:
		return []State{Planning, Failed, Cancelled}
	case Planning:
		return []State{Reading, NothingToDo, Planned, Blocked, Applying, Awaiting, Failed, Cancelled}
	case Awaiting:
		return []State{Applying, Failed, Rejected, Expired, Cancelled, Superseded}
	case Applying:
		return []State{Awaiting, Succeeded, Partial, Failed, Cancelled}
	default:
		return nil
	}
}

// Ended tells whether s is an end.
func (s State) Ended() bool { return len(s.Moves()) == 0 }

// Working tells whether a worker owns a run in this state.
func (s State) Working() bool {
	return s == Queued || s == Reading || s == Planning || s == Applying
}

// Advance moves the run to another state, the only way to change it. Faults:
// Conflict when the move is not legal from where the run is now.
func (r *Run) Advance(to State, at time.Time, why string) error {
	if !slices.Contains(r.State.Moves(), to) {
		return fault.New(fault.Conflict, "%s is %s and cannot become %s / %s 现在是 %s，不能变成 %s", r.Code, r.State, to, r.Code, r.State, to)
	}
	r.State, r.Updated = to, at
	if why != "" {
		r.Reason = why
	}
	if to.Ended() {
		r.Ended = at
	}
	return nil
}
