package bot

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// start begins a run. The message's own id is the request's: a message that is
// handled twice begins one run.
func (b *Bot) start(ctx context.Context, c caller, cmd Command) (reply, error) {
	s := specOf(cmd.Verb)
	f, ok := b.seen(c, cmd.Flow)
	switch {
	case !ok:
		return b.noFlow(c, s, cmd.Flow), nil
	case !permits(s, c.person, f):
		return b.lacks(c, s, f), nil
	case !c.here(s, f):
		return b.notHere(c, f), nil
	case f.Paused && cmd.Verb == Sync:
		return notice(Warn, c.lang.say("%s is paused; nothing was run", "%s 已暂停，没有执行", f.Name),
			c.lang.say("“plan %s” still works.", "仍可以“预演 %s”。", f.Name)), nil
	}
	r, err := b.o.Service.Start(ctx, run.Request{
		ID: c.id, Flow: f.Name, Apply: cmd.Verb == Sync, Trigger: run.ByCommand, By: c.actor, Thread: c.thread(), Weak: c.m.Weak,
		Dept: cmd.Dept, Kind: cmd.Part,
	})
	if err != nil {
		return b.refused(c, cmd, subject{run: run.Run{Flow: f.Name}}, err)
	}
	return b.live(ctx, c, r)
}

// live answers with the run's live card.
func (b *Bot) live(ctx context.Context, c caller, r run.Run) (reply, error) {
	var p *plan.Plan
	if !r.Plan.IsZero() { // begun before, and answered only now
		var err error
		if r, p, err = b.o.Service.Get(ctx, r.Code); err != nil {
			return reply{}, err
		}
	}
	sc, err := b.scene(ctx, r, p)
	if err != nil {
		return reply{}, err
	}
	sc.lang, sc.can = c.lang, b.can(c)
	return reply{card: b.runCard(sc), of: sc.run}, nil
}

// can tells what may be drawn where the caller speaks.
func (b *Bot) can(c caller) Abilities {
	if p, there := b.platforms[c.m.Platform]; there {
		return p.Can()
	}
	return Abilities{}
}

// begun finds the run that this message began, if any.
func (b *Bot) begun(ctx context.Context, c caller) (run.Run, bool, error) {
	all, err := b.o.Service.List(ctx, run.Filter{Since: c.m.At.Add(-time.Minute), Limit: begunSearch})
	for _, r := range all {
		if r.RequestID == c.id {
			return r, true, nil
		}
	}
	return run.Run{}, false, err
}

// begunSearch is how many runs are looked through for the one of a message.
const begunSearch = 500

// obeyed answers a message that was obeyed before, and whose answer was lost.
func (b *Bot) obeyed(ctx context.Context, c caller, cmd Command) (reply, bool, error) {
	switch cmd.Verb {
	case Plan, Sync, Undo:
		r, found, err := b.begun(ctx, c)
		if err != nil || !found {
			return reply{}, false, err
		}
		answer, err := b.live(ctx, c, r)
		return answer, true, err
	case Approve, Reject, Cancel:
		r, p, _, err := b.find(ctx, c, cmd.Code)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			return reply{}, false, nil
		case err != nil:
			return reply{}, false, err
		case cmd.Verb == Cancel && b.stoppedSince(c, r):
			return b.stopped(c, r), true, nil
		case cmd.Verb != Cancel && b.votedHere(ctx, c, c.vote(cmd, r)):
			answer, err := b.counted(ctx, c, c.vote(cmd, r), scene{run: r, plan: p})
			return answer, true, err
		}
	default: // what only reads is simply answered again
	}
	return reply{}, false, nil
}

// vote is what a command of the caller says about a run.
func (c caller) vote(cmd Command, r run.Run) run.Vote {
	v := run.Vote{
		Run: r.Code, Decision: run.Approve, By: c.actor, Thread: c.thread(), Typed: cmd.Typed, Reason: undivided(cmd.Reason), Weak: c.m.Weak,
	}
	if cmd.Verb == Reject {
		v.Decision = run.Reject
	}
	v.Only, v.Hold = itemsOf(cmd.Only), itemsOf(cmd.Hold)
	return v
}

