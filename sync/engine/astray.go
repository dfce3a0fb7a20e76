package engine

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// More than this many destructive changes of a plan, and more than this share of
// them, may not have found another object than was voted on: then the plan as a
// whole is not about the world any more.
const (
	astrayMin     = 3
	astrayPercent = 5
)

// astray tells why a run must not go on after a change: too many accounts that
// were to be taken away are not what the plan saw. The journal is what counts,
// so a worker that takes over stops at the same place.
func (a *applier) astray(c *plan.Change) string {
	if !c.Op.Destructive() || !a.strayed(c) {
		return ""
	}
	strayed, all := 0, 0
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		if !c.Op.Destructive() {
			continue
		}
		all++
		if a.strayed(c) {
			strayed++
		}
	}
	if strayed <= astrayMin || 100*strayed <= astrayPercent*all {
		return ""
	}
	return sayf("stopped: %d of %d accounts to be taken away changed since the plan; plan again / 已停止：要停用或删除的 %[2]d 个账号中有 %[1]d 个在计划之后有变化，请重新发起", strayed, all)
}

func (a *applier) strayed(c *plan.Change) bool {
	e := a.entries[c.Seq]
	return e.Step == run.StepSkipped && e.Say == sayChanged
}

// abandon ends a run in the middle. Calls that a dead worker made are settled
// first.
func (a *applier) abandon(ctx context.Context, why string) error {
	a.halt = why
	for i := range a.plan.Changes {
		if c := &a.plan.Changes[i]; a.entries[c.Seq].Step == run.StepSending {
			if err := a.settle(ctx, c); err != nil {
				return err
			}
		}
	}
	if a.outcome().Done > 0 {
		return a.end(ctx, run.Partial, why)
	}
	o := a.outcome()
	return a.fail(ctx, a.run.Code, fault.New(fault.Stale, "%s", why), &o)
}
