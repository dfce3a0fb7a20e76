package engine

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Decide takes a vote: the one place where votes are judged, whatever door they
// came through. Faults: NotFound; Denied when the person may not vote on this
// run; Invalid when the counts are not restated rightly; Stale when the plan is
// another one or the approval has expired; Conflict when it is decided already,
// or was never to be voted on.
func (e *Engine) Decide(ctx context.Context, v run.Vote) (run.Run, error) {
	v.At = e.o.Now()
	r, p, err := e.Get(ctx, v.Run)
	if err != nil {
		return r, err
	}
	if err := e.expire(ctx, &r); err != nil {
		e.refused(ctx, v, err)
		return r, err
	}
	if err := e.judge(r, p, v); err != nil {
		e.refused(ctx, v, err)
		return r, err
	}
	if v.Digest.IsZero() {
		v.Digest = r.Plan
	}
	decided, err := e.o.Store.Vote(ctx, v, func(r *run.Run, votes []run.Vote) error {
		if err := e.judge(*r, p, v); err != nil {
			return err
		}
		return e.count(r, votes, v)
	})
	if err != nil {
		e.refused(ctx, v, err)
		return r, err
	}
	e.ring(ctx, v.Run)
	return decided, nil
}

// expire ends an approval whose time is over; the clock decides now, not the
// sweeper.
func (e *Engine) expire(ctx context.Context, r *run.Run) error {
	if r.State != run.Awaiting || e.o.Now().Before(r.Expires) {
		return nil
	}
	now := e.o.Now()
	ended, err := e.o.Store.UpdateRun(ctx, r.Code, run.Actor{Platform: run.Clock}, func(r *run.Run) error {
		if r.State != run.Awaiting || now.Before(r.Expires) {
			return nil // somebody was faster
		}
		return r.Advance(run.Expired, now, "nobody decided in time / 无人在期限内决定")
	})
	if err != nil {
		return err
	}
	*r = ended
	if r.State != run.Expired {
		return nil
	}
	return expired(r.Code)
}

func expired(code run.Code) error {
	return fault.New(fault.Stale, "%s has expired; start a sync again / %s 已过期，请重新同步", code, code)
}

// judge tells whether the vote may be counted.
func (e *Engine) judge(r run.Run, p *plan.Plan, v run.Vote) error {
	if err := votable(r); err != nil {
		return err
	}
	if !v.At.Before(r.Expires) {
		return expired(r.Code)
	}
	person, known := e.people[v.By.Person]
	if !known {
		return fault.New(fault.Denied, "this account belongs to nobody in the configuration / 该账号不属于配置中的任何人")
	}
	if v.Decision == run.Reject {
		if v.By.Person == r.By.Person || person.May(run.Approver, r.Flow) || person.May(run.Operator, r.Flow) {
			return nil
		}
		return e.may(v.By, run.Approver, r.Flow)
	}
	switch {
	case v.Weak:
		return fault.New(fault.Denied, "an approval cannot be given through DingTalk's HTTP callback: its signature does not cover the message; vote in a Feishu room, a Stream room or by CLI / 钉钉 HTTP 回调的签名不覆盖消息内容，不能在这里批准；请到飞书群、Stream 模式的钉钉群或命令行投票")
	case v.By.Person == r.By.Person:
		return fault.New(fault.Denied, "you asked for this plan; another person must approve it / 这个计划是你发起的，需要另一个人批准")
	case !person.May(run.Approver, r.Flow):
		return e.may(v.By, run.Approver, r.Flow)
	case touched(p, staff(person)):
		return fault.New(fault.Denied, "the plan changes your own account; somebody else must approve it / 计划涉及你本人的账号，需要其他人批准")
	case !v.Digest.IsZero() && v.Digest != r.Plan:
		return fault.New(fault.Stale, "the card shows another plan than %s has now / 卡片上的计划与 %s 当前的计划不同", r.Code, r.Code)
	case !v.Typed.Fits(r.Counts):
		return misCounted(r, v.Typed)
	}
	return nil
}

