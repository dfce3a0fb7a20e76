package bot

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// lacks refuses a command for want of a role. A flow is named only when the
// caller sees it.
func (b *Bot) lacks(c caller, s spec, f *Flow) reply {
	l := c.lang
	why := l.say("You lack the role %s in this place.", "你在这里没有“%s”角色。", s.need(l))
	flow := ""
	if f != nil {
		flow = f.Name
		why = l.say("You lack the role %s for the flow %s.", "你没有流程 %[2]s 的“%[1]s”角色。", s.need(l), f.Name)
	}
	if c.person == nil {
		why = l.say("This account belongs to nobody in the configuration.", "这个账号不属于配置中的任何人。")
	}
	return notice(Warn, l.say("Cannot run “%s”", "不能执行“%s”", s.name(l)), why, b.grant(l, flow), c.ids(l))
}

// onlyInRooms refuses a command that changes something in a direct message.
func (b *Bot) onlyInRooms(c caller, s spec) reply {
	l := c.lang
	return notice(Warn, l.say("Cannot run “%s” here", "不能在这里执行“%s”", s.name(l)),
		l.say("Send it in a room of the flow, where others can see it.", "请到流程所在的群里发，让其他人也看得到。"))
}

// notHere refuses to start a flow in a room that only hears of it.
func (b *Bot) notHere(c caller, f *Flow) reply {
	l := c.lang
	return notice(Warn, l.say("%s cannot be started in this room", "不能在本群发起 %s", f.Name),
		l.say("This room may only see its runs and vote on them. To start it here, add it to rooms[].flows in the configuration.", "本群只能查看和审批它的运行。要在这里发起，请把它写进配置 rooms[].flows。"))
}

// noRun says that there is no such run for the caller here.
func (b *Bot) noRun(c caller, code run.Code) reply {
	l := c.lang
	return notice(Warn, l.say("There is no run %s here", "这里没有运行 %s", code),
		l.say("See “status” or “history”.", "请看“状态”或“历史”。"))
}

// strayVote leaves in the audit that somebody tried to vote on a run that is not
// shown to them here: the engine, which writes down every vote that it refuses,
// never hears of it.
func (b *Bot) strayVote(ctx context.Context, c caller, cmd Command) error {
	if cmd.Verb != Approve && cmd.Verb != Reject {
		return nil
	}
	r, _, err := b.o.Service.Get(ctx, cmd.Code)
	switch {
	case passing(err):
		return err
	case r.Code == "": // there is no such run anywhere
		return nil
	}
	return b.o.Mailbox.Append(ctx, run.Event{}, run.Audit{
		At: b.o.Now(), Who: c.actor, Action: voteRefused, Run: r.Code,
		Detail: string(fault.Denied) + ": the run is not shown to them here / 此人在这里看不到该运行",
	})
}

// voteRefused is the audit's word for a vote that did not count; the engine writes
// it too.
const voteRefused = "vote.refused"

// subject is the run that a refused command was about.
type subject struct {
	run    run.Run
	voters voters // of a refused vote: whose would count
}

// refused explains why the engine did not do it. Faults that may pass, and ours,
// are left to the inbox.
func (b *Bot) refused(c caller, cmd Command, about subject, err error) (reply, error) {
	l, r := c.lang, about.run
	kind := fault.KindOf(err)
	switch kind {
	case fault.Denied, fault.Invalid, fault.Stale, fault.Conflict, fault.NotFound, fault.Aborted, fault.Unsupported:
	default:
		return reply{}, err
	}
	title := l.say("Not done: %s", "没有执行：%s", cmd.In(l).String())
	if cmd.Verb == Approve {
		title = l.say("Not approved: %s", "没有批准：%s", cmd.Code)
	}
	why := l.sentence(err)
	switch {
	case kind == fault.Invalid && cmd.Verb == Approve:
		return notice(Warn, title, why, l.say("Look first: %s", "请先看：%s", look(l, r))), nil
	case kind == fault.Conflict && r.Code != "" && overBy(cmd.Verb, r.State):
		return notice(Warn, title, l.say("%s is over or under way: %s", "%s 已有结论或正在进行：%s", r.Code, l.state(r.State))), nil
	case kind == fault.Denied:
		return notice(Warn, title, b.denied(c, cmd, about, why)...), nil
	}
	return notice(Warn, title, why), nil
}