// itemsOf splits what was typed of a part of a plan: "研发部,#3-5".
func itemsOf(list string) []string {
	var all []string
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}

// undivided keeps what a person typed from being taken for a sentence in two
// languages.
func undivided(s string) string { return strings.ReplaceAll(s, " / ", "/") }

// vote approves or rejects. The engine is the judge.
func (b *Bot) vote(ctx context.Context, c caller, cmd Command) (reply, error) {
	r, p, _, err := b.find(ctx, c, cmd.Code)
	if fault.KindOf(err) == fault.NotFound {
		return b.noRun(c, cmd.Code), b.strayVote(ctx, c, cmd)
	}
	if err != nil {
		return reply{}, err
	}
	v := c.vote(cmd, r)
	if c.m.Press != nil && c.m.Press.Digest != "" {
		if err := v.Digest.UnmarshalText([]byte(c.m.Press.Digest)); err != nil {
			return b.refused(c, cmd, subject{run: r}, fault.New(fault.Invalid, "this card is damaged; type the command / 这张卡片已损坏，请改为输入命令"))
		}
	}
	decided, err := b.o.Service.Decide(ctx, v)
	if fault.KindOf(err) == fault.Conflict {
		r = b.newest(ctx, r)
		if b.votedHere(ctx, c, v) {
			decided, err = r, nil // counted before a crash; answered now
		}
	}
	if err != nil {
		about := subject{run: r}
		if fault.KindOf(err) == fault.Denied {
			var passed error
			if about.voters, passed = b.votersOf(ctx, r); passed != nil {
				return reply{}, passed
			}
		}
		return b.refused(c, cmd, about, err)
	}
	return b.counted(ctx, c, v, scene{run: decided, plan: p})
}

// newest reads a run again: somebody was faster.
func (b *Bot) newest(ctx context.Context, r run.Run) run.Run {
	now, _, err := b.o.Service.Get(ctx, r.Code)
	if err != nil && now.Code == "" {
		return r
	}
	return now
}

// counted says that a vote was counted.
func (b *Bot) counted(ctx context.Context, c caller, v run.Vote, sc scene) (reply, error) {
	if v.Decision == run.Reject {
		return notice(Quiet, c.lang.say("Rejected: %s · %s %s", "已驳回：%s · %s %s", sc.run.Code, c.lang.who(c.actor), b.hour(b.o.Now())),
			c.lang.say("No more of it will be applied.", "不会再执行它的任何变更。")), nil
	}
	var err error
	if sc.votes, err = b.o.Service.Votes(ctx, sc.run.Code); err != nil {
		return reply{}, err
	}
	sc.lang = c.lang
	return b.approved(c, sc), nil
}

// votedHere tells whether the vote that is in the way was cast by this very
// message.
func (b *Bot) votedHere(ctx context.Context, c caller, v run.Vote) bool {
	votes, err := b.o.Service.Votes(ctx, v.Run)
	if err != nil {
		return false
	}
	for _, old := range votes {
		if old.By.Person == c.actor.Person && old.Decision == v.Decision && old.Thread == v.Thread && !old.At.Before(c.since) {
			return true
		}
	}
	return false
}

