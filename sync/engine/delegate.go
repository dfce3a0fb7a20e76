package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// longestLoan is how long the right to approve may be lent.
const longestLoan = 30 * 24 * time.Hour

// Delegate lends the right to approve. Lending it to the same person again, for
// the same flows, replaces the earlier time. Faults: Denied when From does not hold it
// himself, Invalid for a time that is past or more than 30 days away, or for
// oneself, NotFound for a person that nobody knows.
func (e *Engine) Delegate(ctx context.Context, d run.Delegation) error {
	now := e.o.Now()
	if d.Flow == "" {
		d.Flow = "*"
	}
	from, knownFrom := e.people[d.From]
	_, knownTo := e.people[d.To]
	switch {
	case d.Flow != "*" && e.flows[d.Flow] == nil:
		_, err := e.flow(d.Flow)
		return err
	case !knownFrom || d.By.Person != d.From:
		return fault.New(fault.Denied, "everybody lends only the own right to approve / 只能委托自己的审批权")
	case !approves(from, d.Flow):
		return fault.New(fault.Denied, "you are no approver yourself, so there is nothing to lend; what was lent to you cannot be lent on / 你自己不是审批人，没有可委托的审批权；别人委托给你的不能再转委托")
	case !knownTo:
		return fault.New(fault.NotFound, "nobody in the configuration is called %q / 配置里没有“%s”这个人", d.To, d.To)
	case d.To == d.From:
		return fault.New(fault.Invalid, "you cannot stand in for yourself / 不能委托给自己")
	case !d.Until.After(now):
		return fault.New(fault.Invalid, "that time is past / 这个时间已经过去")
	case d.Until.Sub(now) > longestLoan:
		return fault.New(fault.Invalid, "the right to approve can be lent for 30 days at most / 审批权最多委托 30 天")
	}
	d.At = now
	value, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode delegation: %w", err)
	}
	return e.o.Store.Set(ctx, run.Setting{Kind: run.SetDelegation, Name: d.Name(), Value: value, By: d.By, At: now})
}

// approves tells whether a person holds the role approver for a flow, or with "*"
// for any.
func approves(p run.Person, flow string) bool {
	if flow == "*" {
		return len(p.Roles[run.Approver]) > 0
	}
	return p.May(run.Approver, flow)
}

// Delegations gives those that hold now: their time is not over, both persons are
// in the configuration, and who lent the right still has it.
func (e *Engine) Delegations(ctx context.Context) ([]run.Delegation, error) {
	settings, err := e.o.Store.Settings(ctx, run.SetDelegation)
	if err != nil {
		return nil, err
	}
	now, err := e.time(ctx)
	if err != nil {
		return nil, err
	}
	var lent []run.Delegation
	for _, s := range settings {
		var d run.Delegation
		if err := json.Unmarshal(s.Value, &d); err != nil || d.Name() != s.Name {
			e.o.Logger.WarnContext(ctx, "delegation cannot be read", "err", err)
			continue // what cannot be read lends nothing
		}
		from, knownFrom := e.people[d.From]
		_, knownTo := e.people[d.To]
		if knownFrom && knownTo && d.From != d.To && approves(from, d.Flow) && now.Before(d.Until) {
			lent = append(lent, d)
		}
	}
	return lent, nil
}

// Eligible names the persons whose vote would count on a run now, in the order
// of the configuration: approvers and those who stand in for one, without who
// asked, whom the plan touches, and who has voted. Of a run that takes no votes
// there are none. Faults: NotFound.
func (e *Engine) Eligible(ctx context.Context, code run.Code) ([]string, error) {
	r, p, err := e.Get(ctx, code)
	if err != nil {
		return nil, err
	}
	now, err := e.time(ctx)
	if err != nil {
		return nil, err
	}
	if r.State != run.Awaiting || r.Cooling() || !now.Before(r.Expires) {
		return []string{}, nil
	}
	votes, err := e.o.Store.Votes(ctx, code)
	if err != nil {
		return nil, err
	}
	b := &ballot{Engine: e, plan: p}
	if b.lent, err = e.Delegations(ctx); err != nil {
		return nil, err
	}
	voted := map[string]bool{}
	for _, v := range votes {
		voted[v.By.Person] = true
	}
	names := []string{}
	for _, person := range e.o.People {
		b.vote.By = run.Actor{Person: person.Name}
		if _, err := b.standsFor(r, person, votes); err == nil && !voted[person.Name] {
			names = append(names, person.Name)
		}
	}
	return names, nil
}

// standsFor tells in whose place a person's approval of a run would stand: "" for
// the own one. An approver always votes for himself; who stands in for several,
// for the first whose vote is still to be had.
func (b *ballot) standsFor(r run.Run, person run.Person, votes []run.Vote) (string, error) {
	if err := barred(r, b.plan, person); err != nil {
		return "", err
	}
	if person.May(run.Approver, r.Flow) {
		return "", b.taken(r, person, votes)
	}
	var why error
	for _, d := range b.lent {
		if d.To != person.Name || !covers(d, r.Flow) {
			continue
		}
		err := b.lender(r, d.From, votes)
		if err == nil {
			return d.From, nil
		}
		if why == nil {
			why = err
		}
	}
	if why == nil {
		why = b.may(run.Actor{Person: person.Name}, run.Approver, r.Flow)
	}
	return "", why
}

// lender tells why nobody may vote in a person's place now.
func (b *ballot) lender(r run.Run, name string, votes []run.Vote) error {
	principal := b.people[name]
	switch {
	case !principal.May(run.Approver, r.Flow):
		return b.may(run.Actor{Person: name}, run.Approver, r.Flow)
	case barred(r, b.plan, principal) != nil:
		return fault.New(fault.Denied, "you stand in for %s, who asked for this plan or is changed by it; somebody else must approve it / 你代替的是%s，而此人是发起人或计划涉及此人；需要其他人批准", name, name)
	}
	return b.taken(r, principal, votes)
}

// taken tells that a person's vote has been cast: by himself or in his place.
func (b *ballot) taken(r run.Run, person run.Person, votes []run.Vote) error {
	for _, v := range votes {
		if v.Whose() == person.Name && v.By.Person != b.vote.By.Person && b.stands(r, b.plan, v, b.lent) {
			return fault.New(fault.Conflict, "the vote of %s has been cast by %s already: the two are one vote / %s 的一票已由 %s 投出，两人合计一票",
				person.Name, v.By.Person, person.Name, v.By.Person)
		}
	}
	return nil
}
