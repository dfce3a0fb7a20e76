package engine

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// permitted checks once more that the plan may be applied: its identity, what it
// was made for, the votes, and that its assessment still counts everything.
func (a *applier) permitted(ctx context.Context) error {
	target := a.flow.Target.Describe().Tenant
	switch {
	case a.flow.Paused:
		return fault.New(fault.Denied, "flow %s is paused in the configuration: nothing is applied / 流程 %s 在配置中已暂停，不执行变更", a.run.Flow, a.run.Flow)
	case a.plan.Digest() != a.run.Plan:
		return fault.New(fault.Internal, "the stored plan of %s is not the one that was decided / %s 保存的计划与所决定的不一致", a.run.Code, a.run.Code)
	case a.plan.Config != a.flow.Config:
		return fault.New(fault.Invalid, "configuration or rules changed since the plan was made; plan again / 计划生成后配置或规则已改变，请重新发起")
	case a.plan.Target.Tenant != target:
		return fault.New(fault.Invalid, "the target is another tenant than the plan was made for; plan again / 目标租户与计划不符，请重新发起")
	case a.plan.Risk.Blocked:
		return fault.New(fault.Denied, "the plan of %s is blocked / %s 的计划已被拦下", a.run.Code, a.run.Code)
	}
	votes, err := a.o.Store.Votes(ctx, a.run.Code)
	if err != nil {
		return err
	}
	lent, err := a.Delegations(ctx)
	if err != nil {
		return err
	}
	now, err := a.time(ctx)
	if err != nil {
		return err
	}
	a.agreed = a.tally(a.run, a.plan, votes, lent)
	if !a.agreed.enough() || a.agreed.steps && !a.cooled(now) {
		a.safe = a.free(a.plan, a.waits(ctx, a.run, a.plan))
		return nil
	}
	return a.counted(ctx)
}

// cooled tells whether the run has waited as long as a tier 3 run must, by the clock
// that let it go: the record's.
func (a *applier) cooled(now time.Time) bool {
	return !a.run.NotBefore.IsZero() && !now.Before(a.run.NotBefore)
}

// counted sees that nobody else took more away in the last day than the plan's
// assessment knew of: what needed few votes then may need more now.
func (a *applier) counted(ctx context.Context) error {
	if a.plan.Counts().Destructive() == 0 {
		return nil
	}
	since := a.o.Now().Add(-recentSpan)
	recent, err := a.o.Store.Recent(ctx, a.run.Flow, since)
	if err != nil {
		return err
	}
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		e := a.entries[c.Seq]
		sent := e.Step == run.StepDone || e.Step == run.StepInDoubt || e.Step == run.StepSending
		if c.Op.Destructive() && sent && e.Sent.UnixMilli() >= since.UnixMilli() {
			recent-- // our own, from before a worker died
		}
	}
	if recent > a.plan.Recent {
		return fault.New(fault.Invalid, "other accounts were disabled or deleted since the plan was made; plan again / 计划生成后又有其他账号被停用或删除，请重新发起")
	}
	return nil
}

// allowed tells whether a change may be done now.
func (a *applier) allowed(c *plan.Change) bool { return a.safe == nil || a.safe[c.Seq] }

// refuse ends a run that may not go on. A call that a dead worker made is
// settled all the same, if this is still the target that it was made to.
func (a *applier) refuse(ctx context.Context, cause error) error {
	if fault.Retryable(cause) || a.plan.Target.Tenant != a.flow.Target.Describe().Tenant {
		return cause
	}
	a.halt = fault.Say(cause)
	for i := range a.plan.Changes {
		if c := &a.plan.Changes[i]; a.entries[c.Seq].Step == run.StepSending {
			if err := a.settle(ctx, c); err != nil {
				return err
			}
		}
	}
	return cause
}
