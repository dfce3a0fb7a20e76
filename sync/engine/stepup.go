package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// See notes that a person has seen changes of a plan in full: from tier 2 on,
// somebody votes only on what he has seen. Changes that the plan does not have are
// left out. Faults: NotFound; Denied for nobody we know.
func (e *Engine) See(ctx context.Context, code run.Code, person string, seqs []int) error {
	if _, known := e.people[person]; !known {
		return fault.New(fault.Denied, "this account belongs to nobody in the configuration / 该账号不属于配置中的任何人")
	}
	_, p, err := e.Get(ctx, code)
	if err != nil {
		return err
	}
	seen := make([]int, 0, len(seqs))
	for _, seq := range seqs {
		if p != nil && seq >= 1 && seq <= len(p.Changes) {
			seen = append(seen, seq)
		}
	}
	if len(seen) == 0 {
		return nil
	}
	return e.o.Store.See(ctx, code, person, seen)
}

const (
	sightedTier = 2  // from this tier on a voter must have seen what a card does not show
	onCard      = 10 // destructive changes that a card lists
)

// sighted refuses a vote on destructive changes that the voter has not seen: the
// card of a large plan lists only the first.
func (b *ballot) sighted(ctx context.Context, r run.Run, part []int) error {
	if b.plan.Risk.Tier < sightedTier || b.plan.Counts().Destructive() <= onCard {
		return nil
	}
	seen, err := b.o.Store.Seen(ctx, r.Code, b.vote.By.Person)
	if err != nil {
		return err
	}
	var missing, all plan.Counts
	for i := range b.rest.Changes {
		c := &b.rest.Changes[i]
		if _, in := slices.BinarySearch(part, c.Seq); !in || !c.Op.Destructive() {
			continue
		}
		if all.Add(c.Op); !seen[c.Seq] {
			missing.Add(c.Op)
		}
	}
	n := missing.Destructive()
	if n == 0 {
		return nil
	}
	en, zh := "disable", "停用"
	if missing.Delete > 0 {
		en, zh = "delete", "删除"
	}
	return fault.New(fault.Denied,
		"you have not seen %d of the %d accounts that you would let be disabled or deleted; look at every page first: show %s %s, then --page=2 and so on / 要停用或删除的 %[2]d 个账号里，你还有 %[1]d 个没有看过；请先逐页看完：详情 %[3]s %[5]s，再加 --页=2，依此类推",
		n, all.Destructive(), r.Code, en, zh)
}

// StepUp confirms a tier 3 run outside the chat. The caller has proved who by
// is, by a one-time password. Faults: NotFound, Conflict when the run does not ask
// for it, Denied when by has not voted on it, Stale when the approval has expired.
func (e *Engine) StepUp(ctx context.Context, code run.Code, by run.Actor) (run.Run, error) {
	r, p, err := e.Get(ctx, code)
	if err != nil {
		return r, err
	}
	if by.Channel != run.FromCLI {
		return r, fault.New(fault.Denied, "this is confirmed outside the chat: rollcall approve %s --person NAME / 这一步要在聊天之外确认：rollcall approve %s --person 姓名", code, code)
	}
	if err := e.expire(ctx, &r); err != nil {
		return r, err
	}
	for range stepTries {
		done, err := e.stepUp(ctx, r, p, by)
		if !errors.Is(err, errMoved) {
			return done, err
		}
		if r, err = e.o.Store.Run(ctx, code); err != nil {
			return r, err
		}
	}
	return r, fault.New(fault.Conflict, "others vote on %s at this moment; send it again / 正有人对 %s 投票，请重发", code, code)
}

// errMoved means that the run changed after its votes were read.
var errMoved = errors.New("the run changed meanwhile")

const stepTries = 10

func (e *Engine) stepUp(ctx context.Context, seen run.Run, p *plan.Plan, by run.Actor) (run.Run, error) {
	if err := steppable(seen, p); err != nil {
		return seen, err
	}
	votes, err := e.o.Store.Votes(ctx, seen.Code)
	if err != nil {
		return seen, err
	}
	lent, err := e.Delegations(ctx)
	if err != nil {
		return seen, err
	}
	now, err := e.time(ctx)
	if err != nil {
		return seen, err
	}
	cools := false
	r, err := e.o.Store.UpdateRun(ctx, seen.Code, by, func(r *run.Run) error {
		if r.Version != seen.Version {
			return errMoved
		}
		t := e.tally(*r, p, votes, lent)
		if t.stepped {
			return fault.New(fault.Conflict, "%s has confirmed it already / %s 已经确认过", r.StepUp.Person, r.StepUp.Person)
		}
		if !slices.ContainsFunc(t.votes, func(v run.Vote) bool { return v.By.Person == by.Person }) {
			return fault.New(fault.Denied, "only somebody whose approval of %s counts can confirm it; approve it first / 只有已批准 %s 且票仍有效的人才能确认；请先批准", r.Code, r.Code)
		}
		r.StepUp, r.Updated = by, now
		t.stepped = true
		if cools = t.enough(); !cools {
			return nil
		}
		return e.agree(r, t, now)
	})
	if err != nil || cools {
		return r, err
	}
	return r, e.o.Store.Append(ctx, run.Event{Run: r.Code, Kind: run.EventVoted, Say: by.Person, At: now}, run.Audit{})
}

// steppable tells whether a run asks for a confirmation outside the chat.
func steppable(r run.Run, p *plan.Plan) error {
	if err := votable(r); err != nil {
		return err
	}
	switch {
	case r.Cooling():
		return fault.New(fault.Conflict, "%s has all that it needs and begins after its cooling off / %s 需要的都齐了，冷静期过后开始", r.Code, r.Code)
	case p.Risk.Tier < plan.SteppedUp:
		return fault.New(fault.Conflict, "%s needs votes alone, no confirmation outside the chat / %s 只需要投票，不需要在聊天之外确认", r.Code, r.Code)
	}
	return nil
}
