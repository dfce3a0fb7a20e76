package engine

import (
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// checkNarrow refuses to narrow what is to be applied: a part of a plan is
// applied by votes for a part, never by what somebody did not see.
func checkNarrow(req run.Request) error {
	switch {
	case req.Dept == "" && req.Kind == "":
		return nil
	case req.Apply:
		return fault.New(fault.Invalid, "only a plan that is looked at can be narrowed to a department or a kind / 只有“预演”可以限定部门或类型")
	case req.Kind != "" && req.Kind != directory.User && req.Kind != directory.Department:
		return fault.New(fault.Invalid, "%q is neither user nor department / “%s”既不是人员也不是部门", req.Kind, req.Kind)
	}
	return nil
}

// only gives what a run's plan is narrowed to.
func only(r run.Run) plan.Narrow { return plan.Narrow{Department: r.Dept, Kind: r.Kind} }
