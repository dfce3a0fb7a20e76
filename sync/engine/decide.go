package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Decide takes a vote: the one place where votes are judged, whatever door they
// came through. Faults: NotFound; Denied when the person may not vote on this
// run, has not seen what it takes away, or typed wrong counts too often; Invalid
// when the counts are not restated rightly or the part cannot be told; Stale when
// the plan is another one or the approval has expired; Conflict when it is decided
// already, cools off, or was never to be voted on.
func (e *Engine) Decide(ctx context.Context, v run.Vote) (run.Run, error) {
	r, p, err := e.Get(ctx, v.Run)
	if err != nil {
		return r, err
	}
	v.For, v.Part = "", nil
	if v.At, err = e.time(ctx); err != nil {
		return r, err
	}
	decided, err := e.decide(ctx, &r, p, v)
	if err != nil {
		e.refused(ctx, v, err)
		return r, err
	}
	e.ring(ctx, v.Run)
	return decided, nil
}

func (e *Engine) decide(ctx context.Context, r *run.Run, p *plan.Plan, v run.Vote) (run.Run, error) {
	if err := e.expire(ctx, r); err != nil {
		return *r, err
	}
	b, err := e.ballot(ctx, *r, p, v)
	if err != nil {
		return *r, err
	}
	return e.o.Store.Vote(ctx, b.vote, func(r *run.Run, votes []run.Vote) error {
		principal, err := b.judge(*r, votes)
		switch {
		case err != nil:
			return err
		case principal != b.vote.For:
			return fault.New(fault.Conflict, "somebody voted at the same moment; send it again / 有人同时投了票，请重发")
		}
		return b.count(r, votes)
	})
}

// ballot is one vote with all that it is judged by.
type ballot struct {
	*Engine
	vote   run.Vote
	plan   *plan.Plan
	rest   *plan.Plan // what waits for votes
	counts plan.Counts
	lent   []run.Delegation
}

// ballot judges a vote and makes it ready to be counted: whose it is, and which
// part of the plan it is for.
func (e *Engine) ballot(ctx context.Context, r run.Run, p *plan.Plan, v run.Vote) (*ballot, error) {
	b := &ballot{Engine: e, vote: v, plan: p}
	votes, err := e.o.Store.Votes(ctx, v.Run)
	if err != nil {
		return nil, err
	}
	if b.lent, err = e.Delegations(ctx); err != nil {
		return nil, err
	}
	if b.vote.For, err = b.judge(r, votes); err != nil {
		return nil, err
	}
	if v.Digest.IsZero() {
		b.vote.Digest = r.Plan
	}
	if v.Decision == run.Reject {
		return b, nil
	}
	if err := e.locked(ctx, v.By.Person); err != nil {
		return nil, err
	}
	if b.rest, err = e.open(ctx, r, p); err != nil {
		return nil, err
	}
	counts, seqs, err := part(b.rest, v.Only, v.Hold)
	if err != nil {
		return nil, err
	}
	whole := len(v.Only)+len(v.Hold) == 0
	if !v.Typed.Fits(counts) && (!whole || !v.Typed.Fits(r.Counts)) { // a card may count what is done already
		return nil, misCounted(r, v, counts)
	}
	if b.counts = counts; !whole {
		b.vote.Part = seqs
	}
	return b, b.sighted(ctx, r, seqs)
}

// judge tells whether the vote may be counted, and in whose place it stands: ""
// for the voter's own.
func (b *ballot) judge(r run.Run, votes []run.Vote) (string, error) {
	v := b.vote
	if err := votable(r); err != nil {
		return "", err
	}
	if !r.Cooling() && !v.At.Before(r.Expires) {
		return "", expired(r.Code)
	}
	person, known := b.people[v.By.Person]
	if !known {
		return "", fault.New(fault.Denied, "this account belongs to nobody in the configuration / 该账号不属于配置中的任何人")
	}
	if v.Decision == run.Reject {
		return "", b.mayReject(r, person, v.By)
	}
	if r.Cooling() {
		return "", fault.New(fault.Conflict, "%s has all its votes and begins after its cooling off; to stop it: reject or cancel / %s 的票已经够了，冷静期过后开始；要停下请驳回或取消", r.Code, r.Code)
	}
	principal, err := b.mayApprove(r, person, votes)
	switch {
	case err != nil:
		return "", err
	case !v.Digest.IsZero() && v.Digest != r.Plan:
		return "", fault.New(fault.Stale, "the card shows another plan than %s has now / 卡片上的计划与 %s 当前的计划不同", r.Code, r.Code)
	}
	return principal, nil
}