// overBy tells whether the state alone says why a command comes too late. What
// was never to be voted on has a reason of its own.
func overBy(v Verb, s run.State) bool {
	switch s {
	case run.Awaiting:
		return false
	case run.Queued, run.Reading, run.Planning, run.Planned, run.Blocked:
		return v == Cancel && s.Ended()
	default:
		return true
	}
}

// denied says which role is missing, who has it, who can grant it, and as whom
// the caller is known.
func (b *Bot) denied(c caller, cmd Command, about subject, why string) []string {
	l, s, r := c.lang, specOf(cmd.Verb), about.run
	f := b.flow(r.Flow)
	own := c.person != nil && c.person.Name == r.By.Person // then the engine's reason tells more than the role
	lacking := f != nil && !own && !permits(s, c.person, f)
	lines := []string{why}
	if lacking {
		lines[0] = l.say("You lack the role %s for the flow %s.", "你没有流程 %[2]s 的“%[1]s”角色。", s.need(l), r.Flow)
	}
	if cmd.Verb == Approve {
		lines = append(lines, about.voting(l, lacking)...)
	}
	if cmd.Verb == Cancel && r.State == run.Awaiting && f != nil && permits(specOf(Reject), c.person, f) {
		lines = append(lines, l.say("To stop it: reject %s", "要停下请发：驳回 %s", r.Code)) // who may not cancel may still end what waits
	}
	if lacking {
		lines = append(lines, b.grant(l, r.Flow))
	}
	return append(lines, c.ids(l))
}

// voting says who can vote, and what there is to see before a large vote.
func (s subject) voting(l Lang, lacking bool) []string {
	var lines []string
	if names := labels(s.voters.names); s.voters.known && len(names) > 0 {
		lines = append(lines, l.say("Who can approve: %s", "可以批准的人：%s", l.list(names)))
	} else if s.voters.known {
		lines = append(lines, l.say("Nobody else can approve it now.", "现在没有其他人可以批准。"))
	}
	if r := s.run; !lacking && r.Counts.Destructive() > 0 && r.Tier >= redTier {
		lines = append(lines, l.say("What it is about: %s, or show %s --file", "要看的内容：%s，或 详情 %s --文件", look(l, r), r.Code))
	}
	return lines
}

// look gives the command that shows what a vote is about.
func look(l Lang, r run.Run) string {
	show := Command{Verb: Show, Lang: l, Code: r.Code, Page: 1, Typed: run.NotRestated()}
	switch {
	case r.Counts.Delete > 0:
		show.Kind = "delete"
	case r.Counts.Disable > 0:
		show.Kind = "disable"
	}
	return show.String()
}

// find gives a run that the caller may see here.
func (b *Bot) find(ctx context.Context, c caller, code run.Code) (r run.Run, p *plan.Plan, f *Flow, err error) {
	r, p, err = b.o.Service.Get(ctx, code)
	if err != nil && (passing(err) || r.Code == "") {
		return r, nil, nil, err
	}
	if err != nil { // the plan is damaged: the run can be seen and stopped all the same
		b.o.Logger.ErrorContext(ctx, "plan cannot be shown", "run", code, "err", err)
		p = nil
	}
	f, ok := b.seen(c, r.Flow)
	if !ok {
		return run.Run{}, nil, nil, fault.New(fault.NotFound, "there is no run %s here / 这里没有运行 %s", code, code)
	}
	return r, p, f, nil
}