// approved says what a vote did: what it covers, what is held back, and what is
// still missing.
func (b *Bot) approved(c caller, sc scene) reply {
	l, r := c.lang, sc.run
	have := len(approvals(r, sc.votes))
	title := l.say("Approved: %s · %s %s · %d/%d", "已批准：%s · %s %s · %d/%d", r.Code, l.who(c.actor), b.hour(b.o.Now()), have, r.Votes)
	lines := sc.covered(c.actor.Person)
	add := func(line string) { lines = append(lines, line) }
	tone := Waits
	switch {
	case r.State != run.Awaiting:
		tone = Info
		add(l.say("It is being applied now. To stop it: cancel %s", "开始执行。要停下请发：取消 %s", r.Code))
	case sc.open():
		add(l.say("%d more must approve.", "还需要 %d 位审批人。", sc.missing()))
	case !r.NotBefore.IsZero():
		add(l.say("It cools off until %s, then it begins by itself. To stop it: cancel %s", "冷静期到 %s，之后自动开始执行。要停下请发：取消 %s", b.hour(r.NotBefore), r.Code))
	default:
		add(l.say("The votes are there; it still waits for the confirmation outside the chat, see the card.", "票数已够，还等群外确认，见卡片。"))
	}
	return notice(tone, title, lines...)
}

// covered says which part of a plan a person's vote is on, when it is a part.
func (sc scene) covered(person string) []string {
	l := sc.lang
	for _, v := range approvals(sc.run, sc.votes) {
		if v.By.Person != person || v.Part == nil && len(v.Only)+len(v.Hold) == 0 {
			continue
		}
		var c plan.Counts
		for _, seq := range v.Part {
			if ch := sc.change(seq); ch != nil {
				c.Add(ch.Op)
			}
		}
		lines := []string{l.say("A part was approved: ", "批准了一部分：") + l.counts(c) + l.partOf(v)}
		var names []string
		held := sc.held()
		for _, ch := range held[:min(len(held), namesShown)] {
			names = append(names, "#"+strconv.Itoa(ch.Seq)+" "+l.op(ch.Op)+" "+l.person(ch))
		}
		if len(held) > len(names) {
			names = append(names, l.say("%d more", "另有 %d 项", len(held)-len(names)))
		}
		if len(names) > 0 {
			lines = append(lines, l.say("Held back, not to be done: ", "保留、不执行：")+strings.Join(names, l.say("; ", "；")))
		}
		return lines
	}
	return nil
}

// approvals gives the votes that approve the run's plan.
func approvals(r run.Run, votes []run.Vote) []run.Vote {
	var all []run.Vote
	for _, v := range votes {
		if v.Decision == run.Approve && (v.Digest == r.Plan || r.Plan.IsZero()) {
			all = append(all, v)
		}
	}
	return all
}

// cancel stops a run.
func (b *Bot) cancel(ctx context.Context, c caller, cmd Command) (reply, error) {
	r, _, _, err := b.find(ctx, c, cmd.Code)
	if err != nil {
		return b.notFound(c, cmd, err)
	}
	stopped, err := b.o.Service.Stop(ctx, r.Code, c.actor, undivided(cmd.Reason))
	if fault.KindOf(err) == fault.Conflict {
		if r = b.newest(ctx, r); b.stoppedSince(c, r) {
			stopped, err = r, nil // by this message, before a crash
		}
	}
	if err != nil {
		return b.refused(c, cmd, subject{run: r}, err)
	}
	return b.stopped(c, stopped), nil
}

// stoppedSince tells whether a run was stopped after the message came.
func (b *Bot) stoppedSince(c caller, r run.Run) bool {
	return r.State == run.Cancelled && !r.Ended.Before(c.since)
}

// stopped says that a run is being stopped, or is.
func (b *Bot) stopped(c caller, r run.Run) reply {
	l := c.lang
	if r.State == run.Applying {
		return notice(Warn, l.say("Stopping: %s", "正在停止：%s", r.Code),
			l.say("It stops before the next change and reports what was done.", "会在下一项变更之前停下，并报告已经做了什么。"))
	}
	return notice(Quiet, l.say("Cancelled: %s · %s %s", "已取消：%s · %s %s", r.Code, l.who(c.actor), b.hour(b.o.Now())),
		l.say("See: status %s", "可查看：状态 %s", r.Code))
}

// notFound answers a code that names nothing the caller may see.
func (b *Bot) notFound(c caller, cmd Command, err error) (reply, error) {
	if fault.KindOf(err) == fault.NotFound {
		return b.noRun(c, cmd.Code), nil
	}
	return reply{}, err
}