// mayReject lets who asked, who stands behind it, approvers and operators end a
// plan, and those who approved it in somebody's place.
func (b *ballot) mayReject(r run.Run, person run.Person, by run.Actor) error {
	if by.Person == r.By.Person || by.Person == r.Behind || person.May(run.Approver, r.Flow) || person.May(run.Operator, r.Flow) {
		return nil
	}
	if slices.ContainsFunc(b.lent, func(d run.Delegation) bool { return d.To == by.Person && covers(d, r.Flow) }) {
		return nil
	}
	return b.may(by, run.Approver, r.Flow)
}

func (b *ballot) mayApprove(r run.Run, person run.Person, votes []run.Vote) (string, error) {
	switch {
	case b.vote.Weak:
		return "", fault.New(fault.Denied, "an approval cannot be given through DingTalk's HTTP callback: its signature does not cover the message; vote in a Feishu room, a Stream room or by CLI / 钉钉 HTTP 回调的签名不覆盖消息内容，不能在这里批准；请到飞书群、Stream 模式的钉钉群或命令行投票")
	case b.vote.Decision == run.BreakGlass:
		return "", b.mayBreak(r, person)
	case b.vote.Decision != run.Approve:
		return "", fault.New(fault.Invalid, "a vote is approve or reject / 投票只能是批准或驳回")
	}
	return b.standsFor(r, person, votes)
}

// mayBreak lets an admin at the terminal let a run go alone.
func (b *ballot) mayBreak(r run.Run, person run.Person) error {
	v := b.vote
	switch {
	case v.By.Channel != run.FromCLI:
		return fault.New(fault.Denied, "the glass can be broken from the terminal alone: rollcall approve %s --break-glass --reason … / 紧急放行只能在命令行进行：rollcall approve %s --break-glass --reason …", r.Code, r.Code)
	case !person.May(run.Admin, r.Flow):
		return b.may(v.By, run.Admin, r.Flow)
	case b.plan.Risk.Blocked:
		return fault.New(fault.Denied, "%s is blocked; no vote helps / %s 已被拦下，投票也无法放行", r.Code, r.Code)
	case strings.TrimSpace(v.Reason) == "":
		return fault.New(fault.Invalid, "breaking the glass needs a reason / 紧急放行必须写明原因")
	case touched(b.plan, staff(person)):
		return fault.New(fault.Denied, "the plan changes your own account; somebody else must decide / 计划涉及你本人的账号，需要其他人决定")
	}
	return nil
}

// count moves the run when the vote decides it.
func (b *ballot) count(r *run.Run, votes []run.Vote) error {
	v := b.vote
	switch v.Decision {
	case run.Reject:
		why := v.Reason
		if why == "" {
			why = "rejected / 已驳回"
		}
		return r.Advance(run.Rejected, v.At, why)
	case run.BreakGlass:
		r.Glass = v.By
	default:
		if v.By.Channel == run.FromCLI && b.plan.Risk.Tier >= plan.SteppedUp && !b.tally(*r, b.plan, votes, b.lent).stepped {
			r.StepUp = v.By
		}
	}
	r.Updated = v.At
	t := b.tally(*r, b.plan, append(slices.Clone(votes), v), b.lent)
	left := t.covered(b.rest)
	if left == 0 {
		return fault.New(fault.Invalid, "your part has nothing in common with what others approved; approve another part, or reject / 你批准的部分与其他人批准的没有交集；请改批准别的部分，或驳回")
	}
	r.HeldBack = len(b.rest.Changes) - left
	if !t.enough() {
		return nil
	}
	return b.agree(r, t, v.At)
}

// votable tells whether a run is open for votes.
func votable(r run.Run) error {
	switch r.State {
	case run.Awaiting:
		return nil
	case run.Expired: // whoever was faster, the clock or the voter: the answer is the same
		return expired(r.Code)
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

// misCounted says what the voter's part has, and what was typed.
func misCounted(r run.Run, v run.Vote, c plan.Counts) error {
	typed := func(n int) int { return max(n, 0) }
	t, en, zh := v.Typed, string(r.Code), string(r.Code)
	if len(v.Only)+len(v.Hold) > 0 {
		en, zh = "your part of "+en, "你批准的 "+zh+" 这一部分"
	}
	if c.Destructive() == 0 {
		return fault.New(fault.Invalid, "%s has %d changes, you wrote %d / %s 共有 %d 项变更，你写的是 %d", en, c.Total(), typed(t.Total), zh, c.Total(), typed(t.Total))
	}
	return fault.New(fault.Invalid,
		"%s deletes %d and disables %d; you wrote delete %d, disable %d / %s 要删除 %d 人、停用 %d 人；你写的是删除 %d、停用 %d",
		en, c.Delete, c.Disable, typed(t.Delete), typed(t.Disable), zh, c.Delete, c.Disable, typed(t.Delete), typed(t.Disable))
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