// votable tells whether a run is open for votes.
func votable(r run.Run) error {
	switch r.State {
	case run.Awaiting:
		return nil
	case run.Planned:
		return fault.New(fault.Conflict, "%s is only a plan and cannot be voted on; start a sync / %s 只是预演，不能投票；请用“同步”发起", r.Code, r.Code)
	case run.Blocked:
		return fault.New(fault.Conflict, "%s is blocked; no vote helps / %s 已被拦下，投票也无法放行", r.Code, r.Code)
	case run.Queued, run.Reading, run.Planning:
		return fault.New(fault.Conflict, "%s has no plan yet / %s 还没有计划", r.Code, r.Code)
	default:
		return fault.New(fault.Conflict, "%s is decided already: %s / %s 已有结论：%s", r.Code, r.State, r.Code, r.State)
	}
}

func misCounted(r run.Run, t run.Restated) error {
	typed := func(n int) int { return max(n, 0) }
	c := r.Counts
	if c.Destructive() == 0 {
		return fault.New(fault.Invalid, "%s has %d changes, you wrote %d / %s 共有 %d 项变更，你写的是 %d", r.Code, c.Total(), typed(t.Total), r.Code, c.Total(), typed(t.Total))
	}
	return fault.New(fault.Invalid,
		"%s deletes %d and disables %d; you wrote delete %d, disable %d / %s 要删除 %d 人、停用 %d 人；你写的是删除 %d、停用 %d",
		r.Code, c.Delete, c.Disable, typed(t.Delete), typed(t.Disable), r.Code, c.Delete, c.Disable, typed(t.Delete), typed(t.Disable))
}

func touched(p *plan.Plan, s plan.Staff) bool {
	return p != nil && slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Touches(s) })
}

// count moves the run when the vote decides it.
func (e *Engine) count(r *run.Run, votes []run.Vote, v run.Vote) error {
	if v.Decision == run.Reject {
		why := v.Reason
		if why == "" {
			why = "rejected / 已驳回"
		}
		return r.Advance(run.Rejected, v.At, why)
	}
	if e.agreed(*r, append(votes, v)) < r.Votes {
		r.Updated = v.At
		return nil
	}
	return r.Advance(run.Applying, v.At, "")
}

// agreed counts the persons who approved exactly this plan and still may.
func (e *Engine) agreed(r run.Run, votes []run.Vote) int {
	persons := map[string]bool{}
	for _, v := range votes {
		p, known := e.people[v.By.Person]
		if v.Decision == run.Approve && !v.Weak && v.Digest == r.Plan && known && p.May(run.Approver, r.Flow) && v.By.Person != r.By.Person {
			persons[v.By.Person] = true
		}
	}
	return len(persons)
}

// refused leaves a trace of a vote that did not count.
func (e *Engine) refused(ctx context.Context, v run.Vote, why error) {
	err := e.o.Store.Append(ctx, run.Event{}, run.Audit{
		At: v.At, Who: v.By, Action: "vote.refused", Run: v.Run, Detail: string(fault.KindOf(why)) + ": " + fault.Say(why),
	})
	if err != nil {
		e.o.Logger.WarnContext(ctx, "refused vote is not audited", "run", v.Run, "err", err)
	}
}

// Stop cancels a run: at once while it waits or reads, between two changes
// while it applies. Faults: NotFound, Denied, Conflict when it has ended.
func (e *Engine) Stop(ctx context.Context, code run.Code, by run.Actor, why string) (run.Run, error) {
	r, err := e.o.Store.Run(ctx, code)
	if err != nil {
		return r, err
	}
	if by.Person == "" || by.Person != r.By.Person {
		if err := e.may(by, run.Operator, r.Flow); err != nil {
			return r, err
		}
	}
	if why == "" {
		why = "cancelled by " + by.Person + " / 由 " + by.Person + " 取消"
	}
	now := e.o.Now()
	r, err = e.o.Store.UpdateRun(ctx, code, by, func(r *run.Run) error {
		if r.State == run.Applying {
			r.Stop, r.Reason, r.Updated = true, why, now
			return nil
		}
		if r.State.Ended() {
			return fault.New(fault.Conflict, "%s has ended already: %s / %s 已经结束：%s", code, r.State, code, r.State)
		}
		return r.Advance(run.Cancelled, now, why)
	})
	if err == nil {
		e.ring(ctx, code)
	}
	return r, err
}
