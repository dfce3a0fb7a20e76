package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Part gives what a vote with these limits would be for: how many changes of each
// kind, and which, by Seq. Faults: NotFound; Conflict when the run is not open for
// votes; Invalid for a word that names nothing or several things, and when nothing
// is left.
func (e *Engine) Part(ctx context.Context, code run.Code, only, hold []string) (plan.Counts, []int, error) {
	r, p, err := e.Get(ctx, code)
	if err != nil {
		return plan.Counts{}, nil, err
	}
	if err := votable(r); err != nil {
		return plan.Counts{}, nil, err
	}
	rest, err := e.open(ctx, r, p)
	if err != nil {
		return plan.Counts{}, nil, err
	}
	return part(rest, only, hold)
}
