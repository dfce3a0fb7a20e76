package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/run"
)

// See notes that a person has seen changes of a plan in full: from tier 2 on,
// somebody votes only on what he has seen.
func (e *Engine) See(context.Context, run.Code, string, []int) error { return notYet() }

// StepUp confirms a tier 3 run outside the chat. The caller has proved who by
// is, by a one-time password. Faults: NotFound, Conflict when the run does not ask
// for it, Denied when by has not voted on it.
func (e *Engine) StepUp(context.Context, run.Code, run.Actor) (run.Run, error) {
	return run.Run{}, notYet()
}
