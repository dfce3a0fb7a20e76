package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// DiffRules tells which objects of a flow's last complete listing other rules would
// decide differently. The accounts are taken to be as the links say. Faults: NotFound
// for an unknown flow; Denied without the role operator; Unavailable when there is no
// listing yet, no old rules are known, or rules cannot be asked.
func (e *Engine) DiffRules(_ context.Context, d run.RuleDiff) (run.RulesDiffered, error) {
	return run.RulesDiffered{}, fault.New(fault.Unsupported, "flow %s: not built yet / 流程 %[1]s：尚未实现", d.Flow)
}
