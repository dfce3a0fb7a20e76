package bot

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// longestLoan is the longest time for which the right to approve may be lent.
const longestLoan = 30 * day

// delegate lends the caller's right to approve for a time, and tells the rooms
// of every flow that it is about.
func (b *Bot) delegate(ctx context.Context, c caller, cmd Command) (reply, error) {
	s := specOf(Delegate)
	flows := b.usable(c, s)
	name := everything
	if cmd.Flow != "" {
		f, ok := b.seen(c, cmd.Flow)
		if !ok {
			return b.noFlow(c, s, cmd.Flow), nil
		}
		flows = slices.DeleteFunc(flows, func(other *Flow) bool { return other != f })
		if name = f.Name; len(flows) == 0 {
			return b.lacks(c, s, f), nil
		}
	} else if len(flows) > 0 { // every flow that he may approve, seen here or not
		flows = slices.DeleteFunc(b.allFlows(), func(f *Flow) bool { return !permits(s, c.person, f) })
	}
	if len(flows) == 0 {
		return b.lacks(c, s, nil), nil
	}
	d, err := b.loan(c, cmd)
	if d.Flow = name; err == nil {
		err = b.o.Service.Delegate(ctx, d)
	}
	if err != nil {
		return b.refused(c, cmd, subject{run: run.Run{Flow: oneFlow(name)}}, err)
	}
	r := reply{card: b.lentCard(c.lang, d, b.shownHere(c, flows))}
	r.more = b.announce(ctx, c, flows, func(l Lang, flows []*Flow) Card { return b.lentCard(l, d, flows) })
	return r, nil
}

// loan reads to whom and until when. Faults: NotFound, Conflict, Invalid.
func (b *Bot) loan(c caller, cmd Command) (run.Delegation, error) {
	to, err := b.personOf(c.m, cmd.Person)
	if err != nil {
		return run.Delegation{}, err
	}
	if to.Name == c.person.Name {
		return run.Delegation{}, fault.New(fault.Invalid, "you cannot delegate to yourself / 不能委托给自己")
	}
	if cmd.Until == "" {
		cmd.Until = "18:00"
	}
	until, err := cmd.until(b.o.Now(), b.o.Zone)
	if err != nil {
		return run.Delegation{}, err
	}
	if until.After(b.o.Now().Add(longestLoan)) {
		return run.Delegation{}, fault.New(fault.Invalid, "a delegation lasts 30 days at most / 委托最长 30 天")
	}
	return run.Delegation{From: c.person.Name, To: to.Name, Until: until, By: c.actor}, nil
}

// shownHere keeps those flows that the caller sees where he speaks.
func (b *Bot) shownHere(c caller, flows []*Flow) []*Flow {
	return slices.DeleteFunc(slices.Clone(flows), func(f *Flow) bool { return !c.sees(f) })
}

// lentCard says who stands in for whom, for what, and until when.
func (b *Bot) lentCard(l Lang, d run.Delegation, flows []*Flow) Card {
	return notice(Info, l.say("%s may approve in the place of %s", "%s 可以代 %s 审批", label(d.To), label(d.From)),
		l.say("Flows: ", "流程：")+l.list(flowNames(flows)),
		l.say("Until: ", "有效期至：")+b.clock(d.Until)+" "+l.weekday(d.Until.In(b.o.Zone)),
		l.say("The two together are one vote. It cannot be passed on, and who asked for a run still cannot approve it.", "两人合计只算一票；不能再转委托；发起人仍然不能审批自己的计划。")).card
}

// standIns gives who stands in for whom now, in one line each, of flows that the
// caller sees.
func (b *Bot) standIns(ctx context.Context, c caller) ([]string, error) {
	all, err := b.o.Service.Delegations(ctx)
	if fault.KindOf(err) == fault.Unsupported {
		return nil, nil
	}
	var lines []string
	for _, d := range all {
		f := b.flow(d.Flow)
		if !d.Until.After(b.o.Now()) || d.Flow != everything && (f == nil || !c.sees(f)) || d.From != c.person.Name && d.To != c.person.Name {
			continue
		}
		lines = append(lines, c.lang.say("%s may approve in the place of %s until %s", "%s 可以代 %s 审批，到 %s", label(d.To), label(d.From), b.clock(d.Until)))
	}
	return lines, err
}
