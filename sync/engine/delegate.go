package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/run"
)

// Delegate lends the right to approve. Faults: Denied when From does not hold it
// himself, Invalid for a time that is past or more than 30 days away, or for
// oneself, NotFound for a person that nobody knows.
func (e *Engine) Delegate(context.Context, run.Delegation) error { return notYet() }

// Delegations gives those that hold now.
func (e *Engine) Delegations(context.Context) ([]run.Delegation, error) { return nil, notYet() }

// Eligible names the persons whose vote would count on a run now, in the order
// of the configuration: approvers and those who stand in for one, without who
// asked, whom the plan touches, and who has voted. Faults: NotFound.
func (e *Engine) Eligible(context.Context, run.Code) ([]string, error) { return nil, notYet() }
