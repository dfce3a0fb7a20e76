package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Pause keeps a flow, or all with "*", from changing anything from now on: a run
// that applies stops before its next change and goes on when the pause is over.
// Faults: NotFound, Denied.
func (e *Engine) Pause(context.Context, run.Pause) error { return notYet() }

// Resume ends a pause. Faults: NotFound when there is none; Denied: an operator
// may end what people set, only an approver what a safety stop set.
func (e *Engine) Resume(context.Context, string, run.Actor) error { return notYet() }

// Pauses gives the pauses that hold now.
func (e *Engine) Pauses(context.Context) ([]run.Pause, error) { return nil, notYet() }

func notYet() error { return fault.New(fault.Unsupported, "not yet / 尚未实现") }
