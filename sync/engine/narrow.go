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
	case req.Objects != "" && req.Trigger != run.ByEvent:
		return fault.New(fault.Internal, "only an event names objects / 只有变更事件能限定对象")
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
func only(r run.Run) plan.Narrow {
	n := plan.Narrow{Department: r.Dept, Kind: r.Kind}
	for _, key := range r.Objects.All() {
		if n.Objects == nil {
			n.Objects = map[directory.Key]bool{}
		}
		n.Objects[key] = true
	}
	return n
}
